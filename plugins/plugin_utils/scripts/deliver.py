# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The command `datalab` as one file, which instances fetch."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from .archives import archived, put

HOST = Path(__file__).parents[3] / "host" / "datalab_deliver"
MAIN = "from datalab_deliver.instance import main\n\nmain()\n"


def write(file: Path) -> None:
    """Write the file, unless it exists."""
    if not file.exists():
        put(file, archive())


@cache
def archive() -> bytes:
    """The archive, which Python can run."""
    project = tomllib.loads((HOST / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source = HOST / "src"
    files = {
        "__main__.py": MAIN.encode(),
        "requirements.txt": "".join(f"{line}\n" for line in project["dependencies"]).encode(),
        **{
            path.relative_to(source).as_posix(): path.read_bytes()
            for path in source.rglob("*")
            if path.suffix in {".py", ".j2"}
        },
    }
    return archived(files, b"#!/usr/bin/python3 -I\n")
