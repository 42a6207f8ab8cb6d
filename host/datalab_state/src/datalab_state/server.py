# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the Jupyter server which notebook a kernel belongs to, and whether a tab is open."""

from __future__ import annotations

import json
import os
import ssl
import urllib.parse
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "DATALAB_STATE_KERNEL"  # a pid, since a kernel that a cell starts inherits a notebook's name that is not its own


SECONDS = 5  # to wait for a server


@dataclass(frozen=True)
class Server:
    url: str
    token: str
    root: Path


@dataclass(frozen=True)
class Looked:
    path: Path
    connections: int


def kernel_id(connection_file: str) -> str:
    return Path(connection_file).stem.replace("kernel-", "", 1)


def named() -> str:
    """Return the path of the notebook, which jupyter_server 2 tells its kernels; empty if it is not known."""
    inherited = os.environ.get(MARK)
    os.environ[MARK] = str(os.getpid())
    name = os.environ.get("JPY_SESSION_NAME", "")
    if not name or os.path.isdir(name) or inherited not in (None, str(os.getpid())):
        return ""
    return os.path.realpath(name)


def look(connection_file: str, url: str) -> Looked | None:
    """Return the notebook and the number of connections of the kernel's session; None if they are not known."""
    server = find(connection_file, url)
    if server is None:
        return None
    with suppress(OSError, ValueError, LookupError, TypeError):
        for session in _get(server, "api/sessions?no_track_activity=1"):
            kernel = session["kernel"]
            if kernel and kernel["id"] == kernel_id(connection_file):
                return Looked(server.root / session["path"], int(kernel.get("connections", 1)))
    return None


def find(connection_file: str, url: str) -> Server | None:
    """Return the server that started this kernel, from the file that it writes beside the kernel's connection file."""
    for kind in ("jpserver", "nbserver"):
        file = Path(connection_file).parent / f"{kind}-{os.environ.get('JPY_PARENT_PID', '')}.json"
        with suppress(OSError, ValueError, LookupError):
            said = json.loads(file.read_text(encoding="utf-8"))
            root = said.get("root_dir") or said["notebook_dir"]
            return Server(url or said["url"], said.get("token", ""), Path(root))
    return None


def _get(server: Server, path: str) -> Any:
    address = urllib.parse.urlsplit(server.url)
    if address.hostname not in ("localhost", "127.0.0.1", "::1"):
        address = address._replace(netloc=f"localhost:{address.port}" if address.port else "localhost")
    url = urllib.parse.urljoin(urllib.parse.urlunsplit(address).rstrip("/") + "/", path)
    headers = {"Authorization": f"token {server.token}"} if server.token else {}
    context = ssl._create_unverified_context()  # noqa: S323 - it is this machine, whose certificate is its own
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - of this machine
    with urllib.request.build_opener(*handlers).open(request, timeout=SECONDS) as answer:
        return json.load(answer)
