# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""From the people of an inventory to their instances and lifecycle configurations."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import instance_arguments

ARGUMENTS = instance_arguments()
VALIDATOR = ArgumentSpecValidator(ARGUMENTS)

# What a person may say beside notebook_<option>, and the options that follow from other variables.
OWN_VARIABLES = {"notebook_team", "notebook_idle", "notebook_lifecycle_config", "notebook_tags"}
DERIVED_OPTIONS = {"lifecycle_config_name", "tags", "keep_tags"}
VARIABLES = OWN_VARIABLES | {f"notebook_{option}" for option in ARGUMENTS if option not in DERIVED_OPTIONS}

IDLE_TAG = "idle"  # belongs to the owner, who may change it in the console


@dataclass(frozen=True)
class Person:
    """A host of the inventory, with the variables that concern its instance."""

    name: str
    is_viewer: bool
    variables: dict[str, Any]
    has_own_mount: bool = False

    @property
    def config(self) -> str:
        """The lifecycle configuration, without the prefix; the standard one is ""."""
        config = str(self.variables.get("notebook_lifecycle_config") or "")
        return f"{config}-{_for_aws(self.name)}".strip("-") if self.has_own_mount else config

    @property
    def team(self) -> str:
        """The team, or "" if none is said."""
        return str(self.variables.get("notebook_team") or "")


@dataclass(frozen=True)
class Platform:
    """What holds for everybody. The defaults are variables of a person, or of the role notebook_host."""

    owners: list[str]
    viewers: list[str]
    prefix: str
    owner_defaults: dict[str, Any]
    viewer_defaults: dict[str, Any]
    host_defaults: dict[str, Any]
    role_arns: dict[str, str]  # execution roles, by person
    mounts: dict[str, dict[str, Any]]  # variables of the role notebook_host, by person
    teams: dict[str, dict[str, Any]]  # all there are, each perhaps with limits; none = any


def wanted_by_people(
    hostvars: Mapping[str, Mapping[str, Any]], people: list[str], platform: Platform
) -> dict[str, list[Any]]:
    """Their `instances`, the `lifecycle_configs` that these use, and `problems`, one sentence for each mistake.

    `everybody` has the team and the instance's name of each owner there is, whether they are among `people` or not;
    `owned` has the names of all their instances and the viewers'.
    """
    everybody = {name: _person(name, hostvars[name], platform) for name in [*platform.owners, *platform.viewers]}
    prefix, host_defaults = platform.prefix, platform.host_defaults
    problems = [f"{name}: is neither an owner nor a viewer" for name in people if name not in everybody]
    wanted = [everybody[name] for name in people if name in everybody]
    problems += [problem for person in wanted for problem in _unknown_variables(person, host_defaults)]
    problems += [
        problem for person in wanted if not person.is_viewer for problem in _team_problems(person, platform.teams)
    ]
    settings = {name: _host_settings(person, host_defaults) for name, person in everybody.items()}
    problems += _config_conflicts(wanted, everybody, settings, prefix)
    instances = [_instance(person, prefix, problems) for person in wanted]
    users = _by_config(wanted, prefix)
    sharers = _by_config(everybody.values(), prefix)
    asked = set(people)
    return {
        "problems": problems,
        "instances": instances,
        "everybody": [
            {"name": person.name, "team": person.team, "instance": _instance_name(person, prefix)}
            for person in everybody.values()
            if not person.is_viewer and person.team
        ],
        "owned": [str(_instance_name(person, prefix)) for person in everybody.values()],
        "lifecycle_configs": [
            {
                "name": name,
                "people": names,
                "others": [each for each in sharers[name] if each not in asked],
                "settings": settings[names[0]],
            }
            for name, names in users.items()
        ],
    }


def _by_config(people: Iterable[Person], prefix: str) -> dict[str, list[str]]:
    """The names of these people by that of their lifecycle configuration."""
    names: dict[str, list[str]] = {}
    for person in people:
        names.setdefault(_config_name(person, prefix), []).append(person.name)
    return names


def _person(name: str, hostvars: Mapping[str, Any], platform: Platform) -> Person:
    is_viewer = name in platform.viewers
    defaults = {**platform.owner_defaults, **(platform.viewer_defaults if is_viewer else {})}
    if name in platform.role_arns:
        defaults["notebook_role_arn"] = platform.role_arns[name]
    own = {key: hostvars[key] for key in hostvars if key.startswith("notebook_")}
    own = {key: value for key, value in own.items() if not key.startswith("notebook_fleet_")}
    if platform.teams.get(own.get("notebook_team", ""), {}).get("limits"):
        defaults["notebook_root_access"] = False
    mount = platform.mounts.get(name, {})
    return Person(name, is_viewer, {**defaults, **own, **mount}, has_own_mount=bool(mount))


def _team_problems(person: Person, teams: dict[str, dict[str, Any]]) -> list[str]:
    """A team that is missing or unknown, and what a restricted group may not have."""
    if not person.team:
        return [
            f"{person.name}: notebook_team is not set; put the host into the group of a team whose group_vars set it"
        ]
    if teams and person.team not in teams:
        close = difflib.get_close_matches(person.team, teams, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(teams)}"
        return [f"{person.name}: notebook_team is {person.team}, which platform_access_teams does not have; {hint}"]
    limits = teams.get(person.team, {}).get("limits") or {}
    return [
        f"{person.name}: {variable} is {person.variables[variable]}, but platform_access_teams limits the team "
        f"{person.team} to {allowed}"
        for variable, allowed in _beyond(person.variables, limits)
    ]


def _beyond(variables: dict[str, Any], limits: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The variables that are not within the limits of a restricted group, each with what is."""
    if not limits:
        return
    if variables.get("notebook_instance_type") not in (None, *limits["instance_types"]):
        yield "notebook_instance_type", ", ".join(limits["instance_types"])
    size, most = str(variables.get("notebook_volume_size_in_gb", "")), limits.get("volume_size_in_gb")
    if most and size.isdecimal() and int(size) > int(most):
        yield "notebook_volume_size_in_gb", f"{most} GiB"
    for variable in ("notebook_root_access", "notebook_direct_internet_access"):
        if boolean(variables.get(variable, False), strict=False):
            yield variable, "false"
    if str(variables.get("notebook_minimum_instance_metadata_service_version", "2")) != "2":
        yield "notebook_minimum_instance_metadata_service_version", "2"


def _unknown_variables(person: Person, host_defaults: dict[str, Any]) -> list[str]:
    known = VARIABLES | set(host_defaults)
    problems = []
    for variable in sorted(set(person.variables) - known):
        close = difflib.get_close_matches(variable, known, 1)
        hint = f"did you mean {close[0]}?" if close else "the README lists them"
        problems.append(f"{person.name}: {variable} is no variable of datalab.notebooks; {hint}")
    return problems


def _host_settings(person: Person, host_defaults: dict[str, Any]) -> dict[str, Any]:
    return {key: person.variables.get(key, default) for key, default in host_defaults.items()}


def _config_conflicts(
    wanted: list[Person], everybody: dict[str, Person], settings: dict[str, dict[str, Any]], prefix: str
) -> list[str]:
    """People who share a lifecycle configuration have to agree on what is in it."""
    problems = []
    first_of: dict[str, str] = {}
    used = {person.config for person in wanted}
    for person in everybody.values():
        if person.config not in used:
            continue
        first = first_of.setdefault(person.config, person.name)
        problems += [
            f"{person.name}: {variable} is {value!r}, but {first}, who has the same lifecycle configuration "
            f"{_config_name(person, prefix)}, has {settings[first][variable]!r}; give one of them another: "
            "notebook_lifecycle_config: <a name, such as the team's or the person's>"
            for variable, value in settings[person.name].items()
            if value != settings[first][variable]
        ]
    return problems


def _for_aws(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9]+", "-", name).strip("-")


def _config_name(person: Person, prefix: str) -> str:
    return f"{prefix}-{person.config}" if person.config else prefix


def _instance_name(person: Person, prefix: str) -> Any:
    """As the person calls it; Any, because nobody has looked yet."""
    return person.variables.get("notebook_name", _for_aws(f"{prefix}-{person.name}"))


def _instance(person: Person, prefix: str, problems: list[str]) -> dict[str, Any]:
    """The options of the person's instance, as sagemaker_notebook_fleet takes them."""
    given = {
        option: person.variables[f"notebook_{option}"]
        for option in ARGUMENTS
        if f"notebook_{option}" in person.variables and option not in DERIVED_OPTIONS
    }
    given["name"] = _instance_name(person, prefix)
    for message in VALIDATOR.validate(given).error_messages:
        text = re.sub(r"(argument '|value of )(\w+)", r"\1notebook_\2", message)
        problems.append(f"{person.name}: {text}")
    tags = person.variables.get("notebook_tags") or {}
    if not isinstance(tags, Mapping):
        problems.append(f"{person.name}: notebook_tags has to be a dictionary, not {tags!r}")
        tags = {}
    return {
        **given,
        "owner": person.name,
        "lifecycle_config_name": _config_name(person, prefix),
        "tags": {**{key: str(value) for key, value in tags.items()}, **_own_tags(person)},
        "keep_tags": [IDLE_TAG],
    }


def _own_tags(person: Person) -> dict[str, str]:
    tags = {
        "owner": person.name,
        "team": person.team,
        IDLE_TAG: person.variables.get("notebook_idle"),
    }
    return {key: str(value) for key, value in tags.items() if value not in (None, "")}
