# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lead one instance through its life; in each phase, run the functions of the table for that phase."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .account import INSTANCE_TYPE, LOG_GROUP, Account, policy, sagemaker_trust
from .jupyter import Session
from .table import IMAGE, MACHINE, RIGHTS, TABLE, Assumption, Seen

NEW_SIZE = 6  # GB; the default is 5
SCRIPT_BYTES = 12288  # 16,384 characters in base64, which is AWS's limit
ASK_SECONDS = 15 * 60  # at the latest then the last stop begins, so that time is left for the removal
LAST_START_SECONDS = 10 * 60
ROLE_SECONDS = 60  # until SageMaker can assume a new role
LATE_SECONDS = 180  # until Jupyter has started and the late report is there
DENIED = ("AccessDenied", "UnauthorizedOperation")
Say = Callable[[str], None]


@cache
def config_content() -> str:
    """Return the on-start script in base64, padded to AWS's limit."""
    script = Path(__file__).with_name("probe.sh").read_bytes()
    return base64.b64encode(script + b"#" * (SCRIPT_BYTES - len(script) - 1) + b"\n").decode()


class TimeIsUpError(Exception):
    """A wait, or the whole run, has taken as long as it may."""


@dataclass(frozen=True)
class Result:
    """The outcome of an assumption."""

    assumption: Assumption
    outcome: str  # holds, differs, not asked
    seen: str
    measured: str = ""


@dataclass
class Run:
    """A run, and the data that its phases keep for later ones."""

    account: Account
    pause: float  # seconds between two reads
    say: Say
    results: list[Result] = field(default_factory=list)
    has: set[str] = field(default_factory=set)
    times: dict[str, datetime] = field(default_factory=dict)  # LastModifiedTime, by the phase of the run
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)  # of the probe, by keys such as "first early"
    trust_refused: str = ""
    began: float = field(default_factory=time.monotonic)
    subnet: tuple[str, str] = ("", "")
    session: Session | None = None

    @property
    def name(self) -> str:
        return self.account.run

    # For the functions of the table

    def describe(self) -> dict[str, Any]:
        """Describe the instance, which must exist."""
        described = self.account.describe()
        if described is None:
            raise LookupError("The instance is gone.")
        return described

    def status(self) -> str:
        return str(self.describe()["NotebookInstanceStatus"])

    def modified(self) -> datetime:
        time: datetime = self.describe()["LastModifiedTime"]
        return time

    def has_moved(self, since: str) -> Seen:
        """Check that LastModifiedTime has changed since an earlier phase."""
        moved = self.modified() > self.times[since]
        return Seen(moved, "moved" if moved else "left alone")

    def summary(self) -> dict[str, Any] | None:
        """Return the instance as ListNotebookInstances shows it, or None."""
        listed = self.account.sagemaker.list_notebook_instances(NameContains=self.name)["NotebookInstances"]
        return next((each for each in listed if each["NotebookInstanceName"] == self.name), None)

    def wanted(self) -> dict[str, Any]:
        """Return the parameters of CreateNotebookInstance."""
        subnet, group = self.subnet
        return {
            "NotebookInstanceName": self.name,
            "InstanceType": INSTANCE_TYPE,
            "RoleArn": self.account.role_arn(self.name),
            "LifecycleConfigName": self.name,
            "SubnetId": subnet,
            "SecurityGroupIds": [group],
            "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
            "Tags": self.account.tags,
        }

    def config(self) -> dict[str, Any]:
        described: dict[str, Any] = self.account.sagemaker.describe_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName=self.name
        )
        return described

    def update_config(self, **scripts: Any) -> None:
        self.account.sagemaker.update_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName=self.name, **scripts
        )

    def url(self) -> str:
        """Create a presigned URL, which is a secret."""
        answer = self.account.sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=self.name)
        return str(answer["AuthorizedUrl"])

    def as_person(self) -> Any:
        """Return a client of SageMaker with the rights of the person."""
        account = self.account
        sts = account.session.client("sts", endpoint_url=account.endpoint)
        keys = sts.assume_role(RoleArn=account.role_arn(account.person), RoleSessionName="conformance")["Credentials"]
        session = boto3.Session(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=account.region
        )
        return session.client("sagemaker", endpoint_url=account.endpoint)

    def starts_within(self, seconds: float) -> Seen:
        """Check that the instance shows a start within this many seconds."""
        began = time.monotonic()
        while (after := time.monotonic() - began) < seconds:
            if (status := self.status()) != "Stopped":
                return Seen(status in {"Pending", "InService"}, status, f"after {after:.1f} s")
            time.sleep(self.pause)
        return Seen(False, self.status())

    # Waiting

    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def until(self, what: str, ready: Callable[[], Any], seconds: float = ASK_SECONDS) -> Any:
        """Wait until `ready` returns something, and return it; print a line every half minute."""
        deadline, tell = self.elapsed() + seconds, self.elapsed() + 30
        while not (result := ready()):
            if self.elapsed() > min(deadline, ASK_SECONDS):
                raise TimeIsUpError(f"{what}: not within {seconds:.0f} s, or {ASK_SECONDS // 60} minutes of the run")
            if self.elapsed() > tell:
                self.say(f"waits: {what}")
                tell += 30
            time.sleep(self.pause)
        return result

    def wait(self, status: str) -> None:
        """Wait until the instance has this status; raise an error if it is Failed."""

        def arrived() -> bool:
            described = self.describe()
            if described["NotebookInstanceStatus"] == "Failed":
                raise RuntimeError(f"The instance is Failed: {described.get('FailureReason')}")
            if (described["NotebookInstanceStatus"], status) == ("InService", "Stopped"):
                self.stopping()  # a test that expects the refusal of a start has started it
            return bool(described["NotebookInstanceStatus"] == status)

        self.until(f"until the instance is {status}", arrived)

    # The phases of the instance's life

    def before(self) -> None:
        """Make roles, a network, the lifecycle configuration and the group of logs."""
        if left := self.account.left():
            raise RuntimeError(f"The name {self.name} is taken: {', '.join(left)}")
        self.account.make_roles()
        self.subnet = self.account.make_network()
        self.account.make_log_group()
        self.account.sagemaker.create_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName=self.name,
            OnStart=[{"Content": config_content()}],
            Tags=self.account.tags,
        )

    def pending(self) -> None:
        """Create the instance. A new role is not known everywhere at once."""

        def created() -> bool:
            try:
                self.account.sagemaker.create_notebook_instance(**self.wanted())
            except ClientError as error:
                if "assume" not in str(error):
                    raise
                return False
            return True

        self.until("until SageMaker can take the new role on", created, ROLE_SECONDS)

    def running(self) -> None:
        """Wait until it runs, which takes AWS about five minutes."""
        self.wait("InService")
        self.times["running"] = self.modified()
        self._look_inside("first")

    def stopping(self) -> None:
        """Stop it as the console does."""
        self.account.sagemaker.stop_notebook_instance(NotebookInstanceName=self.name)

    def stopped(self) -> None:
        """Wait until it is stopped; let its role be taken on for this instance only."""
        self.wait("Stopped")
        self.times["stopped"] = self.modified()
        condition = {"ArnLike": {"aws:SourceArn": self.account.instance_arn}}
        self._set_trust(Condition=condition)

    def updating(self) -> None:
        """Ask for a larger volume."""
        self.account.sagemaker.update_notebook_instance(NotebookInstanceName=self.name, VolumeSizeInGB=NEW_SIZE)

    def updated(self) -> None:
        """Wait until it has that."""
        self.wait("Stopped")
        self.times["updated"] = self.modified()

    def starting(self) -> None:
        """Start it again."""
        if self.elapsed() > LAST_START_SECONDS:
            raise TimeIsUpError("A second start would take longer than there is time.")
        if self.status() == "Stopped":  # otherwise the person has started it
            try:
                self._start()
            except ClientError as error:
                self._without_trust(str(error))

    def running_again(self) -> None:
        """Wait until it runs again."""
        try:
            self.wait("InService")
        except RuntimeError as error:
            self._without_trust(str(error))
            self.wait("InService")
        self._look_inside("second")

    def deleting(self) -> None:
        """Stop and delete it."""
        self.account.sagemaker.stop_notebook_instance(NotebookInstanceName=self.name)
        self.wait("Stopped")
        self.account.sagemaker.delete_notebook_instance(NotebookInstanceName=self.name)

    def gone(self) -> None:
        """Wait until it is gone."""
        self.until("until the instance is gone", lambda: self.account.describe() is None)

    def _start(self) -> None:
        self.account.sagemaker.start_notebook_instance(NotebookInstanceName=self.name)

    def _set_trust(self, **condition: Any) -> None:
        trust = policy(sagemaker_trust(**condition))
        self.account.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=trust)

    def _without_trust(self, reason: str) -> None:
        """Let SageMaker assume the role for any instance again, and start this one; raise an error the second time."""
        if self.trust_refused:
            raise RuntimeError(reason)
        self.trust_refused = reason
        self._set_trust()
        self.until("until the start is accepted", self._is_started, ROLE_SECONDS)

    def _is_started(self) -> bool:
        try:
            self._start()
        except ClientError:
            return False
        return True

    def _look_inside(self, which: str) -> None:
        """Read the probe's reports of this start, by Jupyter or the log, if the instance has a machine."""
        url = self.url()
        self.has = {MACHINE, IMAGE, RIGHTS} if self.account.is_aws else {MACHINE} if ".localhost" in url else set()
        if MACHINE not in self.has:
            return
        try:
            self.session = Session(url)
        except OSError as error:
            self.say(f"the presigned URL did not open: {type(error).__name__}")
        for part in ("early", "late"):
            what = f"until the instance has reported ({which} start, {part})"
            with suppress(TimeIsUpError):
                self.reports[f"{which} {part}"] = self.until(what, partial(self._report, which, part), LATE_SECONDS)

    def _report(self, which: str, part: str) -> dict[str, Any] | None:
        """Return a report of the probe, read by Jupyter or else from the log; None if there is none yet."""
        name = f"conformance-{which}-{part}"
        if self.session and (report := self.session.report(f"{name}.json")):
            return report
        lines = self.logged("LifecycleConfigOnStart").splitlines()
        return next((json.loads(line.removeprefix(name)) for line in lines if line.startswith(name)), None)

    def logged(self, stream: str) -> str:
        """Return the text of a log stream of the instance; an empty one if the stream does not exist."""
        if f"{self.name}/{stream}" not in self.account.streams():
            return ""
        events = self.account.logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=f"{self.name}/{stream}", startFromHead=True
        )["events"]
        return "\n".join(event["message"] for event in events)


PARTS: dict[str, Callable[[Run], None]] = {
    "before": Run.before,
    "pending": Run.pending,
    "running": Run.running,
    "stopping": Run.stopping,
    "stopped": Run.stopped,
    "updating": Run.updating,
    "updated": Run.updated,
    "starting": Run.starting,
    "running again": Run.running_again,
    "deleting": Run.deleting,
    "gone": Run.gone,
}


def ask(run: Run, assumption: Assumption) -> Result:
    """Test an assumption; an error of AWS is a result, too."""
    if assumption.needs and assumption.needs not in run.has:
        return Result(assumption, "not asked", f"needs {assumption.needs}")
    assert assumption.check is not None
    try:
        seen = assumption.check(run)
    except (ClientError, BotoCoreError, LookupError, OSError, json.JSONDecodeError) as error:
        if any(code in str(error) for code in DENIED):
            return Result(assumption, "not asked", f"the profile may not: {error}")
        return Result(assumption, "differs", f"{type(error).__name__}: {error}")
    return Result(
        assumption, {True: "holds", False: "differs", None: "not asked"}[seen.holds], seen.text, seen.measured
    )


def unasked(run: Run) -> list[Result]:
    """Return the assumptions that no phase of the run has tested, with the reason."""
    asked = {result.assumption.name for result in run.results}
    rest = [each for each in TABLE if each.name not in asked]
    return [Result(each, "not asked", "not reached" if each.check else f"needs {each.needs}") for each in rest]


def lead(run: Run) -> None:
    """Lead the instance through its life, and test the assumptions of each phase."""
    for part, bring in PARTS.items():
        run.say(f"==> {(bring.__doc__ or '').split('.', maxsplit=1)[0]}")
        bring(run)
        for assumption in TABLE:
            if assumption.when == part:
                run.results.append(ask(run, assumption))
                run.say(f"    {run.results[-1].outcome:<9} {assumption.name}")
