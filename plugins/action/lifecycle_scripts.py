# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the scripts of a lifecycle configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import SCRIPT_LENGTH
from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.host import problems as host_problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.limits import (
    length_problems,
    size,
    step_sizes,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.lint import syntax_problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import Scripts, render
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import (
    are_wanted,
    from_bucket,
    need_bucket,
    tools_of,
    unreachable_state,
    unreadable_tools,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import checked, role_options

NO_TOOLS_URL = (
    'notebook_host_tools_url is ""; it must be where the files of notebook_host_tools are, for example'
    " https://mirror.example.com/tools: the platform's own bucket is known to the playbooks only"
)


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec({"settings": {"type": "dict"}})
        given = arguments["settings"]
        settings = checked_settings(self._variables(task_vars or {}) if given is None else given)
        scripts = checked_scripts(settings)
        return {
            **result,
            "changed": False,
            "on_create": scripts.on_create,
            "on_start": scripts.on_start,
            "on_start_unpacked": scripts.unpacked,
            "tools": [{"src": tool.src, "key": tool.key} for tool in tools_of(settings) if are_wanted(settings)],
            "sizes": step_sizes(settings),
            "size": size(scripts.on_start),
            "size_limit": SCRIPT_LENGTH,
        }

    def _variables(self, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        names = role_options("notebook_host")
        settings: dict[str, Any] = self._templar.template(
            {name: task_vars[name] for name in names if name in task_vars}
        )
        return settings


def checked_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the types and defaults of the role's specs, after all its checks."""
    options = role_options("notebook_host")
    spec = {"type": "dict", "options": options}
    settings = checked("settings", given, spec)
    _require_none([text.removeprefix("settings: ") for text in settings.problems])
    _require_none(list(host_problems(settings.value)) or list(unreadable_tools(settings.value)))
    _require_none([*unreachable_state(settings.value)])
    if need_bucket(settings.value):
        _require_none([NO_TOOLS_URL])
    return dict(from_bucket(settings.value, ""))


def checked_scripts(settings: Mapping[str, Any]) -> Scripts:
    """The scripts, if they are within AWS's limits and their syntax is valid."""
    scripts = render(settings)
    _require_none([*length_problems(settings, scripts), *syntax_problems(scripts)])
    return scripts


def _require_none(problems: list[str]) -> None:
    if problems:
        raise AnsibleActionFail("\n".join(problems), result={"problems": problems})
