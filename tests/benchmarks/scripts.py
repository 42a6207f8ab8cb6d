# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much of what AWS takes each script and each step needs."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import SCRIPT_LENGTH
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import CASES, DEFAULTS, render_by_lookup

WHOLE = ("defaults", "with efs", "viewer", "everything")


def measure() -> dict[str, Any]:
    """The sizes of the scripts of some configurations, and what each step adds to the frame."""
    steps = {f"only {step}": step for step in DEFAULTS["notebook_host_steps"]}
    cases = {case: CASES[case] for case in (*WHOLE, "no steps", *steps)}
    with tempfile.TemporaryDirectory() as directory:
        scripts = render_by_lookup(Path(directory), cases)
    sizes = {case: len(base64.b64encode(scripts[case]["on-start.sh"].encode())) for case in cases}
    frame = sizes["no steps"]
    results: dict[str, Any] = {
        "limit": SCRIPT_LENGTH,
        "on_start": {case: sizes[case] for case in WHOLE},
        "parts": {"frame": frame, **{step: sizes[case] - frame for case, step in steps.items()}},
    }
    for kind in ("on_start", "parts"):
        for name, size in results[kind].items():
            print(f"{kind:9} {name:12} {size:8,} of {SCRIPT_LENGTH:,} characters")
    return results
