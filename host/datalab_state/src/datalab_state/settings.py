# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings: environment variables, which the script that starts the kernels of an instance sets (machine.py)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

RECIPES = "files sqlite boto3 locks generators"


@dataclass(frozen=True)
class Settings:
    on: bool
    every: float  # seconds between two saves; 0: save only on request
    share: float  # percent of the volume that states may take
    days: float
    recipes: frozenset[str]
    root: Path
    sockets: Path
    outputs: bool
    look: float  # seconds between two looks whether a tab is open
    server: str


def read(env: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. An invalid value counts as the default, so that the kernel still starts."""

    def number(name: str, default: float) -> float:
        with suppress(ValueError):
            return max(0.0, float(env.get(f"DATALAB_STATE_{name}", "")))
        return default

    home = Path(os.path.expanduser("~"))
    volume = home / "SageMaker"
    root = (volume if volume.is_dir() else home) / ".datalab" / "state"
    return Settings(
        on=env.get("DATALAB_STATE", "on") != "off",
        every=number("EVERY", 60),
        share=number("SHARE", 50),
        days=number("DAYS", 30),
        recipes=frozenset(env.get("DATALAB_STATE_RECIPES", RECIPES).replace(",", " ").split()),
        root=Path(env.get("DATALAB_STATE_ROOT") or root),
        sockets=Path(env.get("DATALAB_STATE_SOCKETS") or f"/tmp/datalab-state-{os.getuid()}"),  # noqa: S108 - place.py checks it
        outputs=env.get("DATALAB_STATE_OUTPUTS", "on") != "off",
        look=number("LOOK", 20) or 20,
        server=env.get("DATALAB_STATE_SERVER", ""),
    )
