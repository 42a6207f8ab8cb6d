# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Statements that alter elements shared by a copy and its original are kept; no code is run."""

from __future__ import annotations

import ast

import pytest
from datalab_deliver import scopes

from .test_slicing import kept

IMPORTS = "import copy, functools, itertools, json, operator\nimport numpy as np\nimport pandas as pd\n"
TABLE = "d = pd.DataFrame({'k': [1, 1, 2], 'a': [[1], [2], [3]]})"
COPIES = [
    "e = d.copy()",
    "e = d.copy(deep=True)",
    "e = d[d.k > 0]",
    "e = d.query('k > 0')",
    "e = d.copy().head(2)",
    "e = d.assign(z=1)",
    "e = d.drop(columns='k').reset_index(drop=True)",
    "e = pd.concat([d, d]).reset_index(drop=True)",
    "e = d.merge(pd.DataFrame({'k': [1, 2]}), on='k')",
    "e = pd.DataFrame({'a': d.a.copy()})",
    "e = d.iloc[:2].copy()",
    "e = d.where(d.k > 0)",
    "def f(x):\n    x = x.copy()\n    x['n'] = 1\n    return x\ne = f(d)",
    "def f(): return d.copy()\ne = f()",
    "def g(): return d.copy()\ndef f(): return g()\ne = f()",
    "class C:\n    def __init__(self, x): self.x = x.copy()\nc = C(d)\ne = c.x",
    "p = {'x': d.copy()}\ne = p['x']",
    "p = []\np.append(d.copy())\ne = p[0]",
    "e, f = d.copy(), 1",
    "e = d.copy() if len(d) else None",
    "for e in (d.copy(), d.head(1)): pass",
    "for n, e in d.groupby('k'): pass",
    "e = d.groupby('k').get_group(1)",
    "e = d.copy()\nassert len(e)\ne = e[['a']]",
]
ALTER = [
    "e.a[0].append(5)",
    "e['a'].iloc[0].append(5)",
    "e.loc[0, 'a'].append(5)",
    "e.at[0, 'a'].extend([5])",
    "for x in e.a: x.append(5)",
    "for x in e.a: x += [5]",
    "for x in e.a: del x[0]",
    "for x in e.a: x.fill(5)",
    "for i, x in zip(e.index, e.a): x.append(5)",
    "for i, x in enumerate(e.a): x.append(5)",
    "for i, x in e.a.items(): x.append(5)",
    "for c, s in e[['a']].items(): s.iloc[0].append(5)",
    "for row in e.itertuples(): row.a.append(5)",
    "for i, row in e.iterrows(): row['a'].append(5)",
    "for n, g in e.groupby('k'): g.a.iloc[0].append(5)",
    "for row in e.values.tolist(): row[-1].append(5)",
    "for i in range(len(e)): e.loc[i, 'a'] += [5]",
    "[x.append(5) for x in e.a]",
    "e.a[0][0] = 5",
    "e.a[0][0], z = 5, 1",
    "del e.a[0][0]",
    "next(iter(e.a)).append(5)",
    "e.a.max().append(5)",
    "e.values[0][-1].append(5)",
    "e.a.tolist()[0].append(5)",
    "e.to_dict('records')[0]['a'].append(5)",
    "e.groupby('k').a.agg(list).iloc[0][0].append(5)",
    "e.explode('a').a.iloc[0].append(5)",
    "e[['a']].stack().iloc[0].append(5)",
    "operator.setitem(e.a[0], 0, 5)",
    "list.append(e.a[0], 5)",
    "setattr(e.a[0], 'n', 5)",
    "np.add(e.a[0], 1, out=e.a[0])",
    "e.a.apply(lambda x: x.append(5))",
    "e.apply(lambda row: row['a'].append(5), axis=1)",
    "e.agg({'a': lambda s: s.iloc[0].append(5)})",
    "e.a.apply(list.clear)",
    "e.a.map(alter)",
    "e.a.apply(func=alter)",
    "e.a.apply(functools.partial(alter))",
    "e.a.apply(held)",
    "held(e.a[0])",
    "list(map(alter, e.a))",
    "np.vectorize(alter)(e.a)",
    "functools.reduce(lambda acc, x: acc + (x.append(5) or []), e.a, [])",
    "inside(e)",
    "inside(t=e)",
    "with_many(e)",
    "e.groupby('k').apply(inside)",
    "m.add(e.a[0])",
    "e.a.apply(m.add)",
    "for x in given(e): x.append(5)",
    "(f := e.copy()).a[0].append(5)",
    "e.iloc[0].a.append(5)",
    "e.xs(0).a.append(5)",
    "e.a[0] *= 2",
    "list(map(bound, [5]))",
    "for f in held_by_list: f(e)",
    "run(inside, e)",
    "run_on_cells(alter, e)",
    "e.a.map(make(5))",
    "for x in e.a: made(x)",
    "for x in e.a: fit(x)",
    "n = [fit(x) for x in e.a]",
]
BEFORE = """
def alter(x): x.append(5)
held = functools.partial(alter)
def inside(t):
    for x in t['a']: alter(x)
def with_many(*t): t[0].a[0].append(5)
def given(t):
    for x in t.a: yield x
class M:
    def add(self, x): x.append(5)
m = M()
held_by_list = [inside]
def run(f, t): f(t)
def run_on_cells(f, t): return t.a.map(f)
def make(n):
    def by_closure(x): x.append(n)
    return by_closure
made = make(5)
def fit(x): x.append(5)  # a name that methods of libraries have
"""
COUNTER = "class C:\n    n = 1\n    def inc(self): self.n += 1\nd = pd.Series([C()])\ne = d.copy()"
RUNNER = (
    "class R:\n    def __init__(self, t): self.t = t.copy()\n    def run(self):\n        for x in self.t.a: x.pop()\n"
)
# The code before, the statement in question, and the result.
OTHERS = [
    ("d = np.array([[1], [2, 3]], dtype=object)\ne = d[:1].copy()", "e[0].append(5)", "r = d"),
    ("x, y = [1], [2, 3]\ne = np.array([x, y], dtype=object)", "e[0].append(5)", "r = x"),
    ("d = np.array([[1], [2, 3]], dtype=object)\ne = np.concatenate([d, d])", "e[0].append(5)", "r = d"),
    ("d = [[1], [2, 3]]\ne = pd.Series(d)", "e[0].append(5)", "r = d"),
    ("d = {'a': [[1], [2]]}\ne = pd.DataFrame(d)", "e.a[0].append(5)", "r = d"),
    ("x = [1]\ne = pd.DataFrame({'a': [x, x]})", "e.a[0].append(5)", "r = x"),
    ("d = pd.Series([[1], [2]])\ne = d.to_dict()", "e[0].append(5)", "r = d"),
    ("d = pd.Series([[1], [2]])\ne = d.map(lambda x: x)", "e[0].append(5)", "r = d"),
    ("d = pd.Series([[1], [2]])\ne = pd.Series([None]).combine_first(d)", "e[0].append(5)", "r = d"),
    ("d = {1: [1]}\ne = pd.DataFrame({'k': [1]})\ne['a'] = e.k.map(d)", "e.a[0].append(5)", "r = d"),
    ("d = {1: [1]}\ndef f(k): return d[k]\ne = pd.Series([1]).apply(f)", "e[0].append(5)", "r = d"),
    ("d = [[1]]\ne = pd.DataFrame({'k': [1]}).assign(a=d)", "e.a[0].append(5)", "r = d"),
    ("d = pd.Series([{'x': 1}])\ne = d.copy()", "e[0]['x'] = 5", "r = d"),
    ("d = pd.Series([{'x': 1}])\ne = d.copy()", "f = e.map(lambda x: x.pop('x'))", "r = d"),
    (COUNTER, "e[0].inc()", "r = d"),
    (COUNTER, "e.map(C.inc)", "r = d"),
    (f"{RUNNER}p = R(d)", "p.run()", "r = d"),
]
GOES = [
    ("e = d.copy()", "e['x'] = 1"),
    ("e = d.copy()", "e['k'] += 1"),
    ("e = d.copy()", "e['k'][0] = 5"),
    ("e = d.copy()", "e.loc[0, 'k'] = 5"),
    ("e = d.copy()", "e['k'].fillna(0, inplace=True)"),
    ("e = d.copy()\ns = e['k']", "s[s > 1] = 0"),
    ("e = d.copy()\nseen = []", "for x in e.k.unique(): seen.append({'x': x})"),
    ("g = {'a': []}", "for x in d.k.unique(): g['a'].append(x)"),
    ("g = {'a': []}\nn = pd.DataFrame(g)", "for x in d.k.unique(): g['a'].append(x)"),
    ("v = d.a.tolist()", "v.append(5)"),
    ("v = d.k.unique()", "v.sort()"),
    ("train, test = d[:2].copy(), d[2:].copy()", "for t in [train, test]: t['z'] = t.k * 2"),
    ("def f(row):\n    row['z'] = 1\n    return row\ne = d.copy()", "w = e.apply(f, axis=1)"),
    ("def f(g):\n    g['z'] = 1\n    return g\ne = d.copy()", "w = e.groupby('k').apply(f)"),
    ("e = d.copy()", "for n, g in e.groupby('k'): g['z'] = 1"),
    ("found = {1: {'m': d.k.mean()}}", "for n in found: found[n]['q'] = 1"),
    ("def f(t):\n    t = t.copy()\n    t['z'] = 1\n    return t\ne = d.copy()\nw = f(e)", "w['y'] = 2"),
    ("e = d.copy()\ne = e[e.k.isin([1])]", "e['y'] = 2"),
    ("z = np.zeros((2, 2))\ny = z.copy()\nd = z", "y[0][1] = 5"),
]


@pytest.mark.parametrize("copied", COPIES)
def test_copies(copied):
    altering, other = "e.a.iloc[0].append(5)", "d.a[0].append(5)"
    assert altering in kept(f"{IMPORTS}{TABLE}\n{copied}\n{altering}\nr = d")
    assert other in kept(f"{IMPORTS}{TABLE}\n{copied}\n{other}\nr = e")


@pytest.mark.parametrize("statement", ALTER)
def test_alterations(statement):
    assert statement in kept(f"{IMPORTS}{TABLE}\n{BEFORE}e = d.copy()\nbound = e.a[0].append\n{statement}\nr = d")


@pytest.mark.parametrize(("before", "statement", "after"), OTHERS)
def test_others(before, statement, after):
    assert statement in kept(f"{IMPORTS}{TABLE}\n{before}\n{statement}\n{after}")


@pytest.mark.parametrize(("before", "statement"), GOES)
def test_goes(before, statement):
    assert statement not in kept(f"{IMPORTS}{TABLE}\n{before}\n{statement}\nr = d")


@pytest.mark.parametrize(
    ("body", "anew"),
    [
        ("x = x.copy()", 1),
        ("x, y = y, x", 0),  # the target is a tuple
        ("x = y = []", 1),
        ("x = x.copy()\n x = []", 1),
        ("z = []", 0),
        ("z = x = []", 0),
        ("if y: x = []", 0),
        ("x += []", 0),
        ("f = lambda: x\n x = []", 0),
        ("x = sorted(y, key=lambda v: x[v])", 0),
        ("f = (x for i in y)\n x = []", 0),
        ("def f(): x.append(1)\n x = []", 0),
        ("class C:\n  def f(self): return x\n x = []", 0),
        ("x = []\n def f(): x.append(1)", 1),
    ],
)
def test_arguments_whose_names_stand_for_something_else_from_then_on(body, anew):
    """An assignment counts only if it always runs, and no inner function has used the name before."""
    function = ast.parse(f"def f(x, y=1):\n {body}").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert len(scopes.given_anew(function)) == anew
