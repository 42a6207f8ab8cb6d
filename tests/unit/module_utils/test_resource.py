# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The flow of all resources: the calls in each state, in order, and how the module ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import Resource, State, run

WANTED = {"name": "lamp", "colour": "red"}
OTHER = {"name": "lamp", "colour": "blue"}
FRESH = {**WANTED, "arn": "arn:aws:lamp"}  # as AWS returns it after a change


@dataclass(frozen=True)
class LampPlan:
    """The plan of a lamp."""

    before: State | None
    after: State
    changed: bool


@dataclass
class Lamp(Resource[LampPlan]):
    """A resource that records its calls. `fails` names the call that raises `error`."""

    current: State | None
    fails: str | None = None
    error: NotebookError | None = None
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    key = "lamp"

    def note(self, call: str) -> None:
        self.asked.append(call)
        if self.error and call == self.fails:
            raise self.error

    def problems(self) -> list[str]:
        self.note("problems")
        return self.wrong

    def absence_problems(self) -> list[str]:
        self.note("absence_problems")
        return self.wrong or super().absence_problems()

    def read(self) -> State | None:
        self.note("read")
        return self.current

    def plan(self, current: State | None) -> LampPlan:
        self.note("plan")
        return LampPlan(current, WANTED, changed=current != WANTED)

    def apply(self, plan: LampPlan) -> None:
        self.note("apply")
        self.current = FRESH

    def assert_deletable(self, current: State) -> None:
        self.note("assert_deletable")
        super().assert_deletable(current)

    def delete(self, current: State) -> None:
        self.note("delete")


class Ended(Exception):
    """The end of a module, as an exception."""


class Module:
    """The part of a module that run() uses."""

    def __init__(self, state: str, check_mode: bool = False, **params: Any) -> None:
        self.params = {"state": state, **params}
        self.check_mode = check_mode

    def exit_json(self, **result: Any) -> None:
        raise Ended("exit", result)

    def fail_json(self, **result: Any) -> None:
        raise Ended("fail", result)


def end_of(module: Module, resource: Lamp) -> tuple[str, dict[str, Any]]:
    """Run the module, and return its end and its result."""
    with pytest.raises(Ended) as ended:
        run(module, resource)
    how, result = ended.value.args
    return how, result


@dataclass(frozen=True)
class Case:
    """One situation, the calls of the resource, and the result of the module."""

    name: str
    module: Module
    current: State | None
    asked: str
    changed: bool
    lamp: State | None


PRESENT, PRESENT_CHECK = Module("present"), Module("present", check_mode=True)
ABSENT, ABSENT_CHECK = Module("absent"), Module("absent", check_mode=True)
FORCED, FORCED_CHECK = Module("absent", force=True), Module("absent", check_mode=True, force=True)
NOT_FORCED = Module("absent", force=False)

CASES = [
    Case("present, none", PRESENT, None, "problems read plan apply read", True, FRESH),
    Case("present, none, check", PRESENT_CHECK, None, "problems read plan", True, WANTED),
    Case("present, another", PRESENT, OTHER, "problems read plan apply read", True, FRESH),
    Case("present, another, check", PRESENT_CHECK, OTHER, "problems read plan", True, WANTED),
    Case("present, the same", PRESENT, WANTED, "problems read plan", False, WANTED),
    Case("present, the same, check", PRESENT_CHECK, WANTED, "problems read plan", False, WANTED),
    Case("absent, there", ABSENT, OTHER, "absence_problems read assert_deletable delete", True, None),
    Case("absent, there, check", ABSENT_CHECK, OTHER, "absence_problems read assert_deletable", True, None),
    Case("absent, there, not forced", NOT_FORCED, OTHER, "absence_problems read assert_deletable delete", True, None),
    Case("absent, there, forced", FORCED, OTHER, "absence_problems read delete", True, None),
    Case("absent, there, forced, check", FORCED_CHECK, OTHER, "absence_problems read", True, None),
    Case("absent, none", ABSENT, None, "absence_problems read", False, None),
    Case("absent, none, check", ABSENT_CHECK, None, "absence_problems read", False, None),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_flow(case: Case) -> None:
    lamp = Lamp(case.current)
    after = WANTED if case.module.params["state"] == "present" else {}
    diff = {"before": case.current or {}, "after": after}
    assert end_of(case.module, lamp) == ("exit", {"changed": case.changed, "lamp": case.lamp, "diff": diff})
    assert lamp.asked == case.asked.split()


@pytest.mark.parametrize("module", [PRESENT, ABSENT, FORCED], ids=["present", "absent", "forced"])
def test_mistakes_are_refused_before_any_read(module: Module) -> None:
    lamp = Lamp(OTHER, wrong=["name: too long", "colour: unknown"])
    assert end_of(module, lamp) == ("fail", {"msg": "name: too long\ncolour: unknown"})
    assert lamp.asked in (["problems"], ["absence_problems"])


@pytest.mark.parametrize(
    ("module", "fails"),
    [
        *[(PRESENT, call) for call in ("problems", "read", "plan", "apply")],
        *[(ABSENT, call) for call in ("absence_problems", "read", "assert_deletable", "delete")],
    ],
    ids=lambda value: value if isinstance(value, str) else value.params["state"],
)
def test_an_error_ends_the_module_once_and_nothing_follows(module: Module, fails: str) -> None:
    lamp = Lamp(OTHER, fails=fails, error=InputError([f"cannot {fails}"]))
    assert end_of(module, lamp) == ("fail", {"msg": f"cannot {fails}"})
    assert lamp.asked[-1] == fails


class SettlingLamp(Lamp):
    """A lamp that is gone once it has settled."""

    def read_settled(self) -> State | None:
        self.note("read_settled")
        return None


@pytest.mark.parametrize(
    ("module", "asked"),
    [(PRESENT, "problems read_settled plan apply read"), (ABSENT, "absence_problems read_settled")],
    ids=["present", "absent"],
)
def test_decides_on_what_has_settled_and_returns_what_is_there(module: Module, asked: str) -> None:
    lamp = SettlingLamp(OTHER)
    end_of(module, lamp)
    assert lamp.asked == asked.split()


class TellingLamp(Lamp):
    """A lamp that shows only its colour in a diff."""

    shown = ("colour",)


@pytest.mark.parametrize(("module", "after"), [(PRESENT, {"colour": "red"}), (ABSENT, {})], ids=["present", "absent"])
def test_a_resource_shows_what_it_likes_in_a_diff(module: Module, after: State) -> None:
    assert end_of(module, TellingLamp(OTHER))[1]["diff"] == {"before": {"colour": "blue"}, "after": after}
