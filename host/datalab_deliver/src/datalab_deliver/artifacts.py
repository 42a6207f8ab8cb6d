"""What a build stage has computed, in files: saved with their SHA-256, and not loaded when they are others."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


def save(folder: Path, values: Mapping[str, Any]) -> None:
    """Each value in a file: JSON, if that is the same value, and else a pickle. The manifest comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    noted = {}
    for name, value in sorted(values.items()):
        kind, content = packed(value)
        (folder / f"{name}.{kind}").write_bytes(content)
        noted[name] = {"file": f"{name}.{kind}", "sha256": hashlib.sha256(content).hexdigest()}
    (folder / MANIFEST).write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> dict[str, Any]:
    """All values. ValueError names a file that is not as it was saved; nothing of it is looked at."""
    if not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} has no {MANIFEST}: compute what is served first, or name another folder")
    values = {}
    for name, noted in json.loads((folder / MANIFEST).read_text(encoding="utf-8")).items():
        path = folder / noted["file"]
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != noted["sha256"]:
            raise ValueError(f"{path} is not what was saved: its SHA-256 is not the one of {MANIFEST}")
        values[name] = json.loads(content) if path.suffix == ".json" else pickle.loads(content)  # noqa: S301 - see above
    return values


def packed(value: Any) -> tuple[str, bytes]:
    """What kind of file a value takes, and its content."""
    if is_plain(value):
        return "json", json.dumps(value).encode()
    return "pickle", pickle.dumps(value, protocol=5)


def is_plain(value: Any) -> bool:
    """Whether JSON gives back the very same."""
    if type(value) is list:
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, str) or (type(value) is float and value - value == 0)
