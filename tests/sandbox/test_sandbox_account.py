# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server loads the account that the previous one saved. Each server is a process; the clients are boto3's."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import account, server
from tests.tools.account import ROLE, make_role

SERVE = """
import sys
from pathlib import Path
from sandbox import account, server
made = server.make(0, 0, True)
account.take_up(Path(sys.argv[1]), server.extend)
server.serve(made, True, f"http://127.0.0.1:{made.port}")
account.keep(Path(sys.argv[1]))
"""
ACCOUNT = "123456789012"
BUCKET = {"Bucket": "acme-data"}
HERE = {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
RULE = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049}
SCRIPTS = {"OnStart": [{"Content": "ZWNobyBzdGFydGVk"}]}
TAGS = [{"Key": "owner", "Value": "alice"}]
BUDGET = {"BudgetName": "datalab", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
LIMIT = {"BudgetLimit": {"Amount": "10", "Unit": "USD"}}


@pytest.fixture
def file(tmp_path):
    """Return the file in which servers keep the account."""
    return tmp_path / "state" / "account"


@pytest.fixture
def serving(file, client_for):
    """Run a server with the kept account during a block, which gets a function that returns clients."""
    file.parent.mkdir(mode=0o700)

    @contextmanager
    def serve():
        command = [sys.executable, "-c", SERVE, str(file)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdin=pipe, stdout=pipe, text=True)
        assert process.stdout
        endpoint = process.stdout.readline().strip()
        yield lambda service: client_for(service, endpoint)
        process.communicate(timeout=60)
        assert process.returncode == 0

    return serve


def furnish(of):
    """Create a resource of each kind that a platform has."""
    network(of)
    make_role(of("iam"), ROLE)
    arn = of("iam").create_policy(PolicyName="data", PolicyDocument=POLICY)["Policy"]["Arn"]
    of("iam").attach_role_policy(RoleName="notebooks", PolicyArn=arn)
    of("s3").create_bucket(**BUCKET, **HERE)
    of("s3").put_object(**BUCKET, Key="research/a.csv", Body=b"1,2")
    of("athena").create_work_group(Name="research", Configuration={"ResultConfiguration": {}}, Tags=TAGS)
    of("logs").create_log_group(logGroupName="/datalab", tags={"owner": "alice"})
    pattern = json.dumps({"source": ["aws.sagemaker"]})
    of("events").put_rule(Name="datalab", EventPattern=pattern)
    of("budgets").create_budget(AccountId=ACCOUNT, Budget={**BUDGET, **LIMIT})
    of("kms").create_key(Tags=[{"TagKey": "owner", "TagValue": "alice"}])
    asked = {"ServiceCode": "sagemaker", "QuotaCode": quota(of)["QuotaCode"], "DesiredValue": 1}
    of("service-quotas").request_service_quota_increase(**asked)


def network(of):
    """Create a VPC with a subnet, two security groups and an endpoint, and a file system in it."""
    ec2, efs = of("ec2"), of("efs")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    first, second = (
        ec2.create_security_group(VpcId=vpc, GroupName=name, Description=name)["GroupId"] for name in ("fs", "people")
    )
    pairs = {"UserIdGroupPairs": [{"GroupId": second}]}
    ec2.authorize_security_group_ingress(GroupId=first, IpPermissions=[{**RULE, **pairs}])
    service = "com.amazonaws.eu-central-1.athena"
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=service, VpcEndpointType="Interface", SubnetIds=[subnet], SecurityGroupIds=[second]
    )
    system = efs.create_file_system(CreationToken="datalab", Tags=TAGS)["FileSystemId"]
    efs.create_mount_target(FileSystemId=system, SubnetId=subnet, SecurityGroups=[first])
    efs.create_access_point(ClientToken="research", FileSystemId=system)
    efs.put_backup_policy(FileSystemId=system, BackupPolicy={"Status": "ENABLED"})


def quota(of):
    return of("service-quotas").list_service_quotas(ServiceCode="sagemaker")["Quotas"][0]


def make_instances(of):
    """Create Alice's instance, which runs, and Bob's, which is stopped."""
    sagemaker = of("sagemaker")
    name = {"NotebookInstanceLifecycleConfigName": "datalab"}
    sagemaker.create_notebook_instance_lifecycle_config(**name, **SCRIPTS)
    for person in ("alice", "bob"):
        sagemaker.create_notebook_instance(
            NotebookInstanceName=person,
            InstanceType="ml.t3.medium",
            RoleArn=ROLE,
            LifecycleConfigName="datalab",
            SubnetId=of("ec2").describe_subnets()["Subnets"][-1]["SubnetId"],
            Tags=TAGS,
        )
    sagemaker.stop_notebook_instance(NotebookInstanceName="bob")


def seen(of):
    """Return what clients read of all these resources, except the instances."""
    ec2, efs, iam, s3 = of("ec2"), of("efs"), of("iam"), of("s3")
    (system,) = efs.describe_file_systems()["FileSystems"]
    del system["SizeInBytes"]  # it is measured at each call
    of_system = {"FileSystemId": system["FileSystemId"]}
    answers = [
        ec2.describe_vpcs(),
        ec2.describe_subnets(),
        ec2.describe_security_groups(),
        ec2.describe_network_interfaces(),
        ec2.describe_vpc_endpoints(),
        system,
        efs.describe_mount_targets(**of_system),
        efs.describe_access_points(**of_system),
        efs.describe_backup_policy(**of_system),
        iam.get_account_authorization_details(),
        s3.list_objects_v2(**BUCKET),
        s3.get_object(**BUCKET, Key="research/a.csv")["Body"].read(),
        of("athena").get_work_group(WorkGroup="research"),
        of("logs").describe_log_groups(),
        of("events").describe_rule(Name="datalab"),
        of("budgets").describe_budgets(AccountId=ACCOUNT),
        of("kms").list_keys(),
        of("sagemaker").describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="datalab"),
        quota(of),
    ]
    for answer in answers:
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
    return answers


def described(of, person):
    answer = of("sagemaker").describe_notebook_instance(NotebookInstanceName=person)
    del answer["ResponseMetadata"]
    return answer


def test_the_next_server_goes_on(serving, file):
    with serving() as of:
        furnish(of)
        make_instances(of)
        before, alice, bob = seen(of), described(of, "alice"), described(of, "bob")
    assert (alice["NotebookInstanceStatus"], bob["NotebookInstanceStatus"]) == ("InService", "Stopped")
    with serving() as of:
        assert not file.exists()  # otherwise a server after a killed one would load an outdated account
        assert seen(of) == before
        assert described(of, "bob") == bob
        ended = {name: described(of, "alice")[name] for name in ("NotebookInstanceStatus", "LastModifiedTime")}
        assert described(of, "alice") == alice | ended
        assert ended["NotebookInstanceStatus"] == "Stopped"
        of("sagemaker").start_notebook_instance(NotebookInstanceName="alice")
        assert described(of, "alice")["NotebookInstanceStatus"] == "InService"
        group = of("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": ["people"]}])
        with pytest.raises(of("ec2").exceptions.ClientError, match="DependencyViolation"):  # the sandbox's own rule
            of("ec2").delete_security_group(GroupId=group["SecurityGroups"][0]["GroupId"])
        with pytest.raises(of("s3").exceptions.ClientError, match="BucketAlreadyOwnedByYou"):
            of("s3").create_bucket(**BUCKET, **HERE)
        events = [each["EventName"] for each in of("cloudtrail").lookup_events()["Events"]]
    assert sorted(events) == ["CreateNotebookInstance"] * 2 + ["StartNotebookInstance"] + ["StopNotebookInstance"] * 2
    assert file.exists()


class Trap:
    """An object that touches a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.mark.parametrize(
    ("written", "mode", "why"),
    [
        pytest.param(lambda writer, trap: b"0\n" + trap, 0o600, "another version of the sandbox", id="other code"),
        pytest.param(lambda writer, trap: trap, 0o600, "another version of the sandbox", id="no version"),
        pytest.param(lambda writer, trap: writer + trap, 0o640, "is open to users other than its owner", id="rights"),
        pytest.param(lambda writer, trap: writer + trap[:5], 0o600, "", id="cut off"),
        pytest.param(lambda writer, trap: writer, 0o600, "Ran out of input", id="empty"),
    ],
)
def test_a_file_that_is_not_read(file, capsys, written, mode, why):
    file.parent.mkdir(mode=0o700)
    sprung = file.with_name("sprung")
    file.write_bytes(written(account.WRITER, pickle.dumps(Trap(sprung))))
    file.chmod(mode)
    account.take_up(file, server.extend)
    told = capsys.readouterr().err
    assert told.startswith("account: The account of the last run is not loaded, and this one is empty: ")
    assert why in told
    assert not sprung.exists()
    assert not file.exists()


def test_a_directory_that_others_may_write_to(file, capsys):
    file.parent.mkdir(mode=0o700)
    file.parent.chmod(0o770)
    file.write_bytes(account.WRITER)
    file.chmod(0o600)
    account.take_up(file, server.extend)
    assert f"{file} is open to users other than its owner" in capsys.readouterr().err


def test_without_a_file_nothing_is_said(file, capsys):
    account.take_up(file, server.extend)
    assert capsys.readouterr().err == ""
