# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens a secret URL in the browser."""

from __future__ import annotations

import os
import secrets
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic
from typing import Any

from ansible.plugins.action import ActionBase

DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_browser() -> bool:
    """Whether there is a browser that needs no terminal, since Ansible's workers have none."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("BROWSER", *DESKTOPS))


PAGE = """<!DOCTYPE html>
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<p><a href="{address}">Open the instance</a></p>
"""


@contextmanager
def page_to(address: str) -> Iterator[str]:
    """The URL of a page that leads to an address and that no other user of the computer can read.

    It is in the home directory if possible, because browsers in a sandbox of their own see neither /tmp nor what is
    hidden.
    """
    home = Path.home()
    with TemporaryDirectory(prefix="datalab-open-", dir=home if os.access(home, os.W_OK) else None) as directory:
        page = Path(directory) / "open.html"
        page.touch(mode=0o600)
        page.write_text(PAGE.format(address=address), encoding="utf-8")
        yield page.as_uri()


def lead_to(url: str, timeout: float) -> bool:
    """Opens an address on the loopback interface that leads to the URL, once; whether the browser has come for it.

    A browser gets its first address on its command line, where all users of the computer can read it. So it gets the
    name of a file, in which only the one who runs it can read the address.
    """
    path = f"/{secrets.token_urlsafe()}"
    came: list[bool] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_it = self.path == path and not came
            self.send_response(302 if is_it else 404)
            if is_it:
                came.append(True)
                self.send_header("Location", url)
                self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    with (
        HTTPServer(("127.0.0.1", 0), Handler) as server,
        page_to(f"http://127.0.0.1:{server.server_port}{path}") as page,
    ):
        # In a thread, because the command in BROWSER is waited for.
        Thread(target=webbrowser.open, args=[page], daemon=True).start()
        deadline = monotonic() + timeout
        while not came and (left := deadline - monotonic()) > 0:
            server.timeout = left
            server.handle_request()
    return bool(came)


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {"url": {"type": "str", "required": True, "no_log": True}, "timeout": {"type": "int", "default": 30}}
        )
        is_real = not self._task.check_mode
        opened = is_real and has_browser() and lead_to(arguments["url"], arguments["timeout"])
        return {**result, "changed": False, "opened": opened}
