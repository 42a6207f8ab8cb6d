# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask every kernel to save. This module uses only the standard library, since it does not run in a kernel."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import place
from .settings import Settings


def ask_all(settings: Settings, seconds: float) -> list[dict[str, Any]]:
    """Ask all kernels at once, and remove the sockets of those that have ended."""
    place.check(settings.sockets)
    sockets = sorted(settings.sockets.glob("*.sock")) if settings.sockets.is_dir() else []
    if not sockets:
        return []
    with ThreadPoolExecutor(len(sockets)) as pool:
        answers = pool.map(lambda path: _ask(path, seconds), sockets)
        return [answer for answer in answers if answer]


def _ask(path: Path, seconds: float) -> dict[str, Any]:
    named = path.with_suffix(".name")
    notebook = named.read_text(encoding="utf-8") if named.exists() else f"the notebook of kernel {path.stem}"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(path))
            connection.sendall(b"save\n")
            with connection.makefile() as answers:
                line = answers.readline()
            answer: dict[str, Any] = json.loads(line) if line else {"error": "the kernel ended"}
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            named.unlink(missing_ok=True)
            return {}
        except socket.timeout:
            answer = {"busy": True, "error": f"it is computing, and did not answer in {seconds:g} s"}
        except (OSError, ValueError) as error:
            answer = {"error": str(error)}
    return {"notebook": notebook, **answer}
