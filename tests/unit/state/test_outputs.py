# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from datalab_state.outputs import Noted, overwritten


def book(path: Path, **cell: Any) -> Path:
    whole = {"cell_type": "code", "id": "a", "source": ["x\n", "y"], "execution_count": None, "outputs": [], **cell}
    document = {"cells": [{"cell_type": "markdown", "id": "m", "source": "text"}, whole], "nbformat": 4}
    path.write_text(json.dumps(document), encoding="utf-8")
    os.utime(path, (time.time() - 60,) * 2)
    return path


def cell(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["cells"][1]


@pytest.fixture
def noted() -> Noted:
    noted = Noted()
    noted.note("execute_input", {"code": "x\ny", "execution_count": 3}, "a")
    return noted


def test_arriving_outputs_are_written(noted: Noted, tmp_path: Path):
    path = book(tmp_path / "b.ipynb")
    path.chmod(0o640)
    noted.note("stream", {"name": "stdout", "text": "one\n"}, "a")
    noted.note("stream", {"name": "stdout", "text": "two ü"}, "a")
    noted.note("execute_result", {"data": {"text/plain": "5"}, "metadata": {}, "execution_count": 3}, "a")
    assert noted.merge(path) == 1
    assert cell(path)["execution_count"] == 3
    assert cell(path)["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two ü"]},
        {"output_type": "execute_result", "data": {"text/plain": ["5"]}, "metadata": {}, "execution_count": 3},
    ]
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]
    assert not noted.changed()


@pytest.mark.parametrize(
    "changed",
    [{"source": "x\nz"}, {"id": "b"}, {"cell_type": "raw"}],
    ids=["another source", "another cell", "no code any more"],
)
def test_other_cells_stay(noted: Noted, tmp_path: Path, changed: dict[str, str]):
    path = book(tmp_path / "b.ipynb", **changed)
    before = path.read_bytes()
    noted.note("stream", {"name": "stdout", "text": "one\n"}, "a")
    assert noted.merge(path) == 0
    assert path.read_bytes() == before


def test_a_cell_that_a_person_has_cleared_and_saved_stays_cleared(noted: Noted, tmp_path: Path):
    noted.note("stream", {"name": "stdout", "text": "one\n"}, "a")
    path = book(tmp_path / "b.ipynb")
    os.utime(path, (time.time() + 1,) * 2)
    assert noted.merge(path) == 0


def test_a_file_that_is_being_saved_is_left_for_the_next_time(
    noted: Noted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = book(tmp_path / "b.ipynb")
    noted.note("stream", {"name": "stdout", "text": "one\n"}, "a")

    def saved_meanwhile(_: int) -> None:
        os.utime(path)

    monkeypatch.setattr(os, "fsync", saved_meanwhile)
    with pytest.raises(BlockingIOError):
        noted.merge(path)
    assert cell(path)["outputs"] == []
    assert noted.changed()
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()
    os.utime(path, (time.time() - 60,) * 2)
    assert noted.merge(path) == 1


def test_clear_and_update(noted: Noted, tmp_path: Path):
    path = book(tmp_path / "b.ipynb")
    noted.note("stream", {"name": "stdout", "text": "old"}, "a")
    noted.note("clear_output", {"wait": True}, "a")
    shown = {"data": {"text/plain": "1 %"}, "metadata": {}, "transient": {"display_id": "d"}}
    noted.note("display_data", shown, "a")
    noted.note("update_display_data", {**shown, "data": {"text/plain": "99 %"}}, "elsewhere")
    noted.merge(path)
    assert cell(path)["outputs"] == [{"output_type": "display_data", "data": {"text/plain": ["99 %"]}, "metadata": {}}]


def test_a_cell_that_is_run_again_begins_anew(noted: Noted, tmp_path: Path):
    path = book(tmp_path / "b.ipynb")
    noted.note("stream", {"name": "stdout", "text": "old"}, "a")
    noted.note("execute_input", {"code": "x\ny", "execution_count": 4}, "a")
    noted.merge(path)
    assert (cell(path)["execution_count"], cell(path)["outputs"]) == (4, [])


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", "a\nb"), (" 1 %\r 2 %", " 2 %"), ("x\n 1 %\r 2 %\r", "x\n 2 %\r"), ("a\r\nb", "a\r\nb")],
)
def test_carriage_returns(text: str, shown: str):
    assert overwritten(text) == shown
