# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The scripts of a lifecycle configuration, rendered from the settings of the role notebook_host."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.datalab.notebooks.plugins.plugin_utils.certificates import certificates_in
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.pack import pack
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.strip import strip
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import (
    AUTOSTOP,
    CONDA,
    DELIVER,
    are_wanted,
    is_fetched,
    tools_of,
)

ROLE = Path(__file__).parents[3] / "roles" / "notebook_host"


@dataclass(frozen=True)
class Scripts:
    """The scripts for AWS, and the unpacked form of on_start: its settings and its program."""

    on_create: str
    on_start: str
    unpacked: str
    program: str  # the end of `unpacked`; configurations with the same steps have the same one


def render(settings: Mapping[str, Any]) -> Scripts:
    """The scripts for all variables notebook_host_*, which have passed the checks and have their own types."""
    steps = steps_of(settings)
    sums = [f"{tool.sha256}  {tool.name}" for tool in tools_of(settings)] if "tools" in steps else []
    variables = {
        **settings,
        "steps": steps,
        "tools": "\n".join(sums),
        "autostop": _autostop(),
        "autostop_is_fetched": is_fetched(AUTOSTOP, settings),
        "conda_is_fetched": is_fetched(CONDA, settings),
        "deliver_is_fetched": is_fetched(DELIVER, settings),
        "conda_program": _conda(),
        "certificates": "\n".join(certificates_in(settings["notebook_host_ca_certificates"])),
    }
    lines = _text("settings.sh.j2", variables)
    program = _text("program.sh.j2", variables)
    return Scripts(
        on_create=_text("on-create.sh.j2", variables),
        on_start=_text("on-start.sh.j2", {**variables, "settings": lines, "packed_program": pack(program)}),
        unpacked=lines + program,
        program=program,
    )


def steps_of(settings: Mapping[str, Any]) -> list[str]:
    """The steps that take part: without a file system there is nothing to mount, and so on."""
    mirrors = ("pip_index_url", "proxy_url", "git_config", "ca_certificates")
    needed = {
        "efs": settings["notebook_host_efs_dns_name"],
        "mirrors": any(settings[f"notebook_host_{name}"] for name in mirrors),
        "tools": are_wanted(settings),
        "state": settings["notebook_host_save_state"],
    }
    return [step for step in settings["notebook_host_steps"] if needed.get(step, True)]


def _text(template: str, variables: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(variables).rstrip("\n") + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROLE / "templates"),
        trim_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
        autoescape=False,  # noqa: S701 - this is bash
    )
    environment.filters["quote"] = _quoted
    return environment


def _quoted(value: object) -> str:
    return shlex.quote(str(value))


@cache
def _autostop() -> str:
    return strip(Path(AUTOSTOP).read_text(encoding="utf-8")).strip()


@cache
def _conda() -> str:
    return re.sub(r"^ *# .*\n", "", Path(CONDA).read_text(encoding="utf-8"), flags=re.MULTILINE).strip()
