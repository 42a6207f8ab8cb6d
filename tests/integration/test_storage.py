# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role platform_storage, from an empty account to an empty account. tests/unit tests its decisions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.people import host_defaults
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import OURS, tools_of
from sandbox import Sandbox

from .conftest import PlaybookRunner, Played, changing, client, connection

BUCKET = "datalab-results-123456789012-eu-central-1"
TOOLS_BUCKET = "datalab-tools-123456789012-eu-central-1"
DNS_NAME = "{}.efs.eu-central-1.amazonaws.com"
BY_POINT = {"platform_storage_isolation": "access_point"}
LOGGED = {"TargetBucket": "logs", "TargetPrefix": "ours/"}
DESTROY = {"platform_storage_destroy_data": True}

Storage = Callable[..., Played]


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """Provide an empty sandbox."""
    module_sandbox.reset()
    module_sandbox.reset_calls()
    return module_sandbox


@pytest.fixture
def efs(sandbox: Sandbox) -> Any:
    return client(sandbox, "efs")


@pytest.fixture
def s3(sandbox: Sandbox) -> Any:
    return client(sandbox, "s3")


@pytest.fixture
def network(sandbox: Sandbox) -> dict[str, Any]:
    """Provide three subnets in two zones, the first two in the same zone, and a security group."""
    ec2 = client(sandbox, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="nfs", Description="NFS", VpcId=vpc)["GroupId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for n, zone in enumerate(["eu-central-1a", "eu-central-1a", "eu-central-1b"])
    ]
    return {"platform_storage_subnet_ids": subnets, "platform_storage_security_group_ids": [group]}


@pytest.fixture
def storage(playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path) -> Storage:
    """Provide a function that runs the role with variables and people, and writes its outputs to a file."""
    handed_on = "{{ {'file_system': platform_storage_file_system, 'mounts': platform_storage_mounts,"
    role = {"name": "datalab.notebooks.platform_storage", "tasks_from": "{{ tasks_from | default('main') }}"}
    tasks = [
        {"ansible.builtin.import_role": role},
        {
            "ansible.builtin.copy": {
                "content": f"{handed_on} 'results': platform_storage_results}} | to_json }}}}",
                "dest": str(tmp_path / "handed-on.json"),
                "mode": "0600",
            },
            "check_mode": False,
            "changed_when": False,
        },
    ]
    defaults = {"group/datalab.notebooks.aws": connection(sandbox.endpoint)}
    play = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")

    def run(
        *arguments: str,
        check: bool = True,
        people: tuple[str, ...] = ("alice", "bob"),
        tools: tuple[str, ...] = (),
        mirror: str = "",
        **variables: Any,
    ) -> Played:
        of_team = {"notebook_host_tools": list(tools), "notebook_host_tools_url": mirror}
        team: dict[str, Any] = {"hosts": {person: {} for person in people}, "vars": of_team}
        inventory = {"all": {"children": {"owners": {"children": {"research": team}}}}}
        (tmp_path / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
        sandbox.reset_calls()
        given = ["-i", str(tmp_path / "hosts.json"), "-e", json.dumps(variables)]
        return playbook(tmp_path / "play.yml", *given, *arguments, check=check)

    return run


@pytest.fixture
def handed_on(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Provide a function that returns the outputs of the last run for other roles."""
    return lambda: dict(json.loads((tmp_path / "handed-on.json").read_text(encoding="utf-8")))


def changed(played: Played) -> int:
    return played.recap["localhost"]["changed"]


def file_systems(efs: Any) -> dict[str, dict[str, Any]]:
    return {each["CreationToken"]: each for each in efs.describe_file_systems()["FileSystems"]}


def subnets_of(efs: Any, file_system_id: str) -> list[str]:
    targets = efs.describe_mount_targets(FileSystemId=file_system_id)["MountTargets"]
    return sorted(target["SubnetId"] for target in targets)


def points(efs: Any, file_system_id: str) -> dict[str, str]:
    found = efs.describe_access_points(FileSystemId=file_system_id)["AccessPoints"]
    return {point["Name"]: point["AccessPointId"] for point in found}


def test_from_an_empty_account_to_an_empty_account(
    storage: Storage,
    sandbox: Sandbox,
    efs: Any,
    s3: Any,
    network: dict[str, Any],
    handed_on: Callable[[], dict[str, Any]],
) -> None:
    log = make_log_bucket(s3)
    settings = {**network, **BY_POINT, "platform_storage_uids": {"bob": 2001}, **log}
    predicted = storage("--check", "--diff", **settings)
    assert changed(predicted) == 1
    assert "access point bob of file system datalab" in predicted.stdout
    assert not changing(sandbox)
    assert handed_on()["file_system"] is None
    assert handed_on()["results"] == BUCKET

    storage(**settings)
    made = file_systems(efs)["datalab"]
    file_system_id = made["FileSystemId"]
    assert made["Encrypted"]
    assert made["ThroughputMode"] == "elastic"
    first, _second_in_zone, other_zone = network["platform_storage_subnet_ids"]
    assert subnets_of(efs, file_system_id) == sorted([first, other_zone])
    policy = json.loads(efs.describe_file_system_policy(FileSystemId=file_system_id)["Policy"])
    assert len(policy["Statement"]) == 4
    ids = points(efs, file_system_id)
    mounts = {
        person: {
            "notebook_host_efs_dns_name": DNS_NAME.format(file_system_id),
            "notebook_host_efs_access_point": ids[person],
            "notebook_host_efs_tls": True,
        }
        for person in ("alice", "bob")
    }
    shared = {"file_system": DNS_NAME.format(file_system_id), "mounts": mounts, "results": BUCKET}
    assert handed_on() == shared
    assert_bucket(s3, LOGGED)

    again = storage(**settings)
    assert changed(again) == 0, again.stdout
    assert not changing(sandbox)
    assert handed_on() == shared
    assert sandbox.calls()["efs:DescribeAccessPoints"] == 1
    assert sum(count for call, count in sandbox.calls().items() if call.startswith(("efs:", "s3:"))) == 28

    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    damage(sandbox, efs, file_system_id)
    assert changed(storage(**settings, people=("alice", "bob", "carol"))) == 4
    assert {call for call in changing(sandbox) if call.startswith("efs:")} == {
        "efs:CreateAccessPoint",
        "efs:ModifyMountTargetSecurityGroups",
        "efs:UpdateFileSystem",
    }
    assert set(handed_on()["mounts"]) == {"alice", "bob", "carol"}
    assert_bucket(s3, LOGGED)

    s3.put_object(Bucket=BUCKET, Key="research/result.csv", Body=b"a,b")
    everybody = {**settings, "people": ("alice", "bob", "carol")}
    removal = storage("--check", **everybody, tasks_from="absent")
    assert changed(removal) == 1
    assert not changing(sandbox)
    storage(**everybody, tasks_from="absent")
    assert subnets_of(efs, file_system_id) == []
    assert points(efs, file_system_id) == {}
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["research/result.csv"]

    storage(**settings)  # all is there again, with the same files
    assert file_systems(efs)["datalab"]["FileSystemId"] == file_system_id
    assert len(subnets_of(efs, file_system_id)) == 2
    storage(**settings, **DESTROY, tasks_from="absent")
    assert file_systems(efs) == {}
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["logs"]


def make_log_bucket(s3: Any) -> dict[str, Any]:
    """Create a bucket for access logs, and return the setting that names it."""
    s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    s3.put_bucket_policy(Bucket="logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return {"platform_storage_results_access_log": {"bucket": "logs", "prefix": "ours/"}}


def damage(sandbox: Sandbox, efs: Any, file_system_id: str) -> None:
    """Damage the storage: another security group of a mount target, another throughput mode, no access log."""
    client(sandbox, "s3").put_bucket_logging(Bucket=BUCKET, BucketLoggingStatus={})
    (target, _other) = efs.describe_mount_targets(FileSystemId=file_system_id)["MountTargets"]
    (closed,) = client(sandbox, "ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["default"]}, {"Name": "vpc-id", "Values": [target["VpcId"]]}]
    )["SecurityGroups"]
    efs.modify_mount_target_security_groups(MountTargetId=target["MountTargetId"], SecurityGroups=[closed["GroupId"]])
    efs.update_file_system(FileSystemId=file_system_id, ThroughputMode="bursting")


def assert_bucket(s3: Any, access_log: dict[str, str] | None = None) -> None:
    """Check that the bucket is encrypted, private, versioned, owned by the account and logged; its content expires."""
    assert s3.get_bucket_logging(Bucket=BUCKET).get("LoggingEnabled") == access_log
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    (control,) = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert control == {"ObjectOwnership": "BucketOwnerEnforced"}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert rule["Expiration"]["Days"] == 30
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}


def key_of(file: str, content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}/{Path(file).name}"


def test_tools_are_uploaded_once_and_go_with_a_word(
    storage: Storage, sandbox: Sandbox, s3: Any, tmp_path: Path
) -> None:
    given = {"platform_storage_efs_dns_name": "nfs.example"}
    tool = tmp_path / "report.py"
    ours = tools_of({**host_defaults(), "notebook_host_tools": list(OURS.values())})
    versions = {each.key: Path(each.src).read_bytes() for each in ours}

    def objects() -> dict[str, bytes]:
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=TOOLS_BUCKET)["Contents"]]
        return {key: s3.get_object(Bucket=TOOLS_BUCKET, Key=key)["Body"].read() for key in keys}

    storage(**given, mirror="https://mirror.example/tools")
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [BUCKET]
    storage(**given)
    assert objects() == versions
    for text in ("print(1)", "print(2)"):
        tool.write_text(text)
        versions[key_of("report.py", text.encode())] = text.encode()
        predicted = storage("--check", "--diff", **given, tools=(str(tool),))
        assert f"tool {list(versions)[-1]}" in predicted.stdout
        assert not changing(sandbox)
        storage(**given, tools=(str(tool),))
        assert objects() == versions

    assert set(s3.get_public_access_block(Bucket=TOOLS_BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(Bucket=TOOLS_BUCKET)["Status"] == "Enabled"
    assert changed(storage(**given, tools=(str(tool),))) == 0
    assert not changing(sandbox)
    assert sandbox.calls()["s3:ListObjectsV2"] == 1

    storage(**given, tasks_from="absent")
    assert objects() == versions
    storage(**given, **DESTROY, tasks_from="absent")
    assert s3.list_buckets()["Buckets"] == []


def test_existing_storage_is_neither_changed_nor_removed(
    storage: Storage, sandbox: Sandbox, efs: Any, s3: Any, handed_on: Callable[[], dict[str, Any]]
) -> None:
    s3.create_bucket(Bucket="ours", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    file_system_id = efs.create_file_system(CreationToken="theirs")["FileSystemId"]
    given = {
        "platform_storage_efs_dns_name": DNS_NAME.format(file_system_id),
        "platform_storage_results_bucket": "ours",
    }
    storage(**given, **BY_POINT)
    assert {call for call in changing(sandbox) if call.startswith("efs:")} == {"efs:CreateAccessPoint"}
    assert set(points(efs, file_system_id)) == {"alice", "bob"}
    assert handed_on()["file_system"] == DNS_NAME.format(file_system_id)
    assert handed_on()["results"] == "ours"

    s3.put_object(Bucket="ours", Key="before.csv", Body=b"a,b")
    storage(**given, **BY_POINT, **DESTROY, tasks_from="absent")
    assert points(efs, file_system_id) == {}
    assert set(file_systems(efs)) == {"theirs"}
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="ours")["Contents"]] == ["before.csv"]


def test_resources_of_others_are_refused_and_never_removed(
    storage: Storage, sandbox: Sandbox, efs: Any, s3: Any, network: dict[str, Any]
) -> None:
    efs.create_file_system(CreationToken="datalab", Encrypted=True)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket=BUCKET, Key="theirs.csv", Body=b"a,b")
    refused = " ".join(storage(**network, check=False).stdout.split())
    assert "the file system datalab (fs-" in refused
    assert f"the bucket {BUCKET} must have the tag datalab:storage=datalab to be the platform's" in refused
    assert not changing(sandbox)

    told = storage(**network, **DESTROY, tasks_from="absent")
    assert changed(told) == 0
    assert not changing(sandbox)

    s3.delete_object(Bucket=BUCKET, Key="theirs.csv")  # empty, as an interrupted run leaves it
    (theirs,) = efs.describe_file_systems()["FileSystems"]
    efs.tag_resource(ResourceId=theirs["FileSystemId"], Tags=[{"Key": "datalab:storage", "Value": "datalab"}])
    storage(**network)
    assert {"Key": "datalab:storage", "Value": "datalab"} in s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]
    assert_bucket(s3)


def test_a_file_system_for_each_person(
    storage: Storage, efs: Any, network: dict[str, Any], handed_on: Callable[[], dict[str, Any]]
) -> None:
    each = {**network, "platform_storage_isolation": "file_system"}
    storage(**each)
    made = file_systems(efs)
    assert set(made) == {"datalab-alice", "datalab-bob"}
    assert {"Key": "owner", "Value": "bob"} in made["datalab-bob"]["Tags"]
    assert len(subnets_of(efs, made["datalab-bob"]["FileSystemId"])) == 2
    assert handed_on()["file_system"] == ""
    assert handed_on()["mounts"]["bob"] == {
        "notebook_host_efs_dns_name": DNS_NAME.format(made["datalab-bob"]["FileSystemId"]),
        "notebook_host_efs_access_point": "",
        "notebook_host_efs_tls": False,
    }
    storage(**each, **DESTROY, tasks_from="absent")
    assert file_systems(efs) == {}


def test_all_mount_by_one_access_point_with_iam(
    storage: Storage, sandbox: Sandbox, efs: Any, network: dict[str, Any]
) -> None:
    by_iam = {**network, "platform_storage_iam": True}
    storage(**by_iam)
    file_system_id = file_systems(efs)["datalab"]["FileSystemId"]
    (point,) = efs.describe_access_points(FileSystemId=file_system_id)["AccessPoints"]
    assert (point["Name"], point["RootDirectory"]["Path"]) == ("shared", "/shared")
    policy = json.loads(efs.describe_file_system_policy(FileSystemId=file_system_id)["Policy"])
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Deny"}
    assert "role/datalab/datalab-viewer" in json.dumps(policy)

    again = storage(**by_iam)
    assert changed(again) == 0, again.stdout
    assert not changing(sandbox)
    storage(**by_iam, tasks_from="absent")
    assert points(efs, file_system_id) == {}


def test_refuses_before_the_first_change(storage: Storage, sandbox: Sandbox, network: dict[str, Any]) -> None:
    wrong = {"platform_storage_results_days": 0, "platform_storage_uids": {"bob": 0}, **BY_POINT}
    refused = storage(**wrong, tasks_from="preflight", check=False)
    assert refused.returncode == 2
    assert "platform_storage_results_days is 0; it must be at least 1" in refused.stdout
    assert "platform_storage_uids has 0 for bob;" in refused.stdout
    assert sandbox.calls() == {}

    network["platform_storage_subnet_ids"].append("subnet-0123456789abcdef0")
    refused = storage(**network, check=False)
    assert "platform_storage_subnet_ids has subnet-0123456789abcdef0, which is not in this account" in refused.stdout
    assert not changing(sandbox)

    alone = storage(check=False)
    assert "run datalab.notebooks.site, or the role platform_network first" in alone.stdout
    assert not changing(sandbox)
