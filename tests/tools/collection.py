# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection outside of the checkout: copies of its sources, and its dependencies."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
NAME = Path("datalab/notebooks")
DEPENDENCIES = ["amazon", "community", "kubernetes"]


def copy_sources(destination: Path) -> None:
    """Replace the destination by a copy of the files that git tracks, or would track after `git add --all`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    shutil.rmtree(destination, ignore_errors=True)
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, destination / name
        if source.is_file():  # git lists deleted files, too
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def link_dependencies(collections: Path) -> None:
    """Link the dependencies in the virtual environment, but nothing else of it, into this collections path."""
    installed = Path(sysconfig.get_path("purelib")) / "ansible_collections"
    target = collections / "ansible_collections"
    target.mkdir(parents=True, exist_ok=True)
    for namespace in DEPENDENCIES:
        link = target / namespace
        link.unlink(missing_ok=True)
        link.symlink_to(installed / namespace)


def build_archive(sources: Path, destination: Path) -> Path:
    """Build the archive that Galaxy takes, and return its path."""
    command = ["ansible-galaxy", "collection", "build", str(sources), "--output-path", str(destination), "--force"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(destination.glob("*.tar.gz"))
