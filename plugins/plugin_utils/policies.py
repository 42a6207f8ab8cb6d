# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The policies of the role platform_access, from its templates. Pure: no call to AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ansible_collections.datalab.notebooks.plugins.plugin_utils.teams import effective_teams

TEMPLATES = Path(__file__).parents[2] / "roles" / "platform_access" / "templates"
NO_ACCOUNT = {"account": "0" * 12, "partition": "aws"}  # stands for the account before AWS is asked


@dataclass(frozen=True)
class Policy:
    """A managed policy."""

    name: str
    description: str
    document: dict[str, Any]
    bounded: bool = False  # for roles, and so within their boundary


@dataclass(frozen=True)
class Platform:
    """All that rights are made from: the settings, the roster, and what other sections have."""

    settings: Mapping[str, Any]
    people: Sequence[Mapping[str, Any]]
    viewers: Sequence[str]
    instance_prefix: str
    results_bucket: str = ""
    subnet_ids: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    account: Mapping[str, str] = field(default_factory=NO_ACCOUNT.copy)

    @property
    def name(self) -> str:
        """What the names of everything begin with."""
        return str(self.settings["name"])

    @property
    def path(self) -> str:
        """The path in IAM, which marks what is ours."""
        return f"/{self.name}/"

    @property
    def teams(self) -> dict[str, dict[str, Any]]:
        """All teams, by name."""
        return effective_teams(self.settings, self.people)

    @property
    def tags(self) -> dict[str, str]:
        """The tags of everything that is made."""
        return {str(key): str(value) for key, value in self.settings["tags"].items()}

    @property
    def arns(self) -> dict[str, str]:
        """How ARNs begin. Rights hold in all regions, like everything in IAM."""
        partition, account = self.account["partition"], self.account["account"]
        here = f"arn:{partition}:%s:*:{account}:"
        return {
            **{service: here % service for service in ("athena", "glue", "logs", "sagemaker")},
            "policy": f"arn:{partition}:iam::{account}:policy{self.path}",
            "role": f"arn:{partition}:iam::{account}:role{self.path}",
            "s3": f"arn:{partition}:s3:::",
        }

    @property
    def boundary_arn(self) -> str:
        """The permissions boundary of every role."""
        return str(self.settings["boundary"] or f"{self.arns['policy']}{self.name}-boundary")


def render_policies(platform: Platform) -> list[Policy]:
    """All managed policies of the platform."""
    return list(_policies(platform))


def render_trust(platform: Platform) -> dict[str, Any]:
    """Who takes the roles on."""
    return _rendered("trust", platform)


def policy_size(document: Mapping[str, Any]) -> int:
    """The characters of a policy as IAM counts them, which are all but white space."""
    return len("".join(json.dumps(document, separators=(",", ":")).split()))


def _policies(platform: Platform) -> Iterator[Policy]:
    name = platform.name
    if not platform.settings["boundary"]:
        document = _rendered("boundary", platform, **_boundary_parts(platform))
        yield Policy(f"{name}-boundary", "The most that a role of the platform may do", document)
    if platform.viewers:
        yield Policy(f"{name}-viewer", "What the viewers may do", _rendered("viewer", platform), bounded=True)
    for team, settings in platform.teams.items():
        given = {"team": team, "limits": settings.get("limits"), "one_each": bool(settings.get("role_per_person"))}
        execution = _rendered("execution", platform, **given, **_data_parts(settings))
        yield Policy(f"{name}-{team}", f"What the instances of the team {team} may do", execution, bounded=True)
        people = _rendered("people", platform, **given)
        yield Policy(f"{name}-people-{team}", f"What the people of the team {team} may do", people)


def _boundary_parts(platform: Platform) -> dict[str, list[str]]:
    """The actions of the boundary: those on S3 are for the platform's buckets only."""
    actions = platform.settings["boundary_actions"]
    buckets = [name for name in (*platform.settings["data_buckets"], platform.results_bucket) if name]
    return {
        "on_buckets": [action for action in actions if action.lower().startswith("s3:")],
        "elsewhere": [action for action in actions if not action.lower().startswith("s3:")],
        "bucket_arns": [f"{platform.arns['s3']}{name}" for name in (*buckets, *(f"{name}/*" for name in buckets))],
    }


def _data_parts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a team reads: the places in S3, the folders of each bucket, "" for all of it, and the databases."""
    places = [prefix.removeprefix("s3://").removesuffix("/") for prefix in settings.get("prefixes") or []]
    folders: dict[str, list[str]] = {}
    for place in places:
        bucket, _slash, folder = place.partition("/")
        folders.setdefault(bucket, []).append(folder)
    return {"places": places, "folders": folders, "databases": settings.get("databases") or []}


def _rendered(template: str, platform: Platform, **given: Any) -> dict[str, Any]:
    text = _template(template).render(
        **given,
        arn=platform.arns,
        name=platform.name,
        prefix=platform.instance_prefix,
        viewers=platform.viewers,
        person=platform.settings["person"],
        cost_tags=platform.settings["cost_tags"],
        results_bucket=platform.results_bucket,
        subnet_ids=platform.subnet_ids,
        security_group_ids=platform.security_group_ids,
        account=platform.account["account"],
    )
    document: dict[str, Any] = yaml.load(text, SafeLoader)  # noqa: S506 - a safe one
    return document


SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the former is fast, and not everywhere


class _Json(str):
    """What is JSON already."""

    __slots__ = ()


@cache
def _template(name: str) -> Template:
    """A template, compiled once for all policies."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_quotable,
        autoescape=False,  # noqa: S701 - it is YAML, and _quotable sees to that
    )
    environment.filters["to_json"] = lambda value: _Json(_in_json(value))
    return environment.get_template(f"{name}.yml.j2")


def _quotable(value: Any) -> Any:
    """What a template inserts between quotes ends neither these nor the line."""
    return value if isinstance(value, _Json) else _in_json(str(value))[1:-1]


def _in_json(value: Any) -> str:
    """The value in JSON that is YAML, too: of two halves YAML makes no character, and some it takes escaped only."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    return "".join(character if character.isprintable() else f"\\U{ord(character):08x}" for character in text)
