# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`datalab complete` with a real kernel."""

from __future__ import annotations

import nbformat
from datalab_deliver import cli, complete, kernel

from .corpus import notebook

WORDS = "# Sums\n# These words say what each of the parts is for, and why they are there at all."


def saved(folder, *sources):
    """Write a project whose notebook was run and saved."""
    folder.mkdir(parents=True)
    nb = notebook([("[markdown]", f"# {WORDS}"), *(("", source) for source in sources)])
    kernel.execute(nb, folder / "sums.ipynb", range(1, len(nb.cells) + 1), 0, lambda number: None)
    nbformat.write(nb, folder / "sums.ipynb")
    (folder / "project.toml").write_text('title = "Sums"\nowner = "alice"\nteam = "red"\ndata = []\n')
    (folder / "requirements.txt").write_text("")
    return folder


def test_a_project_is_completed_or_refused(tmp_path, capsys):
    (tmp_path / "completed").mkdir()
    good = saved(tmp_path / "teams" / "red" / "alice" / "sums", "print(40 + 2)", "", "object()")
    told: list[str] = []
    complete.complete(good, told.append)
    assert told == ["sums.ipynb: cell 1 of 2", "sums.ipynb: cell 2 of 2", "sums: pages"]
    assert ">42\n" in (tmp_path / "completed" / "sums" / "sums.ipynb.html").read_text()
    bad = saved(tmp_path / "teams" / "red" / "alice" / "drawn", "import random", "random.random()")
    assert cli.main(["complete", str(bad)]) == 2
    assert "sums.ipynb, cell 3: its output differs in another run: it was saved with '0." in capsys.readouterr().err
    assert bad.is_dir()
