# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Archives that Python runs, or imports from, as they are."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

OLDEST = (1980, 1, 1, 0, 0, 0)  # that a zip can express


def archived(files: Mapping[str, bytes], begin: bytes = b"") -> bytes:
    """An archive of files by name, after `begin`: the same bytes on any system, without compression and dates."""
    made = BytesIO(begin)
    made.seek(0, os.SEEK_END)
    with zipfile.ZipFile(made, "a") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, OLDEST), files[name])
    return made.getvalue()


def put(file: Path, content: bytes) -> None:
    """Write the archive at once, since several processes of one run may do so."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.write_bytes(content)
    new.replace(file)
