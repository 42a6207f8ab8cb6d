# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Values against the specs that document them: types, choices, required and unknown keys.

Ansible's own validation converts more than people mean (a text becomes a list, `true` becomes the text "True") and
stops a role at its own variables. This one checks all variables of all roles, and names all mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible.module_utils.common.validation import check_type_bool, check_type_float, check_type_int

from .problems import hint, shown
from .values import value_problems

ROLES = Path(__file__).parents[2] / "roles"
# The roles by the sections of the platform that their variables describe.
SECTIONS = {
    "network": "platform_network",
    "storage": "platform_storage",
    "access": "platform_access",
    "costs": "platform_costs",
    "fleet": "notebook_fleet",
    "host": "notebook_host",
}

# Dictionaries of these names have texts for values, which their spec cannot say.
OF_TEXTS = "_tags"

Spec = Mapping[str, Any]


class Checked(NamedTuple):
    """A value converted as its spec says, or None and the mistakes."""

    value: Any
    problems: list[str]


@cache
def role_options(role: str) -> dict[str, Spec]:
    """The options of a role's door `main`, by the full names of the variables."""
    file = ROLES / role / "meta" / "argument_specs.yml"
    specs = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    options: dict[str, Spec] = specs["argument_specs"]["main"]["options"]
    return options


@cache
def role_results() -> frozenset[str]:
    """The result variables of roles, from their vars/main.yml."""
    files = [ROLES / role / "vars" / "main.yml" for role in SECTIONS.values()]
    variables = [
        yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) for file in files if file.exists()
    ]
    return frozenset(name for each in variables for name in each or () if not name.startswith("_"))


def checked(name: str, value: Any, spec: Spec) -> Checked:
    """The value, converted to the type of its spec, and a sentence for each thing that is wrong with it."""
    if value is None:
        return Checked(None, [f"{name} is empty; {_empty_remedy(spec)}"])
    if spec.get("no_log"):  # a secret, which is where it may be
        return (
            Checked(value, []) if isinstance(value, str) else Checked(None, [f"{name} must be text; put it in quotes"])
        )
    kind = spec.get("type", "str")
    if kind == "list" and isinstance(value, list | tuple):
        return _checked_list(name, value, spec)
    if kind == "dict" and isinstance(value, Mapping) and "options" in spec:
        return _checked_dict(name, value, spec)
    refused = list(value_problems(name, value))
    return Checked(None, refused) if refused else _checked_whole(name, value, spec)


KINDS = {"list": "list", "dict": "dictionary"}


def _checked_whole(name: str, value: Any, spec: Spec) -> Checked:
    """A value for whose parts the spec has no rules."""
    kind = spec.get("type", "str")
    if kind in SCALARS:
        return _checked_scalar(name, value, spec)
    if kind in KINDS and isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        variable = re.split(r"[\[:]", name)[0]
        remedy = f"""write it without quotes around the brackets, and with -e as '{{"{variable}": …}}'"""
        return Checked(None, [f"{name} is the text {shown(value)}; it must be a {KINDS[kind]}: {remedy}"])
    if kind == "list":
        return Checked(None, [f"{name} is {shown(value)}; it must be a list, for example [{_example(value)}]"])
    if kind == "dict" and not isinstance(value, Mapping):
        return Checked(None, [f"{name} is {shown(value)}; it must be a dictionary, for example {{key: value}}"])
    return _checked_texts(name, value) if name.endswith(OF_TEXTS) and kind == "dict" else Checked(value, [])


def _empty_remedy(spec: Spec) -> str:
    nothing = {"list": "[]", "dict": "{}", "str": '""'}.get(spec.get("type", "str"))
    if spec.get("choices") and "" not in spec["choices"]:
        return f"it must be one of {', '.join(map(shown, spec['choices']))}"
    return f"write {nothing} for none, or leave it out" if nothing else "give it a value, or leave it out"


def _checked_list(name: str, value: list[Any] | tuple[Any, ...], spec: Spec) -> Checked:
    element = {"type": spec.get("elements", "raw"), **{key: spec[key] for key in ("options", "choices") if key in spec}}
    parts = [checked(f"{name}[{index}]", each, element) for index, each in enumerate(value)]
    return _joined(parts, [part.value for part in parts])


def _example(value: Any) -> str:
    return shown(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else "first, second"


def _checked_texts(name: str, value: Mapping[Any, Any]) -> Checked:
    """Keys and values as texts: AWS would get the word None for an empty value, and True for a yes."""
    keys = [checked(f"{name}: one of the keys", key, {}) for key in value]
    values = [checked(f"{name}: {shown(key)}", each, {}) for key, each in value.items()]
    texts = {key.value: each.value for key, each in zip(keys, values, strict=True)}
    return _joined([*keys, *values], texts)


def _checked_dict(name: str, value: Mapping[Any, Any], spec: Spec) -> Checked:
    options: Mapping[str, Spec] = spec["options"]
    unknown = [
        f"{name}: {shown(key)} is not known{hint(key, options, 'there are ' + ', '.join(options))}"
        for key in value
        if key not in options
    ]
    missing = [
        f"{name}: {key} is missing: {_first_sentence(option)}"
        for key, option in options.items()
        if option.get("required") and key not in value
    ]
    parts = {key: checked(f"{name}: {key}", value[key], option) for key, option in options.items() if key in value}
    defaults = {key: option["default"] for key, option in options.items() if "default" in option}
    values = {**defaults, **{key: part.value for key, part in parts.items()}}
    return _joined([*parts.values(), Checked(None, unknown + missing)], values)


def _first_sentence(option: Spec) -> str:
    description = option.get("description", "")
    text = description if isinstance(description, str) else " ".join(description)
    first = re.sub(r"\b[A-Z]\(([^)]*)\)", r"\1", text.partition(". ")[0].rstrip("."))
    return first if first[1:2].isupper() else first[:1].lower() + first[1:]


def _joined(parts: list[Checked], value: Any) -> Checked:
    problems = [problem for part in parts for problem in part.problems]
    return Checked(None if problems else value, problems)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return str(value)


def _number(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def number(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError
        return convert(value)

    return number


SCALARS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "str": (_text, "text; put it in quotes"),
    "path": (_text, "a path"),
    "int": (_number(check_type_int), "a whole number"),
    "float": (_number(check_type_float), "a number"),
    "bool": (check_type_bool, "true or false"),
}


# Units that people write after a number, and their factors, by the end of the variable's name.
UNITS: tuple[tuple[tuple[str, ...], Mapping[str, int], str], ...] = (
    (
        ("_timeout", "_timeout_maximum", "_limit", "_every"),
        {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400},
        "seconds",
    ),
    (("_days",), {"d": 1, "day": 1, "days": 1, "w": 7}, "days"),
    (("_share",), {"%": 1}, "percent"),
    (("_gb",), {"g": 1, "gb": 1, "gib": 1}, "GiB"),
)


def _without_unit(name: str, value: Any) -> str:
    """The end of a sentence about 2h or 50 GB, where a whole number is wanted: its unit, and the number meant."""
    found = re.fullmatch(r"(\d+) ?([a-z%]+)", str(value).strip().lower())
    for ends, units, what in UNITS:
        if found and name.endswith(ends) and found[2] in units:
            return f" of {what}; did you mean {int(found[1]) * units[found[2]]}?"
    return ""


def _checked_scalar(name: str, value: Any, spec: Spec) -> Checked:
    convert, what = SCALARS[spec.get("type", "str")]
    try:
        converted = convert(value)
    except (TypeError, ValueError, ArithmeticError):
        if isinstance(value, list | tuple | Mapping):
            what, said = what.partition(";")[0], ", so write it without brackets"
        else:
            said = ": YAML takes yes, no, on and off for true and false" if isinstance(value, bool) else ""
            said = said or _without_unit(name, value)
        return Checked(None, [f"{name} is {shown(value)}; it must be {what}{said}"])
    choices = spec.get("choices")
    if choices and converted not in choices:
        rule = "it must be one of " + ", ".join(map(shown, choices))
        return Checked(None, [f"{name} is {shown(value)}; {rule}{hint(converted, list(map(str, choices)))}"])
    return Checked(converted, [])
