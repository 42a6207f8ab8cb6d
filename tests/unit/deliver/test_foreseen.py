# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the text tells about artifacts, and what it does not: then only the runs may refuse a delivery."""

from __future__ import annotations

import nbformat
import pytest
from datalab_deliver import deliver, source
from datalab_deliver.effects import Analysis
from datalab_deliver.foreseen import A_LAMBDA, Foreseen
from datalab_deliver.order import Order
from datalab_deliver.refusal import Refused

BEFORE = """
import functools, statistics
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
class Step(BaseEstimator):
    def fit(self, X, y=None):
        self.n = len(X)
        return self
class Late(Step): pass
def clean(x): return x
"""

NAMED = {  # code, and what m certainly has inside at the end
    "m = Step()": {"Step"},
    "m = Late().fit([1])": {"Late"},
    "m: Step = Step()\nm.n = 3": {"Step"},
    "other, m = 1, Step()": {"Step"},
    "m = 1\nm = Step()": {"Step"},
    "first = Step()\nm = first": {"Step"},
    "m = clean": {"clean"},
    "m = Step": {"Step"},
    "m = [Step(), (clean, 1)]": {"Step", "clean"},
    "m = {'a': Late()}": {"Late"},
    "m = functools.partial(clean, 1)": {"clean"},
    "m = FunctionTransformer(lambda x: x)": {A_LAMBDA},
    "m = make_pipeline(Step(), StandardScaler())\nm.fit([1], [2])": {"Step"},
    "steps = [('a', Step())]\nm = Pipeline([*steps, ('b', LogisticRegression())]).fit([1], [2])": {"Step"},
    "m = Pipeline([('a', Step())])\nm = m.fit([1])": {"Step"},
    "m = GridSearchCV(make_pipeline(Late()), param_grid={'n': [1]})\nm.fit([1])": {"Late"},
    "m = ColumnTransformer(transformers=[('a', FunctionTransformer(clean), ['x'])])": {"clean"},
    "import enum\nclass Kind(enum.Enum): A = 1\nm = Kind(1)": {"Kind"},
    "if 1 > 0:\n    class Inner: pass\nm = Inner()": {"Inner"},
}

NOT_CERTAIN = [
    "m = Step()\nm = 1",
    "m = Step()\ndel m",
    "m = 1\nif m:\n    m = Step()",
    "m = None\nfor m in [Step()]: pass",
    "m = Step()\ndef change():\n    global m\n    m = 2\nchange()",
    "m = [Step()]\nm.clear()",
    "m = [Step()]\nother = m\nother.clear()",
    "steps = [Step()]\nm = [steps]\nsteps.clear()",
    "steps = [('a', Step())]\nm = Pipeline(steps)\nsteps[0] = ('a', StandardScaler())",
    "m = [Step()]\ndef empty(x): x.clear()\nempty(m)",
    "m = Pipeline([('a', Step())])\nm.set_params(a=StandardScaler())",
    "m = [Step() for x in []]",
    "m = {**{'a': Step()}, 'a': 1}",
    "m = statistics.mode([Step()])",
    "m = Step().n",
    "m = LogisticRegression().fit([1])",
    "class Odd:\n    def fit(self): return 3\nm = Odd().fit()",
    "class Odd:\n    def fit(self):\n        if self: return 3\n        return self\nm = Odd().fit()",
    "class Odd:\n    def __new__(cls): return 3\nm = Odd()",
    "class Odd:\n    def __reduce__(self): return int, ()\nm = Odd()",
    "class Odd(metaclass=lambda *a: int): pass\nm = Odd()",
    "@functools.lru_cache\ndef odd(x): return x\nm = odd",
    "@clean\nclass Odd: pass\nm = Odd()",
    "try:\n    from lib import Odd\nexcept ImportError:\n    class Odd: pass\nm = Odd()",
    "from typing import TypedDict\nclass Odd(TypedDict): a: int\nm = Odd(a=1)",
    "from lib import Other\nclass Odd(Other): pass\nm = Odd()",
    "from lib import Other\nclass Odd(Other):\n    pass\nm = Odd().fit()",
]


def foreseen(text):
    return Foreseen(Analysis(source.read(notebook(BEFORE + text), "x.ipynb").statements))


def notebook(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])


@pytest.mark.parametrize("text", NAMED)
def test_what_is_certain(text):
    assert foreseen(text).named("m") == NAMED[text]


@pytest.mark.parametrize("text", NOT_CERTAIN)
def test_what_is_not_certain(text):
    assert foreseen(text).named("m") == set()


KINDS = {
    "m = Step()": {"own"},
    "m = Late().fit([1])": {"own"},
    "m = [1, 2]": {"flat", "own", ""},
    "m = {x: 1 for x in 'ab'}\nm['c'] = 2": {"flat", "own", ""},
    "m = 3": {"scalar", "flat", "own", ""},
    "m = [1]\nm = sum(m)": {"scalar", "flat", "own", ""},
    "class Odd(int): pass\nm = Odd()": {"scalar", "flat", "own", ""},
}


@pytest.mark.parametrize("text", KINDS)
def test_kinds(text):
    assert foreseen(text).kinds("m") == KINDS[text]


REFUSED = {  # the cells before the one that calls score, and what is said
    "a class that cannot be moved": (
        [
            "import statistics\nk = statistics.mean([1])\nclass M:\n    def at(self, x): return k * x\nm = M()",
            "def score(x): return m.at(x)",
        ],
        r"M, which artifacts need, uses k, which cell 1 computes",
    ),
    "a method that alters": (
        ["class M:\n    def at(self, x): self.n = x; return x\nm = M()", "def score(x): return m.at(x)"],
        "score may alter m",
    ),
    "a lambda": (
        ["m = [lambda x: x]", "def score(x): return len(m) * x"],
        r"m, which cannot be saved: it has a lambda\.",
    ),
}


@pytest.mark.parametrize(("cells", "said"), REFUSED.values(), ids=REFUSED)
def test_refused_before_it_runs(cells, said, tmp_path, monkeypatch):
    assert refused([*cells, "score(2)"], tmp_path, monkeypatch).match(said)


def test_a_function_that_is_not_called(tmp_path, monkeypatch):
    assert refused(["m = [1]", "def score(x): return len(m) * x"], tmp_path, monkeypatch).match("no cell calls score")


def refused(cells, folder, monkeypatch):
    """Return the refusal of a notebook that must not run."""
    monkeypatch.setattr(deliver, "run_twice", lambda *_: pytest.fail("it ran"))
    nbformat.write(notebook(*cells), folder / "x.ipynb")
    with pytest.raises(Refused) as found:
        deliver.deliver(Order(folder / "x.ipynb", [], folder / "made", call="score"), print)
    return found
