# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients with scripts of expected calls; a test fails at its end if one was not made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible_collections.amazon.aws.plugins.module_utils import cloud
from botocore.model import ServiceModel
from botocore.stub import Stubber

from ansible_collections.datalab.notebooks.plugins.module_utils.common import calls
from ansible_collections.datalab.notebooks.plugins.module_utils.common.session import load_service_model
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import NAME, answer, arn_of, as_list


class Script:
    """The expected calls of a client, in this order, with these parameters."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.stubber = Stubber(client)

    def call(self, operation: str, params: dict[str, Any], response: dict[str, Any] | None = None) -> None:
        """Expect this operation next, and answer with this response."""
        self.stubber.add_response(operation, response or {}, params)

    def refuse(self, operation: str, params: dict[str, Any], code: str, message: str) -> None:
        """Expect this operation next, and answer with an error."""
        self.stubber.add_client_error(operation, code, message, expected_params=params)

    def looks(self, *statuses: str | None, name: str = NAME) -> None:
        """Expect reads of an instance next, which return these states; None: it does not exist."""
        params = {"NotebookInstanceName": name}
        for status in statuses:
            if status is None:
                self.refuse("describe_notebook_instance", params, "ValidationException", "RecordNotFound")
            else:
                self.call("describe_notebook_instance", params, answer(name, status))

    def reads(self, name: str, tags: dict[str, str] | None = None, **more: Any) -> None:
        """Expect a full read of an instance next."""
        self.call("describe_notebook_instance", {"NotebookInstanceName": name}, answer(name, **more))
        self.call("list_tags", {"ResourceArn": arn_of(name)}, {"Tags": as_list(tags or {})})


@cache
def _client(service: str) -> Any:
    session: Any = boto3.session.Session("none", "none", region_name="eu-central-1")
    return session.client(service)


@pytest.fixture(scope="session")
def service_model() -> ServiceModel:
    return load_service_model()


def _scripted(service: str) -> Iterator[Script]:
    script = Script(_client(service))
    with script.stubber:
        yield script
    script.stubber.assert_no_pending_responses()


@pytest.fixture
def sagemaker() -> Iterator[Script]:
    """A script for SageMaker."""
    yield from _scripted("sagemaker")


@pytest.fixture
def tagging() -> Iterator[Script]:
    """A script for the Resource Groups Tagging API."""
    yield from _scripted("resourcegroupstaggingapi")


@pytest.fixture
def service_quotas() -> Iterator[Script]:
    """A script for Service Quotas."""
    yield from _scripted("service-quotas")


@pytest.fixture
def athena() -> Iterator[Script]:
    """A script for Athena."""
    yield from _scripted("athena")


@pytest.fixture
def iam() -> Iterator[Script]:
    """A script for IAM."""
    yield from _scripted("iam")


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a retry would have waited."""
    seconds: list[float] = []
    monkeypatch.setattr(cloud, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


@pytest.fixture
def efs() -> Iterator[Script]:
    """A script for EFS."""
    yield from _scripted("efs")


@pytest.fixture
def ec2() -> Iterator[Script]:
    """A script for EC2."""
    yield from _scripted("ec2")


@pytest.fixture
def s3() -> Iterator[Script]:
    """A script for S3."""
    yield from _scripted("s3")


@pytest.fixture
def logs() -> Iterator[Script]:
    """A script for CloudWatch Logs."""
    yield from _scripted("logs")


@pytest.fixture
def cloudtrail() -> Iterator[Script]:
    """A script for CloudTrail."""
    yield from _scripted("cloudtrail")


@pytest.fixture
def ce() -> Iterator[Script]:
    """A script for Cost Explorer."""
    yield from _scripted("ce")


@pytest.fixture
def pricing() -> Iterator[Script]:
    """A script for the price list."""
    yield from _scripted("pricing")


@pytest.fixture
def budgets() -> Iterator[Script]:
    """A script for Budgets."""
    yield from _scripted("budgets")


@pytest.fixture
def events() -> Iterator[Script]:
    """A script for EventBridge."""
    yield from _scripted("events")


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make calls for several instances in the instances' order."""
    monkeypatch.setattr(calls, "POOL_SIZE", 1)
