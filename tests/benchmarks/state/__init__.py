# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the saved state of notebooks with dill.dump_module and Kishu: what is restored, the time, the cost a day."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from ansible_collections.datalab.notebooks.tests.state.conftest import NEWEST, environment
from ansible_collections.datalab.notebooks.tests.state.kernels import Kernel

from . import day, kinds, sizes

PARTS = {"1 GB": sizes.large, "10 GB": sizes.huge, "forks": sizes.forks, "day": day.measure}


def measure() -> dict[str, object]:
    python = environment("bench", "python3", f"{NEWEST}dill\n")
    others = subprocess.run([python, "-m", "pip", "install", "--quiet", "kishu"], check=False, capture_output=True)
    tools = [tool for tool in kinds.TOOLS if tool != "Kishu" or others.returncode == 0]
    results: dict[str, object] = {"kinds": {tool: kinds.measure(python, tool) for tool in tools}}
    for name, part in PARTS.items():
        with tempfile.TemporaryDirectory() as folder:
            results[name] = part(lambda folder=folder, **env: Kernel(python, Path(folder) / "work", **env))
        print(f"   {name}: {results[name]}", flush=True)
    return results
