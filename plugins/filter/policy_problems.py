# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why AWS, or the permissions boundary, would not let policies work."""

from __future__ import annotations

DOCUMENTATION = r"""
name: policy_problems
short_description: Why the policies of the role platform_access would not work
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - Compares managed policies with the size that IAM takes, and what roles need with what their boundary leaves them,
    without a call to AWS.
options:
  _input:
    description: Managed policies, each with its C(name), its C(document), and C(bounded) if it is for roles.
    type: list
    elements: dict
    required: true
  boundary_actions:
    description: What the boundary of the roles allows, with C(*) for any characters.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
problems: "{{ policies | datalab.notebooks.policy_problems(boundary_actions=['s3:*', 'glue:Get*']) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each policy that would not work, with the variable and the remedy.
  type: list
  elements: str
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
POLICY_LENGTH = 6144  # white space does not count


def policy_problems(policies: Collection[Mapping[str, Any]], *, boundary_actions: Collection[str]) -> list[str]:
    """One sentence for each policy that would not work."""
    problems = [problem for policy in policies for problem in _size_problems(policy)]
    bounded = [policy for policy in policies if policy.get("bounded")]
    return problems + [problem for policy in bounded for problem in _lock_out_problems(policy, boundary_actions)]


def _size_problems(policy: Mapping[str, Any]) -> Iterator[str]:
    size = len("".join(json.dumps(policy["document"], separators=(",", ":")).split()))
    if size > POLICY_LENGTH:
        yield (
            f"The policy {policy['name']} has {size:,} characters, AWS takes {POLICY_LENGTH:,}. Shorten what it is made"
            " from: the prefixes, databases and instance_types in platform_access_teams, platform_access_data_buckets"
            " or platform_access_boundary_actions."
        )


def _lock_out_problems(policy: Mapping[str, Any], boundary_actions: Collection[str]) -> Iterator[str]:
    """What the policy allows and the boundary does not."""
    locked_out = sorted(
        {
            action
            for statement in policy["document"]["Statement"]
            for action in _as_list(statement["Action"])
            if not any(fnmatchcase(action.lower(), pattern.lower()) for pattern in boundary_actions)
        }
    )
    if locked_out:
        yield (
            f"platform_access_boundary_actions lacks {', '.join(locked_out)}, which {policy['name']} needs: with this"
            " boundary the platform would be locked out. Add them."
        )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"policy_problems": policy_problems}
