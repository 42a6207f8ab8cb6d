# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Autostop and a real Jupyter: jupyter.json has recorded answers, and today's must have the same shape."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import Instance, autostop
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host, wait_for

# If it is deleted, the next run records it again.
RECORDED = Path(__file__).with_name("jupyter.json")
STATES = ["nothing", "unconnected", "idle", "busy", "closed"]
WAIT_FOR_AN_INTERRUPT = "import time\nwhile True: time.sleep(0.1)"


def written(file: Path) -> bool:
    """Return whether the file has content, and was not only created."""
    return file.stat().st_size > 0


class RealJupyter:
    """A Jupyter server as it runs on an instance."""

    def __init__(self, directory: Path, certificate: Path) -> None:
        self.runtime = directory / "runtime"
        places = {name: str(directory) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
        settings = ["ip=127.0.0.1", "open_browser=False", "allow_root=True", "disable_check_xsrf=True", "port=0"]
        settings += [f"certfile={certificate}", f"keyfile={certificate}", f"root_dir={directory}"]
        with (directory / "log").open("w") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("jupyter-server"), *(f"--ServerApp.{setting}" for setting in settings),
                 "--IdentityProvider.token="],
                env={**os.environ, **places, "JUPYTER_RUNTIME_DIR": str(self.runtime)}, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(lambda: self.process.poll() is not None or any(map(written, self.runtime.glob("jpserver-*.json"))), 60)
        assert self.process.poll() is None, (directory / "log").read_text()
        (information,) = self.runtime.glob("jpserver-*.json")
        self.address = f"127.0.0.1:{json.loads(information.read_text())['port']}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        connection = HTTPSConnection(self.address, timeout=60, context=tls)
        connection.request(method, f"/api/{path}", json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.status < 300, content
        return json.loads(content) if content else None

    def lists(self) -> dict[str, Any]:
        return {what: self.call("GET", what) for what in ("sessions", "kernels")}

    def is_state(self, state: str) -> bool:
        """Whether the kernel of the only session is in this state."""
        return bool(self.call("GET", "sessions")[0]["kernel"]["execution_state"] == state)

    def client(self, kernel: str) -> BlockingKernelClient:
        """Connect to a kernel as a notebook in a browser does; return once the kernel of the only session is idle."""
        client = BlockingKernelClient(connection_file=str(self.runtime / f"kernel-{kernel}.json"))
        client.load_connection_file()
        client.start_channels(hb=False)
        wait_for(lambda: client.kernel_info() and self.is_state("idle"), 60)
        return client


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[RealJupyter]:
    """A real Jupyter, started once."""
    jupyter = RealJupyter(tmp_path_factory.mktemp("jupyter"), certificate)
    yield jupyter
    jupyter.process.terminate()
    jupyter.process.wait(timeout=30)


def shape(answer: Any) -> Any:
    """The names and types in an answer, without repetitions."""
    if isinstance(answer, dict):
        return {key: shape(value) for key, value in sorted(answer.items())}
    if isinstance(answer, list):
        return [shape(item) for item in answer[:1]]
    return re.sub(r"\d", "9", answer) if isinstance(answer, str) and answer.endswith("Z") else type(answer).__name__


def test_a_real_jupyter_from_start_to_stop(real: RealJupyter, host: Host, scripts: dict[str, dict[str, str]]) -> None:
    instance = Instance(host, scripts["only autostop"]["on-start-unpacked.sh"], int(real.address.rpartition(":")[2]))
    instance.options["limit"] = 3600
    answers = {"nothing": real.lists()}
    assert instance.tick() == "idle 36,000 s > 3,600 s (default): stop\n"

    lonely = real.call("POST", "kernels", {"name": "python3"})["id"]
    answers["unconnected"] = real.lists()
    assert answers["unconnected"]["kernels"][0]["execution_state"] == "starting"
    assert instance.tick().endswith(" s <= 3,600 s (default): keep\n"), "somebody has started it"
    real.call("DELETE", f"kernels/{lonely}")

    notebook = {"path": "train.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}}
    session = real.call("POST", "sessions", notebook)
    client = real.client(session["kernel"]["id"])
    answers["idle"] = real.lists()
    instance.remember(active=36_000)
    assert re.fullmatch(r"idle \d+ s <= 3,600 s \(default\): keep\n", instance.tick())
    seen = instance.memory["stamps"]
    instance.remember(active=36_000, stamps=seen)
    assert instance.tick().endswith(": stop\n"), "nothing is new, although the notebook is still open"

    client.execute(WAIT_FOR_AN_INTERRUPT)
    wait_for(lambda: real.is_state("busy"))
    answers["busy"] = real.lists()
    instance.remember(active=36_000, stamps=seen)
    assert instance.tick() == "train.ipynb is computing: keep\n"
    real.call("POST", f"kernels/{session['kernel']['id']}/interrupt", {})
    wait_for(lambda: real.is_state("idle"))
    client.stop_channels()

    real.call("DELETE", f"sessions/{session['id']}")
    answers["closed"] = real.lists()
    assert re.fullmatch(r"idle \d+ s <= 3,600 s \(default\): keep\n", instance.tick())

    if not RECORDED.exists():
        RECORDED.write_text(json.dumps({state: answers[state] for state in STATES}, indent=1) + "\n")
    assert shape(answers) == shape(json.loads(RECORDED.read_text()))


IDLE = """
import threading, subprocess, sys
burn = "import time\\nwhile time.thread_time() < 1.5: pass"
"""
IN_A_THREAD = "threading.Thread(target=exec, args=(burn, {})).start()"
IN_A_PROCESS = "print(subprocess.Popen([sys.executable, '-c', burn + '\\ninput()'], stdin=subprocess.PIPE).pid)"


def descendants(process: int) -> list[int]:
    """A process and all of its running descendants."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(pid for child in children for pid in descendants(int(child)))]


def test_an_idle_jupyter_is_no_work_and_what_an_idle_kernel_has_started_is(
    real: RealJupyter, host: Host, scripts: dict[str, dict[str, str]]
) -> None:
    instance = Instance(host, scripts["only autostop"]["on-start-unpacked.sh"], int(real.address.rpartition(":")[2]))
    instance.options["limit"] = 3600

    def tick(**memory: Any) -> str:
        """Run a tick with all of Jupyter's processes and this memory of the last tick, after ten idle hours."""
        for process in descendants(real.process.pid):
            with suppress(FileExistsError):
                (instance.proc / str(process)).symlink_to(f"/proc/{process}")
        instance.remember(active=36_000, **memory)
        return instance.tick()

    def works(before: dict[str, Any]) -> bool:
        return re.match(r"python[\d.]* works \(process \d+\): keep\n", tick(**before)) is not None

    notebook = {"path": "idle.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}}
    kernel = real.call("POST", "sessions", notebook)["kernel"]["id"]
    terminal = real.call("POST", "terminals")["name"]
    client = real.client(kernel)
    with ExitStack() as stack:
        stack.callback(client.stop_channels)
        client.execute_interactive(IDLE, timeout=60)
        wait_for(lambda: real.is_state("idle"))
        tick()
        before = {key: instance.memory[key] for key in ("stamps", "used")}
        for _ in range(10):
            assert tick(**before).endswith(": stop\n"), (before, instance.memory)
        assert len(before["used"]) >= 3, "server, kernel and shell"
        for what in (IN_A_THREAD, IN_A_PROCESS):
            client.execute_interactive(what, timeout=60)
            wait_for(lambda: real.is_state("idle"))
            wait_for(partial(works, before), 60)
            before = {key: instance.memory[key] for key in ("stamps", "used")}
    real.call("DELETE", f"sessions/{real.call('GET', 'sessions')[0]['id']}")
    real.call("DELETE", f"terminals/{terminal}")


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that lets Jupyter give the recorded answers of a state."""

    def answer(state: str) -> None:
        monkeypatch.setattr(autostop, "ask_jupyter", json.loads(RECORDED.read_text())[state].get)

    return answer


@pytest.mark.parametrize(
    ("state", "idle"),
    [("nothing", None), ("unconnected", 60), ("idle", 60), ("closed", None)],
)
def test_recorded_answers_of_jupyter_are_understood(
    recorded: Callable[[str], None], state: str, idle: int | None
) -> None:
    recorded(state)
    busy, stamps = autostop.observe(SimpleNamespace(ignore_connections=False))
    assert busy == ""
    latest = max((datetime.fromisoformat(stamp).timestamp() for stamp in stamps), default=0.0)
    memory = autostop.Memory(100_000.0, latest + 60)
    memory.last = memory.active = 0.0
    autostop.remember(memory, set(stamps))
    assert memory.now - memory.active == pytest.approx(100_000 if idle is None else idle, abs=1)


def test_recorded_answers_of_a_busy_jupyter_are_understood(recorded: Callable[[str], None]) -> None:
    recorded("busy")
    assert autostop.observe(SimpleNamespace(ignore_connections=True))[0] == "train.ipynb is computing"
