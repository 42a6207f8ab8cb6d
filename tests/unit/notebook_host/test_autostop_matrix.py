# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Situations on an instance that has otherwise been idle for two hours: the table of docs/autostop.md.

Processes use as much CPU and I/O as real ones did in five minutes. The last column says what AWS's sample script does,
by its published source, if it is deployed with `--time 3600 --ignore-connections`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import (
    HOUR,
    NOW,
    OPTIONS,
    UPTIME,
    ago,
    autostop,
    kernel,
    session,
    write_process,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import ROLE

PAGE = ROLE.parents[1] / "docs" / "autostop.md"

MIB = 2**20
SESSION = "/user.slice/user-1000.slice/session-c1.scope"
STOPS, KEEPS = "stops", "keeps"


@dataclass(frozen=True)
class Process:
    """A process, and its CPU seconds and MiB since the last tick, or since it began if it is new."""

    name: str
    cpu: float = 0.0
    mib: float = 0.0
    group: str = SESSION
    is_own: bool = True
    is_new: bool = False


# The processes of every instance: a server that an open tab polls, idle kernels and a shell.
IDLE = (
    Process("jupyter-lab", 0.56, 0.6),
    Process("python", 0.02),
    Process("python", 0.02),
    Process("bash"),
    Process("systemd", 0.1, group="/user.slice/user-1000.slice/user@1000.service/init.scope"),
)


@dataclass(frozen=True)
class Row:
    """A row of the table, and the situation behind it. Times are in seconds before now."""

    what: str
    ours: str
    sample: str
    processes: tuple[Process, ...] = ()
    sessions: tuple[Any, ...] = (session(kernel(2 * HOUR)),)
    kernels: tuple[Any, ...] = ()
    typed: int = 2 * HOUR
    active: int = 2 * HOUR
    seen: tuple[str, ...] = (ago(2 * HOUR),)
    clock: int = 0
    silent: int | None = None
    tag: str | None = ""  # None: cannot be read
    options: dict[str, Any] = field(default_factory=dict)


def own(name: str, cpu: float = 0.0, mib: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"processes": (Process(name, cpu, mib, **more),)}


def others(name: str, cpu: float, group: str) -> dict[str, Any]:
    return {"processes": (Process(name, cpu, group=group, is_own=False),)}


DOWN: dict[str, Any] = {"sessions": (), "silent": 3 * HOUR, "active": 3 * HOUR}
DOCKER = "/system.slice/docker-0123456789abcdef.scope"

ROWS = [
    Row("a cell computes", KEEPS, KEEPS, sessions=(session(kernel(2 * HOUR, "busy")),)),
    Row("a kernel without a notebook computes", KEEPS, STOPS, sessions=(), kernels=(kernel(2 * HOUR, "busy"),)),
    Row("one of two notebooks computes", KEEPS, KEEPS,
        sessions=(session(kernel(2 * HOUR)), session(kernel(2 * HOUR, "busy")))),
    Row("`python train.py` in a terminal", KEEPS, STOPS, **own("python", 290)),
    Row("`papermill` or `nbconvert --execute` in a terminal", KEEPS, STOPS,
        processes=(Process("papermill", 0.4, 0.1), Process("python", 290, 0.1))),
    Row("`nohup … &`, and the terminal was closed", KEEPS, STOPS, **own("python", 290)),
    Row("a program in `tmux` or `screen`, detached", KEEPS, STOPS, **own("python", 290)),
    Row("`setsid`", KEEPS, STOPS, **own("train.sh", 290)),
    Row("a process that an idle kernel has started", KEEPS, STOPS, **own("python", 290)),
    Row("a thread of an idle kernel", KEEPS, STOPS, **own("python", 290)),
    Row("many short programs, one after the other", KEEPS, STOPS, **own("make", 60)),
    Row("a program that began since the last look", KEEPS, STOPS, **own("python", 11, is_new=True)),
    Row("a computation on Ray", KEEPS, STOPS, **own("ray::train", 290)),
    Row("a container without a terminal, of another user's", KEEPS, STOPS, **others("python3", 290, DOCKER)),
    Row("a container of Docker's own control group", KEEPS, STOPS, **others("python3", 290, "/docker/0123456789")),
    Row("`sudo python train.py`", KEEPS, STOPS, **others("python", 290, SESSION)),
    Row("`sudo`, where Jupyter is a service", KEEPS, STOPS,
        **others("python", 290, "/system.slice/jupyter-server.service")),
    Row("a job of the person's crontab", KEEPS, STOPS, **own("python", 290, group="/system.slice/crond.service")),
    Row("a training on the GPU that waits with one CPU", KEEPS, STOPS, **own("python", 250)),
    Row("a slow download, 40 KB/s, by `curl` or `wget`", KEEPS, STOPS, **own("curl", 0.4, 12)),
    Row("`aws s3 sync`, 40 KB/s", KEEPS, STOPS, **own("aws", 3, 24)),
    Row("`pip install` or `conda install`", KEEPS, STOPS, **own("conda", 40, 300)),
    Row("`psql` waits for a server", STOPS, STOPS, **own("psql", 0.01)),
    Row("`datalab-hold 6h psql …`, or `datalab-hold until 18:00`", KEEPS, STOPS, **own("until Fri 18:00")),
    Row("nothing: idle server, kernels and shells", STOPS, STOPS),
    Row("nothing, and nothing was ever opened", STOPS, STOPS, sessions=()),
    Row("JupyterLab is open in a browser", STOPS, STOPS, sessions=(session(kernel(2 * HOUR, connections=1)),)),
    Row("the same, with `notebook_host_ignore_connections: false`", KEEPS, STOPS,
        sessions=(session(kernel(2 * HOUR, connections=1)),), options={"ignore_connections": False}),
    Row("JupyterLab is open, and its Git extension looks all the time", STOPS, STOPS, **own("jupyter-lab", 30, 40)),
    Row("a forgotten `top` or `htop`", STOPS, STOPS, **own("htop", 6, 30)),
    Row("a forgotten `watch nvidia-smi`", STOPS, STOPS, **own("watch", 60, 166)),
    Row("a program prints to a terminal, such as `tail -f`", STOPS, STOPS, **own("tail", 0.01, 0.2)),
    Row("`less`, `vim` or a prompt of Python waits", STOPS, STOPS, **own("vim")),
    Row("an idle cluster of Dask or Ray, TensorBoard, or an idle JVM", STOPS, STOPS,
        processes=(Process("dask", 7.5, 2.1), Process("raylet", 1.7, 3.2), Process("tensorboard", 0.2))),
    Row("a service of the machine computes", STOPS, STOPS,
        **others("ssm-agent-worke", 290, "/system.slice/amazon-ssm-agent.service")),
    Row("systemd itself, or the kernel, computes", STOPS, STOPS,
        processes=(Process("systemd", 290, group="/init.scope", is_own=False),
                   Process("kworker/0:1", 290, group="/", is_own=False))),
    Row("a kernel that no client ever connected to", STOPS, KEEPS, sessions=(session(kernel(2 * HOUR, "starting")),)),
    Row("a person types in a terminal", KEEPS, STOPS, typed=60),
    Row("a cell ended ten minutes ago", KEEPS, KEEPS, sessions=(session(kernel(600)),)),
    Row("a notebook was closed ten minutes ago", KEEPS, STOPS, sessions=(), seen=(), active=600),
    Row("the clock was set five hours ahead, ten minutes after work", KEEPS, STOPS, clock=5 * HOUR, active=600,
        sessions=(session(kernel(600)),), seen=(ago(600),)),
    Row("the tag `idle` is `never`", KEEPS, STOPS, tag="never"),
    Row("the tag `idle` is 10800", KEEPS, STOPS, tag="10800"),
    Row("the tag `idle` is `1 h`", STOPS, STOPS, tag="1 h"),
    Row("the tag `idle` could never be read, for up to a day", KEEPS, STOPS, tag=None),
    Row("the same after a day", STOPS, STOPS, tag=None, active=90_000),
    Row("the tag `idle` is `never`, and `notebook_host_idle_timeout_maximum` is 3600", STOPS, STOPS, tag="never",
        options={"maximum": HOUR}),
    Row("Jupyter has been down for three hours", STOPS, KEEPS, **DOWN),
    Row("the same, and the tag `idle` is `never`", KEEPS, KEEPS, tag="never", **DOWN),
    Row("the same, and something computes", KEEPS, KEEPS, **DOWN, **own("python", 290)),
    Row("the same, and a person types in a terminal", KEEPS, KEEPS, typed=60, **DOWN),
    Row("Jupyter has asked for a password for an hour and a half", KEEPS, KEEPS, sessions=(), silent=5400),
]  # fmt: skip


def build(row: Row, directory: Path) -> dict[str, list[int]]:
    """Write the processes and terminals of a machine, and return the memory of the last tick."""
    (directory / "pts").mkdir()
    (directory / "pts" / "0").touch()
    os.utime(directory / "pts" / "0", (NOW - row.typed, NOW))  # mtime is now, since something is always printed
    before = {}
    for number, process in enumerate([*IDLE, *row.processes], 100):
        start = [0, 0] if process.is_new else [5000, 50 * MIB]
        if not process.is_new:
            before[f"{number}-1"] = start
        cpu, moved = start[0] + int(process.cpu * 100), start[1] + int(process.mib * MIB)
        write_process(directory / str(number), process.name, process.group, cpu, moved)
    return before


def decide(row: Row, directory: Path) -> tuple[bool, str]:
    """Return autostop's decision in the situation of a row."""

    def ask_jupyter(what: str) -> list[Any]:
        if row.silent is not None:
            raise OSError("HTTP 403")
        return list({"sessions": row.sessions, "kernels": row.kernels}[what])

    def aws(*_command: str) -> str:
        if row.tag is None:
            raise OSError("AccessDenied")
        return row.tag

    memory = autostop.Memory(UPTIME, NOW + row.clock)
    memory.last, memory.active, memory.stamps = UPTIME - 300, UPTIME - row.active, list(row.seen)
    memory.used = build(row, directory)
    if row.silent is not None:
        memory.silent, memory.silence = UPTIME - row.silent, "no answer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(autostop, "PROC", str(directory))
        patch.setattr(autostop, "TERMINALS", str(directory / "pts"))
        patch.setattr(autostop, "STATE", str(directory / "autostop.json"))
        patch.setattr(autostop, "ask_jupyter", ask_jupyter)
        patch.setattr(autostop, "aws", aws)
        if not all(process.is_own for process in row.processes):
            patch.setattr(os, "getuid", lambda: -1)  # then no process is the user's own
        memory.stamps += autostop.typed() if row.typed > HOUR else []  # the last tick has seen the terminal's stamp
        verdict: tuple[bool, str] = autostop.look(SimpleNamespace(**{**OPTIONS, **row.options}), memory)
        return verdict


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_the_decision(row: Row, tmp_path: Path) -> None:
    stop, reason = decide(row, tmp_path)
    assert (STOPS if stop else KEEPS) == row.ours, reason


def test_the_page_has_this_table() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.endswith((f"| {STOPS} |", f"| {KEEPS} |"))]
    assert lines == [f"| {row.what} | {row.ours} | {row.sample} |" for row in ROWS]
