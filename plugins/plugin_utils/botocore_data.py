# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""What botocore knows of services and regions, read without importing botocore's clients.

The controller makes no calls to AWS, and these imports would take a fifth of a second of each run.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

with suppress(ImportError):  # FlowAction says so
    import botocore


class Shape:
    """A shape as botocore.model has it, as far as values are compared with it."""

    def __init__(self, shapes: Mapping[str, Any], reference: Mapping[str, Any]) -> None:
        self._shapes = shapes
        self.name = str(reference["shape"])
        self.metadata = {**shapes[self.name], **reference}
        self.type_name = str(self.metadata["type"])

    @cached_property
    def members(self) -> dict[str, Shape]:
        return {name: Shape(self._shapes, each) for name, each in self.metadata["members"].items()}

    @cached_property
    def member(self) -> Shape:
        return Shape(self._shapes, self.metadata["member"])


class Operation(NamedTuple):
    """An operation as botocore.model has it, as far as values are compared with it."""

    input_shape: Shape


class Service:
    """The model of a service."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._shapes = data["shapes"]
        inputs = {name: each["input"] for name, each in data["operations"].items() if "input" in each}
        self._inputs: Mapping[str, Mapping[str, Any]] = inputs
        self._operations: dict[str, Operation] = {}

    def shape_for(self, name: str) -> Shape:
        return Shape(self._shapes, {"shape": name})

    def operation_model(self, operation_name: str) -> Operation:
        if operation_name not in self._operations:
            self._operations[operation_name] = Operation(Shape(self._shapes, self._inputs[operation_name]))
        return self._operations[operation_name]


@cache
def load_service_model(service: str = "sagemaker") -> Service:
    """The newest model of a service, of botocore's own and those that a user keeps where botocore looks for them."""
    given = [Path(place).expanduser() for place in os.environ.get("AWS_DATA_PATH", "").split(os.pathsep) if place]
    places = [*given, Path.home() / ".aws" / "models", _data()]
    versions = [version for place in places for version in (place / service).glob("*-*-*")]
    return Service(_read(max(versions, key=lambda version: version.name) / "service-2.json"))


@cache
def known_regions() -> frozenset[str]:
    """The regions that botocore knows, of all partitions."""
    partitions = _read(_data() / "partitions.json")["partitions"]
    return frozenset(name for partition in partitions for name in partition["regions"])


def _data() -> Path:
    return Path(botocore.__file__).parent / "data"


def _read(file: Path) -> Any:
    """Most files are compressed where PyPI's packages are installed, and none where those of some distributions are."""
    return json.loads(file.read_bytes() if file.exists() else gzip.decompress(Path(f"{file}.gz").read_bytes()))
