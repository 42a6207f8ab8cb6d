# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts with something else in place of each file that root touches in directories where a person can write.

The starts run as the user of the tests; the scenario restart shows that root's rights are not misused.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from itertools import groupby
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import EFS, Host, rendered

STEPS = ["efs", "conda", "kernels", "jupyter", "autostop"]
KINDS = ["fifo", "socket", "directory", "unreadable", "link", "dangling", "loop"]
OF_DIRECTORIES = ("fifo", "link", "dangling")
OUTSIDE = "what only root can read"

# Files that a start only reads, or removes.
READ = ("SageMaker/.datalab/stopped", "SageMaker/.datalab/conda.log", "SageMaker/PLATFORM-STATUS.md", ".condarc")


@pytest.fixture
def started(host: Host) -> Host:
    """An instance with everything, after a start."""
    for name in ("mount", "setsid"):
        host.stub(name)
    site_packages = host.volume / "custom-miniconda/envs/custom/lib/python3.12/site-packages/ipykernel"
    site_packages.mkdir(parents=True)
    (host.root / "etc/cron.d").mkdir(parents=True)
    (host.root / "outside").write_text(OUTSIDE)
    host.install(rendered({**EFS, "notebook_host_steps": STEPS})["on-start.sh"])
    host.start()
    host.run("put", str(host.volume / "custom-miniconda/envs/custom/.datalab-complete"))
    of_no_environment = host.home / ".local/share/jupyter/kernels/custom-gone/kernel.json"
    of_no_environment.parent.mkdir()
    of_no_environment.touch()
    return host


def places(host: Host) -> list[Path]:
    """All files that a start touches."""
    found = {path for top in (host.home, host.root / "var/lib/datalab") for path in top.rglob("*")}
    return sorted({*found, *(host.home / name for name in READ)} - {host.volume, host.root / "var/lib/datalab"})


def layers(paths: list[Path], kind: str) -> list[dict[Path, str]]:
    """Return what is replaced at once: all files, each by another kind, or directories of one depth by one kind."""
    files = [path for path in paths if not path.is_dir()]
    mixed = {path: KINDS[(KINDS.index(kind) + number) % len(KINDS)] for number, path in enumerate(files)}
    directories = sorted((path for path in paths if path.is_dir()), key=depth)
    return [mixed, *(dict.fromkeys(layer, kind) for _, layer in groupby(directories, depth) if kind in OF_DIRECTORIES)]


def depth(path: Path) -> int:
    return len(path.parts)


def replace(path: Path, kind: str, outside: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            os.mknod(path, stat.S_IFSOCK | 0o644)
        case "directory":
            path.mkdir()
            (path / "file").touch()
        case "unreadable":
            path.touch(0)
        case _:
            path.symlink_to({"link": outside, "dangling": path.parent / "nowhere", "loop": path}[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_keeps_an_instance_from_its_start(kind: str, started: Host, tmp_path: Path) -> None:
    tops = {started.home: tmp_path / "copy", started.root / "var/lib/datalab": tmp_path / "here"}
    for top, copy in tops.items():
        shutil.copytree(top, copy, symlinks=True)
    for kinds in layers(places(started), kind):
        for path, other in kinds.items():
            replace(path, other, started.root / "outside")
        begin = time.monotonic()
        output = started.start()
        assert time.monotonic() - begin < 9, kinds
        assert [step for step in STEPS if f" {step}: " not in output] == [], kinds
        assert (started.root / "outside").read_text() == OUTSIDE, kinds
        if kinds.get(started.volume / ".datalab/status.json", "directory") != "directory":
            assert set(started.status) == set(STEPS)
        for top, copy in tops.items():
            shutil.rmtree(top)
            shutil.copytree(copy, top, symlinks=True)
