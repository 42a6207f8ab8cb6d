# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each function makes one call; its errors become results or messages."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import POOL_SIZE, in_parallel
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import (
    InputError,
    NotebookError,
    reporting_errors,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import NAME, answer, arn_of, summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

ARN = arn_of(NAME)
INSTANCE = {"NotebookInstanceName": NAME}
CONFIG = {"NotebookInstanceLifecycleConfigName": "datalab"}
TAGS = [{"Key": "owner", "Value": "alice"}]


# Calls


@dataclass(frozen=True)
class Call:
    """A function, and the call that it makes."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    operation: str
    params: dict[str, Any]
    response: dict[str, Any] = field(default_factory=dict)
    result: Any = None


CALLS = [
    Call(api.create_notebook_instance, (NAME, {"RoleArn": "r" * 20, "InstanceType": "ml.t3.medium"}),
         "create_notebook_instance", {**INSTANCE, "RoleArn": "r" * 20, "InstanceType": "ml.t3.medium"}),
    Call(api.update_notebook_instance, (NAME, {"VolumeSizeInGB": 50}),
         "update_notebook_instance", {**INSTANCE, "VolumeSizeInGB": 50}),
    Call(api.start_notebook_instance, (NAME,), "start_notebook_instance", INSTANCE),
    Call(api.stop_notebook_instance, (NAME,), "stop_notebook_instance", INSTANCE),
    Call(api.delete_notebook_instance, (NAME,), "delete_notebook_instance", INSTANCE),
    Call(api.create_lifecycle_config, ("datalab", {"OnStart": []}),
         "create_notebook_instance_lifecycle_config", {**CONFIG, "OnStart": []}),
    Call(api.update_lifecycle_config, ("datalab", {"OnStart": []}),
         "update_notebook_instance_lifecycle_config", {**CONFIG, "OnStart": []}),
    Call(api.delete_lifecycle_config, ("datalab",), "delete_notebook_instance_lifecycle_config", CONFIG),
    Call(api.add_tags, (ARN, {"owner": "alice"}), "add_tags", {"ResourceArn": ARN, "Tags": TAGS}),
    Call(api.delete_tags, (ARN, ["a", "b"]), "delete_tags", {"ResourceArn": ARN, "TagKeys": ["a", "b"]}),
    Call(api.list_tags, (ARN,), "list_tags", {"ResourceArn": ARN}, {"Tags": TAGS}, {"owner": "alice"}),
    Call(api.find_tags, (ARN,), "list_tags", {"ResourceArn": ARN}, {"Tags": TAGS}, {"owner": "alice"}),
    Call(api.list_notebook_instances, (), "list_notebook_instances", {"MaxResults": 100},
         {"NotebookInstances": [summary()]}, [summary()]),
    Call(api.list_lifecycle_configs, (), "list_notebook_instance_lifecycle_configs", {"MaxResults": 100},
         {"NotebookInstanceLifecycleConfigs": []}, []),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.operation)
def test_calls(sagemaker: Script, call: Call) -> None:
    sagemaker.call(call.operation, call.params, call.response)
    assert call.function(sagemaker.client, *call.arguments) == call.result


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.operation)
def test_every_call_is_retried_and_told(sagemaker: Script, slept: list[float], call: Call) -> None:
    sagemaker.refuse(call.operation, call.params, "ThrottlingException", "Rate exceeded")
    sagemaker.refuse(call.operation, call.params, "AccessDeniedException", "not you")
    with pytest.raises(NotebookError, match=r"^Failed to [a-z ]+: .*AccessDeniedException.*not you"):
        call.function(sagemaker.client, *call.arguments)
    assert len(slept) == 1


def test_describe(sagemaker: Script) -> None:
    sagemaker.call("describe_notebook_instance", INSTANCE, answer())
    described = api.describe_notebook_instance(sagemaker.client, NAME)
    assert described is not None
    assert described["RoleArn"] == answer()["RoleArn"]


# Pages


def test_lists_all_pages_of_instances(sagemaker: Script) -> None:
    params = {"MaxResults": 100, "StatusEquals": "Failed"}
    first = {"NotebookInstances": [summary("a"), summary("b")], "NextToken": "more"}
    sagemaker.call("list_notebook_instances", params, first)
    sagemaker.call("list_notebook_instances", {**params, "NextToken": "more"}, {"NotebookInstances": [summary("c")]})
    found = api.list_notebook_instances(sagemaker.client, StatusEquals="Failed")
    assert [each["NotebookInstanceName"] for each in found] == ["a", "b", "c"]


def test_lists_all_pages_of_configurations(sagemaker: Script) -> None:
    operation, params = "list_notebook_instance_lifecycle_configs", {"MaxResults": 100, "NameContains": "data"}
    names = ["a", "b"]
    first, second = (
        {
            "NotebookInstanceLifecycleConfigs": [
                {
                    "NotebookInstanceLifecycleConfigName": name,
                    "NotebookInstanceLifecycleConfigArn": ARN,
                }
            ]
        }
        for name in names
    )
    sagemaker.call(operation, params, {**first, "NextToken": "more"})
    sagemaker.call(operation, {**params, "NextToken": "more"}, second)
    found = api.list_lifecycle_configs(sagemaker.client, NameContains="data")
    assert [each["NotebookInstanceLifecycleConfigName"] for each in found] == names


def test_lists_all_pages_of_tags(sagemaker: Script) -> None:
    sagemaker.call("list_tags", {"ResourceArn": ARN}, {"Tags": TAGS, "NextToken": "more"})
    second = {"Tags": [{"Key": "team", "Value": "research"}]}
    sagemaker.call("list_tags", {"ResourceArn": ARN, "NextToken": "more"}, second)
    assert api.list_tags(sagemaker.client, ARN) == {"owner": "alice", "team": "research"}


def test_gets_all_pages_of_the_tags_of_instances(tagging: Script) -> None:
    params = {"ResourceTypeFilters": ["sagemaker:notebook-instance"], "ResourcesPerPage": 100}
    pages = [{"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": TAGS}]} for arn in ("arn:a", "arn:b")]
    tagging.call("get_resources", params, {**pages[0], "PaginationToken": "more"})
    tagging.call("get_resources", {**params, "PaginationToken": "more"}, {**pages[1], "PaginationToken": ""})
    tags = api.get_notebook_instance_tags(tagging.client)
    assert tags == {"arn:a": {"owner": "alice"}, "arn:b": {"owner": "alice"}}


# Missing resources


@pytest.mark.parametrize("message", ["RecordNotFound", "Notebook Instance Lifecycle Config x does not exist"])
@pytest.mark.parametrize(
    ("function", "operation", "params", "expected"),
    [
        (api.describe_notebook_instance, "describe_notebook_instance", INSTANCE, None),
        (api.describe_lifecycle_config, "describe_notebook_instance_lifecycle_config", CONFIG, None),
        (api.delete_notebook_instance, "delete_notebook_instance", INSTANCE, False),
        (api.delete_lifecycle_config, "delete_notebook_instance_lifecycle_config", CONFIG, False),
    ],
)
class TestMissing:
    def test_missing(
        self, sagemaker: Script, function: Any, operation: str, params: dict[str, str], expected: Any, message: str
    ) -> None:
        sagemaker.refuse(operation, params, "ValidationException", message)
        assert function(sagemaker.client, *params.values()) is expected

    def test_the_message_alone_does_not_say_so(
        self, sagemaker: Script, function: Any, operation: str, params: dict[str, str], expected: Any, message: str
    ) -> None:
        sagemaker.refuse(operation, params, "AccessDeniedException", message)
        with pytest.raises(NotebookError):
            function(sagemaker.client, *params.values())


@pytest.mark.parametrize(
    "call", [call for call in CALLS if "instance" in call.operation], ids=lambda call: call.operation
)
def test_bad_input_is_not_taken_for_missing(sagemaker: Script, call: Call) -> None:
    sagemaker.refuse(call.operation, call.params, "ValidationException", "1 validation error detected")
    with pytest.raises(NotebookError, match="1 validation error detected"):
        call.function(sagemaker.client, *call.arguments)


def test_an_instance_to_change_has_to_be_there(sagemaker: Script) -> None:
    sagemaker.refuse("start_notebook_instance", INSTANCE, "ValidationException", "RecordNotFound")
    with pytest.raises(NotebookError, match=r"Failed to start the notebook instance: .*RecordNotFound"):
        api.start_notebook_instance(sagemaker.client, NAME)


# Retries


def test_retries_a_throttled_call(sagemaker: Script, slept: list[float]) -> None:
    for _attempt in range(7):
        sagemaker.refuse("describe_notebook_instance", INSTANCE, "ThrottlingException", "Rate exceeded")
    sagemaker.call("describe_notebook_instance", INSTANCE, answer())
    assert api.describe_notebook_instance(sagemaker.client, NAME) is not None
    assert len(slept) == 7
    assert all(seconds <= 30 for seconds in slept)


def test_gives_up_in_the_end(sagemaker: Script, slept: list[float]) -> None:
    for _attempt in range(8):
        sagemaker.refuse("describe_notebook_instance", INSTANCE, "ThrottlingException", "Rate exceeded")
    with pytest.raises(NotebookError, match=r"Failed to describe the notebook instance: .*Rate exceeded"):
        api.describe_notebook_instance(sagemaker.client, NAME)
    assert len(slept) == 7


def test_refusals_are_not_retried(sagemaker: Script, slept: list[float]) -> None:
    sagemaker.refuse("describe_notebook_instance", INSTANCE, "AccessDeniedException", "not you")
    with pytest.raises(NotebookError, match="not you"):
        api.describe_notebook_instance(sagemaker.client, NAME)
    assert slept == []


# Messages


def failing(error: Exception) -> Any:
    """A client whose calls fail before they reach AWS."""

    def describe_notebook_instance(**_params: Any) -> None:
        raise error

    return SimpleNamespace(describe_notebook_instance=describe_notebook_instance)


def answered(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeNotebookInstance")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (NoCredentialsError(), "Set AWS_PROFILE or the options access_key and secret_key"),
        (EndpointConnectionError(endpoint_url="http://localhost:5000"), "Check region, endpoint_url and the network"),
        (NoRegionError(), "Set the option region, which playbooks take from platform_aws, or AWS_REGION"),
        (ProfileNotFound(profile="x"), "See aws configure list-profiles"),
        (answered("ExpiredTokenException"), "The credentials have expired: log in again"),
        (answered("UnrecognizedClientException"), "AWS does not know the access key"),
        (answered("OptInRequired"), "The account does not use this service or region yet"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_remedies(error: Exception, remedy: str) -> None:
    with pytest.raises(NotebookError) as caught:
        api.describe_notebook_instance(failing(error), NAME)
    assert str(caught.value).startswith(f"Failed to describe the notebook instance: {str(error).rstrip('.')}. {remedy}")


def test_error_without_a_cause() -> None:
    assert str(NotebookError("datalab-alice is Failed")) == "datalab-alice is Failed"


def test_input_error_has_a_line_for_each_problem() -> None:
    assert str(InputError(["one", "two"])) == "one\ntwo"


class Failed(Exception):
    """The failure of a module, as an exception."""


class Module:
    """The part of a module that reporting_errors() uses."""

    def fail_json(self, **result: Any) -> None:
        raise Failed(result)


def test_failing_module_shows_the_answer_of_aws(sagemaker: Script) -> None:
    sagemaker.refuse("stop_notebook_instance", INSTANCE, "AccessDeniedException", "not you")
    with pytest.raises(Failed) as ended, reporting_errors(Module()):
        api.stop_notebook_instance(sagemaker.client, NAME)
    (result,) = ended.value.args
    assert result["msg"].startswith("Failed to stop the notebook instance: ")
    assert result["error"] == {"code": "AccessDeniedException", "message": "not you"}


def test_failing_module_without_an_answer() -> None:
    with pytest.raises(Failed) as ended, reporting_errors(Module()):
        raise InputError(["one", "two"])
    assert ended.value.args == ({"msg": "one\ntwo"},)


def test_a_mistake_of_ours_is_not_reported_as_an_error_of_aws() -> None:
    with pytest.raises(ZeroDivisionError), reporting_errors(Module()):
        raise ZeroDivisionError


# Parallel calls


def test_in_parallel_keeps_the_order() -> None:
    assert in_parallel(lambda number: number * 2, range(50)) == list(range(0, 100, 2))


def test_in_parallel_is_parallel() -> None:
    together = threading.Barrier(POOL_SIZE, timeout=5)  # all go on once this many wait
    assert len(in_parallel(lambda _item: together.wait(), range(POOL_SIZE))) == POOL_SIZE


def test_in_parallel_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        in_parallel(lambda number: 1 / number, [1, 0, 1])
