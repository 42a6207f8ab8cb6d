# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A whole delivery: the project runs by itself, is the same each time, and the team's changes stay."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess

import nbformat
import pytest
from datalab_deliver import cli, contents, deliver, drift, lock, project
from datalab_deliver.order import Order
from datalab_deliver.refusal import Refused

from .conftest import no_hashes
from .corpus import FOLDER, read


def quiet(_text):
    """Ignore the progress of a delivery."""


def order(path, **facts):
    return Order(path, ["kept", "mean"], path.parent / "parameters-project", **facts)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Deliver a notebook in pure Python with parameters and tests as a service; return it and its project."""
    path = read(FOLDER / "parameters.notebook").write(tmp_path_factory.mktemp("service"))
    facts = order(path, kind="service", tolerance={"mean": 1e-6})
    return path, deliver.deliver(facts, quiet, no_hashes).project


@pytest.fixture
def copied(service, tmp_path):
    """Return a copy of the service's notebook and project, which a test may change."""
    path, target = service
    shutil.copytree(path.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / path.name, tmp_path / target.name


def tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts
    }


def change(path, old, new):
    nb = nbformat.read(path, as_version=4)
    assert any(old in cell.source for cell in nb.cells)
    for cell in nb.cells:
        cell.source = cell.source.replace(old, new)
    nbformat.write(nb, path)


def run(python, *arguments, **facts):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, *arguments], capture_output=True, text=True, check=False, env=clean, **facts)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_developer_tests_and_runs_it(copied, python):
    _, target = copied
    shutil.move(target, target.parent / "elsewhere")
    target = target.parent / "elsewhere"
    said = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=target)
    assert re.search(r"5 passed", said), said
    got = json.loads(run(python, "-m", "parameters.cli", "--threshold", "3", cwd=target / "src"))
    assert got == {"kept": [["high", 3.5], ["high", 4.0], ["high", 8.0]], "mean": 15.5 / 3}
    wrong = subprocess.run(
        [python, "-m", "parameters.cli", "--limit", "x"], cwd=target / "src", capture_output=True, check=False
    )
    assert wrong.returncode == 2


def test_the_notebook_runs_it(copied, python):
    path, _ = copied
    cell = nbformat.read(path, as_version=4).cells[-1]
    assert cell.metadata.tags == ["skip"]
    said = run(python, "-c", cell.source + "\nprint(run(threshold=7.0))", cwd=path.parent)
    assert said == "{'kept': [('high', 8.0)], 'mean': 8.0}\n"
    before = path.read_bytes()
    contents.link(order(path))
    assert path.read_bytes() == before


def test_the_same_notebook_gives_the_same_files_and_wheel(copied, python, service):
    path, target = copied
    path.write_bytes(service[0].read_bytes())
    shutil.rmtree(target)
    deliver.deliver(order(path, kind="service", tolerance={"mean": 1e-6}), quiet, no_hashes)
    assert tree(target) == tree(service[1])
    wheels = set()
    for number, folder in enumerate((target, service[1])):
        place = path.parent / f"wheel-{number}"
        run(python, "-m", "hatchling", "build", "-t", "wheel", "-d", place, cwd=folder)
        wheels |= {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in place.iterdir()}
    assert len(wheels) == 1


def test_what_the_team_changed_stays(copied):
    path, target = copied
    (target / "README.md").write_text("Ours.\n")
    (target / "src" / "parameters" / "more.py").write_text("ours = 1\n")
    for old, new in (("8.0]", "8.5]"), ("8.5]", "9.0]")):
        change(path, old, new)
        done = deliver.deliver(order(path, kind="service"), quiet, no_hashes)
        assert done.kept == ["README.md"]
        assert (target / "README.md").read_text() == "Ours.\n"
        assert (target / "src" / "parameters" / "more.py").read_text() == "ours = 1\n"
    assert "9.0" in (target / "src" / "parameters" / "pipeline.py").read_text()


@pytest.mark.parametrize("name", ["src/parameters/pipeline.py", "tests/golden.json"])
def test_a_pipeline_edited_by_hand_is_refused(name, copied):
    path, target = copied
    (target / name).write_text((target / name).read_text() + "\n")
    before = tree(path.parent)
    with pytest.raises(Refused, match=re.escape(f"{name}: it was edited by hand. Make the change in the notebook")):
        deliver.deliver(order(path), quiet, no_hashes)
    assert tree(path.parent) == before


def test_another_folder_is_not_overwritten(copied):
    path, target = copied
    (target / project.RECORD).unlink()
    with pytest.raises(Refused, match="it exists and is not a delivered project"):
        deliver.deliver(order(path), quiet, no_hashes)


def test_cut_off_in_the_middle_changes_nothing(copied):
    path, _ = copied
    before = tree(path.parent)

    def cut_off(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver.deliver(order(path), quiet, cut_off)
    assert tree(path.parent) == before


def test_a_test_of_what_is_no_result_is_refused(copied):
    path, _ = copied
    change(path, "assert len(kept) == 4", "assert len(values) == 5")
    with pytest.raises(Refused, match=r"this test uses values.*--result kept mean values"):
        deliver.deliver(order(path), quiet, no_hashes)


def drifted(path, capsys, *arguments):
    code = cli.main(["drift", str(path), *arguments])
    return code, capsys.readouterr().out


def test_drift_of_what_is_only_shown(copied, capsys):
    path, _ = copied
    change(path, "values = [1.0,", "print('shown')\nvalues = [  1.0, # the first\n")
    code, said = drifted(path, capsys)
    assert (code, said) == (0, "Production unchanged: 3 statements are the same, its results are the same.\n")


def test_drift_of_a_statement_and_its_results(copied, capsys):
    path, _ = copied
    change(path, "3.5, 4.0", "3.5, 4.5")
    code, said = drifted(path, capsys)
    assert code == 1
    assert said.splitlines()[0] == "Production changes: 1 of 3 statements differ."
    assert "cell 3, changed: values = [1.0, 2.5, 3.5, 4.5, 8.0]" in said
    assert "result kept[2][1]: 4.0 and 4.5" in said
    assert "result mean" in said


def test_drift_without_running(copied, capsys):
    path, _ = copied
    change(path, 'label = "high"', 'label = "low"')
    code, said = drifted(path, capsys, "--static", "--json")
    found = json.loads(said)
    assert (code, found["arguments"], found["was_run"]) == (1, ["label is 'low', and was 'high'"], False)


def test_drift_of_data(outcome, tmp_path):
    came = outcome(read(FOLDER / "folder_input.notebook"))
    shutil.copytree(came.notebook.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "data" / "texts" / "two.txt").write_text("d e f")
    found = drift.find(tmp_path / came.notebook.name, tmp_path / "project", quiet, run=False)
    assert (found.inputs, found.statements) == (["data/texts/"], [])


def test_drift_without_a_project(copied, capsys):
    path, _ = copied
    assert cli.main(["drift", str(path), "--out", str(path.parent / "none")]) == 2
    assert "it is not a delivered project. Name it with --out" in capsys.readouterr().err


def test_lock_has_the_hashes_of_what_the_kernel_has(python, outcome):
    case = read(FOLDER / "math_signal.notebook")
    pinned = (outcome(case).delivered.project / "requirements.lock").read_text().split()
    pins = dict(line.split("==") for line in pinned)
    assert pins.keys() == {"numpy"}
    assert pins["numpy"] == run(python, "-c", "import numpy; print(numpy.__version__)").strip()
    text = lock.text(str(python), pins, [], "x.ipynb")
    assert re.fullmatch(rf"numpy=={pins['numpy']} --hash=sha256:[0-9a-f]{{64}}\n", text)


def test_lock_of_a_version_that_the_index_does_not_have(python, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path))  # an empty cache, so that pip looks for a newer pip
    monkeypatch.delenv("PIP_DISABLE_PIP_VERSION_CHECK", raising=False)
    with pytest.raises(
        Refused, match=r"x\.ipynb: its packages cannot be locked: .*numpy==0\.0\.1.* Repair pip's index"
    ):
        lock.text(str(python), {"numpy": "0.0.1"}, [], "x.ipynb")


def test_command(tmp_path, capsys):
    path = read(FOLDER / "not_defined.notebook").write(tmp_path)
    assert cli.main(["deliver", str(path), "--result", "y", "--json"]) == 2
    (fault,) = json.loads(capsys.readouterr().out)["refused"]
    assert fault["remedy"] == "Name some of: x"
    assert cli.main(["deliver", str(path), "--result", "x", "--as", "job"]) == 0
    target = tmp_path / "not_defined-project"
    said = capsys.readouterr().out
    assert said == f"{target}: 1 of 1 lines (what the results need), proved to compute the same\n"
    assert (target / "k8s" / "base" / "cronjob.yaml").is_file()
