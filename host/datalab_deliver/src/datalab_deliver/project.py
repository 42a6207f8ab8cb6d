# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a project into its place: build it aside, rename it when it is complete, and keep the team's changes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2

from .refusal import Fault, Refused

RECORD = "notebook/delivery.json"
MADE_FROM_NOTEBOOK = (
    "pipeline.py",
    "plain.py",
    "golden.json",
    "serving.py",
    "definitions.py",
    "artifacts.py",
    "arguments.py",
    "calls.json",
)

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader(__package__),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=False,
    autoescape=False,  # noqa: S701 - it writes Python and TOML
)


def render(template: str, **facts: Any) -> str:
    return TEMPLATES.get_template(f"{template}.j2").render(**facts)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files of a folder."""
    if path.is_file():
        known = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                known.update(block)
        return known.hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return hashlib.sha256("".join(f"{file.relative_to(path)} {digest(file)}\n" for file in files).encode()).hexdigest()


def record(project: Path) -> dict[str, Any] | None:
    """Return what was noted when a project was delivered; None if the folder is no delivered project."""
    path = project / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


@contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Yield the path of a new folder beside the target; it is removed afterwards unless it was put into its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield place / "new"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def edited(target: Path) -> list[str]:
    """Return the files of a delivered project that are not as they were delivered."""
    noted = (record(target) or {}).get("files", {})
    return [name for name, known in noted.items() if not (target / name).is_file() or digest(target / name) != known]


def check_target(target: Path) -> None:
    """Refuse a folder that is no delivered project, or whose generated files were edited: neither is overwritten."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if record(target) is None:
        raise Refused(
            Fault(str(target), None, "it exists and is not a delivered project", "Name another folder with --out")
        )
    changed = [name for name in edited(target) if name.endswith(MADE_FROM_NOTEBOOK)]
    if changed:
        remedy = "Make the change in the notebook, restore the file (git checkout), and deliver again"
        raise Refused(*(Fault(str(target / name), None, "it was edited by hand", remedy) for name in changed))


def keep_edits(target: Path, new: Path) -> list[str]:
    """Copy the files that the team changed or added to the new project; return the names of the changed ones."""
    if not target.exists():
        return []
    noted = (record(target) or {}).get("files", {})
    changed = [name for name in edited(target) if (target / name).is_file()]
    for path in target.rglob("*"):
        name = str(path.relative_to(target))
        if path.is_file() and (name in changed or (name not in noted and name != RECORD and not (new / name).exists())):
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, new / name)
    return changed


def digests(new: Path) -> dict[str, str]:
    """Return the files that a delivery wrote, with their digests."""
    files = [path for path in new.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(new)): digest(path) for path in sorted(files)}


def note(new: Path, facts: Mapping[str, Any], made: Mapping[str, str], kept: list[str], target: Path) -> None:
    """Record what was delivered. A file that the team changed keeps its first digest, so it still counts as changed."""
    known = (record(target) or {}).get("files", {})
    files = {**made, **{name: known[name] for name in kept}}
    write(new, {RECORD: json.dumps({**facts, "files": files}, indent=1, sort_keys=True) + "\n"})


def put(new: Path, target: Path) -> None:
    """Rename the new project into its place; if that fails, put the old one back."""
    old = new.parent / "old"
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def replace_file(path: Path, text: str) -> None:
    """Replace a file: write a new one beside it, and rename that."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
