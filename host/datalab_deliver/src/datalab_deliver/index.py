# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The index of completed projects: index.html, and README.md, which JupyterLab shows."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

import jinja2

from . import protect
from .project import replace_file

CARD = protect.CARD


@dataclass(frozen=True)
class Page:
    """A notebook of a completed project."""

    title: str
    notebook: str  # relative to the project's folder, like `page`
    page: str
    cells: int


@dataclass(frozen=True)
class Card:
    """A project's entry in the index, saved in the project's folder, so that no notebook has to be read."""

    name: str
    title: str
    owner: str
    team: str
    data: list[str]
    completed: str  # the date
    words: str
    figure: str | None
    pages: list[Page] = field(default_factory=list)

    def about(self) -> list[str]:
        """Return the project's team, owner, date and data."""
        return [self.team, self.owner, self.completed, *self.data]

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


def read(project: Path) -> Card | None:
    """Return the card of a project; None for a folder that `datalab complete` did not put there."""
    try:
        known = json.loads((project / CARD).read_text(encoding="utf-8"))
        return Card(**{**known, "name": project.name, "pages": [Page(**page) for page in known["pages"]]})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def names(completed: Path) -> list[str]:
    return sorted(path.name for path in completed.iterdir() if path.is_dir() and not path.name.startswith("."))


def write(completed: Path) -> int:
    """Write the index, and again if a project was added meanwhile; return the number of projects."""
    there = None
    while (now := names(completed)) != there:
        there = now
        cards = sorted(filter(None, (read(completed / name) for name in there)), key=newest_first)
        replace_file(completed / "index.html", html(cards))
        replace_file(completed / "README.md", markdown(cards))
    return len(cards)


def newest_first(card: Card) -> tuple[int, str]:
    return -int(re.sub(r"\D", "", str(card.completed)) or 0), card.name


def html(cards: list[Card]) -> str:
    environment = jinja2.Environment(loader=jinja2.PackageLoader(__package__), autoescape=True, trim_blocks=True)
    return environment.get_template("index.html.j2").render(cards=cards, quote=quote)


def markdown(cards: list[Card]) -> str:
    rows = [
        f"| [{plain(card.title)}](<{quote(card.name)}/{quote(page.notebook)}>) | "
        + " | ".join(map(plain, (card.owner, card.team, card.completed, ", ".join(card.data))))
        + " |\n"
        for card in cards
        for page in card.pages[:1]
    ]
    return (
        "# Completed projects\n\nRead-only. [index.html](index.html) has a figure of each, and a search.\n\n"
        "| project | owner | team | completed | data |\n| --- | --- | --- | --- | --- |\n" + "".join(rows)
    )


def plain(text: str) -> str:
    """Return a text on one line, with Markdown's special characters escaped."""
    return re.sub(r"([\\`*_\[\]<>|#$~])", r"\\\1", " ".join(text.split()))
