# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rendered scripts, and a place to run them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import (
    certificate,
    instance,
    jupyter,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import CASES, Host, rendered

__all__ = ["certificate", "instance", "jupyter"]  # fixtures


@pytest.fixture(scope="session")
def scripts() -> dict[str, dict[str, str]]:
    """The scripts of all cases, by case and name."""
    return {case: rendered(settings) for case, settings in CASES.items()}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A fresh instance: an empty volume, and nothing installed. What it has detached ends with it."""
    yield Host(tmp_path)
    subprocess.run(["pkill", "--full", str(tmp_path)], check=False)
