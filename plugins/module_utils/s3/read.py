# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A bucket of S3 with the settings that the platform manages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from ..common.amazon import boto3_resource_to_ansible_dict, is_boto3_error_code
from ..common.calls import in_parallel
from ..common.errors import NotebookError
from . import api
from .access_log import read_access_log

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def read_bucket(client: S3Client, name: str, account: str, *, settings: bool = True) -> dict[str, Any] | None:
    """The bucket with its tags, and its other settings unless these are not asked for; None if there is none.

    One that another account owns, or that may not be seen, has nothing but its name and `foreign`. One that `is_blank`
    has neither tags nor objects, like one that a run made and was interrupted.
    """
    is_ours = is_own_bucket(client, name, account)
    if not is_ours:
        return None if is_ours is None else {"name": name, "foreign": True}
    found = _settings(client, name, account, SETTINGS if settings else ("tags",))
    is_blank = not found["tags"] and _is_empty(client, name, account)
    return {"name": name, "foreign": False, "is_blank": is_blank, **found}


def is_own_bucket(client: S3Client, name: str, account: str) -> bool | None:
    """Whether the bucket is the account's, and may be seen; None if there is none."""
    try:
        return api.head_bucket(client, name, account) or None
    except NotebookError as error:
        if isinstance(error.exception, is_boto3_error_code("403", error.exception)):
            return False
        raise


def _settings(client: S3Client, name: str, account: str, names: Collection[str]) -> dict[str, Any]:
    values = in_parallel(lambda setting: SETTINGS[setting](client, name, account), names)
    return dict(zip(names, values, strict=True))


def _is_empty(client: S3Client, name: str, account: str) -> bool:
    listed = api.list_object_versions(client, name, account)
    return not (listed.get("Versions") or listed.get("DeleteMarkers"))


def _encryption(client: S3Client, name: str, account: str) -> dict[str, Any]:
    rules = api.get_bucket_encryption(client, name, account)
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    return {"algorithm": default.get("SSEAlgorithm"), "key_id": default.get("KMSMasterKeyID")}


def _public_access(client: S3Client, name: str, account: str) -> dict[str, Any]:
    block: dict[str, Any] = boto3_resource_to_ansible_dict(
        api.get_public_access_block(client, name, account), force_tags=False
    )
    return block


def _ownership(client: S3Client, name: str, account: str) -> str | None:
    rules = api.get_bucket_ownership_controls(client, name, account)
    return str(rules[0]["ObjectOwnership"]) if rules else None


def _tags(client: S3Client, name: str, account: str) -> dict[str, str]:
    tags: dict[str, str] = boto3_tag_list_to_ansible_dict(list(api.get_bucket_tagging(client, name, account)))
    return tags


def _lifecycle_rules(client: S3Client, name: str, account: str) -> list[dict[str, Any]]:
    rules = api.get_bucket_lifecycle_configuration(client, name, account)
    return [boto3_resource_to_ansible_dict(rule, force_tags=False) for rule in rules]


SETTINGS: dict[str, Callable[[S3Client, str, str], Any]] = {
    "encryption": _encryption,
    "public_access": _public_access,
    "object_ownership": _ownership,
    "versioning": api.get_bucket_versioning,
    "policy": api.get_bucket_policy,
    "tags": _tags,
    "lifecycle_rules": _lifecycle_rules,
    "access_log": read_access_log,
}
