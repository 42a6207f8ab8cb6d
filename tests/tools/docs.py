# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build one site of the pages and the reference of plugins and roles, in build/docs/site, without a warning.

docs/index.md has the order of the pages. No page loads anything from another server.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from .collection import BUILD, ROOT, copy_sources

WORK = BUILD / "docs"
SOURCES = WORK / "sources"
SITE = WORK / "site"
REFERENCE = "reference"
SETTINGS = ROOT / "tests" / "docs"
LINK = re.compile(r"\]\((?!https?://|#)([^)\s#]+)(#[^)\s]*)?\)")
CONTENTS = re.compile(r"^\.\. contents::\n(?: +:.*\n)*", re.MULTILINE)
SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^\* .*\]\((\S+)\)$", re.MULTILINE)
# What a page itself loads from other servers, without its links: scripts, styles, fonts, pictures.
ELSEWHERE = r"(?:https?:)?//"
RESOURCES = re.compile(
    rf"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']{ELSEWHERE}[^>]*>"
    rf"|<link\b[^>]*\bhref=[\"']{ELSEWHERE}[^>]*>"
    rf"|url\([\"']?{ELSEWHERE}[^)]*\)"
    rf"|@import\s+[\"']{ELSEWHERE}[^\"']*"
)


def main() -> str | int:
    """Build the site; return 0, or a message if a page loads something from another server."""
    shutil.rmtree(WORK, ignore_errors=True)
    copy_sources(SOURCES)
    pages = lay_out(SOURCES)
    write_reference(SOURCES / REFERENCE)
    build(SOURCES, SITE, [*pages, f"{REFERENCE}/*"])
    if found := [f"{path.relative_to(SITE)}: {each}" for path, each in external(SITE)]:
        return "\n".join(["Pages must not load anything from other servers:", *found])
    print(f"{len(list(SITE.rglob('*.html')))} pages without a warning: {SITE / 'docs' / 'index.html'}")
    return 0


def lay_out(sources: Path) -> list[str]:
    """Add a table of contents to the index, and make links work on a site; return the pages in the index's order."""
    index = sources / "docs" / "index.md"
    contents, pages = [], [index]
    for section, listed in SECTION.findall(index.read_text("utf-8")):
        links = [(index.parent / path).resolve() for path in ENTRY.findall(listed)]
        names = [f"/{page.relative_to(sources.resolve())}" for page in links if page not in pages]
        names += [f"/{REFERENCE}/index"] if section == "Reference" else []
        pages += links
        contents += ["", "```{toctree}", ":hidden:", f":caption: {section}", "", *names, "```"]
    for page in set(pages):
        page.write_text(LINK.sub(partial(of_site, page), page.read_text("utf-8")), "utf-8")
    with index.open("a", encoding="utf-8") as file:
        file.write("\n".join(contents) + "\n")
    return [str(page.relative_to(sources.resolve())) for page in map(Path.resolve, pages)]


def of_site(page: Path, link: re.Match[str]) -> str:
    """Turn a link to a directory into one to its README; without a README, remove the link."""
    target = page.parent / link[1]
    if not target.is_dir():
        return link[0]
    return f"]({link[1].rstrip('/')}/README.md)" if (target / "README.md").exists() else "]"


def write_reference(directory: Path) -> None:
    """Write the reference of plugins and roles with antsibull-docs."""
    directory.mkdir(mode=0o755)
    command = ["antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
    done = run([*command, "--dest-dir", str(directory), "datalab.notebooks"])
    if done.returncode or done.stdout.strip():
        sys.exit(f"{done.stdout}\nantsibull-docs has failed")
    for page in directory.glob("*.rst"):  # the theme itself lists the headings of a page
        page.write_text(CONTENTS.sub("", page.read_text("utf-8")), "utf-8")


def build(sources: Path, site: Path, pages: list[str]) -> None:
    """Build a site of these pages; a warning is an error."""
    chosen = ["-c", str(SETTINGS), "-D", f"include_patterns={','.join(pages)}"]
    done = run(["sphinx-build", "-q", "-E", "-W", "--keep-going", *chosen, str(sources), str(site)])
    if done.returncode:
        sys.exit(f"{done.stdout}\nThe site has warnings")


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NO_COLOR": "1"}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def external(site: Path) -> list[tuple[Path, str]]:
    """Return what pages would load from other servers, each with its page."""
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    return [(path, each) for path in files for each in RESOURCES.findall(path.read_text("utf-8"))]


if __name__ == "__main__":
    sys.exit(main())
