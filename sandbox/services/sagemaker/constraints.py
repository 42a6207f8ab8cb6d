# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The constraints of botocore's service model, checked and reported as AWS does."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core.model import ListShape, Shape, StructureShape
from moto.core.utils import get_service_model
from moto.sagemaker.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The patterns are Java's, and Python's re has no \p{...}. \w also matches "_", which all classes with \p{L} include.
_SPACES = "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Java writes characters beyond U+FFFF as pairs of surrogates.
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": _SPACES,
    r"\uD800\uDC00-\uDBFF\uDFFF": "\U00010000-\U0010ffff",
}

_NUMBERS = ("integer", "long", "float", "double")

# The Python types that a JSON value of a scalar type may have; a bool is not a number here.
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "string": (str,),
    "timestamp": (int, float),
}
_JSON_NAMES: dict[type, str] = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}


def violations(service: str, operation: str, params: Mapping[str, Any]) -> str | None:
    """Return the violations of an operation's input shape by a request, in AWS's words; None if there are none."""
    found = list(_in_structure(params, _input(service, operation), ""))
    return (
        f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {'; '.join(found)}" if found else None
    )


def check_input(operation: str, params: Mapping[str, Any]) -> None:
    """Refuse a request that violates the input shape of its SageMaker operation."""
    if message := violations("sagemaker", operation, params):
        raise ValidationError(message=message)


def not_readable(service: str, operation: str, body: bytes) -> str | None:
    """Return why a request's body cannot be read as its operation's input; AWS checks this before any constraint."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return "Unable to parse the request."
    return next(_of_wrong_type(value, _input(service, operation)), None)


def _input(service: str, operation: str) -> StructureShape:
    shape = get_service_model(service).operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    return shape


def _of_wrong_type(value: Any, shape: Shape) -> Iterator[str]:
    if value is None:
        return
    if isinstance(shape, StructureShape):
        if isinstance(value, dict):
            for name, member in shape.members.items():
                yield from _of_wrong_type(value.get(name), member)
        else:
            yield "Expected map or null"
    elif isinstance(shape, ListShape):
        if isinstance(value, list):
            for item in value:
                assert isinstance(shape.member, Shape)
                yield from _of_wrong_type(item, shape.member)
        else:
            yield "Expected list or null"
    elif isinstance(value, dict | list):
        yield f"Start of {'list' if isinstance(value, list) else 'structure or map'} found where not expected."
    elif type(value) not in _JSON_TYPES.get(shape.type_name, (type(value),)):
        yield f"{_json_name(value)} can not be converted to {shape.type_name.title()}"


def _json_name(value: Any) -> str:
    return str(value).upper() + "_VALUE" if isinstance(value, bool) else _JSON_NAMES[type(value)]


def _in_structure(value: Mapping[str, Any], shape: StructureShape, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{path}{_lower(name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _in_member(value[name], member, path + _lower(name))


def _in_member(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _in_structure(value, shape, path + ".")
        return
    failed = _failed(value, shape)
    if isinstance(shape, ListShape):
        member = shape.member
        assert isinstance(member, Shape)
        if isinstance(member, StructureShape):
            for number, item in enumerate(value, 1):
                yield from _in_structure(item, member, f"{path}.{number}.member.")
        elif any(_failed(item, member) for item in value):
            failed.append(f"Member must satisfy constraint: [{', '.join(_stated(member).values())}]")
        value = f"[{', '.join(map(str, value))}]"
    for reason in failed:
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: {reason}"


def _failed(value: Any, shape: Shape) -> list[str]:
    return [text for constraint, text in _stated(shape).items() if not _holds(constraint, value, shape)]


def _stated(shape: Shape) -> dict[str, str]:
    """Return each constraint of a shape, with the sentence by which AWS reports a violation."""
    model, what = shape.metadata, "value" if shape.type_name in _NUMBERS else "length"
    texts = {}
    if "enum" in model:
        texts["enum"] = f"Member must satisfy enum value set: [{', '.join(model['enum'])}]"
    if "max" in model:
        texts["max"] = f"Member must have {what} less than or equal to {model['max']}"
    if "min" in model:
        texts["min"] = f"Member must have {what} greater than or equal to {model['min']}"
    if "pattern" in model:
        texts["pattern"] = f"Member must satisfy regular expression pattern: {model['pattern']}"
    return texts


def _holds(constraint: str, value: Any, shape: Shape) -> bool:
    stated = shape.metadata[constraint]
    if constraint == "enum":
        return value in stated
    if constraint == "pattern":
        return python_pattern(stated).fullmatch(value) is not None
    size = value if shape.type_name in _NUMBERS else len(value)
    return bool(size <= stated if constraint == "max" else size >= stated)


@cache
def python_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern of the service model as a pattern of Python."""
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    pattern = pattern.replace("(?i)", "")  # Python allows it at the start only; the pattern with it forbids <script>
    return re.compile(pattern)


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
