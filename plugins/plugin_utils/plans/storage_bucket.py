# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan from the existing buckets for query results and tools to the wanted ones. No call to AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from .section import Change
from .storage_settings import Settings, as_text, is_marked, mark

RULE = "expire"
KEPT_DAYS = 7  # for overwritten and removed objects, and unfinished uploads
PRIVATE = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
OWNERSHIP = "BucketOwnerEnforced"


@dataclass(frozen=True)
class Bucket:
    """A bucket that is wanted, and the variable that may name it."""

    name: str
    variable: str
    is_named: bool
    key_id: str = ""  # "" is S3's own
    days: int | None = None  # after which its objects expire
    access_log: Mapping[str, Any] = field(default_factory=dict)


def results_bucket(settings: Settings, name: str) -> Bucket:
    """The bucket for query results."""
    return Bucket(
        name,
        "platform_storage_results_bucket",
        is_named=bool(settings["results_bucket"]),
        key_id=settings["results_kms_key_id"],
        days=settings["results_days"],
        access_log=settings["results_access_log"],
    )


def tools_bucket(settings: Settings, name: str) -> Bucket:
    """The bucket that instances fetch tools from. An instance of yesterday may need any of them."""
    return Bucket(name, "platform_storage_tools_bucket", bool(settings["tools_bucket"]))


@dataclass
class Outcome:
    """The steps for the bucket."""

    changes: list[Change] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    buckets: list[dict[str, Any]] = field(default_factory=list)
    lifecycles: list[dict[str, Any]] = field(default_factory=list)
    loggings: list[dict[str, Any]] = field(default_factory=list)


def plan_bucket(
    settings: Settings, bucket: Bucket, current: Mapping[str, Any] | None, account: Mapping[str, str]
) -> Outcome:
    """The changes of the bucket; `current` is the result of read_bucket."""
    if current and current["foreign"]:
        return Outcome(refused=[_foreign(bucket)])
    if current and not (bucket.is_named or current["is_blank"] or is_marked(settings, current)):
        return Outcome(refused=[_unmarked(settings, bucket)])
    outcome, name = Outcome(), bucket.name
    policy = _policy(f"arn:{account['partition']}:s3:::{name}", current)
    wanted, rule, log = {**_wanted(settings, bucket), "policy": policy}, _rule(bucket), _access_log(bucket, current)
    if current is None:
        parts = {**wanted, **({"lifecycle_rule": rule} if rule else {}), "access_log": log}
        outcome.changes.append(Change("create", f"bucket {name}", after=as_text(parts)))
    else:
        outcome.changes += _differences(name, wanted, current)
    differs = bool(outcome.changes)
    outcome.buckets += [_bucket_step(settings, bucket, policy)] if differs else []
    if rule and _differs(outcome, current, f"bucket {name}: expiration", _rule_of(current), rule):
        outcome.lifecycles.append(_lifecycle_step(bucket))
    if _differs(outcome, current, f"bucket {name}: access_log", (current or {}).get("access_log", {}), log):
        outcome.loggings.append({"name": name, "account": account["account"], "bucket": "", "prefix": "", **log})
    return outcome


def _differs(
    outcome: Outcome, current: Mapping[str, Any] | None, what: str, has: Mapping[str, Any], wants: Mapping[str, Any]
) -> bool:
    """Whether this has to be changed; the table shows it for a bucket that exists."""
    if current is not None and has != wants:
        outcome.changes.append(Change("change", what, as_text(has), as_text(wants)))
    return has != wants


def _foreign(bucket: Bucket) -> str:
    variable = bucket.variable if bucket.is_named else "platform_storage_efs_name"
    return (
        f"{variable}: bucket {bucket.name} belongs to another AWS account, or these credentials may not see it"
        f" (s3:ListBucket); {bucket.variable} must name one of this account, or one that is not there yet"
    )


def _unmarked(settings: Settings, bucket: Bucket) -> str:
    """An empty one without tags is taken: AWS has no tags yet when a run is interrupted after it made the bucket."""
    ((tag, value),) = mark(settings).items()
    return (
        f"platform_storage_efs_name: the bucket {bucket.name} must have the tag {tag}={value} to be the platform's;"
        f" name another in {bucket.variable}, name this one there to use it, or give it that tag"
    )


def _bucket_tags(settings: Settings, bucket: Bucket) -> dict[str, str]:
    """One that the inventory names may have been there before, and is never removed: it needs no mark."""
    return {**({} if bucket.is_named else mark(settings)), **settings["tags"]}


def _wanted(settings: Settings, bucket: Bucket) -> dict[str, Any]:
    key = bucket.key_id
    return {
        "encryption": {"algorithm": "aws:kms" if key else "AES256", "key_id": key or None},
        "public_access": dict.fromkeys(PRIVATE, True),
        "object_ownership": OWNERSHIP,
        "versioning": "Enabled",
        "tags": _bucket_tags(settings, bucket),
    }


def _policy(arn: str, current: Mapping[str, Any] | None) -> dict[str, Any]:
    """The bucket policy, which refuses requests without TLS; statements of others stay."""
    only_tls = {
        "Sid": "NotWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    has = (current or {}).get("policy") or {"Version": "2012-10-17", "Statement": []}
    there = has["Statement"] if isinstance(has["Statement"], list) else [has["Statement"]]
    others = [statement for statement in there if statement.get("Sid") != only_tls["Sid"]]
    return {**has, "Statement": [*others, only_tls]}


def _differences(name: str, wanted: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[Change]:
    after = {**wanted, "tags": {**current["tags"], **wanted["tags"]}}
    for option, value in after.items():
        has = current[option]
        if not (IS_SAME[option](value, has) if option in IS_SAME else has == value):
            yield Change("change", f"bucket {name}: {option}", as_text(has), as_text(value))


def _is_same_encryption(wanted: Mapping[str, Any], has: Mapping[str, Any]) -> bool:
    """Whether both name the same key: a key has an id and an ARN, and S3 returns the one that was set."""
    key = str(wanted["key_id"])
    is_same_key = str(has["key_id"]).endswith(f":key/{key}")
    return wanted == has or bool(wanted["algorithm"] == has["algorithm"] and is_same_key)


def _is_same_policy(wanted: Mapping[str, Any], has: Mapping[str, Any]) -> bool:
    return not compare_policies(has, wanted)


IS_SAME = {"encryption": _is_same_encryption, "policy": _is_same_policy}


def _rule(bucket: Bucket) -> dict[str, Any]:
    if bucket.days is None:
        return {}
    return {
        "id": RULE,
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"days": bucket.days},
        "noncurrent_version_expiration": {"noncurrent_days": KEPT_DAYS},
        "abort_incomplete_multipart_upload": {"days_after_initiation": KEPT_DAYS},
    }


def _rule_of(current: Mapping[str, Any] | None) -> dict[str, Any]:
    """The rule of ours; an empty filter is one of the empty prefix."""
    for rule in (current or {}).get("lifecycle_rules", []):
        if rule.get("id") == RULE:
            return {**rule, "filter": {"prefix": "", **(rule.get("filter") or {})}}
    return {}


def _access_log(bucket: Bucket, current: Mapping[str, Any] | None) -> dict[str, str]:
    """Where S3 writes the access log, {} for nowhere; without a setting, as it is."""
    said = bucket.access_log
    if not said:
        return dict((current or {}).get("access_log", {}))
    return {"bucket": said["bucket"], "prefix": said.get("prefix", "")} if said["bucket"] else {}


def _bucket_step(settings: Settings, bucket: Bucket, policy: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the module s3_bucket."""
    return {
        "name": bucket.name,
        "encryption": "aws:kms" if bucket.key_id else "AES256",
        "encryption_key_id": bucket.key_id,
        "public_access": dict.fromkeys(PRIVATE, True),
        "object_ownership": OWNERSHIP,
        "policy": json.dumps(policy),
        "versioning": True,
        "tags": _bucket_tags(settings, bucket),
    }


def _lifecycle_step(bucket: Bucket) -> dict[str, Any]:
    """The options of the module s3_lifecycle."""
    return {
        "name": bucket.name,
        "rule_id": RULE,
        "expiration_days": bucket.days,
        "noncurrent_version_expiration_days": KEPT_DAYS,
        "abort_incomplete_multipart_upload_days": KEPT_DAYS,
    }
