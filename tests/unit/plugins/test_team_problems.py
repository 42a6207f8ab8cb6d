# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said against teams, before anything is asked of AWS."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.filter.team_problems import FilterModule, team_problems

SMALL = {"instance_types": ["ml.t3.medium"]}


def problems(settings: Any, team: str = "research", **more: Any) -> list[str]:
    """What is wrong with one team."""
    given: dict[str, Any] = {"name": "datalab", "data_buckets": ["acme-data", "acme.cards"], **more}
    return team_problems({team: settings}, **given)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        None,
        {"prefixes": [], "databases": []},
        {"prefixes": ["s3://acme-data/research", "s3://acme-data/a b/c=1/", "s3://acme.cards", "s3://acme.cards/"]},
        {"databases": ["research", "my-db_2"], "role_per_person": True},
        {"limits": {**SMALL, "volume_size_in_gb": 20, "query_bytes": 10_000_000}},
        {"limits": {**SMALL, "volume_size_in_gb": "20"}},
    ],
)
def test_nothing_to_complain_about(settings: Any) -> None:
    assert problems(settings) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("s3://acme-data", "prefixes: databases:"),
        ({"prefix": []}, "prefix is not known; did you mean prefixes?"),
        ({"xyz": 1}, "xyz is not known; there are databases, limits, prefixes, role_per_person."),
        ({"prefixes": "s3://acme-data/research"}, "prefixes is Take a list"),
        ({"databases": "research"}, "databases is Take a list"),
        ({"prefixes": ["s3://other/research"]}, "s3://other/research platform_access_data_buckets (acme-data,"),
        ({"prefixes": ["acme-data/research"]}, "prefixes has s3://<bucket>/<folder>"),
        ({"prefixes": ["s3://acme-data/*"]}, "prefixes has without *"),
        ({"prefixes": ["s3://acme-data/${aws:username}"]}, "prefixes has without $"),
        ({"prefixes": ["s3://acme-data//research"]}, "prefixes has empty folders"),
        ({"prefixes": ["s3://acme-data/research\n"]}, "prefixes has"),
        ({"prefixes": ["s3://acme-data/research//"]}, "prefixes has empty folders"),
        ({"prefixes": ["s3://Acme/research"]}, "prefixes has"),
        ({"prefixes": [{"bucket": "acme-data"}]}, "prefixes has"),
        ({"databases": ["*"]}, "databases has '*' one database"),
        ({"databases": [7]}, "databases has 7"),
        ({"databases": ["a/b"]}, "databases has 'a/b'"),
        ({"limits": None}, "limits is None instance_types"),
        ({"limits": {}}, "limits has no instance_types such as [ml.t3.medium]"),
        ({"limits": {"instance_types": "ml.t3.medium"}}, "limits has no instance_types"),
        ({"limits": {"instance_types": ["ml.t3.mediun"]}}, "'ml.t3.mediun' did you mean ml.t3.medium?"),
        ({"limits": {"instance_types": ["x"]}}, "'x' upgrade botocore"),
        ({"limits": {**SMALL, "volume_size": 20}}, "limits: volume_size is not known; did you mean volume_size_in_gb?"),
        ({"limits": {**SMALL, "volume_size_in_gb": 4}}, "limits: volume_size_in_gb is 4. a number, 5 or more"),
        ({"limits": {**SMALL, "query_bytes": "10 GB"}}, "limits: query_bytes is '10 GB'. 10,000,000 or more"),
    ],
)
def test_a_mistake_is_one_sentence_with_team_and_remedy(settings: Any, words: str) -> None:
    said = problems(settings)
    assert len(said) == 1
    assert said[0].startswith("platform_access_teams: research: ")
    assert [word for word in words.split() if word not in said[0]] == []


def test_all_mistakes_are_told_at_once() -> None:
    settings = {"prefixes": ["s3://other/a", "x"], "databases": ["*"], "limits": {"types": []}}
    assert len(problems(settings)) == 5


@pytest.mark.parametrize("team", ["my team", "-x", "a/b", "a*", "ümlaut", "a\n"])
def test_names_of_teams_become_names_of_roles_and_workgroups(team: str) -> None:
    assert "cannot be part of the name" in problems({}, team)[0]


def test_the_name_of_the_platform_as_well() -> None:
    assert problems({}, name="my platform") == ["platform_access_name is 'my platform'. Take letters, digits and ._-"]


def test_names_are_not_too_long() -> None:
    assert problems({}, "x" * 49) == []  # datalab-people-…: 64
    assert "has over 64 characters. Shorten it." in problems({}, "x" * 50)[0]


@pytest.mark.parametrize(("one", "other"), [("Research", "research"), ("viewer", "x"), ("boundary", "x")])
def test_no_name_is_used_twice(one: str, other: str) -> None:
    said = team_problems({one: {}, other: {}}, name="datalab", data_buckets=[])
    assert [text for text in said if "would have one name in IAM. Rename a team." in text]


def test_a_person_is_not_called_like_a_team() -> None:
    teams = {"fraud": {"role_per_person": True}, "fraud-erin": {}}
    people = [{"name": "erin", "team": "fraud", "instance": "datalab-erin"}]
    (said,) = team_problems(teams, name="datalab", data_buckets=[], people=people)
    assert said == ("platform_access_teams: the team fraud-erin and erin would have one name in IAM. Rename a team.")


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ({"team": "reserch"}, "erin: the team 'reserch' is not in platform_access_teams; did you mean research?"),
        ({"team": "x"}, "erin: the team 'x' is not in platform_access_teams; there are fraud, research."),
        ({"name": "e rin"}, "e rin: IAM takes no role 'datalab-fraud-e rin'"),
        ({"name": "e" * 60}, "64 at most"),
        ({"instance": "datalab-Erin"}, "erin: the instance is 'datalab-Erin'. A role of one's own names the instance"),
    ],
)
def test_people_have_a_team_and_a_name_that_iam_takes(person: dict[str, str], says: str) -> None:
    teams = {"fraud": {"role_per_person": True}, "research": {}}
    erin = {"name": "erin", "team": "fraud", "instance": "datalab-erin"}
    assert team_problems(teams, name="datalab", data_buckets=[], people=[erin]) == []
    (said,) = team_problems(teams, name="datalab", data_buckets=[], people=[{**erin, **person}])
    assert says in said


def test_without_a_role_per_person_names_do_not_matter() -> None:
    people = [{"name": "e rin", "team": "research", "instance": "Datalab-Erin"}]
    assert problems({}, people=people) == []


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"team_problems": team_problems}
