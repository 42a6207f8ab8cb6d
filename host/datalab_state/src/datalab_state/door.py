# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The socket by which a kernel is asked to save. It is answered by the kernel's own event loop, between cells."""

from __future__ import annotations

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import place
from .session import Session
from .settings import Settings


async def serve(session: Session) -> asyncio.AbstractServer:
    place.make(session.settings.sockets)
    path = session.settings.sockets / f"{session.kernel_id}.sock"
    path.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"save\n":
            try:
                report = await session.asked()
            except Exception as error:
                report = {"error": f"{type(error).__name__}: {error}", "notebook": session.name}
            writer.write(json.dumps(report).encode() + b"\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    path.chmod(0o600)
    return server


def ask_all(settings: Settings, seconds: float) -> list[dict[str, Any]]:
    """Every kernel at once; what is gone is removed."""
    place.check(settings.sockets)
    sockets = sorted(settings.sockets.glob("*.sock")) if settings.sockets.is_dir() else []
    if not sockets:
        return []
    with ThreadPoolExecutor(len(sockets)) as pool:
        answers = pool.map(lambda path: _ask(path, seconds), sockets)
        return [answer for answer in answers if answer]


def _ask(path: Path, seconds: float) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(path))
            connection.sendall(b"save\n")
            with connection.makefile() as answers:
                line = answers.readline()
            answer: dict[str, Any] = json.loads(line) if line else {"error": "the kernel ended", "notebook": path.stem}
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return {}
        except socket.timeout:
            return {"error": f"no answer in {seconds:g} s: a cell is running", "notebook": f"kernel {path.stem}"}
        except (OSError, ValueError) as error:
            return {"error": str(error), "notebook": f"kernel {path.stem}"}
    return answer
