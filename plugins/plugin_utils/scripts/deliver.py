# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The command `datalab` as one file, which instances fetch."""

from __future__ import annotations

import io
import os
import tomllib
import zipfile
from functools import cache
from pathlib import Path

HOST = Path(__file__).parents[3] / "host" / "datalab_deliver"
MAIN = "from datalab_deliver.instance import main\n\nmain()\n"


def write(file: Path) -> None:
    """Write it, unless it is there: all or nothing, since several processes of one run may do so."""
    if not file.exists():
        new = file.with_name(f"{file.name}.{os.getpid()}")
        new.write_bytes(archive())
        new.replace(file)


@cache
def archive() -> bytes:
    """What Python runs as it is. The same source gives the same bytes on any system: nothing is packed, and no date."""
    project = tomllib.loads((HOST / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source = HOST / "src"
    files = {
        "__main__.py": MAIN.encode(),
        "requirements.txt": "".join(f"{line}\n" for line in project["dependencies"]).encode(),
        **{
            path.relative_to(source).as_posix(): path.read_bytes()
            for path in sorted(source.rglob("*"))
            if path.suffix in {".py", ".j2"}
        },
    }
    made = io.BytesIO(b"#!/usr/bin/python3 -I\n")
    made.seek(0, io.SEEK_END)
    with zipfile.ZipFile(made, "a") as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()
