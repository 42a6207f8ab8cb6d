# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The socket through which a kernel is asked to save. The kernel's own event loop answers, between cells."""

from __future__ import annotations

import asyncio
import json
import os

from . import place
from .session import Session


def tell(session: Session) -> None:
    """Write the notebook's name to a file beside the socket, since a kernel that computes cannot send it."""
    place.make(session.settings.sockets)
    path = session.settings.sockets / f"{session.notebook.kernel_id}.name"
    path.unlink(missing_ok=True)
    with open(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(session.notebook.path)


async def serve(session: Session) -> asyncio.AbstractServer:
    place.make(session.settings.sockets)
    path = session.settings.sockets / f"{session.notebook.kernel_id}.sock"
    path.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"save\n":
            try:
                report = await session.asked()
            except Exception as error:
                report = {"error": f"{type(error).__name__}: {error}", "notebook": session.notebook.name}
            writer.write(json.dumps(report).encode() + b"\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    path.chmod(0o600)
    return server
