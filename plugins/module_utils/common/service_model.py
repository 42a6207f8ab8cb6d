# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Values that AWS would refuse, by botocore's model of a service: names, ranges, choices, tags. No call is made."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

with suppress(ImportError):  # AnsibleAWSModule says so
    from botocore import xform_name  # and no more: the controller imports this

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html
TAG_KEY_LENGTH = 128
TAG_VALUE_LENGTH = 256
TAG_CHARACTERS = "letters, digits, spaces and _.:/=+-@"
RESERVED = ("aws:", "datalab:")  # what keys of AWS and of the collection begin with
SHOWN_LENGTH = 40  # of a key in a message
NEWER = "if it is new at AWS, upgrade botocore"
TAGS = 50  # of one resource
# The patterns of the model in words.
NAME = "letters, digits and hyphens, with a letter or digit at both ends"
IN_WORDS = {
    "NotebookInstanceLifecycleConfigName": NAME,
    "NotebookInstanceName": NAME,
    "RoleArn": "a role's ARN, such as arn:aws:iam::123456789012:role/name",
}


class Model(Protocol):
    """A model of a service: botocore's, or the controller's substitute."""

    def operation_model(self, operation_name: str) -> Any: ...


def input_shape(model: Model, operation: str) -> Any:
    # Any: the members and the member of a shape are known to its subclasses only.
    return model.operation_model(operation).input_shape


def member_problems(model: Model, path: str, value: Any) -> list[str]:
    """Violations of the service model by a value of a member of an operation's input, like CreateWorkGroup.Name."""
    operation, *members = path.split(".")
    shape = input_shape(model, operation)
    for member in members:
        shape = shape.members[member]
    return list(violations(shape, value))


def input_problems(model: Model, operation: str, params: dict[str, Any]) -> list[str]:
    """Violations of the service model by the parameters of a call, each after the name of its option."""
    return list(_nested(input_shape(model, operation), params))


def _nested(shape: Any, params: dict[str, Any], parent: str = "") -> Iterator[str]:
    for key, value in params.items():
        member, option = shape.members[key], parent + xform_name(key)
        values, member = (value, member.member) if member.type_name == "list" else ([value], member)
        for each in values:
            if member.type_name == "structure":
                yield from _nested(member, each, f"{option}.")
            else:
                yield from (f"{option}: {text}" for text in violations(member, each))


def violations(shape: Any, value: Any) -> Iterator[str]:
    """Violations of the service model by a value."""
    if shape.type_name == "list":
        yield from _range(shape, len(value), "entries")
        for item in value:
            yield from violations(shape.member, item)
    elif shape.type_name in ("integer", "long", "double"):
        yield from _range(shape, value, "")
    elif shape.type_name != "string":
        return
    elif shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        known = shape.metadata["enum"]
        yield f"{value!r} is not among the {len(known)} values that botocore knows; {meant(value, known)}"
    else:
        yield from _range(shape, len(value), "characters")
        if "pattern" in shape.metadata and not re.fullmatch(shape.metadata["pattern"], value):
            rule = IN_WORDS.get(shape.name, shape.metadata["pattern"])
            yield f"{value!r} is not allowed by AWS, which asks for {rule}"


def meant(value: str, known: Collection[str]) -> str:
    """The end of a sentence about a value that is none of these. People leave out the ml. of an instance type."""
    for whole in (value.lower(), f"ml.{value.lower()}"):
        if whole in known:
            return f"did you mean {whole}?"
    close = difflib.get_close_matches(value, known, 1)
    return f"did you mean {close[0]}? Otherwise, {NEWER}" if close else NEWER


def _range(shape: Any, size: float, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if most is None and size < least:
        yield f"{size} is less than {least} {unit}".rstrip()
    elif most is not None and not least <= size <= most:
        rule = f"at most {most}" if not least else f"{least} to {most}" if least < most else f"{most}"
        yield f"has {size} {unit}; it must have {rule}" if unit else f"{size} is not between {least} and {most}"


def key_twins(keys: Iterable[str], own: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Pairs of keys of tags that conditions of IAM take for one, since they differ in capitals only."""
    first = {key.lower(): key for key in own}
    for key in keys:
        other = first.setdefault(key.lower(), key)
        if other != key:
            yield other, key


def tag_problems(tags: Mapping[str, str], own: Collection[str] = (), most: int = TAGS) -> Iterator[str]:
    """Tags that AWS would refuse, and tags reserved for the collection, other than `own`.

    `most` are left beside those that the platform sets itself.
    """
    if len(tags) > most:
        others = f", {TAGS - most} of which are the platform's own" if most < TAGS else ""
        yield f"{len(tags)} tags are too many; there must be at most {most}: AWS takes {TAGS}{others}"
    for first, other in key_twins(tags):
        yield (
            f"the keys {first!r} and {other!r} differ in capitals only, and conditions of IAM treat both as one;"
            " remove one of them"
        )
    for key, value in tags.items():
        yield from tag_key_problems(key)
        if key.lower().startswith(RESERVED) and key not in own:
            yield f"the key {key!r} is reserved; it must not begin with {' or '.join(RESERVED)}"
        if len(value) > TAG_VALUE_LENGTH:
            yield f"the value of {key!r} has {len(value)} characters; it must have at most {TAG_VALUE_LENGTH}"
        if not _is_taken(value):
            yield f"the value of {key!r} is {value!r}; it must consist of {TAG_CHARACTERS}"


def tag_key_problems(key: str) -> Iterator[str]:
    """Reasons for which AWS would refuse the key of a tag."""
    if not 1 <= len(key) <= TAG_KEY_LENGTH:
        yield f"the key {_start(key)} has {len(key)} characters; it must have 1 to {TAG_KEY_LENGTH}"
    if not _is_taken(key):
        yield f"the key {_start(key)} is not allowed; it must consist of {TAG_CHARACTERS}"


def _start(key: str) -> str:
    return repr(key if len(key) <= SHOWN_LENGTH else f"{key[:SHOWN_LENGTH]}…")


def _is_taken(text: str) -> bool:
    return all(char.isalnum() or char.isspace() or char in "_.:/=+-@" for char in text)
