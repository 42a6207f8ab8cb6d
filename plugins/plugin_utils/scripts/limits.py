# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""How much of what AWS takes the scripts need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import SCRIPT_LENGTH
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import Scripts, render

FRAME = "frame"  # what is left of on-start.sh without any step


def size(script: str) -> int:
    """The characters that AWS counts: those of base64."""
    return (len(script.encode()) + 2) // 3 * 4


def step_sizes(settings: Mapping[str, Any]) -> dict[str, int]:
    """What the frame needs, and what each step adds to it, in the order of the steps."""
    frame = _size_with(settings, [])
    return {FRAME: frame, **{step: _size_with(settings, [step]) - frame for step in settings["notebook_host_steps"]}}


def length_problems(settings: Mapping[str, Any], scripts: Scripts) -> Iterator[str]:
    """A sentence if on-start.sh is too long; on-create.sh is short, whatever the settings are."""
    length = size(scripts.on_start)
    if length > SCRIPT_LENGTH:
        largest = sorted(step_sizes(settings).items(), key=lambda item: -item[1])
        yield (
            f"notebook_host_steps makes on-start.sh {length:,} characters long in base64, but AWS takes at most"
            f" {SCRIPT_LENGTH:,}; shorten notebook_host_extra_steps or notebook_host_conda_environment, or leave out a"
            f" step. Sizes: {', '.join(f'{name} {characters:,}' for name, characters in largest)}"
        )


def _size_with(settings: Mapping[str, Any], steps: list[str]) -> int:
    return size(render({**settings, "notebook_host_steps": steps}).on_start)
