# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real kernels that are stopped in all ways, and states that are damaged in all ways."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from datalab_state import store

from .kernels import SOURCE, Kernel, sockets

Start = Callable[..., Kernel]
STOPPED_BY_ITSELF = {"DATALAB_STATE_EVERY": "0.1"}


def state_of(place: Path) -> Path:
    (directory,) = (entry for entry in (place / "state").iterdir() if (entry / "manifest").exists())
    return directory


def until(what: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def save_all(place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "datalab_state", "save-all", *options]
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "DATALAB_STATE_SOCKETS": str(sockets(place))}
    env["DATALAB_STATE_ROOT"] = str(place / "state")
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


# When a kernel saves


@pytest.mark.parametrize("environment", ["python", "old_python"])
def test_without_being_asked_after_a_cell(start: Start, place: Path, environment: str, request: pytest.FixtureRequest):
    python = request.getfixturevalue(environment)
    kernel = start(python=python, **STOPPED_BY_ITSELF)
    kernel.run("x = 41")
    kernel.run("x += 1")
    until(lambda: list((place / "state").glob("*/manifest")) and '"x"' in (state_of(place) / "manifest").read_text())
    kernel.run("import time; time.sleep(0.5); y = 1")
    until(lambda: '"y"' in (state_of(place) / "manifest").read_text())
    assert save_all(place).stdout.startswith(f"{place}/work.ipynb: 3 saved in ")
    kernel.kill()
    kernel = start(python=python)
    kernel.run("%restore")
    assert kernel.run("print(x, y)").split() == ["42", "1"]


def test_a_cell_is_answered_before_threads_are_looked_at(start: Start):
    kernel = start(DATALAB_STATE_EVERY="1")
    kernel.silent("import datalab_state.busy as _busy; _busy.BETWEEN = 1000")
    kernel.run("x = 1")
    assert kernel.silent("print(__import__('datalab_state').session._saving.done())").split() == ["False"]


def test_asked_from_outside_with_several_notebooks(start: Start, place: Path):
    first, second = start("a.ipynb"), start("b.ipynb")
    first.run("x = 1; g = (i for i in [1]); next(g)")
    second.run("y = 2")
    before = first.run("len(In)")
    asked = save_all(place)
    assert asked.returncode == 1  # because not everything is saved
    assert asked.stdout.startswith(f"{place}/b.ipynb: 1 saved in ")
    assert asked.stderr.startswith(f"{place}/a.ipynb: 1 saved in ")
    assert asked.stderr.endswith("; without g (a generator that has begun (line 1)).\n")
    # The save has changed neither the history nor the counter of the cells.
    assert int(first.run("len(In)")) == int(before) + 1
    assert sockets(place).stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in sockets(place).iterdir()} == {0o600}


def test_a_kernel_that_computes(start: Start, place: Path):
    kernel = start()
    kernel.run("x = 1")
    kernel.client.execute("import time; time.sleep(8)")
    time.sleep(1)
    asked = save_all(place, "--seconds", "1")
    assert asked.returncode == 1
    assert asked.stderr.strip() == f"{place}/work.ipynb computes; nothing of it was saved before."


def test_a_kernel_that_is_gone_is_forgotten(start: Start, place: Path):
    kernel = start()
    kernel.run("x = 1")
    until(lambda: list(sockets(place).glob("*.sock")))  # the file with the notebook's name is written before it
    kernel.kill()
    asked = save_all(place)
    assert (asked.returncode, asked.stdout) == (0, "")
    assert not list(sockets(place).iterdir())


def test_a_kernel_within_a_kernel_is_not_taken_for_the_notebook(start: Start):
    kernel = start()
    kernel.run("import os")
    inherited = {"DATALAB_STATE_KERNEL": kernel.run("print(os.getpid())").strip()}
    inner = start(**inherited)
    inner.run("x = 1")
    assert "work.ipynb" not in inner.run("import datalab_state; print(datalab_state.session.notebook.name)")


HANGS = """
import os, threading
class Model:
    kernel = os.getpid()
    def __reduce__(self):
        if os.getpid() != Model.kernel: threading.Event().wait()
        return Model, (), {"fitted": 7}
model = Model(); both = [model]
"""


def test_an_object_that_hangs_in_a_fork_is_pickled_in_the_kernel(start: Start):
    """Models of LightGBM and others are such objects: they compute with threads when they are pickled."""
    kernel = start()
    kernel.run(HANGS)
    begun = time.monotonic()
    assert "saved in" in kernel.run("%state save")
    first, begun = time.monotonic() - begun, time.monotonic()
    kernel.run("%state save")
    assert time.monotonic() - begun < first
    kernel.kill()
    kernel = start()
    assert "lost" not in kernel.run("%restore")
    assert kernel.run("print(both[0] is model, model.fitted)").strip() == "True 7"


KEPT = """
import tempfile, os
class Guard:
    def __init__(self, path): self.path = path
    def __del__(self): os.unlink(self.path)
open("kept.txt", "w").write("x"); guard = Guard("kept.txt")
temporary = tempfile.NamedTemporaryFile(dir="."); folder = tempfile.TemporaryDirectory(dir=".")
pending = open("pending.txt", "w"); pending.write("one"); half = {"log": open("log.txt", "a")}; half["log"].write("a")
"""


def test_a_save_touches_no_file_of_the_notebook(start: Start, place: Path):
    """Neither the test load nor the buffers that the kernel and its fork share change or remove a file."""
    kernel = start()
    kernel.run(KEPT)
    for _ in range(2):
        told = kernel.run("%state save")
        kernel.run("other = 1")
    assert "lost: temporary: a temporary file or directory, which is removed with the kernel" in told
    assert kernel.run("print(*map(os.path.exists, ('kept.txt', temporary.name, folder.name)))").split() == ["True"] * 3
    kernel.run("pending.write('two'); pending.flush(); half['log'].flush()")
    assert (place / "pending.txt").read_text() == "onetwo"
    assert (place / "log.txt").read_text() == "a"


# The commands that people type


def test_variables_of_a_new_session_stay(start: Start):
    kernel = start()
    kernel.run("a = 1; b = 2")
    kernel.run("%state save")
    kernel.kill()
    kernel = start()
    kernel.run("a = 10")
    told = kernel.run("%restore")
    assert "1 variable of" in told
    assert "kept from this session (-f restores the saved ones): a" in told
    assert kernel.run("print(a, b)").split() == ["10", "2"]
    kernel.run("%restore -f")
    assert kernel.run("print(a, b)").split() == ["1", "2"]


def test_a_state_that_was_not_restored_is_not_replaced(start: Start):
    kernel = start()
    kernel.run("precious = 1")
    kernel.run("%state save")
    for number in range(2):
        kernel.kill()
        kernel = start()
        kernel.run(f"scratch{number} = 1")
        kernel.run("%state save")
        kernel.run("%state save")
    kernel.kill()
    kernel = start()
    told = kernel.run("%restore")
    assert "An older state was not" in told
    kernel.run("%restore")
    assert "An older state" not in kernel.run("%restore")
    assert kernel.run("print(precious, scratch0, scratch1)").split() == ["1", "1", "1"]


def test_random_numbers_go_on(start: Start):
    kernel = start()
    kernel.run("import random, numpy as np\nrandom.seed(1); np.random.seed(1); random.random(); np.random.rand()")
    kernel.run("%state save")
    expected = kernel.run("print(random.random(), np.random.rand())")
    kernel.kill()
    kernel = start()
    kernel.run("%restore")
    assert kernel.run("print(random.random(), np.random.rand())") == expected


def test_a_figure_is_a_picture_again(start: Start):
    kernel = start()
    kernel.run("import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\nplt.close(figure)\n%state save")
    kernel.kill()
    kernel = start()
    kernel.run("%restore")
    assert kernel.run("print('image/png' in get_ipython().display_formatter.format(figure)[0])").strip() == "True"


def test_a_notebook_that_is_renamed_without_its_kernel(start: Start, place: Path):
    kernel = start("old one.ipynb")
    (place / "old one.ipynb").touch()
    kernel.run("x = 3")
    kernel.run("%state save")
    kernel.kill()
    (place / "another.ipynb").touch()
    assert start("another.ipynb").run("1") == "1", "it is told nothing"
    (place / "deep").mkdir()
    (place / "old one.ipynb").rename(place / "deep" / "new.ipynb")
    kernel = start("deep/new.ipynb")
    told = "State: this notebook is saved as ../old one.ipynb; %restore '../old one.ipynb' brings that back."
    assert kernel.run("pass").splitlines() == [told]
    assert "this notebook is saved as ../old one.ipynb" in kernel.run("%restore")
    assert "old one.ipynb: 1 of" in kernel.run("%state list")
    kernel.run("%restore '../old one.ipynb'")
    assert kernel.run("print(x)").strip() == "3"


def test_nothing_to_restore(start: Start, place: Path):
    kernel = start()
    assert kernel.run("%restore nosuch.ipynb").splitlines() == [
        f"Nothing is saved of {place}/nosuch.ipynb; `%state list` shows what is."
    ]
    assert kernel.run("%state list").strip() == "Nothing is saved."
    assert kernel.run("%state").startswith("%state save | list")


def test_the_cells_of_what_is_lost_run_when_told(start: Start):
    kernel = start()
    kernel.run("n = 3")
    kernel.run("def gen():\n    yield from range(n)\nstream = gen(); next(stream)")
    kernel.run("%state save")
    kernel.kill()
    kernel = start()
    assert "lost: stream: a generator that has begun (line 2)" in kernel.run("%restore")
    shown = kernel.run("%state run")
    assert "stream = gen()" in shown
    assert not kernel.try_run("stream")[0]
    kernel.run("%state run stream")
    assert kernel.run("next(stream)") == "1"


def test_forget(start: Start, place: Path):
    kernel = start(**STOPPED_BY_ITSELF)
    kernel.run("x = 1")
    kernel.run("%state save")
    assert "is removed. It is saved again after its next cell." in kernel.run("%state forget")
    time.sleep(2)  # time enough for another save
    assert not list((place / "state").glob("*/manifest"))
    kernel.run("y = 1")
    until(lambda: list((place / "state").glob("*/manifest")))


# States on the disk


@pytest.fixture
def saved(start: Start, place: Path) -> Path:
    """Return the directory of a state with a small and a large variable."""
    kernel = start()
    kernel.run("import numpy as np\nsmall = {'a': 1}; large = np.arange(1_000_000.)")
    kernel.run("%state save")
    kernel.kill()
    return state_of(place)


def test_everything_is_for_its_person_alone(saved: Path):
    assert saved.parent.stat().st_mode & 0o777 == 0o700
    assert saved.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in saved.iterdir()} == {0o600}


def test_a_flipped_byte_in_a_large_variable(saved: Path, start: Start):
    flip(max(saved.iterdir(), key=lambda file: file.stat().st_size))
    kernel = start()
    told = kernel.run("%restore")
    assert "lost: large: is damaged on the disk" in told
    assert kernel.run("print(small)").strip() == "{'a': 1}"
    assert not kernel.try_run("large")[0]


def test_a_flipped_byte_in_what_is_too_large_to_be_read_first(saved: Path, start: Start):
    flip(max(saved.iterdir(), key=lambda file: file.stat().st_size))
    kernel = start()
    kernel.run("import datalab_state.restore as r; r.AT_ONCE = 1")
    assert "lost" not in kernel.run("%restore")
    until(lambda: "State: large came back damaged, do not use" in kernel.run("0;"))


def test_a_flipped_byte_in_a_small_variable(saved: Path, start: Start):
    document = json.loads((saved / "manifest").read_text().partition("\n")[2])
    (segment,) = (entry for entry in document["segments"] if entry["names"] == ["small"])
    flip(saved / segment["files"][0][0])
    kernel = start()
    assert "lost: small: is damaged on the disk" in kernel.run("%restore")
    assert kernel.run("print(large.sum())").strip() == "499999500000.0"


def test_a_flipped_byte_in_the_newest_manifest(saved: Path, start: Start):
    kernel = start()
    kernel.run("%restore")
    kernel.run("small = 2")
    kernel.run("%state save")
    kernel.kill()
    flip(saved / "manifest")
    kernel = start()
    assert "3 variables of" in kernel.run("%restore")
    assert kernel.run("print(small)").strip() == "{'a': 1}"


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_a_file_that_is_cut_off(saved: Path, start: Start):
    os.truncate(max(saved.iterdir(), key=lambda file: file.stat().st_size), 4096)
    assert "lost: large: is truncated on the disk" in start().run("%restore")


def test_a_state_of_another_user(saved: Path, start: Start):
    os.chown(saved, 12345, 12345)
    assert start().run("%restore").strip() == (
        f"{saved} is of another user (uid 12345): nothing is saved to it or loaded from it."
    )
    os.chown(saved, os.getuid(), os.getgid())


def test_a_file_of_another_user(saved: Path, start: Start):
    large = max(saved.iterdir(), key=lambda file: file.stat().st_size)
    os.chown(large, 12345, 12345)
    assert "others can write to it" in start().run("%restore")


def test_a_directory_that_others_may_write(saved: Path, start: Start):
    saved.chmod(0o777)
    assert "can be written by others" in start().run("%restore")


def test_a_link_in_place_of_the_directory(saved: Path, start: Start, tmp_path: Path):
    saved.rename(tmp_path / "elsewhere")
    saved.symlink_to(tmp_path / "elsewhere")
    kernel = start()
    said = f"{saved} is a link: nothing is saved to it or loaded from it."
    assert kernel.run("%restore").strip() == said
    kernel.run("x = 1")
    assert kernel.run("%state save").strip() == said


def test_a_state_of_a_newer_version(saved: Path, start: Start):
    change_manifest(saved, version=3)
    told = start().run("%restore").strip()
    assert told == "The state is of a newer datalab_state (version 3; this one reads 2)."


def change_manifest(directory: Path, **fields: object) -> None:
    file = directory / "manifest"
    document = {**json.loads(file.read_text().partition("\n")[2]), **fields}
    raw = json.dumps(document).encode()
    file.write_bytes(store.digest(raw).encode() + b"\n" + raw)


def test_a_volume_without_room(start: Start, place: Path):
    kernel = start()
    kernel.run("x = 1")
    kernel.run("%state save")
    kernel.kill()
    kernel = start(DATALAB_STATE_SHARE=f"{2e9 / shutil.disk_usage(place).total:.9f}")  # in per cent: 20 MB
    kernel.run("%restore")
    kernel.run("import numpy as np\nlarge = np.zeros(10_000_000)")
    told = kernel.run("%state save")
    assert "lost: large: 80 MB exceed the room for states on this volume" in told
    assert "2 variables saved" in told
    assert {file.name[-4:] for file in state_of(place).iterdir()}.isdisjoint({".new"})


def test_another_python(start: Start, old_python: Path):
    """Data comes back, and functions are compiled from their cells."""
    kernel = start("other.ipynb")
    kernel.run(
        "import functools\nk = 2\nscale = lambda v: v * k\n@functools.lru_cache\ndef f(x): return [k * i for i in [x]]"
    )
    kernel.run("class A:\n    def __init__(self, n): self.n = n\n    def twice(self): return scale(self.n)")
    kernel.run("a = A(4); rows = [1, a]")
    kernel.run("%state save")
    kernel.kill()
    kernel = start("other.ipynb", python=old_python)
    told = kernel.run("%restore")
    assert "functions are compiled from their cells" in told
    assert "lost" not in told
    assert kernel.run("k = 5; print(f(3), a.twice(), rows[1] is a, type(a) is A)").strip() == "[15] 20 True True"


def test_the_oldest_python_and_kernel(start: Start, old_python: Path):
    kernel = start(python=old_python)
    kernel.run("import numpy as np\nbig = np.zeros((600, 600)); row = big[1]\ndef f(): return row.sum()")
    assert "saved in" in kernel.run("%state save")
    kernel.kill()
    kernel = start(python=old_python)
    assert "lost" not in kernel.run("%restore")
    assert kernel.run("big[1, 0] = 7.; print(f())").strip() == "7.0"


# Kills at any moment


def test_killed_at_any_moment(start: Start):
    """A restore always brings back one whole state, the last or the one before it: both variables have one number."""
    chance = random.Random(0)  # noqa: S311
    last = 0
    for number in range(1, 16):
        kernel = start(**STOPPED_BY_ITSELF)
        kernel.run("import numpy as np")
        if last:
            assert "lost" not in kernel.run("%restore")
            back = {int(value) for value in kernel.run("print(first, int(second[0]), int(second[-1]))").split()}
            assert back in ({last}, {last - 1}), back
        last = number * 10
        kernel.run(f"first = {last - 1}; second = np.full(3_000_000, first)")
        kernel.run("%state save")
        kernel.client.execute(f"first = {last}; second = np.full(3_000_000, first)")
        kernel.client.execute("%state save")
        time.sleep(chance.random() * 0.3)
        os.kill(kernel.pid, signal.SIGKILL)
        kernel.kill()
