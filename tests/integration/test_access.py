# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role platform_access in the sandbox: after it, IAM and Athena have the policies that were proved."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.access import NETWORK
from ansible_collections.datalab.notebooks.plugins.plugin_utils.operator import PARTS
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import render_policies
from ansible_collections.datalab.notebooks.tests.policies.simulator import INVENTORY, PLATFORM, POLICIES, ROLES
from sandbox import Sandbox

from .conftest import PlaybookRunner, Played, changing, client, connection

Run = Callable[..., Played]

TEAMS = ["fraud", "interns", "research"]
BOUNDARY = "arn:aws:iam::123456789012:policy/datalab/datalab-boundary"
WITH_TOOLS = replace(PLATFORM, tools_bucket="datalab-tools-123456789012-eu-central-1")
DOCUMENTS = {policy.name: policy.document for policy in render_policies(WITH_TOOLS)}
PLATFORMS = DOCUMENTS | {"datalab-trust": POLICIES["datalab-trust"]}
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
EVERYTHING: dict[str, Any] = yaml.safe_load(INVENTORY.read_text())


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """Provide an empty sandbox."""
    module_sandbox.reset()
    module_sandbox.reset_calls()
    return module_sandbox


@pytest.fixture
def run(playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path) -> Run:
    """Provide a function that runs tasks of the role for an inventory; the count of calls begins anew with each run."""

    def run(inventory: Any, *arguments: str, tasks: str = "main", check: bool = True, **variables: Any) -> Played:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/datalab.notebooks.aws": connection(sandbox.endpoint)},
            "vars": variables,
            "tasks": [
                {"ansible.builtin.import_role": {"name": "datalab.notebooks.platform_access", "tasks_from": tasks}}
            ],
        }
        (tmp_path / "play.json").write_text(json.dumps([play]))
        (tmp_path / "inventory.yml").write_text(json.dumps(inventory))
        sandbox.reset_calls()
        return playbook(tmp_path / "play.json", "-i", tmp_path / "inventory.yml", *arguments, check=check)

    return run


class Account:
    """The account as boto3 sees it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.iam = client(sandbox, "iam")
        self.athena = client(sandbox, "athena")

    def documents(self) -> dict[str, Any]:
        """Return the documents in force of all managed policies of the account."""
        policies = self.iam.list_policies(Scope="Local")["Policies"]
        return {policy["PolicyName"]: self._document(policy) for policy in policies}

    def _document(self, policy: Any) -> Any:
        versions = self.iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
        assert [version["IsDefaultVersion"] for version in versions] == [True], "no old version is kept"
        version = self.iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        return version["PolicyVersion"]["Document"]

    def roles(self) -> dict[str, Any]:
        """Return all roles, each with its tags, boundary, trust policy and attached policies."""
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
        """Return all groups, with their policies."""
        names = [group["GroupName"] for group in self.iam.list_groups()["Groups"]]
        attached = {name: self.iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"] for name in names}
        return {name: [policy["PolicyName"] for policy in policies] for name, policies in attached.items()}

    def workgroups(self) -> dict[str, Any]:
        """Return the settings of all workgroups but AWS's own."""
        names = [group["Name"] for group in self.athena.list_work_groups()["WorkGroups"] if group["Name"] != "primary"]
        return {name: self.athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"] for name in names}


def changed(played: Played) -> int:
    return played.recap["localhost"]["changed"]


def said(played: Played) -> str:
    """Return what was printed, without its line breaks."""
    return " ".join((played.stdout + played.stderr).split())


def test_the_rights_of_a_platform_from_its_first_day_to_its_last(run: Run, sandbox: Sandbox) -> None:
    account = Account(sandbox)
    planned(run, sandbox)
    created(run, account)
    converged(run, sandbox, account)
    changes_change_what_they_say(run, sandbox, account)
    removed(run, sandbox, account)


def planned(run: Run, sandbox: Sandbox) -> None:
    """Check mode shows everything on an empty account, and runs only the module that reads."""
    checked = run(EVERYTHING, "--check", "--diff")
    assert changed(checked) == 1
    assert changing(sandbox) == {}
    for text in ("policy datalab-people-interns", "role datalab-fraud-frank", "workgroup datalab-research"):
        assert text in checked.stdout
    assert "- Sid: CreateSmall" in checked.stdout


def created(run: Run, account: Account) -> None:
    """Everything is created as it was proved."""
    run(EVERYTHING)
    assert account.documents() == DOCUMENTS
    assert account.roles() == {
        name: {
            "tags": {**role.tags, "platform": "datalab"},
            "boundary": BOUNDARY,
            "trust": POLICIES["datalab-trust"],
            "policies": [role.policy],
        }
        for name, role in ROLES.items()
    }
    assert account.groups() == {f"datalab-people-{team}": [f"datalab-people-{team}"] for team in TEAMS}
    groups = account.workgroups()
    assert sorted(groups) == [f"datalab-{team}" for team in TEAMS]
    for team in TEAMS:
        settings = groups[f"datalab-{team}"]
        assert settings["ResultConfiguration"]["OutputLocation"] == f"s3://acme-results/{team}/"
        assert settings["ResultConfiguration"]["ExpectedBucketOwner"] == "123456789012"
        assert settings["EnforceWorkGroupConfiguration"] is True
        most = PLATFORM.teams[team].get("limits", {}).get("query_bytes")
        assert settings.get("BytesScannedCutoffPerQuery") == most


def converged(run: Run, sandbox: Sandbox, account: Account) -> None:
    """Nothing is changed, and two calls of IAM, one for each policy and two for each workgroup are enough to see it."""
    account.iam.create_user(UserName="alice")
    account.iam.add_user_to_group(GroupName="datalab-people-research", UserName="alice")
    assert changed(run(EVERYTHING)) == 0
    calls = sandbox.calls()
    assert {call: count for call, count in calls.items() if call.startswith(("iam:", "athena:"))} == {
        "iam:GetAccountAuthorizationDetails": 1,
        "iam:ListRoles": 1,
        "iam:ListPolicyTags": len(DOCUMENTS),
        "athena:GetWorkGroup": 3,
        "athena:ListTagsForResource": 3,
    }
    members = account.iam.get_group(GroupName="datalab-people-research")["Users"]
    assert [user["UserName"] for user in members] == ["alice"]
    assert changed(run(EVERYTHING, "--check", platform_access_tags={"cost-center": "1"})) == 1


def changes_change_what_they_say(run: Run, sandbox: Sandbox, account: Account) -> None:
    """A new prefix changes one policy, a new person adds one role, drift is repaired, and removed teams' roles stay."""
    other = copy.deepcopy(EVERYTHING)
    teams = other["all"]["children"]["owners"]["children"]
    teams["fraud"]["hosts"]["grace"] = {}
    teams["fraud"]["hosts"]["erin"]["notebook_name"] = "datalab-erin-2"
    del teams["interns"]
    settings = other["all"]["vars"]["platform_access_teams"]
    settings["research"]["prefixes"].append("s3://acme-data/new")
    del settings["interns"]
    account.iam.delete_role_permissions_boundary(RoleName="datalab-research")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    account.iam.put_role_policy(RoleName="datalab-research", PolicyName="mine", PolicyDocument=json.dumps(everything))
    account.athena.update_work_group(
        WorkGroup="datalab-research", ConfigurationUpdates={"EnforceWorkGroupConfiguration": False}
    )
    anybody = json.dumps(POLICIES["datalab-trust"] | {"Statement": [*POLICIES["datalab-trust"]["Statement"], EC2]})
    account.iam.update_assume_role_policy(RoleName="datalab-research", PolicyDocument=anybody)
    run(other)
    now = account.documents()
    assert {name for name, document in now.items() if document != DOCUMENTS[name]} == {"datalab-research"}
    assert "arn:aws:s3:::acme-data/new/*" in str(now["datalab-research"])
    assert changing(sandbox) == {
        "iam:CreatePolicyVersion": 1,
        "iam:SetDefaultPolicyVersion": 1,
        "iam:DeletePolicyVersion": 1,
        "iam:CreateRole": 1,
        "iam:AttachRolePolicy": 1,
        "iam:TagRole": 1,
        "iam:UpdateAssumeRolePolicy": 1,
        "iam:UpdateRole": 1,
        "iam:DeleteRolePolicy": 1,
        "iam:PutRolePermissionsBoundary": 1,
        "athena:UpdateWorkGroup": 1,
    }
    roles = account.roles()
    assert roles["datalab-research"]["boundary"] == BOUNDARY
    assert roles["datalab-research"]["trust"] == POLICIES["datalab-trust"]
    assert roles["datalab-fraud-grace"]["tags"]["instance"] == "datalab-grace"
    assert roles["datalab-fraud-erin"]["tags"]["instance"] == "datalab-erin-2"
    assert set(roles) == {*ROLES, "datalab-fraud-grace"}


def removed(run: Run, sandbox: Sandbox, account: Account) -> None:
    """Resources that others use stop the removal or stay; the rest is removed, also what the inventory has no more."""
    other = copy.deepcopy(EVERYTHING)
    del other["all"]["children"]["owners"]["children"]["fraud"]
    del other["all"]["vars"]["platform_access_teams"]["fraud"]
    account.athena.create_named_query(
        Name="mine", Database="research", QueryString="SELECT 1", WorkGroup="datalab-research"
    )
    account.iam.create_role(RoleName="sso", AssumeRolePolicyDocument=json.dumps(POLICIES["datalab-trust"]))
    account.iam.attach_role_policy(
        RoleName="sso", PolicyArn="arn:aws:iam::123456789012:policy/datalab/datalab-people-research"
    )
    inline = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    account.iam.put_role_policy(RoleName="datalab-viewer", PolicyName="inline", PolicyDocument=inline)
    refused = run(other, tasks="absent", check=False)
    assert refused.returncode == 2
    assert "workgroup datalab-research has named queries; set -e platform_access_destroy_queries=true" in said(refused)
    assert "policy datalab-people-research is used by the role sso; set -e platform_destroy_keep_used" in said(refused)
    assert changing(sandbox) == {}
    words = {"platform_access_destroy_queries": True, "platform_destroy_keep_used": True}
    run(other, tasks="absent", **words)
    assert list(account.documents()) == ["datalab-people-research"]
    assert [each["RoleName"] for each in account.iam.list_roles()["Roles"]] == ["sso"]
    assert (account.groups(), account.workgroups()) == ({}, {})


def test_a_role_that_is_given_leaves_iam_alone(run: Run, sandbox: Sandbox) -> None:
    needless = {"storage_iam": False, "access_open_from_cidrs": [], "access_open_from_vpc_endpoints": []}
    given = {"access_role_arn": "arn:aws:iam::123456789012:role/given", **needless}
    run(EVERYTHING, **{f"platform_{name}": value for name, value in given.items()})
    assert set(changing(sandbox)) == {"athena:CreateWorkGroup"}
    assert not [call for call in sandbox.calls() if call.startswith("iam:")]


def test_resources_of_others_are_refused(run: Run, sandbox: Sandbox) -> None:
    account = Account(sandbox)
    account.iam.create_role(RoleName="datalab-research", AssumeRolePolicyDocument=json.dumps(POLICIES["datalab-trust"]))
    account.iam.create_policy(PolicyName="datalab-fraud", PolicyDocument=json.dumps(POLICIES["datalab-fraud"]))
    account.iam.create_group(GroupName="datalab-people-fraud", Path="/others/")
    account.athena.create_work_group(Name="datalab-fraud")
    refused = run(EVERYTHING, check=False)
    assert refused.returncode == 2
    assert "the role /datalab-research must be /datalab/datalab-research" in said(refused)
    assert "the policy /datalab-fraud must be /datalab/datalab-fraud" in said(refused)
    assert "the group /others/datalab-people-fraud must be /datalab/datalab-people-fraud" in said(refused)
    assert "the workgroup datalab-fraud must have the tag datalab:access=datalab" in said(refused)
    assert changing(sandbox) == {}


def without_account(policies: Any) -> Any:
    """Return the policies as they are before the account is known: only secrets and roles of the inventory name it."""
    text = json.dumps(policies).replace("123456789012", "0" * 12)
    return json.loads(
        re.sub(r"((?:secretsmanager:[\w-]+|iam:):)0{12}(:secret|:role/gpu)", r"\g<1>123456789012\2", text)
    )


def test_the_policies_are_written_to_files(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    output = tmp_path / "policies"
    run(EVERYTHING, tasks="render", platform_access_output_dir=str(output))
    written = {file.stem: file.read_text() for file in output.glob("*.json")}
    placed = replace(WITH_TOOLS, network=NETWORK)
    with_some_network = {policy.name: policy.document for policy in render_policies(placed)}
    operator = {name: written.pop(name) for name in list(written) if name.startswith("operator-")}
    assert {name: json.loads(text) for name, text in written.items()} == without_account(PLATFORMS | with_some_network)
    assert set(operator) == {f"operator-datalab-{part}" for part in PARTS}
    assert all(json.loads(text)["Statement"] for text in operator.values())
    assert sandbox.calls() == {}
