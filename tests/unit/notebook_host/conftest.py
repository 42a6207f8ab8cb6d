# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rendered scripts, and a place to run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import CASES, Host, render_by_lookup


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The scripts of all cases, by case and name."""
    return render_by_lookup(tmp_path_factory.mktemp("lookup"), CASES)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A fresh instance: an empty volume, and nothing installed."""
    return Host(tmp_path)
