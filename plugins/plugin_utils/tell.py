# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The table of what a run did, or would do: differences are listed, unchanged resources counted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.datalab.notebooks.plugins.module_utils.common.words import counted
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.services import short_name

from .costs.changes import Known, price_of_outcome, price_of_pending
from .plans.section import SectionPlan

VERBS = {"create": "created", "change": "changed", "remove": "removed"}
FUTURE = {"create": "will create", "change": "will change", "remove": "will remove"}
# At most so many lines of one kind are shown; the others are counted.
OF_PEOPLE = 12
OF_A_SECTION = 60
SHARED = ("network", "storage", "access", "costs", "configs")
NAMES = {"configs": "fleet"}
PARTS = ("network", "storage", "access", "costs", "fleet")  # of the platform, in the place of a person


# The name of a change that a step of the network creates, by the list of the step.
CREATED = "_platform_network_created_"
TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "vpcs": lambda step: f"VPC {step['cidr_block']}",
    "subnets": lambda step: f"subnet {step['cidr']} in zone {step['az'][-1]}",
    "security_groups": lambda step: f"security group {step['name']}",
    "internet_gateways": lambda _step: "internet gateway",
    "addresses": lambda _step: "public address",
    "peerings": lambda step: f"peering connection with {step['peer_vpc_id']}",
    "nat_gateways": lambda _step: "NAT gateway",
    "gateway_endpoints": lambda step: f"endpoint {short_name(step['service'])}",
    "interface_endpoints": lambda step: f"endpoint {short_name(step['service'])}",
}


class Line(NamedTuple):
    """A line of the table."""

    verb: str
    who: str
    text: str


def lines_of(
    plan: Mapping[str, Any],
    result: Mapping[str, Any],
    *,
    planned: bool,
    applied: Sequence[str],
    missed: Collection[str] = (),
    known: Known | None = None,
) -> list[Line]:
    """The table of a run: `applied` are the sections that it converges; of others the table only says that they differ.

    With `known` prices, each change has its price.

    `plan` is what platform_plan has returned, `result` what sagemaker_notebook_fleet has, `missed` what was to be
    created and was not.
    """
    shared = [section for section in SHARED if section in plan and section not in plan.get("given_by", ())]
    outcomes = result.get("instances", [])
    told = [line for each in outcomes for line in _instance_lines(each, planned, known)]
    told += [Line("not there", _who(each), each["name"]) for each in plan.get("fleet", {}).get("absent", ())]
    for section in shared:
        lines = _section_lines(section, plan[section], planned, section in applied)
        told += [_not_created(line) if line.verb == "created" and line.text in missed else line for line in lines]
    told += [line for each in result.get("lifecycle_configs", []) for line in _config_lines(each, planned)]
    same = [section for section in shared if section != "configs" and _is_same(plan[section], plan.get("removal"))]
    unchanged = _unchanged(outcomes, same)
    people = [each["owner"] for each in outcomes]
    return [
        *_some_of_each(told),
        *([Line("not there" if plan.get("removal") else "unchanged", unchanged, "")] if unchanged else []),
        *_some_of_each(list(unmanaged_lines(result.get("unmanaged", []), people))),
    ]


def _is_same(plan: Mapping[str, Any], removal: bool | None) -> bool:
    """Whether nothing differs; resources that a removal leaves are in its notes."""
    return not plan["changes"] and not (removal and plan["notes"])


def _section_lines(section: str, plan: Mapping[str, Any], planned: bool, is_applied: bool) -> Iterator[Line]:
    who, changes = NAMES.get(section, section), plan["changes"]
    if changes and not is_applied:
        count = "1 change; datalab.notebooks.site makes it"
        if len(changes) > 1:
            count = f"{counted(len(changes), 'change')}; datalab.notebooks.site makes them"
        yield Line("differs", who, count)
    else:
        verbs = FUTURE if planned else VERBS
        yield from (Line(verbs[each["action"]], who, each["text"]) for each in changes)
    yield from (Line("stays", who, text) for text in plan["notes"])


def _not_created(line: Line) -> Line:
    remedy = "check it, and run the playbook again"
    text = f"{line.text}: its module reported no change, so it may have existed already; {remedy}"
    return Line("not created", line.who, text)


def missed_creations(variables: Mapping[str, Any]) -> list[str]:
    """Resources that tasks of the network should have created, but have not."""
    return [
        text(result["item"])
        for steps, text in TEXTS.items()
        for result in variables.get(f"{CREATED}{steps}", {}).get("results", ())
        if not result.get("changed")
    ]


def _instance_lines(outcome: Mapping[str, Any], planned: bool, known: Known | None) -> Iterator[Line]:
    who = _who(outcome)
    if outcome["failed"]:
        yield Line("will fail" if planned else "failed", who, failure_text(outcome))
    elif outcome["changed"]:
        line = _changed_line(outcome, who, FUTURE if planned else VERBS)
        yield line._replace(text=with_price(line.text, price_of_outcome(outcome, known)))
    if outcome["pending"]:
        changes = ", ".join(
            setting_change(option, each["before"], each["after"]) for option, each in outcome["pending"].items()
        )
        problem = outcome.get("pending_problem")
        text = with_price(f"{changes} at the next stop", price_of_pending(outcome, known))
        yield Line("waits", who, f"{text}{f'; {problem}' if problem else ''}")


def with_price(text: str, price: str) -> str:
    """A change, with its price if it has one."""
    return f"{text}: {price}" if price else text


def _config_lines(outcome: Mapping[str, Any], planned: bool) -> Iterator[Line]:
    text = f"lifecycle configuration {outcome['name']}"
    if outcome["failed"]:
        yield Line("will fail" if planned else "failed", "fleet", f"{text}: {outcome['msg']}")
    elif outcome["changed"]:
        yield Line((FUTURE if planned else VERBS)["create" if outcome["created"] else "change"], "fleet", text)


def failure_text(outcome: Mapping[str, Any]) -> str:
    """Why an instance failed, for a line that names it already."""
    message: str = outcome["msg"]
    return message.removeprefix(f"{outcome['owner'] or outcome['name']}: ")


def _who(outcome: Mapping[str, Any]) -> str:
    team = outcome["tags"].get("team")
    return f"{outcome['owner'] or outcome['name']}{f' ({team})' if team else ''}"


def _changed_line(outcome: Mapping[str, Any], who: str, verbs: Mapping[str, str]) -> Line:
    before, after = outcome["before"], outcome["after"]
    if before.get("state") == "absent":
        size = after.get("volume_size_in_gb")
        parts = [outcome["name"], after.get("instance_type"), f"{size} GiB" if size else None]
        return Line(verbs["create"], who, ", ".join(str(part) for part in parts if part))
    if after.get("state") == "absent":
        return Line(verbs["remove"], who, f"{outcome['name']}, with its volume")
    states = [after["state"]] if "state" in after else []
    changes = [
        setting_change(option, before.get(option), value) for option, value in after.items() if option != "state"
    ]
    return Line(verbs["change"], who, ", ".join([*changes, *states]))


def setting_change(option: str, before: Any, after: Any) -> str:
    """A setting before and after."""
    return f"{option} {value_text(before)} → {value_text(after)}"


def value_text(value: Any) -> str:
    """A setting's value as a table shows it."""
    if isinstance(value, Mapping) and value:
        return ",".join(f"{key}={text}" for key, text in sorted(value.items()))
    if isinstance(value, list) and value:
        return ",".join(map(str, value))
    return "none" if value in (None, "", [], {}) else str(value)


def _unchanged(outcomes: Iterable[Mapping[str, Any]], same: Sequence[str]) -> str:
    people = sum(not (each["changed"] or each["failed"] or each["pending"]) for each in outcomes)
    parts = [f"{people} instance{'s' if people > 1 else ''}"] if people else []
    return ", ".join([*parts, *same])


def _some_of_each(lines: Sequence[Line]) -> Iterator[Line]:
    """All lines, unless there are many of one kind, as on the first day of a thousand people."""
    kinds: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        kinds.setdefault((line.verb, line.who if line.who in PARTS else ""), []).append(line)
    for (verb, section), alike in kinds.items():
        most = OF_A_SECTION if section else OF_PEOPLE
        yield from alike[:most]
        if len(alike) > most:
            yield Line(verb, section or "others", f"{len(alike) - most} more")


def unmanaged_lines(unmanaged: Iterable[Mapping[str, Any]], people: Iterable[str]) -> Iterator[Line]:
    """Instances of the account that the inventory does not have, and how their owners get them."""
    known = set(people)
    for each in unmanaged:
        owner = each["tags"].get("owner", "")
        adopt = f"; to adopt it: host_vars/{owner}.yml, notebook_name: {each['name']}" if owner in known else ""
        about = ", ".join(filter(None, (each["instance_type"], each["status"])))
        yield Line("unmanaged", each["name"], f"{about}{adopt}")


def aligned(lines: Sequence[Line]) -> list[str]:
    """The lines as text, in columns."""
    verb = max((len(line.verb) for line in lines), default=0)
    who = max((len(line.who) for line in lines if line.text), default=0)
    return [f"{line.verb:<{verb}}  {line.who:<{who}}  {line.text}".rstrip() for line in lines]


def section_diff(section: str, plan: SectionPlan) -> Iterator[dict[str, str]]:
    """The diff of a section for --diff."""
    for change in plan.changes:
        if change.before or change.after:
            header = f"{section}: {change.text}"
            yield {
                "before_header": header,
                "after_header": header,
                "before": change.before,
                "after": change.after,
            }


def plan_of(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The result of platform_plan or fleet_plan: of a playbook, or of the role notebook_fleet alone."""
    plan: Mapping[str, Any] = variables.get("_platform_plan") or variables.get("_notebook_fleet_plan") or {}
    return plan


def applied_result(variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The fleet module's result in this run, if it was called: a skipped task registers a result, too."""
    result: Mapping[str, Any] = variables.get("notebook_fleet_result", {})
    return result if "instances" in result else None


def of_interest(outcome: Mapping[str, Any]) -> bool:
    """Whether this instance was changed, or a change failed."""
    return bool(outcome["changed"] or outcome["failed"])
