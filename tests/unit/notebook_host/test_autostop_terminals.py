# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs in real terminals that print nothing: what computes is work, what waits is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import Instance
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import wait_for

COMPUTE = "while True: pass"
COMPUTE_A_WHILE = "import time\nwhile time.process_time() < 1.5: pass"
Terminal = Callable[..., Path]


@pytest.fixture
def terminal(instance: Instance) -> Iterator[Terminal]:
    """Starts programs, each in a terminal of its own, where autostop sees them and no others."""
    started = []

    def start(*command: str, controlling: bool = True) -> Path:
        user, program = os.openpty()
        tty = ["setsid", "--ctty"] if controlling else ["setsid"]
        process = subprocess.Popen([*tty, *command], stdin=program, stdout=program, stderr=program)
        os.close(program)
        started.append((process, user))
        real = Path("/proc", str(process.pid))
        (instance.proc / real.name).symlink_to(real)
        return real

    yield start
    for process, user in started:
        process.kill()
        process.wait()
        os.close(user)


def cpu_seconds(process: Path) -> float:
    """Of a process and the children that it has waited for."""
    fields = (process / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def test_a_silent_program_that_computes_is_work(instance: Instance, terminal: Terminal) -> None:
    program = terminal(sys.executable, "-c", COMPUTE)
    wait_for(lambda: cpu_seconds(program) > 1.1)
    assert " is computing in a terminal: keep\n" in instance.tick()
    assert instance.called() == []
    again = cpu_seconds(program)
    wait_for(lambda: cpu_seconds(program) > again + 1.1)
    assert instance.tick("--dry-run").endswith(" is computing in a terminal: keep\n")
    instance.port = 1  # work beats that clock as well
    instance.remember(active=36_000, silence="x", silent=90_000)
    assert instance.tick().endswith(" is computing in a terminal: keep\n")
    assert instance.called() == []


def test_programs_that_wait_are_no_work(instance: Instance, terminal: Terminal) -> None:
    shell = terminal("bash", "--norc", "-i")
    waiting = terminal(sys.executable, "-c", f"{COMPUTE_A_WHILE}\ninput()")
    pager = terminal("cat")
    wait_for(lambda: cpu_seconds(waiting) >= 1.1)
    assert instance.tick(IDLE_LIMIT=3600).endswith(" is computing in a terminal: keep\n")
    remembered = {process.split()[0] for process in instance.memory["cpu"]}
    assert remembered == {shell.name, waiting.name, pager.name}
    instance.remember(active=36_000, cpu=instance.memory["cpu"])
    assert instance.tick().endswith(" s > 5 s (default): stop\n")


def test_a_shell_that_runs_many_short_programs_is_work(instance: Instance, terminal: Terminal) -> None:
    many = f"for i in 1 2; do {sys.executable} -c 'import time\nwhile time.process_time() < .6: pass'; done; read"
    shell = terminal("bash", "-c", many)
    wait_for(lambda: cpu_seconds(shell) >= 1.1)
    assert instance.tick() == "bash is computing in a terminal: keep\n"


def test_what_computes_elsewhere_is_not_in_a_terminal(instance: Instance, terminal: Terminal) -> None:
    program = terminal(sys.executable, "-c", COMPUTE, controlling=False)
    wait_for(lambda: cpu_seconds(program) > 1.1)
    assert instance.tick().endswith(": stop\n")


def test_another_program_with_the_same_number_starts_at_none(instance: Instance, terminal: Terminal) -> None:
    program = terminal(sys.executable, "-c", f"{COMPUTE_A_WHILE}\ninput()")
    wait_for(lambda: cpu_seconds(program) >= 1.1)
    instance.remember(active=36_000, cpu={f"{program.name} 1": 10**9})
    assert " is computing in a terminal: keep\n" in instance.tick()


@pytest.mark.parametrize("name", ["a) b (c", "\udcff\udcfe"])
def test_any_name_of_a_program(instance: Instance, terminal: Terminal, name: str) -> None:
    renamed = f"printf %s \"$1\" >/proc/$$/comm; {sys.executable} -c '{COMPUTE_A_WHILE}'; read"
    shell = terminal("bash", "-c", renamed, "-", name)
    wait_for(lambda: cpu_seconds(shell) >= 1.1)
    assert instance.tick().endswith(" is computing in a terminal: keep\n")
