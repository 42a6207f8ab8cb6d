# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a release in a copy, without the upload: release.py [VERSION] [REPOSITORY].

The version must be at least the one that semantic versioning requires, by the sections of the fragments.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from .collection import BUILD, NAME, build_archive, copy_sources, link_dependencies

WORK = BUILD / "release"
SOURCES = WORK / "ansible_collections" / NAME
BREAKING = {"breaking_changes", "major_changes", "removed_features"}
FEATURES = {"minor_changes", "deprecated_features"}

Version = tuple[int, int, int]


def main(version: str = "", repository: str = "") -> str | int:
    """Make the release; return 0, or a message if this cannot be the next version."""
    shutil.rmtree(WORK, ignore_errors=True)
    copy_sources(SOURCES)
    link_dependencies(WORK)
    galaxy = read_yaml(SOURCES / "galaxy.yml")
    version, repository = version or galaxy["version"], repository or galaxy.get("repository", "")
    if problem := wrong(version, read_yaml(SOURCES / "changelogs" / "changelog.yaml")["releases"], sections()):
        return problem
    set_keys(SOURCES / "galaxy.yml", version=version, repository=repository)
    subprocess.run(["antsibull-changelog", "release", "--version", version], cwd=SOURCES, check=True)
    archive = build_archive(SOURCES, WORK)
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name("SHA256SUMS").write_text(f"{checksum}  {archive.name}\n", encoding="utf-8")
    print(f"{archive}\n{checksum}  {archive.name}")
    if not repository:
        print("Galaxy does not take it without an address: make release REPOSITORY=https://…")
    print(f"Commit galaxy.yml, CHANGELOG.md and changelogs/ of {SOURCES}, without the fragments")
    print(f"Upload the archive: ansible-galaxy collection publish {archive}")
    return 0


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def sections() -> set[str]:
    """Return the kinds of changes in the fragments."""
    return {section for path in (SOURCES / "changelogs" / "fragments").glob("*.y*ml") for section in read_yaml(path)}


def wrong(version: str, releases: Iterable[str], changes: set[str]) -> str:
    """Return why this cannot be the next version; "" if it can."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return f"VERSION is {version}; it must be three numbers, such as 0.2.0"
    if not changes:
        return "changelogs/fragments has no fragment: there is nothing to release"
    last = max((parsed(each) for each in releases), default=None)
    if last is None:
        return ""
    least = following(last, changes)
    if parsed(version) < least:
        return (
            f"VERSION is {version}; after {'.'.join(map(str, last))} it must be at least {'.'.join(map(str, least))},"
            f" by the fragments' sections: {', '.join(sorted(changes))}"
        )
    return ""


def parsed(version: str) -> Version:
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def following(last: Version, changes: set[str]) -> Version:
    """Return the least version after the last one; before 1.0.0 a breaking change raises the second number."""
    major, minor, patch = last
    if changes & BREAKING and major:
        return major + 1, 0, 0
    if changes & (BREAKING | FEATURES):
        return major, minor + 1, 0
    return major, minor, patch + 1


def set_keys(path: Path, **values: str) -> None:
    """Set keys of a YAML file, and keep its comments."""
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        text, known = re.subn(rf"^{key}:.*$", f"{key}: {value}", text, flags=re.MULTILINE)
        text += "" if known or not value else f"\n{key}: {value}\n"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
