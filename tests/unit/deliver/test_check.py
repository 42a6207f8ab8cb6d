# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The faults that `datalab check` reports: none of a good project, and each that a change puts into it."""

from __future__ import annotations

import json
import time

import nbformat
import pytest
from datalab_deliver import check, cli
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

# Not real keys, and not written in one piece, so that no scanner takes this file for a leak.
AWS_KEY = "AKIA" + "Q3EGRIUW5QZ7TV2M"
GITHUB = "ghp_" + "b3C9xT" * 6
PRIVATE = "-----BEGIN RSA " + "PRIVATE KEY-----"
SECRETS = {
    f'key = "{AWS_KEY}"': "AWS Access Key",
    f"token: {GITHUB}": "GitHub Token",
    f"text = '''{PRIVATE}": "Private Key",
    "url = 'postgres://alice:pa55w0rdX@db.internal/x'": "Basic Auth Credentials",
    "password = 'correct-horse-7'": "Secret Keyword",
}
PROJECT = 'title = "Sums"\nowner = "alice"\nteam = "red"\ndata = ["s3://lab/sums"]\n'


def notebook(*sources):
    """A notebook as Run All leaves it."""
    cells = [new_markdown_cell("# Sums\n\n" + "These words say what each part is for, and why. " * 3)]
    for count, source in enumerate(sources or ["x = 1", "x + 1"], 1):
        shown = new_output("execute_result", data={"text/plain": "2"}, execution_count=count)
        cells.append(new_code_cell(source, execution_count=count, outputs=[shown]))
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def project(tmp_path):
    def write(nb=None, settings=PROJECT):
        nbformat.write(nb or notebook(), tmp_path / "sums.ipynb")
        (tmp_path / "project.toml").write_text(settings)
        (tmp_path / "requirements.lock").write_text("pandas==2.2.0\n")
        return tmp_path

    return write


def said(folder):
    return [str(fault) for fault in check.project(folder)]


def test_a_good_project_has_no_faults(project):
    assert said(project()) == []


def never_ran(nb):
    nb.cells[2].execution_count = None


def other_order(nb):
    nb.cells[1].execution_count, nb.cells[2].execution_count = 2, 1


def ran_twice(nb):
    nb.cells[2].execution_count = 7


def failed(nb):
    nb.cells[2].outputs = [new_output("error", ename="KeyError", evalue="'x'", traceback=[])]


def no_outputs(nb):
    for cell in nb.cells[1:]:
        cell.outputs = []


def installs(nb):
    nb.cells[1].source = "!pip install pandas\nx = 1"


def installs_with_magic(nb):
    nb.cells[1].source = "%conda install -y pandas"


def no_title(nb):
    nb.cells[0].source = nb.cells[0].source.removeprefix("# ")


def few_words(nb):
    nb.cells[0].source = "# Sums"


def personal_path(nb):
    nb.cells[1].source = "open('/home/ec2-user/SageMaker/mine.csv')"


def path_of_a_member(nb):
    nb.cells[1].source = "open('../efs/teams/red/alice/x.csv')"


def path_outside(nb):
    nb.cells[1].source = "open('../data/x.csv')"


def path_in_output(nb):
    nb.cells[2].outputs = [new_output("stream", name="stderr", text="/Users/alice/lab/x.py:3: Warning")]


def large(nb):
    nb.cells[2].outputs[0].data["image/png"] = "A" * 5_000_000


FAULTS = {
    never_ran: "cell 3: the cell was never run. Choose Run",
    other_order: "cell 2: the cell ran as number 2, not 1",
    ran_twice: "cell 3: the cell ran as number 7, not 2",
    failed: "cell 3: the saved output is the error KeyError. Repair",
    no_outputs: "no output is saved",
    installs: "cell 2: it installs packages: !pip install pandas. Install",
    installs_with_magic: "cell 2: it installs packages: %conda install",
    no_title: "cell 1: there is no title. Begin with",
    few_words: "it has 2 words for 2 code cells. Say",
    personal_path: "cell 2: it names a path in one person's folder: /home/ec2-user/SageMaker/mine.csv. Use",
    path_of_a_member: "cell 2: it names a path in one person's folder: efs/teams/red/alice. Use",
    path_outside: "cell 2: it names a path outside of the project: ../data/x.csv. Copy it",
    path_in_output: "cell 3: its output shows a path in one person's folder: /Users/alice/lab. Do not print",
    large: "cell 3: its output has 5 MB. Show",
}


@pytest.mark.parametrize("breaks", FAULTS, ids=lambda breaks: breaks.__name__)
def test_each_fault_is_the_only_one_said(breaks, project):
    nb = notebook()
    breaks(nb)
    (fault,) = said(project(nb))
    assert fault.startswith("sums.ipynb")
    assert FAULTS[breaks] in fault


@pytest.mark.parametrize("name", ["title", "owner", "team", "data"])
def test_project_toml_lacks_something(name, project):
    settings = "".join(line + "\n" for line in PROJECT.splitlines() if not line.startswith(name))
    (fault,) = said(project(settings=settings))
    assert fault.startswith("project.toml: it does not say the")
    assert f"Add {name} =" in fault


WRONG = {
    "title = 3": "title is 3. Make it a text",
    "colour = 'red'": "unknown setting colour",
    "[tolerance]\nmean = 2": "the tolerance of mean is 2",
    "[[allow]]\nline = 'x'": "an allow lacks a line or a reason",
    "title = ": "it is not TOML",
}


@pytest.mark.parametrize("text", WRONG)
def test_project_toml_is_wrong(text, project):
    (fault,) = said(project(settings=text))
    assert WRONG[text] in fault


@pytest.mark.parametrize("line", SECRETS)
@pytest.mark.parametrize("place", ["source", "stream", "result", "traceback", "markdown", "file", "long line"])
def test_secrets_are_found_and_not_repeated(line, place, project):
    nb = notebook()
    folder = project()
    where = "sums.ipynb, cell 3"
    if place == "source":
        nb.cells[2].source = f"x = 1\n{line}"
    elif place == "stream":
        nb.cells[2].outputs = [new_output("stream", name="stdout", text=f"a\n{line}\n")]
    elif place == "result":
        nb.cells[2].outputs = [
            new_output("execute_result", data={"text/html": f"<b>\n{line}\n</b>"}, execution_count=2)
        ]
    elif place == "traceback":
        nb.cells[2].outputs = [new_output("error", ename="E", evalue="", traceback=["x", line])]
    elif place == "markdown":
        nb.cells[0].source += f"\n\n{line}"
        where = "sums.ipynb, cell 1"
    elif place == "file":
        (folder / "settings.py").write_text(line)
        where = "settings.py"
    else:
        nb.cells[2].source = f"{'x ' * 4_000} {line}"
    faults = [fault for fault in said(project(nb)) if "secret" in fault]
    assert faults
    assert all(fault.startswith(where) for fault in faults)
    assert any(SECRETS[line] in fault for fault in faults)
    assert not any(part in fault for fault in faults for part in (AWS_KEY, GITHUB, "correct-horse", "pa55w0rd"))


def test_an_example_key_is_allowed_with_its_line_and_a_reason(project):
    line = f'key = "{AWS_KEY}"'
    nb = notebook("x = 1", line)
    assert "secret" in str(said(project(nb)))
    allow = f"\n[[allow]]\nline = {json.dumps(line)}\nreason = 'the example of the manual'\n"
    assert said(project(nb, PROJECT + allow)) == []
    assert "secret" in str(said(project(notebook("x = 1", line + " + '1'"), PROJECT + allow)))


@pytest.mark.parametrize(
    "line", ["key = os.environ['API_KEY']", "sha = '" + "0a1b2c3d" * 8 + "'", "token = f'{prefix}-x'"]
)
def test_what_is_no_secret(line, project):
    assert said(project(notebook("import os", line))) == []


def test_links_that_lead_out(project, tmp_path_factory):
    folder, outside = project(), tmp_path_factory.mktemp("outside")
    (folder / "inside").symlink_to("project.toml")
    (folder / "away").symlink_to(outside)
    (folder / "gone").symlink_to("nothing")
    assert [fault.split(":")[0] for fault in said(folder)] == ["away", "gone"]


def test_versions_are_not_said(project):
    folder = project()
    (folder / "requirements.lock").unlink()
    assert ["datalab deliver" in fault for fault in said(folder)] == [True]


def test_a_file_that_is_no_notebook(project):
    folder = project()
    for text in ("", "{}", "[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'):
        (folder / "sums.ipynb").write_text(text)
        assert [fault.split(".")[1] for fault in said(folder)] == ["ipynb: it is not a notebook of format 4"], text


def test_command(project, capsys):
    folder = project()
    assert cli.main(["check", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}: no faults\n"
    (folder / "project.toml").write_text("")
    assert cli.main(["check", "--json", str(folder / "sums.ipynb")]) == 1
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert faults[0]["file"] == "project.toml"
    assert faults[0].keys() == {"file", "cell", "what", "remedy"}
    assert cli.main(["check", str(folder / "nowhere.ipynb")]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert cli.main(["check", str(folder / "nowhere")]) == 2
    assert "nowhere: there is no such file or folder. Name a notebook" in capsys.readouterr().err


def test_a_notebook_takes_less_than_two_seconds(project):
    folder = project(notebook(*(f"x{n} = frame.loc[frame.value > {n}, 'value'].mean()" for n in range(200))))
    started = time.process_time()
    check.project(folder)
    assert time.process_time() - started < 2
