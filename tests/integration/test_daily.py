# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people do with their instances day by day, one playbook each, and how the fleet treats running work."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox

from .conftest import PlaybookRunner, Played, changing, client, connection, furnish

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

FLEET = Path(__file__).parent / "fleet.yml"
RETIRED = "notebook-al2-v3"
CURRENT = "notebook-al2023-v1"

Run = Callable[..., Played]
# Settings that the user's ansible.cfg may have for other playbooks.
OTHER_DEFAULTS = {"ANSIBLE_STRATEGY": "free", "ANSIBLE_BECOME": "true", "ANSIBLE_BECOME_EXE": "/nowhere"}


class Inventory:
    """Three people of a team and one of another, whose variables a test may change."""

    def __init__(self, directory: Path, endpoint: str, subnet: str) -> None:
        self._path = directory / "inventory.json"
        self._endpoint = endpoint
        self.subnet = subnet
        self.people: dict[str, dict[str, Any]] = {"alice": {}, "bob": {}, "carol": {}}
        self.team: dict[str, Any] = {"notebook_team": "research", "notebook_idle": 7200}

    def write(self) -> Path:
        """Write the inventory of the current people and team."""
        shared = {
            "platform_aws": connection(self._endpoint),
            "given_subnet_id": self.subnet,
        }
        fraud = {"hosts": {"dave": {}}, "vars": {"notebook_team": "fraud"}}
        inventory = {
            "all": {"vars": shared},
            "owners": {"children": {"research": {"hosts": self.people, "vars": self.team}, "fraud": fraud}},
            "viewers": {"hosts": {"viewer": {}}},
        }
        self._path.write_text(json.dumps(inventory), encoding="utf-8")
        return self._path


@pytest.fixture
def inventory(sandbox: Sandbox, tmp_path: Path) -> Inventory:
    return Inventory(tmp_path, sandbox.endpoint, furnish(sandbox, "given", "by-hand"))


@pytest.fixture
def run(sandbox: Sandbox, playbook: PlaybookRunner, inventory: Inventory) -> Run:
    """Provide a function that runs our playbooks, or tests/integration/fleet.yml, over the inventory as it is now."""

    def play(name: str | Path, *arguments: str, check: bool = True, **environment: str) -> Played:
        sandbox.reset_calls()
        source = name if isinstance(name, Path) else f"datalab.notebooks.{name}"
        return playbook(source, "-i", inventory.write(), *arguments, check=check, environment=environment)

    return play


def describe(sagemaker: SageMakerClient, person: str) -> dict[str, Any]:
    return dict(sagemaker.describe_notebook_instance(NotebookInstanceName=f"datalab-{person}"))


def status(sagemaker: SageMakerClient, person: str) -> str:
    return str(describe(sagemaker, person)["NotebookInstanceStatus"])


def tags(sagemaker: SageMakerClient, name: str) -> dict[str, str]:
    arn = sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceArn"]
    return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def stop(sagemaker: SageMakerClient, person: str) -> None:
    """Stop an instance, as its person or autostop does."""
    sagemaker.stop_notebook_instance(NotebookInstanceName=f"datalab-{person}")
    deadline = time.monotonic() + 30
    while status(sagemaker, person) != "Stopped":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def first_line(played: Played) -> str:
    return played.stdout.strip().splitlines()[0]


def words(played: Played) -> str:
    """Return what was printed, with single spaces."""
    return " ".join(played.stdout.split())


def test_start_and_stop(sandbox: Sandbox, sagemaker: SageMakerClient, run: Run) -> None:
    refused = run("stop", check=False)
    assert "Name the person or team with -l <person or team>" in refused.stdout
    assert not sandbox.calls()
    nothing = run("start", "-l", "alice", check=False)
    assert "alice: there is no instance datalab-alice" in nothing.stdout
    assert not changing(sandbox)
    run(FLEET)

    stopped = run("stop", "-l", "research", **OTHER_DEFAULTS)
    assert stopped.stdout.count("Plan the settings of the instances]") == 1
    assert first_line(stopped).startswith("PLAY [Stop the instances of alice, bob, carol]")
    assert [status(sagemaker, person) for person in ("alice", "bob", "carol", "dave")] == [
        *["Stopped"] * 3,
        "InService",
    ]
    assert changing(sandbox)["sagemaker:StopNotebookInstance"] == 3
    assert run("stop", "-l", "alice").recap["alice"]["changed"] == 0
    predicted = run("start", "-l", "alice", "--check")
    assert predicted.recap["alice"]["changed"] == 1
    assert status(sagemaker, "alice") == "Stopped"
    started = run("start", "-l", "alice")
    assert "alice  research  ml.t3.medium  InService" in started.stdout
    assert status(sagemaker, "alice") == "InService"


def test_a_change_waits_for_the_stop_and_no_run_cuts_work(
    sandbox: Sandbox, sagemaker: SageMakerClient, inventory: Inventory, run: Run
) -> None:
    run(FLEET)
    inventory.people["alice"]["notebook_instance_type"] = "ml.m5.xlarge"
    inventory.people["bob"]["notebook_tags"] = {"project": "churn"}
    waiting = run(FLEET)
    assert "instance_type ml.t3.medium → ml.m5.xlarge at the next stop" in waiting.stdout
    assert status(sagemaker, "alice") == "InService"
    assert describe(sagemaker, "alice")["InstanceType"] == "ml.t3.medium"
    assert tags(sagemaker, "datalab-bob")["project"] == "churn"  # tags do not wait for a stop
    assert set(changing(sandbox)) == {"sagemaker:AddTags"}

    stop(sagemaker, "alice")
    carried = run(FLEET)
    assert "at the next stop" not in carried.stdout
    assert (status(sagemaker, "alice"), describe(sagemaker, "alice")["InstanceType"]) == ("Stopped", "ml.m5.xlarge")


@pytest.mark.parametrize("said", ["person", "team", "run"])
def test_force_does_it_now(said: str, sagemaker: SageMakerClient, inventory: Inventory, run: Run) -> None:
    run(FLEET)
    inventory.people["alice"]["notebook_instance_type"] = "ml.m5.xlarge"
    if said != "run":
        place = inventory.people["alice"] if said == "person" else inventory.team
        place["notebook_update_policy"] = "force"
    run(FLEET, *(["-e", "notebook_update_policy=force"] if said == "run" else []))
    assert (status(sagemaker, "alice"), describe(sagemaker, "alice")["InstanceType"]) == ("InService", "ml.m5.xlarge")


def test_the_idle_tag_is_its_owners(sagemaker: SageMakerClient, run: Run) -> None:
    run(FLEET)
    arn = describe(sagemaker, "alice")["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "idle", "Value": "600"}, {"Key": "mine", "Value": "too"}])
    assert run(FLEET).recap["alice"]["changed"] == 0
    assert (tags(sagemaker, "datalab-alice")["idle"], tags(sagemaker, "datalab-alice")["mine"]) == ("600", "too")
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["idle"])
    run(FLEET)
    assert tags(sagemaker, "datalab-alice")["idle"] == "7200"  # the run sets the default again


def test_an_instance_made_by_hand_is_listed_and_adopted(
    sandbox: Sandbox, sagemaker: SageMakerClient, inventory: Inventory, run: Run
) -> None:
    inventory.people["alice"]["notebook_name"] = "experiment"
    for name, owner in (("experiment", "alice"), ("stray", "mallory")):
        sagemaker.create_notebook_instance(
            NotebookInstanceName=name,
            InstanceType="ml.t3.medium",
            RoleArn="arn:aws:iam::123456789012:role/by-hand",
            VolumeSizeInGB=20,
            SubnetId=inventory.subnet,
            DirectInternetAccess="Disabled",
            Tags=[
                {"Key": "owner", "Value": owner},
                {"Key": "team", "Value": "research"},
                {"Key": "idle", "Value": "60"},
            ],
        )
    del inventory.people["alice"]["notebook_name"]
    first = run(FLEET)
    rows = {line.split()[1]: line for line in first.stdout.splitlines() if line.startswith("unmanaged ")}
    assert rows["experiment"].endswith("; to adopt it: host_vars/alice.yml, notebook_name: experiment")
    assert rows["stray"].endswith("ml.t3.medium, InService")
    before = dict(sagemaker.describe_notebook_instance(NotebookInstanceName="stray"))

    inventory.people["alice"]["notebook_name"] = "experiment"
    adopted = run(FLEET)
    assert "role_arn arn:aws:iam::123456789012:role/by-hand → " in adopted.stdout
    assert tags(sagemaker, "experiment")["idle"] == "60"
    assert "sagemaker:CreateNotebookInstance" not in sandbox.calls()
    assert "datalab-alice" in adopted.stdout  # it is unmanaged now, and still exists
    assert status(sagemaker, "alice") == "InService"
    after = dict(sagemaker.describe_notebook_instance(NotebookInstanceName="stray"))
    assert after["LastModifiedTime"] == before["LastModifiedTime"]
    assert set(tags(sagemaker, "stray")) == {"owner", "team", "idle"}


EACH_WAY: tuple[tuple[str | Path, ...], ...] = (
    (FLEET, "-l", "alice"),
    ("start", "-l", "alice"),
    ("stop", "-l", "alice"),
    ("resize", "-l", "alice", "-e", "notebook_volume_size_in_gb=50"),
    ("open", "-l", "alice", "-e", "open_print=true"),
    ("complete", "-l", "alice", "-e", "complete_project=clusters"),
    ("upgrade_platform", "-l", "alice"),
    ("offboard", "-l", "alice"),
    ("offboard", "-l", "alice", "-e", "offboard_remove=instance"),
    ("offboard", "-e", "offboard_name=alice"),
)


def test_nothing_is_done_to_the_instance_of_another_person(
    sandbox: Sandbox, sagemaker: SageMakerClient, inventory: Inventory, run: Run
) -> None:
    run(FLEET)
    arn = describe(sagemaker, "alice")["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "mallory"}])
    before = tags(sagemaker, "datalab-alice")
    for name, *arguments in EACH_WAY:
        if "offboard_name=alice" in arguments:
            del inventory.people["alice"]
        refused = run(name, *map(str, arguments), check=False)
        assert refused.returncode == 2, name
        assert "alice: notebook_name: datalab-alice is mallory's by its tag owner" in refused.stdout.replace(
            "alice  notebook_name", "alice: notebook_name"
        ), (name, refused)
        assert not changing(sandbox), name
        assert "authToken" not in refused.stdout
    assert tags(sagemaker, "datalab-alice") == before
    assert status(sagemaker, "alice") == "InService"

    inventory.people["alice"] = {}
    allowed = ("-l", "alice", "-e", "notebook_allow_other_owner=true")
    run("stop", *allowed)
    assert status(sagemaker, "alice") == "Stopped"
    run(FLEET, *allowed)
    assert tags(sagemaker, "datalab-alice")["owner"] == "alice"
    assert run(FLEET, "-l", "alice").recap["alice"]["changed"] == 0


def test_two_people_of_one_name_get_nothing_of_each_other(sandbox: Sandbox, inventory: Inventory, run: Run) -> None:
    inventory.people = {"alice.smith": {}, "bob": {}}
    run(FLEET, "-l", "alice.smith")
    inventory.people["alice-smith"] = {}
    for arguments in (["user"], ["offboard", "-e", "offboard_remove=instance"], ["open"], ["stop"]):
        name, *more = arguments
        refused = run(name, "-l", "alice-smith", *more, check=False)
        said = "the instances of alice.smith and alice-smith would both be called datalab-alice-smith"
        assert f"{said}; set another notebook_name" in refused.stdout, refused
        assert not sandbox.calls(), name
    del inventory.people["alice-smith"]
    left = run("offboard", "-e", "offboard_name=alice-smith", "-e", "offboard_remove=instance", check=False)
    assert "which the inventory gives to alice.smith" in left.stdout
    assert not sandbox.calls()


def test_the_state_of_some_stops_no_other(sagemaker: SageMakerClient, inventory: Inventory, run: Run) -> None:
    inventory.people |= {"erin": {}, "frank": {}}
    sagemaker.create_notebook_instance(
        NotebookInstanceName="datalab-bob",
        InstanceType="ml.t3.medium",
        RoleArn="arn:aws:iam::123456789012:role/given",
        SubnetId=inventory.subnet,
        DirectInternetAccess="Disabled",
    )
    run(FLEET)
    for person in ("alice", "carol", "frank"):
        stop(sagemaker, person)
    sagemaker.update_notebook_instance(NotebookInstanceName="datalab-alice", VolumeSizeInGB=21)
    sagemaker.delete_notebook_instance(NotebookInstanceName="datalab-carol")
    frank = describe(sagemaker, "frank")["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=frank, Tags=[{"Key": "sandbox:fail", "Value": "no capacity"}])
    sagemaker.start_notebook_instance(NotebookInstanceName="datalab-frank")
    inventory.people["bob"]["notebook_subnet_id"] = "subnet-of-the-platform"
    inventory.team["notebook_tags"] = {"project": "churn"}

    shown = run("status")
    rows = {line.split()[0]: line for line in shown.stdout.splitlines() if line.strip()}
    assert "a volume cannot shrink from 21 to 20 GiB" in rows["alice"]
    assert "notebook_subnet_id: AWS sets it once" in rows["bob"]
    assert "none" in rows["carol"].split()
    assert rows["dave"].split()[3] == "InService"

    night = run(FLEET, check=False)
    assert night.returncode == 2
    failed = {line.split()[1] for line in night.stdout.splitlines() if line.startswith("failed ")}
    assert failed == {"alice", "bob", "frank"}
    assert status(sagemaker, "carol") == "InService"
    assert tags(sagemaker, "datalab-erin")["project"] == "churn"
    assert describe(sagemaker, "alice")["VolumeSizeInGB"] == 21


def test_resize(sandbox: Sandbox, sagemaker: SageMakerClient, run: Run) -> None:
    run(FLEET)
    larger = ["-l", "alice", "-e", "notebook_instance_type=ml.m5.xlarge", "-e", "notebook_volume_size_in_gb=50"]
    waits = run("resize", *larger)
    assert first_line(waits).startswith("PLAY [Resize the instances of alice]")
    assert "at the next stop" in waits.stdout
    reminder = "host_vars/alice.yml has to set notebook_instance_type: ml.m5.xlarge, notebook_volume_size_in_gb: 50"
    assert reminder in waits.stdout
    assert not changing(sandbox)
    run("resize", *larger, "-e", "notebook_update_policy=force")
    now = describe(sagemaker, "alice")
    assert (now["InstanceType"], now["VolumeSizeInGB"], now["NotebookInstanceStatus"]) == (
        "ml.m5.xlarge",
        50,
        "InService",
    )
    smaller = run("resize", "-l", "alice", "-e", "notebook_volume_size_in_gb=20", check=False)
    assert "alice: notebook_volume_size_in_gb: a volume cannot shrink from 50 to 20 GiB" in smaller.stdout


NO_JUPYTER = "Jupyter cannot be reached: "  # the sandbox has no Jupyter
COMPLETE_REFUSED = (
    ("-l alice", "the project with -e complete_project=<folder>"),
    ("-e complete_project=x", "Name the person on whose instance it runs with -l <person>"),
    ("-l bob -e complete_project=x", "datalab-bob is Stopped; start it with datalab.notebooks.start -l bob"),
    (
        "-l dave -e complete_project=x -e platform_storage_isolation=file_system",
        "so no one but dave could read what is",
    ),
    ("-l alice -e complete_project=../x", "is not below /home/ec2-user/SageMaker; write the project's path as"),
    ("-l alice -e complete_project=/tmp/x", "is not below /home/ec2-user/SageMaker; write the project's path as"),
    ("-l alice -e complete_project=x", NO_JUPYTER),
    ("-l alice -e complete_project=x --check", NO_JUPYTER),
)


def test_complete_is_refused(sagemaker: SageMakerClient, run: Run) -> None:
    run(FLEET, "-l", "alice,bob")
    stop(sagemaker, "bob")
    for options, said in COMPLETE_REFUSED:
        refused = run("complete", *options.split(), "-vvv", check=False)
        assert refused.returncode == 2, options
        assert said in " ".join(refused.stdout.split()), (options, refused)
        assert "authToken" not in refused.stdout + refused.stderr, options


def test_open(sandbox: Sandbox, sagemaker: SageMakerClient, run: Run, tmp_path: Path) -> None:
    run(FLEET)
    stop(sagemaker, "bob")
    stopped = run("open", "-l", "bob", check=False)
    assert "datalab-bob is Stopped; start it with datalab.notebooks.start -l bob" in " ".join(stopped.stdout.split())
    two = run("open", "-l", "alice,bob", check=False)
    assert "Name the person with -l <person>" in two.stdout

    # A browser that records its argument and the address to which that page leads.
    log = tmp_path / "browser.log"
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\n"
        "import http.client, re, sys, urllib.parse, urllib.request\n"
        "page = urllib.request.urlopen(sys.argv[1]).read().decode()\n"
        "url = urllib.parse.urlsplit(re.search('url=([^\"]+)', page)[1])\n"
        "connection = http.client.HTTPConnection(url.netloc)\n"
        "connection.request('GET', url.path)\n"
        f"open({str(log)!r}, 'w').write(sys.argv[1] + ' ' + connection.getresponse().headers['Location'])\n",
        encoding="utf-8",
    )
    browser.chmod(0o755)
    opened = run("open", "-l", "alice", "-vvv", BROWSER=f"{browser} %s")
    assert first_line(opened.__class__(0, opened.stdout[opened.stdout.index("PLAY [") :], "")).startswith(
        "PLAY [Open in the browser the instance of alice]"
    )
    given, led_to = log.read_text(encoding="utf-8").split()
    assert given.startswith("file:///")
    assert not Path(given.removeprefix("file://")).exists()
    assert led_to.startswith("https://datalab-alice.notebook.eu-central-1.sagemaker.aws?authToken=")
    assert "authToken" not in opened.stdout + opened.stderr

    nowhere = run("open", "-l", "alice", "-vvv", check=False)
    assert "With -e open_print=true the URL is printed" in nowhere.stdout
    assert "authToken" not in nowhere.stdout + nowhere.stderr
    printed = run("open", "-l", "alice", "-e", "open_print=true")
    assert "sagemaker.aws?authToken=" in printed.stdout
    run("open", "-l", "alice", "--check")
    assert "sagemaker:CreatePresignedNotebookInstanceUrl" not in sandbox.calls()


def test_offboard(sandbox: Sandbox, sagemaker: SageMakerClient, inventory: Inventory, run: Run) -> None:
    inventory.people["alice"]["notebook_lifecycle_config"] = "alice"
    run(FLEET, "-l", "alice,bob")
    leaves = run("offboard", "-l", "alice,carol")  # carol never had an instance
    assert first_line(leaves).startswith("PLAY [Offboard alice, carol]")
    assert "teams/research/alice" in leaves.stdout
    assert status(sagemaker, "alice") == "Stopped"
    assert changing(sandbox)["sagemaker:StopNotebookInstance"] == 1
    wrong = run("offboard", "-l", "alice", "-e", "offboard_remove=everything", check=False)
    assert "offboard_remove is everything" in wrong.stdout
    two = run("offboard", "-l", "alice", "-e", "offboard_name=carol", check=False)
    assert "Say who leaves, either with -l" in two.stdout
    gone = run("offboard", "-l", "alice", "-e", "offboard_remove=instance")
    assert first_line(gone).startswith("PLAY [Offboard alice, and remove instance and volume]")
    names = [each["NotebookInstanceName"] for each in sagemaker.list_notebook_instances()["NotebookInstances"]]
    assert names == ["datalab-bob"]
    configs = sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"]
    assert [each["NotebookInstanceLifecycleConfigName"] for each in configs] == ["datalab"]


def test_offboard_of_a_person_who_has_left(sagemaker: SageMakerClient, inventory: Inventory, run: Run) -> None:
    run(FLEET, "-l", "alice,bob")
    del inventory.people["alice"]
    arn = describe(sagemaker, "alice")["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "sandbox:status", "Value": "Pending"}])
    leaver = ("-e", "offboard_name=alice")
    busy = run("offboard", *leaver, "-e", "notebook_fleet_wait_timeout=1", check=False)
    assert busy.returncode == 2
    assert "alice: " in busy.stdout
    for word in ([], ["-e", "offboard_remove=instance"]):
        misspelt = run("offboard", "-e", "offboard_name=alcie", *word, check=False)
        assert misspelt.returncode == 2
        assert "there is no instance datalab-alcie; did you mean -e offboard_name=alice? If" in misspelt.stdout
    assert "Files stay" not in busy.stdout
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["sandbox:status"])
    stopped = run("offboard", *leaver)
    assert status(sagemaker, "alice") == "Stopped"
    assert "Files stay in teams/research/alice" in stopped.stdout
    assert "from the inventory" not in stopped.stdout
    run("offboard", *leaver, "-e", "offboard_remove=instance")
    names = [each["NotebookInstanceName"] for each in sagemaker.list_notebook_instances()["NotebookInstances"]]
    assert names == ["datalab-bob"]
    again = run("offboard", *leaver)
    assert "not there  alice  datalab-alice" in again.stdout
    assert "There is no instance of alice: it is gone already, or another name is meant." in again.stdout
    assert "A stopped instance keeps" not in again.stdout


def test_upgrade_platform(sagemaker: SageMakerClient, run: Run) -> None:
    for person in ("alice", "bob", "carol", "dave"):
        sagemaker.create_notebook_instance(
            NotebookInstanceName=f"datalab-{person}",
            InstanceType="ml.t3.medium",
            RoleArn="arn:aws:iam::123456789012:role/given",
            VolumeSizeInGB=20,
            Tags=[{"Key": "sandbox:platform", "Value": RETIRED}],
        )
    for person in ("alice", "bob", "dave"):
        time.sleep(0.3)
        stop(sagemaker, person)
    refused = run("start", "-l", "alice", check=False)
    assert refused.returncode == 2
    assert f"datalab-alice has {RETIRED}, of which AWS no longer starts instances" in refused.stdout
    assert "move it with ansible-playbook datalab.notebooks.upgrade_platform -l alice" in refused.stdout
    sagemaker.add_tags(
        ResourceArn=describe(sagemaker, "bob")["NotebookInstanceArn"],
        Tags=[{"Key": "sandbox:fail", "Value": "no capacity"}],
    )
    failed = run("upgrade_platform", "-e", "upgrade_batch=2", check=False)
    assert failed.returncode == 2
    assert "bob: datalab-bob is Failed: no capacity" in failed.stdout
    platforms = {person: describe(sagemaker, person)["PlatformIdentifier"] for person in ("alice", "carol", "dave")}
    assert platforms == {"alice": CURRENT, "carol": RETIRED, "dave": RETIRED}  # no further than the first batch

    arn = describe(sagemaker, "bob")["NotebookInstanceArn"]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["sandbox:fail"])
    moved = run("upgrade_platform", "-e", "upgrade_batch=3")
    assert "carol: run this again when it is stopped" in moved.stdout
    assert (describe(sagemaker, "dave")["PlatformIdentifier"], status(sagemaker, "dave")) == (CURRENT, "Stopped")
    assert (describe(sagemaker, "carol")["PlatformIdentifier"], status(sagemaker, "carol")) == (RETIRED, "InService")
    run("upgrade_platform", "-l", "carol", "-e", "upgrade_policy=force")
    assert (describe(sagemaker, "carol")["PlatformIdentifier"], status(sagemaker, "carol")) == (CURRENT, "InService")
    assert run("upgrade_platform").recap["localhost"]["changed"] == 0


def test_status_for_machines(sagemaker: SageMakerClient, run: Run, tmp_path: Path) -> None:
    sagemaker.create_notebook_instance(
        NotebookInstanceName="stray", InstanceType="ml.t3.medium", RoleArn="arn:aws:iam::123456789012:role/by-hand"
    )
    target = tmp_path / "status.json"
    shown = run("status", "-e", f"notebook_fleet_status_file={target}")
    assert first_line(shown).startswith("PLAY [Show the instances of everybody]")
    state = json.loads(target.read_text())
    assert {each["owner"]: each["status"] for each in state["instances"]} == dict.fromkeys(
        ["alice", "bob", "carol", "dave", "viewer"]
    )
    assert [each["name"] for each in state["unmanaged"]] == ["stray"]


def test_a_quota_is_told_before_it_is_hit(sandbox: Sandbox, inventory: Inventory, run: Run) -> None:
    quotas = client(sandbox, "service-quotas")
    listed = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    names = {quota["QuotaName"]: quota["QuotaCode"] for page in listed for quota in page["Quotas"]}
    code = names["ml.g5.xlarge for notebook instance usage"]
    quotas.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=code, DesiredValue=0)
    inventory.people["carol"] = {"notebook_instance_type": "ml.g5.xlarge"}
    said = "notebook_instance_type: the quota 'ml.g5.xlarge for notebook instance usage' in eu-central-1 is 0"

    planned = run(FLEET, "--check", check=False)
    assert f"will fail carol {said}" in words(planned)
    shown = run("status")
    assert said in words(shown)
    assert "WARNING" not in shown.stdout + shown.stderr, "it makes nothing that could fail"
    assert not changing(sandbox)
    made = run(FLEET, check=False)
    assert f" failed carol {said}" in words(made)
    assert made.returncode == 2
    assert sandbox.calls()["sagemaker:CreateNotebookInstance"] == 4, "all others have theirs"

    quotas.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=code, DesiredValue=1)
    run(FLEET)
    inventory.people["bob"]["notebook_instance_type"] = "ml.g5.xlarge"
    waits = "waits bob (research) instance_type ml.t3.medium → ml.g5.xlarge at the next stop: no price;"
    waits += " platform_costs_prices takes one; "
    assert f"{waits}notebook_instance_type: the" in words(run(FLEET))

    del inventory.people["bob"]["notebook_instance_type"]
    run(FLEET)
    assert "service-quotas:ListServiceQuotas" not in sandbox.calls(), "a converged run reads none"
