# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A slice of a notebook computes the same as the whole notebook.

The notebooks are drawn at random: from tables.txt, so that copies of tables and lists share elements in ways that
nobody has thought of, and from figures.txt, with functions that draw, fit, and read what was drawn.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
from datalab_deliver import effects, slicing, source
from datalab_deliver.slicing import Width

HERE = Path(__file__).parent
NOTEBOOKS = 80
RESULTS = {
    "tables.txt": [kind + number for kind in "dslxma" for number in "12"] + ["o1.x", "o2.x"],
    "figures.txt": [kind + number for kind in "dlx" for number in "12"],
}


def asked(python, what, job):
    done = subprocess.run(
        [python, HERE / "draw.py", what], input=json.dumps(job), check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def stays(statements):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("\n".join(statements))])
    read = source.read(nb, "x.ipynb").statements
    return [read[number].text for number in slicing.cut(read, effects.of(read), {"r"}, Width.NEEDED)]


@pytest.mark.parametrize("file", RESULTS)
def test_notebooks_that_are_drawn(python, file):
    text = (HERE / file).read_text(encoding="utf-8")
    begins, drawn_from = (part.partition("\n")[2].strip() for part in text.split("## ")[1:])
    job = {"begins": [begins], "drawn": drawn_from.splitlines(), "results": RESULTS[file], "notebooks": NOTEBOOKS}
    notebooks = asked(python, "drawn", job)
    kept = [stays(statements) for statements in notebooks]
    came = asked(python, "computed", [*notebooks, *kept])
    wanted, got = came[:NOTEBOOKS], came[NOTEBOOKS:]
    parts = [part for part in zip(notebooks, wanted, got, strict=True) if "Error: " not in part[1]]
    assert ["\n".join([*n[1:], one, other]) for n, one, other in parts if one != other] == []
    drawn = [statement for statements in notebooks for statement in statements[1:]]
    went = len(drawn) - sum(s in part for n, part in zip(notebooks, kept, strict=True) for s in n[1:])
    assert len(drawn) > 1000
    assert went > 200  # if slices left nothing out, the results would always be equal
    assert len(parts) > NOTEBOOKS * 3 / 4
