# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Complete a project: check it, run it, move it to completed/ by one rename, and list it there.

All that may fail comes before the rename, and the next run repeats all that comes after it: wherever the command is
interrupted, the whole project is in one of two places.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from . import check, index, page, project, settings
from . import rerun as again
from .refusal import Fault, Refused

Progress = Callable[[str], None]
Rerun = Callable[[Path, str, Progress], "list[Fault]"]

SUMS = "SHA256SUMS"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
LOST = {"__pycache__", ".ipynb_checkpoints"}  # made by programs, and older than the checked files


@dataclass(frozen=True)
class Completed:
    """The outcome of a completion."""

    project: Path
    pages: list[str]
    projects: int


def complete(folder: Path, progress: Progress, rerun: Rerun = again.faults) -> Completed:
    """Complete a project, or raise Refused and leave it where it was."""
    target = target_of(folder)
    if (folder / index.CARD).is_file():
        clear(folder)
    notebooks = checked(folder)
    refuse([fault for path in notebooks for fault in rerun(path, str(path.relative_to(folder)), progress)])
    notebooks = checked(folder)  # the run may have written more files
    progress(f"{folder.name}: pages")
    prepare(folder, notebooks)
    move(folder, target)
    return Completed(target, [f"{name(target, folder, path)}.html" for path in notebooks], finish(target.parent))


def name(target: Path, folder: Path, path: Path) -> str:
    return str(target / path.relative_to(folder))


def completed(folder: Path, places: Iterable[Path]) -> Path:
    """Return the first folder completed/ or efs/completed/ in these places, which are above the folder."""
    for place in places:
        for found in (place / "completed", place / "efs" / "completed"):
            if found.is_dir():
                return found
    remedy = "Copy it to the shared file system, where completed/ is beside teams/, and complete it there"
    raise Refused(Fault(str(folder), None, "there is no folder completed/ above it", remedy))


def target_of(folder: Path) -> Path:
    """Return the path in completed/ that a project is moved to."""
    if not folder.is_dir() or folder.is_symlink():
        raise Refused(Fault(str(folder), None, "it is not a folder", "Name the folder of a project"))
    real = folder.resolve()
    place = completed(folder, real.parents)
    target = place / real.name
    if place in real.parents:
        raise Refused(Fault(str(folder), None, "it is in completed/ already", "Complete a copy of another name"))
    if real in [place, *place.parents]:
        raise Refused(Fault(str(folder), None, f"{place} is in it", "Name the folder of a project"))
    if not NAME.fullmatch(real.name):
        remedy = "Rename the folder: begin with a letter or digit; then letters, digits, '.', '_' and '-'"
        raise Refused(Fault(str(folder), None, f"{real.name!r} cannot be part of a link", remedy))
    if os.path.lexists(target):
        raise Refused(exists(target))
    if real.stat().st_dev != target.parent.stat().st_dev:
        raise Refused(elsewhere(folder, target))
    return target


def exists(target: Path) -> Fault:
    return Fault(str(target), None, "it exists already", "Rename the folder of your project, and complete that")


def elsewhere(folder: Path, target: Path) -> Fault:
    what = f"it is not on the file system of {target.parent}"
    return Fault(str(folder), None, what, "Copy it to your folder below efs/teams, and complete it there")


def refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise Refused(*faults)


def checked(folder: Path) -> list[Path]:
    """Check a project, and return its notebooks if it has no faults."""
    refuse([*unchecked(folder), *check.project(folder)])
    return check.notebooks(check.within(folder))


def unchecked(folder: Path) -> list[Fault]:
    """Return the faults of folders and files that no check reads."""
    remedy = "Push it to the Git server, or move it out of the project"
    return [
        Fault(str(path.relative_to(folder)), None, "its contents are not checked", remedy)
        for path in sorted(folder.rglob("*"))
        if path.name in check.IGNORED - LOST
    ]


def clear(folder: Path) -> None:
    """Remove the files of an interrupted run."""
    for path in check.notebooks(check.within(folder)):
        page_of(path).unlink(missing_ok=True)
    for made in (index.CARD, SUMS):
        (folder / made).unlink(missing_ok=True)


def page_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.html")


def prepare(folder: Path, notebooks: Sequence[Path]) -> None:
    """Write the pages, the card and the digests. The card comes first: it identifies an interrupted run."""
    for path in [path for path in folder.rglob("*") if path.name in LOST]:
        shutil.rmtree(path, ignore_errors=True)
    read = {path: nbformat.read(path, as_version=4) for path in notebooks}
    listed = card(folder, read)
    project.replace_file(folder / index.CARD, listed.text())
    for path, nb in read.items():
        up = "../" * len(path.relative_to(folder).parts)
        project.replace_file(page_of(path), page.html(nb, path.stem, listed.about(), up))
    files = sorted(path for path in check.within(folder) if path.name != SUMS and path.is_file())
    project.replace_file(folder / SUMS, "".join(line(project.digest(path), folder, path) for path in files))


def line(digest: str, folder: Path, path: Path) -> str:
    """Return a line of SHA256SUMS in the format of `sha256sum -c`."""
    text = str(path.relative_to(folder))
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return f"{'' if escaped == text else chr(92)}{digest}  {escaped}\n"


def card(folder: Path, read: dict[Path, nbformat.NotebookNode]) -> index.Card:
    said = settings.read(folder)
    pages = [
        index.Page(
            page.title_of(nb) or path.stem,
            str(path.relative_to(folder)),
            str(page_of(path).relative_to(folder)),
            len(nb.cells),
        )
        for path, nb in read.items()
    ]
    return index.Card(
        name=folder.name,
        title=said.title,
        owner=said.owner,
        team=said.team,
        data=said.data or [],
        completed=dt.datetime.now(dt.timezone.utc).date().isoformat(),
        words=next(filter(None, map(page.words, read.values())), ""),
        figure=next(filter(None, map(page.figure, read.values())), None),
        pages=pages,
    )


def move(folder: Path, target: Path) -> None:
    """Rename the folder: a reader sees all of it or nothing."""
    try:
        folder.resolve().rename(target)
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
            raise Refused(exists(target)) from error
        if error.errno == errno.EXDEV:
            raise Refused(elsewhere(folder, target)) from error
        what, remedy = (
            f"it cannot be moved: {error.strerror}",
            f"Check that you may write in {target.parent} and in the folder above the project",
        )
        raise Refused(Fault(str(folder), None, what, remedy)) from error


def finish(place: Path) -> int:
    """Make this person's projects read-only if they are not, write the index, and return the number of projects."""
    for found in index.names(place):
        top = place / found
        if index.read(top) and top.stat().st_mode & 0o222 and top.stat().st_uid == os.geteuid():
            with contextlib.suppress(PermissionError):  # another run was quicker, and the project is root's by now
                protect(top)
    return index.write(place)


def protect(top: Path) -> None:
    """Let everybody read, and no one write. The folder itself comes last: its mode identifies an interrupted run."""
    for place, _, files in os.walk(top, topdown=False):
        for path in [*(Path(place) / file for file in files), Path(place)]:
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                path.chmod(0o555 if mode & 0o111 else 0o444)
