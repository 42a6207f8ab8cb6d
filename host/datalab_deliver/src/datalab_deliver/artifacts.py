"""The artifacts of a build stage as files: saved with their SHA-256, and loaded only if that is still the same."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
LAMBDA = ("it has a lambda", "Write it as a function in a cell (def), and use its name")


def save(folder: Path, values: Mapping[str, Any]) -> None:
    """Save each value in a file: as JSON if that preserves it, else as a pickle. The manifest comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    noted = {}
    for name, value in sorted(values.items()):
        kind, content = packed(value)
        for lost in sorted(named(content) if kind == "pickle" else set()):
            if lost.startswith(f"{__package__}.pipeline."):
                raise ValueError(f"{name} needs {lost}, which is not in definitions.py, so that nothing can load it")
        (folder / f"{name}.{kind}").write_bytes(content)
        noted[name] = {"file": f"{name}.{kind}", "sha256": hashlib.sha256(content).hexdigest()}
    (folder / MANIFEST).write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> dict[str, Any]:
    """Return all values. A ValueError names a file that has changed since it was saved; its content is not loaded."""
    if not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} has no {MANIFEST}: run the project's -train command first, or name another folder")
    values = {}
    for name, noted in json.loads((folder / MANIFEST).read_text(encoding="utf-8")).items():
        path = folder / noted["file"]
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != noted["sha256"]:
            raise ValueError(f"{path} is not as it was saved: its SHA-256 is not the one in {MANIFEST}")
        values[name] = json.loads(content) if path.suffix == ".json" else pickle.loads(content)  # noqa: S301 - see above
    return values


def packed(value: Any) -> tuple[str, bytes]:
    """Return the kind of file for a value, and the file's content."""
    if is_plain(value):
        return "json", json.dumps(value).encode()
    file = io.BytesIO()
    Pickler(file, protocol=5).dump(value)
    return "pickle", file.getvalue()


class Pickler(pickle.Pickler):
    """A pickler whose errors name the function or class that cannot be saved, since a pickle only has its name."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, (type, types.FunctionType)) and value.__module__ == "__main__":
            name = value.__qualname__
            if "<lambda>" in name:
                raise ValueError(*LAMBDA)
            if "<locals>" in name:
                inner = name.rpartition(".")[2]
                raise ValueError(f"it has {inner}, which is defined inside of a function", f"Define {inner} in a cell")
            known: Any = sys.modules["__main__"]
            for part in name.split("."):
                known = getattr(known, part, None)
            if known is not value:
                raise ValueError(f"it was made by a {name} that was defined again since", "Give each another name")
        return NotImplemented


class Names(pickle.Unpickler):
    """An unpickler that notes which functions and classes a pickle names."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.found: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.found.add(f"{module}.{name}")
        return super().find_class(module, name)


def named(content: bytes) -> set[str]:
    """Load a pickle of our own, and return the functions and classes that it names, with their modules."""
    names = Names(content)
    names.load()
    return names.found


def is_plain(value: Any) -> bool:
    """Return whether a value is the same after a round trip through JSON."""
    if type(value) is list:
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, str) or (type(value) is float and value - value == 0)
