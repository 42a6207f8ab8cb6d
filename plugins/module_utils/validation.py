# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bad input, found before any API call. Names, ranges and instance types come from botocore's service model."""

from __future__ import annotations

import base64
import difflib
import lzma
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .instance import FIELDS, IMDS, IMDS_VERSION, Desired, request_params

with suppress(ImportError):  # AnsibleAWSModule says so
    from botocore import xform_name
    from botocore.session import get_session

if TYPE_CHECKING:
    from botocore.model import ServiceModel, Shape

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html
TAG_KEY_LENGTH = 128
TAG_VALUE_LENGTH = 256
TAGS = 48  # AWS allows 50; instance.OWN_TAGS needs two

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_NotebookInstanceLifecycleHook.html
SCRIPT_LENGTH = 16384

RunCommand = Callable[..., tuple[int, str, str]]


def load_service_model() -> ServiceModel:
    """botocore's model of SageMaker, without a client and so without a region or credentials."""
    return get_session().get_service_model("sagemaker")


def instance_problems(model: ServiceModel, instances: list[Desired]) -> list[str]:
    """What is wrong with the instances that somebody wants, one sentence each."""
    problems = [problem for desired in instances for problem in _instance_problems(model, desired)]
    return problems + _collisions(instances)


def _instance_problems(model: ServiceModel, desired: Desired) -> Iterator[str]:
    shape = _input(model, "CreateNotebookInstance")
    yield from (
        desired.about("name", text) for text in _violations(shape.members["NotebookInstanceName"], desired.name)
    )
    given = {option: value for option, value in desired.fields.items() if value not in ("", [])}
    params = request_params(given)
    if IMDS in params:
        params[IMDS] = params[IMDS][IMDS_VERSION]
    for field in FIELDS:
        if field.request in params:
            member = shape.members[field.request]
            member = member.members[IMDS_VERSION] if field.request == IMDS else member
            yield from (desired.about(field.option, text) for text in _violations(member, params[field.request]))
    if given.get("direct_internet_access") == "Disabled" and "subnet_id" not in given and desired.state != "absent":
        yield desired.about("direct_internet_access", "without it the instance needs a subnet_id")
    yield from (desired.about("tags", text) for text in tag_problems(desired.tags or {}))


def _collisions(instances: list[Desired]) -> list[str]:
    by_name = defaultdict(list)
    for desired in instances:
        by_name[desired.name].append(desired.who)
    return [
        f"{' and '.join(people)}: their instances would both be called {name}; rename one of them"
        for name, people in by_name.items()
        if len(people) > 1
    ]


def _input(model: ServiceModel, operation: str) -> Any:
    # Any: the members and the member of a shape are known to its subclasses only.
    return model.operation_model(operation).input_shape


def name_problems(model: ServiceModel, name: str) -> list[str]:
    """What is wrong with the name of a lifecycle configuration."""
    return member_problems(model, "CreateNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleConfigName", name)


def member_problems(model: ServiceModel, path: str, value: Any) -> list[str]:
    """What the service model says against a value of a member of an operation's input, like CreateWorkGroup.Name."""
    operation, *members = path.split(".")
    shape = _input(model, operation)
    for member in members:
        shape = shape.members[member]
    return list(_violations(shape, value))


def input_problems(model: ServiceModel, operation: str, params: dict[str, Any]) -> list[str]:
    """What the service model says against the parameters of a call, each after the option that the parameter is."""
    return list(_nested(_input(model, operation), params))


def _nested(shape: Any, params: dict[str, Any], parent: str = "") -> Iterator[str]:
    for key, value in params.items():
        member, option = shape.members[key], parent + xform_name(key)
        values, member = (value, member.member) if member.type_name == "list" else ([value], member)
        for each in values:
            if member.type_name == "structure":
                yield from _nested(member, each, f"{option}.")
            else:
                yield from (f"{option}: {text}" for text in _violations(member, each))


def _violations(shape: Any, value: Any) -> Iterator[str]:
    """What the service model says against a value."""
    if shape.type_name == "list":
        yield from _range(shape, len(value), "entries")
        for item in value:
            yield from _violations(shape.member, item)
    elif shape.type_name in ("integer", "long", "double"):
        yield from _range(shape, value, "")
    elif shape.type_name != "string":
        return
    elif shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        close = difflib.get_close_matches(value, shape.metadata["enum"], 1)
        hint = f"did you mean {close[0]}?" if close else "if it is new at AWS, upgrade botocore"
        yield f"{value!r} is not among the {len(shape.metadata['enum'])} values that botocore knows; {hint}"
    else:
        yield from _range(shape, len(value), "characters")
        if "pattern" in shape.metadata and not re.fullmatch(shape.metadata["pattern"], value):
            yield f"{value!r} is not allowed by AWS, which asks for {shape.metadata['pattern']}"


def _range(shape: Shape, size: float, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if most is None and size < least:
        yield f"{size} is less than {least} {unit}".rstrip()
    elif most is not None and not least <= size <= most:
        yield f"{size} is not between {least} and {most} {unit}".rstrip()


def tag_problems(tags: dict[str, str]) -> Iterator[str]:
    """What AWS would not take as tags."""
    if len(tags) > TAGS:
        yield f"{len(tags)} tags are more than the {TAGS} that AWS leaves beside the platform's own"
    for key, value in tags.items():
        if not 1 <= len(key) <= TAG_KEY_LENGTH:
            yield f"the key {key[:20]!r}… has {len(key)} characters; 1 to {TAG_KEY_LENGTH} are allowed"
        if len(value) > TAG_VALUE_LENGTH:
            yield f"the value of {key!r} has {len(value)} characters; {TAG_VALUE_LENGTH} are allowed"
        if key.lower().startswith(("aws:", "datalab:")):
            yield f"the key {key!r} is reserved"
        if not all(c.isalnum() or c.isspace() or c in "_.:/=+-@" for c in key + value):
            yield f"{key}={value} has a character that is none of letters, digits, spaces and _.:/=+-@"


def script_problems(script: str, run_command: RunCommand) -> Iterator[str]:
    """Why a lifecycle script could not run on an instance; `run_command` is that of the module."""
    if not script.startswith("#!"):
        yield "the first line has to name the interpreter, like #!/bin/bash"
    if "\r" in script:
        yield "it has Windows line ends (CR LF), with which the first line names no program; save it with LF"
    size = len(base64.b64encode(script.encode()))
    unpacked = _unpacked(script)
    if size > SCRIPT_LENGTH:
        yield f"it has {size:,} characters in base64; AWS takes {SCRIPT_LENGTH:,}. {_largest_parts(unpacked)}".rstrip()
    if re.match(r"#!.*\b(ba)?sh\b", script):
        yield from _syntax_errors(script, run_command)
        if unpacked != script:
            yield from _syntax_errors(unpacked, run_command)


def _unpacked(script: str) -> str:
    """The program that a script of the role notebook_host carries; any other script as it is."""
    packed = re.search(r"<<'PROGRAM'\n(.*)\nPROGRAM\n", script)
    try:
        return lzma.decompress(base64.b85decode(packed[1])).decode() if packed else script
    except (ValueError, lzma.LZMAError):
        return script


def _largest_parts(script: str) -> str:
    """The sizes of the shell functions of a script before it is packed, the largest first."""
    functions = re.finditer(r"^(\w+)\(\) *\{\n.*?^\}$", script, re.DOTALL | re.MULTILINE)
    sizes = sorted(((len(function[0].encode()) * 4 // 3, function[1]) for function in functions), reverse=True)
    return "Largest: " + ", ".join(f"{name} {size:,}" for size, name in sizes[:6]) if sizes else ""


def _syntax_errors(script: str, run_command: RunCommand) -> Iterator[str]:
    bash = shutil.which("bash")
    if bash:
        code, _output, errors = run_command([bash, "-n"], data=script)
        if code:
            yield f"bash -n says: {errors.strip()}"
