# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said against policies, before anything is asked of AWS."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.filter.policy_problems import FilterModule, policy_problems


def policy(name: str, *actions: Any, **more: Any) -> dict[str, Any]:
    """A policy that allows these actions, one statement for each."""
    statements = [{"Effect": "Allow", "Action": action, "Resource": "*"} for action in actions]
    return {"name": name, "bounded": True, "document": {"Version": "2012-10-17", "Statement": statements, **more}}


def problems(*policies: dict[str, Any], actions: list[str]) -> list[str]:
    """What is wrong with policies within a boundary."""
    return policy_problems(policies, boundary_actions=actions)


@pytest.mark.parametrize("actions", [["s3:GetObject", "glue:GetTable"], ["S3:get*", "glue:*"], ["*"]])
def test_a_boundary_that_leaves_all_that_is_needed(actions: list[str]) -> None:
    assert problems(policy("datalab-research", "s3:GetObject", ["glue:GetTable"]), actions=actions) == []


def test_a_boundary_that_would_lock_the_platform_out() -> None:
    needed = policy("datalab-research", "s3:GetObject", ["sagemaker:StopNotebookInstance", "glue:GetTable"])
    (said,) = problems(needed, policy("datalab-x", "glue:GetTable"), actions=["glue:Get*"])
    assert said == (
        "platform_access_boundary_actions lacks s3:GetObject, sagemaker:StopNotebookInstance, which datalab-research"
        " needs: with this boundary the platform would be locked out. Add them."
    )


def test_people_have_no_boundary() -> None:
    of_people = {**policy("datalab-people-research", "iam:PassRole"), "bounded": False}
    assert problems(of_people, actions=[]) == []


ROOM = 6144 - len('{"Version":"2012-10-17","Statement":[],"Id":""}')


def test_white_space_does_not_count() -> None:
    assert problems(policy("datalab-research", Id="x" * ROOM + " " * 100), actions=[]) == []


def test_a_policy_that_is_too_long() -> None:
    assert problems(policy("datalab-research", Id="x" * ROOM), actions=[]) == []
    (said,) = problems(policy("datalab-research", Id="x" * (ROOM + 1)), actions=[])
    assert said.startswith("The policy datalab-research has 6,145 characters, AWS takes 6,144. Shorten")
    assert "platform_access_teams" in said


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"policy_problems": policy_problems}
