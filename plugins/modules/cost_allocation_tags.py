#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cost_allocation_tags
version_added: 0.1.0
short_description: Activate tags in billing
description:
  - Billing can sum up by a tag, and budgets can count by it, once the tag is active. Only the account that pays can
    activate it.
  - Billing knows a tag about a day after a resource first has it, and sums up by it about a day after its activation.
  - AWS lists tags that it could not set in a successful answer; this module treats them as an error.
author: The datalab.notebooks contributors (@datalab)
options:
  keys:
    description: The keys of the tags.
    type: list
    elements: str
    required: true
  state:
    description: Whether billing sums up by them.
    type: str
    choices: [active, inactive]
    default: active
  backfill_from:
    description:
      - Has AWS sum up the past, too, by tags that things had then, from the first day of a month on, such as
        V(2026-09-01), at most 12 months ago. AWS does so once in 24 hours. What was asked for once is not asked again.
    type: str
seealso:
  - module: datalab.notebooks.cost_info
  - module: datalab.notebooks.budget
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Sum up costs by platform, team and person
  datalab.notebooks.cost_allocation_tags:
    keys: [platform, team, owner]

- name: Sum up the last months as well
  datalab.notebooks.cost_allocation_tags:
    keys: [platform, team, owner]
    backfill_from: "2026-09-01"
"""

RETURN = r"""
statuses:
  description: The status of each tag; of one that billing does not know there is none. In check mode, as it would be.
  returned: always
  type: dict
  sample: {owner: Active, platform: Active, team: Active}
"""

from datetime import UTC, date, datetime

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.ce.tags import ensure, tag_problems
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, reporting_errors


def first_day(text: str | None) -> date | None:
    """The day that backfill_from names."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError([f"backfill_from is {text}; it must be a day such as 2026-09-01"]) from None


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "keys": {"type": "list", "elements": "str", "required": True, "no_log": False},
            "state": {"type": "str", "choices": ["active", "inactive"], "default": "active"},
            "backfill_from": {"type": "str"},
        },
        supports_check_mode=True,
    )
    with reporting_errors(module):
        keys = list(dict.fromkeys(module.params["keys"]))
        begin = first_day(module.params["backfill_from"])
        if problems := list(tag_problems(keys, begin, datetime.now(UTC).date())):
            raise InputError(problems)
        moment = f"{begin}T00:00:00Z" if begin else None
        status = module.params["state"].capitalize()
        changed, before, after = ensure(module.client("ce"), keys, status, moment, check_mode=module.check_mode)
        module.exit_json(changed=changed, statuses=after, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
