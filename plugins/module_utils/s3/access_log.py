# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The access log of a bucket: its destination as {bucket, prefix}, or {} for none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import api

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def read_access_log(client: S3Client, name: str, account: str) -> dict[str, str]:
    """The destination of the log of a bucket of this account."""
    return _normalised(api.get_bucket_logging(client, name, account))


def set_access_log(
    client: S3Client, name: str, account: str, wanted: dict[str, str], *, check_mode: bool = False
) -> dict[str, str]:
    """Sets the destination of the log, and returns the one before."""
    has = api.get_bucket_logging(client, name, account)
    if _normalised(has) != wanted and not check_mode:
        new = {**has, "TargetBucket": wanted["bucket"], "TargetPrefix": wanted["prefix"]} if wanted else {}
        api.put_bucket_logging(client, name, account, new)
    return _normalised(has)


def _normalised(log: dict[str, Any]) -> dict[str, str]:
    return {"bucket": log["TargetBucket"], "prefix": log["TargetPrefix"]} if log else {}
