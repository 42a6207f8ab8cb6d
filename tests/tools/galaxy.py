# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Import the archive as Galaxy does, without a message from galaxy-importer.

The repository's address, which Galaxy requires, is set where it is published (`make release`): here it is an example.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .collection import BUILD, build_archive, copy_sources
from .release import set_keys

WORK = BUILD / "galaxy"
EXAMPLE = "https://example.com/datalab/notebooks"
COMPLAINTS = re.compile(r"^(?:WARNING|ERROR|CRITICAL)\b.*|.*\bdeprecat.*", re.MULTILINE | re.IGNORECASE)


def main() -> str | int:
    """Build the archive and import it; return 0, or the complaints of galaxy-importer."""
    shutil.rmtree(WORK, ignore_errors=True)
    copy_sources(WORK / "sources")
    set_keys(WORK / "sources" / "galaxy.yml", repository=EXAMPLE)
    told = import_archive(build_archive(WORK / "sources", WORK))
    print(told)
    if complaints := COMPLAINTS.findall(told):
        return "\n".join(["galaxy-importer complains:", *complaints])
    return 0


def import_archive(archive: Path) -> str:
    """Return the messages of galaxy-importer about an archive; exit if it refuses the archive."""
    command = [sys.executable, "-m", "galaxy_importer.main", str(archive)]
    done = subprocess.run(
        command,
        cwd=WORK,
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode or "Importer processing completed successfully" not in done.stdout:
        sys.exit(f"{done.stdout}\ngalaxy-importer refuses {archive.name}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
