# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The options of sagemaker_notebook_fleet to converge the people's instances, or to remove them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..desired import Place, instance_options
from ..people import Config, config_of, configs
from ..preflight import SOME_FILE_SYSTEM, Wanted
from ..problems import Problem, closest, slip_of
from ..roster import instance_name
from ..scripts.render import render
from ..scripts.tools import from_bucket
from .section import Change, SectionPlan

Outcome = Mapping[str, Any]  # what sagemaker_notebook_fleet returns for an instance

WHOSE = ("name", "owner", "allow_other_owner")  # the options that identify an instance
EFS_DNS_NAME = "notebook_host_efs_dns_name"
REMOVAL = {"state": "absent", "force": True}


def fleet_request(wanted: Wanted, place: Place) -> dict[str, Any]:
    """The instances of the people of this run and the lifecycle configurations that they use, with their scripts.

    `missing` has what an instance needs and what is not there yet, by person; as long as there is some, the request can
    be compared with what AWS has, but not be sent. `missing_roles` is apart: the ARN of a role is known before there is
    one, and AWS takes some time to list one that was made.
    """
    mine = [wanted.wishes[name] for name in wanted.people]
    name = place.efs_dns_name or _some(place.efs_dns_name)
    needed = configs(mine, wanted.prefix, {EFS_DNS_NAME: name, **place.mount}, place.mounts)
    missing = {each.person.name: place.missing_for(each) for each in mine}
    return {
        "instances": [instance_options(wishes, wanted.prefix, place) for wishes in mine],
        "lifecycle_configs": [_scripts(config, place.tools_bucket) for config in needed.values()],
        "managed": [person.instance for person in wanted.roster.people.values()],
        "idle_limits": idle_limits(needed),
        "missing": {name: parts for name, parts in missing.items() if parts},
        "missing_roles": {each.person.name: role for each in mine if (role := place.missing_role_of(each))},
    }


def idle_limits(needed: Mapping[str, Config]) -> dict[str, int]:
    """After how many seconds instances with these configurations stop by themselves; 0 is never."""
    return {
        name: config.settings["notebook_host_idle_timeout"]
        for name, config in needed.items()
        if "autostop" in config.settings["notebook_host_steps"]
    }


def _some(efs_dns_name: str | None) -> str:
    return "" if efs_dns_name is not None else SOME_FILE_SYSTEM


def _scripts(config: Config, tools_bucket: str) -> dict[str, str]:
    scripts = render(from_bucket(config.settings, tools_bucket))
    return {"name": config.name, "on_create": scripts.on_create, "on_start": scripts.on_start}


def removal_request(wanted: Wanted) -> list[dict[str, Any]]:
    """The instances of the people of this run, to be removed with their volumes."""
    return some_settings(wanted, [], REMOVAL)


def leaving_people(wanted: Wanted, outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """The people of this run, whether the inventory still has them, and where their files stay without an instance.

    Of a person who has left the inventory, only the instance's tag tells the team.
    """
    storage = wanted.settings["storage"]
    tagged = {each["owner"]: each["tags"].get("team", "") for each in outcomes if each["status"]}
    places = {
        "shared": "teams/{team}/{name} on the shared file system",
        "access_point": "people/{name} on the shared file system",
        "file_system": f"the file system {storage['efs_name']}-{{name}}",
    }
    return [
        {
            "name": each.name,
            "in_inventory": not each.has_left,
            "has_instance": each.name in tagged,
            "files": places[storage["isolation"]].format(
                name=each.name, team=each.team or tagged.get(each.name) or "<team>"
            ),
        }
        for each in (wanted.roster.people[name] for name in wanted.people)
    ]


def misspelt_leavers(wanted: Wanted, outcomes: Iterable[Outcome], others: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """People who have left the inventory and have no instance, where most likely another name was meant.

    `others` are the instances of the account that this run is not about. A name that is like no other one is no
    mistake: a second run finds no instance any more.
    """
    leavers = [each for each in outcomes if not each["status"] and wanted.roster.people[each["owner"]].has_left]
    begin = f"{wanted.prefix}-"
    managed = {each.instance: each for each in wanted.roster.people.values() if not each.has_left}
    unmanaged: dict[str, str] = {}
    for name, tags in ((str(each["name"]), each["tags"]) for each in others if each["name"] not in managed):
        bare = name.removeprefix(begin)
        owner = str(tags.get("owner") or bare)
        by_name = f"-e offboard_name={owner}?"
        by_host = f"{name} of {owner}? Put {owner} into the inventory with notebook_name: {name}, and use -l {owner}."
        unmanaged |= dict.fromkeys((owner, bare), by_name if instance_name(wanted.prefix, owner) == name else by_host)
    names = {instance.removeprefix(begin).casefold(): f"-l {each.name}?" for instance, each in managed.items()}
    meant = {str(each["owner"]): _meant(str(each["owner"]).removeprefix(begin), names, unmanaged) for each in leavers}
    gone = "If it was removed already, nothing is left to do"
    about = "offboard_name: there is no instance {}; did you mean {} {}"
    return [
        Problem(each["owner"], about.format(each["name"], meant[each["owner"]], gone))
        for each in leavers
        if meant[each["owner"]]
    ]


def _meant(written: str, managed: Mapping[str, str], unmanaged: Mapping[str, str]) -> str:
    """How to name who was meant, or "". A person of the inventory is meant only if hardly a letter differs."""
    low = written.casefold()
    return unmanaged.get(closest(written, unmanaged)) or managed.get(low) or managed.get(slip_of(low, managed), "")


def plan_config_removal(
    wanted: Wanted, there: Collection[str], going: Iterable[Outcome], staying: Iterable[Outcome], *, keep_used: bool
) -> SectionPlan:
    """The lifecycle configurations that go with these people: those that no other person in the inventory has.

    `going` are their instances, `staying` all others of the account, each with its `lifecycle_config_name`. AWS would
    delete a configuration that one of the latter uses, and the instance would not start again.
    """
    names = {name: config_of(wishes, wanted.prefix, wanted.own_mounts) for name, wishes in wanted.wishes.items()}
    has = {str(each["lifecycle_config_name"] or "") for each in going}
    mine = {names[name] for name in wanted.people} | {name for name in has if name.startswith(f"{wanted.prefix}-")}
    leaving = mine.intersection(there) - {names[name] for name in names if name not in wanted.people}
    users: dict[str, list[str]] = {}
    for instance in staying:
        users.setdefault(str(instance.get("lifecycle_config_name") or ""), []).append(str(instance["name"]))
    removable = sorted(leaving - set(users))
    told = [
        f"lifecycle configuration {name} is used by {', '.join(users[name])}"
        for name in sorted(leaving)
        if name in users
    ]
    remedy = "keep it with -e platform_destroy_keep_used=true, or give the instance another configuration first"
    return SectionPlan(
        changes=tuple(Change("remove", f"lifecycle configuration {name}") for name in removable),
        refused=() if keep_used else tuple(f"{text}; {remedy}" for text in told),
        notes=tuple(f"{text}; it stays" for text in told) if keep_used else (),
        steps={"lifecycle_configs": [{"name": name} for name in removable]},
    )


def some_settings(wanted: Wanted, only: Collection[str], override: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The instances of the people of this run with these options only, of which these values replace their own."""
    kept = {*WHOSE, *only}
    place = Place(mounts=wanted.own_mounts)
    everything = (instance_options(wanted.wishes[name], wanted.prefix, place) for name in wanted.people)
    return [{**{key: value for key, value in each.items() if key in kept}, **override} for each in everything]


def all_idle_limits(wanted: Wanted) -> dict[str, int]:
    """The idle limits of the configurations of the people of this run."""
    mine = [wanted.wishes[name] for name in wanted.people]
    return idle_limits(configs(mine, wanted.prefix, {EFS_DNS_NAME: ""}, wanted.own_mounts))


def unremovable(outcomes: Iterable[Outcome]) -> list[Problem]:
    """Instances that cannot be removed, such as those of other people, as problems of the whole removal."""
    return [
        Problem(each["owner"], each["msg"].removeprefix(f"{each['owner']}: ")) for each in outcomes if each["failed"]
    ]


# The OS of instances

RETIRED = re.compile(r"notebook-al[12]-")  # https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-al2.html


def upgrade(instances: Iterable[Mapping[str, Any]], outcomes: Iterable[Outcome], to: str, batch: int) -> dict[str, Any]:
    """The instances that move to the current OS, in batches; those that wait because they run; and those to stop again.

    `outcomes` tell what would become of `instances`, in any order; `failed` has the obstacles of some.
    """
    whose = {each["name"]: {key: each[key] for key in WHOSE if key in each} for each in instances}
    there = [each for each in outcomes if each["name"] in whose]
    retired = [each for each in there if RETIRED.match(_os_of(each))]
    moving = [each for each in retired if not each["pending"]]
    forced = {"platform_identifier": to, "update_policy": "force", "state": "started"}
    return {
        "failed": [each["msg"] for each in there if each["failed"]],
        "waiting": [each["owner"] for each in retired if each["pending"]],
        "batches": [
            {
                "moving": [{**whose[each["name"]], **forced} for each in part],
                "at_rest": [
                    {**whose[each["name"]], "state": "stopped"}
                    for each in part
                    if each["status"] in ("Stopped", "Stopping")
                ],
            }
            for part in (moving[start : start + batch] for start in range(0, len(moving), batch))
        ],
    }


def _os_of(outcome: Outcome) -> str:
    waits = outcome["pending"].get("platform_identifier", {})
    return str(outcome["before"].get("platform_identifier") or waits.get("before") or "")
