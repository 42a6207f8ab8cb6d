# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access to the buckets of other accounts, and the conditions of bucket policies, which moto does not read.

Requests to the sandbox count as sent by TLS.
"""

from __future__ import annotations

import json
import os
from typing import Any

from moto.iam.access_control import IAMPolicy
from moto.s3.models import FakeBucket

WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def install() -> None:
    """Install these rules in moto, before its first S3 request."""
    os.environ["MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"] = "false"  # another account's bucket answers 403, as on AWS
    setattr(FakeBucket, get_permission.__name__, get_permission)


def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
    """Return the decision of the bucket's policy, without its statements about requests without TLS."""
    policy = json.loads(self.policy or '{"Statement": []}')
    policy["Statement"] = [each for each in policy["Statement"] if each.get("Condition") != WITHOUT_TLS]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)
