# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one port at which a browser reaches every instance, and the socket at which machines reach AWS.

An instance is at http://NAME.notebook.localhost:PORT, an origin of its own, so that instances do not share cookies. Its
presigned URL has a token; the answer sets a cookie, which allows every later connection.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import ssl
import time
from contextlib import suppress
from http.cookies import SimpleCookie
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Callable
    from pathlib import Path

HOST = "127.0.0.1"
DOMAIN = "notebook.localhost"  # browsers resolve it to the loopback interface by themselves
URL_SECONDS = 300  # how long a presigned URL is valid on AWS
HEAD_BYTES = 1 << 18
HEAD_SECONDS = 60
COOKIE = "sandbox"
WAITING = {"Pending": "starts", "Updating": "is updated", "Stopping": "stops"}
PAGE = (
    '<!doctype html><meta charset="utf-8">{refresh}<title>{title}</title><p style="font:1.2em sans-serif">{text}</p>\n'
)


class Door:
    """A server in a thread of its own, which runs until the process ends."""

    def __init__(self, socket_of: Callable[[str], Path], status_of: Callable[[str], str | None]) -> None:
        """Take two functions: the socket of an instance's Jupyter, and its status, or None for no such instance."""
        self._socket_of = socket_of
        self._status_of = status_of
        self._keys: dict[str, tuple[str, float]] = {}  # by token or cookie: the instance, and until when (monotonic)
        self._session_seconds: dict[str, float] = {}  # by token
        self._loop = asyncio.new_event_loop()
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False  # the certificate of an instance is self-signed
        self._tls.verify_mode = ssl.CERT_NONE
        self.port = 0
        Thread(target=self._loop.run_forever, daemon=True).start()

    def listen(self, port: int) -> None:
        """Open the port, or another one if it is in use."""

        async def listening() -> asyncio.Server:
            with suppress(OSError):
                return await asyncio.start_server(self._browser, HOST, port, limit=HEAD_BYTES)
            return await asyncio.start_server(self._browser, HOST, 0, limit=HEAD_BYTES)

        server = asyncio.run_coroutine_threadsafe(listening(), self._loop).result()
        self.port = server.sockets[0].getsockname()[1]

    def serve_aws(self, socket: Path, port: int) -> None:
        """Forward connections from the socket to this port of the loopback interface."""

        async def machine(reader: StreamReader, writer: StreamWriter) -> None:
            with suppress(OSError):
                await _join(reader, writer, *await asyncio.open_connection(HOST, port))

        socket.unlink(missing_ok=True)
        asyncio.run_coroutine_threadsafe(asyncio.start_unix_server(machine, socket), self._loop).result()
        socket.chmod(0o666)

    def url(self, name: str, session_seconds: float) -> str:
        """Return a presigned URL whose session lasts so many seconds."""
        token = secrets.token_hex(32)
        self._keys[token] = (name, time.monotonic() + URL_SECONDS)
        self._session_seconds[token] = session_seconds
        return f"http://{name}.{DOMAIN}:{self.port}/?authToken={token}"

    async def _browser(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve a connection. Only its first request is checked, since the later ones come from the same browser."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
            answer = self._answer(head.decode("latin-1"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await self._pass_to(answer, head, reader, writer)
        writer.close()

    async def _pass_to(self, socket: Path, head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            upstream = await asyncio.open_unix_connection(socket, ssl=self._tls, server_hostname="localhost")
        except OSError:
            writer.write(
                _response("503 Service Unavailable", "Jupyter does not answer: stop the instance and start it.")
            )
            await writer.drain()
            return
        upstream[1].write(head)
        await _join(reader, writer, *upstream)

    def _answer(self, head: str) -> bytes | Path:
        """Return the answer to a request with this head, or the socket of the Jupyter that has to answer it."""
        request, *lines = head.split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        name = re.sub(rf"\.{re.escape(DOMAIN)}(:\d+)?$", "", headers.get("host", ""))
        target = urlsplit(request.split(" ")[1] if " " in request else "/")
        token = parse_qs(target.query).get("authToken", [""])[0]
        if self._opens(token, name):
            session = secrets.token_hex(32)
            self._keys[session] = (name, time.monotonic() + self._session_seconds[token])
            cookie = f"{COOKIE}={session}; HttpOnly; SameSite=Lax; Path=/"
            return _response("302 Found", "", Location=target.path if target.path != "/" else "/lab", Set_Cookie=cookie)
        cookies = SimpleCookie(headers.get("cookie", ""))
        if COOKIE not in cookies or not self._opens(cookies[COOKIE].value, name):
            text = "This needs a presigned URL that is not older than five minutes, such as the playbook open gives."
            return _response("403 Forbidden", text)
        status = self._status_of(name)
        if status == "InService":
            return self._socket_of(name)
        if status in WAITING:
            text = f"The instance {name} {WAITING[status]}. This page comes back by itself."
            return _response("503 Service Unavailable", text, refresh=True, Retry_After="2")
        return _response("503 Service Unavailable", f"The instance {name} does not run: {status or 'it is gone'}.")

    def _opens(self, key: str, name: str) -> bool:
        """Return whether a token or a cookie is valid for this instance now."""
        whose, until = self._keys.get(key, ("", 0.0))
        return whose == name and time.monotonic() < until


def _response(status: str, text: str, *, refresh: bool = False, **headers: str) -> bytes:
    """Return a complete answer, after which the connection ends."""
    again = '<meta http-equiv="refresh" content="2">' if refresh else ""
    body = PAGE.format(refresh=again, title=status, text=text).encode() if text else b""
    fields = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + body


async def _join(reader: StreamReader, writer: StreamWriter, far_reader: StreamReader, far_writer: StreamWriter) -> None:
    """Forward data in both directions until both sides have ended."""
    await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))


async def _pass(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()
