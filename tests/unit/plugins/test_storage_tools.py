# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bucket from which instances fetch tools, and the uploads."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage import plan_storage_removal
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage_tools import tools_to_read, with_tools
from ansible_collections.datalab.notebooks.tests.unit.plugins.storage_found import (
    ACCOUNT,
    EMPTY,
    MADE,
    MARKED,
    ONLY_TLS,
    PEOPLE,
    bucket,
    texts,
    there,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.storage_found import plan as plan_storage

TOOLS_BUCKET = "datalab-tools-123456789012-eu-central-1"
TOOLS = {"/srv/report.py": "aa/report.py", "/srv/state.whl": "bb/state.whl"}
REPORT, STATE = ({"bucket": TOOLS_BUCKET, "object": key, "src": src} for src, key in TOOLS.items())


def tools_bucket(name: str = TOOLS_BUCKET, **more: Any) -> dict[str, Any]:
    """The bucket as read_storage returns it, after the role has run."""
    arn = f"arn:aws:s3:::{name}"
    policy = {"Version": "2012-10-17", "Statement": [{**ONLY_TLS, "Resource": [arn, f"{arn}/*"]}]}
    return {**bucket(name, policy=policy, lifecycle_rules=[]), "keys": [*TOOLS.values(), "cc/old.py"], **more}


def plan(found: dict[str, Any], tools: dict[str, str] | None = TOOLS, **settings: Any) -> SectionPlan:
    return with_tools(plan_storage(settings, found), {**MADE, **settings}, found, tools, ACCOUNT)


def test_without_tools_there_is_no_bucket() -> None:
    made = plan(there(), None)
    assert (made.changes, made.ids["tools_bucket"], made.ids["missing_tools"]) == ((), "", [])


@pytest.mark.parametrize("tools", [TOOLS, {}], ids=["mine", "others'"])
def test_converged(tools: dict[str, str]) -> None:
    made = plan(there(tools_bucket=tools_bucket()), tools)
    assert (made.changes, made.refused, made.notes) == ((), (), ())
    assert (made.steps["buckets"], made.steps["tools"]) == ([], [])
    assert (made.ids["tools_bucket"], made.ids["missing_tools"]) == (TOOLS_BUCKET, [])


def test_bucket_and_files_are_made_at_once() -> None:
    made = plan(there())
    assert texts(made) == [f"create bucket {TOOLS_BUCKET}", "create tool aa/report.py", "create tool bb/state.whl"]
    (step,) = made.steps["buckets"]
    assert (step["name"], step["encryption"], step["versioning"]) == (TOOLS_BUCKET, "AES256", True)
    assert step["tags"] == MARKED
    assert json.loads(step["policy"])["Statement"][0]["Resource"] == [
        f"arn:aws:s3:::{TOOLS_BUCKET}",
        f"arn:aws:s3:::{TOOLS_BUCKET}/*",
    ]
    assert made.steps["bucket_lifecycles"] == []  # nothing in it expires
    assert "lifecycle_rule" not in yaml.safe_load(made.changes[0].after)
    assert made.steps["tools"] == [REPORT, STATE]
    assert made.ids["missing_tools"] == list(TOOLS)


def test_only_what_is_missing_is_uploaded() -> None:
    made = plan(there(tools_bucket=tools_bucket(keys=["aa/report.py"])))
    assert texts(made) == ["create tool bb/state.whl"]
    assert (made.steps["buckets"], made.steps["tools"]) == ([], [STATE])


def test_a_key_for_results_is_not_one_for_tools() -> None:
    (change,) = plan(there(tools_bucket=tools_bucket()), results_kms_key_id="alias/results").changes
    assert change.text.startswith("bucket datalab-results-")


def test_a_bucket_that_differs() -> None:
    made = plan(there(tools_bucket=tools_bucket(versioning="", public_access={})))
    assert texts(made) == [f"change bucket {TOOLS_BUCKET}: {what}" for what in ("public_access", "versioning")]
    assert [step["name"] for step in made.steps["buckets"]] == [TOOLS_BUCKET]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"name": TOOLS_BUCKET, "foreign": True}, "belongs to another AWS account"),
        (tools_bucket(tags={"project": "other"}), "must have the tag datalab:storage=datalab to be the platform's"),
    ],
)
def test_a_bucket_that_is_not_the_platforms_is_refused(found: dict[str, Any], reason: str) -> None:
    made = plan(there(tools_bucket=found))
    (problem,) = made.refused
    assert problem.startswith("platform_storage_efs_name: ")
    assert reason in problem
    assert "platform_storage_tools_bucket" in problem
    assert made.steps["buckets"] == []


def test_a_bucket_that_is_named_needs_no_mark() -> None:
    made = plan(there(tools_bucket=tools_bucket("ours", tags={})), tools_bucket="ours")
    assert (made.changes, made.refused, made.ids["tools_bucket"]) == ((), (), "ours")


# Reads


@pytest.mark.parametrize(
    ("tools", "settings", "mode", "expected"),
    [
        (None, {}, {}, None),
        (None, {}, {"ids_only": True}, None),
        ({}, {}, {"ids_only": True}, None),
        ({}, {}, {}, {"settings": True, "bucket": True, "keys": True}),
        (TOOLS, {}, {}, {"settings": True, "bucket": True, "keys": True}),
        (TOOLS, {}, {"ids_only": True}, {"settings": True, "bucket": False, "keys": True}),
        (TOOLS, {"tools_bucket": "ours"}, {}, {"named": "ours", "settings": True, "bucket": True, "keys": True}),
        (None, {}, {"removal": True}, {"settings": False, "bucket": True, "keys": False}),
        (None, {"tools_bucket": "ours"}, {"removal": True}, None),
    ],
)
def test_what_is_read(
    tools: dict[str, str] | None, settings: dict[str, Any], mode: dict[str, bool], expected: dict[str, Any] | None
) -> None:
    how = {"removal": False, "ids_only": False, **mode}
    asked = tools_to_read({**MADE, **settings}, tools, **how)
    assert asked == (expected and {"named": "", "efs_name": "datalab", **expected})


@pytest.mark.parametrize(("keys", "missing"), [(["aa/report.py"], ["/srv/state.whl"]), ([], list(TOOLS))])
def test_missing_files_are_found_by_their_keys(keys: list[str], missing: list[str]) -> None:
    made = plan({**EMPTY, "ids_only": True, "tools_bucket": {"keys": keys}})
    assert (made.changes, made.ids["missing_tools"]) == ((), missing)


# Removals


@pytest.mark.parametrize(
    ("settings", "found", "changes", "note"),
    [
        ({}, {"tags": MARKED}, [], "holds data; platform_storage_destroy_data must be true"),
        ({"destroy_data": True}, {"tags": MARKED}, [f"remove bucket {TOOLS_BUCKET} with all tools"], None),
        ({"destroy_data": True}, {"tags": {"a": "b"}}, [], "does not have the tag datalab:storage=datalab and stays"),
        ({"destroy_data": True, "tools_bucket": "ours"}, None, [], "named by platform_storage_tools_bucket and never"),
        ({"destroy_data": True}, None, [], None),
    ],
)
def test_what_is_removed(
    settings: dict[str, Any], found: dict[str, Any] | None, changes: list[str], note: str | None
) -> None:
    read = found and {"name": TOOLS_BUCKET, "foreign": False, "is_blank": False, "keys": [], **found}
    made = plan_storage_removal(
        {**MADE, **settings}, {**EMPTY, "tools_bucket": read}, people=PEOPLE, account=ACCOUNT, keep_used=False
    )
    assert texts(made) == changes
    assert made.steps["buckets"] == [{"name": TOOLS_BUCKET} for _change in changes]
    assert note in made.notes[0] if note else made.notes == ()
