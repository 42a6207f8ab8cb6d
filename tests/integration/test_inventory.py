# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory plugin, as ansible-inventory and ansible-playbook use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox

from .conftest import PlaybookRunner, client, connection, furnish

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGIN = "datalab.notebooks.sagemaker_notebooks"
INSTANCES = 120
SHOW = """
- hosts: type_ml_m5_xlarge
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ ansible_play_hosts | sort | join(' ') }} of {{ sagemaker_owner }}"
      run_once: true
"""

Listed = dict[str, Any]


@pytest.fixture(scope="module")
def many(module_sandbox: Sandbox) -> Sandbox:
    """Provide a sandbox with 120 instances of two teams, three of which have a larger type."""
    sagemaker = client(module_sandbox)
    furnish(module_sandbox, "lab")
    for number in range(INSTANCES):
        team = "research" if number % 2 else "fraud"
        sagemaker.create_notebook_instance(
            NotebookInstanceName=f"lab-{number:03}",
            InstanceType="ml.m5.xlarge" if number < 3 else "ml.t3.medium",
            RoleArn="arn:aws:iam::123456789012:role/lab",
            VolumeSizeInGB=20 + number % 2,
            Tags=[{"Key": "owner", "Value": f"person{number}"}, {"Key": "team", "Value": team}],
        )
    return module_sandbox


@pytest.fixture
def source(many: Sandbox, tmp_path: Path) -> Callable[..., Path]:
    """Provide a function that writes the file of an inventory with these options."""

    def write(**options: Any) -> Path:
        settings = {"plugin": PLUGIN, **connection(many.endpoint), **options}
        path = tmp_path / "test.sagemaker_notebooks.yml"
        path.write_text(json.dumps(settings), encoding="utf-8")
        many.reset_calls()
        return path

    return write


def listed(playbook: PlaybookRunner, path: Path, **environment: str) -> Listed:
    played = playbook.inventory("-i", path, "--list", environment=environment)
    assert played.returncode == 0, str(played)
    # Ansible shows text from outside, which must not be used as a template, in a dictionary with this key.
    found: Listed = json.loads(played.stdout, object_hook=lambda each: each.get("__ansible_unsafe", each))
    return found


def test_pages_are_read_and_nothing_is_described(
    many: Sandbox, playbook: PlaybookRunner, source: Callable[..., Path]
) -> None:
    path = source(keyed_groups=[{"key": "sagemaker_team", "prefix": "team"}], compose={"big": "sagemaker_idle is none"})
    found = listed(playbook, path)
    assert many.calls() == {"sagemaker:ListNotebookInstances": 2, "resourcegroupstaggingapi:GetResources": 2}
    assert len(found["team_fraud"]["hosts"]) == len(found["team_research"]["hosts"]) == INSTANCES // 2
    variables = found["_meta"]["hostvars"]["lab-001"]
    assert (variables["sagemaker_owner"], variables["sagemaker_region"]) == ("person1", "eu-central-1")
    assert variables["sagemaker_url"].startswith("https://lab-001.")
    assert variables["big"] is True
    assert "sagemaker_volume_size_in_gb" not in variables


def test_described_when_asked_for(many: Sandbox, playbook: PlaybookRunner, source: Callable[..., Path]) -> None:
    path = source(describe=True, name_contains="lab-00", tags={"team": "research"}, hostnames=["tag:owner"])
    found = listed(playbook, path)
    assert found["_meta"]["hostvars"]["person9"]["sagemaker_volume_size_in_gb"] == 21
    assert sorted(found["ungrouped"]["hosts"]) == [f"person{number}" for number in (1, 3, 5, 7, 9)]
    assert many.calls()["sagemaker:DescribeNotebookInstance"] == 5


def test_the_cache_spares_all_calls(
    many: Sandbox, playbook: PlaybookRunner, source: Callable[..., Path], tmp_path: Path
) -> None:
    path = source(cache=True, cache_plugin="ansible.builtin.jsonfile", cache_connection=str(tmp_path / "cache"))
    first = listed(playbook, path)
    assert many.calls()
    many.reset_calls()
    assert listed(playbook, path) == first
    assert not many.calls()


def test_a_playbook_uses_the_groups(playbook: PlaybookRunner, source: Callable[..., Path], tmp_path: Path) -> None:
    path = source(keyed_groups=[{"key": "sagemaker_instance_type", "prefix": "type"}])
    show = tmp_path / "show.yml"
    show.write_text(SHOW, encoding="utf-8")
    assert "lab-000 lab-001 lab-002 of person0" in playbook(show, "-i", path, check=True).stdout
    assert '"lab-001 of person1"' in playbook(show, "-i", path, "-l", "lab-001", check=True).stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hostnames": ["owner"]}, "hostnames: owner is not known; give name or tag:<key>"),
        ({"statuses": ["running"]}, "running"),
        ({"endpoint_url": "http://127.0.0.1:9"}, "Could not connect to the endpoint URL"),
    ],
)
def test_mistakes_are_reported(
    playbook: PlaybookRunner, source: Callable[..., Path], options: dict[str, Any], message: str
) -> None:
    unreachable = {"AWS_MAX_ATTEMPTS": "1"}
    played = playbook.inventory("-i", source(**options), "--list", environment=unreachable)
    assert message in played.stderr
    assert not json.loads(played.stdout or "{}").get("_meta", {}).get("hostvars")
