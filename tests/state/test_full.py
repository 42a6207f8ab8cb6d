# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A full volume: existing states stay, variables without room are named, and the others are saved.

The volume is a tmpfs of 64 MiB in a mount namespace, which needs no root.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .kernels import Kernel

Start = Callable[..., Kernel]
# A save first checks the room. To play a volume that fills up after the check, the check always sees room.
LOOKED_BEFORE = "import datalab_state.store as _s; _s.RESERVE = -1 << 40; _s.Store._room = lambda self: 1e12"
NO_RESERVE = "import datalab_state.store as _s; _s.RESERVE = 0"


@pytest.fixture
def volume(place: Path, tmp_path: Path, python: Path) -> Iterator[Path]:
    """Mount the volume; return an interpreter whose kernels keep their states on it."""
    (place / "state").mkdir(parents=True)
    mount = f"mount -t tmpfs -o size=64m,mode=0700 volume {place / 'state'} && echo mounted && exec sleep infinity"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "mounted\n"
            # A directory from outside is in the other namespace, which does not have the volume: change it inside.
            enter = f"nsenter --target={holder.pid} --user --mount --preserve-credentials"
            inside = tmp_path / "python"
            inside.write_text(f"""#!/bin/sh\nexec {enter} sh -c 'cd {place} && exec {python} "$@"' python "$@"\n""")
            inside.chmod(0o755)
            yield inside
        finally:
            holder.kill()


def fill(kernel: Kernel) -> None:
    kernel.run("import errno, os\nassert os.statvfs('state').f_blocks * 4096 == 64 << 20")
    kernel.run("_file = os.open('state/fills', os.O_CREAT | os.O_WRONLY)")
    kernel.run(
        "try:\n    while True: os.write(_file, bytes(4096))\nexcept OSError as _e: assert _e.errno == errno.ENOSPC"
    )
    assert kernel.run("print(os.statvfs('state').f_bavail)").strip() == "0"


def left_over(kernel: Kernel) -> str:
    return kernel.run("import glob; print([*glob.glob('state/*/*.new')])").strip()


@pytest.mark.parametrize("looks", [NO_RESERVE, LOOKED_BEFORE], ids=["before a save", "in a save"])
def test_earlier_states_stay(start: Start, volume: Path, looks: str):
    kernel = start(python=volume)
    kernel.run(f"{NO_RESERVE}\nx = 1; large = bytes(range(256)) * 80_000")
    assert "lost" not in kernel.run("%state save")
    fill(kernel)
    kernel.run(f"{looks}\nx = 2; large = bytes(20_000_001)")
    kernel.run("%state save")
    assert left_over(kernel) == "[]"
    kernel.kill()
    kernel = start(python=volume)
    kernel.run("%restore")
    assert kernel.run("print(x, len(large))").split() == ["1", "20480000"]


def test_variables_that_are_too_large_are_left_out_and_named(start: Start, volume: Path):
    """Variables are left out even if the volume is filled after its room was checked."""
    kernel = start(python=volume)
    kernel.run(f"{LOOKED_BEFORE}\nx = 1; large = bytes(80_000_000); both = [x, large]")
    told = kernel.run("%state save")
    assert "lost: both: 80 MB exceed the free space on this volume" in told
    assert "lost: large: 80 MB exceed the free space on this volume" in told
    assert left_over(kernel) == "[]"
    kernel.kill()
    kernel = start(python=volume)
    kernel.run("%restore")
    assert kernel.run("print(x)").strip() == "1"


def test_variables_that_no_longer_have_room_come_back_as_they_were(start: Start, volume: Path):
    kernel = start(python=volume)
    kernel.run(f"{NO_RESERVE}\nx = 1; large = bytes(range(256)) * 80_000")
    kernel.run("%state save")
    for number in (2, 3):
        kernel.run(f"{NO_RESERVE}\nx = {number}; large = bytes(60_000_000 + x)")
        told = kernel.run("%state save")
        assert "lost: large: 60 MB exceed the room for states on this volume" in told
    kernel.kill()
    kernel = start(python=volume)
    told = kernel.run("%restore")
    assert "lost: large" in told
    assert "An older state was not" in told
    assert "An older state was not" not in kernel.run("%restore")
    assert kernel.run("print(x, len(large))").split() == ["3", "20480000"]


def test_a_volume_with_room_again(start: Start, volume: Path):
    kernel = start(python=volume)
    kernel.run(NO_RESERVE)
    fill(kernel)
    kernel.run("x = 1")
    assert "error" in kernel.run("print(__import__('datalab_state').session.save())")
    kernel.run("os.unlink('state/fills'); os.close(_file)")
    assert "variables saved in" in kernel.run("%state save")
