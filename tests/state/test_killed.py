# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kill -9 at 500 random moments of restores and saves leaves one whole state: the last or the one before it."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from datalab_state import settings
from datalab_state.server import MARK
from datalab_state.session import Session

MOMENTS = 500


def session(options: settings.Settings) -> Session:
    """Return the session of a new kernel that saves without a fork, so that one kill ends the save, too."""
    shell = SimpleNamespace(extension_manager=SimpleNamespace(loaded=set()), user_ns={}, user_ns_hidden={})
    os.environ.pop(MARK, None)  # each session sets it, for the processes that it starts
    new = Session(shell, options)
    new.forks = False
    return new


def fill(kernel: Session, number: int) -> None:
    """Set three variables that belong together, one of them large."""
    first = [number]
    kernel.shell.user_ns.update(first=first, second=bytearray(str(number).encode() * 400_000), third=first)


def whole(kernel: Session) -> int:
    """Check that all three variables have one number, and return it."""
    first, second, third = (kernel.shell.user_ns[name] for name in ("first", "second", "third"))
    assert second == str(first[0]).encode() * 400_000
    assert third is first
    return int(first[0])


def life(options: settings.Settings, told: int) -> None:
    """Restore, then save one state after another; write the number of each to `told`."""
    kernel, number = session(options), 0
    if kernel.found():
        kernel.restore()
        number = whole(kernel)
    os.write(told, number.to_bytes(4, "big"))
    while True:
        number += 1
        fill(kernel, number)
        assert kernel.save()["lost"] == []
        os.write(told, number.to_bytes(4, "big"))


def killed(options: settings.Settings, seconds: float) -> list[int]:
    """Run `life` for this time, then kill it; return its numbers: first the restored one, then each saved one."""
    hears, tells = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(hears)
            life(options, tells)
        finally:
            os._exit(1)
    os.close(tells)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "it ended by itself"
    with os.fdopen(hears, "rb") as pipe:
        heard = pipe.read()
    return [int.from_bytes(heard[begin : begin + 4], "big") for begin in range(0, len(heard), 4)]


def test_500_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(MARK, "")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "b.ipynb"))
    options = settings.read({"DATALAB_STATE_ROOT": str(tmp_path / "state"), "DATALAB_STATE_SHARE": "100"})
    chance = random.Random(1)  # noqa: S311
    last, seen, in_restores = 0, set(), 0
    for _ in range(MOMENTS):
        told = killed(options, chance.random() * 0.06)
        in_restores += not told
        saved = told[-1] if told else last
        if told:
            assert told[0] == last
        kernel = session(options)
        if kernel.found():
            report, older = kernel.restore()
            assert (report.lost, older) == ({}, 0)
            last = whole(kernel)
        assert last in (saved, saved + 1)  # a state is renamed to its place before it is reported
        seen.add(last - saved)
    assert seen == {0, 1}
    assert in_restores > MOMENTS / 50
