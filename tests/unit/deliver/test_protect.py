# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Completed projects become root's, and nothing else does, whatever a person puts there or replaces meanwhile.

The tests need not be run by root: Rights records which files are root's.
"""

from __future__ import annotations

import os
import stat
import subprocess

import pytest
from datalab_deliver import protect

PERSON = 1000


class Rights:
    """The module os with recorded owners: root has the files that it has taken, the person all others."""

    def __init__(self):
        self.roots = set()
        self.before = lambda name: None  # what the person does just before a file is opened

    def __getattr__(self, name):
        return getattr(os, name)

    def _told(self, status):
        return os.stat_result([*status[:4], 0 if status.st_ino in self.roots else PERSON, *status[5:]])

    def open(self, name, flags, *, dir_fd=None):
        self.before(str(name))
        return os.open(name, flags, dir_fd=dir_fd)

    def fstat(self, number):
        return self._told(os.fstat(number))

    def stat(self, name, *, dir_fd, follow_symlinks):
        return self._told(os.stat(name, dir_fd=dir_fd, follow_symlinks=follow_symlinks))

    def fchown(self, number, user, group):
        assert (user, group) == (0, -1)
        self.roots.add(os.fstat(number).st_ino)

    def chown(self, name, user, group, *, dir_fd, follow_symlinks):
        assert (user, group, follow_symlinks) == (0, -1, False)
        self.roots.add(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_ino)


@pytest.fixture
def rights(monkeypatch):
    made = Rights()
    monkeypatch.setattr(protect, "os", made)
    return made


@pytest.fixture
def place(tmp_path):
    """completed/ with a finished project, and a file elsewhere that must not change."""
    project = tmp_path / "completed" / "sums"
    (project / "data").mkdir(parents=True)
    for name in ("completed.json", "sums.ipynb", "data/numbers.csv", "data/run.sh"):
        (project / name).write_text(name)
    (project / "data" / "run.sh").chmod(0o755)
    (project / "link").symlink_to("../../elsewhere")
    os.mkfifo(project / "data" / "fifo")
    (tmp_path / "elsewhere").write_text("shadow")
    (tmp_path / "elsewhere").chmod(0o600)
    project.chmod(0o555)
    yield tmp_path / "completed"
    subprocess.run(["chmod", "-R", "u+w", tmp_path], check=True)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def of_root(rights, top):
    return {str(path.relative_to(top)) for path in top.rglob("*") if path.lstat().st_ino in rights.roots}


EVERYTHING = {"", "/completed.json", "/sums.ipynb", "/data", "/data/numbers.csv", "/data/run.sh", "/link", "/data/fifo"}


def test_all_of_a_project_is_roots(place, rights):
    (place / "index.html").write_text("written anew by the next person")
    for _ in range(2):
        protect.once(place)
        assert of_root(rights, place) == {f"sums{name}" for name in EVERYTHING}
        assert mode(place) == 0o3775
        assert {name: mode(place / name) for name in ("sums", "sums/data", "sums/data/run.sh")} == {
            "sums": 0o555,
            "sums/data": 0o555,
            "sums/data/run.sh": 0o555,
        }
        assert mode(place / "sums" / "sums.ipynb") == mode(place / "sums" / "data" / "numbers.csv") == 0o444
        assert mode(place.parent / "elsewhere") == 0o600


def is_being_written(place):
    (place / "sums").chmod(0o755)


def is_no_project(place):
    (place / "sums").chmod(0o755)
    (place / "sums" / "completed.json").unlink()
    (place / "sums").chmod(0o555)


def has_a_card_elsewhere(place):
    is_no_project(place)
    (place / "sums").chmod(0o755)
    (place / "sums" / "completed.json").symlink_to("../../elsewhere")
    (place / "sums").chmod(0o555)


def is_a_link(place):
    (place / "sums").rename(place.parent / "sums")
    (place / "sums").symlink_to(place.parent / "sums")


@pytest.mark.parametrize("what", [is_being_written, is_no_project, has_a_card_elsewhere, is_a_link])
def test_nothing_else_is_taken(what, place, rights):
    what(place)
    protect.once(place)
    assert of_root(rights, place.parent) == {"completed"}


def test_a_completed_that_is_a_link_is_left(place, rights):
    (place.parent / "link").symlink_to(place)
    with pytest.raises(NotADirectoryError):
        protect.once(place.parent / "link")
    assert rights.roots == set()


def test_what_was_cut_off_is_gone_on_with(place, rights):
    def cut_off(name):
        if name == "data":
            raise KeyboardInterrupt

    rights.before = cut_off
    with pytest.raises(KeyboardInterrupt):
        protect.once(place)
    assert "sums/data" not in of_root(rights, place)
    rights.before = lambda name: None
    protect.once(place)
    assert of_root(rights, place) == {f"sums{name}" for name in EVERYTHING}
    assert mode(place / "sums") == 0o555


@pytest.mark.parametrize("name", ["data", "sums.ipynb", "sums"])
def test_what_is_exchanged_meanwhile_leads_nowhere(name, place, rights):
    """A person replaces a file between check and change, which is possible until its folder is root's."""

    def exchange(opened):
        found = place / "sums" if name == "sums" else place / "sums" / name
        if opened == name and not found.is_symlink():
            found.parent.chmod(0o755)
            found.rename(place.parent / "aside")
            found.symlink_to(place.parent / "elsewhere")

    rights.before = exchange
    protect.once(place)
    assert (place.parent / "elsewhere").stat().st_ino not in rights.roots
    assert mode(place.parent / "elsewhere") == 0o600


def test_what_was_roots_keeps_its_mode(place, rights):
    secret = place / "sums" / "data" / "numbers.csv"
    rights.roots.add(secret.stat().st_ino)
    secret.chmod(0o600)
    protect.once(place)
    assert mode(secret) == 0o600


def test_a_folder_that_is_too_deep_keeps_no_other_from_being_protected(place, rights):
    (place / "aaa").mkdir()
    (place / "aaa" / "completed.json").touch()
    (place / "aaa").chmod(0o555)

    def too_deep(name):
        if name == "completed.json":
            rights.before = lambda name: None
            raise RecursionError

    rights.before = too_deep
    protect.once(place)
    assert of_root(rights, place) == {"aaa", *(f"sums{name}" for name in EVERYTHING)}
