# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The arguments of the fleet module: to create instances, to remove them, and to move them to another OS."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import readable
from ansible_collections.datalab.notebooks.plugins.plugin_utils.desired import Place
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.fleet import (
    all_idle_limits,
    fleet_request,
    leaving_people,
    misspelt_leavers,
    plan_config_removal,
    removal_request,
    some_settings,
    unremovable,
    upgrade,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.platform import place
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import Change, SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import (
    ALL,
    SOME_FILE_SYSTEM,
    Wanted,
    preflight,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import Problem
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.state import state_archive
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import CONDA
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, wanted

QUANT = {"notebook_lifecycle_config": "quant", "notebook_host_idle_timeout": 60}


def people(*hosts: str, leaver: str | None = None, isolation: str = "shared", **shared: Any) -> Wanted:
    """Alice, Bob (who has a configuration of his own), Erin and a viewer; a run for these hosts, or for all."""
    return wanted(
        inventory(
            viewers=["viewer"],
            variables={"bob": QUANT},
            shared={"platform_storage_isolation": isolation, **shared},
        ),
        *hosts,
        leaver=leaver,
    )


# Requests to converge


def test_everybody_and_the_configurations_that_they_use() -> None:
    request = fleet_request(people(), Place(efs_dns_name="fs-1.efs"))
    assert [each["owner"] for each in request["instances"]] == ["alice", "bob", "erin", "viewer"]
    configs = {each["name"]: each for each in request["lifecycle_configs"]}
    assert list(configs) == ["datalab", "datalab-quant", "datalab-viewer"]
    for config in configs.values():
        assert set(config) == {"name", "on_create", "on_start"}
        assert config["on_create"].startswith("#!")
        assert "fs-1.efs" in config["on_start"]
    assert request["managed"] == ["datalab-alice", "datalab-bob", "datalab-erin", "datalab-viewer"]
    assert request["idle_limits"] == {"datalab": 3600, "datalab-quant": 60}
    assert request["missing"] == {}


def test_under_a_limit_everybody_stays_managed() -> None:
    request = fleet_request(people("bob"), Place())
    assert [each["owner"] for each in request["instances"]] == ["bob"]
    assert [each["name"] for each in request["lifecycle_configs"]] == ["datalab-quant"]
    assert request["managed"] == ["datalab-alice", "datalab-bob", "datalab-erin", "datalab-viewer"]


def test_an_instance_has_a_configuration_of_the_request() -> None:
    mounts = {name: {"notebook_host_efs_access_point": f"fsap-{name}"} for name in ("alice", "bob", "erin")}
    request = fleet_request(people(), Place(efs_dns_name="fs", mounts=mounts))
    names = [each["lifecycle_config_name"] for each in request["instances"]]
    assert names == ["datalab-alice", "datalab-quant-bob", "datalab-erin", "datalab-viewer"]
    assert [each["name"] for each in request["lifecycle_configs"]] == names
    points = [each["on_start"].count("fsap-") for each in request["lifecycle_configs"]]
    assert points == [1, 1, 1, 0]
    assert request["idle_limits"] == {"datalab-alice": 3600, "datalab-quant-bob": 60, "datalab-erin": 3600}


def to_come(dns_name: str | None) -> Place:
    """Return a Place in which Alice mounts by an access point that does not exist yet."""
    mount = {"notebook_host_efs_dns_name": dns_name, "notebook_host_efs_access_point": None}
    return Place(efs_dns_name="fs", mounts={"alice": mount})


@pytest.mark.parametrize(
    ("place", "has", "lacks"),
    [
        (Place(efs_dns_name=None), SOME_FILE_SYSTEM, "=None"),
        (Place(efs_dns_name=""), "#!", SOME_FILE_SYSTEM),
        (to_come("fs-1.efs"), "fs-1.efs", "=None"),
        (to_come(None), "#!", "=None"),
    ],
    ids=["a file system", "none is wanted", "an access point", "a file system of one's own"],
)
def test_resources_that_do_not_exist_yet_are_left_out_of_scripts(place: Place, has: str, lacks: str) -> None:
    (config,) = fleet_request(people("alice"), place)["lifecycle_configs"]
    assert has in config["on_start"]
    assert lacks not in config["on_start"]


def test_missing_resources_are_reported_by_person() -> None:
    points = {"bob": None, "erin": "fsap-1"}
    mounts = {name: {"notebook_host_efs_access_point": point} for name, point in points.items()}
    assert fleet_request(people(), Place(mounts=mounts))["missing"] == {"bob": ["access point"]}
    assert fleet_request(people("alice"), Place(subnet_id=None))["missing"] == {"alice": ["subnet"]}
    assert fleet_request(people("alice"), Place(mounts=mounts))["missing"] == {}


TOOLS = {"notebook_fleet_owner_defaults": {"notebook_host_tools": [__file__]}}
ELSEWHERE = {
    "notebook_fleet_owner_defaults": {**TOOLS["notebook_fleet_owner_defaults"], "notebook_host_tools_url": "s3://x/y"}
}
MINE, OURS = [Path(__file__).name], ["datalab-conda.sh", "datalab-autostop.py", "datalab"]


@pytest.mark.parametrize(
    ("source", "bucket", "url", "fetched"),
    [
        ({}, "acme-tools", "s3://acme-tools", OURS),
        (TOOLS, "acme-tools", "s3://acme-tools", [*MINE, *OURS]),
        (ELSEWHERE, "acme-tools", "s3://x/y", MINE),
        (ELSEWHERE, "", "s3://x/y", MINE),
        ({}, "", None, []),
    ],
)
def test_scripts_know_where_tools_are(source: dict[str, Any], bucket: str, url: str | None, fetched: list[str]) -> None:
    configs = fleet_request(people(**source), Place(tools_bucket=bucket))["lifecycle_configs"]
    scripts = {each["name"]: each["on_start"] for each in configs}
    for name in ("datalab", "datalab-quant"):
        assert re.findall("^TOOLS_URL=(.*)$", scripts[name], re.MULTILINE) == ([url] if url else [])
        assert re.findall("[0-9a-f]{64}  ([^'\n]*)", readable(scripts[name])) == fetched
    assert "TOOLS_URL" not in scripts["datalab-viewer"]


@pytest.mark.parametrize(
    ("source", "bucket", "gone", "missing"),
    [
        (TOOLS, "acme-tools", set(), {}),
        (TOOLS, "acme-tools", {"/another"}, {}),
        (TOOLS, "acme-tools", {__file__}, {"alice": ["tools"]}),
        (TOOLS, "", set(), {"alice": ["tools"]}),  # no bucket is known
        (ELSEWHERE, "", set(), {}),
        ({}, "", set(), {}),  # the scripts contain the platform's tools
        ({}, "acme-tools", {CONDA}, {"alice": ["tools"]}),
        (ELSEWHERE, "acme-tools", {CONDA}, {}),
    ],
)
def test_tools_that_are_not_there_are_missing(
    source: dict[str, Any], bucket: str, gone: set[str], missing: dict[str, list[str]]
) -> None:
    where = Place(tools_bucket=bucket, missing_tools=frozenset(gone))
    assert fleet_request(people("alice", **source), where)["missing"] == missing


def test_the_state_package_comes_from_the_bucket_too() -> None:
    source = inventory(shared={"notebook_fleet_owner_defaults": {"notebook_host_save_state": True}})
    found, problems = preflight(source, ALL, ["alice"], is_limited=True)
    assert problems == []
    for gone, missing in ((set(), {}), ({state_archive()}, {"alice": ["tools"]})):
        request = fleet_request(found, Place(tools_bucket="acme-tools", missing_tools=frozenset(gone)))
        assert request["missing"] == missing
        (script,) = [each["on_start"] for each in request["lifecycle_configs"]]
        assert re.findall("[0-9a-f]{64}  ([^'\n]*)", readable(script)) == [*OURS, "datalab-state.zip"]


@pytest.mark.parametrize(
    ("isolation", "limits"),
    [
        ("shared", {"datalab": 3600, "datalab-quant": 60}),
        ("access_point", {"datalab-alice": 3600, "datalab-quant-bob": 60, "datalab-erin": 3600}),
        ("file_system", {"datalab-alice": 3600, "datalab-quant-bob": 60, "datalab-erin": 3600}),
    ],
)
def test_idle_limits_without_asking_aws(isolation: str, limits: dict[str, int]) -> None:
    assert all_idle_limits(people(isolation=isolation)) == limits


IAM = {"notebook_host_efs_tls": True, "notebook_host_efs_iam": True}


def test_all_mount_with_iam_by_one_access_point() -> None:
    by_point = Place(efs_dns_name="fs", mount={**IAM, "notebook_host_efs_access_point": "fsap-1"})
    request = fleet_request(people(), by_point)
    assert [each["name"] for each in request["lifecycle_configs"]] == ["datalab", "datalab-quant", "datalab-viewer"]
    options = [each["on_start"].split("EFS_OPTIONS=")[1].split()[0] for each in request["lifecycle_configs"]]
    assert [each.split("nodev")[1] for each in options] == [
        ",tls,iam,accesspoint=fsap-1",
        ",tls,iam,accesspoint=fsap-1",
        ",ro,noexec,tls,iam,accesspoint=fsap-1",
    ]
    to_come = Place(efs_dns_name="fs", mount={**IAM, "notebook_host_efs_access_point": None})
    assert fleet_request(people("alice"), to_come)["missing"] == {"alice": ["access point"]}


# Network, storage and roles of instances

NETWORK = SectionPlan(ids={"subnet_ids": ["subnet-1", "subnet-2"], "instances_security_group": "sg-1"})
TOOLS_IDS = {"tools_bucket": "acme-tools", "missing_tools": ["/x"]}
STORAGE = SectionPlan(ids={"file_system": "fs-1.efs", "mounts": {"alice": {"x": "y"}}, **TOOLS_IDS})
BY_IAM = SectionPlan(ids={"file_system": "fs-1.efs", "mount": IAM, "mounts": {}})
ACCESS = SectionPlan(ids={"viewer_role": "viewers", "person_roles": {"alice": "hers"}})
PLANS = {"network": NETWORK, "storage": STORAGE, "access": ACCESS}
GIVEN = Place(
    "subnet-1",
    ("sg-1",),
    "viewers",
    {"alice": "hers"},
    "fs-1.efs",
    {"alice": {"x": "y"}},
    tools_bucket="acme-tools",
    missing_tools=frozenset(["/x"]),
)
OWN = {
    "notebook_fleet_subnet_id": "subnet-9",
    "notebook_fleet_security_group_ids": ["sg-9"],
    "notebook_fleet_role_arn": "own",
    "notebook_fleet_efs_dns_name": "fs-9.efs",
}


@pytest.mark.parametrize(
    ("plans", "settings", "expected"),
    [
        ({}, {}, Place()),
        (PLANS, {}, GIVEN),
        (
            {"network": SectionPlan(ids={"subnet_ids": [], "instances_security_group": None})},
            {},
            Place(subnet_id=None, security_group_ids=(None,)),
        ),
        ({"storage": SectionPlan(ids={"file_system": None, "mounts": {}})}, {}, Place(efs_dns_name=None)),
        ({}, OWN, Place("subnet-9", ("sg-9",), "own", {}, "fs-9.efs", {})),
        (
            PLANS,
            OWN,
            replace(
                GIVEN,
                subnet_id="subnet-9",
                security_group_ids=("sg-9",),
                role_arn="own",
                role_arns={},
                efs_dns_name="fs-9.efs",
            ),
        ),
        ({"storage": BY_IAM}, {}, Place(efs_dns_name="fs-1.efs", mount=IAM)),
        ({"storage": BY_IAM}, {"notebook_fleet_efs_dns_name": "fs-9.efs"}, Place(efs_dns_name="fs-9.efs")),
    ],
    ids=[
        "nothing",
        "of the platform",
        "no network yet",
        "no file system yet",
        "their own",
        "their own comes first",
        "IAM",
        "their own and IAM",
    ],
)
def test_place(plans: dict[str, SectionPlan], settings: Mapping[str, Any], expected: Place) -> None:
    assert place(people(**settings), plans) == expected


# Removals


def test_removal_takes_instances_by_force() -> None:
    assert removal_request(people("bob")) == [{"name": "datalab-bob", "owner": "bob", "state": "absent", "force": True}]
    assert [each["name"] for each in removal_request(people("zoe", leaver="zoe"))] == ["datalab-zoe"]
    assert [each["name"] for each in removal_request(people())] == fleet_request(people(), Place())["managed"]


@pytest.mark.parametrize(
    ("isolation", "files"),
    [
        ("shared", "teams/fraud/erin on the shared file system"),
        ("access_point", "people/erin on the shared file system"),
        ("file_system", "the file system datalab-erin"),
    ],
)
def test_where_files_of_those_who_leave_stay(isolation: str, files: str) -> None:
    (erin,) = leaving_people(people("erin", isolation=isolation), ())
    assert erin == {"name": "erin", "in_inventory": True, "has_instance": False, "files": files}


@pytest.mark.parametrize(
    ("tags", "team"), [({"team": "fraud"}, "fraud"), ({}, "<team>")], ids=["by the tag", "not known"]
)
def test_where_files_of_those_who_left_are(tags: dict[str, str], team: str) -> None:
    zoes = {"owner": "zoe", "tags": tags, "status": "Stopped"}
    outcomes = [zoes, {"owner": "erin", "tags": {"team": "others"}, "status": "Stopped"}]
    (zoe,) = leaving_people(people("zoe", leaver="zoe", isolation="shared"), outcomes)
    files = f"teams/{team}/zoe on the shared file system"
    assert zoe == {"name": "zoe", "in_inventory": False, "has_instance": True, "files": files}
    (gone,) = leaving_people(people("zoe", leaver="zoe", isolation="shared"), [{**zoes, "status": None}])
    assert not gone["has_instance"]


BY_HAND = "experiment of zara? Put zara into the inventory with notebook_name: experiment, and use -l zara."
MEANT = {
    "zeo": "-e offboard_name=zoe?",
    "datalab-zoe": "-e offboard_name=zoe?",
    "zara": BY_HAND,
    "experimnt": BY_HAND,
    "datalab-zarah": BY_HAND,
    "alcie": "-l alice?",
    "alic": "-l alice?",
    "datalab-erin": "-l erin?",
    "bill": "",
    "erika": "",
}


@pytest.mark.parametrize("written", MEANT)
def test_a_misspelt_person_gets_a_suggestion(written: str) -> None:
    others = [
        {"name": "datalab-alice", "tags": {"owner": "alice"}},
        {"name": "datalab-zoe", "tags": {}},
        {"name": "experiment", "tags": {"owner": "zara"}},
    ]
    run = people(written, leaver=written)
    outcome = {"name": f"datalab-{written}", "owner": written, "status": None}
    found = misspelt_leavers(run, [outcome], others)
    meant = MEANT[written]
    gone = "If it was removed already, nothing is left to do"
    said = f"offboard_name: there is no instance datalab-{written}; did you mean {meant} {gone}"
    assert found == ([Problem(written, said)] if meant else [])
    assert misspelt_leavers(run, [{**outcome, "status": "Stopped"}], others) == []
    assert misspelt_leavers(people("alice"), [{**outcome, "owner": "alice"}], others) == []


def instance(name: str, config: str | None) -> dict[str, Any]:
    return {"name": name, "lifecycle_config_name": config}


ALL_CONFIGS = ("datalab", "datalab-quant", "datalab-viewer", "datalab-old", "other")
STRANGER = instance("by-hand", "datalab")
USED = "lifecycle configuration datalab is used by by-hand"


def config_removal(
    *hosts: str,
    there: Sequence[str] = ALL_CONFIGS,
    going: Sequence[Mapping[str, Any]] = (),
    staying: Sequence[Mapping[str, Any]] = (),
    keep_used: bool = False,
    **more: Any,
) -> SectionPlan:
    return plan_config_removal(people(*hosts, **more), there, going, staying, keep_used=keep_used)


def removed(plan: SectionPlan) -> list[str]:
    """Return the removed configurations, which are the same in the table and in the tasks."""
    names = [each["name"] for each in plan.steps["lifecycle_configs"]]
    assert plan.changes == tuple(Change("remove", f"lifecycle configuration {name}") for name in names)
    return names


def leaving(config: str | None, name: str = "bob") -> dict[str, Any]:
    """Return a person's instance that is removed, with this configuration."""
    return {"going": [instance(f"datalab-{name}", config)]}


ZOE = {"leaver": "zoe"}  # who has left the inventory
ONE_EACH = {
    "isolation": "access_point",
    "there": ["datalab-alice", "datalab-quant", "datalab-quant-bob", "datalab-zoe"],
}

CONFIG_CASES: dict[str, tuple[tuple[str, ...], dict[str, Any], list[str]]] = {
    "of everybody": ((), {}, ["datalab", "datalab-quant", "datalab-viewer"]),
    "only those that there are": ((), {"there": ["datalab"]}, ["datalab"]),
    "no other person has his": (("bob",), {}, ["datalab-quant"]),
    "Erin has it too": (("alice",), {}, []),
    "no one is left who has it": (("alice", "erin"), {}, ["datalab"]),
    "an old one of ours": (("bob",), leaving("datalab-old"), ["datalab-old", "datalab-quant"]),
    "one that is not ours": (("bob",), leaving("other"), ["datalab-quant"]),
    "that of others in the inventory": (("bob",), leaving("datalab-viewer"), ["datalab-quant"]),
    "an instance without any": (("bob",), leaving(None), ["datalab-quant"]),
    "a person who has left": (("zoe",), {**ZOE, **leaving("datalab", "zoe")}, []),
    "an old one of a person who has left": (("zoe",), {**ZOE, **leaving("datalab-old", "zoe")}, ["datalab-old"]),
    "one for each person": (("bob",), ONE_EACH, ["datalab-quant-bob"]),
    "one for each person who has left": (("zoe",), {**ZOE, **ONE_EACH}, ["datalab-zoe"]),
}


@pytest.mark.parametrize("case", CONFIG_CASES)
def test_configurations_go_with_the_last_who_has_them(case: str) -> None:
    hosts, more, names = CONFIG_CASES[case]
    plan = config_removal(*hosts, **more)
    assert removed(plan) == names
    assert (plan.refused, plan.notes) == ((), ())
    assert plan.changed == bool(names)


def test_a_configuration_that_others_use_stops_the_removal() -> None:
    plan = config_removal("alice", "erin", staying=[STRANGER, instance("z", "datalab"), instance("x", "other")])
    remedy = "keep it with -e platform_destroy_keep_used=true, or give the instance another configuration first"
    assert plan.refused == (f"{USED}, z; {remedy}",)
    assert (removed(plan), plan.notes) == ([], ())


def test_a_configuration_that_others_use_stays_if_asked_to() -> None:
    plan = config_removal(staying=[instance("bare", "datalab-viewer"), STRANGER], keep_used=True)
    viewer = USED.replace("datalab", "datalab-viewer").replace("by-hand", "bare")
    assert (plan.refused, plan.notes) == ((), (f"{USED}; it stays", f"{viewer}; it stays"))
    assert removed(plan) == ["datalab-quant"]


def test_users_of_what_stays_anyway_are_not_asked() -> None:
    assert config_removal("bob", staying=[STRANGER, instance("bare", None)]).refused == ()


# Some settings


def test_only_some_options_and_others_in_their_place() -> None:
    chosen = people("alice", "bob")
    assert some_settings(chosen, [], {"state": "stopped"}) == [
        {"name": "datalab-alice", "owner": "alice", "state": "stopped"},
        {"name": "datalab-bob", "owner": "bob", "state": "stopped"},
    ]
    assert some_settings(chosen, ["instance_type", "root_access"], {}) == [
        {"name": "datalab-alice", "owner": "alice", "instance_type": "ml.t3.medium", "root_access": False},
        {"name": "datalab-bob", "owner": "bob", "instance_type": "ml.t3.medium", "root_access": False},
    ]
    assert some_settings(chosen, ["instance_type"], {"instance_type": "x"})[0]["instance_type"] == "x"


@pytest.mark.parametrize(("isolation", "config"), [("shared", "datalab"), ("access_point", "datalab-alice")])
def test_a_configuration_is_the_persons_own_where_mounts_are(isolation: str, config: str) -> None:
    (alice,) = some_settings(people("alice", isolation=isolation), ["lifecycle_config_name"], {})
    assert alice == {"name": "datalab-alice", "owner": "alice", "lifecycle_config_name": config}


# Instances of another person


def test_a_resource_that_cannot_be_removed_stops_the_removal() -> None:
    fails = {"owner": "alice", "failed": True, "msg": "alice: notebook_name: x is bob's by its tag owner"}
    assert unremovable([{"owner": "bob", "failed": False}, fails]) == [
        Problem("alice", "notebook_name: x is bob's by its tag owner")
    ]


WORD = {"notebook_allow_other_owner": True}


@pytest.mark.parametrize("door", ["converge", "remove", "settings"])
def test_the_word_for_the_instance_of_another_person_goes_through_every_door(door: str) -> None:
    chosen = wanted(inventory(variables={"bob": WORD}), "alice", "bob")
    made = {
        "converge": lambda: fleet_request(chosen, Place())["instances"],
        "remove": lambda: removal_request(chosen),
        "settings": lambda: some_settings(chosen, [], {"state": "stopped"}),
    }[door]()
    assert [(each["owner"], each.get("allow_other_owner")) for each in made] == [("alice", None), ("bob", True)]


def test_the_word_holds_for_a_person_who_has_left() -> None:
    chosen = wanted(inventory(common=WORD), "zoe", leaver="zoe")
    assert [each["allow_other_owner"] for each in removal_request(chosen)] == [True]


# Missing roles


@pytest.mark.parametrize(
    ("hosts", "variables", "missing"),
    [
        ((), {}, {"bob": "datalab-research", "viewer": "datalab-viewer"}),
        (("bob",), {}, {"bob": "datalab-research"}),
        (("alice",), {}, {}),
        (("bob",), {"bob": {"notebook_role_arn": "arn:aws:iam::123456789012:role/own"}}, {}),
    ],
    ids=["of all", "of this run", "none", "with another role"],
)
def test_roles_that_are_missing(hosts: tuple[str, ...], variables: dict[str, Any], missing: dict[str, str]) -> None:
    chosen = wanted(inventory(viewers=["viewer"], variables=variables), *hosts)
    names = {"bob": "datalab-research", "viewer": "datalab-viewer"}
    given = place(chosen, {"access": SectionPlan(ids={"role_names_missing": names})})
    assert fleet_request(chosen, given)["missing_roles"] == missing


def test_a_role_for_everybody_is_not_missing() -> None:
    chosen = people(notebook_fleet_role_arn="own")
    assert place(chosen, {"access": SectionPlan(ids={"role_names_missing": {"bob": "x"}})}).missing_roles == {}


# The OS

RETIRED, CURRENT = "notebook-al2-v3", "notebook-al2023-v1"


def outcome(name: str, os: str = RETIRED, status: str = "Stopped", *, waits: bool = False) -> dict[str, Any]:
    """Return the fleet module's result in check mode for an instance that is to move to another OS."""
    change = {"platform_identifier": {"before": os, "after": CURRENT}}
    return {
        "name": f"datalab-{name}",
        "owner": name,
        "status": status,
        "before": {} if waits or os == CURRENT else {"platform_identifier": os},
        "pending": change if waits else {},
        "failed": False,
    }


def asked(*outcomes: Mapping[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return the requested instances of these outcomes."""
    return [{"name": each["name"], "owner": each["owner"], "platform_identifier": CURRENT, **more} for each in outcomes]


def moved(*outcomes: Mapping[str, Any], batch: int = 10) -> tuple[list[str], list[list[str]], list[list[str]]]:
    """Return the people whose instances wait, and, in batches, those whose instances move and stop again."""
    plan = upgrade(asked(*outcomes), outcomes, CURRENT, batch)
    batches = [[[each["owner"] for each in part[key]] for part in plan["batches"]] for key in ("moving", "at_rest")]
    return plan["waiting"], batches[0], batches[1]


def test_an_instance_is_started_on_its_new_os_and_stopped_again() -> None:
    alice = outcome("alice")
    assert upgrade(asked(alice), [alice], CURRENT, 10)["batches"] == [
        {
            "moving": [
                {
                    "name": "datalab-alice",
                    "owner": "alice",
                    "platform_identifier": CURRENT,
                    "update_policy": "force",
                    "state": "started",
                }
            ],
            "at_rest": [{"name": "datalab-alice", "owner": "alice", "state": "stopped"}],
        }
    ]


@pytest.mark.parametrize(
    ("status", "is_at_rest"), [("Stopped", True), ("Stopping", True), ("InService", False), ("Failed", False)]
)
def test_only_what_was_stopped_is_stopped_again(status: str, is_at_rest: bool) -> None:
    assert moved(outcome("alice", status=status)) == ([], [["alice"]], [["alice"] if is_at_rest else []])


@pytest.mark.parametrize("os", ["notebook-al1-v1", "notebook-al2-v1", "notebook-al2-v2", "notebook-al2-v3"])
def test_instances_on_a_retired_os_move_or_wait(os: str) -> None:
    assert moved(outcome("alice", os), outcome("bob", os, "InService", waits=True)) == (
        ["bob"], [["alice"]], [["alice"]],
    )  # fmt: skip


@pytest.mark.parametrize("os", [CURRENT, "notebook-al2023-v2", "notebook-al3-v1", ""])
def test_instances_on_a_supported_os_stay(os: str) -> None:
    assert moved(outcome("alice", os), outcome("bob", os, waits=True)) == ([], [], [])


def test_instances_that_cannot_move_are_reported() -> None:
    fails = {**outcome("bob", ""), "failed": True, "msg": "bob: x"}
    has_none = {**outcome("erin", ""), "failed": True, "msg": "erin: there is no instance"}
    plan = upgrade(asked(outcome("alice"), fails), [outcome("alice"), fails, has_none], CURRENT, 10)
    assert plan["failed"] == ["bob: x"]
    assert [each["owner"] for part in plan["batches"] for each in part["moving"]] == ["alice"]


def test_the_word_for_the_instance_of_another_person_moves_it_and_stops_it_again() -> None:
    alice = outcome("alice")
    (batch,) = upgrade(asked(alice, allow_other_owner=True), [alice], CURRENT, 10)["batches"]
    assert [each["allow_other_owner"] for each in (*batch["moving"], *batch["at_rest"])] == [True, True]


def test_another_change_that_waits_is_no_reason_to_wait_for_those_who_have_the_os() -> None:
    other = {**outcome("alice", CURRENT), "pending": {"instance_type": {"before": "a", "after": "b"}}}
    assert moved(other) == ([], [], [])


@given(st.lists(st.sampled_from([RETIRED, CURRENT]), max_size=30), st.integers(1, 12))
def test_everybody_moves_once_in_batches_that_are_full(systems: list[str], batch: int) -> None:
    outcomes = [outcome(f"p{number}", os) for number, os in enumerate(systems)]
    _waiting, moving, _at_rest = moved(*outcomes, batch=batch)
    retired = [each["owner"] for each, os in zip(outcomes, systems, strict=True) if os == RETIRED]
    assert list(chain.from_iterable(moving)) == retired
    assert all(len(part) == batch for part in moving[:-1])
    assert all(0 < len(part) <= batch for part in moving)
