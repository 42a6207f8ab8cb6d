# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role's interface: one description of its variables, and a message for what cannot work."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import (
    CASES,
    CERTIFICATE,
    DEFAULTS,
    EFS,
    ROLE,
    TLS,
    run_playbook,
)

OPTIONS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
TYPES = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}
ENVIRONMENT = DEFAULTS["notebook_host_conda_environment"]


def test_argument_specs_agree_with_defaults() -> None:
    assert {name: option["default"] for name, option in OPTIONS.items()} == DEFAULTS
    assert list(OPTIONS) == list(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_argument_specs_have_the_types_of_the_defaults(name: str) -> None:
    assert type(DEFAULTS[name]) is TYPES[OPTIONS[name]["type"]]


def test_defaults_are_literal() -> None:
    assert "{{" not in (ROLE / "defaults" / "main.yml").read_text()


def test_the_environment_has_all_its_options() -> None:
    assert list(OPTIONS["notebook_host_conda_environment"]["options"]) == list(ENVIRONMENT)


def environment(**changes: object) -> dict[str, Any]:
    return {"notebook_host_conda_environment": {**ENVIRONMENT, **changes}}


LONG = "\n".join(f"echo {hashlib.sha256(bytes([number])).hexdigest()}" for number in range(250))

# What is said against settings: all of these words.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"notebook_host_steps": ["efs", "condo"]}, "notebook_host_steps condo autostop notebook_host_extra_steps"),
    ({"notebook_host_steps": ["jupyter", "jupyter"]}, "notebook_host_steps once"),
    ({"notebook_host_extra_steps": {"Mine": "true"}}, "notebook_host_extra_steps Mine letters"),
    ({"notebook_host_extra_steps": {"x\ny": "true"}}, "notebook_host_extra_steps letters"),
    ({"notebook_host_extra_steps": {"efs": "true"}}, "notebook_host_extra_steps efs taken"),
    ({"notebook_host_pip_index_url": "https://me:secret@pypi.example"}, "notebook_host_pip_index_url password"),
    ({"notebook_host_git_config": {"proxy": "x"}}, "notebook_host_git_config proxy http.proxy"),
    ({"notebook_host_git_config": {"http.proxy": "http://me:secret@proxy"}}, "notebook_host_git_config password"),
    ({"notebook_host_ca_certificates": "/etc/ca.pem"}, "notebook_host_ca_certificates BEGIN"),
    (
        {"notebook_host_ca_certificates": CERTIFICATE + CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY")},
        "notebook_host_ca_certificates never",
    ),
    ({**TLS, "notebook_host_efs_tls": False}, "notebook_host_efs_access_point notebook_host_efs_tls: true"),
    ({**TLS, "notebook_host_efs_access_point": "ap,rw"}, "notebook_host_efs_access_point ap,rw fsap-"),
    ({"notebook_host_efs_dns_name": "fs-1:/"}, "notebook_host_efs_dns_name fs-1:/ host name"),
    ({"notebook_host_efs_mount_point": "efs"}, "notebook_host_efs_mount_point absolute"),
    ({"notebook_host_efs_mount_point": "/efs\n"}, "notebook_host_efs_mount_point absolute"),
    ({"notebook_host_efs_path": "teams"}, "notebook_host_efs_path absolute"),
    ({"notebook_host_conda_prefix": "/home/ec2-user/my conda"}, "notebook_host_conda_prefix spaces"),
    ({"notebook_host_conda_installer_url": "file:///x"}, "notebook_host_conda_installer_url http"),
    ({"notebook_host_conda_installer_sha256": "abc"}, "notebook_host_conda_installer_sha256 64"),
    ({"notebook_host_conda_channels": []}, "notebook_host_conda_channels one"),
    (environment(name="my env"), "notebook_host_conda_environment my env letters"),
    (environment(python=3.1), "notebook_host_conda_environment quotes 3.1"),
    (environment(packages=["numpy"]), "notebook_host_conda_environment ipykernel"),
    (environment(pip=["--index-url=x"]), "notebook_host_conda_environment --index-url=x"),
    (environment(pip=["a\nb"]), "notebook_host_conda_environment one line"),
    ({"notebook_host_idle_timeout": "1h"}, "notebook_host_idle_timeout 1h seconds"),
    (
        {"notebook_host_extra_steps": {"long": LONG}, "notebook_host_steps": ["long"]},
        "16384 notebook_host_extra_steps frame long",
    ),
]
ACCEPTED: list[dict[str, Any]] = [
    {},
    EFS,
    CASES["viewer"],
    CASES["odd values"],
    CASES["everything"],
    {"notebook_host_ca_certificates": CERTIFICATE * 2},
    {"notebook_host_idle_timeout": 0},
]


def preflight(number: int, settings: dict[str, Any]) -> dict[str, Any]:
    """A task that notes what the role says to the settings."""
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
    assert "secret" not in str(said)
    for number, (settings, words) in enumerate(REFUSED):
        message = said.pop(str(number), "")
        assert [word for word in words.split() if word not in message] == [], (settings, message)
    assert said == {}
