# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The steps that create, change or remove the record of events and the budgets. No call to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.budget import DesiredBudget, plan_budget
from ansible_collections.datalab.notebooks.plugins.module_utils.events.rule import DesiredRule, plan_rule
from ansible_collections.datalab.notebooks.plugins.module_utils.events.usage import DETAIL_TYPE

from ..budgets import desired_budget
from ..checks.tags import PLATFORM_TAG
from .costs_draft import MARK, Draft, Found, Settings, is_marked, tags_of
from .costs_enforce import plan_enforcement, plan_enforcement_removal, rights_to_read
from .section import Change, SectionPlan

COST_TAGS = ("platform", "team", "owner")
WRITERS = ["delivery.logs.amazonaws.com", "events.amazonaws.com"]
PATTERN = {"source": ["aws.sagemaker"], "detail-type": [DETAIL_TYPE]}
PAYER = (
    "the account that pays for this one has to do it, with platform_costs_activate_tags or in its billing console; or"
    " platform_costs_payer_profile names a profile that reaches it"
)
AS_PAYER = (
    "platform_costs_payer_profile must reach the account that pays for this one, with the rights"
    " ce:ListCostAllocationTags and ce:UpdateCostAllocationTagsStatus"
)


def log_group(settings: Settings) -> str:
    """The log group that the events are in."""
    return f"/aws/events/{settings['name']}"


def rule_name(settings: Settings) -> str:
    """The name of the rule, and of the policy that lets it write."""
    return f"{settings['name']}-instances"


def topic_name(settings: Settings) -> str:
    """The name of the topic of alerts."""
    return f"{settings['name']}-costs"


def wanted_to_read(settings: Settings, *, access: Settings, removal: bool = False) -> dict[str, Any]:
    """What read_costs has to read. The module that calls it adds the account."""
    budgets = [] if removal else list(_said_budgets(settings))
    return {
        "log_group": log_group(settings),
        "rule": rule_name(settings),
        "topic": topic_name(settings) if settings["topic"] or removal else "",
        "with_budgets": removal or bool(budgets),
        "budgets": budgets,
        "budget_prefix": f"{settings['name']}-",
        "activate_tags": settings["activate_tags"] and not removal,
        "payer_profile": settings["payer_profile"],
        "keys": list(COST_TAGS),
        **rights_to_read(settings, access, removal=removal),
    }


def plan_costs(settings: Settings, found: Found, *, account: Mapping[str, str], access: Settings) -> SectionPlan:
    """The plan from what was read to what the settings describe."""
    draft = Draft()
    _plan_events(draft, settings, found, account)
    _plan_topic(draft, settings, found["topic"], account)
    active = _plan_cost_tags(draft, settings, found["billing"])
    _plan_budgets(draft, settings, found, account, active)
    plan_enforcement(draft, settings, found, account, access, _topic_arn(settings, account))
    return draft.plan(log_group=log_group(settings))


def plan_costs_removal(settings: Settings, found: Found, *, access: Settings) -> SectionPlan:
    """The plan of the removal. Tags stay active in billing: others may use them."""
    draft = Draft()
    plan_enforcement_removal(draft, found, access)
    for name in _own_budgets(settings, found):
        draft.remove("old_budgets", f"budget {name}", name)
    if found["topic"] and is_marked(settings, found["topic"]):
        draft.remove("topics", f"topic {topic_name(settings)}", topic_name(settings))
    if found["rule"] and is_marked(settings, found["rule"]):
        draft.remove("rules", f"rule {rule_name(settings)}", rule_name(settings))
    if found["policy"]:
        draft.remove("policies", f"resource policy {rule_name(settings)}", rule_name(settings))
    if found["log_group"] and is_marked(settings, found["log_group"]):
        group = f"log group {log_group(settings)}"
        if settings["destroy_events"]:
            draft.remove("log_groups", f"{group}, with all events", log_group(settings))
        else:
            draft.notes.append(f"{group}, with all events; -e platform_destroy=data removes it")
    return draft.plan(log_group=log_group(settings))


# Events


def _plan_events(draft: Draft, settings: Settings, found: Found, account: Mapping[str, str]) -> None:
    group, rule = log_group(settings), rule_name(settings)
    arn = f"arn:{account['partition']}:logs:{account['region']}:{account['account']}:log-group:{group}"
    parts = {f"log group {group}": "log_group", f"rule {rule}": "rule", f"topic {topic_name(settings)}": "topic"}
    for text, thing in ((text, found[part]) for text, part in parts.items()):
        if thing and not is_marked(settings, thing):
            draft.refused.append(
                f"platform_costs_name: the {text} must have the tag {MARK}={settings['name']} to be the platform's;"
                " give it the tag if it is, or choose another name"
            )
    _plan_log_group(draft, settings, found["log_group"])
    _plan_policy(draft, rule, found["policy"], arn)
    desired = DesiredRule(rule, PATTERN, arn, "When instances run, for costs", tags_of(settings), purge_tags=False)
    plan = plan_rule(desired, found["rule"])
    if plan.changed:
        step = {"name": rule, "description": desired.description, "event_pattern": PATTERN, "target_arn": arn}
        draft.set("rules", f"rule {rule}", plan.before, plan.after, {**step, "tags": desired.tags})


def _plan_log_group(draft: Draft, settings: Settings, current: Found | None) -> None:
    name, tags = log_group(settings), tags_of(settings)
    wanted = {"retention": settings["events_days"], "tags": tags}
    has = {"retention": current["retention"], "tags": _same_keys(current["tags"], tags)} if current else None
    if has != wanted:
        draft.set("log_groups", f"log group {name}", has, wanted, {"name": name, **wanted})


def _plan_policy(draft: Draft, name: str, current: Found | None, arn: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": WRITERS},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{arn}:*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    if current is None or compare_policies(current["policy"], policy):
        before = current and current["policy"]
        draft.set("policies", f"resource policy {name}", before, policy, {"name": name, "policy": policy})


def _topic_arn(settings: Settings, account: Mapping[str, str]) -> str:
    if not settings["topic"]:
        return str(settings["topic_arn"])
    return f"arn:{account['partition']}:sns:{account['region']}:{account['account']}:{topic_name(settings)}"


def _plan_topic(draft: Draft, settings: Settings, current: Found | None, account: Mapping[str, str]) -> None:
    """The topic that alerts are published to. Its subscribers are yours."""
    if not settings["topic"]:
        return
    name, tags = topic_name(settings), tags_of(settings)
    statement = {
        "Sid": "AlertsOfBudgets",
        "Effect": "Allow",
        "Principal": {"Service": "budgets.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": _topic_arn(settings, account),
        "Condition": {"StringEquals": {"aws:SourceAccount": account["account"]}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    is_same = current and not compare_policies(current["policy"], policy)
    if not (is_same and current and _same_keys(current["tags"], tags) == tags):
        step = {"name": name, "policy": policy, "tags": tags}
        draft.set("topics", f"topic {name}", current, {"policy": policy, "tags": tags}, step)


def _same_keys(has: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in has.items() if key in wanted}


# Billing


def _plan_cost_tags(draft: Draft, settings: Settings, billing: Found | None) -> set[str] | None:
    """The tags that are active, or will be before budgets are created; None if this account may not read them."""
    if billing is None:
        return None
    if billing["refused"]:
        if settings["activate_tags"]:
            remedy = f"{billing['refused']}; {AS_PAYER}" if settings["payer_profile"] else PAYER
            draft.notes.append(f"the tags {', '.join(COST_TAGS)} were not activated in billing: {remedy}")
        return None
    statuses = billing["statuses"]
    active = {key for key, status in statuses.items() if status == "Active"}
    if not settings["activate_tags"]:
        return active
    unknown = [key for key in COST_TAGS if key not in statuses]
    if unknown:
        draft.notes.append(
            f"billing does not know the tag {' and '.join(unknown)} yet, which takes about a day after a resource"
            " first has it; the next run of datalab.notebooks.site activates it"
        )
    inactive = [key for key in COST_TAGS if key in statuses and key not in active]
    if inactive:
        draft.changes += [Change("change", f"tag {key}: active in billing") for key in inactive]
        draft.steps["cost_tags"].append({"keys": inactive})
    return set(statuses)


def _plan_budgets(
    draft: Draft, settings: Settings, found: Found, account: Mapping[str, str], active: set[str] | None
) -> None:
    there = {each["name"]: each for each in found["budgets"]}
    for name, (said, more) in _said_budgets(settings).items():
        desired = desired_budget(
            name,
            said,
            account=account["account"],
            only={PLATFORM_TAG: settings["tags"][PLATFORM_TAG], **more},
            topic_arn=_topic_arn(settings, account),
            tags=tags_of(settings),
        )
        _plan_budget(draft, settings, desired, there.pop(name, None), active)
    for name in _own_budgets(settings, {"budgets": list(there.values())}):
        draft.remove("old_budgets", f"budget {name}", name)


def _said_budgets(settings: Settings) -> dict[str, tuple[Settings, dict[str, str]]]:
    """The settings of each budget by name, and the tags that it counts by besides platform."""
    name = settings["name"]
    teams = {f"{name}-{team}": (said, {"team": str(team)}) for team, said in settings["teams"].items()}
    return {f"{name}-{PLATFORM_TAG}": (settings["budget"], {}), **teams} if settings["budget"] else teams


def _plan_budget(
    draft: Draft, settings: Settings, desired: DesiredBudget, current: Found | None, active: set[str] | None
) -> None:
    name = desired.name
    if current and not is_marked(settings, current):
        draft.refused.append(
            f"platform_costs_name: the budget {name} must have the tag {MARK}={settings['name']} to be the platform's;"
            " give it the tag if it is, or choose another platform_costs_name"
        )
        return
    waits = [key for key in desired.only if active is not None and key not in active]
    if current is None and waits:
        draft.notes.append(
            f"no budget {name} yet: the tag {' and '.join(waits)} is not active in billing, so the budget would stay"
            f" at 0 USD; {PAYER}"
        )
        return
    plan = plan_budget(desired, dict(current) if current else None)
    if plan.changed:
        alerts = [{"threshold": each.threshold, "forecast": each.forecast} for each in desired.alerts]
        step = {"name": name, "limit": desired.limit, "only": desired.only, "alerts": alerts, "tags": desired.tags}
        step |= {"emails": list(desired.emails), "topic_arn": desired.topic_arn}
        draft.set("budgets", f"budget {name}", plan.before, plan.after, step)


def _own_budgets(settings: Settings, found: Found) -> list[str]:
    """Budgets that count by this platform's tag: DescribeBudgets does not return the budgets' own tags."""
    own = settings["tags"][PLATFORM_TAG]
    of_all = f"{settings['name']}-{PLATFORM_TAG}"
    mine = (each for each in found["budgets"] if each["only"].get(PLATFORM_TAG) == own)
    return [each["name"] for each in mine if "team" in each["only"] or each["name"] == of_all]
