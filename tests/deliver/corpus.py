# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The notebooks of the corpus: texts with a header, and a line `# %%` at the beginning of each cell."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import nbformat

FOLDER = Path(__file__).parent / "notebooks"


@dataclass(frozen=True)
class Case:
    """A notebook, and its expected outcome."""

    name: str
    header: dict[str, str]
    cells: list[tuple[str, str]]  # marker, source

    @property
    def results(self) -> list[str]:
        return self.header["results"].split(", ")

    @property
    def refused(self) -> str:
        return self.header.get("refused", "")

    def write(self, folder: Path) -> Path:
        """Write the notebook, and its data beside it."""
        data(folder / "data")
        path = folder / f"{self.name}.ipynb"
        nbformat.write(notebook(self.cells), path)
        return path


def notebook(cells: list[tuple[str, str]]) -> nbformat.NotebookNode:
    nb: nbformat.NotebookNode = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    for number, (marker, text) in enumerate(cells):
        if "[markdown]" in marker:
            words = "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.splitlines())
            cell = nbformat.v4.new_markdown_cell(words)
        else:
            cell = nbformat.v4.new_code_cell(text)
        tags = re.search(r"tags=(\S+)", marker)
        cell.metadata["tags"] = tags[1].split(",") if tags else []
        cell["id"] = f"cell-{number}"
        nb.cells.append(cell)
    return nb


def read(path: Path) -> Case:
    return parse(path.stem, path.read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Case:
    head, *rest = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)
    header = dict(re.findall(r"^# (\w+): (.*)$", head, re.MULTILINE))
    return Case(
        name, header, [(marker, source.strip("\n")) for marker, source in zip(rest[::2], rest[1::2], strict=True)]
    )


def cases() -> list[Case]:
    return [read(path) for path in sorted(FOLDER.glob("*.notebook"))]


def data(folder: Path, variant: int = 0) -> None:
    """Write the notebooks' data; another variant has other rows, and kinds of values that the first does not have."""
    (folder / "texts").mkdir(parents=True, exist_ok=True)
    kinds, areas = ["noise", "water", "noise", "street"], ["north", "south", "east"]
    files = {
        "complaints.csv": ["kind,borough,day,hours"]
        + [
            f"{kinds[n * (variant + 3) % 4]},{areas[n % 3]},2026-03-0{n % 7 + 1},{(n * 7 + variant) % 11}.5"
            for n in range(40)
        ],
        "people.csv": ["n,age,code"]
        + [
            f"p{n % 9},{'?' if n % (5 - 2 * variant) == 0 else 20 + n},{'00000' if n % 6 == 0 else 10000 + n % 4}-1"
            for n in range(20)
        ],
        "bikes.csv": ["date;north;south"]
        + [
            f"{day + 1:02}/{month:02}/2026;{day * month % 50};{(day + variant) * 3 % 20}"
            for month in (1, 2)
            for day in range(0, 28, 1 + variant)
        ],
        "logons.csv": ["user,hour,failures"]
        + [
            f"{'svc' if n % 4 else 'al'}{n % 5},{(n * 7 + variant) % 24},{n % 3 + (20 if n % 13 == 0 else 0)}"
            for n in range(60)
        ],
        "notes.txt": ["A list", "of the notes", "---", "first of all", "the second", "a third, and the last"][
            : 6 - variant
        ],
        "texts/one.txt": ["a b c"] * (variant + 1),
        "texts/two.txt": ["d e"],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "store.db").unlink(missing_ok=True)
    with sqlite3.connect(folder / "store.db") as store:
        store.execute("CREATE TABLE items (name TEXT, price REAL)")
        store.executemany("INSERT INTO items VALUES (?, ?)", [("pen", 1.5 + variant), ("book", 9), ("cup", 4.25)])
    store.close()
    (folder.parent / "helpers.py").write_text("def twice(n):\n    return 2 * n\n", encoding="utf-8")
