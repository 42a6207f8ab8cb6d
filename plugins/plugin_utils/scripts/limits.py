# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The length of the scripts, which AWS limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import SCRIPT_LENGTH
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import Scripts, render
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import OURS, Settings, from_bucket

FRAME = "frame"  # on-start.sh without any step
NAMED = 5  # settings in a message
PARTED = ("notebook_host_conda_environment", "notebook_host_extra_steps")  # whose parts are listed
SOME_BUCKET = "datalab-tools-123456789012-eu-central-1"


def size(script: str) -> int:
    """The characters that AWS counts: those of base64."""
    return (len(script.encode()) + 2) // 3 * 4


def step_sizes(settings: Settings) -> dict[str, int]:
    """The size of the frame, and of each step, in the order of the steps."""
    frame = _size_with(settings, [])
    return {FRAME: frame, **{step: _size_with(settings, [step]) - frame for step in settings["notebook_host_steps"]}}


def setting_sizes(settings: Settings) -> dict[str, int]:
    """What each setting adds to on-start.sh beyond its shortest form, the longest first."""
    whole = size(render(settings).on_start)
    sizes = {about: whole - size(render(shorter).on_start) for about, shorter in _shortened(settings)}
    return {about: characters for about, characters in _largest_first(sizes) if characters > 0}


def length_problems(settings: Settings, scripts: Scripts) -> Iterator[str]:
    """A sentence if on-start.sh is too long; on-create.sh is short, whatever the settings are."""
    length = size(scripts.on_start)
    if length > SCRIPT_LENGTH:
        longest = list(setting_sizes(settings).items())[:NAMED]
        yield (
            f"notebook_host_steps makes on-start.sh {length:,} characters long in base64, but AWS accepts at most"
            f" {SCRIPT_LENGTH:,}; shorten the longest settings or leave out a step{_by_bucket(settings, length)}."
            f" Settings: {_listed(longest)}. Steps: {_listed(_largest_first(step_sizes(settings)))}"
        )


def _by_bucket(settings: Settings, length: int) -> str:
    """The remedy to let instances fetch files that the script carries, and the saved length; "" if it saves nothing."""
    steps = settings["notebook_host_steps"]
    added = [] if "tools" in steps else ["tools"]
    wanted = {**settings, "notebook_host_steps": [*added, *steps], "notebook_host_tools_url": ""}
    saved = length - size(render(from_bucket(wanted, SOME_BUCKET)).on_start)
    if saved <= 0:
        return ""
    ways = ["add tools to notebook_host_steps"] if added else []
    if settings["notebook_host_tools_url"]:
        ways.append('set notebook_host_tools_url: ""')
    ways = ways or ["create the platform's storage with platform_storage"]
    return f", or {' and '.join(ways)}: {saved:,} characters of it then move to the platform's tools bucket"


def _shortened(settings: Settings) -> Iterator[tuple[str, Settings]]:
    """Each setting that can be long, and all settings with this one at its shortest."""
    for name, value in settings.items():
        if name in PARTED:
            for key, part in value.items():
                yield f"{name}: {key}", {**settings, name: {**value, key: _shortest(part)}}
        elif value and name != "notebook_host_steps":  # steps are listed separately
            yield name, {**settings, name: _without_yours(value) if name == "notebook_host_tools" else _shortest(value)}


def _shortest(value: Any) -> Any:
    """The shortest value that does not leave out its step."""
    if isinstance(value, list):
        return []
    if isinstance(value, Mapping):
        return {"-": "-"}
    return "-" if isinstance(value, str) else value


def _without_yours(files: list[str]) -> list[str]:
    ours = {Path(file).name for file in OURS.values()}
    return [file for file in files if Path(file).name in ours] or files[:1]


def _largest_first(sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(sizes.items(), key=lambda item: -item[1])


def _listed(sizes: list[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {characters:,}" for name, characters in sizes)


def _size_with(settings: Settings, steps: list[str]) -> int:
    return size(render({**settings, "notebook_host_steps": steps}).on_start)
