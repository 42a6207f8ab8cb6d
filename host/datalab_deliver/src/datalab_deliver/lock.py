# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The versions of the packages that the project imports, and of their dependencies, as in the kernel, with hashes.

pip computes the hashes of the files that it would install, from the team's index, with the team's configuration.
"""

from __future__ import annotations

import ast
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .refusal import Fault, Refused
from .source import Statement


@dataclass(frozen=True)
class Environment:
    """The part of the kernel's environment that the project needs."""

    python: str  # such as 3.11
    direct: dict[str, str]  # distribution: version
    pins: dict[str, str]  # the direct ones and all their dependencies


def of(python: str, statements: Sequence[Statement], notebook: str) -> Environment:
    """Return the packages that the statements import, in the environment of that Python."""
    modules = imported(statements)
    script = Path(__file__).parent / "environment.py"
    done = subprocess.run([python, str(script), *modules], capture_output=True, text=True, check=True)
    facts: dict[str, Any] = json.loads(done.stdout)
    missing = [module for module in modules if facts["modules"][module] == "" and module not in optional(statements)]
    if missing:
        remedy = "Install it as a package (pip install), so that production can as well"
        cells = {module: modules[module] for module in missing}
        what = "it imports {}, which belongs to no installed package"
        raise Refused(*(Fault(notebook, cell, what.format(module), remedy) for module, cell in cells.items()))
    direct = sorted({name for name in facts["modules"].values() if name})
    pins = closure(direct, facts["distributions"], facts["markers"])
    return Environment(
        facts["markers"]["python_version"],
        {canonicalize_name(name): pins[canonicalize_name(name)] for name in direct},
        pins,
    )


def imported(statements: Sequence[Statement]) -> dict[str, int]:
    """Return the modules that the statements import, by the first part of their names, and the cells."""
    found: dict[str, int] = {}
    for statement in statements:
        for item in ast.walk(statement.node):
            if isinstance(item, ast.Import):
                for alias in item.names:
                    found.setdefault(alias.name.split(".")[0], statement.cell)
            elif isinstance(item, ast.ImportFrom) and item.module and not item.level:
                found.setdefault(item.module.split(".")[0], statement.cell)
    return found


def optional(statements: Sequence[Statement]) -> set[str]:
    """Return the modules that the notebook can do without: it imports them in a try with a handler."""
    tries = [item for statement in statements for item in ast.walk(statement.node) if isinstance(item, ast.Try)]
    inside = [Statement(0, item, "") for one in tries for item in one.body if one.handlers]
    return set(imported(inside))


def closure(names: Sequence[str], distributions: Mapping[str, Any], markers: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of some distributions and of all their dependencies in that environment."""
    known = {canonicalize_name(name): facts for name, facts in distributions.items()}
    found: dict[str, str] = {}
    todo = [(canonicalize_name(name), frozenset({""})) for name in names]
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen or name not in known:
            continue
        seen.add((name, extras))
        found[name] = known[name]["version"]
        for text in known[name]["requires"]:
            needed = Requirement(text)
            if not needed.marker or any(needed.marker.evaluate({**markers, "extra": extra}) for extra in extras):
                todo.append((canonicalize_name(needed.name), frozenset({"", *needed.extras})))
    return dict(sorted(found.items()))


def text(python: str, pins: Mapping[str, str], extra: Sequence[str], notebook: str) -> str:
    """Return the text of requirements.lock: the pins, the packages that `extra` adds, and the hash of each."""
    if not pins and not extra:
        return "# It needs nothing but Python.\n"
    with tempfile.TemporaryDirectory(prefix="datalab-") as place:
        wanted = Path(place) / "wanted.txt"
        wanted.write_text(
            "\n".join([*(f"{name}=={version}" for name, version in pins.items()), *extra]), encoding="utf-8"
        )
        command = [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--only-binary=:all:"]
        command += ["--disable-pip-version-check"]  # the notice of a new version would be the last line of the error
        command += [] if extra else ["--no-deps"]
        done = subprocess.run(
            [*command, "--report", "-", "-r", str(wanted)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        remedy = f"Repair pip's index or the kernel's environment until {' '.join(command[:4])} gets these versions"
        raise Refused(Fault(notebook, None, f"its packages cannot be locked: {why}", remedy))
    return "".join(sorted(map(line, json.loads(done.stdout)["install"])))


def line(item: Mapping[str, Any]) -> str:
    name, version = canonicalize_name(item["metadata"]["name"]), item["metadata"]["version"]
    return f"{name}=={version} --hash=sha256:{item['download_info']['archive_info']['hashes']['sha256']}\n"
