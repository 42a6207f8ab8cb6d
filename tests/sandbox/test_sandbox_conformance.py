# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A conformance run leaves nothing behind, however it ends, and changes no resource that is not its own."""

from __future__ import annotations

import codecs
import os
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.conformance import __main__ as command
from tests.conformance.account import LOG_GROUP, MARK, NAME, Account, new_name, policy, sagemaker_trust
from tests.conformance.page import as_json, as_markdown, facts, masked
from tests.conformance.run import PARTS, Result, Run, ask, config_content, unasked
from tests.conformance.table import TABLE, Assumption

ROOT = Path(__file__).resolve().parents[2]

ACCOUNT = "123456789012"
CHANGES = ("Create", "Add", "Put", "Update", "Start", "Stop", "Delete")
# The calls of a run that change something, in this order; a fault comes before or after each of them.
CALLS = [
    "CreateRole",
    "PutRolePolicy",
    "CreateVpc",
    "CreateSubnet",
    "CreateSecurityGroup",
    "CreateLogGroup",
    "CreateNotebookInstanceLifecycleConfig",
    "CreateNotebookInstance",
    "StopNotebookInstance",
    "UpdateAssumeRolePolicy",
    "UpdateNotebookInstance",
    "StartNotebookInstance",
    "DeleteNotebookInstance",
    "DeleteNotebookInstanceLifecycleConfig",
    "DeleteSubnet",
    "DeleteSecurityGroup",
    "DeleteVpc",
    "DeleteLogGroup",
    "DeleteRolePolicy",
    "DeleteRole",
]
ENDS = ("error", signal.SIGINT, signal.SIGTERM)


class Faults:
    """An error or a signal in one call of an operation, before the call is sent or after it was answered."""

    def __init__(self, session):
        self.armed = None
        self.seen = []
        for when in ("before", "after"):
            session.events.register(f"{when}-call", getattr(self, when))

    def before(self, model, **_):
        self.seen.append(model.name)
        self.come(model.name, "before")

    def after(self, model, **_):
        self.come(model.name, "after")

    def come(self, operation, when):
        if self.armed is None or self.armed[:2] != (operation, when):
            return
        what, self.armed = self.armed[2], None
        if what == "error":
            raise RuntimeError("the fault")
        os.kill(os.getpid(), what)


@pytest.fixture(scope="module")
def faulty(server):
    """Return an account, and the faults that its calls can get."""
    session = boto3.Session("x", "x", region_name="eu-central-1")
    faults = Faults(session)
    return Account(session, new_name(), server.endpoint), faults


@pytest.fixture
def account(sandbox, faulty):  # noqa: ARG001  # which empties the server that calls go to
    """Return the faulty account, with no fault armed and with a new run in an empty sandbox."""
    account, faults = faulty
    account.run, faults.armed, faults.seen = new_name(), None, []
    return account


def conduct(account, patience=20.0):
    said: list[str] = []
    run = Run(account, 0.01, said.append)
    return (run, *command.conduct(run, patience), said)


def everything(account):
    """Return all resources of the kinds that a run creates, with its mark or without."""
    groups = [each["logGroupName"] for each in account.logs.describe_log_groups()["logGroups"]]
    streams = [each for name in groups for each in account.logs.describe_log_streams(logGroupName=name)["logStreams"]]
    configs = account.sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"]
    instances = account.sagemaker.list_notebook_instances()["NotebookInstances"]
    return {
        *(each["NotebookInstanceName"] for each in instances),
        *(each["NotebookInstanceLifecycleConfigName"] for each in configs),
        *(each["RoleName"] for each in account.iam.list_roles()["Roles"]),
        *(each["VpcId"] for each in account.ec2.describe_vpcs()["Vpcs"]),
        *(each["SubnetId"] for each in account.ec2.describe_subnets()["Subnets"]),
        *(each["GroupId"] for each in account.ec2.describe_security_groups()["SecurityGroups"]),
        *groups,
        *(each["arn"] for each in streams),
    }


def test_a_run_asks_all_and_leaves_nothing(account, faulty):
    before = everything(account)
    run, ended, left, said = conduct(account)
    assert (ended, left) == ("", [])
    assert everything(account) == before
    assert {result.assumption.name for result in run.results} == {each.name for each in TABLE if each.check}
    assert set(CALLS) == {name for name in faulty[1].seen if name.startswith(CHANGES)} - {
        "AddTags",
        "CreatePresignedNotebookInstanceUrl",
        "DeleteTags",
        "UpdateNotebookInstanceLifecycleConfig",
    }
    assert [line for line in said if line.startswith("==>")][-1] == "==> Remove what was created"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(len(CALLS)), ids=CALLS)
def test_whatever_comes_nothing_is_left(account, faulty, monkeypatch, number, when):
    monkeypatch.setattr("tests.conformance.run.TABLE", [])
    before = everything(account)
    faulty[1].armed = (CALLS[number], when, ENDS[(number + (when == "after")) % len(ENDS)])
    _, ended, left, _ = conduct(account)
    assert faulty[1].armed is None, "the fault has not come"
    assert left == []
    assert everything(account) == before
    assert ended or CALLS[number].startswith("Delete"), "in the removal a fault ends nothing"


def test_a_second_signal_does_not_end_the_removal(account, faulty):
    def again(model, **_):
        if model.name == "DeleteVpc":
            os.kill(os.getpid(), signal.SIGINT)

    before = everything(account)
    account.ec2.meta.events.register("before-call", again, unique_id="again")
    faulty[1].armed = ("CreateNotebookInstance", "after", signal.SIGTERM)
    try:
        _, ended, left, said = conduct(account)
    finally:
        account.ec2.meta.events.unregister("before-call", unique_id="again")
    assert (ended, left) == ("Interrupted: SIGTERM", [])
    assert everything(account) == before
    assert "The resources of the run are being removed; please wait." in said


def test_resources_of_others_are_left_alone(account, create_stopped, sagemaker, monkeypatch):
    create_stopped("datalab-alice", Tags=[{"Key": MARK, "Value": "datalab-conformance-20260101-000000-0000"}])
    account.logs.create_log_group(logGroupName=LOG_GROUP)
    account.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="datalab-alice/LifecycleConfigOnStart")
    account.iam.create_role(RoleName="datalab", AssumeRolePolicyDocument=policy(sagemaker_trust()))
    before = everything(account)

    def script_writes(model, **_):
        if model.name == "CreateNotebookInstance":
            account.logs.create_log_stream(
                logGroupName=LOG_GROUP, logStreamName=f"{account.run}/LifecycleConfigOnStart"
            )

    monkeypatch.setattr("tests.conformance.run.TABLE", [])
    account.sagemaker.meta.events.register("after-call", script_writes, unique_id="script")
    try:
        _, ended, left, _ = conduct(account)
    finally:
        account.sagemaker.meta.events.unregister("after-call", unique_id="script")
    assert (ended, left) == ("", [])
    assert everything(account) == before
    assert (
        sagemaker.describe_notebook_instance(NotebookInstanceName="datalab-alice")["NotebookInstanceStatus"]
        == "Stopped"
    )


def test_a_name_without_the_mark_is_left_alone(account, create_stopped):
    create_stopped(account.run)
    account.iam.create_role(RoleName=account.run, AssumeRolePolicyDocument=policy(sagemaker_trust()))
    before = everything(account)
    _, ended, left, _ = conduct(account)
    assert "EntityAlreadyExists" in ended
    assert left == []
    assert everything(account) == before


def test_a_log_group_in_which_others_write_stays(account, faulty):
    def other_writes(model, **_):
        if model.name == "CreateNotebookInstance":
            account.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="datalab-alice/LifecycleConfigOnStart")

    account.sagemaker.meta.events.register("after-call", other_writes, unique_id="other")
    faulty[1].armed = ("StopNotebookInstance", "before", "error")
    try:
        left = conduct(account)[2]
    finally:
        account.sagemaker.meta.events.unregister("after-call", unique_id="other")
    assert left == []
    assert account.log_group_tags() == {}


def test_resources_that_cannot_be_removed_are_named(account):
    def refuse(model, **_):
        if model.name == "DeleteVpc":
            raise RuntimeError("may not")

    account.ec2.meta.events.register("before-call", refuse, unique_id="refuse")
    try:
        _, ended, left, said = conduct(account, patience=0.5)
    finally:
        account.ec2.meta.events.unregister("before-call", unique_id="refuse")
    assert (ended, left) == ("", ["VPC (may not)"])
    assert "    still there: VPC (may not)" in said
    assert len(account.left()) == 1
    assert account.remove(20, 0.01, said.append) == []


def test_an_account_that_may_not_be_read_gets_nothing(account, faulty):
    def refuse(model, **_):
        if model.name == "DescribeVpcs":
            raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, model.name)

    account.ec2.meta.events.register("before-call", refuse, unique_id="refuse")
    try:
        ended = conduct(account, patience=0.1)[1]
    finally:
        account.ec2.meta.events.unregister("before-call", unique_id="refuse")
    assert "UnauthorizedOperation" in ended
    assert not [name for name in faulty[1].seen if name.startswith("Create")]


# The command line


@pytest.fixture
def make(sandbox, tmp_path):
    """Start `make conformance` for a person with the profile `mine`, and with other settings in the environment."""
    config = tmp_path / "config"
    config.write_text(
        f"[profile mine]\nregion = eu-central-1\nendpoint_url = {sandbox.endpoint}\n"
        "aws_access_key_id = mine\naws_secret_access_key = mine\n"
        f"[profile nowhere]\nendpoint_url = {sandbox.endpoint}\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS", "MAKE", "MFLAGS"))}
    environment |= {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "other", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    environment |= {"NO_PROXY": "127.0.0.1", "AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other"}

    def start(*arguments):
        return subprocess.Popen(
            ["make", "--no-print-directory", "conformance", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start


REFUSED = {
    "another account": (["AWS=mine", "CONFIRM=210987654321"], "CONFIRM is not the account of the profile mine."),
    "no account": (["AWS=mine"], "CONFIRM must be the id of the account"),
    "no id": (["AWS=mine", "CONFIRM=yes"], "CONFIRM must be the id of the account"),
    "no profile": (["AWS=none", f"CONFIRM={ACCOUNT}"], "The config profile (none) could not be found"),
    "an empty profile": (["AWS=", f"CONFIRM={ACCOUNT}"], "AWS must be the name of a profile"),
    "no region": (["AWS=nowhere", f"CONFIRM={ACCOUNT}"], "The profile nowhere has no region"),
    "what is no run": (["AWS=mine", f"CONFIRM={ACCOUNT}", "REMOVE=datalab-alice"], "REMOVE must be the name of a run"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(make, sandbox, case):
    arguments, text = REFUSED[case]
    sandbox.reset_calls()
    process = make(*arguments)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 2
    assert text in said
    assert ACCOUNT not in said
    assert set(sandbox.calls()) <= {"sts:GetCallerIdentity"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_command_leaves_nothing(make, sandbox, account, number):
    before = everything(account)
    sandbox.set_transition_seconds(1)
    process = make("AWS=mine", f"CONFIRM={ACCOUNT}")
    assert process.stdout
    said = ""
    while "created-pending" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    assert everything(account) - before
    os.killpg(process.pid, number)
    said += process.stdout.read()
    process.wait(timeout=60)
    assert everything(account) == before
    assert f"The run ends early. Interrupted: {number.name}" in said
    assert "left in the account: nothing" in said
    assert said.index("costs less than 10 cents") < said.index("created-pending")


def test_a_signal_is_told_by_its_name_wherever_it_comes(monkeypatch):
    """A signal's name is told even if it comes within the codec that encodes a host's name for a call."""

    def encode(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        return b"", 0

    def find(name):
        return codecs.CodecInfo(encode, encode) if name == "signalling" else None

    codecs.register(find)
    monkeypatch.setattr(command, "lead", lambda run: "x".encode("signalling"))
    run: Any = SimpleNamespace(say=print, pause=None, account=SimpleNamespace(remove=lambda *_: []))
    try:
        ended, left = command.conduct(run, 1)
    finally:
        codecs.unregister(find)
    assert (ended, left) == ("Interrupted: SIGTERM", [])


def test_a_killed_command_is_removed_by_name(make, sandbox, account):
    before = everything(account)
    sandbox.set_transition_seconds(1)
    process = make("AWS=mine", f"CONFIRM={ACCOUNT}")
    assert process.stdout
    while "created-pending" not in process.stdout.readline():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    account.run = next(iter(each for each in everything(account) - before if NAME.fullmatch(each)))
    said = make("AWS=mine", f"CONFIRM={ACCOUNT}", f"REMOVE={account.run}").communicate(timeout=60)[0]
    assert f"Left of {account.run}: nothing" in said
    assert everything(account) == before


# The table and the pages


def test_the_table():
    names = [each.name for each in TABLE]
    assert len(names) == len(set(names))
    for each in TABLE:
        assert (ROOT / each.source).is_file(), each
        assert each.when in PARTS if each.check else each.needs, each
        assert each.belief.endswith("."), each


def test_the_page_has_the_table_as_it_is():
    page = (ROOT / "docs" / "conformance.md").read_text()
    assert page.startswith(command.docs([]).split("## Asked")[0]), "make conformance writes it anew"
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(TABLE)
    for row, each in zip(rows, TABLE, strict=True):
        assert row.startswith(f"| `{each.name}` | {each.belief} <br>"), "make conformance writes it anew"


def test_the_script_is_as_long_as_can_be():
    assert len(config_content()) == 16384


SECRETS = {
    "https://x.notebook.eu-central-1.sagemaker.aws?authToken=ey12": "<url>",
    "authToken=ey12 is it": "authToken=<token> is it",
    "User: arn:aws:sts::123456789012:assumed-role/Admin/alice@example.org is not": "User: <caller> is not",
    "User: arn:aws:iam::123456789012:user/alice is not": "User: <caller> is not",
    "the account 123456789012": "the account <account>",
    "vpc-0123456789abcdef0 and i-01234567": "vpc-… and i-…",
    "key ASIAABCDEFGHIJKLMNOP": "key <key>",
    "x" * 80: "<token>",
    "from 10.1.2.3": "from <address>",
    "datalab-conformance-20261126-203317-ab12-person": "<run>-person",
    "arn:aws:sts::123456789012:assumed-role/datalab-conformance-20261126-203317-ab12/SageMaker": (
        "arn:aws:sts::<account>:assumed-role/<run>/SageMaker"
    ),
}


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_masked(text):
    assert masked(text) == SECRETS[text]


@pytest.mark.parametrize("text", [text for text in SECRETS if SECRETS[text] != text])
def test_no_page_has_a_secret(text):
    results = [Result(TABLE[0], "differs", text, text)]
    for write in (as_markdown, as_json):
        page = write(results, {"ended early": text})
        assert text not in page
        assert page.count(SECRETS[text]) == 3


def test_assumptions_that_were_not_reached_are_in_the_page(account, faulty):
    faulty[1].armed = ("StopNotebookInstance", "before", "error")
    run = conduct(account)[0]
    told = {each["name"]: each["seen"] for each in facts(run.results + unasked(run))}
    assert list(told) == [each.name for each in TABLE]
    assert told["stop-shows"] == "not reached"
    assert told["throttling"] == "needs an account in which nothing else runs"


def test_without_a_right_of_the_profile_nothing_is_asked(account):
    def check(_):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListTags")

    result = ask(Run(account, 0, print), Assumption("x", "x.", "x", "before", check))
    assert result.outcome == "not asked"
    assert result.seen.startswith("the profile may not: ")
