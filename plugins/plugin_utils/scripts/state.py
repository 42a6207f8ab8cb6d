# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The package that saves what notebooks have in memory, as one file that Python imports from as it is."""

from __future__ import annotations

import hashlib
import zipfile
from functools import cache
from pathlib import Path

from ansible.constants import config

from .archives import archived, put

STATE = "datalab-state.zip"

HOST = Path(__file__).parents[3] / "host" / "datalab_state"
# The archive is before an environment's packages on the path of a kernel, and must not replace its cloudpickle.
VENDOR = "datalab_state/vendor"
MAIN = 'import runpy\n\nrunpy.run_module("datalab_state", run_name="__main__", alter_sys=True)\n'


@cache
def state_archive() -> str:
    """The archive's path: below Ansible's directory, as <SHA-256>/<name>, since ours may be read-only."""
    content = archive_of(HOST)
    sha256 = hashlib.sha256(content).hexdigest()
    file = Path(config.get_config_value("ANSIBLE_HOME")) / "datalab" / sha256 / STATE
    if not file.exists() or file.read_bytes() != content:
        put(file, content)
    return str(file)


def archive_of(directory: Path) -> bytes:
    """The archive's bytes depend only on the files' content: not on dates, and not on a version of zlib."""
    (wheel,) = directory.glob("cloudpickle-*.whl")
    source = directory / "src"
    files = {str(path.relative_to(source)): path.read_bytes() for path in source.glob("datalab_state/**/*.py")}
    with zipfile.ZipFile(wheel) as packed:
        vendored = {f"{VENDOR}/{name}": packed.read(name) for name in packed.namelist() if name.endswith(".py")}
    return archived({**files, "__main__.py": MAIN.encode(), f"{VENDOR}/__init__.py": b"", **vendored})
