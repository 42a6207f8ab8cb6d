# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies as the role platform_access sends them, and what IAM would decide by them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ACCOUNT = "123456789012"
HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / "build" / "policies"  # by tests/tools/policies.py
PLATFORM: dict[str, Any] = yaml.safe_load((HERE / "platform.yml").read_text())

Policies = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Rendered:
    """What the role would send: documents by name, and the tags and the policy of each role."""

    policies: Policies
    roles: dict[str, dict[str, Any]]


def render(directory: Path, variables: Mapping[str, Any]) -> Rendered:
    """Has the role write its policies, and reads them."""
    caller = {"account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"}
    output = directory / "policies"
    given = {
        **variables,
        "_platform_access_caller": caller,
        "ansible_python_interpreter": sys.executable,
        "platform_access_output_dir": str(output),
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", "-e", json.dumps(given)]
    done = subprocess.run(
        [*command, HERE / "render.yml"],
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    documents = {file.stem: json.loads(file.read_text()) for file in output.glob("*.json")}
    roles = documents.pop("roles")
    return Rendered(documents, {role["name"]: role for role in roles})


@dataclass(frozen=True)
class Request:
    """What somebody asks AWS for, and the names of the policies that decide."""

    principal: str
    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)
    identity: Sequence[str] = ()
    boundary: str | None = None
    trust: str | None = None
    account: str = ACCOUNT

    @property
    def policies(self) -> set[str]:
        """All of them."""
        return {name for name in (*self.identity, self.boundary, self.trust) if name}


def decide(policies: Policies, requests: Sequence[Request], *, checked: bool = False) -> list[str]:
    """What IAM decides about each request, by one process; `checked` if AWS is known to understand the requests."""
    asked = json.dumps({"policies": policies, "requests": [vars(each) for each in requests], "checked": checked})
    command = ["node", str(HERE / "decide.mjs"), str(INSTALLED)]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    decisions: list[str] = json.loads(done.stdout)
    return decisions
