# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The examples in the roles' READMEs run as they are written: one creates, the other removes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import Sandbox

from .conftest import ROOT, PlaybookRunner, changing, client, connection, furnish

ROLES = ["notebook_fleet", "platform_access", "platform_network", "platform_storage"]
INVENTORY: dict[str, Any] = {"owners": {"children": {"research": {"hosts": {"alice": {}}}}}}


def examples(role: str) -> list[dict[str, Any]]:
    """Return the plays in the README of a role."""
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    return [play for block in blocks if isinstance(block, list) for play in block if "module_defaults" in play]


def place(sandbox: Sandbox) -> dict[str, Any]:
    """Return a subnet and a security group of the account, to replace the ids in the example for the storage."""
    subnet = furnish(sandbox, "notebooks")
    group = client(sandbox, "ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"]
    return {"platform_storage_subnet_ids": [subnet], "platform_storage_security_group_ids": [group]}


@pytest.mark.parametrize("role", ROLES)
def test_an_example_makes_and_the_other_removes(
    role: str, playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path
) -> None:
    given = json.dumps(place(sandbox))
    (tmp_path / "hosts.json").write_text(json.dumps(INVENTORY), encoding="utf-8")
    plays = examples(role)
    assert len(plays) == 2
    for number, play in enumerate(plays):
        play["module_defaults"]["group/datalab.notebooks.aws"] |= connection(sandbox.endpoint)
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps([play]), encoding="utf-8")
        sandbox.reset_calls()
        playbook(path, "-i", tmp_path / "hosts.json", "-e", given, check=True)
        verb = ("Delete", "Revoke") if number else ("Create", "Put")
        assert [call for call in changing(sandbox) if call.partition(":")[2].startswith(verb)]
