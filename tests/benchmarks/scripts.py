# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure how much of AWS's limit each script and step uses, and how long it takes to render many configurations."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import SCRIPT_LENGTH
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.limits import size, step_sizes
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import render
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import CASES, DEFAULTS

WHOLE = ("defaults", "with efs", "viewer", "everything", "everything and tools", "everything and state")
CONFIGURATIONS = 1000


def measure() -> dict[str, Any]:
    """Return the sizes of some configurations' scripts, what each step adds, and the seconds to render many."""
    settings = {case: {**DEFAULTS, **CASES[case]} for case in WHOLE}
    results: dict[str, Any] = {
        "limit": SCRIPT_LENGTH,
        "on_start": {case: size(render(settings[case]).on_start) for case in WHOLE},
        "parts": step_sizes(settings["everything"]),
        "seconds": {
            f"{CONFIGURATIONS} with one program": _seconds(CONFIGURATIONS, "notebook_host_efs_access_point"),
            "100 with programs of their own": _seconds(100, "notebook_host_git_config"),
        },
    }
    for kind in ("on_start", "parts"):
        for name, length in results[kind].items():
            print(f"{kind:9} {name:12} {length:8,} of {SCRIPT_LENGTH:,} characters")
    for name, seconds in results["seconds"].items():
        print(f"render {name}: {seconds:.2f} s")
    return results


def _seconds(configurations: int, variable: str) -> float:
    """Return how long it takes to render configurations that differ in one variable."""
    begin = perf_counter()
    for number in range(configurations):
        values = {"notebook_host_efs_access_point": f"fsap-{number:017x}", "notebook_host_git_config": {"a.b": number}}
        render({**DEFAULTS, **CASES["everything"], variable: values[variable]})
    return round(perf_counter() - begin, 3)
