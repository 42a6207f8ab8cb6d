# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real Jupyter server: the notebook of a kernel, the effects of a save, and outputs with no tab open."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from websocket import create_connection

from .kernels import SOURCE, sockets

CODE = "import time\nprint('early', flush=True)\ntime.sleep(1)\nprint('late', flush=True)\n40 + 2"


class Server:
    """A server with one kernel spec, whose kernels have the extension."""

    def __init__(self, python: Path, place: Path, *, older: bool = False, **kernel: str) -> None:
        self.place = place
        self.env = {
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "DATALAB_STATE_ROOT": str(place / "state"),
            "DATALAB_STATE_SOCKETS": str(sockets(place)),
            "DATALAB_STATE_EVERY": "0",
            "IPYTHONDIR": str(place / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
            "JUPYTER_CONFIG_DIR": str(place / "config"),
            "JUPYTER_PATH": str(place / "share"),
        }
        spec = place / "share" / "kernels" / "python3"
        spec.mkdir(parents=True)
        argv = [
            *(["env", "-u", "JPY_SESSION_NAME"] if older else []),
            str(python),
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            "--ext=datalab_state",
        ]
        document = {"argv": argv, "display_name": "Python", "language": "python", "env": kernel}
        (spec / "kernel.json").write_text(json.dumps(document))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        home = place / "home"
        home.mkdir()
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={self.url[17:]}"]
        options = ["--ServerApp.port_retries=0", "--IdentityProvider.token=secret", f"--ServerApp.root_dir={home}"]
        log = (place / "server.log").open("w")
        self.process = subprocess.Popen([*command, *options], env=self.env, stdout=log, stderr=log, cwd=place)
        self.wait(lambda: self.ask("/api/status"))

    def wait(self, what: Callable[[], Any], seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while True:
            try:
                found = what()
            except OSError:
                found = None
            if found or time.monotonic() > end:
                assert found, (self.place / "server.log").read_text()
                return found
            time.sleep(0.1)

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": "token secret"}
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own
            return json.load(answer)

    def open(self, name: str) -> tuple[Any, BlockingKernelClient]:
        """Open a session of a notebook; return it and a client that bypasses the server, which sees no connection."""
        body = {"path": name, "name": Path(name).name, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.ask("/api/sessions", body)
        file = self.place / "runtime" / f"kernel-{session['kernel']['id']}.json"
        client = BlockingKernelClient(connection_file=str(self.wait(lambda: file.exists() and file)))
        client.load_connection_file()
        client.start_channels(hb=False)
        client.wait_for_ready(timeout=60)
        return session, client


@pytest.fixture
def serve(python: Path, place: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*, older: bool = False, **kernel: str) -> Server:
        servers.append(Server(python, place, older=older, **kernel))
        return servers[-1]

    yield start
    for server in servers:
        server.process.terminate()
        server.process.wait(30)


def run_cell(client: BlockingKernelClient, code: str, cell: str) -> None:
    """Run a cell as JupyterLab does, with the cell's id in the metadata."""
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = client.session.msg("execute_request", content, metadata={"cellId": cell})
    client.shell_channel.send(message)


def value(client: BlockingKernelClient, expression: str) -> str:
    reply = client.execute("", user_expressions={"it": expression}, store_history=False, reply=True, timeout=60)
    return str(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])


def book(server: Server) -> Path:
    cell: dict[str, Any] = {"cell_type": "code", "id": "a1", "metadata": {}, "source": CODE}
    cell |= {"execution_count": None, "outputs": []}
    path = server.place / "home" / "work.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def save_all(server: Server) -> str:
    """Run the hook that comes before a stop; return its output."""
    command = [sys.executable, "-m", "datalab_state", "save-all"]
    return subprocess.run(command, env=server.env, capture_output=True, text=True, check=True).stdout


SAVED = (
    "[entry['notebook'].rpartition('/')[2] for entry in __import__('datalab_state').listing.entries("
    "__import__('datalab_state').session.settings)]"
)
NAME = "__import__('datalab_state').session.notebook.path"


def test_the_notebook_of_a_kernel(serve: Callable[..., Server]):
    server = serve()
    (server.place / "home" / "deep").mkdir()
    _, client = server.open("deep/work.ipynb")
    assert value(client, NAME) == repr(str(server.place / "home" / "deep" / "work.ipynb"))
    client.stop_channels()


def test_the_notebook_by_the_sessions_of_an_older_server(serve: Callable[..., Server]):
    """The kernel finds its notebook by the server's sessions, since jupyter_server 1 does not tell it the name."""
    server = serve(older=True)
    (server.place / "home" / "deep").mkdir()
    _, client = server.open("deep/work.ipynb")
    client.execute("x = 1", reply=True, timeout=60)
    assert value(client, "'JPY_SESSION_NAME' in __import__('os').environ") == "False"
    assert value(client, "__import__('datalab_state').session.notebook.name").endswith("home/deep/work.ipynb'")
    client.stop_channels()


def test_a_notebook_that_is_renamed_while_its_kernel_runs(serve: Callable[..., Server]):
    """The state follows a notebook that JupyterLab renames, though a restarted kernel gets its first name."""
    server = serve()
    book(server)
    session, client = server.open("work.ipynb")
    client.execute("x = 1\n%state save", reply=True, timeout=60)
    server.ask("/api/contents/work.ipynb", {"path": "named.ipynb"}, "PATCH")
    server.ask(f"/api/sessions/{session['id']}", {"path": "named.ipynb", "name": "named.ipynb"}, "PATCH")
    assert "named.ipynb: 1 saved" in save_all(server)
    assert len(list((server.place / "state").iterdir())) == 1, "what was saved has gone along"

    server.ask(f"/api/kernels/{session['kernel']['id']}/restart", {})
    client.wait_for_ready(timeout=60)
    client.execute("%restore", reply=True, timeout=60)
    assert value(client, "x") == "1"
    client.stop_channels()


def test_a_save_by_itself_finds_the_new_name(serve: Callable[..., Server]):
    """Each save asks for the notebook's name, since a cell must not wait for it."""
    server = serve(DATALAB_STATE_EVERY="1")
    book(server)
    _, client = server.open("work.ipynb")
    client.execute("x = 1", reply=True, timeout=60)
    server.wait(lambda: value(client, SAVED) == "['work.ipynb']")
    (server.place / "home" / "work.ipynb").rename(server.place / "home" / "named.ipynb")
    session = server.ask("/api/sessions")[0]
    server.ask(f"/api/sessions/{session['id']}", {"path": "named.ipynb", "name": "named.ipynb"}, "PATCH")
    client.execute("y = 2", reply=True, timeout=60)
    server.wait(lambda: value(client, SAVED) == "['named.ipynb']")
    client.stop_channels()


def test_a_save_moves_nothing_on_the_server(serve: Callable[..., Server]):
    server = serve()
    session, client = server.open("work.ipynb")
    client.execute("x = 1", reply=True, timeout=60)
    url = f"/api/kernels/{session['kernel']['id']}"
    before = server.wait(lambda: state if (state := server.ask(url))["execution_state"] == "idle" else None)
    time.sleep(1)
    assert "work.ipynb: 1 saved" in save_all(server)
    assert server.ask(url) == before
    client.stop_channels()


def test_late_outputs_are_in_the_notebook(serve: Callable[..., Server]):
    server = serve(DATALAB_STATE_LOOK="0.2")
    path = book(server)
    _, client = server.open("work.ipynb")
    run_cell(client, CODE, "a1")
    server.wait(lambda: "42" in path.read_text())
    written = json.loads(path.read_text())["cells"][0]
    assert written["outputs"][0] == {"output_type": "stream", "name": "stdout", "text": ["early\n", "late\n"]}
    assert written["outputs"][1]["data"] == {"text/plain": ["42"]}
    assert written["execution_count"] == written["outputs"][1]["execution_count"]
    assert server.ask("/api/contents/work.ipynb?content=1")["content"]["cells"][0]["outputs"][1]["data"]
    client.stop_channels()


def test_with_a_tab_open_nothing_is_written(serve: Callable[..., Server]):
    server = serve(DATALAB_STATE_LOOK="0.2")
    path = book(server)
    session, client = server.open("work.ipynb")
    url = f"ws{server.url[4:]}/api/kernels/{session['kernel']['id']}/channels?token=secret"
    tab = create_connection(url, timeout=30)
    run_cell(client, CODE, "a1")
    before = path.read_text()
    time.sleep(4)
    assert path.read_text() == before
    tab.close()
    server.wait(lambda: "42" in path.read_text())
    client.stop_channels()
