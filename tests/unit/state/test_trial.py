# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

import pytest
from datalab_state import trial, watch


def good() -> str:
    return ""


def bad() -> str:
    return "no such module"


def ends() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def hangs() -> NoReturn:
    while True:
        time.sleep(60)


@pytest.mark.parametrize(
    ("loads", "reasons"),
    [
        ([], []),
        ([good, bad, good], ["", "no such module", ""]),
        ([good, ends, bad, ends], ["", "it ends the process", "no such module", "it ends the process"]),
        ([bad, hangs, bad], ["no such module", "", ""]),
    ],
    ids=["nothing", "one cannot be loaded", "two end the process", "one hangs, and the rest counts as saved"],
)
def test_what_a_trial_says(loads: list[Callable[[], str]], reasons: list[str]):
    assert trial.tried(loads, seconds=0.5 if hangs in loads else 30) == reasons


@pytest.mark.parametrize(("at_work", "ended"), [(False, True), (True, False)], ids=["asleep", "at work"])
def test_a_fork_that_hangs_ends_and_says_where(monkeypatch: pytest.MonkeyPatch, at_work: bool, ended: bool):
    monkeypatch.setattr(watch, "IDLE", 0.3)
    hears, tells = os.pipe()
    child = os.fork()
    if child == 0:
        watch.Watch(tells).limit(60, "model")
        end = time.monotonic() + 1.5
        while at_work and time.monotonic() < end:
            sum(range(1000))
        if not at_work:
            time.sleep(30)
        os._exit(0)
    os.close(tells)
    with os.fdopen(hears, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    assert bool(said) == ended
    if ended:
        assert json.loads(said)["hung"] == "model"
