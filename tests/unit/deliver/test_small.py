# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kept statements of small notebooks compute the same: one notebook for each way to alter a value by another name.

small.txt has the notebooks; each computes r. They are run here, unlike the statements of test_slicing.py.
"""

from __future__ import annotations

import contextlib
import io
import random
from pathlib import Path

import nbformat
import pytest
from datalab_deliver import effects, rules, slicing, source
from datalab_deliver.slicing import Width

TEXT = (Path(__file__).parent / "small.txt").read_text(encoding="utf-8")
NOTEBOOKS = dict(entry.split("\n", 1) for entry in TEXT.split("## ")[1:])
REFUSED = {"del name then except", "builtins patch"}  # they use a name that no statement assigns


def result(statements):
    random.seed(0)
    scope = {"__name__": "__main__"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for statement in statements:
                exec(compile(statement, "cell", "exec"), scope)
        return repr(scope["r"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_stays_computes_the_same(name):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOKS[name])])
    statements = source.read(nb, "x.ipynb").statements
    known = effects.of(statements)
    kept = slicing.cut(statements, known, {"r"}, Width.NEEDED)
    faults = rules.faults([statements[n] for n in kept], [known[n] for n in kept], {}, {}, Path("x.ipynb"))
    assert bool(faults) == (name in REFUSED), faults
    wanted = result([statement.text for statement in statements])
    assert not wanted.endswith("Error"), wanted
    assert result([statements[number].text for number in kept]) == wanted
