# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements that are kept of a random notebook compute what the whole notebook computes.

drawn.txt has the statements that each notebook begins with, and those to draw from. A name such as <list> is one of
several, so that lists are shared by other lists, objects, functions and their defaults in ways that nobody thought of.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import nbformat
import pytest
from datalab_deliver import effects, slicing, source
from datalab_deliver.slicing import Width

TEXT = (Path(__file__).parent / "drawn.txt").read_text(encoding="utf-8")
ALWAYS, FIRST, DRAWN = (part.partition("\n")[2].strip() for part in TEXT.split("## ")[1:])
NAMES = {
    "list": ["l1", "l2", "l3", "l4"],
    "dict": ["d1", "d2"],
    "obj": ["o1", "o2"],
    "func": ["f1", "f2"],
    "pair": ["t1", "t2"],
    "num": ["n1", "n2"],
    "digit": list("012345678"),
    "bit": list("01"),
}
RESULTS = [name for kind in ("list", "dict", "obj", "pair", "num") for name in NAMES[kind]]
NOTEBOOKS = 300


def run(statements):
    scope = {"__name__": "__main__"}
    exec("\n".join([ALWAYS, *statements]), scope)
    return scope


def drawn(chance):
    """Return the statements of a random notebook, without those that raise an error."""
    statements = FIRST.splitlines()
    for _ in range(chance.randrange(3, 9)):
        template = chance.choice(DRAWN.splitlines()).replace("\\n", "\n")
        new = re.sub(r"<(\w+)>", lambda place: chance.choice(NAMES[place[1]]), template)
        try:
            run([*statements, new])
        except Exception:
            continue
        statements.append(new)
    return statements


def stays(text, result):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text)])
    read = source.read(nb, "x.ipynb")
    kept = slicing.cut(read.statements, effects.of(read.statements), {result}, Width.NEEDED)
    return [read.statements[number].text for number in kept]


def computed(statements, result):
    scope = {"__name__": "__main__"}
    try:
        exec("\n".join(statements), scope)
        return repr(scope[result])
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def difference(seed):
    """Return how the kept statements' result differs from the notebook's (or ""), and how many statements were cut."""
    chance = random.Random(seed)
    statements, result = drawn(chance), chance.choice(RESULTS)
    whole = [ALWAYS, *statements]
    kept = stays("\n".join(whole), result)
    wanted, got = computed(whole, result), computed(kept, result)
    went = len(statements) - sum(statement in kept for statement in statements)
    return ("" if got == wanted else f"{result}: {wanted} and {got} of\n" + "\n".join(statements)), went


@pytest.mark.parametrize("first", range(0, NOTEBOOKS, 100))
def test_drawn_notebooks(first):
    came = [difference(seed) for seed in range(first, first + 100)]
    assert [text for text, _ in came if text] == []
    assert sum(went for _, went in came) > 500  # without removed statements the results would always be equal
