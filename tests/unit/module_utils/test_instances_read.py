# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The calls that read instances for a plan."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import (
    VERIFIED_TAG,
    current_from_answer,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.read import currents, read_instances
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import (
    MODIFIED,
    SETTINGS,
    arn_of,
    as_list,
    described,
    summary,
    want,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import Current
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

pytestmark = pytest.mark.usefixtures("one_at_a_time")

SEAL = {VERIFIED_TAG: described().seal(want(**SETTINGS))}
LATER = MODIFIED + timedelta(seconds=1)
SEALED, CHANGED, FOREIGN = "datalab-alice", "datalab-bob", "experiment"
CONFIG = {"NotebookInstanceLifecycleConfigName": "datalab"}


def is_listed(sagemaker: Script, tagging: Script) -> None:
    """Expect the account's lists next: one instance was modified after an earlier run had verified it."""
    mappings = [{"ResourceARN": arn_of(name), "Tags": as_list(SEAL)} for name in (SEALED, CHANGED, FOREIGN)]
    resources = {"ResourceTypeFilters": ["sagemaker:notebook-instance"], "ResourcesPerPage": 100}
    tagging.call("get_resources", resources, {"ResourceTagMappingList": mappings})
    instances = [summary(SEALED), summary(CHANGED, LastModifiedTime=LATER), summary(FOREIGN, LastModifiedTime=LATER)]
    sagemaker.call("list_notebook_instances", {"MaxResults": 100}, {"NotebookInstances": instances})


def read(sagemaker: Script, tagging: Script, names: tuple[str, ...], **more: Any) -> dict[str, Current]:
    """Return the result of a read, converted as on its way from the module to the action."""
    clients = {"sagemaker": sagemaker.client, "resourcegroupstaggingapi": tagging.client}
    wanted = {"names": list(names), "list_all": True, "describe": True, "lifecycle_configs": [], **more}
    return currents(json.loads(json.dumps(read_instances(clients, wanted))))


def test_describes_of_the_account_only_what_was_modified(sagemaker: Script, tagging: Script) -> None:
    is_listed(sagemaker, tagging)
    sagemaker.reads(CHANGED, {"owner": CHANGED}, LastModifiedTime=LATER)
    found = read(sagemaker, tagging, (SEALED, CHANGED, "datalab-new"))
    assert {name: current.described is not None for name, current in found.items()} == {
        SEALED: False,
        CHANGED: True,
        FOREIGN: False,
    }
    assert (found[CHANGED].last_modified, found[CHANGED].tags) == (LATER, {"owner": CHANGED})


def test_lists_may_be_enough(sagemaker: Script, tagging: Script) -> None:
    is_listed(sagemaker, tagging)
    found = read(sagemaker, tagging, (SEALED, CHANGED), describe=False)
    assert found[SEALED] == current_from_answer(summary(SEALED), SEAL)
    assert not any(current.described for current in found.values())


def test_describes_a_few_without_the_account(sagemaker: Script, tagging: Script) -> None:
    sagemaker.reads(SEALED, {"owner": SEALED}, LastModifiedTime=LATER)
    sagemaker.looks(None, name="datalab-new")
    assert list(read(sagemaker, tagging, (SEALED, "datalab-new"), list_all=False)) == [SEALED]


def test_one_that_aws_does_not_tell_hides_no_other(sagemaker: Script, tagging: Script) -> None:
    params = {"NotebookInstanceName": CHANGED}
    sagemaker.refuse("describe_notebook_instance", params, "AccessDeniedException", "not you")
    sagemaker.reads(SEALED, {"owner": SEALED}, LastModifiedTime=LATER)
    clients = {"sagemaker": sagemaker.client, "resourcegroupstaggingapi": tagging.client}
    wanted = {"names": [CHANGED, SEALED], "list_all": False, "describe": True, "lifecycle_configs": []}
    found = read_instances(clients, wanted)
    assert list(currents(json.loads(json.dumps(found)))) == [SEALED]
    assert list(found["errors"]) == [CHANGED]
    assert "not you" in found["errors"][CHANGED]


def test_reads_the_scripts_of_lifecycle_configurations(sagemaker: Script, tagging: Script) -> None:
    content = [{"Content": base64.b64encode(b"#!/bin/bash\n").decode()}]
    sagemaker.call("describe_notebook_instance_lifecycle_config", CONFIG, {**CONFIG, "OnStart": content})
    missing = {"NotebookInstanceLifecycleConfigName": "datalab-new"}
    text = "Notebook Instance Lifecycle Config datalab-new does not exist"
    sagemaker.refuse("describe_notebook_instance_lifecycle_config", missing, "ValidationException", text)
    clients = {"sagemaker": sagemaker.client, "resourcegroupstaggingapi": tagging.client}
    wanted = {"names": [], "list_all": False, "describe": True, "lifecycle_configs": ["datalab", "datalab-new"]}
    found = read_instances(clients, wanted)["lifecycle_configs"]
    assert (found["datalab"]["on_start"], found["datalab"]["on_create"]) == ("#!/bin/bash\n", None)
    assert found["datalab-new"] is None
