# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role platform_storage, from an empty account to an empty account."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import Sandbox

from .conftest import ROOT, PlaybookRunner, Played, changing, client, connection

ROLE = ROOT / "roles" / "platform_storage"
BUCKET = "datalab-results-123456789012-eu-central-1"
ALICE = {"uid": 100000 + 0x2BD806C, "gid": 100000 + 0x2BD806C}  # the first 7 digits of sha256("alice")
BY_POINT = {"platform_storage_isolation": "access_point", "platform_storage_people": ["alice", "bob"]}
DESTROY = {"platform_storage_destroy_data": True}

Storage = Callable[..., Played]


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """An empty sandbox."""
    module_sandbox.reset()
    module_sandbox.reset_calls()
    return module_sandbox


@pytest.fixture
def efs(sandbox: Sandbox) -> Any:
    return client(sandbox, "efs")


@pytest.fixture
def network(sandbox: Sandbox) -> dict[str, Any]:
    """Three subnets in two zones, the second of which is in the zone of the first, and a security group."""
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
    """Runs the role with variables, and writes what it hands on to a file."""
    handed_on = "{{ {'file_system': platform_storage_file_system, 'mounts': platform_storage_mounts,"
    tasks = [
        {
            "ansible.builtin.import_role": {
                "name": "datalab.notebooks.platform_storage",
                "tasks_from": "{{ tasks_from | default('main') }}",
            }
        },
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

    def run(*arguments: str, check: bool = True, **variables: Any) -> Played:
        sandbox.reset_calls()
        return playbook(tmp_path / "play.yml", "-e", json.dumps(variables), *arguments, check=check)

    return run


@pytest.fixture
def handed_on(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """What the last run handed on to other roles."""
    return lambda: dict(json.loads((tmp_path / "handed-on.json").read_text(encoding="utf-8")))


def changed(played: Played) -> int:
    return played.recap["localhost"]["changed"]


def file_systems(efs: Any) -> dict[str, dict[str, Any]]:
    return {each["CreationToken"]: each for each in efs.describe_file_systems()["FileSystems"]}


def subnets_of(efs: Any, file_system_id: str) -> list[str]:
    targets = efs.describe_mount_targets(FileSystemId=file_system_id)["MountTargets"]
    return sorted(target["SubnetId"] for target in targets)


def statements(efs: Any, file_system_id: str) -> dict[str, Any]:
    policy = json.loads(efs.describe_file_system_policy(FileSystemId=file_system_id)["Policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def points(efs: Any, file_system_id: str) -> dict[str, dict[str, Any]]:
    found = efs.describe_access_points(FileSystemId=file_system_id)["AccessPoints"]
    return {point["Name"]: point for point in found}


def test_one_file_system_for_all(
    storage: Storage,
    sandbox: Sandbox,
    efs: Any,
    network: dict[str, Any],
    handed_on: Callable[[], dict[str, Any]],
) -> None:
    only_pretended = {**network, "platform_storage_subnet_ids": ["subnet-to-be-made"]}
    assert changed(storage("--check", "--diff", **only_pretended)) == 1
    assert not changing(sandbox)
    assert handed_on() == {"file_system": "fs-to-be-made", "mounts": {}, "results": BUCKET}

    first, second_in_zone, other_zone = network["platform_storage_subnet_ids"]
    one_zone = {**network, "platform_storage_subnet_ids": [first, second_in_zone]}
    tags = {"platform_storage_tags": {"cost": "4711"}}
    storage(**one_zone, **tags)
    made = file_systems(efs)["datalab"]
    file_system_id = made["FileSystemId"]
    assert handed_on() == {
        "file_system": f"{file_system_id}.efs.eu-central-1.amazonaws.com",
        "mounts": {},
        "results": BUCKET,
    }
    assert made["Encrypted"]
    assert made["ThroughputMode"] == "elastic"
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {"Name": "datalab", "cost": "4711"}
    named = {"FileSystemId": file_system_id}
    assert efs.describe_backup_policy(**named)["BackupPolicy"]["Status"] == "ENABLED"
    assert efs.describe_lifecycle_configuration(**named)["LifecyclePolicies"] == [
        {"TransitionToIA": "AFTER_30_DAYS"},
        {"TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"},
    ]
    assert subnets_of(efs, file_system_id) == [first]
    (statement,) = statements(efs, file_system_id).values()
    assert statement["Condition"] == {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
    assert "elasticfilesystem:ClientRootAccess" in statement["Action"]
    assert_bucket(client(sandbox, "s3"))

    again = storage(**one_zone, **tags)
    assert changed(again) == 0, again.stdout
    assert not changing(sandbox)

    added = storage(**network, **tags)
    assert changed(added) == 1
    assert set(changing(sandbox)) == {"efs:CreateMountTarget"}
    assert subnets_of(efs, file_system_id) == sorted([first, other_zone])
    (target, _) = efs.describe_mount_targets(**named)["MountTargets"]
    groups = efs.describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])["SecurityGroups"]
    assert groups == network["platform_storage_security_group_ids"]


def assert_bucket(s3: Any) -> None:
    """The bucket is encrypted, private, versioned, owned by the account, and its content expires."""
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    (control,) = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert control == {"ObjectOwnership": "BucketOwnerEnforced"}
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert rule["Expiration"]["Days"] == 30
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == [{"Key": "cost", "Value": "4711"}]


def test_an_access_point_for_each_person(
    storage: Storage, sandbox: Sandbox, efs: Any, handed_on: Callable[[], dict[str, Any]]
) -> None:
    predicted = storage("--check", **BY_POINT)
    assert changed(predicted) == 2
    assert not changing(sandbox)
    assert set(handed_on()["mounts"]) == {"alice", "bob"}

    storage(**BY_POINT, platform_storage_uids={"bob": 2001})
    file_system_id = file_systems(efs)["datalab"]["FileSystemId"]
    found = points(efs, file_system_id)
    assert found["alice"]["PosixUser"] == {"Uid": ALICE["uid"], "Gid": ALICE["gid"]}
    assert found["bob"]["PosixUser"] == {"Uid": 2001, "Gid": 2001}
    assert found["alice"]["RootDirectory"] == {
        "Path": "/people/alice",
        "CreationInfo": {"OwnerUid": ALICE["uid"], "OwnerGid": ALICE["gid"], "Permissions": "0700"},
    }
    allowed = statements(efs, file_system_id)
    assert "elasticfilesystem:ClientRootAccess" not in allowed["ByMountTarget"]["Action"]
    assert {sid: each["Effect"] for sid, each in allowed.items()} == {
        "ByMountTarget": "Allow",
        "NotWithoutAccessPoint": "Deny",
        "NotWithoutTls": "Deny",
        "NotAsRoot": "Deny",
    }
    mounts = handed_on()["mounts"]
    assert mounts == {
        person: {
            "notebook_host_efs_dns_name": f"{file_system_id}.efs.eu-central-1.amazonaws.com",
            "notebook_host_efs_access_point": found[person]["AccessPointId"],
            "notebook_host_efs_tls": True,
        }
        for person in ("alice", "bob")
    }

    again = storage(**BY_POINT, platform_storage_uids={"bob": 2001})
    assert changed(again) == 0, again.stdout
    assert handed_on()["mounts"] == mounts
    assert sandbox.calls()["efs:DescribeAccessPoints"] == 1
    assert not changing(sandbox)

    more = {**BY_POINT, "platform_storage_people": ["alice", "bob", "carol"]}
    assert changed(storage(**more, platform_storage_uids={"bob": 2001})) == 1
    assert set(changing(sandbox)) == {"efs:CreateAccessPoint"}
    assert set(handed_on()["mounts"]) == {"alice", "bob", "carol"}

    other_id = storage(**BY_POINT, check=False)
    assert "access point bob: posix_user.uid is 2001 and not" in other_id.stdout
    assert not changing(sandbox)


def test_a_file_system_for_each_person(
    storage: Storage, sandbox: Sandbox, efs: Any, network: dict[str, Any], handed_on: Callable[[], dict[str, Any]]
) -> None:
    each = {**network, "platform_storage_isolation": "file_system", "platform_storage_people": ["alice", "bob"]}
    storage("--check", **each)
    assert not changing(sandbox)
    assert handed_on()["mounts"]["bob"]["notebook_host_efs_dns_name"] == "fs-to-be-made"
    storage(**each)
    made = file_systems(efs)
    assert set(made) == {"datalab-alice", "datalab-bob"}
    assert {"Key": "owner", "Value": "bob"} in made["datalab-bob"]["Tags"]
    assert len(subnets_of(efs, made["datalab-bob"]["FileSystemId"])) == 2
    assert handed_on()["file_system"] == ""
    assert handed_on()["mounts"]["bob"] == {
        "notebook_host_efs_dns_name": f"{made['datalab-bob']['FileSystemId']}.efs.eu-central-1.amazonaws.com",
        "notebook_host_efs_access_point": "",
        "notebook_host_efs_tls": False,
    }
    again = storage(**each)
    assert changed(again) == 0, again.stdout
    assert not changing(sandbox)

    storage(**each, tasks_from="absent", **DESTROY)
    assert file_systems(efs) == {}


def test_a_file_system_that_is_given_is_not_changed(
    storage: Storage, sandbox: Sandbox, efs: Any, handed_on: Callable[[], dict[str, Any]]
) -> None:
    file_system_id = efs.create_file_system(CreationToken="theirs")["FileSystemId"]
    given = {"platform_storage_efs_dns_name": f"{file_system_id}.efs.eu-central-1.amazonaws.com"}
    given["platform_storage_results_bucket"] = "our-results"
    storage(**given)
    assert not {call for call in changing(sandbox) if call.startswith("efs:")}
    assert handed_on()["file_system"] == given["platform_storage_efs_dns_name"]
    assert handed_on()["results"] == "our-results"

    storage(**given, **BY_POINT)
    assert {call for call in changing(sandbox) if call.startswith("efs:")} == {"efs:CreateAccessPoint"}
    assert set(points(efs, file_system_id)) == {"alice", "bob"}

    storage(**given, **BY_POINT, **DESTROY, tasks_from="absent")
    assert points(efs, file_system_id) == {}
    assert set(file_systems(efs)) == {"theirs"}


def test_data_goes_with_an_explicit_word_only(
    storage: Storage, sandbox: Sandbox, efs: Any, network: dict[str, Any]
) -> None:
    settings = {**network, **BY_POINT}
    storage(**settings)
    file_system_id = file_systems(efs)["datalab"]["FileSystemId"]
    s3 = client(sandbox, "s3")
    for _version in range(2):
        s3.put_object(Bucket=BUCKET, Key="research/result.csv", Body=b"a,b")

    storage("--check", **settings, **DESTROY, tasks_from="absent")
    assert not changing(sandbox)

    kept = storage(**settings, tasks_from="absent")
    assert f"file system datalab, bucket {BUCKET}" in " ".join(kept.stdout.split())
    assert subnets_of(efs, file_system_id) == []
    assert points(efs, file_system_id) == {}
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["research/result.csv"]
    assert changed(storage(**settings, tasks_from="absent")) == 0

    storage(**settings)  # all is there again, with the same files
    assert file_systems(efs)["datalab"]["FileSystemId"] == file_system_id
    assert len(subnets_of(efs, file_system_id)) == 2

    storage(**settings, **DESTROY, tasks_from="absent")
    assert file_systems(efs) == {}
    assert s3.list_buckets()["Buckets"] == []
    nothing_left = storage(**settings, **DESTROY, tasks_from="absent")
    assert changed(nothing_left) == 0, nothing_left.stdout


def test_a_bucket_that_is_named_is_never_removed(storage: Storage, sandbox: Sandbox) -> None:
    s3 = client(sandbox, "s3")
    s3.create_bucket(Bucket="ours", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="ours", Key="before.csv", Body=b"a,b")
    storage(**DESTROY, platform_storage_results_bucket="ours", tasks_from="absent")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="ours")["Contents"]] == ["before.csv"]


NO_SENSE = {
    "platform_storage_efs_name": "My_FS",
    "platform_storage_efs_dns_name": "fs-1.example",
    "platform_storage_isolation": "file_system",
    "platform_storage_subnet_ids": ["subnet-0123"],
    "platform_storage_results_days": 0,
}
NO_SENSE_EITHER = {
    "platform_storage_efs_dns_name": "nfs.example",
    "platform_storage_isolation": "access_point",
    "platform_storage_people": ["a/b", "alice", "bob", "carol", "person3279", "person6939"],
    "platform_storage_uids": {"bob": 0, "carol": ALICE["uid"]},
    "platform_storage_results_bucket": "Results",
}


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (
            NO_SENSE,
            [
                "platform_storage_efs_name is My_FS, of which no bucket name",
                "platform_storage_efs_dns_name is fs-1.example, but platform_storage_isolation is file_system",
                "platform_storage_security_group_ids is empty.",
                "platform_storage_results_days is 0.",
            ],
        ),
        (
            NO_SENSE_EITHER,
            [
                "platform_storage_efs_dns_name is nfs.example, and platform_storage_isolation is access_point",
                "platform_storage_people has a/b.",
                "platform_storage_uids has 0 for bob.",
                f"platform_storage_uids: alice and carol would both have the user id {ALICE['uid']} ",
                "platform_storage_uids: person3279 and person6939 would both have the user id 122760062 ",  # by chance
                "platform_storage_results_bucket is Results.",
            ],
        ),
    ],
    ids=["one", "another"],
)
def test_settings_without_sense_name_the_variable_before_the_first_call(
    storage: Storage, sandbox: Sandbox, variables: dict[str, Any], says: list[str]
) -> None:
    refused = storage(**variables, check=False)
    assert refused.returncode == 2
    output = " ".join(refused.stdout.replace("\\n", " ").split())
    assert [each for each in says if each not in output] == [], refused.stdout
    assert sandbox.calls() == {}


def test_a_subnet_that_is_not_there(storage: Storage, sandbox: Sandbox, network: dict[str, Any]) -> None:
    network["platform_storage_subnet_ids"].append("subnet-0123456789abcdef0")
    refused = storage(**network, check=False)
    assert "platform_storage_subnet_ids: there is no subnet subnet-0123456789abcdef0" in refused.stdout
    assert not changing(sandbox)


def test_the_argument_specification_mirrors_the_defaults() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    for entry, spec in specs.items():
        known = {name: option["default"] for name, option in spec["options"].items()}
        assert known == {name: defaults[name] for name in (known if entry == "lookup" else defaults)}
