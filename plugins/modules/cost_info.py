#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cost_info
version_added: 0.1.0
short_description: Gather information about what AWS has billed, by a tag
description:
  - Returns what Cost Explorer has, by day or month, by the value of a tag, and by usage type.
  - Each request costs 0.01 USD. How many are made is limited, counted and returned.
  - A tag is summed up by once it is active in billing, see M(datalab.notebooks.cost_allocation_tags).
author: The datalab.notebooks contributors (@datalab)
options:
  start:
    description: The first day, such as V(2026-11-01). Cost Explorer has 13 months.
    type: str
    required: true
  end:
    description: The day after the last one. By default, tomorrow.
    type: str
  tag:
    description: The key of the tag by whose values costs are summed up.
    type: str
    default: owner
  only:
    description: Tags that things must have to be in the sums.
    type: dict
    default: {}
  granularity:
    description: Whether sums are of days or of months.
    type: str
    choices: [DAILY, MONTHLY]
    default: DAILY
  max_requests:
    description: How many requests may be made, at 0.01 USD each. With more pages than that the module fails.
    type: int
    default: 5
seealso:
  - module: datalab.notebooks.cost_allocation_tags
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read what each person of the platform datalab has cost in November
  datalab.notebooks.cost_info:
    start: "2026-11-01"
    end: "2026-12-01"
    tag: owner
    only: {platform: datalab}
  register: billed
"""

RETURN = r"""
days:
  description:
    - The amounts. C(key) is the value of O(tag), empty for what does not have it, and C(day) the first of a period.
  returned: always
  type: list
  elements: dict
  sample:
    - amount: 1.25
      day: "2026-11-03"
      key: alice
      usage_type: EUC1-Notebk:ml.t3.medium
currency:
  description: What amounts are in.
  returned: always
  type: str
  sample: USD
requests:
  description: How many requests were made.
  returned: always
  type: int
  sample: 2
estimated:
  description: Whether AWS may still change some of it.
  returned: always
  type: bool
  sample: true
tags_active:
  description: Which of the tags are active in billing; empty for a member account, which may not know.
  returned: always
  type: dict
  sample: {owner: true, platform: true}
problem:
  description: Why there are no amounts, for example that Cost Explorer is not enabled; otherwise empty.
  returned: always
  type: str
  sample: ""
"""

from datetime import UTC, date, datetime, timedelta

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.ce.costs import Question, read_costs
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, reporting_errors

MONTHS = 13


def day(option: str, text: str) -> date:
    """The day that an option names."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError([f"{option} is {text}; it must be a day such as 2026-11-01"]) from None


def check(begin: date, end: date, today: date) -> None:
    """Refuse requests that Cost Explorer cannot answer, before one is paid."""
    if begin >= end:
        raise InputError([f"start is {begin}; it must be before end, which is {end}"])
    if begin > today:
        raise InputError([f"start is {begin}; it must not be in the future"])
    if (today.year - begin.year) * 12 + today.month - begin.month > MONTHS:
        raise InputError([f"start is {begin}; Cost Explorer has {MONTHS} months"])


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "start": {"type": "str", "required": True},
            "end": {"type": "str"},
            "tag": {"type": "str", "default": "owner"},
            "only": {"type": "dict", "default": {}},
            "granularity": {"type": "str", "choices": ["DAILY", "MONTHLY"], "default": "DAILY"},
            "max_requests": {"type": "int", "default": 5},
        },
        supports_check_mode=True,
    )
    with reporting_errors(module):
        options, today = module.params, datetime.now(UTC).date()
        begin = day("start", options["start"])
        end = day("end", options["end"]) if options["end"] else today + timedelta(days=1)
        check(begin, end, today)
        only = {key: str(value) for key, value in options["only"].items()}
        question = Question(begin, end, options["tag"], only, options["granularity"])
        module.exit_json(**read_costs(module.client("ce"), question, options["max_requests"]))


if __name__ == "__main__":
    main()
