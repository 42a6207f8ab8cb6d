# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A command typed into a terminal of Jupyter, as a browser does it: through a presigned URL and a WebSocket."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import socket
import ssl
import struct
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

SECONDS = 60  # for one answer of Jupyter
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
LAST = 0x80
BEGIN, END = "datalab-begins", "datalab-ends"
SAID = re.compile(rf"{BEGIN}\r?\n(.*?)\r?\n{END} (\d+)", re.DOTALL)


@dataclass(frozen=True)
class Done:
    """The exit code of a command, and its output."""

    status: int
    output: str


def run(url: str, command: Sequence[str], seconds: float) -> Done:
    """Run a command in a terminal of the instance that this URL, a secret, opens."""
    session = Session(url)
    name = session.call("POST", "/api/terminals")["name"]
    try:
        with closing(Channel(session, f"/terminals/websocket/{name}", seconds)) as channel:
            channel.send(json.dumps(["stdin", f"{typed(command)}\r"]))
            return answer(channel)
    finally:
        session.call("DELETE", f"/api/terminals/{name}")


def typed(command: Sequence[str]) -> str:
    """The line to type. Its echo has neither mark; through a pipe, output has no colours and added line breaks."""
    marks = [f"{mark[0]}''{mark[1:]}" for mark in (BEGIN, END)]
    end = f"printf '\\n%s %s\\n' {marks[1]} ${{PIPESTATUS[0]}}"
    return f"echo {marks[0]}; {shlex.join(command)} 2>&1 </dev/null | cat; {end}"


def answer(channel: Channel) -> Done:
    screen = ""
    while not (said := SAID.search(screen)):
        kind, *content = json.loads(channel.receive())
        if kind == "disconnect":
            raise ConnectionError("the terminal has ended before the command")
        screen += content[0] if kind == "stdout" else ""
    return Done(int(said[2]), said[1].replace("\r\n", "\n").strip())


class Session:
    """The session of a browser after it has opened the URL: cookies, and a token for requests that change something."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.tls = parts.netloc, parts.scheme == "https"
        # The sandbox's instances have names that only browsers resolve.
        self.server = "127.0.0.1" if (parts.hostname or "").endswith(".localhost") else parts.hostname or ""
        self.port = parts.port or (443 if self.tls else 80)
        self.base = f"{parts.scheme}://{self.server}:{self.port}"
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self._open("GET", f"{parts.path or '/'}?{parts.query}")
        with suppress(HTTPError):
            self._open("GET", "/lab")  # gives the token, wherever the first page redirects to

    def call(self, method: str, path: str) -> Any:
        return json.loads(self._open(method, path) or b"null")

    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self._cookies}

    def _open(self, method: str, path: str) -> bytes:
        headers = {"Host": self.host, "X-XSRFToken": self.cookies().get("_xsrf", "")}
        request = urllib.request.Request(self.base + path, headers=headers, method=method)  # noqa: S310  # AWS gave it
        with self._opener.open(request, timeout=SECONDS) as got:
            body: bytes = got.read()
        return body


class Channel:
    """A WebSocket (RFC 6455) of a session, for texts."""

    def __init__(self, session: Session, path: str, seconds: float) -> None:
        plain = socket.create_connection((session.server, session.port), timeout=SECONDS)
        tls = ssl.create_default_context() if session.tls else None
        self._socket = tls.wrap_socket(plain, server_hostname=session.server) if tls else plain
        cookies = "; ".join(f"{name}={value}" for name, value in session.cookies().items())
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {session.host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            f"Cookie: {cookies}",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._stream = self._socket.makefile("rb")
        status = self._stream.readline().decode(errors="replace").strip()
        while self._stream.readline().strip():
            pass
        if " 101 " not in f"{status} ":
            raise ConnectionError(f"Jupyter opens no terminal: {status}")
        self._socket.settimeout(seconds)

    def send(self, text: str, kind: int = TEXT) -> None:
        """Send a text: a client masks all its frames."""
        content, mask = text.encode(), os.urandom(4)
        length = bytes([0x80 | len(content)]) if len(content) < 126 else struct.pack("!BH", 0x80 | 126, len(content))
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(content))
        self._socket.sendall(bytes([LAST | kind]) + length + mask + masked)

    def receive(self) -> str:
        """The next text."""
        text = b""
        while True:
            head, length = self._read(2)
            kind, size = head & 0x0F, length & 0x7F
            if size > 125:
                size = int.from_bytes(self._read(2 if size == 126 else 8), "big")
            content = self._read(size)
            if kind == CLOSE:
                raise ConnectionError("Jupyter has closed the terminal")
            if kind == PING:
                self.send(content.decode(errors="replace"), PONG)
            elif kind < CLOSE:
                text += content
                if head & LAST:
                    return text.decode()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _read(self, size: int) -> bytes:
        content = self._stream.read(size)
        if len(content) < size:
            raise ConnectionError("the connection to Jupyter has ended")
        return content
