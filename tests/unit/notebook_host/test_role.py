# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role's interface: one description of its variables, and a message for settings that cannot work."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import (
    CASES,
    DEFAULTS,
    ROLE,
    run_playbook,
)

SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
OPTIONS = SPECS["main"]["options"]
TYPES = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}
ENVIRONMENT = DEFAULTS["notebook_host_conda_environment"]
LONG = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(250))


def test_argument_specs_agree_with_defaults() -> None:
    assert {name: option["default"] for name, option in OPTIONS.items()} == DEFAULTS
    assert list(OPTIONS) == list(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_argument_specs_have_the_types_of_the_defaults(name: str) -> None:
    assert type(DEFAULTS[name]) is TYPES[OPTIONS[name]["type"]]


def test_each_door_has_its_spec() -> None:
    doors = {file.stem for file in (ROLE / "tasks").iterdir()} - {"lint"}
    assert set(SPECS) == doors == {"main", "preflight", "render", "apply"}
    assert {name for name, spec in SPECS.items() if spec["options"]} == {"main"}


def test_defaults_are_literal() -> None:
    assert "{{" not in (ROLE / "defaults" / "main.yml").read_text()


def test_the_environment_has_all_its_options() -> None:
    assert list(OPTIONS["notebook_host_conda_environment"]["options"]) == list(ENVIRONMENT)


# Messages of the role about settings: one mistake of each kind; test_checks.py has all.
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"notebook_host_idle_timeout": "1h"},
        "notebook_host_idle_timeout is 1h; it must be a whole number of seconds; did you mean 3600?",
    ),
    (
        {"notebook_host_conda_environment": {"name": "custom", "python": 3.1, "packages": ["ipykernel"]}},
        "notebook_host_conda_environment: python is 3.1; it must be in quotes",
    ),
    (
        {"notebook_host_conda_channels": [], "notebook_host_efs_path": "a"},
        "notebook_host_efs_path is a; it must be an absolute path, for example /teams\nnotebook_host_conda_channels",
    ),
    (
        {"notebook_host_extra_steps": {"long": f"echo {LONG}"}, "notebook_host_steps": ["long"]},
        "notebook_host_steps makes on-start.sh ",
    ),
    (
        {"notebook_host_tools": ["/no/such.py"], "notebook_host_tools_url": "s3://x"},
        "notebook_host_tools[0] is /no/such.py (no such file or directory); it must be a file on the machine",
    ),
    ({"notebook_host_tools": [__file__]}, 'notebook_host_tools_url is ""; it must be where the files of'),
    (
        {"notebook_host_extra_steps": {"mine": "if"}, "notebook_host_steps": ["mine"]},
        "notebook_host_extra_steps, notebook_host_stop_command: bash cannot read on-start.sh with them",
    ),
]
ACCEPTED: list[dict[str, Any]] = [{}, CASES["everything and tools"], {"notebook_host_idle_timeout": "900"}]


def preflight(number: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Return a task that records the role's messages about the settings."""
    role = {"name": "datalab.notebooks.notebook_host", "tasks_from": "preflight"}
    said = f"{{{{ said | default({{}}) | combine({{'{number}': ansible_failed_result.msg}}) }}}}"
    return {
        "block": [{"ansible.builtin.include_role": role, "vars": settings}],
        "rescue": [{"ansible.builtin.set_fact": {"said": said}}],
    }


def test_preflight(tmp_path: Path) -> None:
    cases = [*(settings for settings, _ in REFUSED), *ACCEPTED]
    tasks = [preflight(number, settings) for number, settings in enumerate(cases)]
    tasks += [
        {"ansible.builtin.copy": {"content": "{{ said | to_json }}", "dest": str(tmp_path / "said"), "mode": "0644"}}
    ]
    playbook = tmp_path / "playbook.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    run_playbook(playbook, tmp_path, {})
    said = json.loads((tmp_path / "said").read_text())
    for number, (settings, beginning) in enumerate(REFUSED):
        assert said.pop(str(number), "").startswith(beginning), settings
    assert said == {}
    assert [path.name for path in tmp_path.iterdir()] == ["playbook.json", "variables.json", "said"]
