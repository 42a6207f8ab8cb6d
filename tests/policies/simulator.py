# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies as the role platform_access sends them, and the decisions of IAM."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.access_things import execution_roles
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs_enforce import (
    budgets_policy,
    budgets_trust,
    denial,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import (
    Platform,
    render_policies,
    render_trust,
)

ACCOUNT = "123456789012"
HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / "build" / "policies"  # by tests/tools/policies.py
INVENTORY = HERE / "platform.yml"
DEFAULTS = HERE.parents[1] / "roles" / "platform_access" / "defaults" / "main.yml"

Policies = dict[str, dict[str, Any]]


def read_platform() -> Platform:
    """Return the platform of the inventory, in an account that has the resources that its settings name."""
    everything = yaml.safe_load(INVENTORY.read_text())["all"]
    variables = yaml.safe_load(DEFAULTS.read_text()) | everything["vars"]
    settings = {name.removeprefix("platform_access_"): value for name, value in variables.items()}
    teams = everything["children"]["owners"]["children"]
    return Platform(
        settings,
        [_person(name, team, given or {}) for team in teams for name, given in teams[team]["hosts"].items()],
        {name: f"datalab-{name}" for name in everything["children"]["viewers"]["hosts"]},
        "datalab",
        results_bucket=settings["results_bucket"],
        tools_bucket="acme-tools",
        subnet_ids=settings["subnet_ids"],
        security_group_ids=settings["security_group_ids"],
        account={"account": ACCOUNT, "partition": "aws"},
        file_system="datalab",
    )


def _person(name: str, team: str, given: dict[str, Any]) -> dict[str, Any]:
    config = given.get("notebook_lifecycle_config")
    return {
        **{variable.removeprefix("notebook_"): value for variable, value in given.items()},
        "name": name,
        "team": team,
        "instance": given.get("notebook_name", f"datalab-{name}"),
        "lifecycle_config": f"datalab-{config}" if config else "datalab",
    }


PLATFORM = read_platform()
TRUSTED = replace(  # with an instance whose name lacks the platform's prefix
    PLATFORM,
    settings={**PLATFORM.settings, "trust_instances_only": True},
    people=[*PLATFORM.people, {"name": "zoe", "team": "research", "instance": "my-own"}],
)
ACCESS, IN_ACCOUNT = {"name": PLATFORM.name}, {"account": ACCOUNT, "partition": "aws"}
POLICIES: Policies = {
    **{policy.name: policy.document for policy in render_policies(PLATFORM)},
    "datalab-over-budget-research": denial(),
    "datalab-budgets": budgets_policy(ACCESS, IN_ACCOUNT),
    "datalab-trust-budgets": budgets_trust(IN_ACCOUNT),
    "datalab-trust": render_trust(PLATFORM),
    "datalab-trust-instances": render_trust(TRUSTED),
}
# The same policies for people who may open instances from addresses only, from endpoints only, and from everywhere.
OPEN_FROM: Policies = {
    f"{kind}-{policy.name}": policy.document
    for kind, unset in (("addresses", ["vpc_endpoints"]), ("endpoints", ["cidrs"]), ("all", ["cidrs", "vpc_endpoints"]))
    for policy in render_policies(
        replace(PLATFORM, settings={**PLATFORM.settings, **{f"open_from_{each}": [] for each in unset}})
    )
}
# The same policies where IAM knows people by a tag of theirs.
TAGGED: Policies = {
    f"tagged-{policy.name}": policy.document
    for policy in render_policies(
        replace(PLATFORM, settings={**PLATFORM.settings, "person": "${aws:PrincipalTag/owner}"})
    )
}
# The same policies with a file system or access point for each person, and so a lifecycle configuration for each.
APART: Policies = {
    f"apart-{policy.name}": policy.document for policy in render_policies(replace(PLATFORM, has_own_configs=True))
}
ROLES = {role.name: role for role in execution_roles(PLATFORM)}


@dataclass(frozen=True)
class Request:
    """A request to AWS, and the names of the policies that decide."""

    principal: str
    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)
    identity: Sequence[str] = ()
    boundary: str | None = None
    trust: str | None = None
    on: str | None = None  # the policy of the resource
    endpoint: str | None = None  # the policy of the VPC endpoint that the request takes
    account: str = ACCOUNT

    @property
    def policies(self) -> set[str]:
        """The names of all policies that decide."""
        return {name for name in (*self.identity, self.boundary, self.trust, self.on, self.endpoint) if name}


def decide(policies: Policies, requests: Sequence[Request], *, checked: bool = False) -> list[str]:
    """Return IAM's decisions about all requests, from one process; `checked` if AWS is known to accept the requests."""
    asked = json.dumps({"policies": policies, "requests": [vars(each) for each in requests], "checked": checked})
    command = ["node", str(HERE / "decide.mjs"), str(INSTALLED)]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    decisions: list[str] = json.loads(done.stdout)
    return decisions
