# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Athena workgroups: what has to change, and the calls that change it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import get_session

from ansible_collections.datalab.notebooks.plugins.module_utils.athena import api as api_athena
from ansible_collections.datalab.notebooks.plugins.module_utils.athena.workgroup import (
    OPTIONS,
    DesiredWorkgroup,
    apply_workgroup,
    assert_deletable,
    desired_workgroup,
    plan_workgroup,
    read_workgroup,
    workgroup_arn,
    workgroup_names,
    workgroup_problems,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, NotebookError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

NAME = "datalab-research"
ARN = "arn:aws:athena:eu-central-1:123456789012:workgroup/datalab-research"
NAMED = {"WorkGroup": NAME}
TAGS = {"team": "research"}
KMS = {"encryption_option": "SSE_KMS", "kms_key": "alias/results"}
PLACE, ANOTHER = "s3://acme-results/research/", "s3://acme-results/other/"

EVERYTHING: dict[str, Any] = {
    "enabled": True,
    "description": "Queries",
    "output_location": PLACE,
    "encryption": KMS,
    "expected_bucket_owner": "123456789012",
    "enforce_work_group_configuration": True,
    "publish_cloudwatch_metrics_enabled": False,
    "bytes_scanned_cutoff_per_query": 10_000_000,
    "requester_pays_enabled": False,
    "engine_version": "AUTO",
}
# The same in the form of the API.
RESULTS = {
    "OutputLocation": PLACE,
    "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": "alias/results"},
    "ExpectedBucketOwner": "123456789012",
}
CONFIGURATION = {
    "ResultConfiguration": RESULTS,
    "EnforceWorkGroupConfiguration": True,
    "PublishCloudWatchMetricsEnabled": False,
    "BytesScannedCutoffPerQuery": 10_000_000,
    "RequesterPaysEnabled": False,
    "EngineVersion": {"SelectedEngineVersion": "AUTO"},
}
EMPTY: dict[str, Any] = {
    "description": None,
    "output_location": None,
    "encryption": None,
    "expected_bucket_owner": None,
    "bytes_scanned_cutoff_per_query": None,
}


def have(**more: Any) -> dict[str, Any]:
    """A workgroup as read_workgroup() returns it."""
    return {"name": NAME, "arn": ARN, **EVERYTHING, "tags": {}, **more}


def want(tags: dict[str, str] | None = None, purge_tags: bool = True, **settings: Any) -> DesiredWorkgroup:
    return DesiredWorkgroup(NAME, settings, tags, purge_tags)


def options(**given: Any) -> dict[str, Any]:
    """Module parameters; what is not given is None."""
    return {"name": NAME, "tags": None, "purge_tags": True, **dict.fromkeys(OPTIONS), **given}


# Reading


def test_reads_settings_and_tags(athena: Script) -> None:
    engine = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
    answer = {
        "Name": NAME,
        "State": "ENABLED",
        "Description": "Queries",
        "CreationTime": datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
        "Configuration": {**CONFIGURATION, "EngineVersion": engine},
    }
    athena.call("get_work_group", NAMED, {"WorkGroup": answer})
    first = {"Tags": [{"Key": "Team Name", "Value": "research"}], "NextToken": "more"}
    athena.call("list_tags_for_resource", {"ResourceARN": ARN}, first)
    second = {"Tags": [{"Key": "owner", "Value": "alice"}]}
    athena.call("list_tags_for_resource", {"ResourceARN": ARN, "NextToken": "more"}, second)
    assert read_workgroup(athena.client, NAME, ARN) == have(
        creation_time="2026-03-01T08:30:00+00:00",
        effective_engine_version="Athena engine version 3",
        tags={"Team Name": "research", "owner": "alice"},
    )


def test_reads_one_without_anything(athena: Script) -> None:
    answer = {"Name": NAME, "State": "DISABLED", "Description": "", "Configuration": {"ResultConfiguration": {}}}
    athena.call("get_work_group", NAMED, {"WorkGroup": answer})
    athena.call("list_tags_for_resource", {"ResourceARN": ARN}, {"Tags": []})
    workgroup = read_workgroup(athena.client, NAME, ARN)
    assert workgroup is not None
    assert {key: value for key, value in workgroup.items() if value not in (None, {})} == {
        "name": NAME,
        "arn": ARN,
        "enabled": False,
    }


def test_reads_what_is_not_there(athena: Script) -> None:
    athena.refuse("get_work_group", NAMED, "InvalidRequestException", f"WorkGroup {NAME} is not found.")
    assert read_workgroup(athena.client, NAME, ARN) is None


@pytest.mark.parametrize(
    ("code", "message"),
    [("InvalidRequestException", "Something else"), ("ValidationException", f"WorkGroup {NAME} is not found.")],
)
def test_another_refusal_is_not_taken_for_missing(athena: Script, code: str, message: str) -> None:
    athena.refuse("get_work_group", NAMED, code, message)
    with pytest.raises(NotebookError, match="Failed to get the workgroup"):
        read_workgroup(athena.client, NAME, ARN)


def test_lists_the_names_of_all_pages(athena: Script) -> None:
    athena.call("list_work_groups", {"MaxResults": 50}, {"WorkGroups": [{"Name": "a"}], "NextToken": "more"})
    athena.call("list_work_groups", {"MaxResults": 50, "NextToken": "more"}, {"WorkGroups": [{"Name": "b"}]})
    assert workgroup_names(athena.client) == ["a", "b"]


def test_the_arn_is_of_the_clients_region(athena: Script) -> None:
    assert workgroup_arn(athena.client, NAME, "123456789012", "aws") == ARN


# Desired settings


def test_only_what_is_given_is_wanted() -> None:
    assert desired_workgroup(options()) == DesiredWorkgroup(NAME)
    assert desired_workgroup(options(**EVERYTHING)).settings == EVERYTHING


def test_empty_values_empty() -> None:
    given = {"encryption": {"encryption_option": None, "kms_key": None}, "bytes_scanned_cutoff_per_query": 0}
    texts = dict.fromkeys(("description", "output_location", "expected_bucket_owner"), "")
    assert desired_workgroup(options(**given, **texts)).settings == EMPTY


def test_an_empty_key_is_none() -> None:
    given = {"encryption_option": "SSE_KMS", "kms_key": ""}
    assert desired_workgroup(options(encryption=given)).settings == {"encryption": {"encryption_option": "SSE_KMS"}}


def test_false_does_not_empty() -> None:
    assert desired_workgroup(options(enabled=False)).settings == {"enabled": False}


def test_tags_that_are_numbers() -> None:
    assert desired_workgroup(options(tags={"cost": 42})).tags == {"cost": "42"}


# Planning


@dataclass(frozen=True)
class Case:
    """The current and the desired workgroup, and the expected plan."""

    name: str
    desired: DesiredWorkgroup
    current: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)  # after the plan


CASES = [
    Case("nothing given", want(), have(tags=TAGS), tags=TAGS),
    Case("all as given", want(tags=TAGS, **EVERYTHING), have(tags=TAGS), tags=TAGS),
    Case("nothing there to empty", want(**EMPTY), have(**EMPTY)),
    Case("one setting", want(output_location=ANOTHER), have(), {"output_location": ANOTHER}),
    Case("all empty", want(**EMPTY), have(), EMPTY),
    Case("switched off", want(enabled=False), have(), {"enabled": False}),
    Case("another key", want(encryption={"encryption_option": "SSE_S3"}), have(),
         {"encryption": {"encryption_option": "SSE_S3"}}),
    Case("missing tag", want(tags=TAGS), have(), set_tags=TAGS, tags=TAGS),
    Case("another value", want(tags=TAGS), have(tags={"team": "x"}), set_tags=TAGS, tags=TAGS),
    Case("purged tag", want(tags={}), have(tags=TAGS), delete_tags=["team"]),
    Case("tag not purged", want(tags={}, purge_tags=False), have(tags=TAGS), tags=TAGS),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plans_a_change(case: Case) -> None:
    made = plan_workgroup(case.desired, case.current, ARN)
    assert (made.settings, made.set_tags, made.delete_tags) == (case.settings, case.set_tags, case.delete_tags)
    assert made.before == case.current
    assert made.after == {**case.current, **case.settings, "tags": case.tags}
    assert made.changed == (made.after != made.before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_left_to_do(case: Case) -> None:
    assert not plan_workgroup(case.desired, plan_workgroup(case.desired, case.current, ARN).after, ARN).changed


@pytest.mark.parametrize("option", OPTIONS)
def test_equal_settings_need_no_change(option: str, model: Any) -> None:
    desired = desired_workgroup(options(**{option: EVERYTHING[option]}))
    assert workgroup_problems(model, desired) == []
    assert not plan_workgroup(desired, have(), ARN).changed


@pytest.mark.parametrize("option", [option for option in OPTIONS if isinstance(EVERYTHING[option], bool)])
def test_missing_fields_are_off(option: str) -> None:
    off, on = (desired_workgroup(options(**{option: value})) for value in (False, True))
    untold = have(**{option: None})
    assert not plan_workgroup(off, untold, ARN).changed
    assert plan_workgroup(on, untold, ARN).settings == {option: True}
    assert plan_workgroup(off, None, ARN).settings == {option: False}


def test_plans_a_creation() -> None:
    made = plan_workgroup(want(tags=TAGS, output_location=PLACE), None, ARN)
    assert made.changed
    assert made.before is None
    expected = {"name": NAME, "arn": ARN, "enabled": True, **EMPTY, "output_location": PLACE, "tags": TAGS}
    assert made.after == expected


def test_plans_the_creation_of_no_more_than_a_name() -> None:
    assert plan_workgroup(want(), None, ARN).changed


# Applying


def apply(athena: Script, desired: DesiredWorkgroup, has: dict[str, Any] | None) -> None:
    apply_workgroup(athena.client, plan_workgroup(desired, has, ARN))


def test_creates_with_one_call(athena: Script) -> None:
    tags = [{"Key": "team", "Value": "research"}]
    params = {"Name": NAME, "Description": "Queries", "Configuration": CONFIGURATION, "Tags": tags}
    athena.call("create_work_group", params)
    apply(athena, want(tags=TAGS, **EVERYTHING), None)


def test_creates_an_empty_one(athena: Script) -> None:
    athena.call("create_work_group", {"Name": NAME})
    apply(athena, want(**EMPTY), None)


def test_creates_a_disabled_one_with_two_calls(athena: Script) -> None:
    athena.call("create_work_group", {"Name": NAME})
    athena.call("update_work_group", {**NAMED, "State": "DISABLED"})
    apply(athena, want(enabled=False), None)


def test_changes_settings_and_tags(athena: Script) -> None:
    updates = {**CONFIGURATION, "ResultConfigurationUpdates": RESULTS}
    del updates["ResultConfiguration"]
    params = {**NAMED, "State": "ENABLED", "Description": "Queries", "ConfigurationUpdates": updates}
    athena.call("update_work_group", params)
    athena.call("tag_resource", {"ResourceARN": ARN, "Tags": [{"Key": "team", "Value": "research"}]})
    athena.call("untag_resource", {"ResourceARN": ARN, "TagKeys": ["x"]})
    others = dict.fromkeys(OPTIONS, "other")
    apply(athena, want(tags=TAGS, **EVERYTHING), have(**others, tags={"x": "1"}))


def test_empties_with_flags(athena: Script) -> None:
    results = {"RemoveOutputLocation": True, "RemoveEncryptionConfiguration": True, "RemoveExpectedBucketOwner": True}
    updates = {"ResultConfigurationUpdates": results, "RemoveBytesScannedCutoffPerQuery": True}
    athena.call("update_work_group", {**NAMED, "Description": "", "ConfigurationUpdates": updates})
    apply(athena, want(**EMPTY), have())


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        ({"enabled": False}, {"State": "DISABLED"}),
        ({"description": "Others"}, {"Description": "Others"}),
        ({"requester_pays_enabled": True}, {"ConfigurationUpdates": {"RequesterPaysEnabled": True}}),
    ],
)
def test_an_update_names_only_what_changes(athena: Script, settings: dict[str, Any], params: dict[str, Any]) -> None:
    athena.call("update_work_group", {**NAMED, **params})
    apply(athena, want(**settings), have())


def test_changes_tags_alone(athena: Script) -> None:
    athena.call("untag_resource", {"ResourceARN": ARN, "TagKeys": ["team"]})
    apply(athena, want(tags={}), have(tags=TAGS))


def test_no_change_makes_no_call(athena: Script) -> None:
    apply(athena, want(**EVERYTHING), have())


# Deleting


@pytest.mark.parametrize(
    ("queries", "executions", "told"),
    [
        ({"NamedQueryIds": ["q"]}, {}, "named queries"),
        ({}, {"QueryExecutionIds": ["e"]}, "a query history"),
        ({"NamedQueryIds": ["q"]}, {"QueryExecutionIds": ["e"]}, "named queries and a query history"),
    ],
)
def test_a_workgroup_with_contents(
    athena: Script, queries: dict[str, Any], executions: dict[str, Any], told: str
) -> None:
    athena.call("list_named_queries", {**NAMED, "MaxResults": 1}, queries)
    athena.call("list_query_executions", {**NAMED, "MaxResults": 1}, executions)
    with pytest.raises(InputError) as caught:
        assert_deletable(athena.client, NAME)
    text = f"workgroup {NAME} has {told}; set force: true to delete them with it"
    assert caught.value.problems == [text]


def test_a_workgroup_without_contents(athena: Script) -> None:
    athena.call("list_named_queries", {**NAMED, "MaxResults": 1})
    athena.call("list_query_executions", {**NAMED, "MaxResults": 1})
    assert_deletable(athena.client, NAME)


@pytest.mark.parametrize("with_contents", [True, False])
def test_deletes(athena: Script, with_contents: bool) -> None:
    athena.call("delete_work_group", {**NAMED, "RecursiveDeleteOption": with_contents})
    api_athena.delete_work_group(athena.client, NAME, with_contents=with_contents)


def test_one_that_is_deleted_meanwhile_is_gone(athena: Script) -> None:
    params = {**NAMED, "RecursiveDeleteOption": False}
    athena.refuse("delete_work_group", params, "InvalidRequestException", f"WorkGroup {NAME} is not found.")
    api_athena.delete_work_group(athena.client, NAME, with_contents=False)


# Errors


@pytest.mark.parametrize(
    ("call", "operation", "params", "what"),
    [
        (api_athena.list_work_groups, "list_work_groups", {}, "list the workgroups"),
        (lambda c: api_athena.create_work_group(c, NAME, {}), "create_work_group", {"Name": NAME},
         "create the workgroup"),
        (lambda c: api_athena.update_work_group(c, NAME, {}), "update_work_group", NAMED, "update the workgroup"),
        (lambda c: api_athena.delete_work_group(c, NAME, True), "delete_work_group",
         {**NAMED, "RecursiveDeleteOption": True}, "delete the workgroup"),
        (lambda c: api_athena.has_named_queries(c, NAME), "list_named_queries", {**NAMED, "MaxResults": 1},
         "list the named queries"),
        (lambda c: api_athena.has_query_executions(c, NAME), "list_query_executions", {**NAMED, "MaxResults": 1},
         "list the query executions"),
        (lambda c: api_athena.list_tags(c, ARN), "list_tags_for_resource", {"ResourceARN": ARN}, "list the tags"),
        (lambda c: api_athena.tag_resource(c, ARN, {}), "tag_resource", {"ResourceARN": ARN, "Tags": []}, "add tags"),
        (lambda c: api_athena.untag_resource(c, ARN, ["k"]), "untag_resource", {"ResourceARN": ARN, "TagKeys": ["k"]},
         "remove tags"),
    ],
)  # fmt: skip
def test_every_call_is_retried_and_told(
    athena: Script,
    slept: list[float],
    call: Callable[[Any], Any],
    operation: str,
    params: dict[str, Any],
    what: str,
) -> None:
    athena.refuse(operation, params, "ThrottlingException", "Rate exceeded")
    athena.refuse(operation, params, "InvalidRequestException", "It is broken")
    with pytest.raises(NotebookError, match=f"Failed to {what}: .*It is broken"):
        call(athena.client)
    assert len(slept) == 1


# Problems


@pytest.fixture(scope="module")
def model() -> Any:
    return get_session().get_service_model("athena")


@pytest.mark.parametrize(
    "settings",
    [
        EVERYTHING,
        EMPTY,
        {"encryption": {"encryption_option": "SSE_S3"}},
        {"encryption": {"encryption_option": "CSE_KMS", "kms_key": "k"}},
        {"output_location": "s3://acme.results"},
        {"description": "x" * 1024},
    ],
)
def test_good_settings(model: Any, settings: dict[str, Any]) -> None:
    assert workgroup_problems(model, want(tags=TAGS, **settings)) == []


PLACES = "is not a location in S3; set it to s3://bucket/folder/"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"output_location": "acme/x"}, f"output_location: 'acme/x' {PLACES}"),
        ({"output_location": "s3://Acme/x"}, f"output_location: 's3://Acme/x' {PLACES}"),
        ({"output_location": "s3:///x"}, f"output_location: 's3:///x' {PLACES}"),
        ({"description": "x" * 1025}, "description: has 1025 characters; it must have at most 1024"),
        (
            {"expected_bucket_owner": "x" * 12},
            "expected_bucket_owner: 'xxxxxxxxxxxx' is not allowed by AWS, which asks for ^[0-9]+$",
        ),
        ({"engine_version": None}, "engine_version: it cannot be removed; set it to AUTO to leave the choice to AWS"),
        ({"engine_version": "x" * 129}, "engine_version: has 129 characters; it must have 1 to 128"),
        (
            {"bytes_scanned_cutoff_per_query": 9_999_999},
            "bytes_scanned_cutoff_per_query: 9999999 is less than 10000000; 0 takes the limit away",
        ),
        (
            {"bytes_scanned_cutoff_per_query": -1},
            "bytes_scanned_cutoff_per_query: -1 is less than 10000000; 0 takes the limit away",
        ),
        (
            {"encryption": {"encryption_option": "CSE_KMS"}},
            "encryption: CSE_KMS needs a kms_key; set it, or choose SSE_S3",
        ),
        (
            {"encryption": {"kms_key": "k"}},
            "encryption: a kms_key needs the encryption_option SSE_KMS or CSE_KMS; set it, or leave out kms_key",
        ),
    ],
)
def test_bad_settings(model: Any, settings: dict[str, Any], problem: str) -> None:
    assert workgroup_problems(model, want(**settings)) == [f"workgroup {NAME}: {problem}"]


def test_tells_every_problem(model: Any) -> None:
    desired = DesiredWorkgroup("a b", {"engine_version": None}, {"aws:a": "1"})
    problems = workgroup_problems(model, desired)
    assert [problem.split(": ")[:2] for problem in problems] == [
        ["workgroup a b", about] for about in ("name", "engine_version", "tags")
    ]


def test_only_the_mark_is_accepted_of_the_collections_own_tags() -> None:
    model = get_session().get_service_model("athena")
    assert workgroup_problems(model, DesiredWorkgroup(NAME, tags={"datalab:access": "datalab"})) == []
    assert workgroup_problems(model, DesiredWorkgroup(NAME, tags={"datalab:x": "datalab"})) == [
        f"workgroup {NAME}: tags: the key 'datalab:x' is reserved; it must not begin with aws: or datalab:"
    ]
