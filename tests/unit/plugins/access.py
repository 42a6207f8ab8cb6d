# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A platform of three teams: its settings, and AWS's answers after a plan was carried out."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.access import plan_access, plan_access_removal
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan

ROLE = Path(__file__).parents[3] / "roles" / "platform_access"
DEFAULTS = {
    name.removeprefix("platform_access_"): value
    for name, value in yaml.safe_load((ROLE / "defaults" / "main.yml").read_text()).items()
}
SETTINGS: dict[str, Any] = {
    **DEFAULTS,
    "teams": {
        "research": {"prefixes": ["s3://acme-data/research"], "databases": ["research"]},
        "fraud": {"prefixes": ["s3://acme-data/fraud"], "role_per_person": True},
        "interns": {"limits": {"instance_types": ["ml.t3.medium"], "query_bytes": 10_000_000}},
    },
    "data_buckets": ["acme-data"],
    "results_bucket": "acme-results",
    "tags": {"project": "datalab"},
}
PEOPLE = [
    {"name": "alice", "team": "research", "instance": "datalab-alice"},
    {"name": "erin", "team": "fraud", "instance": "datalab-erin"},
    {"name": "ivy", "team": "interns", "instance": "datalab-ivy"},
]
NETWORK = {"subnet_ids": ["subnet-0a", "subnet-0b"], "instances_security_group": "sg-0a"}
ACCOUNT = {"account": "123456789012", "partition": "aws", "region": "eu-central-1", "arn": "arn:aws:iam::x:root"}
IAM = "arn:aws:iam::123456789012:"
NOTHING: dict[str, Any] = {"roles": [], "groups": [], "policies": [], "users": [], "workgroups": []}

Found = dict[str, Any]


def plan(found: Found = NOTHING, **more: Any) -> SectionPlan:
    """Return the plan; keywords that are not arguments of plan_access are settings."""
    given: dict[str, Any] = {
        "people": PEOPLE,
        "viewers": {"viewer": "datalab-viewer"},
        "instance_prefix": "datalab",
        "network": NETWORK,
        "results_bucket": "",
        "account": ACCOUNT,
    }
    arguments = {key: more.get(key, value) if key != "results_bucket" else value for key, value in given.items()}
    settings = {key: value for key, value in more.items() if key not in arguments or key == "results_bucket"}
    return plan_access({**SETTINGS, **settings}, copy.deepcopy(found), **arguments)


def removal(
    found: Found, *, people: Any = PEOPLE, keep_used: bool = False, given: Any = NOTHING, **settings: Any
) -> SectionPlan:
    """Return the plan of a removal; `given` has further arguments."""
    return plan_access_removal(
        {**SETTINGS, **settings},
        copy.deepcopy(found),
        people=people,
        viewers={"viewer": "datalab-viewer"},
        keep_used=keep_used,
        **{key: value for key, value in given.items() if key not in NOTHING},
    )


def policy(step: Mapping[str, Any], **more: Any) -> Found:
    """A managed policy as IAM returns it."""
    return {
        "policy_name": step["name"],
        "arn": f"{IAM}policy{step['path']}{step['name']}",
        "path": step["path"],
        "description": step["description"],
        "policy_version_list": [version(json.loads(step["policy"]))],
        "tags": {"of": "others", **step["tags"]},
        **more,
    }


def version(document: Any, number: int = 1, *, is_default: bool = True) -> Found:
    """A version of a policy."""
    return {"version_id": f"v{number}", "is_default_version": is_default, "document": document}


def role(step: Mapping[str, Any], **more: Any) -> Found:
    """A role as IAM returns it."""
    return {
        "role_name": step["name"],
        "arn": f"{IAM}role{step['path']}{step['name']}",
        "path": step["path"],
        "description": step["description"],
        "assume_role_policy_document": json.loads(step["assume_role_policy_document"]),
        "attached_managed_policies": attached(*step["managed_policies"]),
        "permissions_boundary": {"permissions_boundary_arn": step["boundary"]},
        "role_policy_list": [],
        "instance_profile_list": [],
        "tags": {"of": "others", **step["tags"]},
        **more,
    }


def group(step: Mapping[str, Any], **more: Any) -> Found:
    """A group as IAM returns it."""
    return {
        "group_name": step["name"],
        "arn": f"{IAM}group{step['path']}{step['name']}",
        "path": step["path"],
        "attached_managed_policies": attached(*step["managed_policies"]),
        "group_policy_list": [],
        **more,
    }


def user(name: str, *policies: str, groups: tuple[str, ...] = (), boundary: str | None = None) -> Found:
    """A user as IAM returns it."""
    bounded = {"permissions_boundary": {"permissions_boundary_arn": boundary}} if boundary else {}
    return {
        "user_name": name,
        "arn": f"{IAM}user/{name}",
        "path": "/",
        "group_list": list(groups),
        "attached_managed_policies": attached(*policies),
        **bounded,
    }


def attached(*arns: str) -> list[Found]:
    """Attached managed policies as roles, groups and users list them."""
    return [{"policy_name": arn.rpartition("/")[2], "policy_arn": arn} for arn in arns]


def workgroup(step: Mapping[str, Any], **more: Any) -> Found:
    """A workgroup as our module returns it."""
    limit = step["bytes_scanned_cutoff_per_query"] or None
    tags = {"of": "others", **step["tags"]}
    return {**step, "enabled": True, "bytes_scanned_cutoff_per_query": limit, "tags": tags, **more}


MAKE = {"policies": policy, "roles": role, "groups": group, "workgroups": workgroup}
NAMES = {"policies": "policy_name", "roles": "role_name", "groups": "group_name", "workgroups": "name"}


def applied(made: SectionPlan, found: Found = NOTHING) -> Found:
    """Return the resources in AWS after the steps of a plan."""
    after = copy.deepcopy(found)
    embedded = {item["role_name"]: item["role_policy_list"] for item in after["roles"]}
    for kind, make in MAKE.items():
        names = {step["name"] for step in made.steps[kind]}
        kept = [item for item in after[kind] if item[NAMES[kind]] not in names]
        after[kind] = [*kept, *(make(step) for step in made.steps[kind])]
    removed = {(step["role"], step["name"]) for step in made.steps["inline_policies"]}
    for item in after["roles"]:
        name = item["role_name"]
        left = [each for each in embedded.get(name, ()) if (name, each["policy_name"]) not in removed]
        item["role_policy_list"] = left
    return after


def changed(found: Found, kind: str, name: str, **more: Any) -> Found:
    """Return these resources, with other properties of one of them."""
    after = copy.deepcopy(found)
    (item,) = (each for each in after[kind] if each[NAMES[kind]] == name)
    item.update(more)
    return after


CONVERGED = applied(plan())
