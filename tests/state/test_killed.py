# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kill -9 at 500 random moments of saves: what is there is always one state, the last or the one before it."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from datalab_state import journal, live, place, settings, store
from datalab_state.pickling import load
from datalab_state.save import Request, save

MOMENTS = 500
SHELL = SimpleNamespace(extension_manager=SimpleNamespace(loaded=set()))


def request(number: int) -> Request:
    """Three variables that belong together, one of them large."""
    number_and_copy = [number]
    values = {"first": number_and_copy, "second": bytearray(str(number).encode() * 400_000), "third": number_and_copy}
    return Request(SHELL, session="s", notebook="b.ipynb", values=values, test=False)


def saver(options: settings.Settings, begin: int, told: int) -> None:
    number = begin
    while True:
        report = save(request(number), options)
        os.write(told, number.to_bytes(4, "big"))
        assert report["lost"] == []
        number += 1


def restored(directory: Path) -> dict[str, Any]:
    (state,) = journal.states(directory)
    values: dict[str, Any] = {}
    for segment in state.segments:
        store.check(directory, segment.files)
        first, *rest = segment.files
        loaded = load(
            store.read(directory, *first), [store.mapped(directory, *part) for part in rest], len(segment.names)
        )
        values.update(zip(segment.names, loaded, strict=True))
    return values


def test_500_moments(tmp_path: Path):
    options = settings.read({"DATALAB_STATE_ROOT": str(tmp_path / "state"), "DATALAB_STATE_SHARE": "100"})
    directory = place.of_notebook(options.root, "b.ipynb")
    live.namespace = {}
    chance = random.Random(1)  # noqa: S311
    last = 0
    seen = set()
    for _ in range(MOMENTS):
        hears, tells = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(hears)
                saver(options, last + 1, tells)
            finally:
                os._exit(1)
        os.close(tells)
        time.sleep(chance.random() * 0.06)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(hears, "rb") as pipe:
            heard = pipe.read()
        last = int.from_bytes(heard[-4:], "big") if heard else last
        if not last:
            continue
        values = restored(directory)
        number = values["first"][0]
        assert number in (last, last + 1)  # which was renamed before it was told
        assert values["second"] == str(number).encode() * 400_000
        assert values["third"] is values["first"]
        seen.add(number - last)
        last = number
    assert seen == {0, 1}
