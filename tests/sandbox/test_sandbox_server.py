# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server: its operations, its counts, and its speed."""

from __future__ import annotations

import inspect
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.iam.models import iam_backends

from sandbox import Sandbox, running
from sandbox.services.sagemaker.backend import NotebookBackend
from sandbox.services.sagemaker.constraints import python_pattern
from sandbox.services.sagemaker.listing import page
from sandbox.services.sagemaker.responses import NotebookResponse, operation
from tests.tools.account import ROLE, TRUST, make_role

SAGEMAKER = get_service_model("sagemaker")
OPERATIONS = [name for name in SAGEMAKER.operation_names if "NotebookInstance" in name or "CodeRepositor" in name]


@pytest.fixture
def raw(sandbox):
    """Send an HTTP request; return the status and the body."""

    def send(method, path, **headers):
        connection = HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=10)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body

    return send


@pytest.mark.parametrize("operation", [*OPERATIONS, "AddTags", "ListTags", "DeleteTags"])
def test_every_operation_is_there(operation):
    method = getattr(NotebookResponse, camelcase_to_underscores(operation))
    assert inspect.isfunction(method)
    assert method.__module__ == NotebookResponse.__module__


def test_operations_run_one_at_a_time():
    inside, most = 0, 0

    class Slow(NotebookResponse):
        def __init__(self):
            super().__init__()
            self.params = {}

        def _get_action(self):
            return "ListNotebookInstances"

        @operation
        def list_notebook_instances(self):
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: Slow().list_notebook_instances(), range(6)))
    assert (most, inside) == (1, 0)


def test_the_operations_are_those_that_we_think_of():
    assert len(OPERATIONS) == 18


@pytest.mark.parametrize("operation", [*OPERATIONS, "AddTags", "ListTags", "DeleteTags"])
def test_every_pattern_is_understood(operation):
    def patterns(shape):
        yield from [shape.metadata["pattern"]] if "pattern" in shape.metadata else []
        members = [shape.member] if shape.type_name == "list" else getattr(shape, "members", {}).values()
        for member in members:
            yield from patterns(member)

    for pattern in patterns(SAGEMAKER.operation_model(operation).input_shape):
        assert "\\p" not in python_pattern(pattern).pattern


def test_an_operation_that_moto_lacks_is_a_clean_error(sagemaker):
    with pytest.raises(ClientError) as caught:
        sagemaker.create_workforce(WorkforceName="x")
    error = caught.value.response
    assert error["Error"]["Code"] == "UnknownOperationException"
    assert "CreateWorkforce" in error["Error"]["Message"]
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert not hasattr(BaseResponse, "create_workforce")


def test_an_operation_that_nobody_knows_is_a_clean_error(raw):
    signed = "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/sagemaker/aws4_request, SignedHeaders=x, Signature=y"
    for target in ("SageMaker.MakeCoffee", "SageMaker.SetupClass", "SageMaker."):
        status, body = raw("POST", "/", X_Amz_Target=target, Authorization=signed)
        assert (status, json.loads(body)["__type"]) == (400, "UnknownOperationException")


# Errors by protocol: JSON (the first two), REST with JSON, query, EC2's, REST with XML.
ELSEWHERE = {
    "sagemaker.list_notebook_instances": (400, "InvalidSignatureException"),
    "resourcegroupstaggingapi.get_resources": (400, "InvalidSignatureException"),
    "efs.describe_file_systems": (403, "InvalidSignatureException"),
    "iam.list_roles": (403, "SignatureDoesNotMatch"),
    "ec2.describe_vpcs": (401, "AuthFailure"),
    "s3.list_buckets": (400, "AuthorizationHeaderMalformed"),
}


@pytest.mark.parametrize("region", ["mars", "eu-central-9"])
@pytest.mark.parametrize("call", ELSEWHERE)
def test_a_region_that_there_is_not(sandbox, client_for, call, region):
    service, _, operation = call.partition(".")
    with pytest.raises(ClientError) as caught:
        getattr(client_for(service, sandbox.endpoint, region), operation)()
    error = caught.value.response
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == ELSEWHERE[call]
    said = f"the region '{region}' is wrong;" if service == "s3" else f"scoped to a valid region, not '{region}'."
    assert said in error["Error"]["Message"]


@pytest.mark.parametrize("call", ELSEWHERE)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a_region_that_there_is(sandbox, client_for, call, region):
    service, _, operation = call.partition(".")
    getattr(client_for(service, sandbox.endpoint, region), operation)()


def test_calls_are_counted_by_operation(sandbox, sagemaker, tagging, client_for, raw):
    for _ in range(3):
        sagemaker.list_notebook_instances()
    with pytest.raises(ClientError):
        sagemaker.describe_notebook_instance(NotebookInstanceName="nobody")
    tagging.get_resources()
    client_for("iam", sandbox.endpoint).list_roles()
    client_for("s3", sandbox.endpoint).list_buckets()
    file_system = client_for("efs", sandbox.endpoint).create_file_system(CreationToken="x")
    client_for("efs", sandbox.endpoint).describe_lifecycle_configuration(FileSystemId=file_system["FileSystemId"])
    raw("GET", "/moto-api/data.json")
    expected = {
        "efs:CreateFileSystem": 1,
        "efs:DescribeLifecycleConfiguration": 1,
        "sagemaker:ListNotebookInstances": 3,
        "sagemaker:DescribeNotebookInstance": 1,
        "resourcegroupstaggingapi:GetResources": 1,
        "iam:ListRoles": 1,
        "s3:ListBuckets": 1,
    }
    assert sandbox.calls() == expected
    status, body = raw("GET", "/sandbox/calls")
    assert (status, json.loads(body)) == (200, expected)
    assert raw("DELETE", "/sandbox/calls")[0] == 200
    assert sandbox.calls() == {}


def test_operations_of_s3_are_told_by_what_they_ask_for(sandbox, client_for):
    s3 = client_for("s3", sandbox.endpoint)
    s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="results", VersioningConfiguration={"Status": "Enabled"})
    s3.head_bucket(Bucket="results")
    s3.list_objects_v2(Bucket="results")
    s3.put_object(Bucket="results", Key="a/b", Body=b"content")
    s3.copy_object(Bucket="results", Key="a/c", CopySource="results/a/b")
    s3.delete_objects(Bucket="results", Delete={"Objects": [{"Key": "a/b"}]})
    called = ["CopyObject", "CreateBucket", "DeleteObjects", "HeadBucket", "ListObjectsV2", "PutBucketVersioning"]
    called += ["PutObject"]
    assert sandbox.calls() == {f"s3:{name}": 1 for name in called}


def test_calls_of_ansible_are_recorded(sandbox, client_for, raw):
    before = sandbox.by_ansible()
    client_for("sns", sandbox.endpoint).list_topics()
    assert sandbox.by_ansible() == before
    signed = "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/sagemaker/aws4_request, SignedHeaders=x, Signature=y"
    target = {"X_Amz_Target": "SageMaker.ListNotebookInstances", "Authorization": signed}
    raw("POST", "/", **target, User_Agent="APN/1.0 Ansible/2.19.0 amazon.aws/11.0.0")
    sandbox.reset_calls()
    sandbox.reset()
    assert set(sandbox.by_ansible()) - set(before) == {"sagemaker:ListNotebookInstances"}


def test_the_sandbox_has_no_other_paths(raw):
    assert raw("GET", "/sandbox/other")[0] == 404
    assert raw("POST", "/sandbox/calls")[0] == 404


def test_a_bucket_may_be_named_sandbox(sandbox, client_for):
    s3 = client_for("s3", sandbox.endpoint)
    s3.create_bucket(Bucket="sandbox", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="sandbox", Key="calls", Body=b"content")
    assert s3.get_object(Bucket="sandbox", Key="calls")["Body"].read() == b"content"


def test_reset_empties_the_account_and_keeps_transitions(sandbox, create, sagemaker, describe, client_of):
    sandbox.set_transition_seconds(60)
    create()
    assert sandbox.status()["instances"] == {"Pending": 1}
    sagemaker.create_code_repository(CodeRepositoryName="x", GitConfig={"RepositoryUrl": "https://git.example.org/x"})
    sandbox.reset()
    assert sandbox.status()["instances"] == {}
    assert sagemaker.list_code_repositories()["CodeRepositorySummaryList"] == []
    make_role(client_of("iam"), ROLE)
    create()
    assert describe()["NotebookInstanceStatus"] == "Pending"


def test_a_copy_begins_with_all_that_there_is_and_goes_its_own_way(sandbox, client_for, create):
    create()
    (vpc,) = client_for("ec2", sandbox.endpoint).describe_vpcs()["Vpcs"]
    with sandbox.copy() as copy:
        pid = copy.status()["pid"]
        theirs = client_for("sagemaker", copy.endpoint)
        assert copy.calls() == sandbox.calls()
        assert client_for("ec2", copy.endpoint).describe_vpcs()["Vpcs"] == [vpc]
        (instance,) = theirs.list_notebook_instances()["NotebookInstances"]
        theirs.stop_notebook_instance(NotebookInstanceName=instance["NotebookInstanceName"])
        assert copy.status()["instances"] == {"Stopped": 1}
        assert sandbox.status()["instances"] == {"InService": 1}
        with copy.copy() as another:
            assert another.status()["instances"] == {"Stopped": 1}
    await_end(pid)


def test_a_copy_ends_with_the_process_that_started_the_sandbox():
    with running() as sandbox:
        copy = Sandbox(sandbox._request("POST", "/sandbox/copy")["endpoint"])
        pid = copy.status()["pid"]
    await_end(pid)


def await_end(pid):
    """Wait until a process is gone, or is a zombie that its parent has not reaped."""
    deadline = time.monotonic() + 30
    with suppress(FileNotFoundError):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < deadline, f"process {pid} has not ended"
            time.sleep(0.05)


def test_pages_of_a_thousand_instances_take_little_time():
    backend = NotebookBackend("eu-central-1", "123456789012")
    tags = [{"Key": f"k{n}", "Value": "v"} for n in range(8)]
    trust = json.dumps({"Statement": TRUST})
    role = iam_backends["123456789012"]["aws"].create_role("x", trust, "/", None, "", [], None)
    for n in range(1000):
        backend.create_notebook_instance(f"n{n:04}", "ml.t3.medium", role.arn, tags=tags)

    def seconds(function):
        times = []
        for _ in range(5):
            begin = time.process_time()
            function()
            times.append(time.process_time() - begin)
        return min(times)

    def one_page_of_instances():
        instances, token = backend.list_notebook_instances({"MaxResults": 100, "SortBy": "Status"})
        assert token
        assert len([instance.summary() for instance in instances]) == 100

    def one_page_of_resources():
        found, token = page(backend.iter_tagged_resources(), lambda r: (r.arn,), 100, None, {})
        assert (len(found), bool(token)) == (100, True)

    assert seconds(one_page_of_instances) < 0.05
    assert seconds(one_page_of_resources) < 0.05
