# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file `datalab` of an instance: Python runs it, and it installs its dependencies once."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts import deliver


@pytest.fixture
def instance(tmp_path):
    """Make the home directory of an instance, with the file where people find it."""
    tool, command = tmp_path / "tools" / "datalab", tmp_path / "bin" / "datalab"
    for directory in (tool.parent, command.parent):
        directory.mkdir()
    deliver.write(tool)
    tool.chmod(0o755)
    command.symlink_to(tool)
    return tmp_path


def datalab(instance, *arguments, **variables):
    return subprocess.run(
        [instance / "bin" / "datalab", *arguments],
        env={**os.environ, "HOME": str(instance), "PYTHONPATH": "/nowhere", **variables},
        cwd=instance,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_installs_what_it_needs_once(instance):
    nothing = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0"}
    failed = datalab(instance, "--version", **nothing)
    assert failed.returncode == 1
    assert failed.stderr.startswith(
        "Installing the packages that datalab needs, once: about a minute.\nThe packages that datalab needs could not"
    )
    state = instance / "SageMaker" / ".datalab"
    assert list(state.iterdir()) == []

    first = datalab(instance, "--version")
    assert (first.stdout, first.stderr.count("\n")) == ("0.1.0\n", 1)
    assert datalab(instance, "--version", **nothing).stdout == "0.1.0\n"

    (instance / "empty").mkdir()
    checked = datalab(instance, "check", "empty", "--json")
    assert checked.returncode == 1
    assert "there is no notebook" in checked.stdout

    with (instance / "tools" / "datalab").open("ab") as file:  # a later version
        file.write(b"\n")
    (older,) = state.iterdir()
    assert datalab(instance, "--version").stdout == "0.1.0\n"
    (newer,) = state.iterdir()
    assert newer != older
