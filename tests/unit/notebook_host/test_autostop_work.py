# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real programs: one that computes or moves data is work, with a terminal or without; one that waits is not."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import Instance, autostop
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import wait_for

COMPUTE = "while True: pass"
COMPUTE_A_WHILE = "import time\nwhile time.process_time() < 1.5: pass"
MOVE_DATA = "open({!r}, 'wb').write(bytes(5 * 2**20))\ninput()"
Terminal = Callable[..., Path]


@pytest.fixture
def terminal(instance: Instance) -> Iterator[Terminal]:
    """A function that starts programs, each in its own terminal or in none; autostop sees no other programs."""
    started = []

    def start(*command: str, controlling: bool = True) -> Path:
        user, program = os.openpty()
        tty = ["setsid", "--ctty"] if controlling else ["setsid"]
        process = subprocess.Popen([*tty, *command], stdin=program, stdout=program, stderr=program)
        os.close(program)
        started.append((process, user))
        return see(instance, process.pid)

    yield start
    for process, user in started:
        process.kill()
        process.wait()
        os.close(user)


def see(instance: Instance, process: int) -> Path:
    """Let autostop see a process."""
    (instance.proc / str(process)).symlink_to(f"/proc/{process}")
    return Path("/proc", str(process))


def number_in(file: Path) -> int:
    """Return the number that a program writes to a file, once it is there."""
    wait_for(lambda: file.exists() and file.read_text().endswith("\n"), 60)
    return int(file.read_text())


def cpu_seconds(process: Path) -> float:
    """Return the CPU seconds of a process and the children that it has waited for."""
    fields = (process / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def test_a_silent_program_that_computes_is_work(instance: Instance, terminal: Terminal) -> None:
    program = terminal(sys.executable, "-c", COMPUTE)
    wait_for(lambda: cpu_seconds(program) > 1.1)
    assert instance.tick().endswith(f" works (process {program.name}): keep\n")
    assert instance.called() == []
    again = cpu_seconds(program)
    wait_for(lambda: cpu_seconds(program) > again + 1.1)
    assert instance.tick("--dry-run").endswith(f" works (process {program.name}): keep\n")
    instance.port = 1  # work also counts while Jupyter does not answer
    instance.remember(active=36_000, silence="x", silent=90_000)
    assert instance.tick().endswith(f" works (process {program.name}): keep\n")
    assert instance.called() == []


def test_programs_that_wait_are_no_work(instance: Instance, terminal: Terminal) -> None:
    shell = terminal("bash", "--norc", "-i")
    waiting = terminal(sys.executable, "-c", f"{COMPUTE_A_WHILE}\ninput()")
    pager = terminal("cat")
    wait_for(lambda: cpu_seconds(waiting) >= 1.1)
    assert instance.tick(limit=3600).endswith(f" works (process {waiting.name}): keep\n")
    remembered = {process.split("-")[0] for process in instance.memory["used"]}
    assert remembered == {shell.name, waiting.name, pager.name}
    instance.remember(active=36_000, used=instance.memory["used"])
    assert instance.tick().endswith(" s > 5 s (default): stop\n")


def test_a_shell_that_runs_many_short_programs_is_work(instance: Instance, terminal: Terminal) -> None:
    many = f"for i in 1 2; do {sys.executable} -c 'import time\nwhile time.process_time() < .6: pass'; done; read"
    shell = terminal("bash", "-c", many)
    wait_for(lambda: cpu_seconds(shell) >= 1.1)
    assert instance.tick() == f"bash works (process {shell.name}): keep\n"


def test_a_computation_without_a_terminal_is_work(instance: Instance, terminal: Terminal) -> None:
    program = terminal(sys.executable, "-c", COMPUTE, controlling=False)
    wait_for(lambda: cpu_seconds(program) > 1.1)
    assert instance.tick().endswith(f" works (process {program.name}): keep\n")


@pytest.mark.parametrize("start", ["nohup", "setsid"])
def test_a_program_that_outlives_its_terminal_is_work(instance: Instance, tmp_path: Path, start: str) -> None:
    file = tmp_path / "pid"
    code = f"import time\nwhile True: pass\n# {tmp_path}"  # the cleanup finds the program by this path
    program = f"bash -c 'echo $$ >{file}; exec {sys.executable} -c \"$0\"' '{code}'"
    script = f"{start} {program} <>/dev/null >&0 2>&0 &\nexit\n"
    subprocess.run(["setsid", "script", "-qec", "bash --norc", "/dev/null"], input=script, text=True, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    process = see(instance, number_in(file))
    wait_for(lambda: cpu_seconds(process) > 1.1)
    assert instance.tick().endswith(f" works (process {process.name}): keep\n")


def test_a_notebook_that_is_executed_in_a_terminal_is_work(
    instance: Instance, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    then = f"exec({COMPUTE_A_WHILE!r}); import time; time.sleep(100)"
    code = f"import os; print(os.getpid(), file=open({str(file)!r}, 'w', buffering=1)); {then}"
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), tmp_path / "work.ipynb")
    nbconvert = str(Path(sys.executable).with_name("jupyter-nbconvert"))
    parent = terminal(nbconvert, "--execute", "--to", "notebook", str(tmp_path / "work.ipynb"))
    wait_for(file.exists, 200)  # its imports take long
    kernel = see(instance, number_in(file))
    assert kernel != parent
    wait_for(lambda: cpu_seconds(kernel) >= 1.2)
    assert instance.tick().endswith(f" works (process {kernel.name}): keep\n")


def test_a_program_that_moves_data_is_work(instance: Instance, terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "data"
    program = terminal(sys.executable, "-c", MOVE_DATA.format(str(file)))
    wait_for(lambda: file.exists() and file.stat().st_size == 5 * 2**20)
    assert cpu_seconds(program) < 1
    assert instance.tick().endswith(f" works (process {program.name}): keep\n")
    instance.remember(active=36_000, used=instance.memory["used"])
    assert instance.tick().endswith(": stop\n"), "it has ended"


@pytest.mark.parametrize("name", ["watch", "top", "htop", "jupyter-lab"])
def test_a_program_that_only_shows_is_no_work(
    instance: Instance, terminal: Terminal, tmp_path: Path, name: str
) -> None:
    real = shutil.which("bash")
    assert real is not None
    shutil.copy(real, tmp_path / name)
    many = f"for i in 1 2; do {sys.executable} -c 'import time\nwhile time.process_time() < .6: pass'; done; read"
    shell = terminal(str(tmp_path / name), "-c", many)
    wait_for(lambda: cpu_seconds(shell) >= 1.1)
    assert instance.tick().endswith(": stop\n")


def test_another_program_with_the_same_number_starts_at_none(instance: Instance, terminal: Terminal) -> None:
    program = terminal(sys.executable, "-c", f"{COMPUTE_A_WHILE}\ninput()")
    wait_for(lambda: cpu_seconds(program) >= 1.1)
    instance.remember(active=36_000, used={f"{program.name}-1": [10**9, 10**12]})
    assert " works (process " in instance.tick()


@pytest.mark.parametrize("name", ["a) b (c", "\udcff\udcfe"])
def test_any_name_of_a_program(instance: Instance, terminal: Terminal, name: str) -> None:
    renamed = f"printf %s \"$1\" >/proc/$$/comm; {sys.executable} -c '{COMPUTE_A_WHILE}'; read"
    shell = terminal("bash", "-c", renamed, "-", name)
    wait_for(lambda: cpu_seconds(shell) >= 1.1)
    assert instance.tick().endswith(f" works (process {shell.name}): keep\n")


def test_typing_is_a_person_and_output_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    user, program = os.openpty()
    path = Path(os.ttyname(program))
    (tmp_path / path.name).symlink_to(path)
    (tmp_path / "999999").symlink_to(tmp_path / "closed by now")
    monkeypatch.setattr(autostop, "TERMINALS", str(tmp_path))
    os.utime(path, (1e9, 1e9))
    os.write(program, b"output\n")
    os.read(user, 100)
    assert path.stat().st_mtime > 1e9
    assert autostop.typed() == ["2001-09-09 01:46:40+00:00"]
    os.write(user, b"input\n")
    os.read(program, 100)
    assert autostop.typed()[0] > "2026"
    os.close(user)
    os.close(program)


# datalab-hold


class Hold:
    """The installed datalab-hold."""

    def __init__(self, instance: Instance) -> None:
        self.program = instance.host.root / "usr/local/bin/datalab-hold"
        self.holder = f"^/bin/bash {instance.installed}/run held"

    def __call__(self, *arguments: str, expect: int = 0) -> str:
        """Run datalab-hold, and return its output."""
        done = subprocess.run(
            [self.program, *arguments], capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"}
        )
        assert done.returncode == expect, done.stderr
        return done.stdout + done.stderr

    def holders(self) -> list[int]:
        """Return the processes of holds, which autostop has to see."""
        found = subprocess.run(["pgrep", "-f", self.holder], capture_output=True, text=True, check=False)
        return [int(pid) for pid in found.stdout.split()]


@pytest.fixture
def hold(instance: Instance) -> Iterator[Hold]:
    """datalab-hold, as the start installs it."""
    instance.install()
    (instance.host.root / "run/systemd/system").mkdir(parents=True)
    instance.host.run("step_autostop")
    hold = Hold(instance)
    yield hold
    for process in hold.holders():
        os.kill(process, signal.SIGTERM)


def test_a_hold_keeps_an_idle_instance_and_is_told(instance: Instance, hold: Hold) -> None:
    assert hold("6h").startswith("Autostop waits until 20")
    wait_for(hold.holders)
    (holder,) = hold.holders()
    see(instance, holder)
    wait_for(lambda: Path(f"/proc/{holder}/comm").read_text().startswith("until "))
    end = time.strftime("%a %H:%M", time.gmtime(time.time() + 6 * 3600))
    assert instance.tick().startswith(f"held until {end[:-2]}")
    assert instance.told()[-1].startswith(f"notice|autostop|Autostop waits: held until {end[:-2]}")
    os.kill(holder, signal.SIGTERM)
    wait_for(lambda: not hold.holders())
    (instance.proc / str(holder)).unlink()
    assert re.match(r"idle \d s <= 3,600 s", instance.tick(limit=3600)), "it was as good as work"
    assert instance.told()[-1] == "notice|autostop"


def test_a_hold_has_the_command_and_its_path(hold: Hold) -> None:
    command = f'until held=$(pgrep -fa "{hold.holder}"); do sleep 0.05; done; echo "$PATH ${{held##* }} $$ $1"; exit 7'
    said = hold("1h", "bash", "-c", command, "-", "a b", expect=7).splitlines()
    path, waits_for, process, argument = said[1].split(" ", 3)
    assert (path, argument) == (os.environ["PATH"], "a b")
    assert waits_for == process
    wait_for(lambda: not hold.holders(), 60)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("6",),
        ("30h",),
        ("0h",),
        ("-1h",),
        ("x",),
        ("until",),
        ("until", ""),
        ("until", "25:00"),
        ("until", "yesterday"),
    ],
    ids=" ".join,
)
def test_an_invalid_hold_is_one_sentence(hold: Hold, arguments: tuple[str, ...]) -> None:
    said = hold(*arguments, expect=2)
    assert said == ("Use datalab-hold 6h or datalab-hold until 18:00, perhaps with a command, for 24 h at most.\n")
    assert hold.holders() == []
