# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which statements are kept, by what each kind of statement does to names; no code is run."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from datalab_deliver import effects, rules, slicing, source
from datalab_deliver.refusal import Refused
from datalab_deliver.slicing import Width


def kept(text, *results, width=Width.NEEDED):
    """Return the statements that the results need, in a notebook of one cell."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text)])
    read = source.read(nb, "x.ipynb")
    found = slicing.cut(read.statements, effects.of(read.statements), set(results or ["r"]), width)
    return [read.statements[number].text for number in found]


ADDS = "from sklearn.preprocessing import FunctionTransformer\ndef add(x):\n    x[0] += 1\n    return x\n"
COUNTS = "class T:\n    n = 0\n    def fit(self, x): return self\n"
COUNTS += "    def transform(self, x):\n        self.n += 1\n        return x\n"
LOGS = "import io, logging, sys\nlog = logging.getLogger('x')\nto = logging.StreamHandler(sys.stdout)\n"
LOGS += "log.addHandler(to)\nlog.addHandler(logging.StreamHandler(io.StringIO()))\n"
# The code before, the statement in question, and the result.
STAYS = [
    ("d = pd.DataFrame()", "d.dropna(inplace=True)", "r = d.sum()"),
    ("d = pd.DataFrame()", "d['x'] = 1", "r = d.sum()"),
    ("d = pd.DataFrame()", "d.x = 1", "r = d.sum()"),
    ("d = pd.DataFrame()", "del d['x']", "r = d.sum()"),
    ("d = pd.DataFrame()", "d.loc[d.x > 1, 'x'] = 0", "r = d.sum()"),
    ("d = pd.DataFrame()", "x = d.pop('x')", "r = d.sum()"),
    ("d = pd.DataFrame()", "print(d.pop('x'))", "r = d.sum()"),
    ("d = pd.DataFrame()", "d.insert(0, 'y', 1)", "r = d.sum()"),
    ("d = pd.DataFrame()\ne = d", "e.dropna(inplace=True)", "r = d.sum()"),
    ("d = pd.DataFrame()\ne = d\nf = e", "f['x'] = 1", "r = d.sum()"),
    ("d = [1]\ne = [d]", "e[0].append(2)", "r = d"),
    ("d = {}\ne = {'k': d}", "e['k']['x'] = 2", "r = d"),
    ("d = [[1]]", "for e in d: e.append(2)", "r = d"),
    ("d = [[1]]", "[e.append(2) for e in d]", "r = d"),
    ("d = [1]\ne = d", "e += [2]", "r = d"),
    ("d = [3, 1]", "d.sort()", "r = d"),
    ("d = np.zeros(3)\ne = d[:2]", "e[:] = 1", "r = d.sum()"),
    ("d = np.zeros(3)\ne = d.reshape(3, 1)", "e += 1", "r = d.sum()"),
    ("d = np.zeros(3)", "np.add(d, 1, out=d)", "r = d.sum()"),
    ("d = np.zeros(3)", "np.add(d, 1, d)", "r = d.sum()"),
    ("d = np.zeros(3)", "d.clip(0, 1, d)", "r = d.sum()"),
    ("d = np.zeros(3)", "np.nan_to_num(d, copy=False)", "r = d.sum()"),
    ("d = np.zeros((3, 3))\ne = np.einsum('ii->i', d)", "e[:] = 1", "r = d.sum()"),
    ("d = pd.DataFrame()\nhow = {'inplace': True}", "d.dropna(**how)", "r = d.sum()"),
    ("d = np.zeros(3)", "np.fill_diagonal(d, 1)", "r = d.sum()"),
    ("d = [3, 1]", "random.shuffle(d)", "r = d"),
    ("d = [3, 1]\nh = heapq", "heapq.heapify(d)", "r = d"),
    ("def f(x): x.append(1)\nd = []", "f(d)", "r = d"),
    ("def g(x): x.append(1)\ndef f(x): g(x)\nd = []", "f(d)", "r = d"),
    ("def f(x):\n    y = x\n    y['k'] = 1\nd = {}", "print(f(d))", "r = d"),
    ("def f():\n    global d\n    d += 1\nd = 0", "f()", "r = d"),
    ("def f(): d.append(1)\nd = []", "f()", "r = d"),
    ("def f(x): d.append(x)\nd = []\ns = pd.Series([1])", "s.apply(f)", "r = d"),
    ("def f(x): d.append(x)\nd = []", "list(map(f, [1]))", "r = d"),
    ("def f(row): row['x'] = 1\nd = [{}]", "list(map(f, d))", "r = d"),
    ("d = [3, 1]", "list(map(lambda x: d.append(x), [1]))", "r = d"),
    ("class C:\n    def add(self): self.n = 1\nd = C()", "d.add()", "r = d.n"),
    ("class C:\n    def add(self, x): x.append(1)\nc = C()\nd = []", "c.add(d)", "r = d"),
    ("class C:\n    def __init__(self, x): x.append(1)\nd = []", "C(d)", "r = d"),
    ("class C:\n    n = 0\n    def add(self): C.n += 1\nd = C()", "d.add()", "r = C.n"),
    ("class C:\n    def f(self, x): return x * rate\nc = C()\nrate = 1", "rate = 2", "r = c.f(1)"),
    ("class C:\n    def __getitem__(self, k): self.n = k\nd = C()", "d[3]", "r = d.n"),
    ("class C:\n    @property\n    def x(self): self.n = 1\nd = C()", "print(d.x)", "r = d.n"),
    ("class C:\n    def __len__(self): log.append(1)\nd = C()\nlog = []", "len(d)", "r = log"),
    ("def f(): return k", "k = 3", "r = f()"),
    ("def f(): return g()\ndef g(): return k", "k = 3", "r = f()"),
    ("f = lambda: k", "k = 3", "r = f()"),
    ("fs = [lambda: k]", "k = 3", "r = fs[0]()"),
    ("f = lambda x: d.append(x)\nd = []", "f(1)", "r = d"),
    ("g = (k for _ in 'a')", "k = 3", "r = list(g)"),
    ("d = pd.DataFrame()", "k = 3", "r = d.query('x > @k')"),
    ("d = iter([1, 2])", "next(d)", "r = list(d)"),
    ("d = (x for x in [1, 2])", "print(list(d))", "r = list(d)"),
    ("d = open('f')", "for line in d: print(line)", "r = d.read()"),
    ("def f(): yield 1\nd = f()", "print(list(d))", "r = list(d)"),
    ("", "np.random.seed(1)", "r = np.random.rand()"),
    ("np.random.seed(1)", "np.random.rand(3)", "r = np.random.rand()"),
    ("random.seed(1)", "print(random.random())", "r = random.random()"),
    ("np.random.seed(1)\ndef f(): return np.random.rand()", "f()", "r = np.random.rand()"),
    ("def f(): return np.random.rand()", "np.random.seed(1)", "r = f()"),
    ("g = np.random.default_rng(0)", "g.normal()", "r = g.normal()"),
    ("g = np.random.default_rng(0)", "plt.hist(g.normal(size=3))", "r = g.normal()"),
    ("np.random.seed(1)\nd = pd.DataFrame()", "d.sample(3)", "r = d.sample(1)"),
    ("c = sqlite3.connect('f')\nk = c.cursor()", "k.execute('DELETE FROM t')", "r = c.execute('SELECT 1').fetchall()"),
    ("m = Model()", "m.fit([1])", "r = m.predict([1])"),
    ("m = Model()\np = make_pipeline(m)", "p.fit([1])", "r = m.coef_"),
    ("d = 3", "assert d < 4", "r = d + 1"),
    ("d = 3\ne = d + 1", "assert e < 5 and d < 4", "r = e"),
    ("d = 3", "if d > 4: raise ValueError", "r = d + 1"),
    ("d = 3", "try:\n    d = int('x')\nexcept ValueError:\n    d = 0", "r = d + 1"),
    ("d = 3", "with open('f') as file: d = file.read()", "r = d"),
    ("d = pd.DataFrame()", "d.to_csv('f.csv')", "r = pd.read_csv('f.csv')"),
    ("", "os.environ['X'] = '1'", "r = 1"),
    ("d = os.environ", "d['X'] = '1'", "r = 1"),
    ("d = decimal.getcontext()", "d.prec = 3", "r = decimal.Decimal(1) / 3"),
    ("", "warnings.simplefilter('error')", "r = 1"),
    ("", "setattr(random, 'seed', print)", "r = random.random()"),
    ("", "pd.set_option('mode.chained_assignment', None)", "r = 1"),
    ("", "np.random.seed(1)", "r = train_test_split([1, 2])"),
    ("np.random.seed(1)", "train_test_split([1, 2])", "r = train_test_split([1, 2])"),
    ("np.random.seed(1)", "np.random.rand()", "r = train_test_split([1, 2], random_state=None)"),
    ("", "np.random.seed(1)", "r = KMeans(3).fit_predict([1, 2])"),
    ("m = KMeans(3)", "np.random.seed(1)", "r = m.fit_predict([1, 2])"),
    ("p = Pipeline([('m', KMeans(3))])", "np.random.seed(1)", "r = p.fit_predict([1, 2])"),
    ("m = GridSearchCV(KMeans(), {})", "np.random.seed(1)", "r = m.fit([1, 2]).best_score_"),
    ("m = KMeans(3)\nnp.random.seed(1)", "cross_val_score(m, [1])", "r = m.fit_predict([1, 2])"),
    ("k = KFold(3, shuffle=True)", "np.random.seed(1)", "r = list(k.split([1]))"),
    ("", "np.random.seed(1)", "r = stats.norm.rvs(size=3)"),
    ("d = stats.norm(0, 1)", "d.rvs(2)", "r = d.rvs(3)"),
    ("def fix(): np.random.seed(1)", "fix()", "r = stats.norm.rvs(size=3)"),
    ("g = np.random.RandomState(3)", "train_test_split([1], random_state=g)", "r = g.rand()"),
    ("g = np.random.RandomState(3)\nd = pd.DataFrame()", "d.sample(3, random_state=g)", "r = g.rand()"),
    ("d = pd.DataFrame()", "pd.set_option('display.precision', 1)", "r = str(d)"),
    ("d = pd.DataFrame()", "pd.options.display.precision = 1", "r = f'{d}'"),
    ("d = pd.DataFrame()", "pd.set_option('display.precision', 1)", "r = d.to_html()"),
    ("d = np.zeros(3)", "np.set_printoptions(precision=1)", "r = list(map(str, d))"),
    ("def f(x): return '%s' % x\nd = np.zeros(3)", "np.set_printoptions(precision=1)", "r = f(d)"),
    ("", "plt.style.use('ggplot')", "f, ax = plt.subplots()\nr = ax.get_facecolor()"),
    ("", "sns.set_theme()", "f, ax = plt.subplots()\nr = ax.get_facecolor()"),
    ("f, ax = plt.subplots()", "ax.plot([1, 2])", "r = [line.get_ydata() for line in ax.lines]"),
    ("b = io.BytesIO()\nplt.plot([1])", "plt.savefig(b)", "r = b.getvalue()"),
    ("d = pd.DataFrame()\nq = 'x > @k'", "k = 3", "r = d.query(q)"),
    ("d = pd.DataFrame()\nq = f'{1} > @k'", "k = 3", "r = d.query(q)"),
    ("d = pd.DataFrame()\nn = 'k'", "k = 3", "r = d.query('x > @' + n)"),
    ("d = pd.DataFrame()\nq = 'y = x * @k'", "k = 3", "r = d.eval(q)"),
    ("d = pd.DataFrame()\nf = d.query", "k = 3", "r = f('x > @k')"),
    ("d = pd.DataFrame()\nq = '@f(x) > 3'", "def f(x): return x", "r = d.query(q)"),
    ("d = pd.DataFrame()\ndef f(x): return x.query('x > @k')", "k = 3", "r = f(d)"),
    ("", "warnings.filterwarnings(action)", "r = 1"),
    ("", "warnings.resetwarnings()", "try:\n    r = 1\nexcept UserWarning:\n    r = 2"),
    ("", "x = os.environ.setdefault('X', '1')", "r = 1"),
    ("from decimal import *", "setcontext(Context(prec=5))", "r = 1"),
    ("", "x = csv.register_dialect('semi', delimiter=';')", "r = 1"),
    ("from json import JSONEncoder", "JSONEncoder.default = str", "r = 1"),
    ("", "pd.DataFrame.f = len", "r = 1"),
    ("", "setattr(pd.DataFrame, 'f', len)", "r = 1"),
    ("d = pd.DataFrame()", "type(d).f = len", "r = 1"),
    ("h = heapq", "vars(h)['f'] = len", "r = 1"),
    ("", "@pd.api.extensions.register_dataframe_accessor('x')\nclass X: pass", "r = 1"),
    ("class X: pass", "pd.api.extensions.register_dataframe_accessor('x')(X)", "r = 1"),
    ("d = np.zeros(3)", "KMeans(copy_x=False, random_state=0).fit(d)", "r = d.sum()"),
    ("d = np.zeros(3)\ns = KMeans(copy_x=False).fit([1])", "s.predict(d)", "r = d.sum()"),
    ("d = np.zeros(3)\ns = KMeans()\ns.set_params(copy=False)", "s.predict(d)", "r = d.sum()"),
    ("d = np.zeros(3)\ns = KMeans(copy=False)\np = Pipeline([s])", "x = p.score(d)", "r = d.sum()"),
    ("d = np.zeros(3)", "x = linalg.inv(d, overwrite_a=True)", "r = d.sum()"),
    ("d = np.zeros(3)", "x = np.median(d, overwrite_input=True)", "r = d.sum()"),
    ("d = np.zeros(3)", "ndimage.gaussian_filter([1], 1, output=d)", "r = d.sum()"),
    ("d = np.zeros(3)", "n = ndimage.label([1], None, d)", "r = d.sum()"),
    ("d = np.zeros(3)", "x = np.sqrt([1], d)", "r = d.sum()"),
    ("d = np.zeros(3)", "x = np.multiply([1], 2, d)", "r = d.sum()"),
    ("d = np.zeros(3)\ne = np.ones(3)", "e.cumsum(0, None, d)", "r = d.sum()"),
    ("d = np.zeros(3)", "np.nan_to_num(d, False)", "r = d.sum()"),
    ("d = np.zeros(3)\ne = np.diagonal(d)", "e[0] = 1", "r = d.sum()"),
    ("d = bytearray(4)\ne = np.frombuffer(d)", "e[0] = 1", "r = bytes(d)"),
    ("d = np.zeros(3)\ne = np.array(d, copy=None)", "e[0] = 1", "r = d.sum()"),
    ("d = np.zeros(3)\ne = d.astype(float, copy=False)", "e[0] = 1", "r = d.sum()"),
    ("d = np.zeros(3)", "for e in np.vsplit(d, 2): e += 1", "r = d.sum()"),
    ("d = bytearray(4)\nf = io.BytesIO(b'abcd')", "n = f.readinto(d)", "r = bytes(d)"),
    ("d = pd.DataFrame()", "pd.DataFrame.insert(d, 0, 'b', 3)", "r = list(d)"),
    ("d = np.zeros(3)", "np.ndarray.fill(d, 1)", "r = d.sum()"),
    ("d = [[1]]", "list(map(operator.methodcaller('append', 3), d))", "r = d"),
    ("d = [0]", "x = functools.reduce(operator.iconcat, [[1]], d)", "r = d"),
    ("p = Pipeline([('m', Model())])\nq = p.get_params()['m']", "q.alpha = 4", "r = p.get_params()"),
    ("b = io.StringIO()\nd = pd.DataFrame()", "d.to_string(b)", "r = b.getvalue()"),
    ("b = io.StringIO('[1]')", "x = json.load(b)", "r = b.read()"),
    ("b = io.StringIO('a')", "x = pd.read_csv(b, nrows=1)", "r = b.read()"),
    ("d = pd.read_csv('f', chunksize=1)", "for part in d: break", "r = list(d)"),
    (f"{ADDS}t = FunctionTransformer(add)\nd = np.zeros(3)", "y = t.transform(d)", "r = d"),
    (f"{ADDS}p = make_pipeline(FunctionTransformer(add), Model())\nd = [1]", "y = p.predict(d)", "r = d"),
    (f"{ADDS}p = Pipeline([('f', FunctionTransformer(add))]).fit([1])\nd = [1]", "y = p.predict(d)", "r = d"),
    (f"{COUNTS}t = T()\np = make_pipeline(t, Model()).fit([1])", "y = p.predict([1])", "r = t.n"),
    ("log = []\ndef h(*a): log.append(1)\nnp.seterrcall(h)", "np.ones(2) / 0", "r = log"),
    ("d = np.poly1d([1, 2])\ndef d(x): d.n = x", "d(3)", "r = d.n"),
    ("d = np.poly1d([1, 2])\nfor d in [Model()]: pass", "d(3)", "r = d"),
    ("", "from tools import *", "r = 1"),
    ("d = [1]", "d[0], e = 2, 3", "r = d"),
    ("d = 1", "for d in range(3): pass", "r = d"),
    ("d = 1", "while (d := d + 1) < 5: pass", "r = d"),
]
GOES = [
    ("class C:\n    def __getitem__(self, k): return k\nd = C()", "d[3]", "r = d"),
    ("d = pd.DataFrame()", "d.head()", "r = d.sum()"),
    ("d = pd.DataFrame()", "print(d.describe())", "r = d.sum()"),
    ("d = pd.DataFrame()", "d", "r = d.sum()"),
    ("d = pd.DataFrame()", "d.x.plot.bar()", "r = d.sum()"),
    ("d = pd.DataFrame()", "d.groupby('x').y.mean().sort_values()", "r = d.sum()"),
    ("d = pd.DataFrame()", "d.dropna()", "r = d.sum()"),
    ("d = pd.DataFrame()", "d.dropna(inplace=False)", "r = d.sum()"),
    ("d = pd.DataFrame()\ne = d.copy()", "e['x'] = 1", "r = d.sum()"),
    ("d = pd.DataFrame()", "pd.set_option('display.max_rows', 5)", "r = d.sum()"),
    ("d = pd.DataFrame()", "plt.figure(figsize=(1, 2))", "r = d.sum()"),
    ("d = pd.DataFrame()", "sns.heatmap(d.corr())", "r = d.sum()"),
    ("d = pd.DataFrame()", "for name, part in d.groupby('x'): part.plot()", "r = d.sum()"),
    ("d = pd.DataFrame()\nfig, ax = plt.subplots()", "ax.scatter(d.x, d.y)", "r = d.sum()"),
    ("d = pd.DataFrame()\ndef show(x):\n    x.plot()\n    plt.show()", "show(d)", "r = d.sum()"),
    ("d = pd.DataFrame()", "plt.savefig('f.png')", "r = d.sum()"),
    ("d = pd.DataFrame()", "np.random.seed(1)", "r = train_test_split(d, random_state=0)"),
    ("d = pd.DataFrame()", "KMeans(3).fit(d)", "r = KMeans(3, random_state=0).fit(d)"),
    ("d = pd.DataFrame()", "np.random.seed(1)", "r = LinearRegression().fit(d).coef_"),
    ("d = pd.DataFrame()", "train_test_split(d)", "r = cross_val_score(LinearRegression(), d)"),
    ("d = pd.DataFrame()\nk = 1", "y = 3", "r = d.query('x > @k')"),
    ("d = pd.DataFrame()", "pd.options.display.precision = 1", "r = d.sum()"),
    ("d = pd.DataFrame()\nm = KMeans().fit(d)\ny = m.predict(d)", "np.random.seed(1)", "r = d.sum()"),
    ("m = KMeans()\nd = [1]\nm.fit(d)", "print(m.predict(d), m.labels_)", "r = m.fit_predict(d)"),
    ("d = np.zeros(3)", "x = np.sqrt(d)", "r = d.sum()"),
    ("d = np.zeros(3)\ne = np.array(d, copy=True)", "e[0] = 1", "r = d.sum()"),
    ("d = 1", "d = 2", "d = 3\nr = d"),
    ("d = 1", "e = d + 1", "r = d"),
    ("d = 1\ne = 2", "assert e", "r = d"),
    ("d = [1]", "e = sorted(d)", "r = d"),
    ("d = [x for x in 'ab']", "x = 1", "r = d"),
    ("d = 1", "warnings.filterwarnings('ignore')", "r = d"),
    ("d = np.poly1d([1, 2])", "print(d(3))", "r = d"),
    ("d = 1", "import seaborn", "r = d"),
    (f"{LOGS}d = 1\ndef f(x):\n    log.info(x)\n    return x", "print(d)", "r = f(d)"),
    (f"{LOGS}d = 1\ndef f(x):\n    log.info(x)\n    return x", "e = d + 1", "r = f(d)"),
    ("import io, sys\nd = 1\nf = io.StringIO()\nold = sys.stdout\nsys.stdout = f", "print(d)", "r = d"),
    ("import logging\nd = 1\nlogging.basicConfig(stream=None)", "logging.info(d)", "r = d"),
    (
        "class T:\n    def transform(self, x):\n        x = x.copy()\n        return x\nm = Model()",
        "m.predict([1])",
        "r = m",
    ),
]
OWN = "class K:\n    def fit(self, x): x.append(1)\n"
OBJECTS_STAY = [
    ("random.seed(1)\nnp.random.seed(1)", "random.random()", "r = random.random()"),
    ("np.random.seed(1)", "np.random.seed(np.random.randint(9))", "r = np.random.rand()"),
    ("s = np.random.get_state()", "np.random.rand()", "np.random.set_state(s)\nr = np.random.rand()"),
    ("m = KMeans(3)\nk = m", "k.fit([1])", "r = m.labels_"),
    ("m = KMeans(3)\np = Pipeline([('m', m)])", "p.fit([1])", "r = m.labels_"),
    ("ms = [KMeans(3)]\nm = ms[0]", "m.fit([1])", "r = ms"),
    ("ms = [KMeans(3), KMeans(4)]", "for m in ms: m.fit([1])", "r = ms"),
    ("ms = {'a': KMeans(3)}", "for n, m in ms.items(): m.fit([1])", "r = ms"),
    ("ms = [KMeans(k) for k in (3, 4)]", "[m.fit([1]) for m in ms]", "r = ms"),
    ("d = pd.DataFrame()\nm = KMeans(3).fit(d)", "d['x'] = 1", "r = m.predict([1])"),
    ("d = pd.DataFrame()\nm = KMeans(3)\nm.fit(d)", "d['x'] = 1", "r = m.predict([1])"),
    ("d = pd.DataFrame()\nm = KMeans(3)\nm.fit(d)\np = Pipeline([('m', m)])", "d['x'] = 1", "r = p.predict([1])"),
    ("d = np.zeros(3)\nm = KMeans(copy_x=False, random_state=0)", "m.fit(d)", "r = d.sum()"),
    ("d = np.zeros(3)\ne = StandardScaler(copy=False).fit_transform(d)", "e[0] = 1", "r = d"),
    ("d = np.zeros(3)", "StandardScaler(copy=False).fit_transform(d)", "r = d"),
    ("d = np.zeros(3)\ns = StandardScaler(copy=False)\np = Pipeline([('a', s)])", "p.fit_transform(d)", "r = d"),
    ("d = np.zeros(3)\nm = StandardScaler()\nm.set_params(copy=False)", "m.fit_transform(d)", "r = d"),
    ("d = np.zeros(3)\nm = StandardScaler()\nm.copy = False", "m.fit_transform(d)", "r = d"),
    ("d = np.zeros(3)\nn = {'copy': False}\nm = StandardScaler(**n)", "m.fit_transform(d)", "r = d"),
    ("d = np.zeros(3)\np = Pipeline([('a', 'passthrough')])\ne = p.fit_transform(d)", "e[0] = 1", "r = d"),
    ("np.random.set_bit_generator(np.random.PCG64(3))", "np.random.rand()", "r = np.random.rand()"),
    ("d = pd.DataFrame()\nk = []\nk.append(KMeans(3).fit(d))", "d['x'] = 1", "r = k[0].predict([1])"),
    ("d = pd.DataFrame()\ndef f(x): return KMeans(3).fit(x)\nm = f(d)", "d['x'] = 1", "r = m.predict([1])"),
    (
        "d = [1]\ng = GridSearchCV(KMeans(), {})\ng.fit(d)\nm = g.best_estimator_",
        "m.set_params(n=3)",
        "r = g.predict([1])",
    ),
    ("seen = []\ndef s(e, x): seen.append(1)\nm = GridSearchCV(KMeans(), {}, scoring=s)", "m.fit([1])", "r = seen"),
    ("m = KMeans(3).fit([1])\nl = m.labels_", "l.sort()", "r = m.labels_"),
    ("m = KMeans(3).fit([1])", "m.labels_.sort()", "r = m.labels_"),
    ("m = KMeans(3).fit([1])", "m.labels_[0] = 5", "r = m.predict([1])"),
    (f"{OWN}m = K()\nd = []", "m.fit(d)", "r = d"),
    (f"{OWN}d = []\nk = K()\np = Pipeline([('k', k)])", "p.fit(d)", "r = d"),
    (f"{OWN}d = []\nks = [('k', K())]\np = Pipeline(ks)", "p.fit(d)", "r = d"),
    (f"{OWN}d = []\nks = []\nks.append(K())\np = Pipeline(ks)", "p.fit(d)", "r = d"),
    (f"{OWN}d = []\ndef made(): return K()\nk = made()\np = Pipeline([('k', k)])", "p.fit(d)", "r = d"),
    (f"{OWN}ms = [KMeans(3), K()]\nd = []", "for m in ms: m.fit(d)", "r = d"),
    (f"{OWN}ms = {{'a': KMeans(3), 'b': K()}}\nd = []", "for n, m in ms.items(): m.fit(d)", "r = d"),
    (f"{OWN}d = []\nm = KMeans(3)\nif d: m = K()", "m.fit(d)", "r = d"),
    (f"{OWN}d = []\nms = {{'a': KMeans(3)}}\nms['b'] = K()", "for n, m in ms.items(): m.fit(d)", "r = d"),
    (f"{OWN}d = []\nms = [KMeans(3)]\nms.append(K())", "for m in ms: m.fit(d)", "r = d"),
    (f"{OWN}d = []\np = Pipeline([('a', KMeans(3))])\np.steps.append(('b', K()))", "p.fit(d)", "r = d"),
    (f"{OWN}d = []\np = Pipeline([('a', KMeans(3))])\np.set_params(a=K())", "p.fit(d)", "r = d"),
    (f"{OWN}d = []\np = Pipeline([('a', KMeans(3))])\np.steps[0] = ('a', K())", "p.fit(d)", "r = d"),
    (f"{OWN}d = []\np = Pipeline([('a', KMeans(3))])\nq = p\nq.set_params(a=K())", "p.fit(d)", "r = d"),
    (f"{OWN}def given(m, d): m.fit(d)\nd = []\nm = KMeans(3)", "given(K(), d)", "r = d"),
    (
        "from sklearn.x import FunctionTransformer\nd = [1]\nm = FunctionTransformer()\ne = m.fit_transform(d)",
        "e[0] = 1",
        "r = d",
    ),
    ("d = []\nf, ax = plt.subplots()\nif d: ax = d", "ax.append(2)", "r = d"),
    ("def f(ax): ax.append(1)\nd = []\nfig, ax = plt.subplots()", "f(d)", "r = d"),
    ("d = sns.load_dataset('x')", "d.pop('a')", "r = d"),
    ("d = plt.imread('f')", "d.sort()", "r = d"),
    ("n, bins, patches = plt.hist([1])", "n.sort()", "r = n"),
    ("seen = []\ndef f(e): seen.append(1)\nfig, ax = plt.subplots()", "fig.canvas.mpl_connect('x', f)", "r = seen"),
    ("d = [1]\nclass P:\n    def plot(self): return d\nax = P().plot()", "ax.append(1)", "r = d"),
    ("fig, ax = plt.subplots()\nax.plot([1])", "ax.set_ylim(0, 9)", "fig.savefig('f')\nr = open('f').read()"),
]
# Ways to fit a model, which keeps d.
FITTED = "d = np.zeros(3)\ne = np.ones(3)\nm = KMeans(3)\n"
FITS = [
    "def f(a, b): a.fit(b)\nf(m, d)",
    "def f(a, b): return a.fit(b)\nm = f(m, d)",
    "def g(a, b): a.fit(b)\ndef f(a, b): g(a, b)\nf(m, d)",
    "def f(): m.fit(d)\nf()",
    "def f(b): m.fit(b)\nf(d)",
    "def f(a):\n    global m\n    m.fit(a)\nf(d)",
    "def f(a, b):\n    q = a\n    q.fit(b)\nf(m, d)",
    "def f(a, *k): a.fit(*k)\nf(m, d)",
    "def f(a, **k): a.fit(**k)\nf(m, X=d)",
    "def f(a, b): a.fit(b)\nf(b=d, a=m)",
    "def f(a, b): a.fit(b)\nf(*(m, d))",
    "def f(ms, b):\n    for q in ms: q.fit(b)\nf([m], d)",
    "def f(a, b): a.fit(b[0])\nz = (d, e)\nf(m, z)",
    "def f(a, b): a.fit(b)\nv = d[:]\nf(m, v)",
    "def f(a, b): a.fit(b) if b else f(a, b)\nf(m, d)",
    "f = lambda a, b: a.fit(b)\nf(m, d)",
    "f = lambda b: m.fit(b)\nf(d)",
    "class F:\n    def __init__(self, a, b): a.fit(b)\nF(m, d)",
    "f = m.fit\nf(d)",
    "f = lambda b: None\nif d.any(): f = m.fit\nf(d)",
    "def f(b): pass\nif d.any(): f = m.fit\nf(d)",
    "k = []\ndef f(b, a): a.fit(b)\nf(*k, d, m)",
    "def f0(a, b): a.fit(b)\n" + "".join(f"def f{n + 1}(a, b): f{n}(a, b)\n" for n in range(4)) + "f4(m, d)",
    "def f(v): m.fit(v)\nd.apply(f)",
    "def g(a, b): a.fit(b)\nf = functools.partial(g, m)\nf(d)",
    "KMeans.fit(m, d)",
    "getattr(m, 'fit')(d)",
    "def f(q): q.fit(d)\nlist(map(f, [m]))",
    "list(map(lambda q: q.fit(d), [m]))",
    "list(map(m.fit, [d]))",
    "functools.reduce(lambda a, b: a.fit(b), [d], m)",
    "list(itertools.starmap(m.fit, [(d,)]))",
    "def f(a, b): a.fit(b)\nlist(itertools.starmap(f, [(m, d)]))",
    "def f(a): a.fit(d)\nlist(itertools.starmap(f, [(m,)]))",
    "def f(a): a.fit(d)\ndef g(h, k): h(k)\ng(f, m)",
    "def f(): m.fit(d)\ndef g(h): h()\ng(f)",
    "f = lambda b, a=m: a.fit(b)\nf(d)",
    "f = lambda b, *, a=m: a.fit(b)\nf(d)",
    "def f(v): m.fit(d)\ne.apply(f)",
    "def f(v, b): m.fit(b)\ne.apply(f, args=(d,))",
]
# Ways to make a model work on its input instead of a copy.
TOLD = "d = np.zeros(3)\nm = StandardScaler()\n"
TELLS = [
    "m.copy = False",
    "q = m\nq.copy = False",
    "q, w = m, 1\nq.copy = False",
    "print(q := m)\nq.copy = False",
    "with open(m) as q: q.copy = False",
    "for m.copy in [False]: pass",
    "ms = [m]\nms[0].copy = False",
    "ms = {'a': m}\nfor k, q in ms.items(): q.copy = False",
    "def f(q): q.copy = False\nf(m)",
    "def f(): return m\nf().copy = False",
    "m.set_params(copy=False)",
    "n = {'copy': False}\nm.set_params(**n)",
    "n = dict(copy=False)\nm.set_params(**n)",
    "q = m\nq.set_params(copy=False)",
    "[q.set_params(copy=False) for q in [m]]",
    "f = m.set_params\nf(copy=False)",
    "f = functools.partial(m.set_params, copy=False)\nf()",
    "setattr(m, 'copy', False)",
    "def f(q, k, v): setattr(q, k, v)\nf(m, input(), False)",
    "m.__setattr__(input(), False)",
    "m.__setstate__(json.loads(input()))",
    "m.__dict__['copy'] = False",
    "m.__dict__.update(json.loads(input()))",
    "vars(m).update(json.loads(input()))",
    "q = m\nq.__init__(copy=False)",
    "q = m\nq.set_params(overwrite_x=True)",
    "m = Pipeline([('s', m)])\nm.set_params(s__copy=False)",
    "q = Pipeline([('s', m)])\nq.named_steps.s.copy = False",
]
# Pipelines that return their input itself.
GIVES = [
    "m = Pipeline([('s', None)])",
    "m = Pipeline([['s', None]])",
    "n = [('s', None)]\nm = Pipeline(n)",
    "n = [('s', 'passthrough')]\nm = Pipeline(n)",
    "m = Pipeline([('s', m)])\nm.steps[0] = ('s', None)",
    "m = Pipeline([('s', m)])\nq = m\nq.set_params(s='passthrough')",
    "m = Pipeline([('s', m)])\nq = m\nq.set_params(s=None)",
    "m = Pipeline([('s', m)])\nq = m\nq.steps[0] = ('s', 'passthrough')",
]
OBJECTS_STAY += [
    (f"{FITTED}k = []\ndef f(m, b): m.append(b)\nf(k, d)", "k[0][0] = 1", "r = d.sum()"),
    ("m = KMeans(3)", "list(itertools.starmap(m.fit, [([1],)]))", "r = m.labels_"),
]
OBJECTS_STAY += [(FITTED + way, "d[0] = 1", "r = m.predict([1])") for way in FITS]
OBJECTS_STAY += [(TOLD + way, "m.fit_transform(d)", "r = d.sum()") for way in TELLS]
OBJECTS_STAY += [(f"{TOLD}{way}\nz = m.fit_transform(d)", "z[0] = 1", "r = d.sum()") for way in GIVES]
OBJECTS_GO = [
    (f"{FITTED}def f(a, b): a.fit(b)\nf(m, d)\nf(KMeans(4), e)", "e[0] = 1", "r = m.predict([1])"),
    (f"{FITTED}def f(a, b): return a + b\nf(d, e)", "d[0] = 1", "r = e"),
    (f"{FITTED}def f(a, b): a.fit(b)\nf(m, d)", "m.set_params(n=2)", "r = d.sum()"),
    (f"{FITTED}f = lambda a, b: a + b\nf(d, e)", "d[0] = 1", "r = e"),
    ("d = ['a']\ne = ['b']\nlist(map(str.strip, d))\nlist(map(str.strip, e))", "d.append('c')", "r = e"),
    ("d = pd.DataFrame()", "list(map(d.get, ['a']))", "r = d.sum()"),
    (f"{TOLD}k = Pipeline([('a', 'passthrough')])", "m.fit_transform(d)", "r = d.sum()"),
    (f"{TOLD}q = m\nq.with_mean = False", "m.fit_transform(d)", "r = d.sum()"),
    (f"{TOLD}n = {{}}\nplt.plot([1], **n)\npd.merge(copy=False)", "m.fit_transform(d)", "r = d.sum()"),
    (f"{TOLD}m.set_params(with_mean=False)", "m.fit_transform(d)", "r = d.sum()"),
    ("", "np.random.rand(3)", "r = np.random.rand()"),
    ("def f(): return np.random.rand()", "f()", "r = np.random.rand()"),
    ("", "np.random.rand(3)", "np.random.seed(2)\nr = np.random.rand()"),
    ("np.random.seed(1)", "random.random()", "r = np.random.rand()"),
    ("d = pd.DataFrame()\nm = KMeans(3)", "m.fit(d)", "r = d.sum()"),
    ("d = pd.DataFrame()\nm = KMeans(3)\nm.fit(d)", "m = KMeans(4).fit(d)", "m = KMeans(5).fit(d)\nr = m.labels_"),
    (f"{OWN}d = pd.DataFrame()\nm = KMeans(3)", "m.fit(d)", "r = d.sum()"),
    ("d = np.zeros(3)\nm = LinearRegression()", "m.fit(d, d)", "r = d.sum()"),
    ("d, e = pd.DataFrame(), pd.DataFrame()\nc = d.copy()", "d.merge(e)", "r = e.sum()"),
    ("f, ax = plt.subplots()\nd = np.zeros(3)", "ax.imshow(d)", "r = d.sum()"),
    ("f, axes = plt.subplots(2)\nd = [3]", "for i, ax in enumerate(axes.flat): ax.set_title(d[i])", "r = d"),
    ("def show(d):\n    f, ax = plt.subplots()\n    ax.imshow(d)\nd = np.zeros(3)", "show(d)", "r = d.sum()"),
    ("d = pd.DataFrame()\nax = d.plot()", "ax.set_title('x')", "r = d.sum()"),
    ("def f(d): return d + 1\nd = [1]\ne = f(d)", "f(e)", "r = e"),
    ("x = [1]", "x.append(2)", "x = [3]\nr = x"),
    ("x, y = [1], [2]\ny.append(x)", "x.append(2)", "x, y = [3], [4]\nr = x"),
]
IMPORTS = "import csv, decimal, functools, heapq, io, itertools, json, operator, os, random, sqlite3, warnings\n"
IMPORTS += "import numpy as np\nimport pandas as pd\n"
IMPORTS += "import matplotlib.pyplot as plt\nimport seaborn as sns\nfrom sklearn.x import Model, make_pipeline\n"
IMPORTS += "from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, train_test_split\n"
IMPORTS += "from sklearn.cluster import KMeans\nfrom sklearn.linear_model import LinearRegression\n"
IMPORTS += "from sklearn.preprocessing import StandardScaler\nfrom sklearn.pipeline import Pipeline\n"
IMPORTS += "from scipy import linalg, ndimage, stats\n"


@pytest.mark.parametrize(("before", "statement", "after"), STAYS + OBJECTS_STAY)
def test_stays(before, statement, after):
    assert statement in kept(f"{IMPORTS}{before}\n{statement}\n{after}")


@pytest.mark.parametrize(("before", "statement", "after"), GOES + OBJECTS_GO)
def test_goes(before, statement, after):
    assert statement not in kept(f"{IMPORTS}{before}\n{statement}\n{after}")


def test_functions_that_call_each_other_do_not_multiply():
    calls = "".join(f"def f{n + 1}(a, b): return f{n}(a, b) + f{n}(b, a)\n" for n in range(40))
    text = f"def f0(a, b): return a + b\n{calls}d = [1]\ne = [2]\nf40(d, e)\nd.append(3)\nr = e"
    assert "r = e" in kept(text)


TIMED = "import time\nfrom datetime import datetime\n"
STOPWATCHES = [
    "for x in [1, 2]:\n    start = time.time()\n    r = x + 1\n    print(f'{x}: {time.time() - start:.1f} s')",
    "start = datetime.now()\nr = 1\ntook = (datetime.now() - start).total_seconds()\nprint('took', round(took, 1))",
    "t = time.time()\nr = 1\nt = time.time() - t\nprint('{:.1f}'.format(t))",
]
CLOCKS = [
    "start = time.time()\nr = time.time() - start",
    "start = time.time()\nr = []\nr.append(time.time() - start)",
    "start = time.time()\nr = 0\nwhile time.time() - start < 1: r += 1",
    "start = time.time()\nprint(start)\ndef f(): return start\nr = f()",
    "start = time.time()\nprint(start, file=open('f', 'w'))\nr = [print(start)]",
    "r = {'at': time.time()}",
    "start = now = time.time()\nprint(start)\nr = now",
]


def faults(text):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{IMPORTS}{TIMED}{text}")])
    statements = source.read(nb, "x.ipynb").statements
    return rules.faults(statements, effects.of(statements), {}, {}, Path("x.ipynb"))


@pytest.mark.parametrize("text", STOPWATCHES)
def test_times_that_are_only_printed(text):
    assert faults(text) == []


@pytest.mark.parametrize("text", CLOCKS)
def test_times_that_a_result_depends_on(text):
    assert "differs each time" in faults(text)[0].what


@pytest.mark.parametrize("text", ["pd.Timestamp('today')", "np.datetime64('now')", "pd.Timestamp.now()", "eval('1')"])
def test_another_value_tomorrow(text):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{IMPORTS}r = {text}")])
    statements = source.read(nb, "x.ipynb").statements
    (fault,) = rules.faults(statements, effects.of(statements), {}, {}, Path("x.ipynb"))
    assert (fault.file, fault.cell) == ("x.ipynb", 1)
    assert fault.remedy


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("class A:\n    def __del__(self): pass\nr = A()", "__del__"),
        ("import weakref\nr = weakref.ref(pd)", "weakref"),
        ("from weakref import ref\nr = ref(pd)", "weakref"),
        ("class A: pass\nr = A.__subclasses__()", "__subclasses__"),
        ("k = 1\nr = '{k}'.format(**vars())", "vars()"),
    ],
)
def test_refuses_what_depends_on_what_python_still_has(text, what):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text)])
    statements = source.read(nb, "x.ipynb").statements
    faults = rules.faults(statements, effects.of(statements), {}, {}, Path("x.ipynb"))
    assert f"it uses {what}, which" in str(faults)
    assert all(fault.remedy for fault in faults)


@pytest.mark.parametrize(
    "comprehension",
    ["[x for x in 'ab']", "{x for x in 'ab'}", "{x: [x for x in 'cd'] for x in 'ab'}", "(x for x in 'ab')"],
)
def test_a_comprehension_does_not_set_a_name(comprehension: str):
    assert kept(f"x = 1\ny = {comprehension}\nr = x") == ["x = 1", "r = x"]


def test_what_computes_is_wider_and_everything_is_all():
    text = "import seaborn\nimport numpy as np\na = 1\nb = 2\nprint(a)\ndisplay(a)\nr = a"
    assert kept(text) == ["a = 1", "r = a"]
    assert kept(text, width=Width.COMPUTES) == ["import numpy as np", "a = 1", "b = 2", "r = a"]
    assert kept(text, width=Width.EVERYTHING) == [line for line in text.splitlines() if line != "display(a)"]


REFUSED = {
    "!wget https://data.example/x.csv": "it runs the command",
    "!ls > files.txt": "it runs the command",
    "files = !ls": "it takes a value from a magic or a command",
    "%run other.ipynb": "it uses the magic 'run other.ipynb'",
    "%%bash\nls": "it uses the magic 'bash",
    "%store x": "it uses the magic",
    "x = (": "it is not Python",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read(text):
    with pytest.raises(Refused, match=r"x\.ipynb, cell 1: ") as refused:
        kept(text)
    assert REFUSED[text] in str(refused.value)
    assert refused.value.faults[0].remedy
