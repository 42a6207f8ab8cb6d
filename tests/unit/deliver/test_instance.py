# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls of `datalab` at the same moment on one instance: each is a process, and nothing is downloaded."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest

# A call whose installation waits for a line, and whose command waits for another one.
CALL = """
import sys
from pathlib import Path
from datalab_deliver import instance

def install(archive, base, place):
    if sys.stdin.readline() != "install\\n":
        raise OSError("no space")
    (place / "bin").mkdir()
    (place / "bin" / "python").write_text("#!/bin/sh\\necho running; read line; cat $0 >/dev/null && echo there\\n")
    (place / "bin" / "python").chmod(0o755)

instance.install = install
sys.path[0] = sys.argv.pop(1)
instance.main()
"""
INSTALLS = "Installing the packages that datalab needs, once: about a minute.\n"
WAITS = "Waiting for another call of datalab, which installs the packages that datalab needs.\n"


@pytest.fixture
def call(tmp_path):
    """Return a function that begins a call of a version, and returns its process."""
    (tmp_path / "home").mkdir()
    with ExitStack() as stack:

        def begin(version):
            (tmp_path / version).write_text(version)
            command = [sys.executable, "-c", CALL, tmp_path / version]
            environment = {"HOME": str(tmp_path / "home"), "PYTHONPATH": ":".join(sys.path)}
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield begin


@pytest.fixture
def there(tmp_path):
    """Return a function that lists what is in the folder of the environments."""
    return lambda: sorted(path.name for path in (tmp_path / "home" / "SageMaker" / ".datalab").iterdir())


def say(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()


def test_two_first_calls_install_once(call, there):
    first = call("1")
    assert first.stderr.readline() == INSTALLS
    second = call("1")
    assert second.stderr.readline() == WAITS
    say(first, "install")
    assert [each.communicate("end\n") for each in (second, first)] == [("running\nthere\n", "")] * 2
    assert len(there()) == 1


def test_a_call_that_waited_for_one_that_failed_installs(call, there):
    first = call("1")
    assert first.stderr.readline() == INSTALLS
    second = call("1")
    assert second.stderr.readline() == WAITS
    assert first.communicate("fail\n")[1].startswith("The packages that datalab needs could not be installed: no space")
    assert second.stderr.readline() == INSTALLS
    say(second, "install")
    assert second.communicate("end\n") == ("running\nthere\n", "")
    assert len(there()) == 1


def test_the_environment_of_a_running_command_stays(call, there):
    older = call("1")
    say(older, "install")
    assert older.stdout.readline() == "running\n"
    (its,) = there()
    newer = call("2")
    say(newer, "install")
    assert newer.stdout.readline() == "running\n"
    assert its in there()
    assert len(there()) == 2
    assert [each.communicate("end\n")[0] for each in (older, newer)] == ["there\n"] * 2
    assert call("3").communicate("install\nend\n")[0] == "running\nthere\n"
    assert len(there()) == 1


def test_an_older_environment_stays_if_the_new_one_fails(call, there):
    call("1").communicate("install\nend\n")
    older = there()
    assert call("2").communicate("fail\n")[1].startswith(INSTALLS + "The packages")
    assert there() == older


def test_what_an_interrupted_call_left_is_removed(call, there):
    first = call("1")
    assert first.stderr.readline() == INSTALLS
    first.kill()
    first.wait()
    (left,) = there()
    assert left.startswith("datalab.")
    call("1").communicate("install\nend\n")
    (place,) = there()
    assert place.startswith("datalab-")
