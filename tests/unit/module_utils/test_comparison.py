# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""If a lifecycle configuration cannot be read or written, only the people whose instances use it fail."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.comparison import comparison
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.lifecycle_config import DesiredConfig
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import ROLE, have, want

NEW = {"instance_type": "ml.t3.medium", "role_arn": ROLE}
HAS = have("Stopped", lifecycle_config_name="other")
FAILED = {"other": NotebookError("too long")}
CASES = {
    "created with it": (want(**NEW, lifecycle_config_name="other"), None, True),
    "given it": (want(lifecycle_config_name="other"), have("Stopped"), True),
    "has it": (want(volume_size_in_gb=50), HAS, True),
    "is given another": (want(lifecycle_config_name="datalab"), HAS, False),
    "is freed of it": (want(lifecycle_config_name=""), HAS, False),
    "is removed": (want(state="absent"), HAS, False),
    "never had it": (want(volume_size_in_gb=50), have("Stopped"), False),
}


@pytest.mark.parametrize(("desired", "current", "left"), CASES.values(), ids=CASES)
def test_whose_instance_is_left_alone(desired: Any, current: Any, left: bool) -> None:
    made = comparison([], [(desired, current)])
    assert made.changed
    after = made.without_configs(FAILED)
    assert (after.changed, list(after.errors)) == (not left, [desired.name] if left else [])
    assert not after.is_settled


def test_a_configuration_of_no_instance_fails_by_itself() -> None:
    made = comparison([(DesiredConfig("other"), FAILED["other"]), (DesiredConfig("datalab"), None)], [])
    told = {each["name"]: (each["changed"], each["failed"]) for each in made.told()["lifecycle_configs"]}
    assert told == {"other": (False, True), "datalab": (True, False)}
    assert [diff["before_header"] for diff in made.told()["diff"]] == ["datalab"]
