# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A developer who has never seen the notebook runs the commands of the project's README.md, without Jupyter and AWS."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from datalab_deliver import lock, project

from .corpus import FOLDER, read

NOT_THERE = re.compile(r"^(ipython|ipykernel|jupyter.*|nb.*|notebook|boto.*|aws.*|datalab.*)==", re.IGNORECASE)


def commands(readme):
    """Return the lines of the README's code blocks, except blocks that build an image."""
    blocks = re.findall(r"^```\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if "docker build" not in block]


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Return a shell in a new virtual environment, without this machine's settings of AWS, Jupyter and Python."""
    place = tmp_path_factory.mktemp("developer")
    subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS", "JUPYTER", "PYTHON"))}
    environment = {**kept, "PATH": f"{place / 'venv' / 'bin'}:/usr/bin:/bin", "PIP_NO_COMPILE": "1"}

    def run(command, folder):
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


def test_a_developer_who_never_saw_the_notebook(outcome, python, shell, tmp_path):
    came = outcome(read(FOLDER / "complaints.notebook"))
    delivered = tmp_path / "delivered"
    shutil.copytree(came.delivered.project, delivered)
    pins = dict(line.split("==") for line in (delivered / "requirements.lock").read_text().split())
    project.write(delivered, {"requirements.lock": lock.text(str(python), pins, [], "complaints.ipynb")})
    git = "git -c user.name=a -c user.email=a@example.com"
    shell(f"git init --quiet && git add --all && {git} commit --quiet --message All", delivered)
    shell("git clone --quiet delivered mine", tmp_path)
    mine = tmp_path / "mine"
    typed = commands((mine / "README.md").read_text())
    assert typed == [
        "pip install --require-hashes -r requirements.lock",
        "pip install '.[test]'",
        "pytest",
        "complaints --help",
    ]
    said = [shell(command, mine) for command in typed]
    assert re.search(r"\b2 passed\b", said[2]), said[2]
    assert "--complaints" in said[3]
    assert not list(filter(NOT_THERE.match, shell("pip freeze", mine).splitlines()))
    other = json.loads(shell("complaints --complaints tests/data/complaints.csv", mine))
    assert other == json.loads((mine / "tests" / "golden.json").read_text())["results"]
