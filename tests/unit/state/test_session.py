# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from datalab_state import server
from datalab_state.cells import made
from datalab_state.session import OWN

SHELL = SimpleNamespace(transform_cell=lambda code: code)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("a = b = 1; c, (d, *e) = f", "a b c d e"),
        ("import os.path, numpy as np\nfrom x import y as z", "os np z"),
        ("for i in x:\n    with open(p) as h: t = 1", "i h t"),
        ("def f(q):\n    w = 1\nclass C:\n    k = 2", "f C"),
        ("a = [i for i in x]; g = lambda v: (n := 1)", "a g"),
        ("if (m := re.match(p, s)): pass", "m"),
        ("x.y = 1; x[0] = 2; 'no' +", ""),
    ],
)
def test_what_a_cell_makes(code: str, names: str):
    assert made(SHELL, code) == set(names.split())


@pytest.mark.parametrize("name", ["_", "__", "_i", "_ii", "_i12", "_3", "_dh", "_oh", "__name__", "In", "Out", "exit"])
def test_what_ipython_keeps_for_itself(name: str):
    assert OWN.fullmatch(name)


@pytest.mark.parametrize("name", ["_helper", "_x1", "i", "Input", "_id", "opened"])
def test_what_is_of_the_notebook(name: str):
    assert not OWN.fullmatch(name)


@pytest.mark.parametrize(
    ("name", "kernel", "notebook"),
    [
        ("work.ipynb", None, "work.ipynb"),
        ("work.ipynb", "own", "work.ipynb"),
        ("work.ipynb", "1", ""),
        (".", None, ""),
        ("", None, ""),
    ],
    ids=["of a server", "loaded twice", "inherited by a kernel within a kernel", "a directory", "no server"],
)
def test_the_name_of_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kernel: str | None, notebook: str
):
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / name) if name else "")
    monkeypatch.setenv(server.MARK, str(os.getpid()) if kernel == "own" else kernel or "")
    if not kernel:
        monkeypatch.delenv(server.MARK)  # so that the value which named() sets is removed, too
    assert server.named() == (str(tmp_path / notebook) if notebook else "")
    assert os.environ[server.MARK] == str(os.getpid())
