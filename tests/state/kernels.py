# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real kernels with the extension, as a server starts them."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

SOURCE = Path(__file__).parents[2] / "host" / "datalab_state" / "src"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def sockets(place: Path) -> Path:
    """Return a short path, since that of a socket has at most 107 characters, and pytest's paths are long."""
    return Path(f"/tmp/ds-{hashlib.sha256(str(place).encode()).hexdigest()[:12]}")  # noqa: S108


class Kernel:
    """A kernel of a notebook in `place`, started by `python`."""

    def __init__(self, python: Path, place: Path, notebook: str = "work.ipynb", **env: str) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4()
        self.manager = KernelManager(kernel_name="python3", connection_file=str(place / f"kernel-{name}.json"))
        # Not TCP: another process may take the port before the kernel does.
        self.manager.transport, self.manager.ip = "ipc", f"{sockets(place)}.{name.hex[:8]}"
        spec = self.manager.kernel_spec
        assert spec is not None
        spec.argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ext=datalab_state"]
        settings = {
            "PYTHONPATH": str(SOURCE),
            "JPY_SESSION_NAME": str(place / notebook),
            "DATALAB_STATE_ROOT": str(place / "state"),
            "DATALAB_STATE_SOCKETS": str(sockets(place)),
            "DATALAB_STATE_EVERY": "0",
            "IPYTHONDIR": str(place / "ipython"),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self.log = (place / "kernel.log").open("a")
        self.manager.start_kernel(env={**os.environ, **settings, **env}, cwd=str(place), stderr=self.log)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        pid = getattr(self.manager.provisioner, "pid", None)
        assert isinstance(pid, int)
        return pid

    def try_run(self, code: str, seconds: float = 120, *, silent: bool = False) -> tuple[bool, str]:
        """Run code; return whether it worked, and what it printed."""
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            elif message["msg_type"] == "error":
                printed.append(COLOURS.sub("", "\n".join(content["traceback"])))
            elif message["msg_type"] == "execute_result":
                printed.append(content["data"]["text/plain"])

        reply = self.client.execute_interactive(
            code, silent=silent, timeout=seconds, output_hook=hear, allow_stdin=False
        )
        return reply["content"]["status"] == "ok", "".join(printed)

    def run(self, code: str, seconds: float = 120) -> str:
        good, text = self.try_run(code, seconds)
        assert good, f"{code}\n{text}"
        return text

    def silent(self, code: str) -> str:
        """Run code that is no cell of the notebook."""
        good, text = self.try_run(code, silent=True)
        assert good, f"{code}\n{text}"
        return text

    def kill(self) -> None:
        """Kill the kernel at once, as the end of a machine does."""
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources(restart=False)
        self.log.close()
