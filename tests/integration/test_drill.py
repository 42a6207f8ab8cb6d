# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drill of tests/unit/plugins/test_drill.py with real calls: one run of site repairs the damage in the sandbox.

The tests of the roles cover what the plans refuse; here everything is repaired, or a line of the run names it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.tests.tools.account import make_role
from sandbox import Sandbox

from .conftest import PlaybookRunner, Played, client, connection

SEEDS = (7,)  # one round each, of some seconds; the unit tests play fifty
DAMAGES_OF_A_ROUND = 10
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = EVERYTHING.replace('"Action": "*", "Resource": "*"', '"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}')
POLICY = "arn:aws:iam::123456789012:policy/datalab/"
BUCKET = "datalab-results-123456789012-eu-central-1"
WORKGROUP = "arn:aws:athena:eu-central-1:123456789012:workgroup/"
OF_INTERNS = {"notebook_lifecycle_config": "interns", "notebook_host_idle_timeout_maximum": 7200}
INTERNS = {"limits": {"instance_types": ["ml.t3.medium"], "volume_size_in_gb": 20}}

Thing = tuple[str, str]  # kind and name
Account = dict[Thing, Any]
Damage = Callable[["Clients"], Any]


class Clients:
    """Clients with which the drill reads and damages the account without Ansible."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.iam, self.athena, self.efs, self.s3, self.sagemaker = (
            client(sandbox, service) for service in ("iam", "athena", "efs", "s3", "sagemaker")
        )

    def account(self) -> Account:
        """Return all resources of the damaged kinds, also those of others, without ids and times."""
        return {**self._iam(), **self._workgroups(), **self._storage(), **self._instances()}

    def _iam(self) -> Account:
        details = self.iam.get_account_authorization_details()
        lists = {"Role": "RoleDetailList", "Group": "GroupDetailList", "Policy": "Policies", "User": "UserDetailList"}
        return {
            (kind, item[f"{kind}Name"]): {key: _plain(key, item[key]) for key in item if key in OF_IAM}
            for kind, each in lists.items()
            for item in details[each]
        }

    def _workgroups(self) -> Account:
        names = [each["Name"] for each in self.athena.list_work_groups()["WorkGroups"]]
        return {("Workgroup", name): self._workgroup(name) for name in names if name != "primary"}

    def _workgroup(self, name: str) -> Any:
        settings = self.athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
        return settings, _by_key(self.athena.list_tags_for_resource(ResourceARN=WORKGROUP + name)["Tags"])

    def _storage(self) -> Account:
        systems = self.efs.describe_file_systems()["FileSystems"]
        buckets = [each["Name"] for each in self.s3.list_buckets()["Buckets"]]
        return {
            **{("FileSystem", each["CreationToken"]): self._file_system(each) for each in systems},
            **{("Bucket", name): self.s3.get_bucket_versioning(Bucket=name).get("Status") for name in buckets},
        }

    def _file_system(self, system: Mapping[str, Any]) -> Any:
        this = {"FileSystemId": system["FileSystemId"]}
        return _by_key(system["Tags"]), self.efs.describe_lifecycle_configuration(**this)["LifecyclePolicies"]

    def _instances(self) -> Account:
        names = [each["NotebookInstanceName"] for each in self.sagemaker.list_notebook_instances()["NotebookInstances"]]
        return {("Instance", name): self._instance(name) for name in names}

    def _instance(self, name: str) -> Any:
        found = self.sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        tags = _by_key(self.sagemaker.list_tags(ResourceArn=found["NotebookInstanceArn"])["Tags"])
        shown = {key: found.get(key) for key in OF_INSTANCES}
        return shown, {key: value for key, value in tags.items() if not key.startswith("datalab:")}

    def of_file_system(self, call: str, **more: Any) -> None:
        (system,) = self.efs.describe_file_systems(CreationToken="datalab")["FileSystems"]
        getattr(self.efs, call)(**{ID_OF.get(call, "FileSystemId"): system["FileSystemId"]}, **more)

    def tag_instance(self, name: str, **tags: str) -> None:
        arn = self.sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceArn"]
        self.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": key, "Value": tags[key]} for key in tags])

    def update_instance(self, name: str, **settings: Any) -> None:
        self.stop_instance(name)
        self.sagemaker.update_notebook_instance(NotebookInstanceName=name, **settings)
        self._await("notebook_instance_stopped", name)

    def delete_instance(self, name: str) -> None:
        self.stop_instance(name)
        self.sagemaker.delete_notebook_instance(NotebookInstanceName=name)
        self._await("notebook_instance_deleted", name)

    def stop_instance(self, name: str) -> None:
        found = self.sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        if found["NotebookInstanceStatus"] != "Stopped":
            self.sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        self._await("notebook_instance_stopped", name)

    def _await(self, state: str, name: str) -> None:
        self.sagemaker.get_waiter(state).wait(NotebookInstanceName=name, WaiterConfig={"Delay": 0.2})


OF_IAM = (
    "Path", "AssumeRolePolicyDocument", "Tags", "AttachedManagedPolicies", "PermissionsBoundary", "RolePolicyList",
    "GroupPolicyList", "PolicyVersionList", "GroupList",
)  # fmt: skip
OF_INSTANCES = (
    "InstanceType", "SubnetId", "SecurityGroups", "RoleArn", "NotebookInstanceLifecycleConfigName", "VolumeSizeInGB",
    "DirectInternetAccess", "RootAccess",
)  # fmt: skip
ID_OF = {"untag_resource": "ResourceId"}


def _by_key(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _plain(key: str, value: Any) -> Any:
    if key == "PolicyVersionList":
        return [version["Document"] for version in value]
    return _by_key(value) if key == "Tags" else value


def iam(call: str, name: str, **more: Any) -> tuple[Thing, Damage]:
    kind = "Group" if "group" in call else "Role"
    return (kind, name), lambda clients: getattr(clients.iam, call)(**{f"{kind}Name": name}, **more)


def of(kind: str, service: str, call: str, name: str, **more: Any) -> tuple[Thing, Damage]:
    return (kind, name), lambda clients: getattr(getattr(clients, service), call)(**more)


def instance(what: str, name: str, **more: Any) -> tuple[Thing, Damage]:
    return ("Instance", name), lambda clients: getattr(clients, f"{what}_instance")(name, **more)


def file_system(call: str, **more: Any) -> tuple[Thing, Damage]:
    return ("FileSystem", "datalab"), lambda clients: clients.of_file_system(call, **more)


def delete_role(clients: Clients, name: str) -> None:
    clients.iam.detach_role_policy(RoleName=name, PolicyArn=POLICY + name)
    clients.iam.delete_role(RoleName=name)


INLINE = {"PolicyName": "mine", "PolicyDocument": EVERYTHING}
FRAUD = {"WorkGroup": "datalab-fraud"}
DAMAGES: list[tuple[Thing, Damage]] = [
    iam("delete_role_permissions_boundary", "datalab-fraud"),
    iam("put_role_policy", "datalab-fraud", **INLINE),
    iam("put_role_policy", "datalab-interns", **INLINE),
    iam("attach_role_policy", "datalab-interns", PolicyArn=f"{POLICY}datalab-fraud"),
    iam("detach_role_policy", "datalab-interns", PolicyArn=f"{POLICY}datalab-interns"),
    iam("update_assume_role_policy", "datalab-fraud", PolicyDocument=TRUST),
    iam("tag_role", "datalab-interns", Tags=[{"Key": "team", "Value": "fraud"}]),
    iam("untag_role", "datalab-interns", TagKeys=["platform"]),
    iam("detach_group_policy", "datalab-people-fraud", PolicyArn=f"{POLICY}datalab-people-fraud"),
    iam("put_group_policy", "datalab-people-interns", **INLINE),
    (("Role", "datalab-fraud"), partial(delete_role, name="datalab-fraud")),
    of("Policy", "iam", "create_policy_version", "datalab-boundary", PolicyArn=f"{POLICY}datalab-boundary",
       PolicyDocument=EVERYTHING, SetAsDefault=True),
    of("Policy", "iam", "create_policy_version", "datalab-people-interns", PolicyArn=f"{POLICY}datalab-people-interns",
       PolicyDocument=EVERYTHING, SetAsDefault=False),
    of("Workgroup", "athena", "update_work_group", "datalab-fraud", **FRAUD,
       ConfigurationUpdates={"ResultConfigurationUpdates": {"OutputLocation": "s3://elsewhere/"}}),
    of("Workgroup", "athena", "delete_work_group", "datalab-fraud", **FRAUD),
    of("Workgroup", "athena", "untag_resource", "datalab-interns", ResourceARN=f"{WORKGROUP}datalab-interns",
       TagKeys=["team"]),
    of("Bucket", "s3", "put_bucket_versioning", BUCKET, Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}),
    file_system("untag_resource", TagKeys=["Name"]),
    file_system("put_lifecycle_configuration", LifecyclePolicies=[]),
    instance("tag", "datalab-alice", team="interns"),
    instance("tag", "datalab-bob", owner="mallory"),
    instance("tag", "datalab-ivy", platform="another"),
    instance("update", "datalab-alice", InstanceType="ml.p3.2xlarge"),
    instance("update", "datalab-erin", RoleArn="arn:aws:iam::123456789012:role/datalab/datalab-interns"),
    instance("update", "datalab-ivy", LifecycleConfigName="of-others"),
    instance("update", "datalab-bob", VolumeSizeInGB=21),
    instance("delete", "datalab-erin"),
]  # fmt: skip


@pytest.fixture
def site(playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path) -> Callable[[], Played]:
    """Provide a function that runs the playbook site for a platform of two teams."""
    hosts: dict[str, Any] = {"fraud": {"alice": {}, "bob": {}, "erin": {}}, "interns": {"ivy": OF_INTERNS}}
    teams = {team: {"hosts": people} for team, people in hosts.items()}
    variables = {
        "platform_aws": connection(sandbox.endpoint),
        "platform_access_teams": {"fraud": {}, "interns": INTERNS},
        "platform_network_endpoints": [],
    }
    inventory = {"all": {"vars": variables, "children": {"owners": {"children": teams}}}}
    (tmp_path / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    return lambda: playbook("datalab.notebooks.site", "-i", tmp_path / "hosts.json")


def strangers(clients: Clients) -> None:
    """Create resources of others in the account, some of them much like the platform's."""
    make_role(clients.iam, "arn:aws:iam::123456789012:role/others/datalab-of-others")
    clients.iam.put_role_policy(RoleName="datalab-of-others", **INLINE)
    clients.iam.create_user(UserName="alice")
    clients.iam.add_user_to_group(GroupName="datalab-people-fraud", UserName="alice")
    clients.athena.create_work_group(Name="datalab-of-others")
    clients.efs.create_file_system(CreationToken="of-others")
    clients.s3.create_bucket(Bucket="of-others", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    clients.sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="of-others")
    clients.sagemaker.create_notebook_instance(
        NotebookInstanceName="datalab-of-others", InstanceType="ml.t3.medium",
        RoleArn="arn:aws:iam::123456789012:role/others/datalab-of-others", Tags=[{"Key": "owner", "Value": "zoe"}],
    )  # fmt: skip


def named(played: Played) -> str:
    """Return the lines about resources that a run leaves as they are."""
    return "\n".join(line for line in played.stdout.splitlines() if line.startswith(("failed ", "stays ")))


def test_one_run_repairs_or_names_what_was_damaged(site: Callable[[], Played], sandbox: Sandbox) -> None:
    clients = Clients(sandbox)
    made = site()
    assert made.returncode == 0, str(made)
    strangers(clients)
    hopeless: set[Thing] = set()
    for seed in SEEDS:
        hopeless |= play_round(clients, site, seed, hopeless)
    _settings, tags = clients.account()["Instance", "datalab-bob"]
    assert tags["owner"] == "mallory", "no round has given Bob's instance to another person"


def play_round(clients: Clients, site: Callable[[], Played], seed: int, hopeless: set[Thing]) -> set[Thing]:
    """Damage resources that this seed chooses, run site, and return those that the run could only name."""
    healthy = clients.account()
    rng = random.Random(seed)  # noqa: S311 - it is a drill
    possible = [(thing, damage) for thing, damage in DAMAGES if thing not in hopeless]
    chosen = dict(rng.sample(possible, DAMAGES_OF_A_ROUND))
    for damage in chosen.values():
        damage(clients)
    damaged = clients.account()
    assert {thing for thing in healthy if damaged.get(thing) != healthy[thing]} == set(chosen), f"round {seed}"
    played = site()
    after = clients.account()
    left = {thing for thing in {*healthy, *after} if after.get(thing) != healthy.get(thing)}
    assert left <= set(chosen), f"round {seed} has touched what was not damaged\n{played}"
    unnamed = [name for _kind, name in left if name.removeprefix("datalab-") not in named(played)]
    assert not unnamed, f"round {seed}\n{played}"
    assert all(after[thing] == damaged[thing] for thing in left), f"round {seed}\n{played}"
    return left
