# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""containers.podman.podman with pipelining: one call of podman for each task instead of five."""

from __future__ import annotations

from typing import Any

from ansible_collections.containers.podman.plugins.connection.podman import Connection as Podman

DOCUMENTATION = """
author: Contributors to datalab.notebooks (@datalab)
name: pipelined_podman
short_description: Run tasks in a container, without temporary files
description:
  - As M(containers.podman.podman), which writes each module to a file in the container before it runs it.
options:
  remote_addr:
    description: The container's name.
    vars: [{name: ansible_host}]
  remote_user:
    description: The user in the container.
    vars: [{name: ansible_user}]
  podman_extra_args:
    description: Arguments of C(podman) before its command.
    default: ""
  podman_executable:
    description: The program.
    default: podman
"""


class Connection(Podman):
    """A connection to a container, which sends modules to the container by standard input."""

    transport = "pipelined_podman"
    has_pipelining = True

    def _connect(self) -> None:
        """Connect without mounting the container's file system, which only copies of files need."""
        self._connected = True

    def _podman(self, cmd: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(cmd, list) and cmd[0] == "exec":
            cmd = ["exec", "--interactive", *cmd[1:]]
        return super()._podman(cmd, *arguments, **options)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the container, after mounting its file system."""
        super()._connect()
        super().put_file(in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the container, after mounting its file system."""
        super()._connect()
        super().fetch_file(in_path, out_path)
