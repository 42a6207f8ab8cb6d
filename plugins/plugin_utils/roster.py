# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The roster: everybody in the inventory, whatever -l says, and the mistakes in the inventory's structure.

Needs nothing from AWS and nothing from Ansible: an `Inventory` is plain data (inventory_data.py makes it).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from .problems import Problem, hint, shown
from .teams import RESERVED_TEAM, VIEWERS_TEAM

Variables = Mapping[str, Any]

STAND_INS = "stand_ins"  # the group of machines that stand in for instances: the only hosts that Ansible connects to


@dataclass(frozen=True)
class Inventory:
    """An inventory as plain data. Values are as written, with templates resolved."""

    groups: Mapping[str, Sequence[str]]  # all hosts of each group, those of its children too
    children: Mapping[str, Sequence[str]]  # the groups directly below each group
    hosts: Mapping[str, Variables]  # what each host has, variables of the group `all` too
    common: Variables  # what every host has: the group `all`, -e
    shared: Variables  # what the platform has: that, the play's own, and the defaults of the roles
    inherited: Mapping[str, Collection[str]] = field(default_factory=dict)  # by host, the variables that everybody has
    orphans: Sequence[tuple[str, str]] = ()  # files that no host or group has: host_vars or group_vars, and the file
    unreadable: Sequence[Problem] = ()  # variables whose templates do not work
    given: Collection[str] = ()  # the names of variables that come with -e

    @property
    def stand_ins(self) -> Sequence[str]:
        """The machines that stand in for instances."""
        return self.groups.get(STAND_INS, ())

    def says(self, host: str, key: str) -> bool:
        """Whether the variable is set for the host or a group of its own, and not for everybody."""
        is_everybodys = key in self.common and self.common[key] == self.hosts[host][key]
        return not is_everybodys and key not in self.inherited.get(host, ())


@dataclass(frozen=True)
class Person:
    """A host of the inventory that has an instance."""

    name: str
    team: str  # "" for a viewer
    is_viewer: bool
    instance: str  # its name
    has_left: bool = False  # named with a run, and no longer in the inventory


@dataclass(frozen=True)
class Roster:
    """All people and viewers, by name, in the order of the inventory."""

    people: Mapping[str, Person]
    problems: Sequence[Problem] = field(default=())

    @property
    def owners(self) -> list[Person]:
        """All people but viewers."""
        return [person for person in self.people.values() if not person.is_viewer]

    @property
    def viewers(self) -> list[Person]:
        """The viewers."""
        return [person for person in self.people.values() if person.is_viewer]


def read_roster(
    inventory: Inventory, *, prefix: str, owners_group: str, viewers_group: str, teams: Collection[str] = ()
) -> Roster:
    """The roster, and all mistakes. `teams` are the existing teams; if it is empty, every name is a team."""
    owners = list(inventory.groups.get(owners_group, ()))
    viewers = list(inventory.groups.get(viewers_group, ()))
    below = _teams_below(inventory, owners_group)
    people = {
        name: Person(
            name,
            _team(inventory.hosts[name], below.get(name, [])) if name in owners else "",
            name not in owners,
            _instance_name(inventory.hosts[name], prefix, name),
        )
        for name in [*owners, *(viewer for viewer in viewers if viewer not in owners)]
    }
    problems = [
        *_no_people(inventory, owners, viewers, owners_group),
        *_both({owners_group: owners, viewers_group: viewers, STAND_INS: inventory.stand_ins}),
        *_several_teams(below),
        *_team_problems(people.values(), owners_group, teams),
        *_strangers(inventory, people, owners_group, viewers_group, teams),
        *_name_problems(people.values(), prefix),
        # Where Ansible could read no hosts, no file belongs to a host.
        *(_orphan(folder, file, inventory) for folder, file in inventory.orphans if people),
    ]
    return Roster(people, tuple(problems))


def with_leaver(roster: Roster, name: str, prefix: str) -> Roster:
    """The same with a person who is no longer in the inventory."""
    leaver = Person(name, "", is_viewer=False, instance=instance_name(prefix, name), has_left=True)
    problems = (*roster.problems, *_leaver_problems(leaver, roster.people.values()))
    return Roster({**roster.people, name: leaver}, problems)


def _leaver_problems(leaver: Person, people: Collection[Person]) -> Iterator[Problem]:
    """A person who has left has no variables: the instance has to follow from the name, and from no other person's."""
    if _keeps_nothing(leaver.name):
        remedy = "put the person back into the inventory with the instance as notebook_name, and use -l"
        yield Problem(leaver.name, f"has no letter or digit that AWS takes in a name; {remedy}")
    for person in people:
        if person.instance.casefold() == leaver.instance.casefold():
            text = f"the instance of that name is {person.instance}, which the inventory gives to {person.name}"
            yield Problem(leaver.name, f"{text}; if that person leaves, use -l {person.name}")


def instance_name(prefix: str, name: str) -> str:
    """The name of a person's instance; AWS accepts letters, digits and hyphens.

    A policy variable stays, so that policies call the instance what the fleet calls it.
    """
    parts = re.split(r"(\$\{[\w:/.-]+\})", f"{prefix}-{name}")
    return "".join(part if part[:2] == "${" else re.sub(r"[^a-zA-Z0-9]+", "-", part) for part in parts).strip("-")


def _keeps_nothing(name: str) -> bool:
    """Whether a name has no character that AWS takes."""
    return not instance_name("", name)


def _instance_name(variables: Variables, prefix: str, name: str) -> str:
    return str(variables.get("notebook_name") or instance_name(prefix, name))


def _team(variables: Variables, below: Sequence[str]) -> str:
    said = variables.get("notebook_team")
    return str(said) if said not in (None, "") else (below[0] if below else "")


def _teams_below(inventory: Inventory, owners_group: str) -> dict[str, list[str]]:
    """The groups directly below `owners` that each person is in."""
    found: dict[str, list[str]] = defaultdict(list)
    for group in inventory.children.get(owners_group, ()):
        for name in inventory.groups.get(group, ()):
            found[name].append(group)
    return found


def _no_people(
    inventory: Inventory, owners: Sequence[str], viewers: Sequence[str], owners_group: str
) -> Iterator[Problem]:
    shape = (
        f"people are hosts of teams, which are groups below it ({owners_group}: children: research: hosts: alice:); "
        "see that -i names your inventory, and that no warning above says that it cannot be parsed"
    )
    if owners_group in inventory.groups and not owners:
        yield Problem("inventory", f"the group {owners_group} has no hosts; {shape}")
    elif not owners and not viewers:
        yield Problem("inventory", f"it has no people: there is no group {owners_group}; {shape}")


def _both(groups: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    for (one, hosts), (other, others) in combinations(groups.items(), 2):
        for name in hosts:
            if name in others:
                yield Problem(name, f"is in {one} and in {other}; it must be in one of them")


def _several_teams(below: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for name, teams in below.items():
        if len(teams) > 1:
            several = f"{', '.join(teams[:-1])} and {teams[-1]}"
            yield Problem(name, f"is in {len(teams)} teams, {several}; a person has one, so leave one group")


def _team_problems(people: Collection[Person], owners_group: str, teams: Collection[str]) -> Iterator[Problem]:
    for person in people:
        if person.is_viewer:
            continue
        if not person.team:
            remedy = f"put the host into the group of a team below {owners_group}, or set notebook_team"
            yield Problem(person.name, f"notebook_team is not set; {remedy}")
        elif person.team.casefold() == VIEWERS_TEAM:
            yield Problem(person.name, f"notebook_team is {shown(person.team)}, which {RESERVED_TEAM}")
        elif teams and person.team not in teams:
            close = hint(person.team, teams, f"it has {', '.join(teams)}")
            text = f"notebook_team is {shown(person.team)}, which is not in platform_access_teams{close}"
            yield Problem(person.name, text)


def _strangers(
    inventory: Inventory,
    people: Mapping[str, Person],
    owners_group: str,
    viewers_group: str,
    teams: Collection[str],
) -> Iterator[Problem]:
    """Hosts that are described as people, or are in the group of a team, but are not people."""
    for name, variables in inventory.hosts.items():
        if name in people or name in inventory.stand_ins:
            continue
        groups = sorted(group for group, hosts in inventory.groups.items() if name in hosts and group != "all")
        own = [key for key in variables if key.startswith("notebook_") and inventory.says(name, key)]
        why = [*(f"has {key}" for key in own), *(f"is in the team {group}" for group in groups if group in teams)]
        if why:
            where = f" (it is in {', '.join(groups)})" if own and groups and groups != ["ungrouped"] else ""
            yield Problem(
                name,
                f"{why[0]}, but is below neither {owners_group} nor {viewers_group}{where}; put its group into "
                f"{owners_group}: children",
            )


def _name_problems(people: Collection[Person], prefix: str) -> Iterator[Problem]:
    """People whose instances would have the same name, ignoring capitals, or no name."""
    by_name: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        by_name[person.instance.casefold()].append(person)
        if _keeps_nothing(person.name) and person.instance == instance_name(prefix, ""):
            yield Problem(person.name, "has no letter or digit that AWS takes in a name; set notebook_name")
    for sharers in by_name.values():
        if len(sharers) > 1:
            names = " and ".join(person.name for person in sharers)
            text = f"the instances of {names} would both be called {sharers[-1].instance}; set another notebook_name"
            yield from (Problem(person.name, text) for person in sharers)


def _orphan(folder: str, file: str, inventory: Inventory) -> Problem:
    known, what = (inventory.hosts, "host") if folder == "host_vars" else (inventory.groups, "group")
    name = re.sub(r"\.(ya?ml|json)$", "", file)
    text = f"{folder}/{file} is for no {what} of the inventory{hint(name, list(known), 'rename or remove it')}"
    return Problem("inventory", text)
