# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Mistakes in the settings of the storage that its argument specs cannot express. No call to AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.tags import tag_problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage_settings import (
    given_file_system_id,
    uids,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import shown

Settings = Mapping[str, Any]

LONGEST_NAME = 64  # of a file system
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
BUCKET_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,26}")  # 63 with -results-, an account and the longest region
HOST_NAME = re.compile(r"[A-Za-z0-9.-]*")
PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*")
SUBNET = re.compile(r"subnet-[0-9a-f]+")
SECURITY_GROUP = re.compile(r"sg-[0-9a-f]+")
KEY = re.compile(r"(mrk-[0-9a-f]{32}|[0-9a-f-]{36}|alias/[A-Za-z0-9/_-]+|arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:\S+)?")
LARGEST_UID = 2**32 - 1


def problems(
    settings: Settings, people: Sequence[str], roles: Mapping[str, str] | None = None, *, with_tools: bool = False
) -> Iterator[str]:
    """One sentence for each mistake; `people` are all owners of the inventory.

    `roles` are those that the inventory gives everybody, if it does, by variable; `with_tools` says that there is to be
    a bucket for tools.
    """
    is_shared = settings["isolation"] == "shared"
    yield from _names(settings, ["results_bucket", "tools_bucket"] if with_tools else ["results_bucket"])
    yield from _file_system(settings)
    yield from _mount_targets(settings)
    if settings["iam"]:
        yield from _iam(settings, roles or {})
    for key in ("kms_key_id", "results_kms_key_id"):
        if not KEY.fullmatch(settings[key]):
            rule = 'it must be the id, the ARN or the alias (alias/…) of a key, or "" for AWS\'s own'
            yield f"platform_storage_{key} is {shown(settings[key])}; {rule}"
    if settings["results_days"] < 1:
        yield f"platform_storage_results_days is {settings['results_days']}; it must be at least 1"
    yield from _access_log(settings)
    yield from tag_problems("platform_storage_tags", settings["tags"], ["owner"] if is_shared else [])
    if not is_shared:
        yield from _people(settings, people)
    if settings["isolation"] == "access_point":
        yield from _uids(settings, people)


def _names(settings: Settings, needed: Sequence[str]) -> Iterator[str]:
    name = settings["efs_name"]
    unnamed = [f"platform_storage_{key}" for key in needed if not settings[key]]
    if unnamed and not BUCKET_PREFIX.fullmatch(name):
        yield (
            f"platform_storage_efs_name is {shown(name)}, which cannot begin the name of a bucket; it must be"
            f" lower-case letters, digits and hyphens, 27 at most, or {' and '.join(unnamed)} must name the bucket"
        )
    elif not 1 <= len(name) <= LONGEST_NAME:
        yield f"platform_storage_efs_name is {shown(name)}; it must have 1 to {LONGEST_NAME} characters"
    for key in ("results_bucket", "tools_bucket"):
        bucket = settings[key]
        if bucket and not is_bucket(bucket):
            yield (
                f"platform_storage_{key} is {shown(bucket)}; it must be 3 to 63 lower-case letters, digits, hyphens"
                ' and single dots, or "" for the default name'
            )
    if settings["tools_bucket"] and settings["tools_bucket"] == settings["results_bucket"]:
        yield (
            f"platform_storage_tools_bucket is {settings['tools_bucket']}, which platform_storage_results_bucket is,"
            " too; it must be another: objects in the bucket for results expire, and people write to it"
        )


def _file_system(settings: Settings) -> Iterator[str]:
    name, isolation = settings["efs_dns_name"], settings["isolation"]
    said = f"platform_storage_efs_dns_name is {shown(name)}"
    if not HOST_NAME.fullmatch(name):
        yield f'{said}; it must be a host name, or "" to have a file system created'
    elif name and isolation == "file_system":
        yield (
            f"{said}, but platform_storage_isolation is file_system, which creates one for each person; set the first"
            ' to "", or the second to shared or access_point'
        )
    elif name and isolation == "access_point" and not given_file_system_id(settings):
        yield (
            f"{said}, and platform_storage_isolation is access_point; it must be the name that AWS gives the file"
            " system, which begins with its id: fs-0123.efs.…"
        )


def _iam(settings: Settings, roles: Mapping[str, str]) -> Iterator[str]:
    """With IAM there is one file system, whose policy is the platform's, and a role that reads it only."""
    if settings["isolation"] != "shared":
        yield f"platform_storage_iam is true and platform_storage_isolation {settings['isolation']}; it must be shared"
    if settings["efs_dns_name"]:
        yield (
            f"platform_storage_iam is true and platform_storage_efs_dns_name {shown(settings['efs_dns_name'])}, whose"
            " policy is not the platform's; remove one of them"
        )
    for variable, role in roles.items():
        if role:
            yield (
                f"platform_storage_iam is true and {variable} {shown(role)}, which the viewer has too;"
                " remove one of them: the viewer needs a role of its own, which may only read"
            )


def _mount_targets(settings: Settings) -> Iterator[str]:
    subnets, groups = settings["subnet_ids"], settings["security_group_ids"]
    for key, pattern, example in (
        ("subnet_ids", SUBNET, "subnet-0123456789abcdef0"),
        ("security_group_ids", SECURITY_GROUP, "sg-0123456789abcdef0"),
    ):
        for value in settings[key]:
            if not pattern.fullmatch(value):
                yield f"platform_storage_{key} has {shown(value)}; it must be an id such as {example}"
    if subnets and not groups:
        yield (
            "platform_storage_security_group_ids is empty, and platform_storage_subnet_ids is not; it must name the"
            " security groups of the mount targets: the VPC's default group, which AWS would use, admits no instance"
        )


def _access_log(settings: Settings) -> Iterator[str]:
    log, variable = settings["results_access_log"], "platform_storage_results_access_log"
    bucket, prefix = log.get("bucket", ""), log.get("prefix", "")
    if log and "bucket" not in log:
        yield f'{variable} has no bucket; name one, or write bucket: "" for no access log, or {{}} to leave it as it is'
    elif prefix and not bucket:
        yield f"{variable} has a prefix without a bucket; name the bucket, or leave the prefix out"
    elif bucket and not is_bucket(bucket):
        yield f"{variable}: bucket is {shown(bucket)}; it must be the name of a bucket, without s3://"
    elif bucket and is_own_bucket(settings, bucket, "results"):
        yield (
            f"{variable}: bucket is {bucket}, the bucket for results itself; it must be another: S3 would log that it"
            " writes the log"
        )


def is_own_bucket(settings: Settings, bucket: str, use: str) -> bool:
    """Whether the bucket for this use is, or may be, this one. Names from the role end in an account and a region."""
    made = rf"{re.escape(settings['efs_name'])}-{use}-\d{{12}}-[a-z]{{2}}(-[a-z]+)+-\d"
    named = settings[f"{use}_bucket"]
    return bucket == named if named else bool(re.fullmatch(made, bucket))


def is_bucket(name: str) -> bool:
    """Whether S3 takes this as the name of a bucket."""
    return bool(BUCKET.fullmatch(name)) and ".." not in name


def _people(settings: Settings, people: Sequence[str]) -> Iterator[str]:
    isolation, prefix = settings["isolation"], settings["efs_name"]
    for person in people:
        if not PERSON.fullmatch(person) or len(f"{prefix}-{person}") > LONGEST_NAME:
            yield (
                f"platform_storage_isolation is {isolation}, and of {shown(person)} no directory and file system can be"
                " made; a host's name must be letters, digits and _.@-, together with platform_storage_efs_name"
                f" {LONGEST_NAME - 1} at most"
            )


def _uids(settings: Settings, people: Sequence[str]) -> Iterator[str]:
    by_uid: dict[int, str] = {}
    given = {str(person): uid for person, uid in settings["uids"].items()}
    for person, uid in uids(settings, people).items():
        if uid is None or not 0 < uid <= LARGEST_UID:
            yield (
                f"platform_storage_uids has {shown(given[person])} for {person}; it must be a number from 1 to"
                f" {LARGEST_UID}; 0 would be root"
            )
        elif uid in by_uid:
            yield (
                f"platform_storage_uids: {by_uid[uid]} and {person} would both have the user id {uid} and read each"
                " other's files; set another id for the newer of the two"
            )
        else:
            by_uid[uid] = person
