# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""All checks that need no call to AWS: the only place where an inventory is checked.

A rule about one variable belongs into its role's argument_specs.yml if a spec can say it, and otherwise into the file
of its section in checks/. What is about several people together belongs into roster.py or people.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import filled
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import desired_from_options
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.validation import (
    instance_problems,
    name_problems,
)

from .botocore_data import load_service_model
from .checks import access, costs, fleet, host, network, storage
from .checks.limits import Given, limit_problems
from .checks.tags import PLATFORM_TAG
from .desired import Place, instance_options
from .people import (
    HOST,
    Wishes,
    config_name,
    config_of,
    configs,
    host_defaults,
    own_config_problems,
    own_role_problems,
    read_wishes,
    sharing_problems,
    teams_of,
)
from .problems import EVERYBODY, Problem
from .roster import STAND_INS, Inventory, Person, Roster, read_roster, with_leaver
from .scripts.limits import length_problems
from .scripts.lint import syntax_problems
from .scripts.render import render
from .scripts.tools import from_bucket, need_bucket, tools_of, unreachable_state, unreadable_tools, with_ours
from .variables import person_variables, playbook_problems, section_settings, unknown_variables

SHARED = ("network", "storage", "access", "costs")
ALL = (*SHARED, "fleet")

STARTED_WITH = ("subnet_id", "security_group_ids", "kms_key_id", "role_arn")  # what rights are needed for

OWNER_TAG = "notebook_tags: the value of 'owner'"

# With a name as long as that of every file system a script has the length that it will have.
SOME_REGION = "eu-central-1"
SOME_FILE_SYSTEM = "fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com"
SOME_IAM_MOUNT = {
    "notebook_host_efs_access_point": "fsap-0123456789abcdef0",
    "notebook_host_efs_tls": True,
    "notebook_host_efs_iam": True,
}
SOME_BUCKET = f"datalab-tools-{'0' * 12}-{SOME_REGION}"
SOME_PLACE = Place(subnet_id="subnet-0123456789abcdef0", security_group_ids=("sg-0123456789abcdef0",))


@dataclass(frozen=True)
class Wanted:
    """What an inventory asks for, typed and without mistakes."""

    roster: Roster
    people: tuple[str, ...]  # the people of this run
    settings: Mapping[str, Mapping[str, Any]]  # by section, by names without the role's prefix
    wishes: Mapping[str, Wishes]  # everybody's
    stand_ins: tuple[str, ...] = ()  # the machines of this run

    @property
    def prefix(self) -> str:
        """The prefix of the names of instances and lifecycle configurations."""
        return str(self.settings["fleet"]["prefix"])

    @cached_property
    def own_mounts(self) -> dict[str, dict[str, Any]]:
        """People with an own access point or file system, and so an own lifecycle configuration. AWS knows the id."""
        isolated = self.settings["storage"]["isolation"] != "shared"
        return {owner.name: {} for owner in self.roster.owners} if isolated else {}


def preflight(
    inventory: Inventory,
    sections: Collection[str],
    hosts: Collection[str] = (),
    *,
    is_limited: bool = False,
    leaver: str | None = None,
    removal: bool = False,
) -> tuple[Wanted, list[Problem]]:
    """The wanted settings and people, and all mistakes.

    It is about the people among `hosts`, those of the play; with none among them, as on localhost, about everybody,
    unless the run is limited to these hosts, or about stand-ins only. The roster is checked for all people all the
    same; other people's own variables are not. `leaver` is a person who may have left the inventory already. Limits of
    groups are for what is made: a removal does not look at them.
    """
    read = {section: section_settings(section, inventory) for section in ALL}
    settings = {section: values for section, (values, _wrong) in read.items()}
    roster = _roster(inventory, settings)
    has_left = None if leaver in roster.people else leaver
    if has_left:
        roster = with_leaver(roster, has_left, settings["fleet"]["prefix"])
    said = {**inventory.hosts, **({has_left: inventory.common} if has_left else {})}
    wishes, of_people = read_wishes(roster, said, settings["fleet"], teams_of(settings["access"]))
    people = tuple(name for name in hosts if name in roster.people)
    is_about_all = not (people or is_limited or set(sections) == {STAND_INS})
    machines = _machines(inventory, hosts if is_limited else inventory.stand_ins) if STAND_INS in sections else ()
    wanted = Wanted(roster, tuple(roster.people) if is_about_all else people, settings, wishes, machines)
    values = [each for each in inventory.unreadable if each.about in {EVERYBODY, *roster.people, *machines}]
    values += [Problem(EVERYBODY, text) for text in playbook_problems(inventory.common)]
    month, timezone = inventory.common.get("costs_month", ""), settings["costs"]["timezone"]
    values += [Problem(EVERYBODY, text) for text in costs.month_problems(month, timezone, datetime.now(UTC))]
    values += [Problem(section, text) for section in read if section in sections for text in read[section][1]]
    rules = [
        Problem(section, text) for section, check in CHECKS.items() if section in sections for text in check(wanted)
    ]
    if "fleet" in sections:
        ours = {*roster.people, *(inventory.stand_ins if people or machines else ())}
        outsiders = _outsiders([name for name in hosts if name not in ours], settings["fleet"]) if is_limited else ()
        values += [*roster.problems, *outsiders, *of_people]
        given = {"subnet_ids": settings["network"]["subnet_ids"]} if "network" in sections else None
        bucket = SOME_BUCKET if "storage" in sections else ""
        rules += () if has_left else fleet_problems(wanted, bucket)
        rules += () if has_left or removal else [*state_problems(wanted, bucket), *group_problems(wanted, given)]
    elif "storage" in sections:
        rules += tool_problems(wanted)
    others = set(roster.people) - set(wanted.people)
    mine = [problem for problem in values if problem.about not in others]
    mine += [*unknown_variables(inventory, [*wanted.people, *machines]), *_other_than(rules, values, roster)]
    return replace(wanted, settings=_tagged(settings)), [*mine, *stand_in_problems(inventory, machines)]


def _tagged(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The same with the tag of the platform among the tags of each section."""
    tag = {PLATFORM_TAG: settings["fleet"].get("prefix", "")}
    return {
        section: {**values, "tags": {**values["tags"], **tag}} if "tags" in values else values
        for section, values in settings.items()
    }


def _machines(inventory: Inventory, hosts: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in hosts if name in inventory.stand_ins)


def _roster(inventory: Inventory, settings: Mapping[str, Mapping[str, Any]]) -> Roster:
    fleet = settings["fleet"]
    return read_roster(
        inventory,
        prefix=fleet["prefix"],
        owners_group=fleet["owners_group"],
        viewers_group=fleet["viewers_group"],
        teams=list(teams_of(settings["access"])),
    )


def _outsiders(chosen: Iterable[str], fleet: Mapping[str, Any]) -> Iterator[Problem]:
    groups = f"is below neither {fleet['owners_group']} nor {fleet['viewers_group']}"
    return (Problem(name, f"{groups}, so it has no instance") for name in chosen)


def _other_than(rules: Iterable[Problem], values: Iterable[Problem], roster: Roster) -> Iterator[Problem]:
    """The broken rules, without those about variables that have an error already: there the default was checked."""
    wrong: dict[str, set[str]] = {}
    for value in values:
        if match := re.match(r"(platform|notebook)_\w+", value.text):
            wrong.setdefault(match[0], set()).add(value.about)
    for rule in rules:
        abouts = [wrong[name] for name in re.findall(r"\b(?:platform|notebook)_\w+", rule.text) if name in wrong]
        if not any(_concerns(rule, about, roster) for about in set().union(*abouts)):
            yield rule


def _concerns(rule: Problem, about: str, roster: Roster) -> bool:
    """Whether a mistake in a value that this section or person has may be why the rule is broken."""
    return about not in roster.people or about == rule.about or f" {about}," in rule.text


# Rules that the specs of the sections cannot express


def fleet_problems(wanted: Wanted, tools_bucket: str) -> Iterator[Problem]:
    """Values of instances and scripts that AWS refuses, and differences between people who share a configuration."""
    sharing = {name: each for name, each in wanted.wishes.items() if name not in wanted.own_mounts}
    yield from sharing_problems(sharing, [name for name in wanted.people if name in sharing], wanted.prefix)
    yield from own_config_problems(wanted.wishes, wanted.people, wanted.prefix, wanted.own_mounts)
    mine = [wanted.wishes[name] for name in wanted.people]
    yield from (Problem(each.person.name, text) for each in mine for text in host.instance_problems(each.host))
    if iam_file_system(wanted):
        yield from own_role_problems(mine)
    model = load_service_model()
    for wishes in mine:
        options = filled({**instance_options(wishes, wanted.prefix, SOME_PLACE), "lifecycle_config_name": None})
        for text in instance_problems(model, [desired_from_options(options)]):
            about_it = text.removeprefix(f"{wishes.person.name}: ")
            yield Problem(
                wishes.person.name, about_it.replace(OWNER_TAG, "the host's name, which becomes the tag owner,")
            )
    is_prefix_wrong = bool(name_problems(model, wanted.prefix))  # which has a message of its own
    shared = {"notebook_host_efs_dns_name": SOME_FILE_SYSTEM, **(SOME_IAM_MOUNT if iam_file_system(wanted) else {})}
    found: dict[str, list[str]] = {}  # by settings, which configurations may share
    for name, config in configs(mine, wanted.prefix, shared, wanted.own_mounts).items():
        key = repr(sorted(config.settings.items()))
        if key not in found:
            found[key] = host_problems(config.settings, tools_bucket)
        wrong = [] if is_prefix_wrong else name_problems(model, name)
        names = [f"notebook_lifecycle_config makes the name {name}: {text}" for text in wrong]
        yield from (Problem(person, text) for text in [*names, *found[key]] for person in config.people)


def state_problems(wanted: Wanted, tools_bucket: str) -> Iterator[Problem]:
    """Problems of people whose notebooks are to be saved, but whose instances cannot get the package for it."""
    for name in wanted.people:
        settings = from_bucket(wanted.wishes[name].host, tools_bucket)
        yield from (Problem(name, text) for text in unreachable_state(settings))


def tool_problems(wanted: Wanted) -> Iterator[Problem]:
    """Mistakes in the files for the tools bucket, for a run that checks nothing else of instances."""
    for name in wanted.people:
        settings = wanted.wishes[name].host
        wrong = list(host.tool_problems(settings)) or unreadable_tools(settings)
        yield from (Problem(name, text) for text in wrong)


def group_problems(wanted: Wanted, network: Mapping[str, Any] | None) -> Iterator[Problem]:
    """Variables of people of restricted groups beyond their limits; `network` is known as far as `Given` says."""
    settings, teams = wanted.settings, teams_of(wanted.settings["access"])
    given = Given(settings["access"], settings["fleet"], network)
    config = {name: config_of(each, wanted.prefix, wanted.own_mounts) for name, each in wanted.wishes.items()}
    users: dict[str, list[Person]] = {}
    for name, each in wanted.wishes.items():
        users.setdefault(config[name], []).append(each.person)
    for name in wanted.people:
        wishes = wanted.wishes[name]
        limits = teams.get(wishes.person.team, {}).get("limits")
        if isinstance(limits, Mapping):
            sharers = [each.name for each in users[config[name]] if each.team != wishes.person.team]
            yield from (Problem(name, text) for text in limit_problems(wishes, limits, given, sharers))


def host_problems(settings: Mapping[str, Any], tools_bucket: str = "") -> list[str]:
    """Mistakes in the settings of the role notebook_host, and in the scripts that they give."""
    problems = list(host.problems(settings)) or list(unreadable_tools(settings))
    if problems:
        return problems
    wanted = from_bucket(settings, tools_bucket)
    if any(unreachable_state(wanted)):  # has a message of its own, except in removals
        wanted = {**wanted, "notebook_host_save_state": False}
    scripts = render(wanted)
    return [*length_problems(wanted, scripts), *syntax_problems(scripts)]


def uses_tools_bucket(wanted: Wanted) -> bool:
    """Whether any instance of the inventory fetches files from the platform's bucket."""
    return any(need_bucket(with_ours(each.host)) for each in wanted.wishes.values())


def tool_keys(wanted: Wanted) -> dict[str, str]:
    """The files that the instances of this run fetch from the platform's bucket, and the key of each."""
    hosts = [with_ours(wanted.wishes[name].host) for name in wanted.people]
    return {tool.src: tool.key for settings in hosts if need_bucket(settings) for tool in tools_of(settings)}


def stand_in_problems(inventory: Inventory, machines: Iterable[str]) -> Iterator[Problem]:
    """Mistakes in the variables of stand-ins, which are those of people, and in their scripts."""
    for name in machines:
        values, wrong = person_variables(inventory.hosts[name])
        settings = {key: value for key, value in values.items() if key.startswith(HOST)}
        settings = {**host_defaults(), **settings}
        found = wrong or [*host_problems(settings), *unreachable_state(settings)]
        yield from (Problem(name, text) for text in found)


def owners_of(wanted: Wanted) -> list[dict[str, Any]]:
    """All people but viewers, with their team, and the name and options of their instance."""
    return [_owner(wanted.wishes[each.name], wanted) for each in wanted.roster.owners]


def _owner(wishes: Wishes, wanted: Wanted) -> dict[str, Any]:
    fleet, person, own = wanted.settings["fleet"], wishes.person, wishes.instance
    given = {key: own.get(f"notebook_{key}") or fleet.get(key) for key in STARTED_WITH}
    return {
        "name": person.name,
        "team": person.team,
        "instance": person.instance,
        "lifecycle_config": config_name(wanted.prefix, wishes),
        **{key: value for key, value in given.items() if value},
    }


def access_context(wanted: Wanted) -> dict[str, Any]:
    """The input of the policies besides their own settings, as far as it is known without AWS."""
    storage = wanted.settings["storage"]
    bucket = storage["results_bucket"] or f"{storage['efs_name']}-results-{'0' * 12}-{SOME_REGION}"
    tools = storage["tools_bucket"] or f"{storage['efs_name']}-tools-{'0' * 12}-{SOME_REGION}"
    used = {"tools_bucket": tools} if uses_tools_bucket(wanted) else {}
    return {"results_bucket": bucket, **used, **of_access(wanted)}


def of_access(wanted: Wanted) -> dict[str, Any]:
    """The input of the policies from the roster and from other sections' settings."""
    return {
        "people": owners_of(wanted),
        "viewers": {viewer.name: viewer.instance for viewer in wanted.roster.viewers},
        "instance_prefix": wanted.prefix,
        "results_key": wanted.settings["storage"]["results_kms_key_id"],
        "has_own_configs": wanted.settings["storage"]["isolation"] != "shared",
        "file_system": iam_file_system(wanted),
    }


def iam_file_system(wanted: Wanted) -> str:
    """The name of the file system that instances mount with IAM; "" if they do not."""
    storage = wanted.settings["storage"]
    return str(storage["efs_name"]) if storage["iam"] else ""


def _teams(wanted: Wanted) -> set[str]:
    """The teams of the settings, or of the people."""
    return {*map(str, teams_of(wanted.settings["access"])), *(each.team for each in wanted.roster.owners if each.team)}


def _roles_of_everybody(wanted: Wanted) -> dict[str, str]:
    access, fleet = wanted.settings["access"], wanted.settings["fleet"]
    return {"platform_access_role_arn": access["role_arn"], "notebook_fleet_role_arn": fleet["role_arn"]}


CHECKS: Mapping[str, Callable[[Wanted], Iterable[str]]] = {
    "network": lambda wanted: network.problems(wanted.settings["network"], wanted.settings["storage"]),
    "storage": lambda wanted: storage.problems(
        wanted.settings["storage"],
        [each.name for each in wanted.roster.owners],
        _roles_of_everybody(wanted),
        with_tools=uses_tools_bucket(wanted),
    ),
    "access": lambda wanted: access.problems(wanted.settings["access"], **access_context(wanted)),
    "costs": lambda wanted: costs.problems(
        wanted.settings["costs"], _teams(wanted), wanted.settings["access"]["role_arn"]
    ),
    "fleet": lambda wanted: fleet.problems(wanted.settings["fleet"]),
}
