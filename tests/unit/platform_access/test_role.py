# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role's interface: one description of its variables, and a message for what cannot work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import run_playbook

ROLE = Path(__file__).parents[3] / "roles" / "platform_access"
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
OPTIONS = SPECS["main"]["options"]
TYPES = {"str": str, "bool": bool, "list": list, "dict": dict}


def test_argument_specs_agree_with_defaults() -> None:
    assert {name: option["default"] for name, option in OPTIONS.items()} == DEFAULTS
    assert list(OPTIONS) == list(DEFAULTS)
    assert all(spec["options"] == OPTIONS for spec in SPECS.values())


@pytest.mark.parametrize("name", DEFAULTS)
def test_argument_specs_have_the_types_of_the_defaults(name: str) -> None:
    assert type(DEFAULTS[name]) is TYPES[OPTIONS[name]["type"]]


def test_defaults_are_literal() -> None:
    assert "{{" not in (ROLE / "defaults" / "main.yml").read_text()


def test_the_boundary_allows_what_policies_use_and_nothing_more() -> None:
    texts = [(ROLE / "templates" / f"{name}.yml.j2").read_text() for name in ("execution", "viewer")]
    lines = [line.strip().removeprefix("- ").removeprefix("Action: ") for text in texts for line in text.splitlines()]
    services = ("athena:", "glue:", "logs:", "s3:", "sagemaker:")
    used = {line for line in lines if line.startswith(services) and not line.endswith(":") and "s3:prefix" not in line}
    assert used == set(DEFAULTS["platform_access_boundary_actions"])
    assert DEFAULTS["platform_access_boundary_actions"] == sorted(used)


TEAM: dict[str, Any] = {"prefixes": ["s3://acme-data/research"], "databases": ["research"]}
MANY = [f"s3://acme-data/{number:03}-{'x' * 40}" for number in range(50)]
WITHOUT_GLUE = [action for action in DEFAULTS["platform_access_boundary_actions"] if not action.startswith("glue:")]


def teams(**settings: Any) -> dict[str, Any]:
    return {"platform_access_teams": {"research": {**TEAM, **settings}}, "platform_access_data_buckets": ["acme-data"]}


# What is said against settings: all of these words.
REFUSED: list[tuple[dict[str, Any], str]] = [
    (teams(prefixes=["s3://other/x"]), "platform_access_teams research s3://other/x platform_access_data_buckets"),
    (teams(limits={}), "platform_access_teams research limits instance_types"),
    (
        {**teams(), "platform_access_people": [{"name": "alice", "team": "fraud", "instance": "datalab-alice"}]},
        "alice fraud platform_access_teams research",
    ),
    (teams(prefixes=MANY), "datalab-research characters 6,144 platform_access_teams"),
    (
        {**teams(), "platform_access_boundary_actions": WITHOUT_GLUE},
        "platform_access_boundary_actions glue:GetTable datalab-research locked out",
    ),
]
ACCEPTED: list[dict[str, Any]] = [
    {},
    teams(),
    {**teams(), "platform_access_boundary_actions": ["*"]},
    {**teams(), "platform_access_boundary_actions": [], "platform_access_boundary": "arn:aws:iam::aws:policy/x"},
    {**teams(prefixes=MANY), "platform_access_role_arn": "arn:aws:iam::123456789012:role/given"},
    {
        **teams(),
        "platform_access_role_arn": "arn:aws:iam::123456789012:role/given",
        "platform_access_people": [{"name": "alice", "team": "fraud", "instance": "datalab-alice"}],
    },
]


def preflight(number: int, settings: dict[str, Any]) -> dict[str, Any]:
    """A task that notes what the role says to the settings."""
    role = {"name": "datalab.notebooks.platform_access", "tasks_from": "preflight"}
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
    for number, (settings, words) in enumerate(REFUSED):
        message = said.pop(str(number), "")
        assert [word for word in words.split() if word not in message] == [], (settings, message)
    assert said == {}
