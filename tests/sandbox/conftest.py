# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One real server for all tests, emptied before each; boto3 clients; a function that waits for a condition."""

from __future__ import annotations

import sys
import time
from functools import cache
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sandbox import running  # noqa: E402 - found by the line above
from tests.tools.account import ROLE, make_role  # noqa: E402 - found by it too


@pytest.fixture(scope="session")
def server():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        with running() as sandbox:
            yield sandbox


@pytest.fixture
def sandbox(server):
    """Return the server, emptied, with transitions that take no time."""
    server.reset()
    server.set_transition_seconds(0)
    server.reset_calls()
    return server


@pytest.fixture(scope="session")
def client_for():
    """Make a client of a service that sends any request, valid or not, and repeats none."""

    @cache
    def make(service, endpoint, region="eu-central-1"):
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}, max_pool_connections=20),
        )

    return make


@pytest.fixture
def client_of(sandbox, client_for):
    """Make a client of a service of the sandbox."""
    return lambda service: client_for(service, sandbox.endpoint)


@pytest.fixture
def sagemaker(client_of):
    return client_of("sagemaker")


@pytest.fixture
def tagging(client_of):
    return client_of("resourcegroupstaggingapi")


@pytest.fixture
def role(sandbox, client_of):
    """Create an execution role; return its ARN."""
    make_role(client_of("iam"), ROLE)
    sandbox.reset_calls()
    return ROLE


@pytest.fixture
def create(sagemaker, role):
    """Create an instance; the required settings have defaults."""

    def make(name="alice", **fields):
        fields = {"InstanceType": "ml.t3.medium", "RoleArn": role} | fields
        return sagemaker.create_notebook_instance(NotebookInstanceName=name, **fields)["NotebookInstanceArn"]

    return make


@pytest.fixture
def create_stopped(create, sagemaker):
    """Create an instance and stop it."""

    def make(name="alice", **fields):
        arn = create(name, **fields)
        sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        return arn

    return make


@pytest.fixture
def describe(sagemaker):
    return lambda name="alice": sagemaker.describe_notebook_instance(NotebookInstanceName=name)


@pytest.fixture
def refused():
    """Make a call that must be refused; return the error's code and message."""

    def call(function, **params):
        with pytest.raises(ClientError) as caught:
            function(**params)
        error = caught.value.response
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
        return error["Error"]["Code"], error["Error"]["Message"]

    return call


@pytest.fixture
def eventually():
    """Wait until a function returns a true value, and return that value."""

    def wait(function, seconds=10):
        deadline = time.monotonic() + seconds
        while not (found := function()):
            assert time.monotonic() < deadline, "It did not happen in time."
            time.sleep(0.01)
        return found

    return wait
