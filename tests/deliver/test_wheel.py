# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`datalab` as a wheel: the same each time, and complete."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[2] / "host" / "datalab_deliver"


def run(*command, **facts):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **facts)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_is_the_same_each_time_and_works(python, tmp_path):
    digests = set()
    for name in ("one", "other"):
        source = tmp_path / name / "datalab_deliver"
        shutil.copytree(HOME, source, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__"))
        pip = (python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
        run(*pip, "--wheel-dir", source.parent, source, cwd=tmp_path)
        (wheel,) = source.parent.glob("datalab_deliver-*-py3-none-any.whl")
        digests.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(digests) == 1
    installed, completed = tmp_path / "installed", tmp_path / "completed"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", installed, wheel)
    completed.mkdir()
    facts = {"cwd": completed, "env": {**os.environ, "PYTHONPATH": str(installed)}}
    assert run(installed / "bin" / "datalab", "--version", **facts) == "0.1.0\n"
    assert run(installed / "bin" / "datalab", "complete", **facts) == f"{completed}: 0 projects\n"
    assert "Completed projects" in (completed / "index.html").read_text()
