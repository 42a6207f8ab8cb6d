# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run ansible-playbook and its modules in forks of processes that have imported Ansible and boto3.

These imports take a second of each run of a playbook and a quarter of a second of each module, and packing a module
takes another quarter in each run. The results are the same each time, as are those that caches.py keeps. Nothing of a
collection is imported before the fork, and each run has its own process, arguments, output and temporary files.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, recv_fds, socket
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from types import ModuleType

PRELOADED = {
    "playbooks": (
        "ansible.cli.playbook",
        "ansible.executor.playbook_executor",
        "ansible.executor.task_executor",
        "ansible.plugins.action.normal",
        "ansible.plugins.callback.default",
        "ansible.plugins.connection.local",
        "ansible.plugins.strategy.linear",
        "boto3",
        "botocore.model",
    ),
    "modules": (
        "ansible.module_utils._internal._ansiballz._loader",
        "boto3",
        "botocore.client",
        "botocore.httpsession",
        "concurrent.futures.thread",
    ),
}
OUTPUTS = ("stdout", "stderr")
PACKED = "ansiballz_cache"  # where Ansible keeps packed modules for the length of a run
COMPILED = "compiled"
PYTHON = """#!{python} -IS
import json, os, socket, sys
if len(sys.argv) != 2 or "/AnsiballZ_" not in sys.argv[1]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({modules!r})
    socket.send_fds(connection, [b"-"], [0, 1, 2])
    connection.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    code = connection.makefile().readline()
sys.exit(int(code or 1))
"""


class WarmPlaybooks:
    """Processes with this environment that fork for each run of ansible-playbook; they end with their parent."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="warm-"))  # a short path, as sockets need it
        for name in (PACKED, COMPILED):
            (self._directory / name).mkdir()
        python = self._directory / "python"
        modules = str(self._directory / "modules")
        python.write_text(PYTHON.format(python=sys.executable, modules=modules), encoding="utf-8")
        python.chmod(0o700)
        self.processes = [self._start(kind, home, environment) for kind in PRELOADED]

    def _start(self, kind: str, home: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, __file__, kind, self._directory / kind],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert process.stdout
        assert process.stdout.readline(), f"what forks for {kind} has not started"
        return process

    def __call__(self, command: Sequence[str], environment: Mapping[str, str], seconds: float) -> tuple[int, str, str]:
        """Run a playbook; return its exit code and its output."""
        output = Path(tempfile.mkdtemp(dir=self._directory))
        with socket(AF_UNIX, SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(str(self._directory / "playbooks"))
            connection.sendall(json.dumps([command, dict(environment), str(output)]).encode() + b"\n")
            try:
                answer = connection.makefile().readline()
            except TimeoutError:
                answer = ""
        stdout, stderr = ((output / name).read_text(encoding="utf-8") for name in OUTPUTS)
        assert answer, f"ansible-playbook has died, or not ended in {seconds} s\n{stdout}\n{stderr}"
        return int(answer), stdout, stderr

    def forget(self) -> None:
        """Wait for the processes to end, and remove the files of all runs."""
        for process in self.processes:
            process.communicate()
        shutil.rmtree(self._directory)


class _PlaybookRun(StreamRequestHandler):
    """A run of ansible-playbook, in the process that was forked for it."""

    def handle(self) -> None:
        sys.argv, environment, output = json.loads(self.rfile.readline())
        os.environ.update(environment)
        for number, name in enumerate(OUTPUTS, start=1):
            os.dup2(os.open(Path(output, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        self.wfile.write(b"%d\n" % _play(Path(output).parent))


def _play(directory: Path) -> int:
    from ansible import constants  # noqa: PLC0415  # not in the process of pytest
    from ansible.cli.playbook import main  # noqa: PLC0415  # the same

    own = tempfile.mkdtemp(prefix="ansible-local-", dir=directory)
    Path(own, PACKED).symlink_to(directory / PACKED)
    constants.DEFAULT_LOCAL_TMP = own
    sys.executable = str(directory / "python")  # runs modules
    try:
        return _exit_code(main, sys.argv)
    finally:
        shutil.rmtree(own)


class _ModuleRun(StreamRequestHandler):
    """A module, in the process that was forked for it."""

    def handle(self) -> None:
        _, descriptors, _, _ = recv_fds(self.request, 1, 3)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        arguments, directory, environment = json.loads(self.rfile.readline())
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).parent))
        self.wfile.write(b"%d\n" % _exit_code(runpy.run_path, arguments[0], run_name="__main__"))


def _exit_code(run: Callable[..., object], *arguments: object, **more: object) -> int:
    try:
        run(*arguments, **more)
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


class _Server(ForkingMixIn, UnixStreamServer):
    request_queue_size = 50
    parent = os.getppid()

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.parent:
            sys.exit()


def _use_module_utils_alone() -> None:
    """Replace the package `ansible` by an empty one: where a module runs, it has module_utils and nothing else."""
    installed = find_spec("ansible")
    assert installed
    package = sys.modules["ansible"] = ModuleType("ansible")
    package.__file__, package.__path__ = installed.origin, installed.submodule_search_locations or []


def main(kind: str, path: str) -> None:
    """Fork for each connection to the socket at this path."""
    if kind == "modules":
        _use_module_utils_alone()
    for name in PRELOADED[kind]:
        import_module(name)
    import caches  # type: ignore[import-not-found]  # noqa: PLC0415  # beside this file; it imports boto3

    caches.compile_once(Path(path).parent / COMPILED)
    if kind == "modules":
        caches.parse_models_once()
        caches.shorten_sleeps()
    caches.share_memory()
    with _Server(path, RUNS[kind]) as server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        server.serve_forever()


RUNS = {"playbooks": _PlaybookRun, "modules": _ModuleRun}

if __name__ == "__main__":
    main(*sys.argv[1:])
