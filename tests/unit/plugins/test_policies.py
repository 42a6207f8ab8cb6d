# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inputs of the policies: names, ids and keys. What they allow is proved in tests/policies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.access import NETWORK, offline_platform
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import lowered, render_policies
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import instance_name

from .access import PEOPLE, SETTINGS

PLUGINS = Path(__file__).parents[3] / "plugins"
KEY = "arn:aws:kms:eu-central-1:000000000000:key/0a"


def statements(policy: str, people: Any = PEOPLE, *, results_key: str = "", **more: Any) -> dict[str, Any]:
    """Return the statements of a policy, by their ids."""
    platform = offline_platform(
        {**SETTINGS, **more},
        people=people,
        viewers={"viewer": "datalab-viewer"},
        instance_prefix="datalab",
        results_key=results_key,
    )
    (document,) = (each.document for each in render_policies(platform) if each.name == policy)
    found = {each["Sid"]: each for each in document["Statement"]}
    assert len(found) == len(document["Statement"])  # IAM accepts each id only once
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alice", "datalab-alice"),
        ("zoe@example.com", "datalab-zoe-example-com"),
        ("${aws:username}", "datalab-${aws:username}"),
        ("${aws:PrincipalTag/Owner}@Example.com", "datalab-${aws:PrincipalTag/Owner}-Example-com"),
        ("$", "datalab"),
        ("${a b}", "datalab-a-b"),
    ],
)
def test_names_of_instances_and_of_policies_follow_one_function(name: str, expected: str) -> None:
    assert instance_name("datalab", name) == expected


def test_arns_are_lower_case_and_policy_variables_are_not() -> None:
    assert lowered("Data-${aws:PrincipalTag/Owner}-Example$X") == "data-${aws:PrincipalTag/Owner}-example$x"


def test_a_person_creates_the_instance_that_the_fleet_would() -> None:
    who = "${aws:PrincipalTag/Owner}@Example.com"
    create = statements("datalab-people-interns", person=who)["CreateSmall"]
    assert create["Resource"].endswith(":notebook-instance/datalab-${aws:PrincipalTag/Owner}-example-com")
    assert create["Condition"]["StringEquals"]["aws:RequestTag/owner"] == who


@pytest.mark.parametrize(
    "variables",
    [
        {"subnet_id": "subnet-*"},
        {"security_group_ids": ["*"]},
        {"role_arn": "*"},
        {"role_arn": "arn:aws:iam::123456789012:role/*"},
        {"kms_key_id": "*"},
        {"kms_key_id": "arn:aws:kms:eu-central-1:123456789012:key/*"},
        {"instance": "*"},
        {"instance": "datalab?"},
        {"lifecycle_config": "*"},
    ],
    ids=str,
)
@pytest.mark.parametrize("team", ["research", "interns"])
def test_no_variable_of_a_person_widens_a_policy(variables: dict[str, Any], team: str) -> None:
    person = {**PEOPLE[0], "team": team}
    sound = statements(f"datalab-people-{team}", [person])
    found = statements(f"datalab-people-{team}", [{**person, **variables}])
    assert found.keys() == sound.keys()
    for sid, statement in found.items():
        assert statement["Resource"] == sound[sid]["Resource"]
        arns = [each.get("Condition", {}).get("ForAllValues:ArnLike") for each in (statement, sound[sid])]
        assert arns[0] == arns[1]


@pytest.mark.parametrize(
    ("key", "arns", "aliases"),
    [
        (KEY, [KEY], None),
        ("0a", [KEY.replace("eu-central-1", "*")], None),
        ("alias/x", ["arn:aws:kms:*:000000000000:key/*"], ["alias/x"]),
        (KEY.replace("key/0a", "alias/x"), ["arn:aws:kms:*:000000000000:key/*"], ["alias/x"]),
    ],
)
def test_a_key_by_its_id_arn_or_alias(key: str, arns: list[str], aliases: list[str] | None) -> None:
    people = statements("datalab-people-research", [{**PEOPLE[0], "kms_key_id": key}])
    instances = statements("datalab-research", results_key=key)
    for statement in (
        people["VolumeKeysDescribeKey1"],
        people["VolumeKeysCreateGrant1"],
        instances["BucketKeys1"],
        statements("datalab-research", kms_keys=[key])["BucketKeys1"],
    ):
        assert statement["Resource"] == arns
        of_aliases = statement.get("Condition", {}).get("ForAnyValue:StringEquals", {})
        assert of_aliases.get("kms:ResourceAliases") == aliases


def test_people_join_the_platforms_network_and_that_of_their_instances() -> None:
    of_alice = {"subnet_id": "subnet-0a", "security_group_ids": ["sg-0a", "sg-0b"]}
    join = statements("datalab-people-research", [PEOPLE[0] | of_alice])["JoinNetwork"]
    others = statements("datalab-people-research", [PEOPLE[0], PEOPLE[1] | of_alice])["JoinNetwork"]
    subnets, group = NETWORK["subnet_ids"], NETWORK["instances_security_group"]
    assert _ids(join) == ["*", *subnets, "subnet-0a", group, "sg-0a", "sg-0b"]
    assert _ids(others) == ["*", *subnets, group]


def _ids(statement: dict[str, Any]) -> list[str]:
    return [arn.rpartition("/")[2] for arn in statement["Resource"]]


def test_people_keep_their_hands_off_every_mark_of_an_instance() -> None:
    source = "".join(file.read_text() for file in (PLUGINS / "module_utils" / "sagemaker").glob("*.py"))
    marks = set(re.findall(r'"(datalab:\w+)"', source))
    keys = statements("datalab-people-research")["KeepTags"]["Condition"]["ForAnyValue:StringEqualsIgnoreCase"]
    assert marks
    assert marks <= set(keys["aws:TagKeys"])
