# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of the storage, and the result of read_storage for a platform with these settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage import plan_storage
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage_settings import (
    made_uid,
    own_file_systems,
    platform_roles,
    point_path,
    policy,
)

ROLE = Path(__file__).parents[3] / "roles" / "platform_storage"
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
MADE = {name.removeprefix("platform_storage_"): value for name, value in DEFAULTS.items()}

FS = "fs-0123456789abcdef0"
GIVEN = f"{FS}.efs.eu-central-1.amazonaws.com"
A, A2, B, C = (f"subnet-{n}123456789abcdef0" for n in ("a", "aa", "b", "c"))
GROUP, OTHER_GROUP = "sg-0123456789abcdef0", "sg-0123456789abcdef1"
VPC, OTHER_VPC = "vpc-0123456789abcdef0", "vpc-0123456789abcdef1"
KEY_ID = "01234567-89ab-cdef-0123-456789abcdef"
KEY = f"arn:aws:kms:eu-central-1:123456789012:key/{KEY_ID}"
ACCOUNT = {"account": "123456789012", "partition": "aws", "region": "eu-central-1"}
BUCKET = "datalab-results-123456789012-eu-central-1"
LOG = {"bucket": "logs", "prefix": "ours/"}  # where the bucket's access log may be written
ROLES = platform_roles("datalab", ACCOUNT)
PEOPLE = ("alice", "bob")
NETWORK = {
    "vpc_id": VPC,
    "subnet_ids": [A, B],
    "zones": {A: "eu-central-1a", B: "eu-central-1b"},
    "storage_security_group": GROUP,
    "instances_security_group": OTHER_GROUP,
    "region": "eu-central-1",
}
NO_NETWORK_YET = {
    **NETWORK,
    "vpc_id": None,
    "subnet_ids": [None, None],
    "zones": {},
    "storage_security_group": None,
    "instances_security_group": None,
}
BY_POINT, BY_FILE_SYSTEM = {"isolation": "access_point"}, {"isolation": "file_system"}
BY_IAM = {"iam": True}
GIVEN_SUBNETS = {"subnet_ids": [A, B], "security_group_ids": [GROUP]}
SUBNETS = {A: {"vpc_id": VPC, "zone": "eu-central-1a"}, B: {"vpc_id": VPC, "zone": "eu-central-1b"}}
MARKED = {"datalab:storage": "datalab"}  # the tag of the platform with these settings
NO_BUCKETS = {"bucket": None, "has_log_bucket": None, "tools_bucket": None}
EMPTY: dict[str, Any] = {"ids_only": False, "file_systems": [], "subnets": {}, **NO_BUCKETS}


def target(subnet: str = A, zone: str = "a", **more: Any) -> dict[str, Any]:
    """A mount target as read_storage returns it."""
    return {
        "mount_target_id": subnet.replace("subnet-", "fsmt-"),
        "subnet_id": subnet,
        "availability_zone_name": f"eu-central-1{zone}",
        "vpc_id": VPC,
        "ip_address": "10.0.0.5",
        "life_cycle_state": "available",
        "security_groups": [GROUP],
        **more,
    }


def file_system(settings: dict[str, Any], name: str = "datalab", **more: Any) -> dict[str, Any]:
    """A file system as read_storage returns it, after the role has run."""
    tags = own_file_systems(settings, PEOPLE).get(name, {"Name": name, **MARKED})
    return {
        "file_system_id": FS,
        "file_system_arn": f"arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/{FS}",
        "creation_token": name,
        "dns_name": GIVEN,
        "life_cycle_state": "available",
        "size_in_bytes": {"value": 6144},
        "encrypted": True,
        "kms_key_id": KEY,
        "throughput_mode": "elastic",
        "lifecycle_policies": {
            "transition_to_ia": "AFTER_30_DAYS",
            "transition_to_primary_storage_class": "AFTER_1_ACCESS",
        },
        "backup": True,
        "policy": policy(settings, ROLES),
        "mount_targets": [target(A, "a"), target(B, "b")],
        "tags": {**tags, "seen-by": "others"},
        **more,
    }


def point(person: str = "alice", uid: int = 0, **more: Any) -> dict[str, Any]:
    """A person's access point as read_storage returns it."""
    uid = uid or made_uid(person)
    return {
        "access_point_id": f"fsap-{person}",
        "name": person,
        "file_system_id": FS,
        "posix_user": {"uid": uid, "gid": uid},
        "root_directory": {
            "path": point_path(person),
            "creation_info": {"owner_uid": uid, "owner_gid": uid, "permissions": "0700"},
        },
        "life_cycle_state": "available",
        "tags": {"Name": person, "owner": person, **MARKED, "seen-by": "others"},
        **more,
    }


def everybodys_point(**more: Any) -> dict[str, Any]:
    """The access point by which all people mount the file system with IAM."""
    made = {"owner_uid": 1000, "owner_gid": 1000, "permissions": "0775"}
    directory = {"path": "/shared", "creation_info": made}
    return {**point("shared", 1000), "root_directory": directory, "tags": {"Name": "shared", **MARKED}, **more}


RULE = {
    "id": "expire",
    "status": "Enabled",
    "filter": {"prefix": ""},
    "expiration": {"days": 30},
    "noncurrent_version_expiration": {"noncurrent_days": 7},
    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
}
PRIVATE = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


ONLY_TLS: dict[str, Any] = {
    "Sid": "NotWithoutTls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def bucket_policy(*others: dict[str, Any]) -> dict[str, Any]:
    """The policy of the bucket after the role has run, with the statements of others."""
    return {"Version": "2012-10-17", "Statement": [*others, ONLY_TLS]}


def bucket(name: str = BUCKET, **more: Any) -> dict[str, Any]:
    """The bucket as read_bucket returns it, after the role has run."""
    return {
        "name": name,
        "foreign": False,
        "is_blank": False,
        "encryption": {"algorithm": "AES256", "key_id": None},
        "public_access": dict.fromkeys(PRIVATE, True),
        "object_ownership": "BucketOwnerEnforced",
        "policy": bucket_policy(),
        "versioning": "Enabled",
        "tags": {**MARKED, "seen-by": "others"},
        "lifecycle_rules": [{"id": "another", "status": "Enabled"}, RULE],
        "access_log": {},
        **more,
    }


def converged(settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The result of read_storage for a platform that matches the settings; the default ones, if none are given."""
    each = [file_system(settings, name) for name in own_file_systems(settings, PEOPLE)]
    if settings["isolation"] == "access_point":
        each = [{**system, "access_points": [point(person) for person in PEOPLE]} for system in each]
    if settings["iam"]:
        each = [{**system, "access_points": [everybodys_point()]} for system in each]
    asked = {"subnets": {}, "bucket": bucket(), "has_log_bucket": bool(settings["results_access_log"]) or None}
    return {"ids_only": False, "file_systems": each, **asked, "tools_bucket": None, **more}


def plan(settings: dict[str, Any], found: dict[str, Any], network: dict[str, Any] | None = NETWORK) -> SectionPlan:
    """The plan with the defaults and these settings."""
    return plan_storage(
        {**MADE, **settings}, found, people=PEOPLE, network=network, account=ACCOUNT, access_name="datalab"
    )


def there(settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A converged platform of these settings, with some differences."""
    return converged({**MADE, **(settings or {})}, **more)


def texts(made: SectionPlan) -> list[str]:
    """Return the changes as people read them."""
    return [f"{change.action} {change.text}" for change in made.changes]
