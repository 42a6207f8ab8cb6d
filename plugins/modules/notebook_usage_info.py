#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: notebook_usage_info
version_added: 0.1.0
short_description: Gather information about when notebook instances ran
description:
  - Returns each change of an instance's status, from the events that EventBridge has written to a log group.
  - Where that group does not exist, the calls that CloudTrail has recorded are returned instead. It keeps them for 90
    days, and tells when a start was asked for, which is some minutes before the instance is paid.
  - Also returns what autostop has logged in the same time.
author: The datalab.notebooks contributors (@datalab)
options:
  log_group:
    description: The log group that a rule of EventBridge sends the events to.
    type: str
    default: /aws/events/datalab
  since:
    description: The first moment that is asked for, such as V(2026-11-01T00:00:00Z). Without a zone it is of UTC.
    type: str
    required: true
  until:
    description: The last moment that is asked for. By default, now.
    type: str
seealso:
  - module: datalab.notebooks.cost_info
  - module: datalab.notebooks.notebook_prices_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read when instances ran in November
  datalab.notebooks.notebook_usage_info:
    since: "2026-11-01T00:00:00Z"
    until: "2026-12-01T00:00:00Z"
  register: usage
"""

RETURN = r"""
events:
  description:
    - Each change of status, sorted by time, without duplicates.
    - C(volume_size), in GiB, is known from CloudTrail only, and otherwise null.
  returned: always
  type: list
  elements: dict
  sample:
    - instance: alice
      instance_type: ml.t3.medium
      status: InService
      tags: {owner: alice, team: research}
      time: "2026-11-03T08:12:44Z"
      volume_size:
source:
  description: Where the events are from.
  returned: always
  type: str
  sample: events
since:
  description: Since when changes were recorded, at the earliest O(since); null if nothing was.
  returned: always
  type: str
  sample: "2026-11-01T00:00:00Z"
stops:
  description: What autostop has decided, with the seconds for which the instance was idle, busy and running.
  returned: always
  type: list
  elements: dict
  sample:
    - busy: 5400
      decision: stop
      idle: 3725
      instance: alice
      reason: idle for 62 min
      running: 9300
      time: "2026-11-03T10:47:41Z"
"""

from datetime import UTC, datetime

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.events.usage import read_usage


def moment(option: str, text: str) -> datetime:
    """The moment that an option names."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError([f"{option} is {text}; it must be a moment such as 2026-11-01T00:00:00Z"]) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "log_group": {"type": "str", "default": "/aws/events/datalab"},
            "since": {"type": "str", "required": True},
            "until": {"type": "str"},
        },
        supports_check_mode=True,
    )
    with reporting_errors(module):
        since = moment("since", module.params["since"])
        until = moment("until", module.params["until"]) if module.params["until"] else datetime.now(UTC)
        if since >= until:
            raise InputError([f"since is {since.isoformat()}; it must be before {until.isoformat()}"])
        clients = {service: module.client(service) for service in ("logs", "cloudtrail")}
        module.exit_json(**read_usage(clients, module.params["log_group"], since, until))


if __name__ == "__main__":
    main()
