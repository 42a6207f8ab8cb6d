# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machines of instances: a container for each, and one port at which a browser finds them all.

The default is no machines: then an instance passes through its states by the clock, and nothing runs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Settings:
    """How the server runs machines; on its command line as JSON."""

    image: str
    port: int = 5580  # of the door; another one if it is taken
    limit: int = 8  # machines at a time
    script_seconds: int = 300  # AWS's limit for a script of a lifecycle configuration
    links: Mapping[str, str] = field(default_factory=dict)  # ports of the loopback interface on a machine: sockets here

    def to_json(self) -> str:
        """For the server's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """From the server's command line."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Machine:
    """The machine to start for an instance."""

    name: str
    arn: str
    instance_type: str
    root_access: bool
    scripts: Mapping[str, str]  # on-create, on-start: what they are, of those that there are
    config_arn: str  # of the lifecycle configuration, or ""
    file_systems: Mapping[
        str, str
    ]  # those that it could mount, by their ids: creation tokens, which outlive the server
