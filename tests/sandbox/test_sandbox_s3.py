# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""S3: what the policy of a bucket refuses."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def s3(sandbox, client_for):
    client = client_for("s3", sandbox.endpoint)
    client.create_bucket(Bucket="ours", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return client


def deny(action, **more):
    return {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "arn:aws:s3:::ours/*", **more}


def test_requests_count_as_sent_by_tls(s3):
    only_tls = deny("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    policy = {"Version": "2012-10-17", "Statement": [only_tls, deny("s3:DeleteObject")]}
    s3.put_bucket_policy(Bucket="ours", Policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket="ours")["Policy"]) == policy
    s3.put_object(Bucket="ours", Key="x", Body=b"x")
    assert s3.get_object(Bucket="ours", Key="x")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="403"):
        s3.delete_object(Bucket="ours", Key="x")
