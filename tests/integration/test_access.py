# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role platform_access against the sandbox: what is in IAM and Athena is what the policies were proved with."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.tests.policies.simulator import PLATFORM, Rendered, render
from sandbox import Sandbox

from .conftest import PlaybookRunner, Played, changing, client, connection

Run = Callable[..., Played]

TEAMS = ["fraud", "interns", "research"]
BOUNDARY = "arn:aws:iam::123456789012:policy/datalab/datalab-boundary"


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """What `make policies` proves."""
    return render(tmp_path_factory.mktemp("proved"), PLATFORM)


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """An empty sandbox."""
    module_sandbox.reset()
    module_sandbox.reset_calls()
    return module_sandbox


@pytest.fixture
def run(playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path) -> Run:
    """Runs tasks of the role for a platform; then says which calls that took."""

    def run(platform: dict[str, Any], *arguments: str, tasks: str = "main", check: bool = True) -> Played:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/datalab.notebooks.aws": connection(sandbox.endpoint)},
            "vars": platform,
            "tasks": [
                {"ansible.builtin.import_role": {"name": "datalab.notebooks.platform_access", "tasks_from": tasks}}
            ],
        }
        (tmp_path / "play.json").write_text(json.dumps([play]))
        sandbox.reset_calls()
        return playbook(tmp_path / "play.json", *arguments, check=check)

    return run


class Account:
    """What boto3 sees."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.iam = client(sandbox, "iam")
        self.athena = client(sandbox, "athena")

    def documents(self) -> dict[str, Any]:
        """All managed policies of the account, as they are in force."""
        policies = self.iam.list_policies(Scope="Local")["Policies"]
        return {policy["PolicyName"]: self._document(policy) for policy in policies}

    def _document(self, policy: Any) -> Any:
        versions = self.iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
        assert [version["IsDefaultVersion"] for version in versions] == [True], "no old version is kept"
        version = self.iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        return version["PolicyVersion"]["Document"]

    def roles(self) -> dict[str, Any]:
        """All roles, each with its attached policies."""
        names = [role["RoleName"] for role in self.iam.list_roles()["Roles"]]
        return {name: self._role(name) for name in names}

    def _role(self, name: str) -> dict[str, Any]:
        role = self.iam.get_role(RoleName=name)["Role"]
        attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        assert not self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        return {
            "tags": {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
            "boundary": role["PermissionsBoundary"]["PermissionsBoundaryArn"],
            "trust": role["AssumeRolePolicyDocument"],
            "policies": [policy["PolicyName"] for policy in attached],
        }

    def groups(self) -> dict[str, list[str]]:
        """All groups, with their policies."""
        names = [group["GroupName"] for group in self.iam.list_groups()["Groups"]]
        attached = {name: self.iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"] for name in names}
        return {name: [policy["PolicyName"] for policy in policies] for name, policies in attached.items()}

    def workgroups(self) -> dict[str, Any]:
        """All workgroups but AWS's own."""
        names = [group["Name"] for group in self.athena.list_work_groups()["WorkGroups"] if group["Name"] != "primary"]
        return {name: self.athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"] for name in names}


def changed(played: Played) -> int:
    return played.recap["localhost"]["changed"]


def test_check_mode_works_through_an_empty_account(run: Run, sandbox: Sandbox) -> None:
    checked = run(PLATFORM, "--check")
    assert changed(checked) == 4  # policies, roles, groups, workgroups
    assert changing(sandbox) == {}


def test_the_rights_of_a_platform_from_its_first_day_to_its_last(run: Run, sandbox: Sandbox, proved: Rendered) -> None:
    account = Account(sandbox)
    created_and_converged(run, sandbox, account, proved)
    changes_change_what_they_say(run, sandbox, account, proved)
    removed(run, account)


def created_and_converged(run: Run, sandbox: Sandbox, account: Account, proved: Rendered) -> None:
    """All is made, as it was proved, and once."""
    run(PLATFORM)
    documents = {name: document for name, document in proved.policies.items() if name != "datalab-trust"}
    assert account.documents() == documents
    assert account.roles() == {
        name: {
            "tags": role["tags"],
            "boundary": BOUNDARY,
            "trust": proved.policies["datalab-trust"],
            "policies": [role["policy"]],
        }
        for name, role in proved.roles.items()
    }
    assert account.groups() == {f"datalab-people-{team}": [f"datalab-people-{team}"] for team in TEAMS}
    groups = account.workgroups()
    assert sorted(groups) == [f"datalab-{team}" for team in TEAMS]
    for team in TEAMS:
        settings = groups[f"datalab-{team}"]
        assert settings["ResultConfiguration"]["OutputLocation"] == f"s3://acme-results/{team}/"
        assert settings["EnforceWorkGroupConfiguration"] is True
        most = PLATFORM["platform_access_teams"][team].get("limits", {}).get("query_bytes")
        assert settings.get("BytesScannedCutoffPerQuery") == most

    account.iam.create_user(UserName="alice")
    account.iam.add_user_to_group(GroupName="datalab-people-research", UserName="alice")
    again = run(PLATFORM)
    assert changed(again) == 0
    assert changing(sandbox) == {}
    assert sandbox.calls()["iam:GetRole"] == 6  # two for each role that is nobody's own, none for those of people
    assert "Roles that nobody in the inventory has" in again.stdout
    assert "Nothing was removed" not in again.stdout
    members = account.iam.get_group(GroupName="datalab-people-research")["Users"]
    assert [user["UserName"] for user in members] == ["alice"]


def changes_change_what_they_say(run: Run, sandbox: Sandbox, account: Account, proved: Rendered) -> None:
    """Another prefix is one policy, another person one role, and a team that is gone is left alone."""
    other = copy.deepcopy(PLATFORM)
    other["platform_access_teams"]["research"]["prefixes"].append("s3://acme-data/new")
    other["platform_access_people"] += [{"name": "grace", "team": "fraud", "instance": "datalab-grace"}]
    other["platform_access_people"][1]["instance"] = "datalab-erin-2"
    del other["platform_access_teams"]["interns"]
    other["platform_access_people"].pop(3)
    played = run(other)
    assert "datalab-interns: neither a team" in played.stdout.replace("\n", " ")
    now = account.documents()
    assert {name for name, document in now.items() if document != proved.policies[name]} == {"datalab-research"}
    assert "arn:aws:s3:::acme-data/new/*" in str(now["datalab-research"])
    assert changing(sandbox) == {
        "iam:CreatePolicyVersion": 1,
        "iam:SetDefaultPolicyVersion": 1,
        "iam:DeletePolicyVersion": 1,
        "iam:CreateRole": 1,
        "iam:AttachRolePolicy": 1,
        "iam:TagRole": 1,
        "iam:UpdateRole": 1,
    }
    roles = account.roles()
    assert roles["datalab-fraud-grace"]["tags"]["instance"] == "datalab-grace"
    assert roles["datalab-fraud-erin"]["tags"]["instance"] == "datalab-erin-2"
    assert set(roles) == {*proved.roles, "datalab-fraud-grace"}


def removed(run: Run, account: Account) -> None:
    """What was made is gone, also what the inventory no longer knows; a history of queries only if that is said."""
    other = copy.deepcopy(PLATFORM)
    del other["platform_access_teams"]["fraud"]
    account.athena.create_named_query(
        Name="mine", Database="research", QueryString="SELECT 1", WorkGroup="datalab-research"
    )
    refused = run(other, tasks="absent", check=False)
    assert refused.returncode == 2
    assert "datalab-research" in account.workgroups()
    assert len(account.roles()) == 6
    run({**other, "platform_access_destroy_queries": True}, tasks="absent")
    assert (account.documents(), account.roles(), account.groups(), account.workgroups()) == ({}, {}, {}, {})
    again = run(PLATFORM, tasks="absent")
    assert changed(again) == 0


def test_a_role_that_is_given_leaves_iam_alone(run: Run, sandbox: Sandbox) -> None:
    given = {**PLATFORM, "platform_access_role_arn": "arn:aws:iam::123456789012:role/given"}
    run(given)
    assert set(changing(sandbox)) == {"athena:CreateWorkGroup"}
    assert not [call for call in sandbox.calls() if call.startswith("iam:") and call != "iam:ListAccountAliases"]
    run(given, tasks="absent")
    assert Account(sandbox).workgroups() == {}


def test_restricted_groups_know_where_to_create_instances(run: Run, sandbox: Sandbox) -> None:
    refused = run({**PLATFORM, "platform_access_subnet_ids": []}, check=False)
    assert refused.returncode == 2
    assert "interns in platform_access_teams has limits" in refused.stdout + refused.stderr
    assert "platform_access_subnet_ids" in refused.stdout + refused.stderr
    assert sandbox.calls() == {}
