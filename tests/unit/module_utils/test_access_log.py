# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The access log of a bucket, and the calls that set it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.s3.access_log import set_access_log

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

ACCOUNT = "123456789012"
OURS = {"Bucket": "ours", "ExpectedBucketOwner": ACCOUNT}
LOG, OTHER = {"bucket": "logs", "prefix": "ours/"}, {"bucket": "other-logs", "prefix": ""}
DATED: dict[str, Any] = {"TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}


def as_aws(log: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"LoggingEnabled": {"TargetBucket": log["bucket"], "TargetPrefix": log["prefix"], **more}}


@pytest.mark.parametrize(
    ("has", "wanted", "sent"),
    [
        ({}, LOG, as_aws(LOG)),
        (as_aws(OTHER), LOG, as_aws(LOG)),
        (as_aws(OTHER, **DATED), LOG, as_aws(LOG, **DATED)),
        (as_aws({**LOG, "prefix": ""}), LOG, as_aws(LOG)),
        (as_aws(LOG), {}, {}),
        (as_aws(LOG), LOG, None),
        (as_aws(LOG, **DATED), LOG, None),
        ({}, {}, None),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_difference_is_one_call(s3: Script, has: Any, wanted: Any, sent: Any, check_mode: bool) -> None:
    s3.call("get_bucket_logging", OURS, has)
    if sent is not None and not check_mode:
        s3.call("put_bucket_logging", {**OURS, "BucketLoggingStatus": sent})
    before = set_access_log(s3.client, "ours", ACCOUNT, wanted, check_mode=check_mode)
    assert (before != wanted) == (sent is not None)
