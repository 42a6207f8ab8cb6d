# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in the settings of the role platform_access, before any call to AWS."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks import access
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import Policy, render_policies
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import shown
from ansible_collections.datalab.notebooks.plugins.plugin_utils.teams import normalised_teams, team_names

from .access import DEFAULTS, PEOPLE, SETTINGS

SMALL = {"instance_types": ["ml.t3.medium"]}
BUCKETS = ["acme-data", "acme.cards"]
VIEWERS = {"viewer": "datalab-viewer"}
ERIN = {"name": "erin", "team": "fraud", "instance": "datalab-erin"}


def problems(
    people: Any = (), viewers: Any = VIEWERS, made_bucket: str = "", *, has_own_configs: bool = False, **more: Any
) -> list[str]:
    """The mistakes in these settings, with defaults for all others."""
    given_settings = {**DEFAULTS, "data_buckets": BUCKETS, **more}
    return list(
        access.problems(
            given_settings,
            people=people,
            viewers=viewers,
            instance_prefix="datalab",
            results_bucket=made_bucket,
            has_own_configs=has_own_configs,
        )
    )


def of_team(team_settings: Any, team: Any = "research") -> list[str]:
    return problems(teams={team: team_settings})


def test_results_expire_where_no_data_is() -> None:
    (said,) = problems(made_bucket="acme-data")
    assert said.startswith("platform_storage_results_bucket is acme-data, one of platform_access_data_buckets")
    assert problems(made_bucket="acme-data", results_bucket="acme-data") == [], "it is made elsewhere, and left alone"


def test_nothing_is_wrong_with_a_platform() -> None:
    assert problems() == []
    assert problems(PEOPLE, **{**SETTINGS, "tags": {"project": "datalab", "Of": "x", "n": "7"}}) == []
    assert problems(viewers={}) == []


@pytest.mark.parametrize(
    "team_settings",
    [
        {},
        None,
        {"prefixes": [], "databases": []},
        {"prefixes": ["s3://acme-data/research", "s3://acme-data/a b/c=1/", "s3://acme.cards", "s3://acme.cards/"]},
        {"prefixes": ['s3://acme-data/"quoted"', "s3://acme-data/back\\slash", "s3://acme-data/ü"]},
        {"databases": ["research", "my-db_2"], "role_per_person": True},
        {"role_per_person": "yes"},
        {"limits": {**SMALL, "volume_size_in_gb": 20, "query_bytes": 10_000_000}},
        {"limits": {**SMALL, "volume_size_in_gb": "20", "query_bytes": "10000000"}},
    ],
)
def test_teams_that_are_right(team_settings: Any) -> None:
    assert of_team(team_settings) == []


@pytest.mark.parametrize(
    ("team_settings", "words"),
    [
        ("s3://acme-data", "is s3://acme-data; it must be what the team reads, {prefixes:"),
        (["prefixes"], "is [prefixes]; it must be what"),
        (7, "is 7; it must be what"),
        ({"prefix": []}, "prefix is not known; did you mean prefixes?"),
        ({7: 1}, "7 is not known; there are prefixes, databases, role_per_person, limits"),
        ({None: 1}, "empty is not known"),
        ({"prefixes": "s3://acme-data/research"}, "prefixes is s3://acme-data/research; it must be a list"),
        ({"prefixes": None}, "prefixes is empty; it must be a list"),
        ({"databases": "research"}, "databases is research; it must be a list"),
        (
            {"prefixes": ["s3://other/x"]},
            "prefixes has s3://other/x; it must platform_access_data_buckets (acme-data, add",
        ),
        ({"prefixes": ["acme-data/research"]}, "prefixes has acme-data/research; it must be s3://<bucket>/<folder>"),
        ({"prefixes": ["s3://acme-data/*"]}, "prefixes has without *"),
        ({"prefixes": ["s3://acme-data/${aws:username}"]}, "prefixes has without $"),
        ({"prefixes": ["s3://acme-data//research"]}, "prefixes has empty folders"),
        ({"prefixes": ["s3://acme-data/research\n"]}, "prefixes has"),
        ({"prefixes": ["s3://acme-data/a\x7f"]}, "prefixes has"),
        ({"prefixes": ["s3://acme-data/research//"]}, "prefixes has empty folders"),
        ({"prefixes": ["s3://Acme/research"]}, "prefixes has"),
        ({"prefixes": [{"bucket": "acme-data"}]}, "prefixes has"),
        ({"databases": ["*"]}, "databases has *; it must be the name of one database"),
        ({"databases": [7]}, "databases has 7; it must"),
        ({"databases": ["a/b"]}, "databases has a/b; it must"),
        ({"role_per_person": "maybe"}, "role_per_person is maybe; it must be true or false"),
        ({"role_per_person": None}, "role_per_person is empty; it must be true or false"),
        ({"limits": None}, "limits is empty; it must have the instance_types"),
        ({"limits": {}}, "limits: instance_types is empty; it must list for example [ml.t3.medium]"),
        ({"limits": {"instance_types": "ml.t3.medium"}}, "limits: instance_types is ml.t3.medium; it must list"),
        ({"limits": {"instance_types": ["ml.t3.mediun"]}}, "ml.t3.mediun, did you mean ml.t3.medium?"),
        (
            {"limits": {"instance_types": ["m5.xlarge"]}},
            "m5.xlarge, which botocore does not know; did you mean ml.m5.xlarge?",
        ),
        ({"limits": {"instance_types": [{"a": 1}]}}, "{a: 1}, upgrade botocore"),
        ({"limits": {**SMALL, "volume_size": 20}}, "limits: volume_size is not known; did you mean volume_size_in_gb?"),
        (
            {"limits": {**SMALL, "volume_size_in_gb": 4}},
            "limits: volume_size_in_gb is 4; it must number from 5 to 16384",
        ),
        ({"limits": {**SMALL, "volume_size_in_gb": 16385}}, "volume_size_in_gb is 16385; it must"),
        ({"limits": {**SMALL, "volume_size_in_gb": True}}, "volume_size_in_gb is true; it must"),
        ({"limits": {**SMALL, "query_bytes": "10 GB"}}, "limits: query_bytes is 10 GB; it must at least 10000000"),
        ({"limits": {**SMALL, "query_bytes": "9" * 5000}}, "limits: query_bytes is must"),
    ],
)
def test_a_mistake_is_one_sentence_with_team_and_rule(team_settings: Any, words: str) -> None:
    said = of_team(team_settings)
    assert len(said) == 1
    assert said[0].startswith("platform_access_teams: research")
    assert [word for word in words.split() if word not in said[0]] == []


def test_all_mistakes_are_told_at_once() -> None:
    wrong = {"prefixes": ["s3://other/a", "x"], "databases": ["*"], "limits": {"types": []}}
    assert len(problems(teams={"a b": wrong}, person="alice", tags={"Owner": "x"})) == 8


@pytest.mark.parametrize("team", ["my team", "-x", "a/b", "a*", "ümlaut", "a\n", "", "${x}", '"'])
def test_names_of_teams_become_names_of_roles_and_workgroups(team: str) -> None:
    (said,) = of_team({}, team)
    assert "is not a name of a team; it must be letters, digits and ._-" in said
    (said,) = problems(people=[{**ERIN, "team": team}]) if team else [said]
    assert not team or said.startswith(f"notebook_team is {shown(team)}; it must be letters, digits and ._-")


@pytest.mark.parametrize("team", ["platform", "Platform"])
def test_the_team_of_viewers_is_no_other_team(team: str) -> None:
    rule = "is the team of viewers, by which their costs are counted; give the team another name"
    assert of_team({}, team) == [f"platform_access_teams: {team} {rule}"]


@pytest.mark.parametrize("team", [True, None, 1.5, (1, 2)])
def test_names_of_teams_are_texts(team: Any) -> None:
    (said,) = of_team({}, team)
    wrong = f"platform_access_teams: {shown(team)} is not text, or is listed twice"
    assert said == f"{wrong}; put the name in quotes, or rename the team"


def test_a_team_of_a_year_is_a_text() -> None:
    assert of_team({}, 2024) == []
    assert normalised_teams({2024: None, "x": {"role_per_person": "no"}}) == {
        "2024": {},
        "x": {"role_per_person": False},
    }
    (said,) = problems(teams={2024: {}, "2024": {}})
    assert said.startswith("platform_access_teams: 2024 is not text, or is listed twice")
    assert team_names({"teams": {2024: None}}, []) == ["2024"]
    assert team_names({"teams": {}}, PEOPLE) == ["research", "fraud", "interns"]


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"name": "my platform"}, "platform_access_name is my platform; it must be letters, digits and ._-"),
    ({"name": ""}, "platform_access_name is ''; it must be"),
    ({"person": ""}, "platform_access_person is ''; it must have a policy variable, such as ${aws:username}"),
    ({"person": "alice"}, "platform_access_person is alice; it must have"),
    ({"person": '${aws:username}"'}, "platform_access_person is "),
    (
        {"data_buckets": [*BUCKETS, "s3://x"]},
        "platform_access_data_buckets has s3://x; it must be the name of a bucket",
    ),
    ({"results_bucket": "s3://x"}, "platform_access_results_bucket is s3://x; it must be the name of a bucket"),
    ({"subnet_ids": ["x"]}, "platform_access_subnet_ids has x; it must be an id such as subnet-0"),
    (
        {"security_group_ids": ["subnet-0"]},
        "platform_access_security_group_ids has subnet-0; it must be an id such as sg-0",
    ),
    (
        {"open_from_vpc_endpoints": ["vpc-0a"]},
        "platform_access_open_from_vpc_endpoints has vpc-0a; it must be an id such",
    ),
    (
        {"open_from_cidrs": ["8.8.8.0/24"], "role_arn": "arn:aws:iam::123456789012:role/given"},
        "platform_access_open_from_cidrs is [8.8.8.0/24], and with platform_access_role_arn people get no policies",
    ),
    (
        {"open_from_vpc_endpoints": ["vpce-0a"], "role_arn": "arn:aws:iam::123456789012:role/given"},
        "platform_access_open_from_vpc_endpoints is [vpce-0a], and with platform_access_role_arn people get no",
    ),
    ({"boundary": "x"}, "platform_access_boundary is x; it must be the ARN of a policy"),
    (
        {"boundary_actions": ["*", "s3"]},
        "platform_access_boundary_actions has s3; it must be an action such as s3:GetObject",
    ),
    ({"role_arn": "x"}, "platform_access_role_arn is x; it must be the ARN of a role"),
]


@pytest.mark.parametrize(("more", "says"), OTHERS)
def test_the_other_settings(more: dict[str, Any], says: str) -> None:
    (said,) = problems(**more)
    assert said.startswith(says)


@pytest.mark.parametrize(
    "cidr", ["203.0.113.0/24", "203.0.113.7", "203.0.113.7/32", "2001:db8::/32", "2001:DB8::1", "172.32.0.0/12"]
)
def test_addresses_that_people_open_instances_from(cidr: str) -> None:
    assert problems(open_from_cidrs=[cidr], open_from_vpc_endpoints=["vpce-0a", "vpce-0b"]) == []


@pytest.mark.parametrize(
    "cidr",
    [
        "",
        "office",
        "203.0.113.0/33",
        "203.0.113.7/24",
        "203.0.113.0/255.255.255.0",
        " 203.0.113.0/24",
        "203.0.113.0-9",
        "fe80::1%eth0",
        "*",
        "${aws:SourceIp}",
        # Requests to AWS come from none of these ranges; the last two have all addresses.
        "10.1.2.0/24",
        "172.16.0.0/16",
        "192.168.1.1",
        "100.64.0.0/16",
        "fd00::/8",
        "0.0.0.0/0",
        "::/0",
    ],
)
def test_addresses_that_aws_does_not_see(cidr: str) -> None:
    (said,) = problems(open_from_cidrs=["203.0.113.0/24", cidr])
    assert said.startswith(f"platform_access_open_from_cidrs has {shown(cidr)}; it must be a range of public addresses")
    assert said.endswith("list the endpoints that they come through in platform_access_open_from_vpc_endpoints")


def test_names_are_not_too_long() -> None:
    assert of_team({}, "x" * 49) == []  # datalab-people-… has 64 characters
    (said,) = of_team({}, "x" * 50)
    assert "makes datalab-people-" in said


@pytest.mark.parametrize(("one", "other"), [("Research", "research"), ("viewer", "x"), ("boundary", "x")])
def test_no_name_is_used_twice(one: str, other: str) -> None:
    said = problems(teams={one: {}, other: {}})
    assert all(text.endswith("would have one name in IAM; rename a team") for text in said)
    assert said


def test_a_person_is_not_called_like_a_team() -> None:
    (said,) = problems(teams={"fraud": {"role_per_person": True}, "fraud-erin": {}}, people=[ERIN])
    assert said == ("platform_access_teams: erin and the team fraud-erin would have one name in IAM; rename a team")


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ({"name": "e rin"}, "the role datalab-fraud-e rin must be at most 64 letters"),
        ({"name": "e" * 60}, "must be at most 64 letters"),
        ({"instance": "datalab-Erin"}, "the instance datalab-Erin must be lower-case letters, digits and -"),
    ],
)
def test_a_role_per_person_asks_for_names_that_iam_takes(person: dict[str, str], says: str) -> None:
    teams = {"fraud": {"role_per_person": True}}
    assert problems(teams=teams, people=[ERIN]) == []
    (said,) = problems(teams=teams, people=[{**ERIN, **person}])
    assert said.startswith("platform_access_teams: fraud: role_per_person is true; ")
    assert says in said
    assert problems(teams={"fraud": {}}, people=[{**ERIN, **person}]) == []
    assert problems(teams={"fraud": {}}, people=[{**ERIN, **person, "team": "unknown"}]) == []


MANY = [f"s3://acme-data/{number:03}-{'x' * 40}" for number in range(50)]
WITHOUT_GLUE = [action for action in DEFAULTS["boundary_actions"] if not action.startswith("glue:")]
DATABASES = {"research": {"databases": ["research"]}}
GIVEN = "arn:aws:iam::123456789012:role/given"


def test_a_trust_that_is_too_long() -> None:
    people = [{"name": f"p{n}", "team": "research", "instance": f"an-instance-of-another-name-{n}"} for n in range(21)]
    assert problems(people, teams={"research": {}}) == []
    (said,) = problems(people, teams={"research": {}}, trust_instances_only=True)
    assert said.startswith("platform_access_trust_instances_only is true; the roles' trust has ")
    assert "2048" in said
    assert "does not begin with datalab-" in said
    assert problems(people[:5], teams={"research": {}}, trust_instances_only=True) == []


def test_a_policy_that_is_too_long() -> None:
    (said,) = problems(teams={"research": {"prefixes": MANY}})
    assert said.startswith("platform_access_teams: the policy datalab-research has ")
    assert " characters; it must have at most 6144: shorten the prefixes" in said
    assert problems(teams={"research": {"prefixes": MANY}}, role_arn=GIVEN) == []


SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonSageMaker-git-a1b2c3"
KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
LARGE_TEAM = [
    {
        "name": f"researcher-{number:03}@example.com",
        "team": "fraud-prevention",
        "instance": f"datalab-researcher-{number:03}-example-com",
        "lifecycle_config": f"datalab-purpose-{number % 4}",
        "kms_key_id": KEY_ARN,
    }
    for number in range(300)
]


@pytest.mark.parametrize("has_own_configs", [False, True])
def test_a_large_restricted_team_fits(has_own_configs: bool) -> None:
    limits = {"instance_types": [f"ml.t3.{size}" for size in ("medium", "large", "xlarge", "2xlarge")]}
    team = {"limits": limits, "secrets": [SECRET, SECRET.replace("git", "other")], "databases": ["fraud", "public"]}
    prefixes = [f"s3://acme-data/fraud-prevention/{number:03}" for number in range(21)]
    teams = {"fraud-prevention": {**team, "prefixes": prefixes}}
    large: dict[str, Any] = {
        "kms_keys": [KEY_ARN],
        "cost_tags": ["cost-center", "project", "department"],
        "teams": teams,
    }
    viewers = {"viewer": "datalab-viewer", "lobby": "datalab-lobby"}
    assert problems(LARGE_TEAM, viewers, has_own_configs=has_own_configs, **large) == []


@pytest.mark.parametrize(
    ("settings_of_keys", "words"),
    [
        ({"kms_keys": ["key/*"]}, "platform_access_kms_keys has key/*; it must be the id, ARN or alias of a key"),
        ({"kms_keys": ["alias/"]}, "platform_access_kms_keys has alias/; it must be"),
    ],
)
def test_keys_and_secrets_that_are_none(settings_of_keys: Any, words: str) -> None:
    (said,) = problems(**settings_of_keys)
    assert said.startswith(words)
    assert problems(kms_keys=[KEY_ARN, "alias/a-b_c/d", "mrk-0a"], teams={"research": {"secrets": [SECRET]}}) == []


@pytest.mark.parametrize("secret", ["hunter2", [SECRET[:-7] + "*"], [SECRET + "\n"], [7654321], {"hunter2": "x"}])
def test_a_secret_that_was_written_down_is_not_told(secret: Any) -> None:
    (said,) = of_team({"secrets": secret})
    assert said.startswith(
        "platform_access_teams: research: secrets must list the whole ARNs of secrets, and no secret"
    )
    assert "hunter2" not in said
    assert "7654321" not in said


def test_a_team_of_too_many_configurations_is_refused() -> None:
    people = [{**person, "lifecycle_config": f"datalab-{person['name'][11:14]}"} for person in LARGE_TEAM[:50]]
    (said,) = problems(people, teams={"fraud-prevention": {"limits": SMALL}})
    assert said.startswith("platform_access_teams: the policy datalab-people-fraud-prevention has ")
    assert said.endswith("have its people share notebook_lifecycle_config, notebook_kms_key_id and notebook_subnet_id")


def test_the_bucket_that_another_role_makes_counts() -> None:
    fits = {"research": {"prefixes": MANY[:38]}}
    assert problems(teams=fits) == []
    (said,) = problems(teams=fits, made_bucket="datalab-results-000000000000")
    assert said.startswith("platform_access_teams: the policy datalab-research has ")


def test_white_space_does_not_count() -> None:
    room = 6144 - len('{"Id":""}')
    assert not list(access._too_long(Policy("x", "", {"Id": "x" * room + " " * 100})))
    assert list(access._too_long(Policy("x", "", {"Id": "x" * (room + 1)})))


@pytest.mark.parametrize("actions", [["*"], [*WITHOUT_GLUE, "glue:*"], [*WITHOUT_GLUE, "GLUE:get*", "glue:?atch*"]])
def test_a_boundary_that_leaves_all_that_is_needed(actions: list[str]) -> None:
    assert problems(teams=DATABASES, boundary_actions=actions) == []


def test_a_boundary_that_would_lock_the_platform_out() -> None:
    (said,) = problems(teams={**DATABASES, "fraud": {}}, boundary_actions=[*WITHOUT_GLUE, "glue:GetT*"])
    assert said == (
        "platform_access_boundary_actions lacks glue:BatchGetPartition, glue:GetDatabase, glue:GetPartition,"
        " glue:GetPartitions, which datalab-research needs: with this boundary the platform would be locked out; add"
        " them"
    )
    assert problems(teams=DATABASES, boundary_actions=[], boundary="arn:aws:iam::aws:policy/x") == []
    assert problems(teams=DATABASES, boundary_actions=[], role_arn=GIVEN) == []
    assert len(problems(boundary_actions=[])) == 1  # that of the viewers


LOGS = "arn:aws:logs:*:000000000000:log-group:/aws/sagemaker/NotebookInstances"


@pytest.mark.parametrize("name", ['a"b', "back\\slash", "a\nb", "\x7f", "\ud800", "\U0001f600", "{{ x }}", "- a: b"])
def test_no_name_breaks_a_policy(name: str) -> None:
    platform = access.offline_platform(DEFAULTS, people=[], viewers={"viewer": f"{name}-{name}"}, instance_prefix=name)
    _boundary, viewer = render_policies(platform)
    written = name.encode(errors="replace").decode()
    assert viewer.document["Statement"][2]["Resource"] == [f"{LOGS}:log-stream:{written}-{written}/*"]


TEXT = st.text(max_size=8)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.dates() | st.binary(max_size=3)
YAML = st.recursive(SCALAR, lambda each: st.lists(each, max_size=3) | st.dictionaries(SCALAR, each), max_leaves=3)
LIMIT = st.sampled_from(["instance_types", "volume_size_in_gb", "query_bytes"]) | SCALAR
LIMITS = st.dictionaries(LIMIT, YAML | st.just(["ml.t3.medium"]))
PREFIXES = st.lists(SCALAR | st.from_regex(r"s3://acme-data/.*", fullmatch=True))
KEY = st.sampled_from(["prefixes", "databases", "role_per_person", "limits"]) | SCALAR
TEAM = YAML | st.dictionaries(KEY, YAML | LIMITS | PREFIXES | st.lists(TEXT))
SETTING = {
    **dict.fromkeys(("name", "person", "results_bucket", "boundary", "role_arn", "output_dir"), TEXT),
    **{name: st.lists(TEXT) for name in ("data_buckets", "cost_tags", "subnet_ids", "security_group_ids")},
    "open_from_cidrs": st.lists(TEXT | st.ip_addresses().map(str)),
    "open_from_vpc_endpoints": st.lists(TEXT),
    "boundary_actions": st.lists(TEXT),
    "tags": st.dictionaries(TEXT, TEXT),
    "teams": st.dictionaries(SCALAR | st.sampled_from(["research", "fraud"]), TEAM),
}


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    more=st.fixed_dictionaries({}, optional=SETTING),
    people=st.lists(
        st.builds(
            lambda name, team, instance: {"name": name, "team": team, "instance": instance},
            TEXT,
            st.sampled_from(["research", "fraud"]) | TEXT,
            TEXT,
        )
    ),
    viewers=st.dictionaries(TEXT, TEXT),
    made_bucket=TEXT,
)
def test_nothing_of_the_right_type_is_an_error(more: Any, people: Any, viewers: Any, made_bucket: str) -> None:
    assert all(
        text.startswith(("platform_access_", "notebook_team is "))
        for text in problems(people, viewers, made_bucket, **more)
    )


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(teams=st.dictionaries(SCALAR | st.just("research"), TEAM))
def test_whatever_is_below_the_teams_is_right_or_becomes_sentences(teams: Any) -> None:
    said = problems(teams=teams)
    assert said == problems(teams=normalised_teams(teams))
    assert all(text.startswith("platform_access_teams: ") and text.isprintable() for text in said)
