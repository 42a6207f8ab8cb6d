# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parts of GetAccountAuthorizationDetails that moto lacks: pages, and policies' names, ids and uses as boundaries."""

from __future__ import annotations

from itertools import islice
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.models import ManagedPolicy
from moto.iam.responses import IamResponse

LISTS = {
    "users": "UserDetailList",
    "groups": "GroupDetailList",
    "roles": "RoleDetailList",
    "managed_policies": "Policies",
}
PAGE_SIZE = 100


def install() -> None:
    """Install the missing parts in moto, before its first IAM request."""
    setattr(IamResponse, get_account_authorization_details.__name__, get_account_authorization_details)
    for name, attribute in {
        "policy_name": property(lambda policy: policy.name),
        "policy_id": property(lambda policy: policy.id),
        "permissions_boundary_usage_count": property(boundary_usage_count),
    }.items():
        setattr(ManagedPolicy, name, attribute)


def get_account_authorization_details(self: IamResponse) -> ActionResult:
    """GetAccountAuthorizationDetails; a page has at most MaxItems entries, of all lists together."""
    details = self.backend.get_account_authorization_details(self._get_param("Filter", []))
    entries = [(name, item) for kind, name in LISTS.items() for item in details[kind]]
    first, size = int(self._get_param("Marker", 0)), int(self._get_param("MaxItems", PAGE_SIZE))
    answer: dict[str, Any] = {name: [] for name in LISTS.values()}
    for name, item in islice(entries, first, first + size):
        answer[name].append(item)
    more = {"IsTruncated": True, "Marker": str(first + size)} if first + size < len(entries) else {"IsTruncated": False}
    return ActionResult(answer | more)


def boundary_usage_count(policy: ManagedPolicy) -> int:
    """Return the number of roles that have this policy as their boundary; moto's users have no boundary."""
    return sum(role.permissions_boundary_arn == policy.arn for role in policy.backend.roles.values())
