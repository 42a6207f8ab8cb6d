#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: notebook_prices_info
version_added: 0.1.0
short_description: Gather information about what notebook instances cost
description:
  - Returns the price of each instance type and of volumes in a region, on demand, by AWS's price list.
  - If the price list cannot be asked, a few prices that are shipped with the collection are returned, with their date.
  - What is not known is left out.
author: The datalab.notebooks contributors (@datalab)
options:
  private:
    description:
      - Prices that you have agreed on with AWS, in USD, by instance type, and by V(volume) for a GiB of volume in a
        month. They win.
    type: dict
    default: {}
  cache:
    description:
      - A file that the price list is kept in for seven days. Without it AWS is asked each time.
    type: path
seealso:
  - module: datalab.notebooks.notebook_usage_info
  - module: datalab.notebooks.cost_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read the prices of a region, with a private rate
  datalab.notebooks.notebook_prices_info:
    region: eu-central-1
    private: {ml.g5.xlarge: 1.2}
    cache: ~/.cache/datalab-prices.json
  register: prices
"""

RETURN = r"""
region:
  description: The region whose prices these are.
  returned: always
  type: str
  sample: us-east-1
currency:
  description: What prices are in.
  returned: always
  type: str
  sample: USD
date:
  description: The date of the price list.
  returned: always
  type: str
  sample: "2026-09-24"
source:
  description: Where the prices are from, V(price list) or V(shipped), after V(private and) if there are private rates.
  returned: always
  type: str
  sample: price list
instances:
  description: What an hour costs, by instance type.
  returned: always
  type: dict
  sample: {ml.t3.medium: 0.05}
volume:
  description: What a GiB of volume costs in a month.
  returned: when it is known
  type: float
  sample: 0.14
problem:
  description: Why the price list could not be asked; empty if it was, or if the prices are from O(cache).
  returned: always
  type: str
  sample: ""
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.common.session import Session
from ansible_collections.datalab.notebooks.plugins.module_utils.pricing.prices import price_list_region, read_prices


def rates(given: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The private rates as numbers."""
    for key, value in given.items():
        try:
            rate = float(value)
        except (TypeError, ValueError):
            rate = -1
        if rate < 0:
            raise InputError([f"private: {key} is {value}; it must be a number of USD, at least 0"])
        yield key, rate


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={"private": {"type": "dict", "default": {}}, "cache": {"type": "path"}},
        supports_check_mode=True,
    )
    with reporting_errors(module):
        private = dict(rates(module.params["private"]))
        session = Session(module)
        region = session.region
        client = session.client("pricing", region=price_list_region(region))
        module.exit_json(**read_prices(client, region, private, module.params["cache"]))


if __name__ == "__main__":
    main()
