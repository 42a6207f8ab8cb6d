# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements of a notebook do the same in a function of the module that is written."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from datalab_deliver import effects, source, writer


def module(*cells, results=("r",), inputs=None):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    read = source.read(nb, "x.ipynb")
    known = effects.of(read.statements)
    inputs = inputs or {}
    parts = writer.arrange(read.statements, known, inputs, set(inputs.values()))
    return writer.module(parts, results, writer.signature(inputs, read.parameters), inputs, "About.")


def ran(text, **arguments):
    names: dict[str, Any] = {}
    exec(compile(text, "pipeline.py", "exec"), names)
    return names["run"](**arguments)


SAME = {
    "counter": "n = 0\ndef f():\n    global n\n    n += 1\nf(); f()\nr = n",
    "global made by a function": "def f():\n    global n\n    n = 5\nf()\nr = n",
    "shadowed": "list = list('ab')\nsum = sum([1, 2])\nr = [list, sum]",
    "rebound import": "import math\nmath = math.pi\nr = math",
    "texts of several lines": 'r = """a\n  b\n"""\nfor x in "a":\n    r += f"""{x}\n c"""',
    "continued": "r = 1 + \\\n    2\nr += (3 +\n4)",
    "recursion": "def f(n): return 1 if n < 2 else n * f(n - 1)\nr = f(5)",
    "mutual": "def f(n): return n if n < 1 else g(n - 1)\ndef g(n): return f(n) + k\nk = 1\nr = f(4)",
    "decorated": "import functools\n@functools.lru_cache(\n    maxsize=None)\ndef f(n):  # x\n    return n\nr = f(3)",
    "redefined": "def f(): return 1\na = f()\ndef f(): return 2\nr = [a, f()]",
    "default argument": "k = 3\ndef f(x=k): return x\nk = 4\nr = f()",
    "class with outside": "k = 2\nclass C:\n    x = k\n    def m(self): return k\nk = 3\nr = [C.x, C().m()]",
    "deleted": "a = [1]\nb = a\ndel a\nr = b",
    "semicolons": "a = 1; b = 2; r = a + b",
    "umlauts": "ä = 'ö'; r = ä + 'ü'",
    "only as a script": "def name(): return __name__\nif __name__ == '__main__': r = name()",
    "class that counts": "class C: n = 0\ndef f(c): type(c).n += 1\nf(C())\nr = C.n",
    "function that counts": "def f():\n    f.n += 1\n    return f.n\nf.n = 0\nf()\nr = f()",
    "default that collects": "def f(x, seen=[]):\n    seen.append(x)\n    return seen\nf(1)\nr = list(f(2))",
    "named as ours": "def run(x): return x + 1\nr = run(1)",
    "global that others read": "def f():\n    global n\n    n = 5\ndef g(): return n\nf()\nr = g()",
    "future": "from __future__ import annotations\ndef f(x: Unknown) -> Later: return x\nr = f(1)",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_same_in_a_function(text):
    expected: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, "cell", "exec"), expected)
    names: dict[str, Any] = {}
    exec(compile(module(text), "pipeline.py", "exec"), names)
    assert [names["run"](), names["run"]()] == [{"r": expected["r"]}] * 2


def test_inputs_become_arguments():
    text = module(
        "def read(): return open('data/x.csv').name\nr = [read(), 'data/x.csv', f'{1} data/x.csv', 'ä' + 'data/x.csv']",
        inputs={"data/x.csv": "x_csv"},
    )
    assert "def run(*, x_csv: str):" in text
    assert ran(text.replace("open(x_csv).name", "x_csv"), x_csv="new") == {"r": ["new", "new", "1 data/x.csv", "änew"]}


def test_how_it_reads():
    text = module("import math", "def half(x):\n    return x / 2", "a = half(math.pi)  # why\nb = 2", "r = a + b")
    assert (
        text
        == '''"""About."""

import math


# cell 2
def half(x):
    return x / 2


def run():
    # cell 3
    a = half(math.pi)
    b = 2

    # cell 4
    r = a + b

    return {"r": r}
'''
    )
