# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory plugin: every call, and the hosts that it creates from the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.inventory.sagemaker_notebooks import host_name, read_instances
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import VERIFIED_TAG
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import answer, arn_of, summary

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

pytestmark = pytest.mark.usefixtures("one_at_a_time")

KIND = {"ResourceTypeFilters": ["sagemaker:notebook-instance"], "ResourcesPerPage": 100}


def lists(sagemaker: Script, *summaries: dict[str, Any], **filters: str) -> None:
    sagemaker.call("list_notebook_instances", {"MaxResults": 100, **filters}, {"NotebookInstances": list(summaries)})


def has_tags(tagging: Script, tags: dict[str, dict[str, str]], **filters: Any) -> None:
    mappings = [
        {"ResourceARN": arn_of(name), "Tags": [{"Key": key, "Value": value} for key, value in has.items()]}
        for name, has in tags.items()
    ]
    tagging.call("get_resources", {**KIND, **filters}, {"ResourceTagMappingList": mappings})


def read(sagemaker: Script, tagging: Script, **options: Any) -> list[dict[str, Any]]:
    nothing: dict[str, Any] = {"statuses": [], "name_contains": None, "tags": {}, "describe": False}
    return read_instances(sagemaker.client, tagging.client, **{**nothing, **options})


def test_lists_everything_with_its_tags(sagemaker: Script, tagging: Script) -> None:
    lists(sagemaker, summary("a", Url="a.notebook.aws"), summary("b"))
    has_tags(tagging, {"a": {"owner": "alice", "idle": "7200", VERIFIED_TAG: "x"}})
    first, second = read(sagemaker, tagging)
    assert first["tags"] == {"owner": "alice", "idle": "7200"}
    assert (first["owner"], first["team"], first["idle"], first["url"]) == (
        "alice",
        None,
        "7200",
        "https://a.notebook.aws",
    )
    assert (second["notebook_instance_name"], second["tags"], second["owner"]) == ("b", {}, None)
    assert second["instance_type"] == "ml.t3.medium"


def test_one_state_and_a_part_of_the_name_are_asked_of_aws(sagemaker: Script, tagging: Script) -> None:
    lists(sagemaker, summary("lab-a"), StatusEquals="InService", NameContains="lab")
    has_tags(tagging, {})
    assert len(read(sagemaker, tagging, statuses=["InService"], name_contains="lab")) == 1


def test_several_states_are_picked_from_the_list(sagemaker: Script, tagging: Script) -> None:
    states = ["Stopped", "InService", "Failed"]
    lists(sagemaker, *(summary(state, NotebookInstanceStatus=state) for state in states))
    has_tags(tagging, {})
    found = read(sagemaker, tagging, statuses=["Stopped", "Failed"])
    assert [each["notebook_instance_name"] for each in found] == ["Stopped", "Failed"]


def test_tags_are_asked_of_aws(sagemaker: Script, tagging: Script) -> None:
    lists(sagemaker, summary("a"), summary("b"))
    filters = [{"Key": "team", "Values": ["research"]}, {"Key": "year", "Values": ["2025", "2026"]}]
    has_tags(tagging, {"b": {"team": "research", "year": "2026"}}, TagFilters=filters)
    found = read(sagemaker, tagging, tags={"team": "research", "year": [2025, 2026]})
    assert [each["notebook_instance_name"] for each in found] == ["b"]


def test_describes_what_passes_only(sagemaker: Script, tagging: Script) -> None:
    lists(sagemaker, summary("a"), summary("b"), summary("c"))
    has_tags(
        tagging, {"b": {"team": "research"}, "c": {"team": "research"}}, TagFilters=[{"Key": "team", "Values": []}]
    )
    sagemaker.call("describe_notebook_instance", {"NotebookInstanceName": "b"}, answer("b", VolumeSizeInGB=50))
    sagemaker.looks(None, name="c")  # deleted meanwhile
    (only,) = read(sagemaker, tagging, tags={"team": []}, describe=True)
    assert (only["volume_size_in_gb"], only["team"]) == (50, "research")


@pytest.mark.parametrize(
    ("preferences", "name"),
    [
        (["name"], "lab"),
        (["tag:owner"], "alice"),
        (["tag:nobody", "tag:owner", "name"], "alice"),
        (["tag:nobody"], "lab"),
        ([], "lab"),
    ],
)
def test_the_name_of_a_host(preferences: list[str], name: str) -> None:
    assert host_name({"notebook_instance_name": "lab", "tags": {"owner": "alice"}}, preferences) == name
