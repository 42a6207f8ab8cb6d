# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in the settings of the storage, and the role's interface."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.storage import problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage_settings import made_uid
from ansible_collections.datalab.notebooks.tests.unit.plugins.storage_found import (
    DEFAULTS,
    GIVEN,
    GROUP,
    KEY,
    KEY_ID,
    MADE,
    PEOPLE,
    ROLE,
    A,
)

SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
BY_POINT, BY_FILE_SYSTEM = {"isolation": "access_point"}, {"isolation": "file_system"}

RESULTS = "datalab-results-123456789012-us-gov-west-1"

FINE: list[dict[str, Any]] = [
    {},
    BY_POINT,
    BY_FILE_SYSTEM,
    {"efs_dns_name": "nfs.example"},
    {"efs_dns_name": GIVEN, **BY_POINT},
    {"efs_name": "Data Lab", "results_bucket": "our.results-1"},
    {"efs_name": "a" * 27},
    {"subnet_ids": [A], "security_group_ids": [GROUP]},
    {"security_group_ids": [GROUP]},
    {"kms_key_id": KEY, "results_kms_key_id": KEY_ID},
    {"kms_key_id": "alias/datalab", "results_kms_key_id": "mrk-0123456789abcdef0123456789abcdef"},
    {"results_days": 1},
    {"results_access_log": {"bucket": ""}},
    {"results_access_log": {"bucket": "acme-logs", "prefix": "datalab/"}},
    {"results_access_log": {"bucket": f"{RESULTS}-logs"}},
    {"results_access_log": {"bucket": RESULTS}, "results_bucket": "ours"},
    {"results_access_log": {"bucket": RESULTS}, "efs_name": "lab"},
    {"uids": {"alice": 1, "bob": "4294967295", "zoe": 1}, **BY_POINT},
    {"uids": {"alice": 0}},  # without isolation no person has an id
    {"iam": True},
]

# The changed setting; then the variable without its prefix, and words of the message about it.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"iam": True, **BY_POINT}, "iam is true platform_storage_isolation access_point must be shared"),
    ({"iam": True, **BY_FILE_SYSTEM}, "iam is true platform_storage_isolation file_system must be shared"),
    ({"iam": True, "efs_dns_name": GIVEN}, f"iam is true platform_storage_efs_dns_name {GIVEN} remove one of them"),
    ({"efs_name": "My_FS"}, "efs_name is My_FS bucket lower-case letters 27 platform_storage_results_bucket"),
    ({"efs_name": "a" * 28}, "efs_name 27"),
    ({"efs_name": ""}, "efs_name bucket"),
    ({"efs_name": "", "results_bucket": "ours"}, "efs_name 1 to 64"),
    ({"efs_name": "a" * 65, "results_bucket": "ours"}, "efs_name 1 to 64"),
    ({"results_bucket": "Results"}, "results_bucket is Results 3 to 63 lower-case letters"),
    ({"tools_bucket": "Tools"}, "tools_bucket is Tools 3 to 63 lower-case letters"),
    ({"tools_bucket": "ours", "results_bucket": "ours"}, "tools_bucket is ours results_bucket must be another"),
    ({"results_bucket": "ab"}, "results_bucket 3 to 63"),
    ({"results_bucket": "a..b"}, "results_bucket single dots"),
    ({"results_bucket": "results\n"}, "results_bucket"),
    ({"results_access_log": {"prefix": "x/"}}, 'results_access_log has no bucket name one bucket: "" {}'),
    ({"results_access_log": {"bucket": "", "prefix": "x/"}}, "results_access_log has a prefix without a bucket"),
    ({"results_access_log": {"bucket": "s3://logs"}}, "results_access_log: bucket is s3://logs without s3://"),
    ({"results_access_log": {"bucket": "a..b"}}, "results_access_log: bucket is a..b"),
    ({"results_access_log": {"bucket": RESULTS}}, f"results_access_log: bucket is {RESULTS} itself another"),
    ({"results_access_log": {"bucket": "ours"}, "results_bucket": "ours"}, "results_access_log: ours itself another"),
    ({"results_days": 0}, "results_days is 0 at least 1"),
    ({"kms_key_id": "my key"}, "kms_key_id is my key alias/"),
    ({"results_kms_key_id": "datalab"}, "results_kms_key_id is datalab alias/"),
    ({"subnet_ids": [A]}, "security_group_ids is empty platform_storage_subnet_ids"),
    ({"subnet_ids": ["vpc-0a"], "security_group_ids": [GROUP]}, "subnet_ids has vpc-0a subnet-0123456789abcdef0"),
    ({"security_group_ids": [A]}, f"security_group_ids has {A} sg-0123456789abcdef0"),
    ({"efs_dns_name": "nfs:/"}, "efs_dns_name is nfs:/ host name"),
    ({"efs_dns_name": GIVEN, **BY_FILE_SYSTEM}, "efs_dns_name platform_storage_isolation is file_system one for each"),
    ({"efs_dns_name": "nfs.example", **BY_POINT}, "efs_dns_name is nfs.example begins with its id"),
    ({"efs_name": "a" * 59, "results_bucket": "ours", **BY_FILE_SYSTEM}, "isolation is file_system alice 63"),
    ({"uids": {"bob": 0}, **BY_POINT}, "uids has 0 for bob 1 to 4294967295 root"),
    ({"uids": {"bob": 2**32}, **BY_POINT}, "uids has 4294967296 for bob"),
    ({"uids": {"bob": "root"}, **BY_POINT}, "uids has root for bob"),
    ({"uids": {"bob": True}, **BY_POINT}, "uids has true for bob"),
    ({"uids": {"bob": [1]}, **BY_POINT}, "uids has [1] for bob"),
    ({"uids": {"bob": made_uid("alice")}, **BY_POINT}, f"uids alice and bob both {made_uid('alice')} newer"),
]


def said(settings: dict[str, Any], people: tuple[str, ...] = PEOPLE) -> list[str]:
    return list(problems({**MADE, **settings}, people))


@pytest.mark.parametrize("settings", FINE, ids=str)
def test_says_nothing_against_settings_that_can_be(settings: dict[str, Any]) -> None:
    assert said(settings) == []


@pytest.mark.parametrize(("settings", "words"), REFUSED, ids=lambda value: str(value)[:60])
def test_says_what_is_wrong(settings: dict[str, Any], words: str) -> None:
    (problem,) = said(settings)
    variable, *others = words.split()
    assert problem.startswith(f"platform_storage_{variable}")
    assert [word for word in others if word not in problem] == []
    assert re.search("must|; (name|remove|set) ", problem)


@pytest.mark.parametrize("isolation", ["access_point", "file_system"])
def test_names_of_which_nothing_can_be_made(isolation: str) -> None:
    (problem,) = said({"isolation": isolation}, ("alice", "a/b"))
    assert problem.startswith(f"platform_storage_isolation is {isolation}, and of a/b no directory")
    assert said({}, ("a/b",)) == []


def test_two_people_who_have_one_user_id_by_chance() -> None:
    (problem,) = said(BY_POINT, ("person3279", "person6939"))
    assert problem.startswith("platform_storage_uids: person3279 and person6939 would both have the user id 122760062")


def test_a_bucket_for_tools_needs_a_name_too() -> None:
    wanted = {**MADE, "efs_name": "My_FS", "results_bucket": "ours"}
    assert list(problems(wanted, PEOPLE)) == []
    (problem,) = problems(wanted, PEOPLE, with_tools=True)
    assert problem.endswith("or platform_storage_tools_bucket must name the bucket")
    assert list(problems({**wanted, "tools_bucket": "our-tools"}, PEOPLE, with_tools=True)) == []


def test_everything_is_said_at_once() -> None:
    wrong = {"efs_name": "My_FS", "results_days": 0, "subnet_ids": [A], "tags": {"Name": ""}, "kms_key_id": "?"}
    assert len(said(wrong)) == 5


TYPES = {"str": st.text(), "int": st.integers(), "bool": st.booleans(), "list": st.lists(st.text(), max_size=3)}
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
DICTS = st.dictionaries(st.sampled_from(PEOPLE) | st.text() | st.integers(), ANYTHING, max_size=4)


def values(spec: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(spec["choices"]) if "choices" in spec else TYPES.get(spec["type"], DICTS)


@given(
    st.fixed_dictionaries(
        {
            **{name.removeprefix("platform_storage_"): values(spec) for name, spec in SPECS["main"]["options"].items()},
            "tags": st.dictionaries(st.text(), st.text()),
            "results_access_log": st.dictionaries(st.sampled_from(["bucket", "prefix"]), st.text()),
        }
    ),
    st.lists(st.sampled_from(PEOPLE) | st.text(), max_size=3),
)
def test_no_value_of_the_right_types_is_too_much(settings: dict[str, Any], people: list[str]) -> None:
    for problem in problems(settings, people):
        assert problem.startswith("platform_storage_")
        assert "\n" not in problem


def test_the_argument_specification_mirrors_the_defaults() -> None:
    assert {name: option["default"] for name, option in SPECS["main"]["options"].items()} == DEFAULTS
    assert {door for door, spec in SPECS.items() if "options" not in spec} == {"preflight", "absent"}
    assert {path.stem for path in (ROLE / "tasks").iterdir()} >= set(SPECS)


def test_there_is_no_programming_in_the_variables() -> None:
    text = (ROLE / "vars" / "main.yml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    assert "{%" not in text
