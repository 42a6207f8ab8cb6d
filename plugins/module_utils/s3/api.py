# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""One function per API call of S3: a retry, an error handler, one call. No logic lives here.

Each call names the account that the bucket has to belong to: AWS refuses it for a bucket of another.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..common.amazon import is_boto3_error_code
from ..common.calls import retry
from ..common.errors import NotebookErrorHandler

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MISSING = [
    "404",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
]


class handler(NotebookErrorHandler):  # noqa: N801  # used as `api.handler` is
    """The error handler of amazon.aws, with S3's codes for a missing resource."""

    @classmethod
    def _is_missing(cls) -> Any:
        return is_boto3_error_code(MISSING)


@handler.list_error_handler("find the bucket", False)
@retry
def head_bucket(client: S3Client, name: str, account: str) -> bool:
    """Whether HeadBucket finds the bucket. AWS answers 403 if another account owns it."""
    client.head_bucket(Bucket=name, ExpectedBucketOwner=account)
    return True


@handler.list_error_handler("get the encryption of the bucket", ())
@retry
def get_bucket_encryption(client: S3Client, name: str, account: str) -> list[Any]:
    """The rules that GetBucketEncryption returns."""
    answer = client.get_bucket_encryption(Bucket=name, ExpectedBucketOwner=account)
    return list(answer["ServerSideEncryptionConfiguration"]["Rules"])


@handler.list_error_handler("get the public access block of the bucket", {})
@retry
def get_public_access_block(client: S3Client, name: str, account: str) -> dict[str, Any]:
    """What GetPublicAccessBlock returns."""
    answer = client.get_public_access_block(Bucket=name, ExpectedBucketOwner=account)
    return dict(answer["PublicAccessBlockConfiguration"])


@handler.list_error_handler("get the ownership controls of the bucket", ())
@retry
def get_bucket_ownership_controls(client: S3Client, name: str, account: str) -> list[Any]:
    """The rules that GetBucketOwnershipControls returns."""
    answer = client.get_bucket_ownership_controls(Bucket=name, ExpectedBucketOwner=account)
    return list(answer["OwnershipControls"]["Rules"])


@handler.list_error_handler("get the versioning of the bucket", "")
@retry
def get_bucket_versioning(client: S3Client, name: str, account: str) -> str:
    """The status that GetBucketVersioning returns: Enabled, Suspended or, if it never had one, nothing."""
    answer = client.get_bucket_versioning(Bucket=name, ExpectedBucketOwner=account)
    return str(answer.get("Status", ""))


@handler.list_error_handler("get the tags of the bucket", ())
@retry
def get_bucket_tagging(client: S3Client, name: str, account: str) -> list[Any]:
    """The tags that GetBucketTagging returns."""
    return list(client.get_bucket_tagging(Bucket=name, ExpectedBucketOwner=account)["TagSet"])


@handler.list_error_handler("list the objects of the bucket", {})
@retry
def list_object_versions(client: S3Client, name: str, account: str) -> dict[str, Any]:
    """The first of what ListObjectVersions returns, versions and delete markers."""
    return dict(client.list_object_versions(Bucket=name, MaxKeys=1, ExpectedBucketOwner=account))


@handler.list_error_handler("list the keys of the bucket", ())
@retry
def list_keys(client: S3Client, name: str, account: str) -> list[str]:
    """The keys that ListObjectsV2 returns, of all pages; none if there is no bucket."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=name, ExpectedBucketOwner=account)
    return [each["Key"] for page in pages for each in page.get("Contents", ())]


@handler.list_error_handler("get the lifecycle rules of the bucket", ())
@retry
def get_bucket_lifecycle_configuration(client: S3Client, name: str, account: str) -> list[Any]:
    """The rules that GetBucketLifecycleConfiguration returns."""
    answer = client.get_bucket_lifecycle_configuration(Bucket=name, ExpectedBucketOwner=account)
    return list(answer.get("Rules", []))


@handler.list_error_handler("get the policy of the bucket", {})
@retry
def get_bucket_policy(client: S3Client, name: str, account: str) -> dict[str, Any]:
    """The policy that GetBucketPolicy returns."""
    policy: dict[str, Any] = json.loads(client.get_bucket_policy(Bucket=name, ExpectedBucketOwner=account)["Policy"])
    return policy


@handler.list_error_handler("get the access log of the bucket", {})
@retry
def get_bucket_logging(client: S3Client, name: str, account: str) -> dict[str, Any]:
    """LoggingEnabled as GetBucketLogging returns it; without it S3 writes no access log."""
    return dict(client.get_bucket_logging(Bucket=name, ExpectedBucketOwner=account).get("LoggingEnabled", {}))


@handler.common_error_handler("set the access log of the bucket")
@retry
def put_bucket_logging(client: S3Client, name: str, account: str, log: dict[str, Any]) -> None:
    """Calls PutBucketLogging with LoggingEnabled, or without it to write no access log."""
    status: Any = {"LoggingEnabled": log} if log else {}
    client.put_bucket_logging(Bucket=name, ExpectedBucketOwner=account, BucketLoggingStatus=status)
