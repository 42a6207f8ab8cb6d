# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Root's part of a completion: completed projects become root's, so that no one can restore the right to write.

People can put anything into these folders, and replace it at any time. So root becomes the owner of a folder before it
reads what is in it: from then on no one else can change the entries. It works only on open descriptors, never on paths.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import closing, suppress
from pathlib import Path

CARD = "completed.json"
PAUSE = 60  # seconds
ROOT = 0
PLACE = stat.S_ISVTX | stat.S_ISGID | 0o775  # people who may add a project may not remove another one
BEGUN = stat.S_ISVTX | 0o555  # this mode marks a project whose protection was interrupted
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def forever(completed: Path) -> None:
    """Protect completed projects from now on. The file system may be missing or not answer for a while."""
    while True:
        with suppress(OSError):
            once(completed)
        time.sleep(PAUSE)


def once(completed: Path) -> None:
    """Protect each project that `datalab complete` has finished with."""
    with closing(Held(completed)) as place:
        if place.status.st_uid != ROOT or stat.S_IMODE(place.status.st_mode) != PLACE:
            place.become_roots(PLACE)
        for name in sorted(os.listdir(place.number)):
            with suppress(OSError, RecursionError), closing(Held(name, place)) as project:
                if is_finished(project):
                    take(project)


class Held:
    """A directory that is held open: it stays the same directory, even if another one takes its name."""

    def __init__(self, name: str | Path, parent: Held | None = None) -> None:
        self.number: int = os.open(name, DIRECTORY, dir_fd=parent.number if parent else None)
        self.status = os.fstat(self.number)

    def become_roots(self, mode: int) -> None:
        os.fchown(self.number, ROOT, -1)
        os.fchmod(self.number, mode)

    def close(self) -> None:
        os.close(self.number)


def is_finished(project: Held) -> bool:
    """Return whether the project's person has removed the right to write, as the last step, or root was interrupted."""
    mode = stat.S_IMODE(project.status.st_mode)
    is_root = project.status.st_uid == ROOT
    if mode & 0o222 or (is_root and mode != BEGUN):
        return False
    return is_root or stat.S_ISREG(os.stat(CARD, dir_fd=project.number, follow_symlinks=False).st_mode)


def take(folder: Held) -> None:
    """Make a folder and all that is in it root's and read-only."""
    folder.become_roots(BEGUN)
    for name in os.listdir(folder.number):
        status = os.stat(name, dir_fd=folder.number, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            with closing(Held(name, folder)) as inner:
                take(inner)
        elif stat.S_ISREG(status.st_mode):
            take_file(name, folder)
        else:
            os.chown(name, ROOT, -1, dir_fd=folder.number, follow_symlinks=False)
    os.fchmod(folder.number, 0o555)


def take_file(name: str, folder: Held) -> None:
    """Make a file root's and read-only. One that is root's already stays as it is: a person may have linked to it."""
    number = os.open(name, FILE, dir_fd=folder.number)
    try:
        status = os.fstat(number)
        if status.st_uid != ROOT:
            os.fchown(number, ROOT, -1)
            os.fchmod(number, 0o555 if status.st_mode & 0o111 else 0o444)
    finally:
        os.close(number)
