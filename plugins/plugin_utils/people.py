# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The settings of each person's instance: the inventory's, or else the defaults of the fleet."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .checks.tags import tag_problems
from .problems import Problem, shown
from .roster import Person, Roster, instance_name
from .specs import SECTIONS, role_options
from .variables import not_a_persons, person_variables

Settings = Mapping[str, Any]
HOST = "notebook_host_"


@dataclass(frozen=True)
class Wishes:
    """The settings of one person, with types: the variables notebook_<option>, and all of notebook_host_*."""

    person: Person
    instance: Settings
    host: Settings

    @property
    def config(self) -> str:
        """The lifecycle configuration, without the prefix; the standard one is ""."""
        return str(self.instance.get("notebook_lifecycle_config") or "")


def teams_of(access: Settings) -> dict[str, Settings]:
    """The teams of the platform by name; one with nothing after its name reads nothing."""
    return {str(team): each if isinstance(each, Mapping) else {} for team, each in access["teams"].items()}


def read_wishes(
    roster: Roster, hosts: Mapping[str, Settings], fleet: Settings, teams: Mapping[str, Any]
) -> tuple[dict[str, Wishes], list[Problem]]:
    """Everybody's settings, and the mistakes in them; `fleet` has the settings of the role notebook_fleet."""
    defaults, problems = _defaults(fleet)
    wishes = {}
    for person in roster.people.values():
        own, wrong = person_variables(hosts.get(person.name, {}))
        problems += [Problem(person.name, text) for text in wrong]
        limits = teams.get(person.team, {}).get("limits")
        given = {
            **defaults["owner"],
            **(defaults["viewer"] if person.is_viewer else {}),
            **({"notebook_root_access": False} if limits else {}),
            **own,
        }
        wrong = [*_idle_problems(given), *tag_problems("notebook_tags", given.get("notebook_tags", {}))]
        problems += [Problem(person.name, text) for text in wrong]
        wishes[person.name] = Wishes(
            person,
            {key: value for key, value in given.items() if not key.startswith(HOST)},
            {**host_defaults(), **{key: value for key, value in given.items() if key.startswith(HOST)}},
        )
    return wishes, problems


def host_defaults() -> dict[str, Any]:
    """The defaults of the role notebook_host."""
    return {name: spec["default"] for name, spec in role_options(SECTIONS["host"]).items()}


def _defaults(fleet: Settings) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    defaults, problems = {}, []
    for kind in ("owner", "viewer"):
        variable = f"{kind}_defaults"
        defaults[kind], wrong = person_variables(fleet[variable])
        wrong += not_a_persons(fleet[variable])
        problems += [Problem("fleet", f"notebook_fleet_{variable}: {text}") for text in wrong]
    return defaults, problems


def _idle_problems(given: Settings) -> Iterator[str]:
    """The instance reads its tag, and takes no notice of one that it cannot read."""
    idle = given.get("notebook_idle")
    if not re.fullmatch(r"[0-9]+|never", str(idle or "0")):
        yield f"notebook_idle is {shown(idle)}; it must be a number of seconds, 0 or never, for example 7200"


def own_role_problems(wishes: Iterable[Wishes]) -> Iterator[Problem]:
    """Roles that are not the platform's, which the file system of platform_storage_iam refuses."""
    for each in wishes:
        role = each.instance.get("notebook_role_arn")
        if role and not each.host.get(f"{HOST}efs_dns_name"):
            text = (
                f"notebook_role_arn is {shown(role)}; with platform_storage_iam the shared file system refuses every"
                " role that is not the platform's: leave it out, or set notebook_host_efs_dns_name to that of another"
            )
            yield Problem(each.person.name, text)


# Lifecycle configurations


@dataclass(frozen=True)
class Config:
    """A lifecycle configuration that is used: its owner, and the settings behind its scripts."""

    name: str
    people: tuple[str, ...]  # all people with it
    settings: Settings  # all of notebook_host_*


def config_name(prefix: str, wishes: Wishes) -> str:
    """The name of a person's lifecycle configuration."""
    return f"{prefix}-{wishes.config}" if wishes.config else prefix


def configs(
    wishes: Iterable[Wishes], prefix: str, shared: Settings, mounts: Mapping[str, Settings]
) -> dict[str, Config]:
    """The configurations of these people, by name. A person with an own mount has an own configuration.

    `shared` is what all others mount, as variables of the role notebook_host.
    """
    found: dict[str, Config] = {}
    for each in wishes:
        name = config_of(each, prefix, mounts)
        settings = {**each.host, **_mount(each, shared), **mounts.get(each.person.name, {})}
        first = found.setdefault(name, Config(name, (), settings))
        found[name] = Config(name, (*first.people, each.person.name), first.settings)
    return found


def config_of(wishes: Wishes, prefix: str, mounts: Mapping[str, Settings]) -> str:
    """The name of the configuration that a person has, with a mount of their own or without."""
    name = config_name(prefix, wishes)
    return instance_name(name, wishes.person.name) if wishes.person.name in mounts else name


def _mount(wishes: Wishes, shared: Settings) -> Settings:
    return {} if wishes.host.get(f"{HOST}efs_dns_name") else shared


def sharing_problems(wishes: Mapping[str, Wishes], people: Iterable[str], prefix: str) -> Iterator[Problem]:
    """People who share a lifecycle configuration need the same settings for its scripts."""
    first_of: dict[str, Wishes] = {}
    used = {wishes[name].config for name in people}
    for each in wishes.values():
        if each.config not in used:
            continue
        first = first_of.setdefault(each.config, each)
        for variable, value in each.host.items():
            if value != first.host[variable]:
                remedy = "give one of them another, for example notebook_lifecycle_config: " + each.person.name
                yield Problem(
                    each.person.name,
                    f"{variable} is {shown(value)}, but {first.person.name}, who has the same lifecycle configuration "
                    f"{config_name(prefix, each)}, has {shown(first.host[variable])}; {remedy}",
                )


def own_config_problems(
    wishes: Mapping[str, Wishes], people: Collection[str], prefix: str, mounts: Mapping[str, Settings]
) -> Iterator[Problem]:
    """A configuration that mounts a person's own files is the key to them, so no one else may have one of its name."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for name, each in wishes.items():
        by_name[config_of(each, prefix, mounts).casefold()].append(name)
    for config, sharers in by_name.items():
        if len(sharers) > 1 and any(name in mounts for name in sharers):
            text = f"the lifecycle configurations of {' and '.join(sharers)} would both be called {config}"
            yield from (
                Problem(name, f"{text}; set another notebook_lifecycle_config") for name in sharers if name in people
            )
