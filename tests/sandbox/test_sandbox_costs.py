# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sandbox's data about costs: events of instances, their bill, cost tags, budgets, and the price list."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from sandbox.services import billing

ACCOUNT, GROUP = "123456789012", "/aws/events/datalab"
ARN = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:{GROUP}"
TODAY = datetime.now(UTC).date()
MONTH = {"Start": TODAY.replace(day=1).isoformat(), "End": (TODAY + timedelta(days=1)).isoformat()}
BY_TYPE = {"Type": "DIMENSION", "Key": "USAGE_TYPE"}
BY_TEAM = {"Type": "TAG", "Key": "team"}
TAGS = [{"Key": "team", "Value": "research"}, {"Key": "owner", "Value": "alice"}]


@pytest.fixture
def rule(client_of):
    """Create a rule that sends all changes of instances to a log group; return a function that reads the group."""
    events, logs = client_of("events"), client_of("logs")
    logs.create_log_group(logGroupName=GROUP)
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Notebook Instance State Change"]}
    events.put_rule(Name="datalab", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="datalab", Targets=[{"Id": "logs", "Arn": ARN}])

    def read():
        return [json.loads(each["message"]) for each in logs.filter_log_events(logGroupName=GROUP)["events"]]

    return read


ALLOW = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": f"{ARN}:*",
}


@pytest.fixture
def put_policy(client_of):
    """Put a resource policy with these statements."""

    def put(*statements):
        policy = {"Version": "2012-10-17", "Statement": statements}
        client_of("logs").put_resource_policy(policyName="datalab", policyDocument=json.dumps(policy))

    return put


@pytest.fixture
def allowed(put_policy):
    """Allow EventBridge to write to the log group."""
    put_policy(ALLOW)


@pytest.mark.usefixtures("allowed")
def test_each_change_of_status_is_an_event(rule, create, sagemaker):
    arn = create(Tags=TAGS)
    sagemaker.stop_notebook_instance(NotebookInstanceName="alice")
    sagemaker.update_notebook_instance(NotebookInstanceName="alice", InstanceType="ml.m5.xlarge")
    sagemaker.delete_notebook_instance(NotebookInstanceName="alice")
    told = rule()
    assert [(each["detail"]["NotebookInstanceStatus"], each["detail"]["InstanceType"]) for each in told] == [
        ("Pending", "ml.t3.medium"),
        ("InService", "ml.t3.medium"),
        ("Stopping", "ml.t3.medium"),
        ("Stopped", "ml.t3.medium"),
        ("Updating", "ml.m5.xlarge"),
        ("Stopped", "ml.m5.xlarge"),
        ("Deleting", "ml.m5.xlarge"),
    ]
    assert told[0]["resources"] == [arn]
    assert told[0]["detail"]["Tags"] == {"team": "research", "owner": "alice"}


@pytest.mark.usefixtures("allowed")
def test_an_event_has_the_time_of_its_change_whenever_it_is_read(sandbox, rule, create, describe, eventually):
    sandbox.set_transition_seconds(0.3)
    create()
    eventually(lambda: len(rule()) == 2)
    in_service = rule()[1]["detail"]["LastModifiedTime"]
    assert in_service == int(describe()["LastModifiedTime"].timestamp() * 1000)


def test_an_event_is_lost_where_eventbridge_may_not_write(rule, create):
    create()
    assert rule() == []


OF_ANYBODY = {**ALLOW, "Principal": "*", "Action": "logs:*"}
OF_AN_ACCOUNT = {**ALLOW, "Principal": {"AWS": ACCOUNT}}


@pytest.mark.parametrize(
    ("statements", "events"),
    [
        ([OF_ANYBODY], 2),
        ([OF_AN_ACCOUNT], 0),
        ([OF_AN_ACCOUNT, ALLOW], 2),
        ([{**ALLOW, "Action": "logs:PutLogEvents"}], 0),
        ([{**ALLOW, "Effect": "Deny"}], 0),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Action": "logs:PutLogEvents"}], 0),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}}], 2),
    ],
)
def test_a_denial_counts_more_than_an_allowance(rule, create, put_policy, statements, events):
    put_policy(*statements)
    create()
    assert len(rule()) == events


def test_cloudtrail_has_the_calls_and_not_what_came_of_them(client_of, create_stopped, sagemaker, refused):
    create_stopped(Tags=TAGS, VolumeSizeInGB=20)
    sagemaker.start_notebook_instance(NotebookInstanceName="alice")
    trail = client_of("cloudtrail")
    wanted = [{"AttributeKey": "EventSource", "AttributeValue": "sagemaker.amazonaws.com"}]
    found = trail.lookup_events(LookupAttributes=wanted)["Events"]
    names = ["StartNotebookInstance", "StopNotebookInstance", "CreateNotebookInstance"]
    assert sorted(each["EventName"] for each in found) == sorted(names)
    created = next(each for each in found if each["EventName"].startswith("Create"))
    parameters = json.loads(created["CloudTrailEvent"])["requestParameters"]
    assert (parameters["notebookInstanceName"], parameters["volumeSizeInGB"]) == ("alice", 20)
    only = [{"AttributeKey": "EventName", "AttributeValue": "StopNotebookInstance"}]
    assert len(trail.lookup_events(LookupAttributes=only)["Events"]) == 1
    assert refused(trail.lookup_events, LookupAttributes=[*wanted, *only])[0] == "InvalidLookupAttributesException"


def costs(client, by, **fields):
    asked = {"TimePeriod": MONTH, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost", "UsageQuantity"]}
    groups = client.get_cost_and_usage(**asked, GroupBy=by, **fields)["ResultsByTime"][0]["Groups"]
    return {tuple(each["Keys"]): float(each["Metrics"]["UsageQuantity"]["Amount"]) for each in groups}


def test_an_instance_is_billed_from_in_service_to_its_stop(client_of, create, describe, sagemaker, eventually):
    create(Tags=TAGS)
    begin = describe()["LastModifiedTime"]
    eventually(lambda: datetime.now(UTC) - begin > timedelta(seconds=0.2))
    sagemaker.stop_notebook_instance(NotebookInstanceName="alice")
    hours = (describe()["LastModifiedTime"] - begin).total_seconds() / 3600
    ce = client_of("ce")
    found = costs(ce, [BY_TYPE])
    assert found["EUC1-Notebk:ml.t3.medium",] == pytest.approx(hours, abs=1e-5)
    assert found["EUC1-Notebk:VolumeUsage.gp2",] > 0
    only = {"Dimensions": {"Key": "USAGE_TYPE", "Values": ["EUC1-Notebk:ml.t3.medium"]}}
    assert list(costs(ce, [BY_TYPE], Filter=only)) == [("EUC1-Notebk:ml.t3.medium",)]


def test_a_tag_counts_once_it_is_active(client_of, create):
    create(Tags=TAGS)
    ce = client_of("ce")
    assert set(costs(ce, [BY_TEAM])) == {("team$",)}
    wanted = [{"TagKey": key, "Status": "Active"} for key in ("team", "none")]
    errors = ce.update_cost_allocation_tags_status(CostAllocationTagsStatus=wanted)["Errors"]
    assert [each["TagKey"] for each in errors] == ["none"]
    assert set(costs(ce, [BY_TEAM])) == {("team$research",)}
    assert [each["TagKey"] for each in ce.list_cost_allocation_tags(Status="Active")["CostAllocationTags"]] == ["team"]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"GroupBy": [BY_TYPE, BY_TEAM, BY_TEAM]}, "two GroupBy"),
        (
            {"Filter": {"Tags": {"Key": "team", "Values": ["x"]}, "Dimensions": {"Key": "REGION", "Values": ["x"]}}},
            "one",
        ),
        ({"Metrics": []}, "Metrics"),
        ({"TimePeriod": {"Start": MONTH["End"], "End": MONTH["Start"]}}, "before"),
        ({"TimePeriod": {"Start": "2020-01-01", "End": "2020-02-01"}}, "14 months"),
    ],
)
def test_cost_explorer_refuses(client_of, refused, wrong, text):
    asked = {"TimePeriod": MONTH, "Granularity": "DAILY", "Metrics": ["UnblendedCost"]} | wrong
    code, message = refused(client_of("ce").get_cost_and_usage, **asked)
    assert code == "ValidationException"
    assert text in message


@pytest.fixture
def member_of(sandbox, client_of):
    """Make a client of a service for an account whose bills another account pays."""
    organizations = client_of("organizations")
    organizations.create_organization()
    status = organizations.create_account(AccountName="team", Email="team@example.org")["CreateAccountStatus"]
    role = f"arn:aws:iam::{status['AccountId']}:role/OrganizationAccountAccessRole"
    keys = client_of("sts").assume_role(RoleArn=role, RoleSessionName="x")["Credentials"]

    def make(service):
        return boto3.client(
            service,
            region_name="eu-central-1",
            endpoint_url=sandbox.endpoint,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return make


def test_a_member_account_has_no_cost_tags_of_its_own(member_of, refused):
    ce = member_of("ce")
    wanted = [{"TagKey": "team", "Status": "Active"}]
    for call in (
        ce.list_cost_allocation_tags,
        lambda: ce.update_cost_allocation_tags_status(CostAllocationTagsStatus=wanted),
        lambda: ce.start_cost_allocation_tag_backfill(BackfillFrom=f"{MONTH['Start']}T00:00:00Z"),
    ):
        code, message = refused(call)
        assert (code, message) == (
            "AccessDeniedException",
            "Linked account doesn't have access to cost allocation tags.",
        )


def test_a_backfill_begins_with_a_month_and_is_one_a_day(client_of, refused):
    ce = client_of("ce")
    start = ce.start_cost_allocation_tag_backfill
    assert refused(start, BackfillFrom="2020-01-02T00:00:00Z")[0] == "ValidationException"
    begun = start(BackfillFrom=f"{MONTH['Start']}T00:00:00Z")["BackfillRequest"]
    assert refused(start, BackfillFrom=f"{MONTH['Start']}T00:00:00Z")[0] == "BackfillLimitExceededException"
    (ended,) = ce.list_cost_allocation_tag_backfill_history()["BackfillRequests"]
    assert (begun["BackfillStatus"], ended["BackfillStatus"]) == ("PROCESSING", "SUCCEEDED")
    assert ended["BackfillFrom"] == begun["BackfillFrom"]
    assert ended["CompletedAt"] >= begun["RequestedAt"]


BUDGET = {
    "BudgetName": "datalab-research",
    "BudgetLimit": {"Amount": "1200", "Unit": "USD"},
    "BudgetType": "COST",
    "TimeUnit": "MONTHLY",
}
ALERT = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
LEAD = {"SubscriptionType": "EMAIL", "Address": "lead@example.org"}


@pytest.fixture
def budgets(client_of):
    client = client_of("budgets")
    alerts = [{"Notification": ALERT, "Subscribers": [LEAD]}]
    client.create_budget(AccountId=ACCOUNT, Budget=BUDGET, NotificationsWithSubscribers=alerts)
    return client


def test_a_budget_has_the_form_of_filter_that_it_was_given(budgets):
    of = {"AccountId": ACCOUNT}
    by_tag = {"FilterExpression": {"Tags": {"Key": "team", "Values": ["research"]}}, "Metrics": ["UnblendedCost"]}
    budgets.create_budget(**of, Budget=BUDGET | by_tag | {"BudgetName": "by-tag"})
    for found in (
        budgets.describe_budget(**of, BudgetName="by-tag")["Budget"],
        next(each for each in budgets.describe_budgets(**of)["Budgets"] if each["BudgetName"] == "by-tag"),
    ):
        assert (found["Metrics"], "CostTypes" in found) == (["UnblendedCost"], False)
        budgets.update_budget(**of, NewBudget=found)
    assert "CostTypes" in budgets.describe_budget(**of, BudgetName=BUDGET["BudgetName"])["Budget"]


def test_a_budget_is_updated_with_its_alerts_and_who_gets_them(budgets):
    of = {"AccountId": ACCOUNT, "BudgetName": BUDGET["BudgetName"]}
    budgets.update_budget(AccountId=ACCOUNT, NewBudget=BUDGET | {"BudgetLimit": {"Amount": "900", "Unit": "USD"}})
    assert budgets.describe_budget(**of)["Budget"]["BudgetLimit"]["Amount"] == "900"
    topic = {"SubscriptionType": "SNS", "Address": f"arn:aws:sns:eu-central-1:{ACCOUNT}:costs"}
    budgets.create_subscriber(**of, Notification=ALERT, Subscriber=topic)
    assert budgets.describe_subscribers_for_notification(**of, Notification=ALERT)["Subscribers"] == [LEAD, topic]
    later = {**ALERT, "Threshold": 90.0}
    budgets.update_notification(**of, OldNotification=ALERT, NewNotification=later)
    other = {**LEAD, "Address": "other@example.org"}
    budgets.update_subscriber(**of, Notification=later, OldSubscriber=LEAD, NewSubscriber=other)
    for each in (other, topic):
        budgets.delete_subscriber(**of, Notification=later, Subscriber=each)
    assert budgets.describe_notifications_for_budget(**of)["Notifications"] == []


def attaching(policy, **identities):
    return {"IamActionDefinition": {"PolicyArn": policy, **identities}}


DENY = f"arn:aws:iam::{ACCOUNT}:policy/deny"
ACTION = {
    "NotificationType": "ACTUAL",
    "ActionType": "APPLY_IAM_POLICY",
    "ActionThreshold": {"ActionThresholdValue": 100.0, "ActionThresholdType": "PERCENTAGE"},
    "Definition": {"IamActionDefinition": {"PolicyArn": DENY, "Roles": ["alice"]}},
    "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/budgets",
    "ApprovalModel": "AUTOMATIC",
    "Subscribers": [LEAD],
}


def test_an_action_is_kept_as_it_was_asked_for(budgets):
    of = {"AccountId": ACCOUNT, "BudgetName": BUDGET["BudgetName"]}
    action = budgets.create_budget_action(**of, **ACTION)["ActionId"]
    (found,) = budgets.describe_budget_actions_for_budget(**of)["Actions"]
    assert found == {**ACTION, "BudgetName": BUDGET["BudgetName"], "ActionId": action, "Status": "STANDBY"}
    budgets.update_budget_action(**of, ActionId=action, NotificationType="FORECASTED")
    (found,) = budgets.describe_budget_actions_for_budget(**of)["Actions"]
    assert found["NotificationType"] == "FORECASTED"
    budgets.delete_budget_action(**of, ActionId=action)
    assert budgets.describe_budget_actions_for_account(AccountId=ACCOUNT)["Actions"] == []


@pytest.mark.parametrize(("approval", "status"), [("AUTOMATIC", "EXECUTION_SUCCESS"), ("MANUAL", "PENDING")])
def test_an_action_attaches_its_policy_once_its_budget_is_passed(budgets, client_of, refused, approval, status):
    iam = client_of("iam")
    iam.create_group(GroupName="people")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    policy = iam.create_policy(PolicyName="deny", PolicyDocument=json.dumps(deny))["Policy"]["Arn"]

    def attached():
        return [each["PolicyArn"] for each in iam.list_attached_group_policies(GroupName="people")["AttachedPolicies"]]

    of = {"AccountId": ACCOUNT, "BudgetName": "spent"}
    spend = {"ActualSpend": {"Amount": "1001", "Unit": "USD"}}
    limit = {"Amount": "1000", "Unit": "USD"}
    given = BUDGET | {"BudgetName": "spent", "BudgetLimit": limit, "CalculatedSpend": spend}
    budgets.create_budget(AccountId=ACCOUNT, Budget=given)
    action = {**ACTION, "ApprovalModel": approval, "Definition": attaching(policy, Groups=["people"])}
    of["ActionId"] = budgets.create_budget_action(**of, **action)["ActionId"]
    (found,) = budgets.describe_budget_actions_for_account(AccountId=ACCOUNT)["Actions"]
    assert found["Status"] == status
    if approval == "MANUAL":
        assert attached() == []
        budgets.execute_budget_action(**of, ExecutionType="APPROVE_BUDGET_ACTION")
    assert attached() == [policy]
    again = refused(budgets.execute_budget_action, **of, ExecutionType="APPROVE_BUDGET_ACTION")
    assert again[0] == "InvalidParameterException"
    budgets.execute_budget_action(**of, ExecutionType="REVERSE_BUDGET_ACTION")
    assert attached() == []


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("create_budget_action", ACTION | {"Definition": {}}, "InvalidParameterException"),
        ("create_budget_action", ACTION | {"Definition": attaching(DENY)}, "InvalidParameterException"),
        ("create_budget_action", ACTION | {"Subscribers": [LEAD, LEAD]}, "DuplicateRecordException"),
        ("create_budget_action", ACTION | {"BudgetName": "none"}, "NotFoundException"),
        ("delete_budget_action", {"ActionId": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}, "NotFoundException"),
    ],
)
def test_actions_are_refused(budgets, refused, operation, asked, code):
    of = {"AccountId": ACCOUNT, "BudgetName": BUDGET["BudgetName"]}
    assert refused(getattr(budgets, operation), **(of | asked))[0] == code


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("describe_budgets", {"AccountId": "210987654321"}, "AccessDeniedException"),
        (
            "create_budget",
            {"Budget": BUDGET | {"BudgetName": "x", "CostFilters": {}, "FilterExpression": {}, "Metrics": []}},
            "InvalidParameterException",
        ),
        ("create_budget", {"Budget": BUDGET | {"BudgetName": "a:b"}}, "InvalidParameterException"),
        ("create_budget", {"Budget": BUDGET}, "DuplicateRecordException"),
        ("update_budget", {"NewBudget": BUDGET | {"BudgetName": "none"}}, "NotFoundException"),
        (
            "create_notification",
            {"BudgetName": BUDGET["BudgetName"], "Notification": ALERT, "Subscribers": [LEAD]},
            "DuplicateRecordException",
        ),
        (
            "create_subscriber",
            {"BudgetName": BUDGET["BudgetName"], "Notification": ALERT, "Subscriber": LEAD},
            "DuplicateRecordException",
        ),
    ],
)
def test_budgets_refuses(budgets, refused, operation, asked, code):
    assert refused(getattr(budgets, operation), **({"AccountId": ACCOUNT} | asked))[0] == code


def test_a_budget_has_five_alerts_with_ten_addresses_and_a_topic(budgets, refused):
    of = {"AccountId": ACCOUNT, "BudgetName": BUDGET["BudgetName"]}
    for threshold in (10, 20, 30, 40):
        budgets.create_notification(**of, Notification=ALERT | {"Threshold": threshold}, Subscribers=[LEAD])
    sixth = {"Notification": ALERT | {"Threshold": 50}, "Subscribers": [LEAD]}
    assert refused(budgets.create_notification, **of, **sixth)[0] == "CreationLimitExceededException"
    for number in range(9):
        address = {"SubscriptionType": "EMAIL", "Address": f"{number}@example.org"}
        budgets.create_subscriber(**of, Notification=ALERT, Subscriber=address)
    eleventh = {"SubscriptionType": "EMAIL", "Address": "x@example.org"}
    answer = refused(budgets.create_subscriber, **of, Notification=ALERT, Subscriber=eleventh)
    assert answer[0] == "CreationLimitExceededException"


def test_the_price_list_is_found_by_usage_type(sandbox, client_for):
    pricing = client_for("pricing", sandbox.endpoint, "us-east-1")
    wanted = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-central-1"}]
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode="AmazonSageMaker", Filters=wanted, PaginationConfig={"PageSize": 4}
    )
    products = [json.loads(each) for page in pages for each in page["PriceList"]]
    types = {each["product"]["attributes"]["usagetype"] for each in products}
    assert {"EUC1-Notebk:ml.t3.medium", "EUC1-Notebk:VolumeUsage.gp2"} < types
    assert sandbox.calls() == {"pricing:GetProducts": 3}
    nowhere = [{**wanted[0], "Value": "nowhere"}]
    assert pricing.get_products(ServiceCode="AmazonSageMaker", Filters=nowhere)["PriceList"] == []


@pytest.mark.parametrize(
    ("region", "prefix"),
    [
        ("us-east-1", "USE1"),
        ("eu-central-1", "EUC1"),
        ("eu-west-1", "EU"),
        ("eu-west-2", "EUW2"),
        ("ap-northeast-1", "APN1"),
        ("ap-southeast-1", "APS1"),
        ("ap-southeast-2", "APS2"),
        ("ap-south-1", "APS3"),
        ("ca-central-1", "CAN1"),
        ("cn-northwest-1", "CNW1"),
        ("us-gov-west-1", "UGW1"),
        ("nowhere", ""),
        ("", ""),
    ],
)
def test_usage_types_begin_with_the_code_of_their_region(region, prefix):
    assert billing.prefix(region) == prefix
