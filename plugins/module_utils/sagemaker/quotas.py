# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The instances that the account's service quotas refuse, before any is created. The quotas are read only for new ones.

AWS answers CreateNotebookInstance and StartNotebookInstance beyond a quota with ResourceLimitExceeded. What counts are
instances that run, as far as AWS tells: a stopped one is not counted here, so that nothing is refused that AWS allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ..common.errors import NotebookError
from ..servicequotas.api import list_service_quotas
from .instance import Current
from .plan import RUNNING, Plan

SERVICE = "sagemaker"
TOTAL = "Total number of notebook instances"
OF_A_TYPE = "{} for notebook instance usage"
COMES_UP = frozenset({"create", "start"})

# A private network may have no way to this service: that is found out in seconds, not minutes.
QUOTAS_CONFIG: dict[str, Any] = {"connect_timeout": 5, "retries": {"max_attempts": 1}}

Found = Mapping[str, Any]  # what `read_quotas` returns


def asks_for(plan: Plan) -> str | None:
    """The type that an instance gets by this plan, now or at its next stop, if it is another one than before."""
    kind: str | None = plan.after.get("instance_type", plan.pending.get("instance_type", {}).get("after"))
    return kind


def _waits(plan: Plan) -> bool:
    return "instance_type" in plan.pending


def read_quotas(client: Any) -> dict[str, Any]:
    """The account's quotas of instances by their names, of the thousands that SageMaker has; or why they are `unread`.

    ListServiceQuotas has no filter.
    """
    region = client.meta.region_name
    try:
        listed = list_service_quotas(client, SERVICE)
    except NotebookError as error:
        unread = (
            f"The service quotas were not checked, so AWS may refuse instances: {error}. "
            "The right to read them is servicequotas:ListServiceQuotas."
        )
        return {"region": region, "quotas": {}, "unread": unread}
    mine = [quota for quota in listed if quota["QuotaName"] == TOTAL or quota["QuotaName"].endswith(OF_A_TYPE[2:])]
    quotas = {quota["QuotaName"]: {key: quota[key] for key in ("QuotaName", "QuotaCode", "Value")} for quota in mine}
    return {"region": region, "quotas": quotas, "unread": ""}


def refusals(plans: Iterable[Plan], account: Iterable[Current], found: Found) -> dict[str, NotebookError]:
    """By the instance's name, why a quota refuses it; the first in the plans get the remaining quota.

    An instance that gets another type while it is stopped takes nothing of this type's quota, but needs one. One that
    runs and waits for its next stop comes last: it has what it has, and will need room then.
    """
    quotas, region = found["quotas"], found["region"]
    plans = sorted((plan for plan in plans if asks_for(plan)), key=_waits)
    moving = {plan.desired.name for plan in plans if not _waits(plan)}
    running = [each for each in account if each.status in RUNNING and each.name not in moving]
    used = Counter(OF_A_TYPE.format(each.fields.get("instance_type")) for each in running)
    used[TOTAL] = len(running)
    refused = {}
    for plan in plans:
        of_its_type = OF_A_TYPE.format(asks_for(plan))
        comes_up = any(step.action in COMES_UP for step in plan.steps)
        needed = {of_its_type: used[of_its_type] if comes_up or _waits(plan) else 0}
        if comes_up:
            needed[TOTAL] = used[TOTAL]
        over = [name for name, count in needed.items() if name in quotas and count + 1 > quotas[name]["Value"]]
        if over:
            text = "; ".join(_refusal(quotas[name], needed[name], region) for name in over)
            about = plan.desired.about("instance_type", text)
            refused[plan.desired.name] = NotebookError(about.removeprefix(f"{plan.desired.who}: "))
        elif comes_up or _waits(plan):
            used.update(needed.keys())
    return refused


def _refusal(quota: Mapping[str, Any], used: int, region: str) -> str:
    other = "stop another instance" if quota["QuotaName"] == TOTAL else "choose another type"
    return (
        f"the quota {quota['QuotaName']!r} in {region} is {quota['Value']:g}, and {used} are in use; {other}, or ask"
        f" AWS for more: aws service-quotas request-service-quota-increase --region {region} --service-code {SERVICE}"
        f" --quota-code {quota['QuotaCode']} --desired-value {used + 1}"
    )
