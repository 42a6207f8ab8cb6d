# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machines of instances: a container for each, and one port at which a browser reaches them all.

By default there are no machines: an instance passes through its states by the clock, and nothing runs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Settings:
    """The settings of machines, which the server's command line has as JSON."""

    image: str
    port: int = 5580  # of the door; another one if it is in use
    limit: int = 8  # the most machines at a time
    script_seconds: int = 300  # AWS's limit for a script of a lifecycle configuration
    links: Mapping[str, str] = field(default_factory=dict)  # loopback port on a machine: socket on this computer

    def to_json(self) -> str:
        """Return the settings for the server's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read the settings from the server's command line."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Machine:
    """The machine to start for an instance."""

    name: str
    arn: str
    instance_type: str
    root_access: bool
    scripts: Mapping[str, str]  # the text of on-create and on-start, if they exist
    config_arn: str  # of the lifecycle configuration, or ""
    file_systems: Mapping[str, str]  # id: creation token, of all that it could mount; tokens outlive the server
