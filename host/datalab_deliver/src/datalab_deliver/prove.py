# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prove that a project computes what the notebook computed, in another process, in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .plain import same

DEFAULT_TOLERANCE = 1e-9
PROGRAM = """
import json, resource, sys
sys.path.insert(0, {src!r})
from {package}.pipeline import run
from {package}.plain import plain
results = plain(run(**{arguments!r}))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
with open({file!r}, "w") as file:
    json.dump({{"values": results, "peak": peak}}, file)
"""
# The build stage, and the service, which cannot compute again and answers all calls twice, the second time backwards.
TRAIN = """
import json, pathlib, sys
sys.path.insert(0, {src!r})
from {package}.artifacts import save
from {package}.pipeline import run
from {package}.plain import brief, plain
values, made = run(**{arguments!r}), {{}}
save(pathlib.Path({folder!r}), values)
for name in values:
    try:
        made[name] = brief(plain(values[name]))
    except (TypeError, ValueError):
        pass
with open({file!r}, "w") as file:
    json.dump(made, file)
"""
ANSWER = """
import json, pathlib, resource, sys
sys.path.insert(0, {src!r})
sys.modules["{package}.pipeline"] = None
from {package} import artifacts, served
values = artifacts.load(pathlib.Path({folder!r}))
before = {{name: artifacts.packed(values[name]) for name in values}}
function = served.bind(**values)[{name!r}]
answers = served.samples(function)[{name!r}]
backwards = [served.answer(function, given) for given in reversed(served.CALLS["samples"])]
altered = [name for name in values if artifacts.packed(values[name]) != before[name]]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
with open({file!r}, "w") as file:
    json.dump({{"values": answers, "backwards": backwards[::-1], "altered": altered, "peak": peak}}, file)
"""


@dataclass(frozen=True)
class Proof:
    """The outcome of a proof."""

    differences: list[str]
    values: dict[str, Any]
    megabytes: int = 0


@dataclass(frozen=True)
class Expected:
    """The answers of a served function, and the artifacts that can be compared."""

    name: str
    answers: list[Any]
    made: dict[str, Any]
    tolerance: float


def prove(
    python: str,
    project: Path,
    package: str,
    arguments: Mapping[str, Any],
    expected: Mapping[str, Any],
    tolerance: Mapping[str, float],
) -> Proof:
    """Run a project and compare each result."""
    with tempfile.TemporaryDirectory(prefix="datalab-") as place:
        facts = {"src": str(project / "src"), "package": package, "arguments": dict(arguments)}
        got = told(python, PROGRAM, facts, Path(place))
    if isinstance(got, str):
        return Proof([got], {})
    return Proof(compare(expected, got["values"], tolerance), got["values"], got["peak"])


def prove_served(
    python: str,
    project: Path,
    package: str,
    arguments: Mapping[str, Any],
    expected: Expected,
) -> Proof:
    """Compute the artifacts in one process, load them in another one, and compare each answer."""
    name, tolerance = expected.name, expected.tolerance
    with tempfile.TemporaryDirectory(prefix="datalab-") as place:
        facts = {"src": str(project / "src"), "package": package, "arguments": dict(arguments), "name": name}
        facts["folder"] = str(Path(place) / "artifacts")
        trained = told(python, TRAIN, facts, Path(place))
        got = trained if isinstance(trained, str) else told(python, ANSWER, facts, Path(place))
    if isinstance(trained, str) or isinstance(got, str):
        return Proof([str(got)], {})
    differences = compare(expected.made, trained, dict.fromkeys(expected.made, tolerance))
    differences += same(expected.answers, got["values"], tolerance, name)
    differences += [f"{text}, asked again" for text in same(got["values"], got["backwards"], tolerance, name)]
    differences += [f"a call alters {each}" for each in got["altered"]]
    return Proof(differences, {name: got["values"]}, got["peak"])


def told(python: str, program: str, facts: Mapping[str, Any], place: Path) -> Any:
    """Run a program in an empty folder and return its output; if it fails, the last line of its error as a text."""
    file, empty = place / "results.json", place / "empty"
    empty.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONHASHSEED": "2", "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program.format(**facts, file=str(file))],
        cwd=empty,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1]
    return json.loads(file.read_text(encoding="utf-8"))


def compare(expected: Mapping[str, Any], got: Mapping[str, Any], tolerance: Mapping[str, float]) -> list[str]:
    """Return where the results of two runs differ."""
    return [
        text
        for name in expected
        for text in same(expected[name], got.get(name), tolerance.get(name, DEFAULT_TOLERANCE), name)
    ]
