# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rendered scripts, and a place to run them."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import (
    certificate,
    instance,
    jupyter,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import CASES, Host, rendered

__all__ = ["certificate", "instance", "jupyter"]  # fixtures


@pytest.fixture(scope="session")
def scripts() -> dict[str, dict[str, str]]:
    """The scripts of all cases, by case and name."""
    return {case: rendered(settings) for case, settings in CASES.items()}


class Server(SimpleHTTPRequestHandler):
    """A server that fails once for each file fault-* among the served files: it cuts the answer off, or stalls."""

    def log_message(self, *_arguments: object) -> None:
        """Log nothing, since a test reports only its failure."""

    def do_GET(self) -> None:
        for fault in Path(self.directory).glob("fault-*"):
            fault.unlink()
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"#!/bin/bash")
            self.wfile.flush()
            if "stall" in fault.name:
                self.connection.recv(1)  # until the client gives up
            return
        super().do_GET()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A served directory, and its URL."""
    directory = tmp_path / "site"
    directory.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield directory, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A fresh instance: an empty volume, and nothing installed. Its detached processes end with it."""
    yield Host(tmp_path)
    subprocess.run(["pkill", "--full", rf"{re.escape(str(tmp_path))}\b"], check=False)
