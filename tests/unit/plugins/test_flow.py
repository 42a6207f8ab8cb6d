# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The results of modules that an action passes on. The module's process and the templates are not real."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader

from ansible_collections.datalab.notebooks.plugins.plugin_utils.flow import FlowAction
from ansible_collections.datalab.notebooks.tests.unit.plugins.outcomes import outcome


class TwoReads(FlowAction):
    """An action that runs a module twice; the module returns the same each time."""

    returned: Mapping[str, Any]

    def planned(self, _options: Mapping[str, Any]) -> dict[str, Any]:
        read = [self.module("platform_read", {}), self.module("platform_read", {}, check=True)]
        self.foretell(read[0].get("instances", ()))
        return {"read": read}

    def _execute_module(self, **_arguments: Any) -> dict[str, Any]:
        return dict(self.returned)


def run(in_check_mode: Any = False, **returned: Any) -> dict[str, Any]:
    connection = connection_loader.get("local", PlayContext())
    task = Task()
    task.check_mode = in_check_mode
    action = TwoReads(task, connection, PlayContext(), DataLoader(), None, None)
    action.returned = returned
    return action.run()


def test_remarks_of_modules_reach_the_user() -> None:
    remarks: dict[str, list[Any]] = {"warnings": ["boto3 is old"], "deprecations": [{"msg": "aws_x"}]}
    result = run(**remarks, vpcs=[], invocation={})
    assert result["read"] == [{"vpcs": []}, {"vpcs": []}]
    assert {kind: result[kind] for kind in remarks} == {kind: 2 * said for kind, said in remarks.items()}


def test_a_module_that_fails_ends_the_action() -> None:
    with pytest.raises(AnsibleActionFail, match="no network"):
        run(failed=True, msg="no network")


def test_instances_that_failed_are_a_result() -> None:
    assert run(failed=True, msg="alice: no capacity", instances=[])["read"] == [{"instances": []}] * 2


@pytest.mark.parametrize(("in_check_mode", "said"), [(False, ["This will fail: bob: no quota"]), (True, [])])
def test_a_later_failure_is_reported_before_anything_is_created(in_check_mode: bool, said: list[str]) -> None:
    outcomes = [outcome("alice"), outcome("bob", failed=True, msg="bob: no quota")]
    assert run(in_check_mode, instances=outcomes)["warnings"] == said
