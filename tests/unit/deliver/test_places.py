# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data outside of a project are refused, in whatever way the code gives their place to a reader."""

from __future__ import annotations

import re

import nbformat
import pytest
from datalab_deliver import deliver, effects, source
from datalab_deliver.refusal import Refused
from datalab_deliver.slicing import Width

IMPORTS = """import glob, io, json, logging, os, re, sqlite3
from functools import partial
from os.path import join
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse
import duckdb, geopandas, h5py, joblib, polars as pl, sqlalchemy, xarray, unknown
import numpy as np
import pandas as pd
import dask.dataframe as dd
from PIL import Image
from pandas import read_csv
"""
# Readers that take a place as their first argument, and the keyword of that argument.
READERS = {
    "pd.read_csv": "filepath_or_buffer",
    "pd.read_parquet": "path",
    "pd.read_excel": "io",
    "pd.read_json": "path_or_buf",
    "pd.ExcelFile": "path_or_buffer",
    "read_csv": "filepath_or_buffer",
    "pl.scan_parquet": "source",
    "dd.read_csv": "urlpath",
    "geopandas.read_file": "filename",
    "xarray.open_dataset": "filename_or_obj",
    "np.loadtxt": "fname",
    "np.genfromtxt": "fname",
    "np.load": "file",
    "joblib.load": "filename",
    "h5py.File": "name",
    "open": "file",
    "Path": "path",
    "Image.open": "fp",
}
# Functions that take only an address, or are not known as readers.
TAKE_ADDRESSES = {"sqlalchemy.create_engine": "url", "unknown.fetch": "uri", "unknown.Table": "path"}
ADDRESSES = [
    "s3://lab/x.csv",
    "https://lab.example/x.csv",
    "http://lab.example/x.csv",
    "gs://lab/x.csv",
    "abfs://lab@store.example/x.csv",
    "abfss://lab@store.example/x.csv",
    "simplecache::s3://lab/x.csv",
    "postgresql+psycopg2://me:word@db.example/lab",
    "mysql://db.example/lab",
]
# The ways to give a place (<A> and <B> are its parts) to a reader <R> that has the keyword <K>.
WAYS = {
    "first": "r = <R>('<A><B>')",
    "keyword": "r = <R>(<K>='<A><B>')",
    "name": "p = '<A><B>'\nr = <R>(p)",
    "name by keyword": "p = '<A><B>'\nr = <R>(<K>=p)",
    "name of a name": "p = '<A><B>'\nq = p\nr = <R>(q)",
    "two at once": "n, p = 1, '<A><B>'\nr = <R>(p)",
    "f-string": "n = 1\nr = <R>(f'<A>{n}')",
    "f-string that begins with a name": "p = '<A>'\nr = <R>(f'{p}<B>')",
    "f-string by name and keyword": "p = '<A>'\nq = f'{p}<B>'\nr = <R>(<K>=q)",
    "concatenation": "b = '<B>'\nr = <R>('<A>' + b)",
    "concatenation of names": "a, b = '<A>', '<B>'\nr = <R>(a + b)",
    "what is not known after it": "a = '<A>'\nr = <R>(a + str(len(a)))",
    "augmented": "p = '<A>'\np += '<B>'\nr = <R>(p)",
    "percent": "r = <R>('<A>%s' % '<B>')",
    "percent first": "a = '<A>'\nr = <R>('%s/<B>' % a)",
    "format": "r = <R>('<A>{}'.format('<B>'))",
    "format first": "r = <R>('{root}/<B>'.format(root='<A>'))",
    "os.path.join": "r = <R>(os.path.join('<A>', '<B>'))",
    "join": "a = '<A>'\nr = <R>(<K>=join(a, '<B>'))",
    "str.join": "r = <R>('/'.join(['<A>', '<B>']))",
    "slash": "a = unknown.place() or '<A>'\nr = <R>(a / '<B>')",
    "method": "r = <R>('<A><B>'.strip())",
    "list": "r = [<R>(p) for p in ['<A><B>']]",
    "list by name": "places = ['data/x.csv', '<A><B>']\nr = [<R>(p) for p in places]",
    "loop": "r = []\nfor p in ('<A><B>',):\n    r.append(<R>(p))",
    "loop of pairs": "r = {}\nfor k, p in {'k': '<A><B>'}.items():\n    r[k] = <R>(p)",
    "appended": "places = []\nplaces.append('<A><B>')\nr = [<R>(p) for p in places]",
    "dict": "c = {'in': '<A><B>'}\nr = <R>(c['in'])",
    "dict of dicts": "c = {'in': {'x': '<A><B>'}}\nr = <R>(c['in']['x'])",
    "get": "c = {'in': '<A><B>'}\nr = <R>(c.get('in'))",
    "environment": "r = <R>(os.environ.get('X', '<A><B>'))",
    "getenv": "r = <R>(os.getenv('X') or '<A><B>')",
    "if": "p = '<A><B>' if unknown.x else 'data/x.csv'\nr = <R>(p)",
    "in an if": "p = 'data/x.csv'\nif unknown.x:\n    p = '<A><B>'\nr = <R>(p)",
    "walrus": "r = <R>(p := '<A><B>')",
    "function": "def load(p):\n    return <R>(p)\nr = load('<A><B>')",
    "function by keyword": "def load(p):\n    return <R>(<K>=p)\nr = load(p='<A><B>')",
    "default": "def load(p='<A><B>'):\n    return <R>(p)\nr = load()",
    "all arguments": "def load(*ps):\n    return [<R>(p) for p in ps]\nr = load('x', '<A><B>')",
    "function of a function": "def a(q):\n    return <R>(q)\ndef b(q):\n    return a(q)\nr = b('<A><B>')",
    "local name": "def load():\n    p = '<A><B>'\n    return <R>(p)\nr = load()",
    "global name": "def load():\n    return <R>(p)\np = '<A><B>'\nr = load()",
    "returned": "def place(n):\n    return f'<A>{n}'\nr = <R>(place(1))",
    "yielded": "def each():\n    yield '<A><B>'\nr = [<R>(p) for p in each()]",
    "attribute of a class": "class C:\n    p = '<A><B>'\nr = <R>(C.p)",
    "attribute of an object": "class C:\n    def __init__(self, p): self.p = p\nr = <R>(C('<A><B>').p)",
    "field": "class C:\n    p: str\nc = C('<A><B>')\nr = <R>(c.p)",
    "namespace": "c = SimpleNamespace(p='<A><B>')\nr = <R>(c.p)",
    "method of a class": "class C:\n    def load(self, p): return <R>(p)\nr = C().load('<A><B>')",
    "with": "with <R>('<A><B>') as f:\n    r = f.x",
}
ONLY_OF_READERS = {  # most pass the reader to another function
    "map": "r = list(map(<R>, ['<A><B>']))",
    "partial": "r = partial(<R>, '<A><B>')()",
    "apply": "r = pd.Series(['x']).apply(<R>, args=('<A><B>',))",
    "a list as such": "r = <R>(['<A><B>'])",
}
NETWORK = "it reads over the network: "
MACHINE = "it reads a path that only this machine has: "


def refused(folder, *texts, parameters=""):
    """Return the faults of a notebook before it runs, by the index of the text; each text computes r."""
    named = [re.sub(r"\br\b(?=[\[\. ])(?!\.x)", f"r{number}", text) for number, text in enumerate(texts)]
    cells = [nbformat.v4.new_code_cell(text) for text in (parameters, IMPORTS, *named)]
    cells[0].metadata["tags"] = ["parameters"]
    read = source.read(nbformat.v4.new_notebook(cells=cells), "x.ipynb")
    path, results = folder / "x.ipynb", [f"r{number}" for number in range(len(texts))]
    part = deliver.needed(read, effects.of(read.statements), results, Width.NEEDED, path)
    try:
        deliver.refuse(part, path)
    except Refused as said:
        return {(fault.cell or 0) - 3: fault.what for fault in said.faults}
    return {}


def written(way, reader, keyword, place):
    """Fill a reader and a place into a way; the place is cut after its last folder or bucket."""
    cut = place.rindex("/") + 1
    parts = {"<R>": reader, "<K>": keyword, "<A>": place[:cut], "<B>": place[cut:]}
    for mark, part in parts.items():
        way = way.replace(mark, part)
    return way


def missing(way, readers, place, folder, what):
    """Return the texts whose refusal does not begin with `what`."""
    texts = [written(way, reader, keyword, str(place)) for reader, keyword in readers.items()]
    said = refused(folder, *texts)
    return [text for number, text in enumerate(texts) if not said.get(number, "").startswith(what)]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_address_by_each_way_to_each_reader(way, tmp_path):
    assert missing(way, READERS | TAKE_ADDRESSES, ADDRESSES[0], tmp_path, NETWORK) == []


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_place_of_the_machine_by_each_way_to_each_reader(way, tmp_path):
    assert missing(way, READERS, tmp_path / "x.csv", tmp_path / "notebooks", MACHINE) == []


@pytest.mark.parametrize("way", ONLY_OF_READERS.values(), ids=ONLY_OF_READERS)
def test_functions_that_are_handed_over(way, tmp_path):
    readers = {name: "" for name in READERS if name != "Path"}
    assert missing(way, readers, ADDRESSES[0], tmp_path, NETWORK) == []
    assert missing(way, readers, tmp_path / "x.csv", tmp_path, MACHINE) == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address(address, tmp_path):
    for name in ("first", "keyword", "name", "f-string", "concatenation"):
        assert missing(WAYS[name], READERS | TAKE_ADDRESSES, address, tmp_path, NETWORK) == []


OTHERS = {  # reads without a reader of the tables above
    "r = pd.read_sql('SELECT 1', 'postgresql://db.example/lab')": NETWORK,
    "c = 'postgresql://db.example/lab'\nr = pd.read_sql('SELECT 1', con=c)": NETWORK,
    "e = sqlalchemy.create_engine('mysql+pymysql://{}/lab'.format('db'))\nr = pd.read_sql('SELECT 1', e)": NETWORK,
    "import awswrangler as wr\nr = wr.athena.read_sql_query('SELECT 1', database='lab')": NETWORK,
    "import s3fs\nr = s3fs.S3FileSystem().open('lab/x.csv').read()": NETWORK,
    "import psycopg2\nr = pd.read_sql('SELECT 1', psycopg2.connect(host='db.example'))": NETWORK,
    "r = pd.read_sql('SELECT 1', con='sqlite:////tmp/x.db')": MACHINE,
    "r = sqlite3.connect('/tmp/' + 'x.db').execute('SELECT 1').fetchall()": MACHINE,
    "r = pd.read_csv(f'file:///tmp/{1}.csv')": MACHINE,
    "r = pd.read_csv('~/x.csv')": MACHINE,
    "n = '*'\nr = glob.glob(f'/tmp/{n}.csv')": MACHINE,
    "os.chdir('/tmp')\nr = pd.read_csv('x.csv')": MACHINE,
    "home = Path('/tmp')\nr = (home / 'x.csv').read_text()": MACHINE,
    # What one pass finds, the next pass hands on to the functions that are defined before.
    "def a(q): return open(q)\ndef b(q): return a(q)\ndef c(q): return b(q)\nr = c('s3://lab/x')": NETWORK,
}


@pytest.mark.parametrize("text", OTHERS)
def test_other_ways(text, tmp_path):
    assert refused(tmp_path, text)[0].startswith(OTHERS[text])


def test_parameters(tmp_path):
    """The value of a parameter is the project's default, and its tests use it."""
    assert refused(tmp_path, "r = pd.read_csv(p)", parameters="p = 's3://lab/x.csv'")[0].startswith(NETWORK)
    assert refused(tmp_path, "r = pd.read_csv(p)", parameters="p = '/tmp/x.csv'")[0].startswith(MACHINE)
    assert not refused(tmp_path, "r = pd.read_csv(p)", parameters="p = 'data/x.csv'")


TAKEN = [
    "p = 's3://lab/x.csv'\np = 'data/x.csv'\nr = pd.read_csv(p)",
    "url = 'https://lab.example'\nr = [url, pd.read_csv('data/x.csv')]",
    "def f(url): return url.upper()\na = f('https://lab.example')\nurl = 'data/x.csv'\nr = [a, pd.read_csv(url)]",
    "d = pd.read_csv('data/x.csv')\nd['link'] = 'https://lab.example/' + d.id\nr = d",
    "d = pd.DataFrame({'url': ['https://lab.example/x']})\nr = unknown.count(d)",
    "d = pd.Series(['https://lab.example/x'])\nr = d.str.startswith('https://')",
    "d = pd.Series(['https://lab.example/x'])\nr = d.str.replace('https://', '')",
    "d = pd.Series(['https://lab.example/x'])\nr = d.map(lambda u: urlparse(u).netloc)",
    "r = [u.split('/') for u in ['https://lab.example/x']]",
    "r = re.sub('https://', '', 'x')",
    "r = np.where(True, 'https://lab.example', '')",
    "r = {'at': 'https://lab.example'}.get('at')",
    "r = sorted(['s3://lab/x', 's3://lab/y'])",
    "r = print('https://lab.example') or 1",
    "r = io.StringIO('https://lab.example').read()",
    "r = json.loads('[\"https://lab.example\"]')",
    "r = pd.read_csv(io.StringIO('https://lab.example'))",
    "r = pd.read_xml('data/x.xml', namespaces={'x': 'http://www.example/x'})",
    "r = pd.read_csv('data/x.csv', sep='/')",
    "r = pd.read_hdf('data/x.h5', '/tables/x')",
    "r = pd.read_csv('data/x.csv', na_values='https://lab.example')",
    "r = pd.read_sql('SELECT 1', 'sqlite:///data/x.db')",
    "r = pd.read_sql('SELECT 1', sqlalchemy.create_engine('sqlite://'))",
    "d = Path('data')\nr = [p.read_text() for p in sorted(d.glob('*.txt'))]",
    "n = 'x'\nr = pd.read_csv(f'data/{n}.csv')",
    "p = '/tmp/made/' + 'x.csv'\npd.Series([1]).to_csv(p)\nr = pd.read_csv(p)",
    "p = '/tmp/made/x.txt'\nwith open(p, 'w') as f:\n    f.write('https://lab.example')\nr = open(p).read()",
    "class C:\n    home = 'https://lab.example'\n    def add(self, n): return n + 1\nr = C().add(1)",
    "def check(x):\n    if x < 0: raise ValueError('https://lab.example/help')\n    return x\nr = check(1)",
    "p = ''\nfor _ in range(3): p = p + '/x'\nr = p",
]


@pytest.mark.parametrize("text", TAKEN)
def test_what_is_not_refused(text, tmp_path):
    assert refused(tmp_path, text) == {}


def test_a_file_that_a_literal_names_becomes_an_argument(tmp_path):
    """In production the argument is another file, so no path of this machine is read. Part of a path is no literal."""
    (tmp_path / "x.csv").write_text("a\n1\n")
    assert refused(tmp_path / "notebooks", f"p = '{tmp_path}/x.csv'\nr = pd.read_csv(p)") == {}
    assert refused(tmp_path / "notebooks", f"n = 'x'\nr = pd.read_csv(f'{tmp_path}/{{n}}.csv')")[0].startswith(MACHINE)
