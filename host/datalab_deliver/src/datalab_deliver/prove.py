# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a project computes what the notebook computed: in another process, in an empty folder."""

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


@dataclass(frozen=True)
class Proof:
    """How a project did."""

    differences: list[str]
    values: dict[str, Any]
    megabytes: int = 0


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
        file = Path(place) / "results.json"
        (Path(place) / "empty").mkdir()
        program = PROGRAM.format(src=str(project / "src"), package=package, arguments=dict(arguments), file=str(file))
        environment = {**os.environ, "PYTHONHASHSEED": "2", "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [python, "-W", "ignore", "-c", program],
            cwd=Path(place) / "empty",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return Proof([(done.stderr.strip().splitlines() or ["it failed"])[-1]], {})
        got = json.loads(file.read_text(encoding="utf-8"))
    return Proof(compare(expected, got["values"], tolerance), got["values"], got["peak"])


def compare(expected: Mapping[str, Any], got: Mapping[str, Any], tolerance: Mapping[str, float]) -> list[str]:
    """Where the results of two runs differ."""
    return [
        text
        for name in expected
        for text in same(expected[name], got.get(name), tolerance.get(name, DEFAULT_TOLERANCE), name)
    ]
