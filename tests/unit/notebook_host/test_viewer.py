# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step viewer: what a real Jupyter server does and refuses with its configuration."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_notebook

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host, rendered, wait_for

STEPS = {"notebook_host_steps": ["jupyter", "viewer"]}
FILE = {"type": "file", "format": "text", "content": ""}
BODIES = {
    ("PUT", "/api/contents/result.txt"): FILE,
    ("PUT", "/api/contents/new.txt"): FILE,
    ("POST", "/nbconvert/html"): {"content": new_notebook()},
}
NOWHERE = "/api/kernels/00000000-0000-0000-0000-000000000000/channels"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "c29tZSBieXRlcyBoZXJlIQ==",
    "Sec-WebSocket-Version": "13",
}


class Server:
    """A Jupyter server that has read the system-wide configuration of a directory."""

    def __init__(self, configuration: Path, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.configuration = configuration
        home.mkdir()
        (home / "result.txt").write_text("42")
        (home / "work.ipynb").write_text(nbformat.writes(new_notebook()))
        command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--port={self.port}"]
        options = ["--IdentityProvider.token=", f"--ServerApp.root_dir={home}", "--ServerApp.disable_check_xsrf=True"]
        environment = {"HOME": str(home), "JUPYTER_CONFIG_PATH": str(configuration), "PATH": "/usr/bin:/bin"}
        self.process = subprocess.Popen([*command, *options], env=environment, stderr=subprocess.DEVNULL)
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/api") == 200
        except ConnectionError:
            return False

    def ask(self, method: str, path: str) -> int:
        """Return the status of the answer. The method WEBSOCKET asks for a WebSocket connection."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        body = json.dumps(BODIES[method, path]) if (method, path) in BODIES else None
        upgrade = UPGRADE if method == "WEBSOCKET" else {}
        connection.request(method if not upgrade else "GET", path, body, upgrade)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """The viewer's server, and one without configuration."""
    host = Host(tmp_path_factory.mktemp("viewer"))
    host.install(rendered(STEPS)["on-start.sh"]).start()
    assert host.status == {"jupyter": "ok", "viewer": "ok"}
    started = {
        "viewer": Server(host.root / "etc/jupyter", host.root / "viewer"),
        "usual": Server(host.root / "missing", host.root / "usual"),
    }
    yield started
    for server in started.values():
        server.process.terminate()
        server.process.wait(20)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/kernels"),
        ("POST", "/api/sessions"),
        ("POST", "/api/terminals"),
        ("POST", "/api/shutdown"),
        ("PUT", "/api/contents/result.txt"),
        ("PATCH", "/api/contents/result.txt"),
        ("POST", "/api/contents/result.txt/checkpoints"),
        ("DELETE", "/api/contents/result.txt"),
        ("POST", "/nbconvert/html"),
        ("GET", "/nbconvert/html/work.ipynb"),
        ("WEBSOCKET", NOWHERE),
        ("WEBSOCKET", "/terminals/websocket/1"),
        ("WEBSOCKET", "/api/events/subscribe"),
    ],
)
def test_the_viewer_runs_and_writes_nothing(method: str, path: str, servers: dict[str, Server]) -> None:
    assert servers["viewer"].ask(method, path) in {403, 404, 405}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/terminals"),
        ("PUT", "/api/contents/new.txt"),
        ("POST", "/nbconvert/html"),
        ("GET", "/nbconvert/html/work.ipynb"),
        ("WEBSOCKET", "/terminals/websocket/1"),
        ("WEBSOCKET", "/api/events/subscribe"),
    ],
)
def test_that_is_because_of_its_configuration(method: str, path: str, servers: dict[str, Server]) -> None:
    if path.startswith("/terminals"):
        servers["usual"].ask("POST", "/api/terminals")
    assert servers["usual"].ask(method, path) < 400


def test_the_viewer_asks_for_no_kernel_and_tells_no_news(servers: dict[str, Server]) -> None:
    """The files are checked here, and the pages in tests/laptop."""
    root = servers["viewer"].configuration.parents[1]
    config = json.loads((root / "etc/jupyter/labconfig/page_config.d/datalab.json").read_text())
    assert config == {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    extension = root / "usr/local/share/jupyter/labextensions/datalab-viewer"
    package = json.loads((extension / "package.json").read_text())
    assert (extension / package["jupyterlab"]["_build"]["load"]).stat().st_mode & 0o044 == 0o044


@pytest.mark.parametrize("path", ["/api/contents/result.txt", "/files/result.txt", "/api/status", "/api/sessions"])
def test_the_viewer_shows(path: str, servers: dict[str, Server]) -> None:
    assert servers["viewer"].ask("GET", path) == 200


def test_nobody_becomes_root_there_and_the_server_is_restarted(host: Host) -> None:
    host.install(rendered(STEPS)["on-start.sh"]).start()
    (rule,) = (host.root / "etc/sudoers.d").iterdir()
    assert rule.name == "zz-datalab"
    assert rule.read_text().endswith(" ALL = (ALL:ALL) !ALL\n")
    wait_for((host.stubs / "systemctl.calls").exists)
    before = host.tree()
    host.start()
    assert host.tree() == before
