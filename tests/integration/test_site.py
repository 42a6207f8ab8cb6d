# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbooks as a user runs them: the demo's inventory, the sandbox, and the AWS CLI as an independent witness."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import readable
from sandbox import Sandbox

from .conftest import ROOT, PlaybookRunner, Played, changing, client, furnish
from .tagged import tagged

DEMO = ROOT / "inventory" / "demo"
AWS = Path(sys.executable).with_name("aws")
OWNERS = {"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"}
OURS = {"team": "research", "platform": "datalab"}
FLEET = Path(__file__).with_name("fleet.yml")
# For eight people in three teams, and the viewer.
CALLS_OF_A_CONVERGED_SITE = 71
CALLS_OF_A_CONVERGED_FLEET = 15

Run = Callable[..., Played]


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """Provide an empty sandbox."""
    module_sandbox.reset()
    module_sandbox.reset_calls()
    return module_sandbox


@pytest.fixture
def run(playbook: PlaybookRunner, sandbox: Sandbox) -> Run:
    """Provide a function that runs a playbook of the collection, or a given one, with the demo's inventory."""
    subnet = furnish(sandbox, "given")

    def run(name: str | Path, *arguments: str | Path, inventory: Path = DEMO, check: bool = True) -> Played:
        path = name if isinstance(name, Path) else f"datalab.notebooks.{name}"
        given = ["-e", f"sandbox_endpoint={sandbox.endpoint}", "-e", f"given_subnet_id={subnet}"]
        return playbook(path, "-i", inventory, *given, *arguments, check=check)

    return run


def aws(sandbox: Sandbox, *arguments: str) -> Any:
    """Run the AWS CLI and return its answer."""
    command = [sys.executable, str(AWS), "--output", "json", *arguments]
    environment = {**os.environ, **sandbox.environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def instances(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Return all instances by name, as DescribeNotebookInstance has them."""
    sagemaker = client(sandbox)
    names = [summary["NotebookInstanceName"] for summary in sagemaker.list_notebook_instances()["NotebookInstances"]]
    described = {name: sagemaker.describe_notebook_instance(NotebookInstanceName=name) for name in names}
    return {name: {**answer, "ResponseMetadata": None} for name, answer in described.items()}


def tags(sandbox: Sandbox, arn: str) -> dict[str, str]:
    listed = client(sandbox).list_tags(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in listed if not tag["Key"].startswith("datalab:")}


def inventory_with(directory: Path, host_vars: dict[str, str]) -> Path:
    """Return a copy of the demo's inventory in which these people have other variables."""
    copy = directory / "inventory"
    shutil.copytree(DEMO, copy, dirs_exist_ok=True)
    for person, text in host_vars.items():
        (copy / "host_vars" / f"{person}.yml").write_text(f"---\n{text}\n", encoding="utf-8")
    return copy


@contextmanager
def variables_of(inventory: Path) -> Iterator[dict[str, Any]]:
    """Yield the variables of everybody in an inventory, and write them back with the changes of a test."""
    file = inventory / "group_vars" / "all.yml"
    variables = yaml.safe_load(file.read_text(encoding="utf-8"))
    yield variables
    file.write_text(yaml.safe_dump(variables), encoding="utf-8")


def unchanged(played: Played) -> bool:
    return all(host["changed"] == 0 for host in played.recap.values())


def test_the_platform_from_its_first_day_to_its_last(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run("site")
    expect_the_demo(sandbox)
    expect_the_platforms_tag(sandbox)
    seen = instances(sandbox)

    other = inventory_with(tmp_path, {"grace": "notebook_instance_type: ml.m5.xlarge"})
    sandbox.reset_calls()
    expect_status(run("status", inventory=other).stdout)
    assert not changing(sandbox)

    sandbox.reset_calls()
    expect_few_calls(run("site"), sandbox, CALLS_OF_A_CONVERGED_SITE)
    sandbox.reset_calls()
    expect_few_calls(run("fleet"), sandbox, CALLS_OF_A_CONVERGED_FLEET)
    grow(other)
    run("site", inventory=other)
    expect_growth(sandbox, seen)
    expect_the_role_before_the_instance(run, sandbox, other)

    expect_removal(run, sandbox, other)


def expect_removal(run: Run, sandbox: Sandbox, other: Path) -> None:
    sandbox.reset_calls()
    refused = run("destroy", inventory=other, check=False)
    assert "Nothing was removed. -e platform_destroy=instances removes" in refused.stdout + refused.stderr
    assert "Leave out -l" in run("destroy", "-e", "platform_destroy=data", "-l", "alice", check=False).stdout
    assert sandbox.calls() == {}
    instances_go = ["-e", "platform_destroy=instances"]
    name = "experiment"
    config = {"NotebookInstanceName": name, "LifecycleConfigName": "datalab-carol"}
    sagemaker = client(sandbox)
    role = "arn:aws:iam::123456789012:role/given"
    sagemaker.create_notebook_instance(**config, InstanceType="ml.t3.medium", RoleArn=role)
    everything = left(sandbox)
    stopped = run("destroy", *instances_go, inventory=other, check=False)
    assert (
        "lifecycle configuration datalab-carol is used by experiment; keep it with -e platform_destroy_keep_used=true"
        in stopped.stdout
    )
    kept = run("destroy", *instances_go, "-e", "platform_destroy_keep_used=true", "--check", inventory=other)
    assert "will remove" in kept.stdout
    assert left(sandbox) == everything
    sagemaker.get_waiter("notebook_instance_in_service").wait(NotebookInstanceName=name, WaiterConfig={"Delay": 0.2})
    sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    sagemaker.get_waiter("notebook_instance_stopped").wait(NotebookInstanceName=name, WaiterConfig={"Delay": 0.2})
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    run("destroy", *instances_go, inventory=other)
    assert left(sandbox) == {"file systems": 1, "buckets": 2}
    assert unchanged(run("destroy", "-e", "platform_destroy=instances", inventory=other))
    run("destroy", "-e", "platform_destroy=data", inventory=other)
    assert left(sandbox) == {}


def expect_few_calls(converged: Played, sandbox: Sandbox, most: int) -> None:
    """Check that a converged run changes nothing and makes few calls: one module reads, none compares or converges."""
    assert unchanged(converged)
    assert not changing(sandbox)
    assert sum(sandbox.calls().values()) <= most, sandbox.calls()


def expect_the_demo(sandbox: Sandbox) -> None:
    listed = aws(sandbox, "sagemaker", "list-notebook-instances")["NotebookInstances"]
    assert {summary["NotebookInstanceName"] for summary in listed} == {
        f"datalab-{person}" for person in OWNERS | {"viewer"}
    }
    assert {summary["NotebookInstanceStatus"] for summary in listed} == {"InService"}
    configs = {each["NotebookInstanceName"]: each["NotebookInstanceLifecycleConfigName"] for each in listed}
    assert configs["datalab-alice"] == "datalab"
    assert configs["datalab-carol"] == "datalab-carol"
    assert configs["datalab-erin"] == configs["datalab-frank"] == "datalab-fraud"
    assert configs["datalab-viewer"] == "datalab-viewer"
    seen = instances(sandbox)
    alice, bob = (seen[f"datalab-{person}"] for person in ("alice", "bob"))
    said = yaml.safe_load((DEMO / "host_vars" / "alice.yml").read_text(encoding="utf-8"))
    assert alice["InstanceType"] == said["notebook_instance_type"]
    assert alice["VolumeSizeInGB"] == said["notebook_volume_size_in_gb"]
    assert tags(sandbox, alice["NotebookInstanceArn"]) == {**OURS, "owner": "alice"}
    assert tags(sandbox, bob["NotebookInstanceArn"]) == {**OURS, "owner": "bob", "idle": "7200"}
    assert {each["RootAccess"] for each in seen.values()} == {"Disabled"}
    roles = {name: each["RoleArn"].rpartition("/")[2] for name, each in seen.items()}
    assert roles["datalab-alice"] == roles["datalab-dave"] == "datalab-research"
    assert roles["datalab-erin"] == roles["datalab-grace"] == "datalab-fraud"
    assert roles["datalab-heidi"] == "datalab-interns"
    assert roles["datalab-viewer"] == "datalab-viewer"
    expect_their_place(sandbox, seen)


def expect_the_platforms_tag(sandbox: Sandbox) -> None:
    """Check that all resources have the tag that costs are counted by, and that the viewer belongs to the platform."""
    things = dict(tagged(sandbox))
    others = {"given", "workgroup primary"}
    assert {name for name, tags in things.items() if tags.get("platform") != "datalab"} == others
    kinds = (
        "vpc-",
        "subnet-",
        "sg-",
        "rtb-",
        "vpce-",
        "fs-",
        "datalab-results-",
        "datalab-tools-",
        "workgroup datalab",
        "/aws/events/datalab",
        "rule datalab-instances",
    )
    assert [kind for kind in kinds if not any(name.startswith(kind) for name in things)] == []
    assert things["datalab-viewer"]["team"] == "platform"


def expect_their_place(sandbox: Sandbox, seen: dict[str, dict[str, Any]]) -> None:
    """Check that all instances are in a private subnet, and in the group that reaches the file system from there."""
    (subnet,) = {each["SubnetId"] for each in seen.values()}
    (group,) = {group for each in seen.values() for group in each["SecurityGroups"]}
    assert {each["DirectInternetAccess"] for each in seen.values()} == {"Disabled"}
    efs = client(sandbox, "efs")
    (system,) = efs.describe_file_systems()["FileSystems"]
    targets = efs.describe_mount_targets(FileSystemId=system["FileSystemId"])["MountTargets"]
    assert subnet in {target["SubnetId"] for target in targets}
    (storage,) = efs.describe_mount_target_security_groups(MountTargetId=targets[0]["MountTargetId"])["SecurityGroups"]
    ec2 = client(sandbox, "ec2")
    (rule,) = ec2.describe_security_groups(GroupIds=[storage])["SecurityGroups"][0]["IpPermissions"]
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [group]
    workgroup = client(sandbox, "athena").get_work_group(WorkGroup="datalab-interns")["WorkGroup"]["Configuration"]
    assert workgroup["BytesScannedCutoffPerQuery"] == 10 * 2**30


def expect_status(shown: str) -> None:
    rows = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert rows["grace"].endswith(
        "instance_type ml.t3.medium → ml.m5.xlarge at the next stop: no price; platform_costs_prices takes one"
    )
    assert rows["bob"].split() == ["bob", "research", "ml.t3.medium", "InService", "7200", "s", "(tag)", "datalab"]
    assert "14400 s" in rows["erin"]
    assert "never" in rows["viewer"]


def grow(inventory: Path) -> None:
    """Add a subnet in a third zone, a team with a person, and a folder for another team."""
    cidrs = {"a": "10.42.0.0/22", "b": "10.42.4.0/22", "c": "10.42.8.0/22"}
    with variables_of(inventory) as variables:
        variables["platform_network_subnets"] = [{"cidr": cidr, "zone": zone} for zone, cidr in cidrs.items()]
        variables["platform_access_teams"]["fraud"]["prefixes"].append("s3://acme-data/cards")
        variables["platform_access_teams"]["risk"] = {"prefixes": ["s3://acme-data/risk"], "databases": []}
    (inventory / "risk.yml").write_text("owners: {children: {risk: {hosts: {ivan: {notebook_team: risk}}}}}\n")


def expect_growth(sandbox: Sandbox, before: dict[str, dict[str, Any]]) -> None:
    seen = instances(sandbox)
    assert seen["datalab-ivan"]["RoleArn"].endswith("/datalab-risk")
    assert {name: seen[name] for name in before} == before, "grace's change waits for a stop"
    targets = client(sandbox, "efs").describe_mount_targets
    (system,) = client(sandbox, "efs").describe_file_systems()["FileSystems"]
    assert len(targets(FileSystemId=system["FileSystemId"])["MountTargets"]) == 3
    iam = client(sandbox, "iam")
    policies = {each["PolicyName"]: each for each in iam.list_policies(Scope="Local")["Policies"]}
    fraud = policies["datalab-fraud"]
    version = iam.get_policy_version(PolicyArn=fraud["Arn"], VersionId=fraud["DefaultVersionId"])["PolicyVersion"]
    assert "acme-data/cards/*" in json.dumps(version["Document"])
    assert policies["datalab-research"]["DefaultVersionId"] == "v1", "nothing of theirs has changed"


def expect_the_role_before_the_instance(run: Run, sandbox: Sandbox, inventory: Path) -> None:
    """Check that a run of fleet creates the role of a new team before the instance of its first person."""
    with variables_of(inventory) as variables:
        variables["platform_access_teams"]["ops"] = {}
    (inventory / "ops.yml").write_text("owners: {children: {ops: {hosts: {judy: {}}}}}\n")
    run("fleet", inventory=inventory)
    judy = instances(sandbox)["datalab-judy"]
    role = client(sandbox, "iam").get_role(RoleName="datalab-ops")["Role"]
    assert (judy["RoleArn"], role["CreateDate"] <= judy["CreationTime"]) == (role["Arn"], True)


def left(sandbox: Sandbox) -> dict[str, int]:
    """Return the number of resources of each kind in the account."""
    ec2, iam, athena = (client(sandbox, service) for service in ("ec2", "iam", "athena"))
    counts = {
        "instances": len(instances(sandbox)),
        "lifecycle configurations": len(
            client(sandbox).list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"]
        ),
        "file systems": len(client(sandbox, "efs").describe_file_systems()["FileSystems"]),
        "buckets": len(client(sandbox, "s3").list_buckets()["Buckets"]),
        "networks": len([vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]),
        "endpoints": len([each for each in ec2.describe_vpc_endpoints()["VpcEndpoints"] if each["State"] != "deleted"]),
        "roles": len([role for role in iam.list_roles()["Roles"] if role["RoleName"] != "given"]),
        "groups": len(iam.list_groups()["Groups"]),
        "policies": len(iam.list_policies(Scope="Local")["Policies"]),
        "workgroups": len([each for each in athena.list_work_groups()["WorkGroups"] if each["Name"] != "primary"]),
    }
    return {what: count for what, count in counts.items() if count}


def test_people_can_be_kept_apart(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    apart = inventory_with(tmp_path, {})
    with variables_of(apart) as variables:
        variables["platform_storage_isolation"] = "access_point"
        variables["platform_access_teams"]["research"]["role_per_person"] = True
    run("site", "-l", "alice", inventory=apart)
    ((name, alice),) = instances(sandbox).items()
    assert alice["RoleArn"].endswith("/datalab-research-alice")
    assert alice["NotebookInstanceLifecycleConfigName"] == name == "datalab-alice"
    config = client(sandbox).describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
    points = {point["Name"]: point for point in client(sandbox, "efs").describe_access_points()["AccessPoints"]}
    assert set(points) == OWNERS
    own = points["alice"]["AccessPointId"]
    assert f",tls,accesspoint={own}\n".encode() in base64.b64decode(config["OnStart"][0]["Content"])


def test_scripts_that_are_uploaded_are_those_of_the_role(
    run: Run, playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path
) -> None:
    run(FLEET, "-l", "viewer")
    name = "datalab-viewer"
    config = client(sandbox).describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
    settings = {
        "notebook_host_steps": ["efs", "jupyter", "viewer"],
        "notebook_host_efs_read_only": True,
        "notebook_host_efs_dns_name": yaml.safe_load(FLEET.read_text())[0]["vars"]["notebook_fleet_efs_dns_name"],
        "notebook_host_output_dir": str(tmp_path),
    }
    role = {"ansible.builtin.import_role": {"name": "datalab.notebooks.notebook_host"}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": settings, "tasks": [role]}
    (tmp_path / "render.yml").write_text(json.dumps([play]), encoding="utf-8")
    playbook(tmp_path / "render.yml", check=True)
    for hook, file in (("OnCreate", "on-create.sh"), ("OnStart", "on-start.sh")):
        assert base64.b64decode(config[hook][0]["Content"]) == (tmp_path / file).read_bytes()


def test_tools_reach_instances(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    inventory = inventory_with(tmp_path, {})
    with variables_of(inventory) as variables:
        variables["notebook_host_tools"] = ["{{ inventory_dir }}/tools/report.py"]
    tool = inventory / "tools" / "report.py"
    tool.parent.mkdir()
    tool.write_text("print(1)\n")
    run("site", inventory=inventory)
    expect_tool(sandbox, tool)
    roles = {name: aws(sandbox, "iam", "list-attached-role-policies", "--role-name", name) for name in OF_TOOLS}
    for name, attached in roles.items():
        (policy,) = attached["AttachedPolicies"]
        version = ["--policy-arn", policy["PolicyArn"], "--version-id", "v1"]
        document = aws(sandbox, "iam", "get-policy-version", *version)["PolicyVersion"]["Document"]
        (statement,) = (each for each in document["Statement"] if each["Sid"] == "Tools")
        assert (statement["Action"], statement["Resource"]) == ("s3:GetObject", f"arn:aws:s3:::{TOOLS_BUCKET}/*"), name

    tool.write_text("print(2)\n")
    run("fleet", inventory=inventory)  # fleet, too, creates what is missing
    expect_tool(sandbox, tool)
    sandbox.reset_calls()
    assert unchanged(run("fleet", inventory=inventory))
    assert {call: count for call, count in sandbox.calls().items() if call.startswith("s3:")} == {"s3:ListObjectsV2": 1}


TOOLS_BUCKET = "datalab-tools-123456789012-eu-central-1"
OF_TOOLS = ("datalab-research", "datalab-viewer")


def expect_tool(sandbox: Sandbox, tool: Path) -> None:
    """Check that Alice's script asks for the tool by its digest, and that the bucket has it."""
    config = client(sandbox).describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="datalab")
    script = base64.b64decode(config["OnStart"][0]["Content"]).decode()
    sum_of = hashlib.sha256(tool.read_bytes()).hexdigest()
    assert {f"TOOLS_URL=s3://{TOOLS_BUCKET}", f"TOOLS='{sum_of}  {tool.name}"} <= set(readable(script).splitlines())
    found = client(sandbox, "s3").get_object(Bucket=TOOLS_BUCKET, Key=f"{sum_of}/{tool.name}")
    assert found["Body"].read() == tool.read_bytes()


def test_one_host_variable_changes_exactly_that_persons_instance(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run(FLEET)
    client(sandbox).stop_notebook_instance(NotebookInstanceName="datalab-bob")
    client(sandbox).get_waiter("notebook_instance_stopped").wait(
        NotebookInstanceName="datalab-bob", WaiterConfig={"Delay": 0.2}
    )
    before = instances(sandbox)
    run(FLEET, inventory=inventory_with(tmp_path, {"bob": "notebook_idle: 7200\nnotebook_volume_size_in_gb: 60"}))
    after = instances(sandbox)
    assert after["datalab-bob"]["VolumeSizeInGB"] == 60
    assert after["datalab-bob"]["NotebookInstanceStatus"] == "Stopped"
    others = set(after) - {"datalab-bob"}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}


def test_owners_idle_tag_survives_a_run(run: Run, sandbox: Sandbox) -> None:
    run(FLEET, "-l", "bob")
    arn = instances(sandbox)["datalab-bob"]["NotebookInstanceArn"]
    own = [{"Key": "idle", "Value": "900"}, {"Key": "mine", "Value": "yes"}]
    client(sandbox).add_tags(ResourceArn=arn, Tags=own)
    assert unchanged(run(FLEET, "-l", "bob"))
    assert tags(sandbox, arn) == {**OURS, "owner": "bob", "idle": "900", "mine": "yes"}


def test_user_serves_one_person(run: Run, sandbox: Sandbox) -> None:
    run("user", "-l", "erin")
    assert set(instances(sandbox)) == {"datalab-erin"}


def test_user_asks_who(run: Run, sandbox: Sandbox) -> None:
    refused = run("user", check=False)
    assert refused.returncode != 0
    assert "Name the person or team with -l <person or team>" in refused.stdout + refused.stderr
    assert not changing(sandbox)


def test_check_mode_plans_everything_on_an_empty_account(run: Run, sandbox: Sandbox) -> None:
    checked = run("site", "--check", "--diff")
    assert not changing(sandbox)
    assert {host: counts["changed"] for host, counts in checked.recap.items()} == dict.fromkeys(
        [*OWNERS, "viewer", "localhost"], 1
    )
    table = {" ".join(line.split()) for line in checked.stdout.splitlines() if line.startswith("will create ")}
    for planned in (
        "alice (research) datalab-alice, ml.m5.xlarge, 100 GiB",
        "network VPC 10.42.0.0/20",
        "network endpoint athena",
        "storage file system datalab",
        "access policy datalab-fraud",
        "access role datalab-viewer",
        "access group datalab-people-interns",
        "access workgroup datalab-research",
        "fleet lifecycle configuration datalab-carol",
    ):
        assert any(line.startswith(f"will create {planned}") for line in table), (planned, table)
    assert "+    - athena:GetWorkGroup" in checked.stdout
    assert "+step_efs() {" in checked.stdout
    assert "present by the next run" in run("status").stdout


def test_a_restricted_person_is_not_placed_beyond_the_limits(run: Run, sandbox: Sandbox) -> None:
    subnet = "subnet-0123456789abcdef0"
    played = run("site", "-e", json.dumps({"platform_access_subnet_ids": [subnet]}), check=False)
    assert played.returncode != 0
    for text in (
        "heidi  notebook_subnet_id, which platform_network gives, is not there yet, but",
        f"interns to {subnet};",
    ):
        assert text in played.stdout
    assert not changing(sandbox)


def test_a_bucket_of_another_account_is_left_alone(run: Run, sandbox: Sandbox) -> None:
    """Another account could take the default name, to receive people's query results."""
    of_others = "arn:aws:iam::222222222222:role/others"
    keys = client(sandbox, "sts").assume_role(RoleArn=of_others, RoleSessionName="others")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "eu-central-1")
    bucket = "datalab-results-123456789012-eu-central-1"
    place: Any = {"LocationConstraint": "eu-central-1"}
    s3: Any = session.client("s3", endpoint_url=sandbox.endpoint)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    sandbox.reset_calls()
    about = f"bucket {bucket} belongs to another AWS account"
    refused = run("site", check=False)
    assert (refused.returncode, about in refused.stdout) == (2, True)
    assert about in run("destroy", "-e", "platform_destroy=data").stdout
    assert not changing(sandbox)


def test_one_person_who_cannot_have_what_is_wanted_stops_no_other(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run(FLEET)
    before = instances(sandbox)
    other = inventory_with(
        tmp_path, {"alice": "notebook_volume_size_in_gb: 50", "bob": "notebook_tags: {project: other}"}
    )
    played = run(FLEET, inventory=other, check=False)
    assert played.returncode != 0
    shrinks = "notebook_volume_size_in_gb: a volume cannot shrink from 100 to 50 GiB"
    assert f"alice: {shrinks}" in played.stdout
    row = next(line for line in played.stdout.splitlines() if line.startswith("failed "))
    assert row.split()[1:3] == ["alice", "(research)"]
    assert tags(sandbox, before["datalab-bob"]["NotebookInstanceArn"])["project"] == "other"
    assert instances(sandbox)["datalab-alice"] == before["datalab-alice"]
    shown = run("status", inventory=other)
    assert shrinks in shown.stdout


def test_missing_endpoint_and_credentials_are_one_sentence(playbook: PlaybookRunner) -> None:
    nobody_there = playbook("datalab.notebooks.status", "-i", DEMO, "-e", "sandbox_endpoint=http://127.0.0.1:9")
    assert "'make sandbox' or 'make laptop' starts a sandbox" in nobody_there.stdout + nobody_there.stderr
    nothing_set = {"platform_aws": {"region": "eu-central-1"}}
    no_credentials = playbook("datalab.notebooks.status", "-i", DEMO, "-e", json.dumps(nothing_set))
    assert "Set AWS_PROFILE or the options access_key and secret_key" in no_credentials.stdout + no_credentials.stderr
