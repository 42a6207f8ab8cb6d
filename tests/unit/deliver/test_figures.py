# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which statements are kept around figures, functions that draw and fit, and iterators; no code is run."""

from __future__ import annotations

import pytest

from .test_slicing import IMPORTS, kept

AXES = "fig, axes = plt.subplots(1, 2)\nax, other = axes\n"
SHOW = "def show(x, ax=None):\n    ax = ax or plt.gca()\n    ax.plot(x)\n"
FIT = "def fit(model, x):\n    model.fit(x)\n    plt.plot(model.predict(x))\n"
DRAWS = "r = []\ndef draw(x):\n    plt.plot(x)\n    r.append(x)\n"
SHIFTS = "class C:\n    def __init__(self, x): self.x = x\n    def __lshift__(self, m): m.fit(self.x)\n"
# The code before, the statement in question, and the result.
STAYS = [
    ("", "plt.xlim(0, 5)", "r = plt.xlim()"),
    ("r = []", "plt.xlim(0, 5)", "r.append(plt.xlim())"),
    (AXES, "ax.plot([1])", "r = ax.dataLim.x0"),
    (AXES, "ax.plot([1])", "r = [len(each.lines) for each in fig.axes]"),
    (AXES, "ax.set_xlim(0, 5)", "r = [each.get_xlim() for each in axes]"),
    (AXES, "ax.set_xlim(0, 5)", "r = list(map(lambda each: each.get_xlim(), [ax]))"),
    (AXES, "ax.set_xlim(0, 5)", "r = getattr(ax, 'get_xlim')()"),
    (AXES, "ax.set_title('a')", "r = ax.get_title() or 'b'"),
    (AXES, "ax.set_title('a')", "r = f'{ax.get_title()}'"),
    (AXES + "r = []", "ax.set_title('a')", "for each in axes: r.append(each.get_title())"),
    (AXES + "def limits(a): return a.get_xlim()", "ax.set_xlim(0, 5)", "r = limits(ax)"),
    (AXES + "def note(a): r.append(a.get_xlim())\nr = []", "ax.set_xlim(0, 5)", "note(ax)"),
    (AXES + "r = []", "ax.set_xlim(0, 5)", "show = lambda a: r.append(a.get_xlim())\nshow(ax)"),
    (AXES, "ax.plot([1])", "fig.canvas.draw()\nr = np.asarray(fig.canvas.buffer_rgba())"),
    ("", "plt.rcParams['x'] = 1", "r = plt.rcParams['x']"),
    ("", "plt.plot([1])", "r = plt.gca().get_xlim()"),
    ("", "plt.xlim(0, 5)", "def f(x=plt.xlim()): return x\nr = f()"),
    ("", "plt.xlim(0, 5)", "class C: x = plt.xlim()\nr = C.x"),
    ("f = lambda: plt.xlim()", "plt.xlim(0, 5)", "r = f()"),
    ("def f():\n    def g(): return plt.xlim()\n    return g()", "plt.xlim(0, 5)", "r = f()"),
    ("def f():\n    def g(): return plt.xlim()\n    return g\ng = f()", "plt.xlim(0, 5)", "r = g()"),
    ("class C:\n    def f(self): return plt.xlim()\nc = C()", "plt.xlim(0, 5)", "r = c.f()"),
    ("def f(): yield plt.xlim()\ng = f()", "plt.xlim(0, 5)", "r = list(g)"),
    (SHOW + "    return ax", "ax = show([1])", "r = ax.get_xlim()"),
    (SHOW + "    return ax\nax = show([1])", "plt.xlim(0, 5)", "r = ax.get_xlim()"),
    ("def f(x): return plt.gca() if x else [x]\na = f(0)\nb = a", "a.append(1)", "r = b"),
    (SHOW + "d = [1]", "show(d.append(2))", "r = d"),
    (FIT + "d = [1]\nm = Model()", "fit(m, d)", "r = m.predict(d)"),
    ("d = pd.DataFrame()\ne = d.head(3)", "d.loc[0, 'x'] = 1", "r = e.sum()"),
    ("d = pd.DataFrame()\ne = d.tail(3)", "e.loc[0, 'x'] = 1", "r = d.sum()"),
    ("d = pd.DataFrame()\ne = d.x.to_frame()", "d.loc[0, 'x'] = 1", "r = e.sum()"),
    ("d = pd.DataFrame()\ne = d.xs('a')", "d.loc[0, 'x'] = 1", "r = e.sum()"),
    ("d = np.zeros(3)\ne = d.conj()", "d[0] = 1", "r = e.sum()"),
    ("d = pd.DataFrame()\ng = d.groupby('k')", "d.loc[0, 'x'] = 1", "r = g.x.sum()"),
    ("d = pd.DataFrame()\ng = d.groupby('k')['x']", "d.loc[0, 'x'] = 1", "r = g.sum()"),
    ("d = pd.DataFrame()\ng = d.groupby('k').apply", "d.loc[0, 'x'] = 1", "r = g(len)"),
    ("d = pd.DataFrame()\ng = {'k': d.groupby('k')}", "d.loc[0, 'x'] = 1", "r = g['k'].x.sum()"),
    ("d = pd.DataFrame()\ng = []\ng.append(d.groupby('k'))", "d.loc[0, 'x'] = 1", "r = g[0].x.sum()"),
    ("d = pd.DataFrame()\ng = [d.groupby(k) for k in 'xy']", "d.loc[0, 'x'] = 1", "r = g[0].x.sum()"),
    ("d = pd.DataFrame()\ndef f(x): return x.groupby('k')\ng = f(d)", "d.loc[0, 'x'] = 1", "r = g.x.sum()"),
    ("d = pd.DataFrame()\ng = d.x.rolling(2)", "d.loc[0, 'x'] = 1", "r = g.sum()"),
    ("d = pd.DataFrame()\ng = d.resample('D')", "d.x = 1", "r = g.sum()"),
    ("d = pd.DataFrame()\nx = d.x\ng = d.groupby('k').rolling(2)", "x[0] = 1", "r = g.sum()"),
    ("x, y = np.zeros(3), np.ones(3)\ng = KFold(3).split(x, y)", "y[0] = 3", "r = list(g)"),
    ("x = np.zeros(3)\ng = np.ndenumerate(x)", "x[0] = 3", "r = list(g)"),
    ("from scipy.spatial import cKDTree\nx = np.zeros((3, 1))\ng = cKDTree(x)", "x[0] = 3", "r = g.query([0])"),
    (
        "from sklearn.metrics import silhouette_score\nnp.random.seed(1)\nd = pd.DataFrame()",
        "print(silhouette_score([1], [2], sample_size=2))",
        "r = d.sample(3)",
    ),
    ("def f(x, y):\n    x.append(y)\nd, e = [], [1]", "f(d, e)", "e.append(2)\nr = d"),
    ("def f(x, y): y.append(x)\nd, e = [], [1]", "f(y=d, x=e)", "r = d"),
    ("def f(x, y): y.append(x)\nd, e = [], [1]", "f(*[e, d])", "r = d"),
    ("def f(x, y=[]):\n    y.append(x)\n    return len(y)", "f(1)", "r = f(2)"),
    ("class C:\n    def f(self, x, y): y.append(x)\nd, c = [], C()", "c.f(1, d)", "r = d"),
    ("class C:\n    @staticmethod\n    def f(x, y): x.append(y)\nd, c = [], C()", "c.f(d, 1)", "r = d"),
    ("class C:\n    def f(self, x): x.append(1)\nd, c = [], C()", "C.f(c, d)", "r = d"),
    ("class C:\n    def f(self): self.n = 1\nc = C()", "C.f(c)", "r = c.n"),
    ("class C:\n    def f(self): self.n = 1\nc = C()", "type(c).f(c)", "r = c.n"),
    ("class C:\n    def f(self, x): x.append(1)\nd, c, K = [], C(), C", "K.f(c, d)", "r = d"),
    ("class C:\n    @classmethod\n    def f(cls, x): x.append(1)\nd = []", "C.f(d)", "r = d"),
    ("class C:\n    def __lshift__(self, m): m.fit([1])\nm, c = KMeans(3), C()", "c << m", "r = m.coef_"),
    (
        SHIFTS + "x = np.zeros((3, 1))\nc, m = C(x), KMeans(3)\nc << m",
        "x[0] = 1",
        "r = m.predict([[1]])",
    ),
    ("from lib import tune\nm, d = KMeans(3), np.zeros(3)\ntune(m)", "m.fit_transform(d)", "r = d.sum()"),
    ("class C:\n    def __rlshift__(self, m): m.append(1)\nd, c = [], C()", "d << c", "r = d"),
    ("class C:\n    def __setitem__(self, k, m): m.fit([1])\nm, c = KMeans(3), C()", "c[0] = m", "r = m.coef_"),
    ("class C:\n    def __eq__(self, x): return x.pop()\nd, c = [1], C()", "print(c == d)", "r = d"),
    ("class C:\n    def __contains__(self, x): return x.pop()\nd, c = [1], C()", "print(d in c)", "r = d"),
    ("def f(x): x.append(1)\ndef g(y): f(y)\nd = []", "g(d)", "r = d"),
    ("def f(x, n):\n    if n: f(x, n - 1)\n    else: x.append(1)\nd = []", "f(d, 3)", "r = d"),
    ("def f(*x): x[0].append(1)\nd = []", "f(d)", "r = d"),
    ("def f(*x):\n    x = x or [plt.gca()]\n    x[0].append(1)\nd = []", "f(d)", "r = d"),
    ("def f(**x): x['d'].append(1)\nd = []", "f(d=d)", "r = d"),
    ("def add(x): x.append(1)\ndef f(g, x): g(x)\nd = []", "f(add, d)", "r = d"),
    (
        "@functools.singledispatch\ndef f(x): return 1\n",
        "@f.register\ndef _(x: int): return 2",
        "@f.register\ndef _(x: str): return 3\nr = f(1)",
    ),
    ("a, b = random.choices([[1], [2]], k=2)", "a.append(1)", "r = b"),
    ("import torch\nd = torch.zeros(3)", "torch.nn.functional.relu(d, inplace=True)", "r = d.sum()"),
    ("", "os.rename(src='a', dst='b')", "r = pd.read_csv('b')"),
    ("d = iter([1, 2])\nfrom lib import wrap\ne = wrap([d])", "e.x()", "r = list(d)"),
    ("d = iter([1, 2])\ne = [d]", "next(e[0])", "r = list(d)"),
    ("d = iter([1, 2])\nfrom tqdm import tqdm\ne = tqdm(d)", "for x in e: break", "r = list(d)"),
    ("d = iter([1, 2])\ne = functools.partial(next, d)", "e()", "r = list(d)"),
    ("d = iter([1, 2])\nclass C: pass\nc = C()\nc.x = d", "next(c.x)", "r = list(d)"),
    (
        "from concurrent.futures import Executor\ne = Executor()\nd = e.map(abs, [1])",
        "for x in d: print(x)",
        "r = list(d)",
    ),
    ("for d, e in ((plt.gca(), plt.gca()), ([], [])): pass", "d.append(2)", "r = d"),
    ("x, y = [1], [2]\nfor a, b in ((x, 1), (y, 2)): a.append(b)", "x.append(3)", "r = x"),
    ("x, y = [[1]], [[2]]\nfor a, b in zip(x, y):\n    a.append(1)", "x[0].append(3)", "r = x"),
    ("def f(): return 1", "def f(): return 2", "r = f()"),
    ("def f(): return 1\ndef g(): return f()", "def f(): return 2", "r = g()"),
    ("import torch\nw = torch.zeros(3)", "torch.nn.init.ones_(w)", "r = w.sum()"),
    ("from pathlib import Path\nd = Path('a')", "d.rename('f')", "r = pd.read_csv('f')"),
    ("e = ValueError([])", "e.args[0].append(1)", "r = e.args"),
    ("list = []", "list.append(1)", "r = list"),
    ("import torch", "torch.manual_seed(1)", "r = torch.rand(3)"),
]
# What draws makes no difference to what is altered beside.
GOES = [
    (DRAWS, "plt.title('a')", "draw([1])"),
    (SHOW + "d = np.zeros(3)", "show(d)", "r = d.sum()"),
    (AXES + SHOW + "d = np.zeros(3)", "show(d, ax)", "r = d.sum()"),
    (AXES + SHOW + "d = np.zeros(3)\nx = 1", "show(x, ax=d and ax)", "r = d.sum()"),
    (
        "def show(x, ax=None):\n    if ax is None: ax = plt.gca()\n    ax.figure.colorbar(ax.imshow(x))\nd = [1]",
        "show(d)",
        "r = d",
    ),
    (SHOW + "    return ax\nd = np.zeros(3)", "a = show(d)", "a.set_title('x')\nr = d.sum()"),
    (SHOW + "    return ax\nd = np.zeros(3)\na = show(d)", "a.set_title('x')", "r = d.sum()"),
    ("def show(x, ax=None, **how):\n    ax = ax or plt.gca()\n    ax.annotate(x, **how)\nd = [1]", "show(d)", "r = d"),
    (FIT + "d = np.zeros(3)\nm = KMeans(3)", "fit(m, d)", "r = d.sum()"),
    (FIT + "d = np.zeros(3)\nm = KMeans(3)\nfit(KMeans(4), d)", "m = KMeans(5)", "m = KMeans(6).fit(d)\nr = m.labels_"),
    (AXES + DRAWS + "cm = plt.get_cmap('jet')", "ax.plot([1])", "draw(cm(1))"),
    (AXES + DRAWS, "ax.set_xlim(0, 5)", "for i, each in enumerate(axes.flat):\n    each.plot([i])\n    r.append(i)"),
    (AXES + "d = [1]\ndef keep(x, ax):\n    x.append(1)\n    ax.plot(x)", "ax.plot([1])", "keep(d, ax)\nr = d"),
    ("def f(x, y): x.append(len(y))\nd, e = [], 1", "f([], d)", "r = d"),
    ("d = [1]\ng = (x for x in d)\ne = [x for x in g]", "print(e)", "r = d"),
    ("d = pd.DataFrame()\nd['x'] = d.x.map(lambda x: x + 1)", "d.head()", "r = d.sum()"),
    ("p, q = zip(*[(1, 2)])\nd = [*p]", "print(p, q)", "r = d"),
    ("x, y = [1], [2]", "y.append(2)", "r = x"),
    ("a, b = np.meshgrid([1], [2])", "b[0] = 1", "r = a"),
    ("d = np.zeros(3)\nm = [KMeans(n) for n in (1, 2)]", "e = [x.fit(d).bic(d) for x in m]", "r = d.sum()"),
    ("d = pd.DataFrame()\nm = d.groupby('k').x.mean()", "m['a'] = 1", "r = d.sum()"),
    ("d = pd.DataFrame()\ng = d.groupby('k')\nm = g.x.mean()", "m['a'] = 1", "r = d.sum()"),
    ("d = pd.DataFrame()\nx = d.x.str.split(',')", "d['x'] = 1", "r = x"),
    ("import joblib\nm, d = KMeans(3), np.zeros(3)\njoblib.dump(m, 'f')", "m.fit_transform(d)", "r = d.sum()"),
    ("def f(x): return x", "def f(x): return 2", "f = len\nr = f([1])"),
    ("def f(ax): ax.append(1)\nd = []", "f(d)", "def f(ax): return ax\nd = [2]\nr = f(d)"),
    ("import tensorflow as tf\na = 1", "tf.constant(3)", "r = a"),
    ("d = pd.DataFrame()", "e = d.rename(columns={'a': 'b'})", "r = pd.read_csv('f')"),
    ("d = pd.DataFrame()", "e = d.rename({'a': 'b'}, axis=1)", "r = pd.read_csv('f')"),
    ("def check(x):\n    if not x: raise ValueError(x)\n    return ValueError\nd, e = [1], check", "check(2)", "r = d"),
]


@pytest.mark.parametrize(("before", "statement", "after"), STAYS)
def test_stays(before, statement, after):
    assert statement in kept(f"{IMPORTS}{before}\n{statement}\n{after}")


@pytest.mark.parametrize(("before", "statement", "after"), GOES)
def test_goes(before, statement, after):
    assert statement not in kept(f"{IMPORTS}{before}\n{statement}\n{after}")
