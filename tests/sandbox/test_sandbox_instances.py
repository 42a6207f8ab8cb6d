# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Notebook instances: what Create and Update accept, and what Describe returns."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.tools.account import make_network, make_role

EVERYTHING: dict[str, Any] = {
    "InstanceType": "ml.m6i.xlarge",
    "IpAddressType": "dualstack",
    "RoleArn": "arn:aws:iam::123456789012:role/path/of-alice",
    "LifecycleConfigName": "config",
    "DirectInternetAccess": "Disabled",
    "VolumeSizeInGB": 50,
    "AcceleratorTypes": ["ml.eia2.medium"],
    "DefaultCodeRepository": "https://git.example.org/default",
    "AdditionalCodeRepositories": ["https://git.example.org/other", "repository"],
    "RootAccess": "Disabled",
    "PlatformIdentifier": "notebook-al2023-v2",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
}
DESCRIBED_AS = {"SecurityGroupIds": "SecurityGroups", "LifecycleConfigName": "NotebookInstanceLifecycleConfigName"}


@pytest.fixture
def everything(sagemaker, client_of):
    """Return every field of an instance, and create the resources that the fields name."""
    sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="config")
    sagemaker.create_code_repository(
        CodeRepositoryName="repository", GitConfig={"RepositoryUrl": "https://git.example.org/repository"}
    )
    make_role(client_of("iam"), EVERYTHING["RoleArn"])
    subnet, groups = make_network(client_of("ec2"), groups=2)
    key = client_of("kms").create_key()["KeyMetadata"]["KeyId"]
    return EVERYTHING | {"SubnetId": subnet, "SecurityGroupIds": groups, "KmsKeyId": key}


def test_a_plain_instance_has_the_defaults_and_nothing_else(create, describe):
    arn = create()
    described = describe()
    for changing in ("ResponseMetadata", "CreationTime", "LastModifiedTime"):
        described.pop(changing)
    assert described == {
        "NotebookInstanceArn": arn,
        "NotebookInstanceName": "alice",
        "NotebookInstanceStatus": "InService",
        "Url": "alice.notebook.eu-central-1.sagemaker.aws",
        "InstanceType": "ml.t3.medium",
        "IpAddressType": "ipv4",
        "RoleArn": "arn:aws:iam::123456789012:role/notebooks",
        "DirectInternetAccess": "Enabled",
        "VolumeSizeInGB": 5,
        "RootAccess": "Enabled",
        "PlatformIdentifier": "notebook-al2023-v1",
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
    }
    assert arn == "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/alice"


def test_every_field_is_kept(create, describe, everything):
    create(**everything)
    described = describe()
    assert {DESCRIBED_AS.get(key, key) for key in everything} <= set(described)
    for key, value in everything.items():
        assert described[DESCRIBED_AS.get(key, key)] == value
    assert re.fullmatch(r"eni-[0-9a-f]{17}", described["NetworkInterfaceId"])


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (
            "InstanceType",
            "ml.t3.tiny",
            "'ml.t3.tiny' at 'instanceType' failed to satisfy constraint: Member must satisfy enum",
        ),
        (
            "RootAccess",
            "Sometimes",
            "at 'rootAccess' failed to satisfy constraint: Member must satisfy enum value set: [Enab",
        ),
        ("IpAddressType", "ipv6", "'ipv6' at 'ipAddressType'"),
        (
            "RoleArn",
            "arn:aws:iam::1:role/too-short-account",
            "at 'roleArn' failed to satisfy constraint: Member must satisfy reg",
        ),
        (
            "VolumeSizeInGB",
            4,
            "'4' at 'volumeSizeInGB' failed to satisfy constraint: Member must have value greater than or equal to 5",
        ),
        ("VolumeSizeInGB", 16385, "Member must have value less than or equal to 16384"),
        ("PlatformIdentifier", "notebook-al2030-v1", "at 'platformIdentifier'"),
        (
            "InstanceMetadataServiceConfiguration",
            {"MinimumInstanceMetadataServiceVersion": "3"},
            "'3' at 'instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion'",
        ),
        (
            "SecurityGroupIds",
            [f"sg-{n}" for n in range(6)],
            "at 'securityGroupIds' failed to satisfy constraint: Member must have length less",
        ),
        (
            "SecurityGroupIds",
            ["sg 1"],
            "'[sg 1]' at 'securityGroupIds' failed to satisfy constraint: Member must satisfy constraint: [",
        ),
        ("AdditionalCodeRepositories", ["https://a.b/c"] * 4, "Member must have length less than or equal to 3"),
        ("NotebookInstanceName", "-alice", "'-alice' at 'notebookInstanceName'"),
        ("NotebookInstanceName", "a" * 64, "Member must have length less than or equal to 63"),
        (
            "Tags",
            [{"Key": "k", "Value": "v" * 257}],
            "at 'tags.1.member.value' failed to satisfy constraint: Member must have length",
        ),
        ("Tags", [{"Key": "not;this", "Value": ""}], "'not;this' at 'tags.1.member.key'"),
        (
            "Tags",
            [{"Key": f"k{n}", "Value": ""} for n in range(51)],
            "at 'tags' failed to satisfy constraint: Member must have length less",
        ),
        ("InstanceType", None, "Value null at 'instanceType' failed to satisfy constraint: Member must not be null"),
    ],
)
def test_the_service_models_constraints_are_checked(sagemaker, refused, field, value, reason):
    fields = {"NotebookInstanceName": "alice", "InstanceType": "ml.t3.medium", "RoleArn": EVERYTHING["RoleArn"]}
    code, message = refused(
        sagemaker.create_notebook_instance, **{k: v for k, v in (fields | {field: value}).items() if v}
    )
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value ")
    assert reason in message
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []


def test_all_violations_are_reported_at_once(sagemaker, refused):
    _, message = refused(sagemaker.create_notebook_instance, NotebookInstanceName="a b", InstanceType="x", RoleArn="y")
    assert message.startswith("4 validation errors detected: ")  # two for the role: too short, and no ARN
    assert message.count("; Value '") == 3


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"DirectInternetAccess": "Disabled"}, "SubnetId"),
        (
            {"PlatformIdentifier": "notebook-al1-v1"},
            "Platform identifier (notebook-al1-v1) is not supported for this service.",
        ),
        (
            {"PlatformIdentifier": "notebook-al2-v3"},
            "Platform identifier (notebook-al2-v3) is not supported for this service.",
        ),
        (
            {"LifecycleConfigName": "none"},
            (
                "Unable to describe Notebook Instance Lifecycle Config "
                "'arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance-lifecycle-config/none'. "
                "(Details: Notebook Instance Lifecycle Config does not exist.)"
            ),
        ),
        (
            {"DefaultCodeRepository": "none"},
            "Cannot find CodeRepository: arn:aws:sagemaker:eu-central-1:123456789012:code-repository/none",
        ),
        ({"AdditionalCodeRepositories": ["https://a.b/c", "none"]}, "Cannot find CodeRepository"),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "aws: prefixed tag key names are not allowed for external use."),
    ],
)
def test_impossible_settings_are_refused(create, sagemaker, refused, fields, reason):
    code, message = refused(create, **fields)
    assert code == "ValidationException"
    assert reason in message
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []


UNASSUMABLE = (
    "Could not assume role {arn}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' "
    "to assume the role."
)


@pytest.mark.parametrize(
    "trust",
    [
        None,
        {"Principal": {"Service": "ec2.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Effect": "Deny"},
        {"Action": "sts:TagSession"},
    ],
)
def test_a_role_that_sagemaker_cannot_assume(create_stopped, sagemaker, refused, client_of, trust):
    arn = "arn:aws:iam::123456789012:role/other"
    if trust:
        make_role(client_of("iam"), arn, **trust)
    create_stopped("bob")
    said = ("ValidationException", UNASSUMABLE.format(arn=arn))
    named = {"InstanceType": "ml.t3.medium", "RoleArn": arn}
    assert refused(sagemaker.create_notebook_instance, NotebookInstanceName="alice", **named) == said
    assert refused(sagemaker.update_notebook_instance, NotebookInstanceName="bob", **named) == said


@pytest.mark.parametrize(
    "trust",
    [
        {"Principal": {"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}},
        {"Principal": "*"},
        {"Action": ["sts:AssumeRole", "sts:TagSession"]},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}},
    ],
)
def test_a_role_that_sagemaker_can_assume(create, client_of, trust):
    arn = "arn:aws:iam::123456789012:role/path/other"
    make_role(client_of("iam"), arn, **trust)
    create(RoleArn=arn)


def test_a_role_of_another_account(create, refused):
    said = ("AccessDeniedException", "Cross-account pass role is not allowed.")
    assert refused(create, RoleArn="arn:aws:iam::210987654321:role/notebooks") == said


def test_a_place_that_is_not_there(create, client_of, refused):
    ec2 = client_of("ec2")
    (subnet, groups), (_, others) = make_network(ec2), make_network(ec2)
    missing = "0123456789abcdef0"
    for fields, message in (
        ({"SubnetId": f"subnet-{missing}"}, f"The subnet ID 'subnet-{missing}' does not exist"),
        (
            {"SubnetId": subnet, "SecurityGroupIds": [*groups, f"sg-{missing}"]},
            f"The security group 'sg-{missing}' does not exist",
        ),
        (
            {"SubnetId": subnet, "SecurityGroupIds": others},
            f"Security group {others[0]} and subnet {subnet} belong to different networks.",
        ),
    ):
        assert refused(create, **fields) == ("ValidationException", message)
    create(SubnetId=subnet, SecurityGroupIds=groups)


def test_a_key_that_cannot_be_used(create, client_of, refused):
    kms = client_of("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/notebooks", TargetKeyId=key["KeyId"])
    names = [key["KeyId"], key["Arn"], "alias/notebooks", key["Arn"].partition("key/")[0] + "alias/notebooks"]
    for number, name in enumerate(names):
        create(f"n{number}", KmsKeyId=name)
    for name in ("11111111-2222-3333-4444-555555555555", "alias/none"):
        assert refused(create, KmsKeyId=name) == ("ValidationException", f"The KMS key {name} does not exist.")
    kms.disable_key(KeyId=key["KeyId"])
    for name in names:
        assert refused(create, KmsKeyId=name) == ("ValidationException", f"The KMS key {name} is not enabled.")


def test_a_name_is_taken_until_its_instance_is_gone(sandbox, create, create_stopped, sagemaker, refused):
    arn = create_stopped()
    assert refused(create) == ("ValidationException", f"Cannot create a duplicate Notebook Instance ({arn})")
    sandbox.set_transition_seconds(60)
    sagemaker.delete_notebook_instance(NotebookInstanceName="alice")
    assert refused(create) == ("ValidationException", f"Cannot create a duplicate Notebook Instance ({arn})")
    sandbox.set_transition_seconds(0)
    assert create() == arn


def test_regions_are_apart(sandbox, create, client_for, refused):
    create()
    elsewhere = client_for("sagemaker", sandbox.endpoint, region="us-east-1")
    assert refused(elsewhere.describe_notebook_instance, NotebookInstanceName="alice")[1] == "RecordNotFound"


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("field", sorted(EVERYTHING.keys() - {"DirectInternetAccess"}))
def test_update_changes_what_is_named_and_nothing_else(create_stopped, describe, sagemaker, field):
    create_stopped()
    before = describe()
    sagemaker.update_notebook_instance(NotebookInstanceName="alice", **{field: EVERYTHING[field]})
    after = describe()
    for changing in ("ResponseMetadata", "LastModifiedTime"):
        del before[changing], after[changing]
    assert after == before | {DESCRIBED_AS.get(field, field): EVERYTHING[field]}


CLEARED_BY = {
    "DisassociateLifecycleConfig": "LifecycleConfigName",
    "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
    "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
    "DisassociateAcceleratorTypes": "AcceleratorTypes",
}


@pytest.mark.parametrize("flag", CLEARED_BY)
def test_disassociate_clears_one_field(create_stopped, describe, sagemaker, refused, everything, flag):
    field = CLEARED_BY[flag]
    create_stopped(**everything)
    before = set(describe())
    code, _ = refused(
        sagemaker.update_notebook_instance, NotebookInstanceName="alice", **{flag: True, field: everything[field]}
    )
    assert code == "ValidationException"
    assert set(describe()) == before
    sagemaker.update_notebook_instance(NotebookInstanceName="alice", **{flag: False})
    assert set(describe()) == before
    for _ in range(2):  # clearing an empty field is no error
        sagemaker.update_notebook_instance(NotebookInstanceName="alice", **{flag: True})
        assert before - set(describe()) == {DESCRIBED_AS.get(field, field)}


def test_a_volume_never_shrinks(create_stopped, describe, sagemaker, refused):
    create_stopped(VolumeSizeInGB=20)
    code, message = refused(sagemaker.update_notebook_instance, NotebookInstanceName="alice", VolumeSizeInGB=19)
    assert (code, "20 GB" in message) == ("ValidationException", True)
    sagemaker.update_notebook_instance(NotebookInstanceName="alice", VolumeSizeInGB=20)
    assert describe()["VolumeSizeInGB"] == 20


@pytest.mark.parametrize(
    "fields",
    [
        {"PlatformIdentifier": "notebook-al2-v3"},
        {"LifecycleConfigName": "none"},
        {"InstanceType": "x"},
        {"DefaultCodeRepository": "none"},
    ],
)
def test_a_refused_update_changes_nothing(create_stopped, describe, sagemaker, refused, fields):
    create_stopped()
    before = describe()
    code, _ = refused(sagemaker.update_notebook_instance, NotebookInstanceName="alice", RootAccess="Disabled", **fields)
    assert code == "ValidationException"
    assert {**describe(), "ResponseMetadata": None} == {**before, "ResponseMetadata": None}


def test_a_presigned_url_opens_a_running_instance_only(create, sagemaker, refused):
    create()
    urls = {
        sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName="alice")["AuthorizedUrl"] for _ in "12"
    }
    assert len(urls) == 2
    assert all(
        re.fullmatch(r"https://alice\.notebook\.eu-central-1\.sagemaker\.aws\?authToken=\w{40,}", url) for url in urls
    )
    for seconds, word in ((1799, "greater"), (43201, "less")):
        _, message = refused(
            sagemaker.create_presigned_notebook_instance_url,
            NotebookInstanceName="alice",
            SessionExpirationDurationInSeconds=seconds,
        )
        assert (
            f"at 'sessionExpirationDurationInSeconds' failed to satisfy constraint: Member must have value {word}"
            in message
        )
    sagemaker.stop_notebook_instance(NotebookInstanceName="alice")
    code, message = refused(sagemaker.create_presigned_notebook_instance_url, NotebookInstanceName="alice")
    assert (code, message.startswith("Status (Stopped) not in ([InService]).")) == ("ValidationException", True)


def test_of_many_starts_at_once_one_is_accepted(sandbox, create_stopped, sagemaker):
    create_stopped()
    sandbox.set_transition_seconds(60)

    def start(_):
        try:
            return bool(sagemaker.start_notebook_instance(NotebookInstanceName="alice"))
        except sagemaker.exceptions.ClientError:
            return False

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(start, range(20))).count(True) == 1
