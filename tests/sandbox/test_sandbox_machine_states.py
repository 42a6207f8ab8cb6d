# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The states of an instance when its machine, not the clock, decides how long they last."""

from __future__ import annotations

from concurrent.futures import Future
from unittest.mock import Mock

import pytest
from moto.logs.models import logs_backends

from sandbox.machines import Settings
from sandbox.services import sagemaker
from sandbox.services.sagemaker import power
from sandbox.services.sagemaker.backend import NotebookBackend
from sandbox.services.sagemaker.models import NotebookInstance


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Future[str]]]:
    """Return a list of the requests to machines, each with the future of its answer."""
    sagemaker.install(transition_seconds=0)
    jobs: list[tuple[str, Future[str]]] = []

    def begin(_instance: NotebookInstance, status: str) -> Future[str] | None:
        if status == "Updating":
            return None
        jobs.append((status, Future()))
        return jobs[-1][1]

    monkeypatch.setattr(NotebookInstance, "begin", staticmethod(begin))
    return jobs


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> NotebookBackend:
    monkeypatch.setattr("sandbox.services.sagemaker.backend.check_role", lambda *_: None)
    made = NotebookBackend("eu-central-1", "123456789012")
    made.create_notebook_instance("alice", "ml.t3.medium", "arn:aws:iam::123456789012:role/x")
    return made


def status(backend: NotebookBackend) -> str:
    return backend.get_notebook_instance("alice").status


def test_whole_life(begun: list[tuple[str, Future[str]]], backend: NotebookBackend) -> None:
    moves = [
        ("Pending", "InService", backend.stop_notebook_instance),
        ("Stopping", "Stopped", backend.start_notebook_instance),
        ("Pending", "InService", backend.stop_notebook_instance),
        ("Stopping", "Stopped", backend.delete_notebook_instance),
    ]
    for passing, reached, act in moves:
        assert status(backend) == passing
        assert begun[-1][0] == passing
        begun[-1][1].set_result("")
        assert status(backend) == reached
        act("alice")
    assert status(backend) == "Deleting"
    begun[-1][1].set_result("")
    with pytest.raises(Exception, match="RecordNotFound"):
        status(backend)


def test_reason_of_a_failure(begun: list[tuple[str, Future[str]]], backend: NotebookBackend) -> None:
    begun[-1][1].set_result("It took longer than 5 minutes.")
    described = backend.get_notebook_instance("alice").to_dict()
    assert described["NotebookInstanceStatus"] == "Failed"
    assert described["FailureReason"] == "It took longer than 5 minutes."
    backend.start_notebook_instance("alice")
    begun[-1][1].set_result("")
    described = backend.get_notebook_instance("alice").to_dict()
    assert (described["NotebookInstanceStatus"], described["FailureReason"]) == ("InService", None)


def test_machine_that_ends_by_itself(
    begun: list[tuple[str, Future[str]]], backend: NotebookBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = {"alice": ""}
    monkeypatch.setattr(NotebookInstance, "ended", staticmethod(lambda instance: ended[instance.name]))
    begun[-1][1].set_result("")
    assert status(backend) == "InService"
    ended["alice"] = "It was killed."
    described = backend.get_notebook_instance("alice").to_dict()
    assert (described["NotebookInstanceStatus"], described["FailureReason"]) == ("Failed", "It was killed.")
    assert [change.status for change in backend.changes] == ["Pending", "InService", "Failed"]
    backend.start_notebook_instance("alice")
    assert status(backend) == "Pending"  # while it starts or stops, an ended machine is no failure


def test_update_needs_no_machine(begun: list[tuple[str, Future[str]]], backend: NotebookBackend) -> None:
    begun[-1][1].set_result("")
    backend.stop_notebook_instance("alice")
    begun[-1][1].set_result("")
    backend.update_notebook_instance("alice", {"instance_type": "ml.t3.large"}, [])
    assert status(backend) == "Stopped"
    assert [asked for asked, _ in begun] == ["Pending", "Stopping"]


@pytest.mark.parametrize("is_up", [False, True])
def test_end_of_the_server_while_it_runs(
    begun: list[tuple[str, Future[str]]], backend: NotebookBackend, is_up: bool
) -> None:
    if is_up:
        begun[-1][1].set_result("")
        assert status(backend) == "InService"
    backend.get_notebook_instance("alice").switch_off()
    assert status(backend) == "Stopped"
    assert [change.status for change in backend.changes][-2:] == ["Stopping", "Stopped"]
    assert [asked for asked, _ in begun] == ["Pending"]  # no stop: the server ends all machines at once


def test_end_of_the_server_changes_nothing_else(begun: list[tuple[str, Future[str]]], backend: NotebookBackend) -> None:
    begun[-1][1].set_result("It was killed.")
    assert status(backend) == "Failed"
    backend.get_notebook_instance("alice").switch_off()
    described = backend.get_notebook_instance("alice").to_dict()
    assert (described["NotebookInstanceStatus"], described["FailureReason"]) == ("Failed", "It was killed.")


def test_deletion_goes_on_with_the_next_server(begun: list[tuple[str, Future[str]]], backend: NotebookBackend) -> None:
    begun[-1][1].set_result("It was killed.")
    backend.delete_notebook_instance("alice")
    instance = backend.get_notebook_instance("alice")
    instance.switch_off()
    kept = instance.__getstate__()
    assert "_job" not in kept
    vars(instance).clear()
    vars(instance).update(kept)
    instance.resume()
    assert [asked for asked, _ in begun] == ["Pending", "Deleting", "Deleting"]
    assert status(backend) == "Deleting"


@pytest.mark.parametrize(
    ("account", "region", "has_machine"),
    [
        ("123456789012", "eu-central-1", True),
        ("123456789012", "eu-west-1", False),
        ("210987654321", "eu-central-1", False),
    ],
)
def test_instances_of_other_places_have_no_machines(account: str, region: str, has_machine: bool) -> None:
    arn = f"arn:aws:sagemaker:{region}:{account}:notebook-instance/alice"
    assert power._has_machine(Mock(arn=arn)) is has_machine


def test_settings_survive_the_command_line() -> None:
    settings = Settings("image", links={"8080": "/run/x.sock"})
    assert Settings.from_json(settings.to_json()) == settings


def test_output_of_scripts_is_where_aws_has_it() -> None:
    logs = logs_backends[power.ACCOUNT][power.REGION]
    for text in ("before it fails\nno such file\n", "", "again\n"):
        power._log("alice", "on-start", text)
    events = logs.groups["/aws/sagemaker/NotebookInstances"].streams["alice/LifecycleConfigOnStart"].events
    assert [event.message for event in events] == ["before it fails", "no such file", "again"]
