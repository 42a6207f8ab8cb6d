# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The first stations of every run, as actions take them: roster, preflight, read."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from .inventory_data import read_inventory
from .preflight import ALL, Wanted, preflight
from .problems import Problem, problems_message
from .variables import shortened_words

NO_BOTO3 = "boto3 is missing for the Python that runs Ansible; install it there: {python} -m pip install boto3"
SECTIONS = {"type": "list", "elements": "str", "choices": list(ALL), "default": list(ALL)}


class FlowAction(ActionBase):
    """An action that plans on the controller, where the inventory is; modules ask AWS."""

    _supports_check_mode = True
    OPTIONS: ClassVar[Mapping[str, Any]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not find_spec("boto3"):
            raise AnsibleActionFail(NO_BOTO3.format(python=sys.executable))
        given = self._task.args
        # The others say how AWS is reached: they are the modules'.
        self._connection_options = {key: value for key, value in given.items() if key not in self.OPTIONS}
        self._task.args = {key: value for key, value in given.items() if key in self.OPTIONS}
        try:
            _unused, options = self.validate_argument_spec(dict(self.OPTIONS))
        finally:
            self._task.args = given  # with which `until` runs the task again
        self._variables = task_vars or {}
        self._remarks: dict[str, list[Any]] = {"warnings": [], "deprecations": []}
        return {**result, "changed": False, **self.planned(options), **self._remarks}

    def planned(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What the action returns."""
        raise NotImplementedError

    def wanted(self, sections: Collection[str], person: str | None = None, *, removal: bool = False) -> Wanted:
        """The settings and people of the inventory, for the play's people or one person; fails with all mistakes."""
        inventory = read_inventory(self._templar, self._loader, self._variables)
        self._remarks["warnings"] += shortened_words(inventory)
        people = [str(name) for name in ([person] if person else self._variables["ansible_play_hosts_all"])]
        is_limited = person is not None or "ansible_limit" in self._variables
        leaver = person and str(person)
        wanted, problems = preflight(inventory, sections, people, is_limited=is_limited, leaver=leaver, removal=removal)
        if problems:
            raise AnsibleActionFail(problems_message(problems, people=wanted.people))
        return wanted

    def compared(self, wanted: Wanted, **request: Any) -> dict[str, Any]:
        """The changes that the fleet module would make to instances and lifecycle configurations."""
        rate = wanted.settings["fleet"]["max_requests_per_second"]
        return self.module("sagemaker_notebook_fleet", {**request, "max_requests_per_second": rate}, check=True)

    def foretell(self, outcomes: Iterable[Mapping[str, Any]]) -> None:
        """Before anything is created, warn of instances that will fail. In check mode the table names them."""
        if not self._task.check_mode:
            self._remarks["warnings"] += [f"This will fail: {each['msg']}" for each in outcomes if each["failed"]]

    def module(self, name: str, options: Mapping[str, Any], *, check: bool = False) -> dict[str, Any]:
        """The result of a module of this collection; one in which only instances have failed is a result, too."""
        before = self._task.check_mode
        self._task.check_mode = before or check
        try:
            result: dict[str, Any] = self._execute_module(
                module_name=f"datalab.notebooks.{name}",
                module_args={**self._connection_options, **options},
                task_vars=self._variables,
            )
        finally:
            self._task.check_mode = before
        for kind in self._remarks:
            self._remarks[kind] += result.pop(kind, ())
        if result.get("failed") and "instances" not in result:
            raise AnsibleActionFail(result.get("msg", f"{name} failed"), result=result)
        return {key: value for key, value in result.items() if key not in NOT_RETURNED}


NOT_RETURNED = frozenset({"failed", "invocation", "msg"})


def refuse(problems: Collection[Problem], wanted: Wanted) -> None:
    """Fails with these problems, if there are any."""
    if problems:
        raise AnsibleActionFail(problems_message(problems, people=wanted.people, subject="with what AWS has"))
