# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule of EventBridge and the policy that lets it write: what has to change, and the calls that change it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.events.rule import (
    DesiredRule,
    Rule,
    apply_rule,
    plan_rule,
    read_rule,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.logs.resource_policy import ResourcePolicy

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

NAME, ARN = "datalab-costs", "arn:aws:events:eu-central-1:123456789012:rule/datalab-costs"
GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/events/datalab"
PATTERN = {"source": ["aws.sagemaker"]}
WANTED = DesiredRule(NAME, PATTERN, GROUP, "Costs", {"platform": "datalab"}, purge_tags=False)
PUT = {"Name": NAME, "EventPattern": json.dumps(PATTERN), "Description": "Costs", "State": "ENABLED"}
TARGETS = {"Rule": NAME, "Targets": [{"Id": "datalab", "Arn": GROUP}]}


def there(**more: Any) -> dict[str, Any]:
    return {**plan_rule(WANTED, None).after, "arn": ARN, **more}


def test_a_rule_is_read_by_three_calls(events: Script) -> None:
    answer = {"Name": NAME, "Arn": ARN, "EventPattern": json.dumps(PATTERN), "State": "ENABLED", "Description": "Costs"}
    events.call("describe_rule", {"Name": NAME}, answer)
    events.call("list_targets_by_rule", {"Rule": NAME}, {"Targets": [{"Id": "x", "Arn": GROUP}]})
    events.call("list_tags_for_resource", {"ResourceARN": ARN}, {"Tags": [{"Key": "platform", "Value": "datalab"}]})
    assert read_rule(events.client, NAME) == there()
    events.refuse("describe_rule", {"Name": NAME}, "ResourceNotFoundException", "Rule does not exist.")
    assert read_rule(events.client, NAME) is None


def test_a_rule_is_created_with_its_tags_and_target(events: Script) -> None:
    events.call("put_rule", {**PUT, "Tags": [{"Key": "platform", "Value": "datalab"}]}, {"RuleArn": ARN})
    events.call("list_targets_by_rule", {"Rule": NAME}, {})
    events.call("put_targets", TARGETS, {"FailedEntryCount": 0, "FailedEntries": []})
    apply_rule(events.client, plan_rule(WANTED, None))


def test_equal_settings_get_no_call(events: Script) -> None:
    plan = plan_rule(WANTED, there())
    assert not plan.changed
    apply_rule(events.client, plan)


@pytest.mark.parametrize("before", [{"state": "DISABLED"}, {"event_pattern": {}}, {"description": "x"}])
def test_a_rule_that_differs_is_put_again(events: Script, before: dict[str, Any]) -> None:
    events.call("put_rule", PUT, {"RuleArn": ARN})
    apply_rule(events.client, plan_rule(WANTED, there(**before)))


def test_another_target_takes_the_place(events: Script) -> None:
    other = {"Id": "other", "Arn": f"{GROUP}-other"}
    events.call("list_targets_by_rule", {"Rule": NAME}, {"Targets": [other]})
    events.call("put_targets", TARGETS, {"FailedEntryCount": 0, "FailedEntries": []})
    events.call("remove_targets", {"Rule": NAME, "Ids": ["other"]}, {"FailedEntryCount": 0, "FailedEntries": []})
    apply_rule(events.client, plan_rule(WANTED, there(target_arns=[other["Arn"]])))


def test_a_target_that_aws_does_not_take_is_an_error(events: Script) -> None:
    events.call("list_targets_by_rule", {"Rule": NAME}, {})
    failed = [{"TargetId": "datalab", "ErrorCode": "x", "ErrorMessage": "no such group"}]
    events.call("put_targets", TARGETS, {"FailedEntryCount": 1, "FailedEntries": failed})
    with pytest.raises(NotebookError, match="no such group"):
        apply_rule(events.client, plan_rule(WANTED, there(target_arns=[])))


def test_tags_are_changed_alone(events: Script) -> None:
    events.call("tag_resource", {"ResourceARN": ARN, "Tags": [{"Key": "cost", "Value": "1"}]})
    events.call("untag_resource", {"ResourceARN": ARN, "TagKeys": ["platform"]})
    apply_rule(events.client, plan_rule(replace(WANTED, tags={"cost": "1"}, purge_tags=True), there()))


def test_a_rule_goes_after_its_targets(events: Script) -> None:
    events.call("list_targets_by_rule", {"Rule": NAME}, {"Targets": [{"Id": "x", "Arn": GROUP}]})
    events.call("remove_targets", {"Rule": NAME, "Ids": ["x"]}, {"FailedEntryCount": 0, "FailedEntries": []})
    events.call("delete_rule", {"Name": NAME})
    Rule(events.client, WANTED).delete(there())


POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}


@pytest.mark.parametrize(
    ("has", "changed"),
    [(None, True), (POLICY, False), ({**POLICY, "Statement": []}, True)],
    ids=["none", "same", "other"],
)
def test_a_resource_policy_is_put_where_it_differs(logs: Script, has: dict[str, Any] | None, changed: bool) -> None:
    listed = [{"policyName": NAME, "policyDocument": json.dumps(has)}] if has else []
    other = {"policyName": "other", "policyDocument": "{}"}
    logs.call("describe_resource_policies", {}, {"resourcePolicies": [other, *listed]})
    resource = ResourcePolicy(logs.client, NAME, POLICY)
    plan = resource.plan(resource.read())
    assert plan.changed is changed
    if changed:
        logs.call("put_resource_policy", {"policyName": NAME, "policyDocument": json.dumps(POLICY)})
        resource.apply(plan)
