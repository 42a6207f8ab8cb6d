# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories and files that only this person can change, since a state is code, like every pickle."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


class Refused(Exception):
    """The request is refused; the text is a sentence for the person."""


def of_notebook(root: Path, notebook: str) -> Path:
    return root / hashlib.blake2b(os.path.realpath(notebook).encode(), digest_size=10).hexdigest()


def inode(path: str) -> int:
    """Return the inode of a file, or 0 if there is no such file."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def check(path: Path) -> None:
    """Refuse a directory that another user has written to, or could have."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(info.st_mode):
        raise Refused(f"{path} is a link: nothing is saved to it or loaded from it.")
    if not stat.S_ISDIR(info.st_mode):
        raise Refused(f"{path} is no directory.")
    if info.st_uid != os.getuid():
        raise Refused(f"{path} is of another user (uid {info.st_uid}): nothing is saved to it or loaded from it.")
    if info.st_mode & 0o022:
        raise Refused(
            f"{path} can be written by others, so nothing is loaded from it. Look at its files, then run `chmod 700`."
        )


def make(path: Path) -> None:
    """Create a directory that only this person can use."""
    if not path.parent.exists():
        make(path.parent)
    check(path)
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)


def opened(path: Path) -> int:
    """Open a file to read from; refuse one that another user could have written."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o022:
        os.close(descriptor)
        raise Refused(
            f"not loaded, since it is no regular file, belongs to another user, or others can write to it: {path}"
        )
    return descriptor
