# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Notebooks as people write them: each becomes a project that computes the same, or is refused with the reason."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from datalab_deliver import project, prove

from .corpus import cases, data

ALL = cases()
RUNNING = [case for case in ALL if not case.refused]
WITH_DATA = [case for case in RUNNING if "data/" in str(case.cells)]
MUTATE = Path(__file__).parent / "mutate.py"
README = Path(__file__).parents[2] / "host" / "datalab_deliver" / "README.md"
OTHER_DATA = Path(__file__).parent / "other_data.py"


def by_name(case):
    return case.name


def test_corpus_is_large():
    assert len(ALL) >= 30
    assert len(RUNNING) >= 30


@pytest.mark.parametrize("case", RUNNING, ids=by_name)
def test_same_project(case, outcome):
    came = outcome(case)
    assert came.refused is None, str(came.refused)
    text = (came.delivered.project / "src" / case.name / "pipeline.py").read_text()
    assert came.delivered.width.name in case.header.get("width", "NEEDED"), text
    for part in filter(None, case.header.get("stays", "").split(", ")):
        assert part in text


@pytest.mark.parametrize("case", [case for case in ALL if case.refused], ids=by_name)
def test_refusal(case, outcome):
    came = outcome(case)
    assert came.refused, "it was delivered"
    text = str(came.refused)
    assert case.refused in text.replace(f"{case.name}.ipynb, ", "")
    assert all(fault.file == f"{case.name}.ipynb" and fault.remedy for fault in came.refused.faults)
    left = {path.name for path in came.notebook.parent.iterdir()} - {came.notebook.name, "data", "helpers.py", "images"}
    assert not left


@pytest.fixture(scope="module")
def with_other_data(outcome, python, tmp_path_factory):
    """Return the results of each notebook and of its project with data of another kind."""
    jobs = []
    for case in WITH_DATA:
        came, place = outcome(case), tmp_path_factory.mktemp(f"{case.name}-other")
        data(place / "data", variant=1)
        shutil.copy(came.notebook, place)
        inputs = (project.record(came.delivered.project) or {})["arguments"]
        job = {
            "name": case.name,
            "results": case.results,
            "notebook": str(place / came.notebook.name),
            "project": str(came.delivered.project),
            "arguments": {name: str(place / text) for text, name in inputs.items()},
        }
        jobs.append(job)
    done = subprocess.run([python, OTHER_DATA], input=json.dumps(jobs), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", WITH_DATA, ids=by_name)
def test_same_with_other_data(case, outcome, with_other_data):
    """The project computes the same as the notebook with data of another kind, which no delivery has seen."""
    golden = json.loads((outcome(case).delivered.project / "tests" / "golden.json").read_text())
    notebook, of_project = with_other_data[case.name]
    assert isinstance(notebook, dict), notebook
    assert isinstance(of_project, dict), of_project
    assert prove.compare(notebook, of_project, golden["tolerance"]) == []
    assert prove.compare(golden["results"], notebook, golden["tolerance"]), "the other data do not differ"


def code(text):
    return [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def share(of, whole):
    return f"{sum(of) / sum(whole):.0%}".replace("%", " %")


def test_lines_that_are_left(outcome):
    """The README states the shares of lines that are measured here."""
    done = [outcome(case).delivered for case in RUNNING]
    explored = [outcome(case).delivered for case in RUNNING if case.name.startswith("explored_")]
    kept = share([one.lines for one in done], [one.of_lines for one in done])
    kept_explored = share([one.lines for one in explored], [one.of_lines for one in explored])
    cells = [len(code(text)) for case in RUNNING for marker, text in case.cells if "[markdown]" not in marker]
    core = share([len(code(next(one.project.glob("src/*/pipeline.py")).read_text())) for one in done], cells)
    readme = " ".join(README.read_text().split())
    assert (
        f"keep {kept} of the lines of their statements, and `pipeline.py` has {core} as many as their cells" in readme
    )
    assert f"{len(explored)} (`explored_…`) are written as people explore" in readme
    assert f"their share is {kept_explored}" in readme


def test_mutants_are_caught(outcome, python):
    """The golden tests catch at least 95 % of the changes of one literal that change a result."""
    caught = missed = same = 0
    places = [outcome(case).delivered.project for case in RUNNING]
    done = subprocess.run([python, MUTATE, *places], check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        found = json.loads(line)
        caught, missed, same = caught + found["caught"], missed + len(found["missed"]), same + found["same"]
    print(f"| {caught} mutants caught, {missed} missed, {same} change nothing |")
    assert caught > 300
    assert caught / (caught + missed) >= 0.95, done.stdout
