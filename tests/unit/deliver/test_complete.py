# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A project is completed as a whole or left unchanged; people read the index and the project's pages."""

from __future__ import annotations

import base64
import io
import random
import re
import subprocess
import time

import nbformat
import pytest
from datalab_deliver import cli, complete, index, kernel, page, project, rerun
from datalab_deliver.refusal import Fault, Refused
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

SETTINGS = 'title = "Sums | of <all>"\nowner = "alice"\nteam = "red"\ndata = ["s3://lab/sums"]\n'
WORDS = "These *words* say what [each part](http://x) is for, and why.\n\n" * 3


def picture(*, noise=False):
    size = (240, 160)
    made = Image.new("RGB", size, "navy")
    if noise:
        made = Image.frombytes("RGB", size, random.Random(1).randbytes(3 * 240 * 160))  # noqa: S311 - a picture
    file = io.BytesIO()
    made.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def notebook():
    shown = new_output("execute_result", data={"text/plain": "2"}, execution_count=1)
    drawn = new_output("display_data", data={"image/png": picture(), "text/plain": "<Figure>"})
    cells = [
        new_markdown_cell(f"# Sums\n\n{WORDS}"),
        new_code_cell("1 + 1", execution_count=1, outputs=[shown]),
        new_code_cell("draw()", execution_count=2, outputs=[drawn]),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def efs(tmp_path):
    """The shared file system with a project of Alice's."""
    folder = tmp_path / "teams" / "red" / "alice" / "sums"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "completed").mkdir()
    nbformat.write(notebook(), folder / "sums.ipynb")
    (folder / "project.toml").write_text(SETTINGS)
    (folder / "requirements.lock").write_text("pandas==2.2.0\n")
    (folder / "data" / "numbers.csv").write_text("1,2\n")
    yield tmp_path
    subprocess.run(["chmod", "-R", "u+w", tmp_path], check=True)


def same(_path, _name, _progress):
    """Return no differences, as a new run that shows the same outputs does."""
    return []


def run(efs, rerun=same):
    return complete.complete(efs / "teams" / "red" / "alice" / "sums", lambda text: None, rerun)


def files(folder):
    return {str(path.relative_to(folder)): project.digest(path) for path in folder.rglob("*") if path.is_file()}


def test_completed(efs):
    folder = efs / "teams" / "red" / "alice" / "sums"
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "sums-checkpoint.ipynb").write_text("what it was before")
    (folder / "data" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "data" / "run.sh").chmod(0o775)
    before = {name: digest for name, digest in files(folder).items() if "checkpoint" not in name}
    done = run(efs)
    target = efs / "completed" / "sums"
    assert (done.project, done.pages, done.projects) == (target, [f"{target}/sums.ipynb.html"], 1)
    assert not folder.exists()
    now = files(target)
    assert before.items() <= now.items()
    assert now.keys() - before.keys() == {"sums.ipynb.html", "completed.json", "SHA256SUMS"}
    checked = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=target, check=True, stdout=-1)
    assert len(checked.stdout.splitlines()) == len(now) - 1
    modes = {path.name: path.stat().st_mode & 0o7777 for path in [target, *target.rglob("*")]}
    assert {name for name, mode in modes.items() if mode == 0o555} == {"sums", "data", "run.sh"}
    assert set(modes.values()) == {0o555, 0o444}


def test_what_a_reader_sees(efs):
    run(efs)
    shown = (efs / "completed" / "index.html").read_text()
    assert "<h2>Sums | of &lt;all&gt;</h2>" in shown
    assert re.search(r"red · alice · 20\d\d-\d\d-\d\d · s3://lab/sums", shown)
    assert '<img alt="" src="data:image/webp;base64,' in shown
    assert '<a href="sums/sums.ipynb.html">Sums</a> <small>sums.ipynb, 3 cells</small>' in shown
    assert "<p>These words say what each part is for, and why.</p>" in shown
    listed = (efs / "completed" / "README.md").read_text()
    assert r"| [Sums \| of \<all\>](<sums/sums.ipynb>) | alice | red |" in listed
    page_ = (efs / "completed" / "sums" / "sums.ipynb.html").read_text()
    assert "<title>Sums</title>" in page_
    assert picture() in page_
    said = r'<nav><a href="\.\./index\.html">Completed projects</a>\s+· red · alice · 20\d\d-\d\d-\d\d · s3://lab/sums</nav>'
    assert re.search(said, page_)
    links = re.sub(r'href="(http://x|\.\./index\.html)"', "", page_)
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", links)


def test_a_page_leads_to_the_index_from_wherever_it_is_and_tells_words_as_words(efs):
    folder = efs / "teams" / "red" / "alice" / "sums"
    (folder / "data" / "sums.ipynb").write_bytes((folder / "sums.ipynb").read_bytes())
    (folder / "project.toml").write_text(SETTINGS.replace("s3://lab/sums", "<script>alert(1)</script>"))
    run(efs)
    page_ = (efs / "completed" / "sums" / "data" / "sums.ipynb.html").read_text()
    assert '<nav><a href="../../index.html">' in page_
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page_
    assert "<script>alert(1)" not in page_


def exists(efs):
    (efs / "completed" / "sums").mkdir()


def exists_as_a_link(efs):
    (efs / "completed" / "sums").symlink_to("nowhere")


def no_completed(efs):
    (efs / "completed").rmdir()


def has_faults(efs):
    (efs / "teams" / "red" / "alice" / "sums" / "project.toml").unlink()


def has_a_repository(efs):
    (efs / "teams" / "red" / "alice" / "sums" / "data" / ".git").mkdir()


REFUSALS = {
    exists: "completed/sums: it exists already. Rename the folder",
    exists_as_a_link: "completed/sums: it exists already. Rename the folder",
    no_completed: "sums: there is no folder completed/ above it. Copy it to",
    has_faults: "project.toml: it does not say the owner. Add owner",
    has_a_repository: "data/.git: its contents are not checked. Push it",
}


@pytest.mark.parametrize("breaks", REFUSALS, ids=lambda breaks: breaks.__name__)
def test_refused_and_left_as_it_was(breaks, efs):
    breaks(efs)
    before = files(efs)
    with pytest.raises(Refused) as refused:
        run(efs)
    assert REFUSALS[breaks] in str(refused.value)
    assert files(efs) == before


def test_what_is_no_project(efs, capsys):
    (efs / "a link").symlink_to(efs / "teams" / "red" / "alice" / "sums")
    (efs / "a b").mkdir()
    run(efs)
    expected = {
        "nowhere": "it is not a folder. Name the folder",
        "a link": "it is not a folder. Name the folder",
        "a b": "'a b' cannot be part of a link. Rename",
        "completed/sums": "it is in completed/ already. Complete a copy",
        "completed": "completed is in it. Name the folder of a project",
        "": "there is no folder completed/ above it",
    }
    for name, text in expected.items():
        assert cli.main(["complete", str(efs / name)]) == 2
        assert text in capsys.readouterr().err


def test_a_folder_completed_in_the_project_is_not_the_target(efs):
    (efs / "teams" / "red" / "alice" / "sums" / "completed").mkdir()
    run(efs)
    assert (efs / "completed" / "sums" / "completed").is_dir()


def test_another_output_is_refused(efs):
    fault = Fault("sums.ipynb", 2, "its output differs in another run", "Set a seed")
    before = files(efs)
    with pytest.raises(Refused, match=r"sums\.ipynb, cell 2: its output differs in another run"):
        run(efs, lambda *_: [fault])
    assert files(efs) == before


def test_what_the_run_writes_is_checked(efs):
    def writes(path, _name, _progress):
        (path.parent / "settings.py").write_text("password = 'correct-horse-7'\n")
        return []

    with pytest.raises(Refused, match=r"settings\.py: it contains what looks like a secret"):
        run(efs, writes)


def test_another_file_system(efs, monkeypatch):
    def rename(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("pathlib.Path.rename", rename)
    with pytest.raises(Refused, match=r"it is not on the file system of .*completed\. Copy it to your folder"):
        run(efs)


PLACES = ["prepare", "page.html", "project.digest", "move", "finish", "protect", "index.write", "index.markdown"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_off_anywhere_it_is_whole_in_one_place(place, when, efs, monkeypatch):
    folder, target = efs / "teams" / "red" / "alice" / "sums", efs / "completed" / "sums"
    before = files(folder)
    *module, name = place.split(".")
    where = {"page": page, "project": project, "index": index}[module[0]] if module else complete
    real = getattr(where, name)

    def cut_off(*arguments):
        if when == "after":
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, name, cut_off)
        with pytest.raises(KeyboardInterrupt):
            run(efs)
    assert folder.exists() != target.exists()
    assert before.items() <= files(folder if folder.exists() else target).items()
    # The next run completes it.
    if folder.exists():
        assert run(efs).projects == 1
    else:
        monkeypatch.chdir(efs)
        assert cli.main(["complete"]) == 0
    assert before.items() <= files(target).items()
    assert target.stat().st_mode & 0o222 == 0
    assert "sums/sums.ipynb.html" in (efs / "completed" / "index.html").read_text()
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=target, check=True)
    assert not list((efs / "completed").glob(".*"))


def test_the_copy_in_a_delivered_project_is_no_notebook_of_ones_own(efs):
    folder = efs / "teams" / "red" / "alice" / "sums" / "sums-project" / "notebook"
    folder.mkdir(parents=True)
    nbformat.write(new_notebook(), folder / "sums.ipynb")
    (folder / "delivery.json").write_text("{}")
    names = []

    def rerun(_path, name, _progress):
        names.append(name)
        return []

    run(efs, rerun)
    assert names == ["sums.ipynb"]


def test_names_with_special_characters_are_in_the_sums(efs):
    folder = efs / "teams" / "red" / "alice" / "sums"
    for name in ("with\nline", "with\\backslash", "ünïcode x"):
        (folder / name).write_text(name)
    done = run(efs)
    subprocess.run(["sha256sum", "--quiet", "--strict", "--check", "SHA256SUMS"], cwd=done.project, check=True)


def card(number, figure):
    pages = [index.Page(f"Notebook {n} of {number}", f"n{n}.ipynb", f"n{n}.ipynb.html", 40) for n in range(2)]
    words = "The longest text that a card shows: what it is about, and what came out of it. " * 3
    sources = [f"s3://lab-data/sources/{number}/{n}" for n in range(3)]
    name, title = f"project-{number:03}", f"Clusters of logons, number {number}"
    return index.Card(name, title, "alice", "research", sources, "2026-11-26", words[:240], figure, pages)


def test_two_hundred_projects(tmp_path):
    figure = "data:image/webp;base64," + "A" * (4 * page.LARGEST // 3)
    for number in range(200):
        (tmp_path / f"project-{number:03}").mkdir()
        (tmp_path / f"project-{number:03}" / index.CARD).write_text(card(number, figure).text())
    started = time.process_time()
    assert index.write(tmp_path) == 200
    assert time.process_time() - started < 2
    assert (tmp_path / "index.html").stat().st_size < 1_000_000
    assert (tmp_path / "README.md").read_text().count("\n| [") == 200


def test_a_project_that_comes_meanwhile_is_listed(tmp_path, monkeypatch):
    real = index.read

    def read(project):
        other = tmp_path / "project-002"
        if not other.exists():
            other.mkdir()
            (other / index.CARD).write_text(card(2, None).text())
        return real(project)

    (tmp_path / "project-001").mkdir()
    (tmp_path / "project-001" / index.CARD).write_text(card(1, None).text())
    monkeypatch.setattr(index, "read", read)
    assert index.write(tmp_path) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', '{"pages": [{"a": 1}]}'])
def test_a_card_that_is_none(text, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / index.CARD).write_text(text)
    assert index.write(tmp_path) == 0


def test_a_figure_is_small_or_none():
    assert str(page.thumbnail(picture())).startswith("data:image/webp;base64,")
    assert page.thumbnail(picture(noise=True)) is None
    assert page.thumbnail("AAAA") is None
    assert page.thumbnail("not base64") is None


def stdout(text):
    return [new_output("stream", name="stdout", text=text)]


def result(**data):
    return [new_output("execute_result", data={key.replace("_", "/"): value for key, value in data.items()})]


RUNS = {
    "the same": (stdout("a\n1\n"), stdout("a\n1\n"), None),
    "in two pieces": (stdout("a\n"), [*stdout("a"), *stdout("\n")], None),
    "another line": (stdout("a\n1\n"), stdout("a\n2\n"), "it was saved with '1', and now says '2'"),
    "a line more": (stdout("a\n"), stdout("a\nb\n"), "it was saved with '', and now says 'b'"),
    "nothing now": (stdout("a\n"), [], "it was saved with text, and now has no output"),
    "an address": (result(text_plain="<A at 0x7f001122>"), result(text_plain="<A at 0x7fab1122>"), None),
    "a time": (
        stdout("CPU times: user 3 ms\nWall time: 4 ms\n"),
        stdout("CPU times: user 5 ms\nWall time: 9 s\n"),
        None,
    ),
    "a warning": (
        result(text_plain="1"),
        [*result(text_plain="1"), new_output("stream", name="stderr", text="x")],
        None,
    ),
    "identifiers in HTML": (
        result(text_plain="t", text_html="<i id=a>"),
        result(text_plain="t", text_html="<i id=b>"),
        None,
    ),
    "another picture": (result(image_png="AA\n"), result(image_png="AB"), "the picture is not the same"),
    "the same picture": (result(image_png="AA\n"), result(image_png="AA"), None),
}


@pytest.mark.parametrize("name", RUNS)
def test_runs_are_compared_as_a_reader_would(name):
    saved, fresh, expected = RUNS[name]
    one, other = ([new_markdown_cell("x"), new_code_cell("y", outputs=outputs)] for outputs in (saved, fresh))
    found = rerun.differences(one, other, [1, 5], "x.ipynb")
    if expected is None:
        assert found == []
    else:
        (fault,) = found
        assert str(fault).startswith(f"x.ipynb, cell 5: its output differs in another run: {expected}. Set")


def test_the_cells_that_run(tmp_path, monkeypatch):
    nb = new_notebook(
        cells=[
            new_markdown_cell("# x"),
            new_code_cell("secret", metadata={"tags": ["skip"]}),
            new_code_cell("1", outputs=stdout("1")),
        ]
    )
    nbformat.write(nb, tmp_path / "x.ipynb")
    ran: list[object] = []

    def execute(nb, _path, numbers, *_):
        ran.extend(zip([cell.source for cell in nb.cells], numbers, strict=True))
        nb.cells[-1].outputs = stdout("2")

    monkeypatch.setattr(kernel, "execute", execute)
    (fault,) = rerun.faults(tmp_path / "x.ipynb", "a/x.ipynb", lambda text: None)
    assert ran == [("# x", 1), ("1", 3)]
    assert (fault.file, fault.cell) == ("a/x.ipynb", 3)
    assert [path.name for path in tmp_path.iterdir()] == ["x.ipynb"]
