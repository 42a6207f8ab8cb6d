# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory that cannot be written to is found before the first paid request."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.plugins.action.costs_report import unwritable

CASES = {
    "here": "",
    "new/and/deep": "",
    "file": "is a file",
    "file/costs": "is below {}/file, which is a file",
}


@pytest.mark.parametrize("name", CASES)
def test_where_a_report_can_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "here").mkdir()
    assert unwritable(tmp_path / name) == CASES[name].format(tmp_path)


def test_a_directory_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path) != tmp_path)
    assert unwritable(tmp_path / "costs") == f"cannot be written: {tmp_path} is not yours"
