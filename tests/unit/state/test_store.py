# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
from datalab_state import journal, place, store
from datalab_state.save import _make_room

Usage = namedtuple("Usage", "total used free")


def state(session: str, *files: tuple[str, int]) -> journal.State:
    segments = [journal.Segment([name], [(name, length)]) for name, length in files]
    return journal.State(session, "b.ipynb", 1.0, "3.11.7", segments, {}, None, {}, {})


def put(directory: Path, data: bytes, share: float = 100) -> tuple[str, int]:
    return store.Store(directory, share).put(data), len(data)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    place.make(tmp_path / "state" / "b")
    return tmp_path / "state" / "b"


def test_an_existing_file_is_not_written_again(directory: Path):
    files = store.Store(directory, 100)
    first = files.put(b"abc")
    assert (files.put(b"abc"), files.written) == (first, 3)
    assert store.read(directory, first, 3) == b"abc"
    assert files.put(b"abd") != first


@pytest.mark.parametrize("length", store.HASHES)
def test_a_large_file_is_hashed_in_parts(directory: Path, monkeypatch: pytest.MonkeyPatch, length: int):
    monkeypatch.setattr(store, "LENGTH", length)
    data = os.urandom(store.CHUNK + 5)
    name, size = put(directory, data)
    parts = [store.HASHES[length](part).digest() for part in (data[:-5], data[-5:])]
    assert name == store.HASHES[length](b"".join(parts)).hexdigest()
    assert len(name) == length
    assert store.mapped(directory, name, size)[:] == data
    assert put(directory, data) == (name, size)


def test_what_another_machine_has_named(directory: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "LENGTH", 40)
    name, length = put(directory, b"abc")
    journal.write(directory, state("s", (name, length)), keep=False)
    monkeypatch.setattr(store, "LENGTH", 64)
    assert store.read(directory, name, length) == b"abc"
    store.check(directory, [(name, length)])
    assert journal.states(directory)[0].segments[0].files == [(name, length)]
    store.sweep(directory, journal.used(directory))
    assert (directory / name).exists()


def test_changes_in_memory_do_not_reach_the_disk(directory: Path):
    name, length = put(directory, bytes(5000))
    store.mapped(directory, name, length)[7] = 1
    store.check(directory, [(name, length)])
    (directory / name).write_bytes(bytes(4999) + b"x")
    with pytest.raises(store.Damaged, match="damaged"):
        store.check(directory, [(name, length)])


@pytest.mark.parametrize(
    ("usage", "share", "fits"),
    [
        (Usage(100 << 30, 0, 50 << 30), 50, True),
        (Usage(100 << 30, 0, (10 << 30) + 3), 50, True),
        (Usage(100 << 30, 0, (10 << 30) + 2), 50, False),
        (Usage(5 << 30, 0, (1 << 30) + 2), 50, False),
        (Usage(100 << 30, 0, 50 << 30), 0, False),
    ],
    ids=["plenty", "just", "less than a tenth stays free", "less than 1 GB stays free", "no share"],
)
def test_the_share_of_the_volume(
    directory: Path, monkeypatch: pytest.MonkeyPatch, usage: Usage, share: float, fits: bool
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    if fits:
        put(directory, b"abc", share)
    else:
        with pytest.raises(store.NoSpace, match="3 B exceed the room"):
            put(directory, b"abc", share)
        assert not list(directory.iterdir())


def test_a_full_disk_leaves_the_state_before(directory: Path, monkeypatch: pytest.MonkeyPatch):
    journal.write(directory, state("s", put(directory, b"abc")), keep=False)
    before = {file.name: file.read_bytes() for file in directory.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(store.NoSpace, match="3 B exceed the free space on this volume"):
        put(directory, b"xyz")
    with pytest.raises(OSError, match="No space"):
        journal.write(directory, state("s"), keep=False)
    monkeypatch.undo()
    store.sweep(directory, journal.used(directory))
    assert {file.name: file.read_bytes() for file in directory.iterdir() if file.name != "manifest.new"} == before


def test_the_state_before_stays_and_what_none_names_goes(directory: Path):
    written = []
    for data in (b"1", b"2", b"3"):
        written.append(put(directory, data))
        journal.write(directory, state("s", written[-1]), keep=False)
        store.sweep(directory, journal.used(directory))
    _, second, third = written
    assert {file.name for file in directory.iterdir()} == {second[0], third[0], "manifest", "manifest.old"}
    assert [found.segments[0].files for found in journal.states(directory)] == [[third]]
    (directory / "manifest").write_bytes(b"half")
    assert [found.segments[0].files for found in journal.states(directory)] == [[second]]


def test_a_damaged_newest_does_not_take_the_place_of_the_good_one(directory: Path):
    for session in ("a", "b"):
        journal.write(directory, state(session), keep=False)
    (directory / "manifest").write_bytes(b"half")
    journal.mend(directory)
    journal.write(directory, state("c"), keep=True)
    assert [found.session for found in journal.states(directory)] == ["c", "a"]


def test_states_of_earlier_kernels_stay_until_they_are_restored(directory: Path):
    for session in ("a", "b", "c", "c"):
        newest = journal.states(directory)[:1]
        journal.write(directory, state(session), keep=not newest or newest[0].session != session)
    assert [found.session for found in journal.states(directory)] == ["c", "b", "a"]
    journal.forget_earlier(directory, {"b"})
    assert [found.session for found in journal.states(directory)] == ["c", "a"]


def test_a_state_without_room_for_all_does_not_replace_one_that_had_it(directory: Path):
    times = iter(range(1, 100))

    def written(session: str, *, short: bool, keep: bool = False) -> None:
        new = replace(state(session, put(directory, session.encode())), time=float(next(times)), short=short)
        journal.write(directory, new, keep=keep)

    def found() -> list[tuple[str, float]]:
        return [(state.session, state.time) for state in journal.states(directory)]

    written("a", short=False)
    written("a", short=True)
    written("a", short=True)
    assert found() == [("a", 3), ("a", 1)]
    written("b", short=True, keep=True)
    written("b", short=True)
    assert found() == [("b", 5), ("a", 3), ("a", 1)]
    written("b", short=False)
    written("b", short=False)
    assert found() == [("b", 7), ("a", 3), ("a", 1)]


@pytest.mark.parametrize(("short", "old"), [(20, True), (10, False)], ids=["not enough", "enough"])
def test_the_state_before_goes_where_that_makes_enough_room(directory: Path, short: float, old: bool):
    for data in (bytes(10), bytes(11)):
        journal.write(directory, state("s", put(directory, data)), keep=False)
    _make_room(directory, store.Store(directory, 100), short)
    assert (directory / "manifest.old").exists() == old
    assert sorted(file.stat().st_size for file in directory.iterdir() if len(file.name) in store.HASHES) == [
        *([10] if old else []),
        11,
    ]


def test_the_last_complete_state_stays_if_the_newest_is_not(directory: Path):
    for data, short in ((bytes(10), False), (bytes(11), True)):
        journal.write(directory, replace(state("s", put(directory, data)), short=short), keep=False)
    _make_room(directory, store.Store(directory, 100), 10)
    assert [found.short for found in journal.states(directory)] == [True, False]


@pytest.mark.parametrize(
    ("count", "text"), [(3, "3 B"), (4200, "4.2 kB"), (80e6, "80 MB"), (3.2e9, "3.2 GB"), (5e12, "5.0 TB")]
)
def test_sizes_for_people(count: float, text: str):
    assert store.size(count) == text


def test_directories_are_made_for_one_person(tmp_path: Path):
    place.make(tmp_path / "a" / "b")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")] == [0o700, 0o700]


def test_a_link_is_not_followed(tmp_path: Path, directory: Path):
    name, length = put(directory, b"abc")
    (directory / name).rename(tmp_path / "elsewhere")
    (directory / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(store.Damaged, match="missing"):
        store.read(directory, name, length)
    (tmp_path / "link").symlink_to(directory)
    with pytest.raises(place.Refused, match="is a link"):
        place.check(tmp_path / "link")
