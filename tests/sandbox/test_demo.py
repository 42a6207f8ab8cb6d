# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo: Ansible's files stay in the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.demo import BUILD, Demo


@pytest.mark.parametrize("name", ["ANSIBLE_CONFIG", "ANSIBLE_HOME", "ANSIBLE_REMOTE_TMP"])
def test_ansible_leaves_nothing_outside_of_the_checkout(name: str, tmp_path: Path) -> None:
    assert Path(Demo(tmp_path).environment()[name]).is_relative_to(BUILD)
