# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The files that instances fetch after a start, from the platform's bucket or from a mirror."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ansible.constants import DEFAULT_LOCAL_TMP

from . import deliver
from .state import STATE, state_archive

Settings = Mapping[str, Any]

# What a start does not wait for, by the step that needs it: instances fetch it from the platform's bucket. Where there
# is none, the script carries it, whose length is limited.
_FILES = Path(__file__).parents[3] / "roles" / "notebook_host" / "files"
CONDA, AUTOSTOP = (str(_FILES / name) for name in ("datalab-conda.sh", "datalab-autostop.py"))
# The command `datalab` comes with the step that fetches, and a script never carries it.
DELIVER = str(Path(DEFAULT_LOCAL_TMP) / "datalab")
OURS = {"conda": CONDA, "autostop": AUTOSTOP, "tools": DELIVER}


@dataclass(frozen=True)
class Tool:
    """A file on the controller that instances fetch."""

    src: str
    sha256: str

    @property
    def name(self) -> str:
        """Its file name on an instance."""
        return Path(self.src).name

    @property
    def key(self) -> str:
        """Its key: a changed file has another one, so that an earlier instance still finds its own."""
        return f"{self.sha256}/{self.name}"


def wants_state(settings: Settings) -> bool:
    """Whether kernels save their memory."""
    return bool(settings["notebook_host_save_state"]) and "state" in settings["notebook_host_steps"]


def files_of(settings: Settings) -> list[str]:
    """The files that instances with these settings fetch. The state's package is too large for a script."""
    more = wants_state(settings) and not is_fetched(STATE, settings)
    return [*settings["notebook_host_tools"], *([state_archive()] if more else [])]


def tools_of(settings: Settings) -> list[Tool]:
    """The files of these variables notebook_host_*, which have to exist."""
    return [Tool(src, _digest(src)) for src in files_of(settings)]


def are_wanted(settings: Settings) -> bool:
    """Whether instances with these settings fetch files at all."""
    return bool(settings["notebook_host_tools"] or wants_state(settings)) and "tools" in settings["notebook_host_steps"]


def with_ours(settings: Settings) -> Settings:
    """The settings, with the platform's own files among the tools unless these come from elsewhere.

    With the state a script is too long to carry them as well, so a mirror has to have them, too.
    """
    steps = settings["notebook_host_steps"]
    if "tools" not in steps or (settings["notebook_host_tools_url"] and not wants_state(settings)):
        return settings
    ours = [file for step, file in OURS.items() if step in steps and not is_fetched(file, settings)]
    return {**settings, "notebook_host_tools": [*settings["notebook_host_tools"], *ours]}


def is_fetched(file: str, settings: Settings) -> bool:
    """Whether one of our files is among the tools, by any path."""
    return Path(file).name in {Path(src).name for src in settings["notebook_host_tools"]}


def need_bucket(settings: Settings) -> bool:
    """Whether instances with these settings fetch files, but no address is set."""
    return are_wanted(settings) and not settings["notebook_host_tools_url"]


def from_bucket(settings: Settings, bucket: str) -> Settings:
    """The settings with this bucket of the platform; "" is none. The script carries files that no step fetches."""
    if "tools" not in settings["notebook_host_steps"]:
        return {**settings, "notebook_host_tools": []}
    wanted = with_ours(settings)
    if settings["notebook_host_tools_url"]:
        return wanted
    return {**wanted, "notebook_host_tools_url": f"s3://{bucket}"} if bucket and need_bucket(wanted) else settings


def unreachable_state(settings: Settings) -> Iterator[str]:
    """A sentence if the state of notebooks is to be saved, but no address for its package is set."""
    if wants_state(settings) and need_bucket(settings):
        yield (
            "notebook_host_save_state is true, but its package is too large for a script, and there is no tools"
            " bucket or mirror to fetch it from; create the platform's storage, set notebook_host_tools_url, or set"
            " notebook_host_save_state: false"
        )


def unreadable_tools(settings: Settings) -> Iterator[str]:
    """A sentence for each file that cannot be read here, or that has the name of one of ours."""
    for number, src in enumerate(settings["notebook_host_tools"]):
        about = f"notebook_host_tools[{number}] is {src}"
        try:
            if _digest(src) != _digest(_ours_named(Path(src).name) or src):
                yield f"{about}, and the platform has another file of this name; it must have a name of its own"
        except OSError as error:
            yield f"{about} ({str(error.strerror).lower()}); it must be a file on the machine that runs Ansible"


def _ours_named(name: str) -> str | None:
    return state_archive() if name == STATE else {Path(file).name: file for file in OURS.values()}.get(name)


def _digest(src: str) -> str:
    if src == DELIVER:
        deliver.write(Path(src))
    status = Path(src).stat()
    return _digest_of(src, status.st_mtime_ns, status.st_size)


@cache
def _digest_of(src: str, _changed: int, _size: int) -> str:
    with Path(src).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
