# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The variables, whether they are people's or the platform's, and the mistakes in their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import meant
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import instance_arguments

from .botocore_data import known_regions
from .problems import EVERYBODY, Problem, closest, differs_by_a_letter, hint, shown
from .roster import Inventory, Variables
from .specs import SECTIONS, Spec, checked, role_options, role_results
from .teams import NUMBERS

# Variables of a person beside notebook_<option>, and the options that follow from other variables.
OWN: dict[str, Spec] = {
    "notebook_team": {"type": "str"},
    "notebook_idle": {"type": "str"},
    "notebook_lifecycle_config": {"type": "str"},
    "notebook_tags": {"type": "dict"},
}
DERIVED_OPTIONS = {"owner", "lifecycle_config_name", "tags", "keep_tags"}

TEXT: Spec = {"type": "str"}
SECRET: Spec = {"type": "str", "no_log": True}
# The connection to AWS: the options of all modules of amazon.aws. Their own spec would take half a second.
CONNECTION: dict[str, Spec] = {
    **dict.fromkeys(("region", "aws_region", "profile", "aws_profile", "endpoint_url", "aws_endpoint_url"), TEXT),
    **dict.fromkeys(("access_key", "aws_access_key", "aws_access_key_id"), SECRET),
    **dict.fromkeys(("secret_key", "aws_secret_key", "aws_secret_access_key"), SECRET),
    **dict.fromkeys(("session_token", "aws_session_token"), SECRET),
    "validate_certs": {"type": "bool"},
    "debug_botocore_endpoint_logs": {"type": "bool"},
    "aws_ca_bundle": {"type": "path"},
    "aws_config": {"type": "dict"},
}

# Variables that playbooks take with -e, and those that they set for later plays.
PLAYBOOK_VARIABLES: dict[str, Spec] = {
    "complete_project": TEXT,
    "costs_directory": TEXT,
    "costs_month": TEXT,
    "costs_upload": {"type": "bool"},
    "offboard_name": TEXT,
    "offboard_remove": {"type": "str", "choices": ["instance"]},
    "open_print": {"type": "bool"},
    "open_seconds": {"type": "int"},
    "platform_aws": {"type": "dict", "options": CONNECTION},
    "platform_destroy": {"type": "str", "choices": ["instances", "data"]},
    "platform_destroy_keep_used": {"type": "bool"},
    "platform_imported": {"type": "bool"},
    "upgrade_batch": {"type": "int"},
    "upgrade_policy": {"type": "str", "choices": ["when_stopped", "force"]},
}
LIMITS = {"open_seconds": (1800, 43200), "upgrade_batch": (1, 1_000_000)}
IN_NUMBERS = ("platform_storage_uids",)  # its values are numbers, which a spec cannot express
RESULTS = frozenset({"notebook_fleet_result"})

PREFIXES = ("notebook_", "platform_")


@cache
def person_options() -> dict[str, Spec]:
    """The spec of each variable that a person may have."""
    instance = {
        f"notebook_{option}": {key: value for key, value in spec.items() if key != "required"}
        for option, spec in instance_arguments().items()
        if option not in DERIVED_OPTIONS
    }
    return {**instance, **OWN, **role_options(SECTIONS["host"])}


@cache
def platform_options() -> dict[str, Spec]:
    """The spec of each variable that is the same for everybody."""
    roles = [role for section, role in SECTIONS.items() if section != "host"]
    return {name: spec for role in roles for name, spec in role_options(role).items()}


@cache
def number_names() -> frozenset[str]:
    """The names of variables, and of keys in them, whose values may be numbers."""
    variables = {**person_options(), **platform_options(), **PLAYBOOK_VARIABLES}
    short = {name.removeprefix("notebook_"): spec for name, spec in person_options().items()}  # within other variables
    return frozenset({*NUMBERS, *IN_NUMBERS, *_numbers(variables), *_numbers(short)})


def _numbers(specs: Mapping[str, Spec]) -> Iterator[str]:
    for name, spec in specs.items():
        kind = spec.get("elements", spec.get("type"))
        if kind in ("int", "float", "raw"):
            yield name
        yield from _numbers(spec.get("options", {}))


def section_settings(section: str, inventory: Inventory) -> tuple[dict[str, Any], list[str]]:
    """The settings of a section, by names without the role's prefix, and what is wrong with them.

    A wrong value is replaced by the default, so that the rest can be checked as well.
    """
    role = SECTIONS[section]
    settings, problems = {}, []
    for name, spec in role_options(role).items():
        result = checked(name, inventory.shared.get(name, spec["default"]), spec)
        problems += result.problems
        settings[name.removeprefix(f"{role}_")] = spec["default"] if result.problems else result.value
    return settings, problems


def playbook_problems(common: Variables) -> Iterator[str]:
    """Mistakes in the variables of playbooks."""
    for name, spec in PLAYBOOK_VARIABLES.items():
        if name in common:
            value, problems = checked(name, common[name], spec)
            yield from problems
            if name == "platform_aws" and value:
                yield from region_problems(value)
            least, most = LIMITS.get(name, (0, 0))
            if most and value is not None and not least <= value <= most:
                yield f"{name} is {value}; it must be from {least} to {most}"


def region_problems(aws: Mapping[str, Any]) -> Iterator[str]:
    """Mistakes in the region of an account; with endpoint_url any region is allowed."""
    region = aws.get("region") or aws.get("aws_region")
    if region and not (aws.get("endpoint_url") or aws.get("aws_endpoint_url")) and region not in known_regions():
        yield f"platform_aws: region is {shown(region)}, which botocore does not know; {meant(region, known_regions())}"


def person_variables(given: Variables) -> tuple[dict[str, Any], list[str]]:
    """The variables of a person among these, typed, and the mistakes in them."""
    values, problems = {}, []
    for name, spec in person_options().items():
        if name in given:
            result = checked(name, given[name], spec)
            problems += result.problems
            if not result.problems:
                values[name] = result.value
    return values, problems


def not_a_persons(given: Variables) -> list[str]:
    """A sentence for each of these variables that no person may have."""
    known = person_options()
    return [
        f"{key} is not a variable of a person{hint(key, known, 'the README lists them')}"
        for key in given
        if key not in known
    ]


def unknown_variables(inventory: Inventory, people: Iterable[str]) -> Iterator[Problem]:
    """Variables that are ours by their prefix and that nothing reads; and those that only lack their prefix."""
    everywhere = {*inventory.common, *(key for key in inventory.shared if key.startswith("platform_"))}
    for key in sorted(everywhere):
        yield from (Problem(EVERYBODY, text) for text in _unknown(key))
    for name in people:
        variables = inventory.hosts.get(name, {})
        for key in sorted(variables):
            if key not in everywhere:
                yield from (Problem(name, text) for text in [*_unknown(key), *_without_prefix(key, variables)])
            yield from (Problem(name, text) for text in _not_a_persons(key, name, inventory))


@cache
def _unknown(key: str) -> tuple[str, ...]:
    """A sentence about a variable that nothing reads but that has our prefix, or is one letter away from ours."""
    known = {*person_options(), *platform_options(), *PLAYBOOK_VARIABLES}
    prefix = next(filter(key.startswith, PREFIXES), "")
    is_known = key in {*known, *RESULTS, *role_results()} or key.startswith("_")  # a role's own
    if is_known or not (prefix or differs_by_a_letter(key, known)):
        return ()
    rests = [name.removeprefix(prefix) for name in sorted(known) if name.startswith(prefix)]
    meant = closest(key.removeprefix(prefix), rests)  # with it, all names are alike
    remedy = f"did you mean {prefix}{meant}?" if meant else "the README lists them"
    return (f"{key} is not a variable of datalab.notebooks; {remedy}",)


def _without_prefix(key: str, variables: Variables) -> Iterator[str]:
    for prefix in ("notebook_", "notebook_host_"):
        full = prefix + key
        if full in person_options() and full not in variables:
            yield f"{key} is not a variable of datalab.notebooks; did you mean {full}?"


def shortened_words(inventory: Inventory) -> Iterator[str]:
    """A warning about variables given with -e that lack a prefix. The inventory itself may read them."""
    for key in sorted(inventory.given):
        of_playbooks = [name for name in PLAYBOOK_VARIABLES if name.endswith(f"_{key}")]
        of_people = [name for name in (f"notebook_{key}", f"notebook_host_{key}") if name in person_options()]
        full = next((name for name in (*of_playbooks, *of_people) if name not in inventory.common), "")
        if full:
            yield f"{key} is given with -e, and datalab.notebooks does not read it; did you mean {full}?"


def _not_a_persons(key: str, name: str, inventory: Inventory) -> Iterator[str]:
    """A person has a variable of the platform, which is the same for everybody."""
    is_shared = key in platform_options() or key in PLAYBOOK_VARIABLES
    if is_shared and inventory.says(name, key):
        yield f"{key} is set for this host; it is the same for everybody: set it in group_vars/all.yml only"
