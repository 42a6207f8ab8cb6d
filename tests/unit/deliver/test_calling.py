# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A served function returns the same as in the notebook for every possible request, or its delivery is refused.

The notebooks run here without a kernel, and need only the standard library.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from datalab_deliver import (
    artifacts,
    definitions,
    deliver,
    effects,
    kernel,
    plain,
    project,
    prove,
    record,
    serving,
    source,
    writer,
)
from datalab_deliver.arguments import take
from datalab_deliver.refusal import Refused
from datalab_deliver.slicing import Width

PATH = Path("x.ipynb")
FIT = "model = {'a': 2.0, 'b': 0.5}\nlimit = 3"
TEXTS = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("calls.txt", "own.txt")]
NOTEBOOKS = dict(entry.split("\n", 1) for text in TEXTS for entry in text.replace("FIT", FIT).split("## ")[1:])
SAME = {name: text for name, text in NOTEBOOKS.items() if "|" not in name}
REFUSED = {name.partition(" |")[0]: (name, text) for name, text in NOTEBOOKS.items() if "|" in name}
ONLY_RUNS_SHOW = {  # of those that are refused
    "a class in a function",
    "a class that registers itself",
    "a closure as artifact",
    "a counter of a library",
    "a database",
    "a generator as artifact",
    "a generator of random numbers",
    "a lambda in an object",
    "a library defines how one of them is called",
    "a method of its own on one object",
    "a number that JSON does not have",
    "an answer that cannot be compared",
    "an argument that JSON does not have",
    "an artifact that is gone",
    "an element of its artifact",
    "an open file",
    "an unknown method",
    "another annotation",
    "defined again after a function made it",
    "fitted again after the call",
    "it iterates over an iterator",
    "no type",
    "several types",
    "the value is changed after the call",
    "what a helper returns",
    "what is called is no object of a class of the notebook",
    "what is inside of a copy",
    "what is inside of a copy, by a helper",
}


def notebook(text):
    """Return a notebook; each cell begins at a line `# %%`."""
    made = nbformat.v4.new_notebook()
    for marker, source_ in re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n)*)", text, re.MULTILINE):
        cell = nbformat.v4.new_code_cell(source_.strip("\n"))
        cell.metadata["tags"] = marker.partition("tags=")[2].split()
        made.cells.append(cell)
    return made


def ran(nb, name, wanted, monkeypatch):
    """Return the names of the notebook, and the calls that were recorded while it ran."""
    module = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    shell = SimpleNamespace(execution_count=0, ast_transformers=[])
    record.begin(name, shell)
    for cell in nb.cells:
        shell.execution_count += 1
        tree = shell.ast_transformers[0].visit(ast.parse(cell.source))
        exec(compile(tree, "cell", "exec"), vars(module))
    return vars(module), json.loads(json.dumps(record.end(vars(module), wanted)))


def foreseen(nb, name="score"):
    """Return what is known before the notebook runs; raises Refused."""
    read = source.read(nb, PATH.name)
    served = serving.find(read, name, PATH)
    part = deliver.needed(read, effects.of(read.statements), served.called.artifacts, Width.NEEDED, PATH)
    serving.foresee(served, read, part.statements, {}, nb, PATH)
    return read, served, part


def delivered(nb, folder, monkeypatch, name="score"):
    """Return the notebook's function, the project's function and the notebook's answers; raises Refused."""
    read, served, part = foreseen(nb, name)
    names, calls = ran(nb, name, served.called.artifacts, monkeypatch)
    answers = serving.answers(served, kernel.Run({}, nb, "", calls), nb, 1e-9, PATH.name)
    served = serving.defining(served, read, part.statements, {}, kernel.Run({}, nb, "", calls), PATH)
    given = set(part.parameters)
    pairs = definitions.without(part.statements, part.effects, served.definitions, given)
    signature = writer.signature({}, part.parameters)
    files = serving.core(served, answers, "About.")
    files["pipeline.py"] = writer.module(
        writer.arrange(*pairs, {}, given), served.called.artifacts, signature, {}, "A."
    )
    project.write(folder / "made", {"__init__.py": "", **files})
    monkeypatch.syspath_prepend(folder)
    for module in [each for each in sys.modules if each.partition(".")[0] == "made"]:
        monkeypatch.delitem(sys.modules, module)
    made = {each: importlib.import_module(f"made.{each}") for each in ("pipeline", "artifacts")}
    made["artifacts"].save(folder / "artifacts", made["pipeline"].run())
    for module in [each for each in sys.modules if each.partition(".")[0] == "made"]:  # as in another process
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "made.pipeline", None)
    serve = importlib.import_module("made.serving")
    values = importlib.import_module("made.artifacts").load(folder / "artifacts")
    return names[name], serve.bind(**values)[name], answers


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_same_answers(text, tmp_path, monkeypatch):
    theirs, ours, answers = delivered(notebook(text), tmp_path, monkeypatch)
    assert answers.samples
    optional = frozenset(answers.optional)
    for given, value in zip(answers.samples, answers.values, strict=True):
        assert plain.plain(ours(**take(answers.types, given, optional))) == value
        assert plain.plain(theirs(**take(answers.types, given, optional))) == value


@pytest.mark.parametrize(("entry", "text"), REFUSED.values(), ids=REFUSED)
def test_refused(entry, text, tmp_path, monkeypatch):
    _, cell, said = entry.split(" | ")
    with pytest.raises(Refused) as refused:
        delivered(notebook(text), tmp_path, monkeypatch)
    found = [fault for fault in refused.value.faults if said in f"{fault.what}. {fault.remedy}"]
    assert found, str(refused.value)
    assert {(fault.file, fault.cell) for fault in found} == {(PATH.name, None if cell == "none" else int(cell))}
    assert all(fault.remedy for fault in refused.value.faults)


def test_what_only_runs_show():
    assert {name for name, (_, text) in REFUSED.items() if not refused_by_its_text(text)} == ONLY_RUNS_SHOW


def refused_by_its_text(text):
    try:
        foreseen(notebook(text))
    except Refused:
        return True
    return False


@pytest.mark.parametrize(("made", "served"), [("np.poly1d([2, 1])", True), ("Line(2, 1)", False)])
def test_an_artifact_that_is_called(made, served):
    text = f"# %%\nimport numpy as np\nfrom lines import Line\nline = {made}\n# %%\ndef score(x): return line(x)\n"
    read = source.read(notebook(text), PATH.name)
    if served:
        assert serving.find(read, "score", PATH).called.altered == {}
        return
    assert serving.find(read, "score", PATH).called.altered == {"line": {"scalar"}}


PROOFS = {  # the function's body in serving.py, and the difference that is reported
    "the same": ("return n[0] * x", ""),
    "another answer": ("return n[0] * x + 1", "f[0]: 6 and 7"),
    "counts": ("n[0] += 1; return n[0] * x", "f[0]: 6 and 8; f[1]: 9 and 15"),
    "keeps": ("n.append(x); return n[0] * x", "a call alters n"),
    "remembers": ("last.append(x); return n[0] * last[max(-2, -len(last))]", "f[1]: 9 and 6"),
    "remembers the most": ("last.append(x); return n[0] * max(last)", "f[0]: 6 and 9, asked again"),
    "trains": ("from .pipeline import run; return run()['n'][0] * x", "import of x.pipeline halted"),
}


@pytest.mark.parametrize(("body", "said"), PROOFS.values(), ids=PROOFS)
def test_what_the_proof_notices(body, said, tmp_path):
    home, own = tmp_path / "src" / "x", Path(serving.__file__).parent
    calls = {"arguments": {"x": "int"}, "optional": [], "samples": [{"x": 2}, {"x": 3}]}
    files = {name: (own / name).read_text() for name in ("arguments.py", "artifacts.py", "plain.py")}
    files |= {"served.py": project.render("served.py", call="f"), "calls.json": json.dumps(calls), "__init__.py": ""}
    files |= {"pipeline.py": "def run(): return {'n': [3]}\n"}
    files |= {"serving.py": f"last = []\ndef bind(*, n):\n    def f(x): {body}\n    return {{'f': f}}\n"}
    project.write(home, files)
    expected = prove.Expected("f", [6, 9], {"n": [3]}, 0)
    found = prove.prove_served(sys.executable, tmp_path, "x", {}, expected).differences
    assert said in "; ".join(found) if said else found == []
    assert prove.prove_served(sys.executable, tmp_path, "x", {}, replace(expected, made={"n": [4]})).differences


def test_what_only_the_pipeline_defines_is_not_saved(tmp_path):
    home, own = tmp_path / "src" / "x", Path(serving.__file__).parent
    files = {name: (own / name).read_text() for name in ("artifacts.py", "plain.py")}
    files["pipeline.py"] = "class M: pass\ndef run(): return {'n': M()}\n"
    project.write(home, {**files, "__init__.py": ""})
    found = prove.prove_served(sys.executable, tmp_path, "x", {}, prove.Expected("f", [], {}, 0)).differences
    assert found == ["ValueError: n needs x.pipeline.M, which is not in definitions.py, so that nothing can load it"]


TYPES: list[tuple[Any, Any, Any]] = [  # a type, a value from JSON, and the argument or the error
    ("float", 3, 3.0),
    ("int", True, "x must be int, not True"),
    ("int", 3.0, "x must be int, not 3.0"),
    ("bool", 1, "x must be bool, not 1"),
    ("str", None, "x must be str, not None"),
    (["optional", "str"], None, None),
    (["list", "float"], [1, 2.5], [1.0, 2.5]),
    (["list", "float"], {"a": 1}, "x must be a list, not {'a': 1}"),
    (["list", "int"], [1, "a"], "x[1] must be int, not 'a'"),
    (["dict", "int"], {"a": 1}, {"a": 1}),
    (["record", {"a": "float"}], {"a": 1}, {"a": 1.0}),
    (["record", {"a": "float"}], {"a": 1, "b": 2}, "x must be an object with a, not {'a': 1, 'b': 2}"),
    (["list", ["record", {"a": "int"}]], [{"a": 1}, {"a": "b"}], "x[1].a must be int, not 'b'"),
    ("any", [None, {}], [None, {}]),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), TYPES)
def test_arguments_from_json(kind, value, wanted):
    if not (isinstance(wanted, str) and wanted.startswith("x")):
        assert repr(take({"x": kind}, {"x": value})) == repr({"x": wanted})
        return
    with pytest.raises(ValueError, match=f"^{re.escape(wanted)}$"):
        take({"x": kind}, {"x": value})


def test_arguments_that_are_missing_or_unknown():
    assert take({"x": "int", "y": "int"}, {"x": 1}, frozenset({"y"})) == {"x": 1}
    with pytest.raises(ValueError, match=r"^z is unknown; x is missing$"):
        take({"x": "int", "y": "int"}, {"y": 1, "z": 1})


def test_artifacts_that_were_changed_are_not_loaded(tmp_path):
    values = {"a": [1, 2.5, None], "b": {1: "x"}, "c": (1, 2), "d": float("inf")}
    artifacts.save(tmp_path, values)
    assert artifacts.load(tmp_path) == values
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.json",
        "b.pickle",
        "c.pickle",
        "d.pickle",
        "manifest.json",
    ]
    (tmp_path / "b.pickle").write_bytes(b"cposix\nsystem\n(S'exit'\ntR.")
    with pytest.raises(ValueError, match=r"b\.pickle is not as it was saved: its SHA-256 is not"):
        artifacts.load(tmp_path)
    (tmp_path / "b.pickle").unlink()
    with pytest.raises(ValueError, match=r"b\.pickle is not as it was saved"):
        artifacts.load(tmp_path)
    with pytest.raises(ValueError, match=r"has no manifest\.json: run the project's -train command first"):
        artifacts.load(tmp_path / "none")
