# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every constraint of botocore's service model for the sandbox's own operations.

The requests are generated from the model: a valid one for each operation, and one that breaks each constraint.
"""

from __future__ import annotations

import copy
import json
import re
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from moto.core.utils import get_service_model

from sandbox.services.sagemaker.constraints import python_pattern, violations

SAGEMAKER = get_service_model("sagemaker")
OPERATIONS = [name for name in SAGEMAKER.operation_names if "NotebookInstance" in name or "CodeRepositor" in name]
OPERATIONS += ["AddTags", "ListTags", "DeleteTags"]
EXAMPLES = [  # the first that satisfies a shape's own constraints is taken
    "alice",
    "arn:aws:iam::123456789012:role/notebooks",
    "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/alice",
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:git",
    "https://git.example.org/x",
    "notebook-al2023-v1",
    "1",
]
STRANGE = ["\n", "\x00", "a b", "!", "é\n", "a\nb", "ab\ncdefghijklmnopqrstuvwxyz", ""]
TEXTS = {
    "enum": "Member must satisfy enum value set: [{}]",
    "max": "Member must have {} less than or equal to {}",
    "min": "Member must have {} greater than or equal to {}",
    "pattern": "Member must satisfy regular expression pattern: {}",
}
NUMBERS = ("integer",)


def example(shape):
    """Return a value that a shape allows."""
    if shape.type_name == "structure":
        return {name: example(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [example(shape.member)]
    if shape.type_name in NUMBERS:
        return shape.metadata.get("min", 1)
    if shape.type_name in ("boolean", "timestamp"):
        return {"boolean": True, "timestamp": 0}[shape.type_name]
    return next(text for text in [*shape.metadata.get("enum", []), *EXAMPLES] if allows(shape, text))


def allows(shape, text):
    model = shape.metadata
    fits = model.get("min", 0) <= len(text) <= model.get("max", len(text))
    return fits and ("pattern" not in model or python_pattern(model["pattern"]).fullmatch(text) is not None)


def places(shape, path=()):
    """Yield every member of a structure, at any depth, with the keys that lead to it."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield (*path, name), member
            yield from places(member, (*path, name))
    if shape.type_name == "list":
        yield (*path, 0), shape.member
        yield from places(shape.member, (*path, 0))


def breaking(constraint, shape):
    """Return a value that breaks this constraint of a shape, and AWS's sentence about it."""
    stated = shape.metadata[constraint]
    if constraint == "enum":
        return "no such value", TEXTS["enum"].format(", ".join(stated))
    if constraint == "pattern":
        broken = (text for text in STRANGE if python_pattern(stated).fullmatch(text) is None)
        return next(broken), TEXTS["pattern"].format(stated)
    size = stated + 1 if constraint == "max" else stated - 1
    number = shape.type_name in NUMBERS
    return size if number else of_length(shape, size), TEXTS[constraint].format("value" if number else "length", stated)


def of_length(shape, size):
    return ([example(shape.member)] if shape.type_name == "list" else "a") * size


def shown(path):
    """Return a place in the form of AWS's messages."""
    keys = [f"{key + 1}.member" if isinstance(key, int) else key[0].lower() + key[1:] for key in path]
    return ".".join(keys)


def cases():
    for operation in OPERATIONS:
        shape = SAGEMAKER.operation_model(operation).input_shape
        for path, member in places(shape):
            for constraint in TEXTS.keys() & member.metadata.keys():
                if (constraint, member.metadata[constraint]) != ("min", 0):  # no length is below 0
                    yield operation, path, constraint
            if isinstance(path[-1], str):
                yield operation, path, "type"
        for path, member in [((), shape), *places(shape)]:
            for name in getattr(member, "required_members", []):
                yield operation, (*path, name), "required"


CASES = sorted(cases(), key=str)


def put(request, path, value):
    """Return a copy of the request with another value in one place, or without that place for None."""
    request = copy.deepcopy(request)
    target = request
    for key in path[:-1]:
        target = target[key]
    if value is None:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return request


def shape_at(operation, path):
    return dict(places(SAGEMAKER.operation_model(operation).input_shape))[path]


def wrong_type(shape):
    """Return a value of the wrong type for a shape, and AWS's words for it."""
    return {
        "structure": ("text", "Expected map or null"),
        "list": ("text", "Expected list or null"),
        "string": (5, "NUMBER_VALUE can not be converted to String"),
        "integer": ("5", "STRING_VALUE can not be converted to Integer"),
        "boolean": (1, "NUMBER_VALUE can not be converted to Boolean"),
        "timestamp": (True, "TRUE_VALUE can not be converted to Timestamp"),
    }[shape.type_name]


@pytest.fixture
def send(sandbox):
    """Send the body of an operation as it is; return the status, the error's code and its message."""
    signed = "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/sagemaker/aws4_request, SignedHeaders=x, Signature=y"

    def call(operation, body):
        connection = HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=10)
        headers = {"X-Amz-Target": f"SageMaker.{operation}", "Authorization": signed}
        connection.request("POST", "/", body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
        response = connection.getresponse()
        text = json.loads(response.read() or "{}")
        connection.close()
        return response.status, text.get("__type"), text.get("message", text.get("Message"))

    return call


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_example_of_an_operation_breaks_nothing(operation):
    assert violations("sagemaker", operation, example(SAGEMAKER.operation_model(operation).input_shape)) is None


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_constraint_of_an_operation_is_checked(operation, send):
    """Each case is refused as by AWS; one test has them all, since emptying the sandbox costs more than a request."""
    request: dict[str, Any] = example(SAGEMAKER.operation_model(operation).input_shape)
    own = [(path, constraint) for name, path, constraint in CASES if name == operation]
    assert own or not request
    for path, constraint in own:
        expected = "ValidationException"
        if constraint == "required":
            broken, text = put(request, path, None), f"Value null at '{shown(path)}' failed to satisfy constraint: "
            text += "Member must not be null"
        elif constraint == "type":
            value, text = wrong_type(shape_at(operation, path))
            broken, expected = put(request, path, value), "SerializationException"
        else:
            value, text = breaking(constraint, shape_at(operation, path))
            broken = put(request, path, value)
        status, code, message = send(operation, broken)
        assert (status, code) == (400, expected), (path, constraint, message)
        if path[-1] == 0 and constraint in TEXTS:  # for a list, AWS names all constraints of its members
            text = f"at '{shown(path[:-1])}' failed to satisfy constraint: Member must satisfy constraint: ["
        elif constraint in TEXTS:
            text = f"at '{shown(path)}' failed to satisfy constraint: {text}"
        assert text in message, (path, constraint)


def test_the_generated_cases_cover_the_model():
    """The cases have every constraint that the model states, except minimums of 0."""
    stated = {
        (operation, path, constraint)
        for operation in OPERATIONS
        for path, member in places(SAGEMAKER.operation_model(operation).input_shape)
        for constraint in ("min", "max", "pattern", "enum")
        if constraint in member.metadata
    }
    assert {constraint for _, _, constraint in stated - set(CASES)} <= {"min"}
    assert len(CASES) > 300


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_largest_and_the_smallest_are_allowed(operation):
    request = example(SAGEMAKER.operation_model(operation).input_shape)
    for _, path, constraint in [case for case in CASES if case[0] == operation and case[2] in ("min", "max")]:
        shape = shape_at(operation, path)
        size = shape.metadata[constraint]
        value = (
            size
            if shape.type_name in NUMBERS
            else ([example(shape.member)] if shape.type_name == "list" else "a") * size
        )
        message = violations("sagemaker", operation, put(request, path, value)) or ""
        assert "less than or equal" not in message, path
        assert "greater than or equal" not in message, path


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'"text"', b"\xff"])
def test_a_body_that_is_no_request(send, body):
    status, code, _ = send("ListNotebookInstances", body)
    assert (status, code) == (400, "SerializationException")


def test_a_member_that_the_api_does_not_have_is_ignored(send):
    assert send("ListNotebookInstances", {"Nonsense": 1})[0] == 200


def test_null_is_absent(send):
    assert send("ListNotebookInstances", {"NameContains": None})[0] == 200
    assert re.search("at 'resourceArn'", send("ListTags", {"ResourceArn": None})[2])
