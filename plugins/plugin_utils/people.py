# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the people of an inventory to their instances and lifecycle configurations."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.datalab.notebooks.plugins.module_utils.arguments import instance_arguments

ARGUMENTS = instance_arguments()
VALIDATOR = ArgumentSpecValidator(ARGUMENTS)

# Variables of a person that are not options of an instance under another name.
OWN_VARIABLES = {"notebook_team", "notebook_idle", "notebook_lifecycle_config"}
DERIVED_OPTIONS = {"lifecycle_config_name", "keep_tags"}
VARIABLES = OWN_VARIABLES | {f"notebook_{option}" for option in ARGUMENTS if option not in DERIVED_OPTIONS}

IDLE_TAG = "idle"  # belongs to the owner, who may change it in the console


@dataclass(frozen=True)
class Person:
    """A host of the inventory, with the variables that concern its instance."""

    name: str
    is_viewer: bool
    variables: dict[str, Any]

    @property
    def config(self) -> str:
        """The lifecycle configuration, without the prefix; the standard one is ""."""
        return str(self.variables.get("notebook_lifecycle_config") or "")


def wanted_by_people(
    hostvars: Mapping[str, Mapping[str, Any]],
    people: list[str],
    owners: list[str],
    viewers: list[str],
    prefix: str,
    owner_defaults: dict[str, Any],
    viewer_defaults: dict[str, Any],
    host_defaults: dict[str, Any],
) -> dict[str, Any]:
    """The `instances` of people, the `lifecycle_configs` that these use, and `problems`, one sentence for each mistake."""
    viewer_defaults = {**owner_defaults, **viewer_defaults}
    everybody = {
        name: _person(name, name in viewers, hostvars[name], viewer_defaults if name in viewers else owner_defaults)
        for name in dict.fromkeys([*owners, *viewers])
    }
    wanted = [everybody[name] for name in people]
    problems = [problem for person in wanted for problem in _unknown_variables(person, host_defaults)]
    problems += [
        f"{person.name}: notebook_team is not set; put the host into the group of a team whose group_vars set it"
        for person in wanted
        if not person.is_viewer and not person.variables.get("notebook_team")
    ]
    settings = {name: _host_settings(person, host_defaults) for name, person in everybody.items()}
    problems += _config_conflicts(wanted, everybody, settings, prefix)
    instances = [_instance(person, prefix, problems) for person in wanted]
    configs = {_config_name(person, prefix): settings[person.name] for person in wanted}
    return {
        "problems": problems,
        "instances": instances,
        "lifecycle_configs": [{"name": name, "settings": settings} for name, settings in configs.items()],
    }


def _person(name: str, is_viewer: bool, hostvars: Mapping[str, Any], defaults: dict[str, Any]) -> Person:
    own = {key: hostvars[key] for key in hostvars if key.startswith("notebook_") and not key.startswith("notebook_fleet_")}
    return Person(name, is_viewer, {**defaults, **own})


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
        for variable in [key for key, value in settings[person.name].items() if value != settings[first][key]]:
            problems.append(
                f"{person.name}: {variable} is {settings[person.name][variable]!r}, but {first}, who has the same "
                f"lifecycle configuration {_config_name(person, prefix)}, has {settings[first][variable]!r}; give one of "
                f"them another: notebook_lifecycle_config: <a name, such as the team's or the person's>"
            )
    return problems


def _config_name(person: Person, prefix: str) -> str:
    return f"{prefix}-{person.config}" if person.config else prefix


def _instance(person: Person, prefix: str, problems: list[str]) -> dict[str, Any]:
    """The options of the person's instance, as sagemaker_notebook_fleet takes them."""
    given = {
        option: person.variables[f"notebook_{option}"]
        for option in ARGUMENTS
        if f"notebook_{option}" in person.variables and option not in DERIVED_OPTIONS
    }
    standard_name = re.sub(r"[^a-zA-Z0-9]+", "-", f"{prefix}-{person.name}").strip("-")
    options = {
        "name": standard_name,
        **given,
        "lifecycle_config_name": _config_name(person, prefix),
        "tags": _tags(person),
        "keep_tags": [IDLE_TAG],
    }
    for message in VALIDATOR.validate(options).error_messages:
        text = re.sub(r"(argument '|value of )(\w+)", r"\1notebook_\2", message)
        problems.append(f"{person.name}: {text}")
    return {"owner": person.name, **options}


def _tags(person: Person) -> dict[str, str]:
    facts = {
        "owner": person.name,
        "team": person.variables.get("notebook_team"),
        IDLE_TAG: person.variables.get("notebook_idle"),
    }
    given = {key: str(value) for key, value in facts.items() if value not in (None, "")}
    return {**{key: str(value) for key, value in (person.variables.get("notebook_tags") or {}).items()}, **given}
