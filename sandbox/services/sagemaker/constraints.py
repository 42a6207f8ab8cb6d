# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The constraints that botocore's service model states, checked and reported the way AWS does."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core.model import ListShape, Shape, StructureShape
from moto.core.utils import get_service_model
from moto.sagemaker.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The patterns are Java's; Python's re has no \p{...}, and in these classes the underscore is always included.
_SPACES = "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_JAVA_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": _SPACES}


def check_input(operation: str, params: Mapping[str, Any]) -> None:
    """Refuse a request of a SageMaker operation that its input shape does not allow."""
    shape = get_service_model("sagemaker").operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    found = list(_in_structure(params, shape, ""))
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise ValidationError(message=count + "; ".join(found))


def _in_structure(value: Mapping[str, Any], shape: StructureShape, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"Value null at '{path}{_lower(name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if name in value:
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
    """Each constraint of a shape, and the sentence by which AWS reports that it does not hold."""
    model, what = shape.metadata, "value" if shape.type_name == "integer" else "length"
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
    size = value if shape.type_name == "integer" else len(value)
    return bool(size <= stated if constraint == "max" else size >= stated)


@cache
def python_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of the service model as Python understands it."""
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
