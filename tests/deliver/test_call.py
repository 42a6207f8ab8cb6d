# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A function as a service: the project answers as the notebook does, and serves without training."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import nbformat
import pytest
from datalab_deliver import cli, deliver, plain
from datalab_deliver.order import Order
from datalab_deliver.refusal import Refused

from .conftest import no_hashes
from .corpus import notebook, read
from .test_delivery import change, drifted, quiet, run, tree

CALLS = Path(__file__).parent / "calls"


def order(path, name, **facts):
    return Order(path, [], path.parent / f"{path.stem}-project", call=name, **facts)


def delivered(name, folder):
    case = read(CALLS / f"{name}.notebook")
    path = case.write(folder)
    return path, deliver.deliver(order(path, case.header["call"], kind="service"), quiet, no_hashes).project


@pytest.fixture(scope="module")
def logons(tmp_path_factory):
    """Deliver a notebook that fits a scikit-learn pipeline to a file; return its project."""
    return delivered("logons", tmp_path_factory.mktemp("logons"))[1]


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    return delivered("half", tmp_path_factory.mktemp("half"))


@pytest.fixture
def copied(half, tmp_path):
    """Return a copy of a notebook in pure Python and of its project, which a test may change."""
    path, target = half
    shutil.copytree(path.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / path.name, tmp_path / target.name


def test_its_own_tests(logons, python):
    said = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=logons)
    assert re.search(r"\b7 passed", said), said


def test_objects_of_its_own_classes(python, tmp_path):
    project = delivered("own", tmp_path)[1]
    said = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert re.search(r"\b7 passed", said), said
    text, pipeline = ((project / "src" / "own" / f"{name}.py").read_text() for name in ("definitions", "pipeline"))
    assert " ".join(re.findall(r"^(?:class|def) (\w+)", text, re.MULTILINE)) == "Size Rule Named Nights Scaler squeeze"
    assert not re.search(r"^ *(class|def squeeze)\b", pipeline, re.MULTILINE)


TABLES = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, pandas as pd
from arguments import plain_arguments, take
frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, None], "d": [True, False], "e": [1.0, 2.0]})
kinds = {"a": "int", "b": ["optional", "str"], "c": ["optional", "float"], "d": "bool", "e": "float"}
form, rows = plain_arguments(frame)
assert form == "table"
rows[0]["e"] = 1  # a request may write it so
pd.testing.assert_frame_equal(take({"x": ["table", kinds]}, {"x": rows})["x"], frame)
assert take({"x": ["array", ["list", "float"]]}, {"x": [1, 2.5]})["x"].dtype == "float64"
others = [pd.Categorical(["x"]), pd.to_datetime(["2026-01-01"]), np.array([1], "float32"), [(1, 2)], [float("inf")]]
for other in [pd.Series([1]), np.array([1], "int8"), frame[["a", "a"]], *(pd.DataFrame({"a": x}) for x in others)]:
    try:
        print("taken", plain_arguments(other))
    except TypeError:
        pass
"""


def test_tables_and_arrays(python):
    assert run(python, "-c", TABLES, Path(deliver.__file__).parent) == ""


@contextmanager
def serving(python, src, artifacts):
    """Run the service on a port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(src), "ARTIFACTS": str(artifacts), "PORT": str(port)}
    program = "from logons.service import main; main()"
    process = subprocess.Popen([python, "-c", program], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    asked = Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - of the service
    with urlopen(asked) as answer:  # noqa: S310 - of the service
        return json.load(answer)


def wait(process, url):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            return ask(f"{url}/readyz")
        except URLError:
            time.sleep(0.1)
    raise AssertionError(process.stderr.read())


def test_it_serves_without_training(logons, python, tmp_path):
    src, artifacts = tmp_path / "src", tmp_path / "artifacts"
    shutil.copytree(logons / "src", src)
    train = [python, "-m", "logons.train", "--out", artifacts, "--logons-csv", logons / "tests" / "data" / "logons.csv"]
    subprocess.run(train, cwd=src, check=True)
    shutil.rmtree(src / "logons" / "__pycache__", ignore_errors=True)
    for name in ("pipeline", "train"):
        (src / "logons" / f"{name}.py").write_text("raise RuntimeError('it trains')\n")
    golden = json.loads((logons / "tests" / "golden.json").read_text())["results"]["score"]
    samples = json.loads((src / "logons" / "calls.json").read_text())["samples"]
    assert [len(answer) for answer in golden] == [3, 1]
    with serving(python, src, artifacts) as (process, url):
        wait(process, url)
        assert plain.same(golden, ask(f"{url}/results")["score"]) == []
        assert plain.same(golden, [ask(f"{url}/score", sample)["score"] for sample in samples]) == []
        assert plain.same(golden, [ask(f"{url}/score", sample)["score"] for sample in samples]) == []
        for wrong in ({}, {"rows": 1}, {"rows": [{"user": "a"}]}, {**samples[0], "scale": "1"}, {**samples[0], "x": 1}):
            with pytest.raises(HTTPError, match="422"):
                ask(f"{url}/score", wrong)
    (artifacts / "model.pickle").write_bytes((artifacts / "model.pickle").read_bytes()[:-1] + b"x")
    with (
        serving(python, src, artifacts) as (process, url),
        pytest.raises(AssertionError, match=r"model\.pickle is not as it was saved"),
    ):
        wait(process, url)


def test_the_same_files_each_time(copied):
    path, target = copied
    before = tree(target)
    again = deliver.deliver(order(path, "half", kind="service"), quiet, no_hashes)
    assert again.project == target
    assert tree(target) == before
    assert not [name for name in before if name.endswith((".pickle", ".joblib"))]


def test_its_command(copied, python):
    path, target = copied
    src, artifacts = target / "src", path.parent / "artifacts"
    run(python, "-m", "half.train", "--out", artifacts, cwd=src)
    assert sorted(file.name for file in artifacts.iterdir()) == ["manifest.json", "middle.json", "names.pickle"]
    call = ("-m", "half.cli", "--artifacts", artifacts)
    assert json.loads(run(python, *call, "--x", "4.5", "--power", "2", cwd=src)) == {
        "half": {"distance": 4.0, "name": "two"}
    }
    assert [each["distance"] for each in json.loads(run(python, *call, "--samples", cwd=src))["half"]] == [1.5, 4.0]
    missing = subprocess.run([python, *call, "--power", "2"], cwd=src, capture_output=True, text=True, check=False)
    assert (missing.returncode, missing.stderr.splitlines()[-1]) == (2, "half: error: x is missing")


def test_the_notebook_runs_it(copied, python):
    path, _ = copied
    cell = nbformat.read(path, as_version=4).cells[-1]
    assert cell.metadata.tags == ["skip"]
    said = run(python, "-c", cell.source + "\nprint(bind(**run())['half'](4.5, power=2))", cwd=path.parent)
    assert said == "{'distance': 4.0, 'name': 'two'}\n"


def test_drift(copied, capsys):
    path, _ = copied
    change(path, "print(middle)", "print('about', middle)")
    change(path, "half(1.0)", "half(2.0)")
    assert drifted(path, capsys)[0] == 0
    change(path, "values = [1.0, 2.5,", "values = [1.0, 3.0,")
    change(path, "abs(x - middle) ** power", "abs(middle - x) ** power")
    code, said = drifted(path, capsys)
    assert code == 1
    assert said.splitlines()[0] == "Production changes: 2 of 4 statements differ."
    assert re.search(r"result half\[0\]\.distance: 1\.5 and 1\.6", said), said


def test_a_function_that_is_gone(copied, capsys):
    path, _ = copied
    change(path, "half(", "whole(")
    assert cli.main(["drift", str(path)]) == 2
    assert "no cell defines the function half. Name one of: whole" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["serving.py", "calls.json"])
def test_what_was_edited_by_hand_is_refused(copied, name):
    path, target = copied
    file = target / "src" / "half" / name
    file.write_text(file.read_text() + "\n")
    with pytest.raises(Refused, match=r"it was edited by hand\. Make the change in the notebook"):
        deliver.deliver(order(path, "half"), quiet, no_hashes)


ONLY_RUNS_SHOW = {
    "what it is called with": (
        "import random\nk = [1]\ndef f(x): return x * k[0]\nf(random.random())",
        "two runs have different results",
    ),
    "what was computed": (
        "import random\nk = [random.random()]\ndef f(x): return x * k[0]\nf(0)",
        "two runs have different results",
    ),
}


@pytest.mark.parametrize(("text", "said"), ONLY_RUNS_SHOW.values(), ids=ONLY_RUNS_SHOW)
def test_refused_by_its_runs(text, said, tmp_path):
    path = tmp_path / "x.ipynb"
    nbformat.write(notebook([("", text)]), path)
    with pytest.raises(Refused, match=said):
        deliver.deliver(order(path, "f"), quiet, no_hashes)
    assert [each.name for each in tmp_path.iterdir()] == ["x.ipynb"]


def test_refused_before_it_runs(tmp_path, capsys):
    path = read(CALLS / "half.notebook").write(tmp_path)
    assert cli.main(["deliver", str(path), "--call", "nosuch"]) == 2
    assert "half.ipynb: no cell defines the function nosuch. Name one of: half." in capsys.readouterr().err
    assert cli.main(["deliver", str(path), "--call", "half", "--as", "job"]) == 2
    assert "half.ipynb: a job calls no function. Deliver half with --as service." in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["deliver", str(path), "--call", "half", "--result", "middle"])
    assert "not allowed with argument" in capsys.readouterr().err
