# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The docs site: every page is in its index, a warning fails its build, and it loads nothing from other servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.tools.docs import ENTRY, build, external, lay_out

ROOT = Path(__file__).parents[2]
INDEX = "# Docs\n\n## How to\n\n* [One](one.md)\n* [Two](../two/README.md)\n"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, text in {"docs/index.md": INDEX, "docs/one.md": "# One\n", "two/README.md": "# Two\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_page_is_in_the_index_once() -> None:
    listed = ENTRY.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    roles = {f"../roles/{path.name}/README.md" for path in (ROOT / "roles").iterdir()}
    assert pages | roles <= set(listed)
    assert len(listed) == len(set(listed))


def test_it_builds(sources: Path) -> None:
    build(sources, sources / "site", lay_out(sources))
    assert {path.name for path in (sources / "site").glob("*/*.html")} >= {"index.html", "one.html", "README.html"}
    assert external(sources / "site") == []


@pytest.mark.parametrize("text", ["[away](gone.md)", "[no heading](../two/README.md#none)"])
def test_a_warning_is_a_failure(text: str, sources: Path) -> None:
    (sources / "docs" / "one.md").write_text(f"# One\n\n{text}\n")
    with pytest.raises(SystemExit, match=r"one\.md"):
        build(sources, sources / "site", lay_out(sources))


def test_a_link_to_a_directory_leads_to_its_readme_or_nowhere(sources: Path) -> None:
    (sources / "docs" / "one.md").write_text("# One\n\n[two](../two) [docs](../docs)\n")
    lay_out(sources)
    assert re.findall(r"\[.*", (sources / "docs" / "one.md").read_text()) == ["[two](../two/README.md) [docs]"]


@pytest.mark.parametrize(
    ("html", "count"),
    [
        ('<a href="https://example.com">', 0),
        ('<img src="../images/cell.png">', 0),
        ('<script async src="https://example.com/x.js"></script>', 1),
        ('<link rel="stylesheet" href="//example.com/x.css">', 1),
        ("<style>@import 'https://example.com/x.css'; p {background: url(https://example.com/x.png)}</style>", 2),
    ],
)
def test_resources_from_other_servers_are_reported(html: str, count: int, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(html)
    assert len(external(tmp_path)) == count
