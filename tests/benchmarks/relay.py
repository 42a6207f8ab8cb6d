# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A relay in front of the sandbox that delays each call, so that it takes as long as a call to AWS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            await asyncio.sleep(seconds)
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def relay_before(endpoint: str, seconds: float) -> Iterator[str]:
    """Run a relay on the loopback interface that delays each call by this many seconds; yield its endpoint."""
    target, loop, started = urlsplit(endpoint), asyncio.new_event_loop(), list[asyncio.Server]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(_forward(reader, back, seconds / 2), _forward(there, writer, seconds / 2))

    async def start() -> None:
        started.append(await asyncio.start_server(serve, "127.0.0.1", 0))

    loop.run_until_complete(start())
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{started[0].sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
