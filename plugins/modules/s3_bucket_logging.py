#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: s3_bucket_logging
version_added: 0.1.0
short_description: Set where S3 writes the access log of a bucket
description:
  - S3 can log the requests to a bucket in another bucket of the same account and region.
  - The policy of that bucket has to let the service principal C(logging.s3.amazonaws.com) put objects. It is not
    changed. M(community.aws.s3_logging) changes its access control list, which buckets do not have since 2023, unless
    it is switched on.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The bucket whose requests are logged.
    type: str
    required: true
  expected_bucket_owner:
    description: The account that the bucket has to belong to; S3 refuses one of another.
    type: str
    required: true
  target_bucket:
    description: The bucket that the log is written to. With V("") there is no log.
    type: str
    required: true
  target_prefix:
    description: What the names of the log's objects begin with.
    type: str
    default: ""
seealso:
  - module: community.aws.s3_logging
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Log who asks for query results
  datalab.notebooks.s3_bucket_logging:
    name: datalab-results
    expected_bucket_owner: "123456789012"
    target_bucket: acme-logs
    target_prefix: datalab/

- name: Log it no more
  datalab.notebooks.s3_bucket_logging:
    name: datalab-results
    expected_bucket_owner: "123456789012"
    target_bucket: ""
"""

RETURN = r"""
access_log:
  description: Where the log is written; empty if there is none. In check mode, as it would be.
  returned: success
  type: dict
  sample:
    bucket: acme-logs
    prefix: datalab/
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.s3.access_log import set_access_log


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **{
                option: {"type": "str", "required": True}
                for option in ("name", "expected_bucket_owner", "target_bucket")
            },
            "target_prefix": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    name, target = module.params["name"], module.params["target_bucket"]
    wanted = {"bucket": target, "prefix": module.params["target_prefix"]} if target else {}
    with reporting_errors(module):
        if name == target:
            raise InputError([f"target_bucket is {target}; it must be another bucket: S3 would log its own logs"])
        account = module.params["expected_bucket_owner"]
        before = set_access_log(module.client("s3"), name, account, wanted, check_mode=module.check_mode)
        module.exit_json(changed=before != wanted, access_log=wanted, diff={"before": before, "after": wanted})


if __name__ == "__main__":
    main()
