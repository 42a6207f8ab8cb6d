# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find a kernel's notebook and the directory of its state. Servers tell the name late, and people rename notebooks."""

from __future__ import annotations

import os
import shlex
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import listing, place, server
from .settings import Settings


class Notebook:
    def __init__(self, shell: Any, settings: Settings, session: str) -> None:
        kernel = getattr(shell, "kernel", None)
        options = kernel.config.get("IPKernelApp", {}) if kernel else {}
        self.settings = settings
        self.connection_file = str(options.get("connection_file", ""))
        self.kernel_id = server.kernel_id(self.connection_file) or session
        self.path = self._seen_as = server.named()  # empty as long as it is not known
        self._lookup: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The path of the notebook; as long as it is not known, a path with the kernel's id."""
        if not self.path:
            self.looked()
        return self.path or str(Path(self.settings.root) / "kernels" / self.kernel_id)

    @property
    def directory(self) -> Path:
        return place.of_notebook(self.settings.root, self.name)

    def look(self) -> None:
        """Look the name up in a thread, so that the kernel waits neither for a server nor for a file system."""
        if self.connection_file and not (self._lookup and self._lookup.is_alive()):
            lookup = threading.Thread(target=self._look_up, daemon=True, name="datalab-state-notebook")
            lookup.start()  # first, since another thread may join `_lookup`
            self._lookup = lookup

    def see(self) -> None:
        """Look the name up now."""
        self.look()
        self.looked()

    def looked(self) -> None:
        """Wait for the thread, for twice server.SECONDS at most."""
        if self._lookup:
            self._lookup.join(2 * server.SECONDS)

    def _look_up(self) -> None:
        """Ask the server: older ones do not tell kernels the notebook's name, newer ones do not tell a new name."""
        if not os.path.exists(self.path):
            looked = server.look(self.connection_file, self.settings.server)
            if looked:
                self._seen_as = os.path.realpath(looked.path)
                self.path = self.path or self._seen_as

    def follow(self) -> None:
        """Move the saved state when the notebook is renamed, unless there is a state under the new name."""
        if self.path == self._seen_as:
            return
        old = self.directory
        self.path = self._seen_as
        if old.is_dir() and not self.directory.exists():
            with suppress(OSError):  # then the state stays where it is
                old.rename(self.directory)

    def renamed(self) -> str:
        """Return a message if the notebook was renamed without its kernel; else an empty string."""
        old = listing.old_name(self.settings, self.path)
        return old and f"this notebook is saved as {old}; %restore {shlex.quote(old)} brings that back."
