# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start and end of the server process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .client import Sandbox
from .state import StateDir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .machines import Settings

START_SECONDS = 60
STOP_SECONDS = 30  # machines need time to stop


class NotStartedError(RuntimeError):
    """The server did not come up."""


def find(state: StateDir) -> Sandbox | None:
    """Return the sandbox that runs with this state directory, if there is one."""
    try:
        return Sandbox(state.endpoint) if state.is_running() else None
    except FileNotFoundError:  # the server is starting or stopping
        return None


def start(state: StateDir, port: int, transition_seconds: float, machines: Settings | None = None) -> Sandbox:
    """Start a server that outlives this process, and wait until it answers."""
    return _ready(_launch(state, port, transition_seconds, machines, stdin=subprocess.DEVNULL), state)


def stop(state: StateDir) -> bool:
    """End the server if one runs, and return whether one did."""
    if find(state) is None:
        return False
    os.kill(state.pid, signal.SIGTERM)
    with state.locked(wait=STOP_SECONDS) as ended:
        if not ended:
            os.kill(state.pid, signal.SIGKILL)
    with state.locked(wait=STOP_SECONDS):
        state.forget()
    return True


@contextmanager
def running(transition_seconds: float = 0, port: int = 0, machines: Settings | None = None) -> Iterator[Sandbox]:
    """Run a separate sandbox, by default on a free port, until the block or this process ends."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as directory:
        state = StateDir(Path(directory))
        process = _launch(state, port, transition_seconds, machines, stdin=subprocess.PIPE)
        try:
            yield _ready(process, state)
        finally:
            process.terminate()
            process.communicate(timeout=STOP_SECONDS)


def _launch(
    state: StateDir, port: int, transition_seconds: float, machines: Settings | None, stdin: int
) -> subprocess.Popen[str]:
    state.path.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"{__package__}.server", "--state-dir", str(state.path)]
    command += ["--port", str(port), "--transition-seconds", str(transition_seconds)]
    if machines:
        command += ["--machines", machines.to_json()]
    if stdin == subprocess.PIPE:
        command.append("--while-stdin-is-open")
    if not state.is_running():
        state.log.unlink(missing_ok=True)
    with state.log.open("a") as log:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
            start_new_session=True,
            text=True,
        )


def _environment() -> dict[str, str]:
    """Return the caller's environment, changed so that the server finds this package and has moto's default account."""
    environment = dict(os.environ)
    environment.pop("MOTO_ACCOUNT_ID", None)
    package_parent = str(Path(__file__).resolve().parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [package_parent, environment.get("PYTHONPATH")]))
    return environment


def _ready(process: subprocess.Popen[str], state: StateDir) -> Sandbox:
    """Return the sandbox as soon as its process has announced the endpoint and answers there."""
    assert process.stdout
    announced, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    endpoint = process.stdout.readline().strip() if announced else ""
    if not endpoint:
        process.kill()
        process.wait()
        raise NotStartedError(f"The sandbox did not start:\n{state.log.read_text()[-2000:]}")
    sandbox = Sandbox(endpoint)
    sandbox.status()
    return sandbox
