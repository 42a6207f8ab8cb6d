# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan of one instance. Pure: check mode, diff mode and the real run read the same plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    compare_aws_tags,
)

from ..common.errors import InputError, NotebookError
from .instance import FIELDS, RESTART_TAG, Current, Desired, Field, other_owner, request_params

RUNNING = frozenset({"InService", "Pending", "PendingMaintenance", "InMaintenance"})
CREATED_WITH = {"minimum_instance_metadata_service_version": "2"}  # AWS's own default lets version 1 through
UNTOLD = {"ip_address_type": "ipv4", "minimum_instance_metadata_service_version": "1"}  # what older instances have
RETIRED_PLATFORMS = ("notebook-al1-", "notebook-al2-")  # https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-al2.html

Action = Literal[
    "create", "update", "start", "stop", "delete", "set_tags", "delete_tags",  # change something
    "mark", "unmark",  # our mark that the instance has to be started again
    "await_running", "await_stopped", "await_gone",  # wait for a change that has begun
]  # fmt: skip
NO_CHANGE = frozenset({"mark", "unmark", "await_running", "await_stopped", "await_gone"})


@dataclass(frozen=True)
class Step:
    """One API call, or one state to wait for."""

    action: Action
    params: Any = None


@dataclass(frozen=True)
class Plan:
    """The steps for one instance, in this order; empty if nothing differs."""

    desired: Desired
    current: Current | None
    steps: tuple[Step, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)  # what the steps change, by option
    after: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, Any] = field(default_factory=dict)  # changes that wait for a stop: option → before, after
    pending_reason: str | None = None
    pending_problem: str | None = None  # why AWS would refuse the pending changes
    is_read: bool = True  # whether AWS has answered

    @property
    def changed(self) -> bool:
        """Whether a step changes a setting of the user."""
        return any(step.action not in NO_CHANGE for step in self.steps)

    @property
    def config(self) -> str:
        """The wanted lifecycle configuration; "" for none, or if the instance is to be deleted."""
        if self.desired.state == "absent":
            return ""
        option = "lifecycle_config_name"
        has = self.current.fields if self.current else {}
        name: str = self.desired.fields.get(option, has.get(option)) or ""
        return name

    @property
    def left_alone(self) -> Plan:
        """The same without its steps: waiting changes keep waiting."""
        return replace(self, steps=(), before={}, after={})


def make_plans(
    pairs: list[tuple[Desired, Current | NotebookError | None]],
) -> tuple[list[Plan], dict[str, NotebookError]]:
    """The plans of all pairs, and by the instance's name why one is impossible; its plan is empty."""
    plans, refused = [], {}
    for desired, current in pairs:
        if isinstance(current, NotebookError):
            plans.append(Plan(desired, None, is_read=False))
            refused[desired.name] = current
            continue
        try:
            plans.append(plan(desired, current))
        except InputError as error:
            plans.append(Plan(desired, current))
            problems = [problem.removeprefix(f"{desired.who}: ") for problem in error.problems]
            refused[desired.name] = NotebookError("; ".join(problems))
    return plans, refused


def plan(desired: Desired, current: Current | None) -> Plan:
    """The plan from `current` to `desired`; raises InputError if AWS has no way."""
    require_owner(desired, current)
    if desired.state == "absent":
        return _plan_absent(desired, current)
    if current is None:
        return _plan_create(desired, current, ())
    if current.status == "Deleting":
        return _plan_create(desired, current, (Step("await_gone"),))
    return _plan_existing(desired, current)


def require_owner(desired: Desired, current: Current | None) -> None:
    """Raises InputError for the instance of another person, unless it is being deleted."""
    owner = other_owner(desired, current.tags) if current and current.status != "Deleting" else None
    if owner:
        rule = f"{desired.name} is {owner}'s by its tag owner, and is left alone"
        remedy = f"set another {desired.called('name')}, or {desired.called('allow_other_owner')}: true to take it over"
        raise InputError([desired.about("name", f"{rule}; {remedy}")])


def _plan_absent(desired: Desired, current: Current | None) -> Plan:
    if current is None:
        return Plan(desired, current)
    if current.status == "Deleting":
        return Plan(desired, current, (Step("await_gone"),))
    if current.status in RUNNING and not desired.force:
        remedy = f"stop it first, or set {desired.called('force')}: true; its volume is deleted, too"
        text = f"{current.name} is {current.status}; {remedy}"
        raise InputError([desired.about("state", text)])
    stop = (Step("stop"),) if current.status in RUNNING else ()
    return Plan(desired, current, (*stop, Step("delete")), before={"state": current.status}, after={"state": "absent"})


def _plan_create(desired: Desired, current: Current | None, first: tuple[Step, ...]) -> Plan:
    if not desired.fields and desired.state != "present":
        remedy = f"create it with ansible-playbook datalab.notebooks.user -l {desired.owner}"
        remedy = remedy if desired.owner else "set the options that it needs"
        raise InputError([f"{desired.who}: there is no instance {desired.name}; {remedy}"])
    given = {**CREATED_WITH, **{option: value for option, value in desired.fields.items() if value not in ("", [])}}
    problems = [
        desired.about(option, f"is needed to create {desired.name}")
        for option in ("instance_type", "role_arn")
        if option not in given
    ]
    if given.get("direct_internet_access") == "Disabled" and "subnet_id" not in given:
        problems.append(
            desired.about("direct_internet_access", f"without it the instance needs {desired.called('subnet_id')}")
        )
    problems += _retired_problems(desired, given.get("platform_identifier", ""))
    if problems:
        raise InputError(problems)
    params = request_params(given)
    if desired.tags:
        params["Tags"] = ansible_dict_to_boto3_tag_list(desired.tags)
    stop = (Step("stop"),) if desired.state == "stopped" else ()
    after = {**given, **({"tags": desired.tags} if desired.tags else {}), "state": "present"}
    return Plan(desired, current, (*first, Step("create", params), *stop), before={"state": "absent"}, after=after)


def _retired_problems(desired: Desired, platform: str) -> list[str]:
    text = f"AWS has retired {platform}; set it to notebook-al2023-v1, or leave it out"
    return [desired.about("platform_identifier", text)] if platform.startswith(RETIRED_PLATFORMS) else []


def _plan_existing(desired: Desired, current: Current) -> Plan:
    different = different_fields(desired, current)
    wanted = {each.option: desired.fields[each.option] for each in different}
    if problems := _retired_problems(desired, wanted.get("platform_identifier", "")):
        raise InputError(problems)
    params = _update_params(desired, current, different)
    tag_steps, tags = _plan_tags(desired, current)
    # A request to stop or restart allows the update.
    waits = desired.update_policy == "when_stopped" and desired.state in ("present", "started")
    defers = waits and bool(params) and current.status in RUNNING
    change = {f.option: (current.fields.get(f.option), desired.fields[f.option]) for f in different}
    run_steps = _run_steps(desired, current, {} if defers else params)
    _refuse_retired(desired, current, run_steps)
    states = _run_state_change(desired, current, run_steps)
    changes = {**({} if defers else change), **tags, **states}
    return Plan(
        desired,
        current,
        (*tag_steps, *run_steps),
        before={option: values[0] for option, values in changes.items()},
        after={option: values[1] for option, values in changes.items()},
        pending={option: {"before": a, "after": b} for option, (a, b) in change.items()} if defers else {},
        pending_reason=f"{current.name} is {current.status}; applied by the next run that finds it stopped"
        if defers
        else None,
    )


def _refuse_retired(desired: Desired, current: Current, steps: tuple[Step, ...]) -> None:
    """AWS starts no instance of an OS that it has retired, unless it is moved to another one first."""
    has = current.fields.get("platform_identifier", "")
    is_moved = any(step.action == "update" and "PlatformIdentifier" in step.params for step in steps)
    if has.startswith(RETIRED_PLATFORMS) and Step("start") in steps and not is_moved:
        remedy = "set platform_identifier: notebook-al2023-v1"
        if desired.owner:
            remedy = f"move it with ansible-playbook datalab.notebooks.upgrade_platform -l {desired.owner}"
        text = f"{current.name} has {has}, of which AWS no longer starts instances; {remedy}; its volume stays"
        raise InputError([desired.about("platform_identifier", text)])


def _run_steps(desired: Desired, current: Current, params: dict[str, Any]) -> tuple[Step, ...]:
    """The steps that need the instance in some run state, in order."""
    update = (Step("update", params),) if params else ()
    marked = RESTART_TAG in current.own_tags
    if current.status in RUNNING:
        steps = _steps_of_running(desired, current, update)
    elif desired.state == "stopped":
        steps = update or ((Step("await_stopped"),) if current.status == "Stopping" else ())
    elif marked or desired.state in ("started", "restarted") or current.status == "Failed":
        # Marked: an interrupted run has not started it yet. Failed: a wanted start has failed.
        steps = (*update, Step("start"))
    else:
        steps = update
    return (*steps, Step("unmark")) if marked or Step("mark") in steps else steps


def _steps_of_running(desired: Desired, current: Current, update: tuple[Step, ...]) -> tuple[Step, ...]:
    if desired.state == "stopped":
        return (Step("stop"), *update)
    if desired.state == "restarted":
        return (Step("stop"), *update, Step("start"))
    if update:
        return (Step("mark"), Step("stop"), *update, Step("start"))
    return (Step("await_running"),) if desired.state == "started" and current.status != "InService" else ()


def _run_state_change(desired: Desired, current: Current, steps: tuple[Step, ...]) -> dict[str, tuple[str, str]]:
    """The change of the run state for the report; a stop and start during an update is no change."""
    if desired.state == "restarted":
        return {"state": ("present", "restarted")}
    moves = [step.action for step in steps if step.action in ("start", "stop")]
    if len(moves) != 1:
        return {}
    if moves == ["stop"]:
        return {"state": ("started", "stopped")}
    return {"state": ("failed" if current.status == "Failed" else "stopped", "started")}


def different_fields(desired: Desired, current: Current) -> list[Field]:
    """The given settings that differ from AWS's."""
    return [
        f
        for f in FIELDS
        if f.option in desired.fields and not _same(f.option, desired.fields[f.option], current.fields.get(f.option))
    ]


def _same(option: str, wanted: Any, has: Any) -> bool:
    has = has or UNTOLD.get(option)
    if not wanted or not has:
        return not wanted and not has
    if isinstance(wanted, list):
        return sorted(wanted) == sorted(has)
    if option == "kms_key_id":  # may be given as an id and returned as an ARN; an alias does not tell
        return "alias/" in wanted or wanted.rpartition("key/")[2] == has.rpartition("key/")[2]
    return bool(wanted == has)


def _update_params(desired: Desired, current: Current, different: list[Field]) -> dict[str, Any]:
    """Parameters of UpdateNotebookInstance; raises InputError for what it cannot do."""
    problems = [
        desired.about(f.option, refusal)
        for f in different
        for check in (_refused_replacement, _refused_shrinking, _refused_clearing)
        if (refusal := check(f, desired, current))
    ]
    if problems:
        raise InputError(problems)
    cleared = [f for f in different if not desired.fields[f.option]]
    changed = {f.option: desired.fields[f.option] for f in different if f not in cleared}
    return {**request_params(changed), **{str(f.clear): True for f in cleared}}


def _refused_replacement(f: Field, desired: Desired, current: Current) -> str | None:
    if f.updatable:
        return None
    wanted = desired.fields[f.option]
    has, volume = current.fields.get(f.option), current.fields.get("volume_size_in_gb")
    return (
        f"AWS sets it once, at creation; {current.name} has {_text(has)}, but {_text(wanted)} is wanted. "
        f"A replacement would delete the volume of {volume} GiB with everything on it: "
        f"copy what is needed, remove the instance ({desired.called('state')}: absent), and run again."
    )


def _text(value: Any) -> str:
    return repr(value) if value else "none"


def _refused_shrinking(f: Field, desired: Desired, current: Current) -> str | None:
    wanted, has = desired.fields[f.option], current.fields.get(f.option) or 0
    if f.option != "volume_size_in_gb" or wanted > has:
        return None
    return f"a volume cannot shrink from {has} to {wanted} GiB; {current.name} keeps what it has; set it to {has}"


def _refused_clearing(f: Field, desired: Desired, _current: Current) -> str | None:
    return "cannot be empty" if f.updatable and not desired.fields[f.option] and not f.clear else None


TagChange = dict[str, tuple[Any, Any]]


def _plan_tags(desired: Desired, current: Current) -> tuple[tuple[Step, ...], TagChange]:
    if desired.tags is None:
        return (), {}
    kept = {key: value for key, value in current.tags.items() if key in desired.keep_tags}
    wanted = {**desired.tags, **kept}
    to_set, to_delete = compare_aws_tags(current.tags, wanted, desired.purge_tags)
    steps: list[Step] = []
    if to_set:
        steps.append(Step("set_tags", to_set))
    if to_delete:
        steps.append(Step("delete_tags", to_delete))
    if not steps:
        return (), {}
    after = {key: value for key, value in {**current.tags, **to_set}.items() if key not in to_delete}
    return tuple(steps), {"tags": (current.tags, after)}
