# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which variables are saved together, what is left out, and how that is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from datalab_state import live, recipes, settings
from datalab_state.groups import Pickled, group
from datalab_state.missing import Missing, NotRestored
from datalab_state.pickling import load

Notebook = Callable[[str], dict[str, Any]]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """A function that runs a cell and returns its variables."""

    def run(code: str) -> dict[str, Any]:
        space: dict[str, Any] = {"__name__": "__main__"}
        monkeypatch.setattr(live, "namespace", space)
        exec(code, space)  # noqa: S102
        return {name: value for name, value in space.items() if not name.startswith("__")}

    return run


def saved(values: dict[str, Any], last: list[list[str]] | None = None) -> tuple[list[Pickled], dict[str, str]]:
    return group(values, recipes.Table(settings.read({}).recipes), last or [])


def back(parts: list[Pickled]) -> dict[str, Any]:
    """Return the variables of a new kernel after a restore."""
    live.namespace = {"__name__": "__main__"}
    for part in parts:
        live.namespace.update(zip(part.names, load(part.data, part.buffers, len(part.names)), strict=True))
    return live.namespace


def test_variables_that_share_nothing_are_saved_apart(notebook: Notebook):
    parts, lost = saved(notebook("import os\na = [1]; b = [1]; t = (1, 'x'); f = len"))
    assert sorted(part.names for part in parts) == [["a"], ["b"], ["f"], ["os"], ["t"]]
    assert lost == {}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("a = [1]; b = [a]; c = {'k': a}; d = [2]", ["a", "b", "c"]),
        ("class C: pass\no = C(); d = [2]", ["C", "o"]),
        (
            "def f():\n    n = [0]\n    return (lambda: n), (lambda: n.append(1))\na, b = f(); del f; d = [2]",
            ["a", "b"],
        ),
    ],
    ids=["a list", "a class and its instance", "a closure's cell"],
)
def test_variables_that_share_something_are_saved_together(notebook: Notebook, code: str, names: list[str]):
    parts, _ = saved(notebook(code))
    assert sorted(part.names for part in parts) == sorted([names, ["d"]])


def test_functions_see_the_namespace_and_not_a_copy(notebook: Notebook):
    parts, _ = saved(notebook("k = 2\ndef f(): return k"))
    assert sorted(part.names for part in parts) == [["f"], ["k"]]
    space = back(parts)
    space["k"] = 3
    assert space["f"]() == 3


def test_the_rest_of_a_group_comes_back(notebook: Notebook):
    code = "a = [1]\ndef g(x):\n    yield x\n    yield x\nb = [a]; s = g(a); next(s)"
    parts, lost = saved(notebook(code))
    assert lost == {"s": "a generator that has begun (line 3)"}
    space = back(parts)
    assert space["b"][0] is space["a"]


def test_a_hole_says_what_it_was_when_it_is_used(notebook: Notebook):
    parts, lost = saved(notebook("s = (i for i in [1]); next(s); both = {'data': [1, 2], 'stream': s}; del s"))
    assert lost == {}
    (part,) = parts
    assert part.partly == {"both": ["a generator that has begun (line 1)"]}
    both = back(parts)["both"]
    assert both["data"] == [1, 2]
    with pytest.raises(NotRestored, match="This was not restored: a generator that has begun"):
        next(both["stream"])


def test_the_last_groups_are_tried_at_once(notebook: Notebook):
    values = notebook("a = [1]; b = [a]; c = [3]")
    parts, _ = saved(values, [["a", "b", "gone"], ["c"]])
    assert sorted(part.names for part in parts) == [["a", "b"], ["c"]]
    space = back(parts)
    assert space["b"][0] is space["a"]


def test_a_link_that_is_new_joins_the_last_groups(notebook: Notebook):
    parts, _ = saved(notebook("a = [1]; b = [a]; c = [3]; d = [c, b]"), [["a", "b"], ["c"]])
    (part,) = parts
    space = back(parts)
    assert space["d"][0] is space["c"]
    assert space["d"][1][0] is space["a"]
    assert sorted(part.names) == ["a", "b", "c", "d"]


def test_the_namespace_itself(notebook: Notebook):
    _, lost = saved(notebook("x = 1; all_of_it = globals()"))
    assert lost == {"all_of_it": "the namespace itself"}


@pytest.mark.parametrize("use", [list, bool, len, float, str.upper, lambda hole: hole.shape, lambda hole: hole()])
def test_every_use_of_a_hole_fails(use: Callable[[Any], Any]):
    with pytest.raises((NotRestored, TypeError)):
        use(Missing("a lock"))
    assert repr(Missing("a lock")) == "<not restored: a lock>"


@pytest.mark.parametrize(
    ("kind", "code", "why"),
    [
        ("files", "f = open('/dev/null')", "an open file (the recipe `files` is off)"),
        ("sqlite", "import sqlite3; f = sqlite3.connect(':memory:')", "a database (the recipe `sqlite` is off)"),
    ],
)
def test_a_recipe_that_is_off(notebook: Notebook, kind: str, code: str, why: str):
    values = notebook(code)
    with values["f"]:
        table = recipes.Table(settings.read({"DATALAB_STATE_RECIPES": "locks"}).recipes)
        _, lost = group({"f": values["f"]}, table)
    assert kind in settings.RECIPES
    assert lost == {"f": why}
