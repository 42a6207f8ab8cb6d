# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A drill: roles, tags, storage and instances are damaged at random, and one run repairs or names all damage.

The number in a test's name is the seed: `pytest tests/unit/plugins/test_drill.py -k 'damages[17]'` repeats it.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import Current, Desired
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import Plan, make_plans
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import have, want
from ansible_collections.datalab.notebooks.tests.unit.plugins import access, storage_found

Thing = tuple[str, str]  # kind and name
World = dict[Thing, Any]  # AWS's properties of each resource; None if it is gone

ROUNDS = 50
MOST_DAMAGES = 8
INLINE = [{"policy_name": "mine", "document": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}]
OTHERS = access.attached("arn:aws:iam::aws:policy/AdministratorAccess")
STORAGE = storage_found.BY_POINT


class Damage(NamedTuple):
    """Damage to a resource, and what a run does about it: repair it, name it, or refuse to begin."""

    fate: str
    change: Callable[[Any], Any]


def has(fate: str, **properties: Any) -> Damage:
    """Return a damage that changes properties of a resource."""
    return Damage(fate, lambda item: {**item, **properties})


def lacks_tag(fate: str, key: str) -> Damage:
    return Damage(
        fate, lambda item: {**item, "tags": {each: item["tags"][each] for each in item["tags"] if each != key}}
    )


def becomes(fate: str, status: str = "Stopped", tags: Mapping[str, str] | None = None, **fields: Any) -> Damage:
    """Return a damage that changes an instance; it is Stopped by default, since changing settings needs a stop."""
    return Damage(
        fate,
        lambda item: replace(item, status=status, tags={**item.tags, **(tags or {})}, fields={**item.fields, **fields}),
    )


GONE = Damage("repaired", lambda _item: None)
DAMAGES: dict[str, list[Damage]] = {
    "policies": [
        has("repaired", policy_version_list=[access.version(INLINE[0]["document"])]),
        lacks_tag("repaired", "project"),
        has("refused", path="/"),
        GONE,
    ],
    "roles": [
        has("repaired", permissions_boundary=None),
        has("repaired", permissions_boundary=None, role_policy_list=INLINE),
        has("repaired", role_policy_list=INLINE),
        has("repaired", attached_managed_policies=OTHERS),
        has("repaired", attached_managed_policies=[]),
        has("repaired", assume_role_policy_document={"Statement": []}),
        has("repaired", description=""),
        lacks_tag("repaired", "project"),
        has("repaired", tags={}),
        has("refused", path="/"),
        GONE,
    ],
    "groups": [
        has("repaired", attached_managed_policies=[]),
        has("named", group_policy_list=INLINE),
        has("refused", path="/"),
        GONE,
    ],
    "workgroups": [
        has("repaired", output_location="s3://elsewhere/"),
        has("repaired", expected_bucket_owner=None),
        has("repaired", enforce_work_group_configuration=False),
        lacks_tag("repaired", "team"),
        lacks_tag("refused", "datalab:access"),
        has("refused", tags={}),
        GONE,
    ],
    "file_systems": [
        has("repaired", policy={}),
        has("repaired", backup=False),
        lacks_tag("repaired", "Name"),
        lacks_tag("refused", "datalab:storage"),
        has("refused", tags={}),
        has("refused", encrypted=False),
    ],
    "access_points": [
        lacks_tag("repaired", "owner"),
        lacks_tag("refused", "datalab:storage"),
        has("refused", posix_user={"uid": 7, "gid": 7}),
        GONE,
    ],
    "buckets": [
        has("repaired", versioning="Suspended"),
        has("repaired", public_access={}),
        has("repaired", tags={}, is_blank=True),
        lacks_tag("refused", "datalab:storage"),
        has("refused", tags={}),
        has("refused", foreign=True),
        GONE,
    ],
    "instances": [
        becomes("repaired", tags={"team": "fraud"}),
        becomes("repaired", "InService", tags={"cost": "0"}),
        becomes("repaired", instance_type="ml.p3.2xlarge"),
        becomes("repaired", role_arn="arn:aws:iam::123456789012:role/other"),
        becomes("repaired", lifecycle_config_name="datalab-viewer"),
        becomes("repaired", "Failed"),
        becomes("named", tags={"owner": "mallory"}),
        becomes("named", volume_size_in_gb=21),
        becomes("named", subnet_id="subnet-0f"),
        GONE,
    ],
}


# A platform


def wanted_instance(name: str) -> Desired:
    tags = {"owner": name, "team": "research", "cost": "1"}
    return want(
        name=f"datalab-{name}", owner=name, tags=tags, purge_tags=False,
        instance_type="ml.t3.medium", role_arn="arn:aws:iam::123456789012:role/datalab/datalab-research",
        volume_size_in_gb=20, subnet_id="subnet-0a", lifecycle_config_name="datalab",
    )  # fmt: skip


INSTANCES = {f"datalab-{name}": wanted_instance(name) for name in ("alice", "bob", "erin", "ivy")}


def as_wanted(desired: Desired) -> Current:
    instance = have("InService", {**(desired.tags or {}), "idle": "60"}, **desired.fields)
    return replace(instance, name=desired.name)


def platform() -> World:
    """Return the platform after a run."""
    world: World = {}
    for kind in access.MAKE:
        world |= {(kind, item[access.NAMES[kind]]): item for item in access.CONVERGED[kind]}
    found = storage_found.there(STORAGE)
    (system,) = found["file_systems"]
    world["file_systems", "datalab"] = {**system, "access_points": []}
    world |= {("access_points", point["name"]): point for point in system["access_points"]}
    world["buckets", storage_found.BUCKET] = found["bucket"]
    return {**world, **{("instances", name): as_wanted(desired) for name, desired in INSTANCES.items()}}


# A run


class Run(NamedTuple):
    """The messages and the effects of one run."""

    refused: tuple[str, ...]
    told: tuple[str, ...]
    touched: set[Thing]
    after: World


def run(world: World) -> Run:
    """Plan everything, and, unless something is refused, carry the plans out."""
    of_access = access.plan(account_of(world))
    of_storage = storage_found.plan(STORAGE, storage_of(world))
    refused = (*of_access.refused, *of_storage.refused)
    if refused:
        return Run(refused, (), set(), world)
    pairs = [(desired, world["instances", name]) for name, desired in INSTANCES.items()]
    plans, failed = make_plans(pairs)
    after = {**world, **after_access(world, of_access), **after_storage(world, of_storage)}
    after |= {("instances", made.desired.name): after_instance(made) for made in plans}
    steps = {**of_access.steps, **of_storage.steps}
    touched = {(kind, step["name"]) for kind, each in steps.items() if kind in DAMAGES for step in each}
    touched |= {("buckets", step["name"]) for step in steps["bucket_lifecycles"]}
    touched |= {("instances", made.desired.name) for made in plans if made.changed}
    told = (*of_access.notes, *of_storage.notes, *(f"{name}: {error}" for name, error in failed.items()))
    return Run((), told, touched, after)


def account_of(world: World) -> dict[str, Any]:
    there = {kind: [item for (each, _name), item in world.items() if each == kind and item] for kind in access.MAKE}
    return {**access.NOTHING, **there}


def storage_of(world: World) -> dict[str, Any]:
    points = [item for (kind, _name), item in world.items() if kind == "access_points" and item]
    system = {**world["file_systems", "datalab"], "access_points": points}
    bucket = world["buckets", storage_found.BUCKET]
    return {**storage_found.EMPTY, "file_systems": [system], "bucket": bucket}


def after_access(world: World, made: Any) -> World:
    found = access.applied(made, account_of(world))
    return {(kind, item[access.NAMES[kind]]): item for kind in access.MAKE for item in found[kind]}


def after_storage(world: World, made: Any) -> World:
    """Return the storage after a plan's steps; a step names all properties that its module manages."""
    after: World = {}
    for step in made.steps["file_systems"]:
        system = world["file_systems", step["name"]]
        kept = {key: step[key] for key in ("policy", "backup", "throughput_mode", "lifecycle_policies")}
        after["file_systems", step["name"]] = {**system, **kept, "tags": {**system["tags"], **step["tags"]}}
    for step in made.steps["access_points"]:
        before = world["access_points", step["name"]] or storage_found.point(step["name"], tags={})
        after["access_points", step["name"]] = {**before, "tags": {**before["tags"], **step["tags"]}}
    for step in made.steps["buckets"]:
        before = world["buckets", step["name"]] or {"tags": {}}
        after["buckets", step["name"]] = storage_found.bucket(tags={**before["tags"], **step["tags"]})
    return after


def after_instance(made: Plan) -> Current | None:
    current, desired = made.current, made.desired
    for step in made.steps:
        if step.action == "create":
            current = replace(as_wanted(desired), tags=desired.tags or {})
        elif current and step.action == "update":
            current = replace(current, fields={**current.fields, **desired.fields})
        elif current and step.action == "set_tags":
            current = replace(current, tags={**current.tags, **step.params})
        elif current and step.action == "start":
            current = replace(current, status="InService")
    return current


# The drill


def damage(world: World, seed: int) -> dict[Thing, Damage]:
    """Damage some resources, and return the damages. All kinds are equally likely."""
    rng = random.Random(seed)  # noqa: S311 - it is a drill
    done: dict[Thing, Damage] = {}
    for _each in range(rng.randint(1, MOST_DAMAGES)):
        kind = rng.choice(list(DAMAGES))
        thing = rng.choice([thing for thing in world if thing[0] == kind])
        if thing not in done:
            done[thing] = rng.choice(DAMAGES[kind])
            world[thing] = done[thing].change(world[thing])
    return done


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_one_run_repairs_or_names_all_damages(seed: int) -> None:
    healthy, world = platform(), platform()
    damages = damage(world, seed)
    foreign = [thing for thing, each in damages.items() if each.fate == "refused"]
    before = copy.deepcopy(world)
    stopped = run(world)
    assert len(stopped.refused) == len(foreign)
    assert [name for _kind, name in foreign if not any(name in text for text in stopped.refused)] == []
    assert world == before
    world |= {thing: healthy[thing] for thing in foreign}  # as the messages ask

    made = run(world)
    assert made.refused == ()
    assert made.touched == {thing for thing, each in damages.items() if each.fate == "repaired"}
    named = [name for (_kind, name), each in damages.items() if each.fate == "named"]
    assert len(made.told) == len(named)
    assert [name for name in named if not any(name in text for text in made.told)] == []
    again = run(made.after)
    assert (again.refused, again.touched, again.told) == ((), set(), made.told)
    untouched = [thing for thing in healthy if thing not in made.touched]
    assert [thing for thing in untouched if made.after[thing] != world[thing]] == []


def test_every_damage_is_dealt_in_some_round() -> None:
    """Otherwise the passing rounds would prove less than they seem to."""
    dealt = {(kind, each) for seed in range(ROUNDS) for (kind, _name), each in damage(platform(), seed).items()}
    assert dealt == {(kind, each) for kind, damages in DAMAGES.items() for each in damages}
