# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""How a module makes a resource present or absent: the common flow, and the interface of a resource.

An instance has more states than these two; sagemaker/plan.py and sagemaker/converge.py are its flow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from .errors import InputError, reporting_errors

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

State = dict[str, Any]  # a resource in snake_case, as its module returns it


class Plan(Protocol):
    """The plan of one resource."""

    @property
    def before(self) -> State | None:
        """The values that were read."""

    @property
    def after(self) -> State:
        """The resource as it will be."""

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""


P = TypeVar("P", bound=Plan)


class Resource(ABC, Generic[P]):
    """The interface of a resource. Only `apply` and `delete` change anything."""

    key: ClassVar[str]  # of the resource in the module's result
    shown: ClassVar[tuple[str, ...]] = ()  # by `--diff`; () for all that there is

    @abstractmethod
    def problems(self) -> list[str]:
        """One sentence for each mistake in the options, whatever AWS has."""

    def absence_problems(self) -> list[str]:
        """One sentence for each reason why it can never be absent."""
        return []

    @abstractmethod
    def read(self) -> State | None:
        """The existing resource; None if there is none."""

    def read_settled(self) -> State | None:
        """The existing resource in a lasting state: a resource with passing states waits here."""
        return self.read()

    @abstractmethod
    def plan(self, current: State | None) -> P:
        """The plan from `current` to the wanted resource; raises InputError if AWS cannot do it."""

    @abstractmethod
    def apply(self, plan: P) -> None:
        """Makes the calls that the plan asks for."""

    def assert_deletable(self, current: State) -> None:
        """Raises InputError if deleting it would lose data or access; not asked with `force`."""

    @abstractmethod
    def delete(self, current: State) -> None:
        """Deletes it."""

    def diff(self, before: State | None, after: State | None) -> dict[str, Any]:
        """What `--diff` shows."""
        return {"before": self._as_shown(before), "after": self._as_shown(after)}

    def _as_shown(self, state: State | None) -> State:
        if state is None:
            return {}
        return {key: state.get(key) for key in self.shown} if self.shown else state


def run(module: AnsibleAWSModule, resource: Resource[Any]) -> None:
    """Ends the module with the resource as its options want it, or with the reason why that is not possible."""
    with reporting_errors(module):
        if module.params["state"] == "absent":
            module.exit_json(**_ensure_absent(resource, module.check_mode, force=module.params.get("force", False)))
        else:
            module.exit_json(**_ensure_present(resource, module.check_mode))


def _ensure_present(resource: Resource[P], check_mode: bool) -> dict[str, Any]:
    _refuse(resource.problems())
    plan = resource.plan(resource.read_settled())
    after: State | None = plan.after
    if plan.changed and not check_mode:
        resource.apply(plan)
        after = resource.read()
    return {"changed": plan.changed, resource.key: after, "diff": resource.diff(plan.before, plan.after)}


def _ensure_absent(resource: Resource[P], check_mode: bool, *, force: bool) -> dict[str, Any]:
    _refuse(resource.absence_problems())
    before = resource.read_settled()
    if before and not force:
        resource.assert_deletable(before)
    if before and not check_mode:
        resource.delete(before)
    return {"changed": before is not None, resource.key: None, "diff": resource.diff(before, None)}


def _refuse(problems: list[str]) -> None:
    if problems:
        raise InputError(problems)
