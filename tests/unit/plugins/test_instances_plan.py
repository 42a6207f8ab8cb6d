# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""People's instances compared with those that were read: the changes, and whether more has to be read to know them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import filled
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import (
    IMDS,
    IMDS_VERSION,
    RESTART_TAG,
    VERIFIED_TAG,
    current_from_answer,
    desired_from_options,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.desired import Place
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.fleet import fleet_request
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.instances import (
    compare,
    doubtful,
    merged,
    needs_quotas,
    to_describe,
    wanted_to_read,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import Wanted
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, wanted

MODIFIED = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/datalab-research"
HIDDEN = ("RoleArn", "VolumeSizeInGB", "PlatformIdentifier", "RootAccess", IMDS)  # lists do not have these


def people(*hosts: str, names: tuple[str, ...] = ("alice", "bob"), **shared: Any) -> Wanted:
    return wanted(inventory({"research": names}, shared=shared), *hosts)


REQUEST = fleet_request(people("alice"), Place(role_arn=ROLE))
(ALICE,) = REQUEST["instances"]


def described(**more: Any) -> dict[str, Any]:
    """DescribeNotebookInstance's answer about Alice's instance, which is as desired except for `more`."""
    return {
        "NotebookInstanceName": "datalab-alice",
        "NotebookInstanceArn": "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/datalab-alice",
        "NotebookInstanceStatus": "InService",
        "LastModifiedTime": MODIFIED.isoformat(),
        "InstanceType": ALICE["instance_type"],
        "NotebookInstanceLifecycleConfigName": "datalab",
        "RoleArn": ROLE,
        "VolumeSizeInGB": ALICE["volume_size_in_gb"],
        "PlatformIdentifier": ALICE["platform_identifier"],
        "RootAccess": "Disabled",
        IMDS: {IMDS_VERSION: "2"},
        **more,
    }


SEAL = current_from_answer({**described(), "LastModifiedTime": MODIFIED}, {}).seal(desired_from_options(filled(ALICE)))
TAGS = {"owner": "alice", "team": "research", "platform": "datalab", VERIFIED_TAG: SEAL}


def listed(**more: Any) -> dict[str, Any]:
    """An element of ListNotebookInstances' answer."""
    return {key: value for key, value in described(**more).items() if key not in HIDDEN}


def found(*answers: dict[str, Any], tags: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """The result of a read in which the scripts are as desired."""
    return {
        "instances": [{"answer": answer, "tags": {**TAGS, **(tags or {})}} for answer in answers],
        "errors": {},
        "lifecycle_configs": {each["name"]: each for each in REQUEST["lifecycle_configs"]},
        "config_errors": {},
        **more,
    }


NO_SEAL = {VERIFIED_TAG: ""}


@pytest.mark.parametrize(
    ("read", "names"),
    [
        (found(listed()), []),
        (found(), []),
        (found(listed(), tags=NO_SEAL), ["datalab-alice"]),
        (found(listed(LastModifiedTime="2026-03-01T08:30:01+00:00")), ["datalab-alice"]),
        (found(listed(InstanceType="ml.m5.large")), []),
        (found(listed(InstanceType="ml.m5.large", NotebookInstanceStatus="Stopped")), ["datalab-alice"]),
        (found(listed(), tags={"team": "fraud"}), ["datalab-alice"]),
        (found(described(InstanceType="ml.m5.large"), tags=NO_SEAL), []),
        (found(listed(NotebookInstanceName="experiment"), tags=NO_SEAL), []),
    ],
    ids=["sealed", "gone", "unsealed", "modified", "waits", "to be updated", "another tag", "described", "another's"],
)
def test_who_has_to_be_described(read: dict[str, Any], names: list[str]) -> None:
    assert doubtful(REQUEST, read) == names


OTHER_SCRIPTS = {"datalab": {"on_create": "#!/bin/bash\n", "on_start": None}}


@pytest.mark.parametrize(
    ("read", "settled", "changes"),
    [
        (found(listed()), True, {}),
        (found(described()), True, {}),
        (found(described(), tags=NO_SEAL), False, {}),
        (found(described(), tags={RESTART_TAG: "true"}), False, {}),
        (found(described(VolumeSizeInGB=5)), True, {}),
        (found(described(VolumeSizeInGB=5, NotebookInstanceStatus="Stopped")), False, {"volume_size_in_gb": 20}),
        (found(described(VolumeSizeInGB=99)), False, {}),
        (found(described(), lifecycle_configs=OTHER_SCRIPTS), False, {}),
        (found(described(), lifecycle_configs={"datalab": None}), False, {}),
    ],
    ids=[
        "as verified",
        "as described",
        "not marked yet",
        "owed a start",
        "waits for a stop",
        "to be updated",
        "refused",
        "other scripts",
        "no configuration",
    ],
)
def test_what_would_happen(read: dict[str, Any], settled: bool, changes: dict[str, Any]) -> None:
    compared = compare(REQUEST, read)
    (outcome,) = compared["instances"]
    assert (compared["is_settled"], outcome["after"]) == (settled, changes)


@pytest.mark.parametrize(
    ("status", "waits", "changes"),
    [("InService", ["root_access"], {}), ("Stopped", [], {"root_access": "Disabled"})],
)
def test_root_access_of_an_earlier_release_goes_at_the_next_stop(
    status: str, waits: list[str], changes: dict[str, str]
) -> None:
    read = found(described(RootAccess="Enabled", NotebookInstanceStatus=status), tags=NO_SEAL)
    (outcome,) = compare(REQUEST, read)["instances"]
    assert (list(outcome["pending"]), outcome["after"]) == (waits, changes)


def test_a_mistake_is_told_as_the_module_tells_it() -> None:
    (outcome,) = compare(REQUEST, found(described(VolumeSizeInGB=99)))["instances"]
    assert outcome["failed"]
    assert "alice: notebook_volume_size_in_gb: a volume cannot shrink from 99 to 20 GiB" in outcome["msg"]


def test_who_is_in_no_inventory() -> None:
    others = [listed(NotebookInstanceName=name) for name in ("datalab-bob", "experiment")]
    assert [each["name"] for each in compare(REQUEST, found(listed(), *others))["unmanaged"]] == ["experiment"]


@pytest.mark.parametrize(
    ("source", "complete", "limited", "list_all"),
    [
        (people("alice"), False, True, False),
        (people("alice"), True, True, True),
        (people(), False, False, True),
        (people(names=tuple(f"p{number}" for number in range(11))), False, True, True),
    ],
    ids=["one", "one in a table", "everybody", "many"],
)
def test_when_the_account_is_listed(source: Wanted, complete: bool, limited: bool, list_all: bool) -> None:
    request = wanted_to_read(source, own_mounts=True, complete=complete, limited=limited)
    assert (request["list_all"], request["describe"]) == (list_all, complete)


@pytest.mark.parametrize(
    ("isolation", "own_mounts", "configs"),
    [
        ("shared", True, ["datalab"]),
        ("access_point", True, ["datalab-alice", "datalab-bob"]),
        ("access_point", False, ["datalab"]),
    ],
)
def test_the_configurations_that_are_read(isolation: str, own_mounts: bool, configs: list[str]) -> None:
    source = people(platform_storage_isolation=isolation)
    request = wanted_to_read(source, own_mounts=own_mounts, complete=True, limited=False)
    assert request["lifecycle_configs"] == configs


def test_what_is_read_of_a_few() -> None:
    request = to_describe(people(), ["datalab-bob"])
    assert (request["names"], request["list_all"], request["lifecycle_configs"]) == (["datalab-bob"], False, [])


REFUSED = {"datalab-alice": "not you"}


@pytest.mark.parametrize(
    "read",
    [
        found(errors=REFUSED),
        merged(found(listed(), tags=NO_SEAL), {"instances": [], "errors": REFUSED}),
    ],
    ids=["at once", "of one that was listed"],
)
def test_an_instance_that_aws_does_not_tell_is_left_alone(read: dict[str, Any]) -> None:
    compared = compare(REQUEST, read)
    (alice,) = compared["instances"]
    assert (alice["status"], alice["failed"], alice["msg"]) == ("unknown", True, "alice: not you")
    assert (compared["changed"], compared["is_settled"]) == (False, False)


@pytest.mark.parametrize("status", ["InService", "Stopped"])
def test_a_configuration_that_aws_does_not_tell_is_its_peoples_trouble(status: str) -> None:
    instances = described(VolumeSizeInGB=5, NotebookInstanceStatus=status)
    compared = compare(REQUEST, found(instances, config_errors={"datalab": "not you"}, lifecycle_configs={}))
    (alice,), (config,) = compared["instances"], compared["lifecycle_configs"]
    assert (alice["failed"], alice["msg"]) == (True, "alice: lifecycle configuration datalab: not you")
    assert (alice["after"], bool(alice["pending"])) == ({}, status == "InService")
    assert config == {"name": "datalab", "changed": False, "created": False, "failed": True, "msg": "not you"}
    assert (compared["changed"], compared["is_settled"], compared["diff"]) == (False, False, [])


def test_the_instance_of_another_person_is_left_alone() -> None:
    read = found(listed(), tags={"owner": "bob"})
    assert doubtful(REQUEST, read) == ["datalab-alice"]
    compared = compare(REQUEST, merged(read, found(described(), tags={"owner": "bob"})))
    (alice,) = compared["instances"]
    assert "datalab-alice is bob's by its tag owner" in alice["msg"]
    assert (alice["failed"], compared["changed"], compared["is_settled"]) == (True, False, False)


def test_a_change_beyond_a_quota_is_not_made_and_reported() -> None:
    compared = compare(REQUEST, found())
    assert needs_quotas(compared)
    assert not needs_quotas(compare(REQUEST, found(listed())))
    name = f"{ALICE['instance_type']} for notebook instance usage"
    quota = {"QuotaName": name, "QuotaCode": "L-1", "Value": 0.0}
    (alice,) = compare(REQUEST, found(quotas={"region": "eu-central-1", "quotas": {name: quota}}))["instances"]
    assert (alice["failed"], alice["changed"], alice["after"]) == (True, False, {})
    assert f"alice: notebook_instance_type: the quota {name!r} in eu-central-1 is 0" in alice["msg"]
