# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The policies of the role platform_access, from its templates. Pure: no call to AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import OWN_TAGS as MARKS
from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.tags import PLATFORM_TAG
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import instance_name
from ansible_collections.datalab.notebooks.plugins.plugin_utils.teams import effective_teams

TEMPLATES = Path(__file__).parents[2] / "roles" / "platform_access" / "templates"
# Characters, without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
POLICY_LENGTH = 6144
NO_ACCOUNT = {"account": "0" * 12, "partition": "aws"}  # stands for the account before AWS is asked
KEPT_TAGS = ("owner", "team", PLATFORM_TAG)  # rights and costs depend on them

# What the variables of a person must look like to be in a policy; fleet's checks refuse what does not.
NAME = re.compile(r"[a-zA-Z0-9-]+")
ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
SUBNET = re.compile(r"subnet-[0-9a-f]+")
SECURITY_GROUP = re.compile(r"sg-[0-9a-f]+")
KEY = re.compile(
    r"(?P<arn>arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+)|(?P<alias>alias/[\w/-]+)|(?P<id>[a-z0-9-]+)"
    r"|arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(?P<named>alias/[\w/-]+)",
    re.ASCII,
)

PEOPLE_REMEDY = (
    "shorten the instance_types and secrets of the team, platform_access_subnet_ids or platform_access_open_from_cidrs,"
    " or have its people share"
    " notebook_lifecycle_config, notebook_kms_key_id and notebook_subnet_id"
)


@dataclass(frozen=True)
class Policy:
    """A managed policy."""

    name: str
    description: str
    document: dict[str, Any]
    bounded: bool = False  # for roles, and so within their boundary
    remedy: str = (
        "shorten the prefixes, databases or secrets of the team, or platform_access_data_buckets,"
        " platform_access_kms_keys and platform_access_boundary_actions"
    )  # if it is too long


@dataclass(frozen=True)
class Platform:
    """The input of the policies: the settings, the roster, and the results of other sections.

    `people` have a name, a team and an instance, whose lifecycle_config, role_arn, subnet_id, security_group_ids and
    kms_key_id they may have, too. Restricted groups create instances in `subnet_ids` with `security_group_ids`;
    `network` has the ids of the platform's own.
    """

    settings: Mapping[str, Any]
    people: Sequence[Mapping[str, Any]]
    viewers: Mapping[str, str]  # the name of each and of its instance
    instance_prefix: str
    results_bucket: str = ""
    results_key: str = ""
    tools_bucket: str = ""
    subnet_ids: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    has_own_configs: bool = False  # each person has one, which mounts the person's own storage
    account: Mapping[str, str] = field(default_factory=NO_ACCOUNT.copy)
    file_system: str = ""  # the name of the one that is mounted with IAM

    @property
    def name(self) -> str:
        """The prefix of all names."""
        return str(self.settings["name"])

    @property
    def path(self) -> str:
        """The path in IAM, which marks the platform's resources."""
        return f"/{self.name}/"

    @property
    def teams(self) -> dict[str, dict[str, Any]]:
        """All teams, by name."""
        return effective_teams(self.settings, self.people)

    def members(self, team: str) -> list[Mapping[str, Any]]:
        """The people of a team."""
        return [person for person in self.people if person["team"] == team]

    @property
    def arns(self) -> dict[str, str]:
        """The beginning of ARNs. Rights hold in all regions, like everything in IAM."""
        partition, account = self.account["partition"], self.account["account"]
        here = f"arn:{partition}:%s:*:{account}:"
        return {
            **{
                service: here % service
                for service in ("athena", "ec2", "elasticfilesystem", "glue", "kms", "logs", "sagemaker")
            },
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
    """The trust policy of the roles."""
    instances, prefix = f"{platform.arns['sagemaker']}notebook-instance/", f"{platform.instance_prefix}-".lower()
    names = [str(person["instance"]).lower() for person in platform.people]
    others = [name for name in names if not name.startswith(prefix)]  # with another name by notebook_name
    sources = [f"{instances}{name}" for name in (f"{prefix}*", *others)]
    return _rendered("trust", platform, instances_only=platform.settings["trust_instances_only"], sources=sources)


def policy_size(document: Mapping[str, Any]) -> int:
    """The characters of a policy as IAM counts them: all but white space."""
    return len("".join(json.dumps(document, separators=(",", ":")).split()))


def _policies(platform: Platform) -> Iterator[Policy]:
    name = platform.name
    if not platform.settings["boundary"]:
        document = _rendered("boundary", platform, **_boundary_parts(platform))
        yield Policy(f"{name}-boundary", "The most that a role of the platform may do", document)
    if platform.viewers:
        yield Policy(f"{name}-viewer", "What the viewers may do", _rendered("viewer", platform), bounded=True)
    for team in platform.teams:
        execution = _rendered("execution", platform, **_execution_parts(platform, team))
        yield Policy(f"{name}-{team}", f"What the instances of the team {team} may do", execution, bounded=True)
        people = _rendered("people", platform, **_people_parts(platform, team))
        description = f"What the people of the team {team} may do"
        yield Policy(f"{name}-people-{team}", description, people, remedy=PEOPLE_REMEDY)


def _boundary_parts(platform: Platform) -> dict[str, Any]:
    """The actions of the boundary: those on S3, KMS and secrets are for the platform's own only."""
    actions = platform.settings["boundary_actions"]
    buckets = [name for name in (*platform.settings["data_buckets"], platform.results_bucket) if name]
    secrets = [secret for settings in platform.teams.values() for secret in settings.get("secrets") or []]
    arns = [f"{platform.arns['s3']}{name}" for name in (*buckets, *(f"{name}/*" for name in buckets))]
    tools = [f"{platform.arns['s3']}{platform.tools_bucket}/*"] if platform.tools_bucket else []
    keys = keys_of(_bucket_keys(platform), platform.arns["kms"])
    on_own: dict[str, list[dict[str, Any]]] = {
        "s3": [
            *([{"arns": arns, "aliases": []}] if arns else ()),
            *([{"arns": tools, "aliases": [], "actions": ["s3:GetObject"]}] if tools else ()),
        ],
        "kms": keys,
        "secretsmanager": [{"arns": _unique(secrets), "aliases": []}] if secrets else [],
    }
    by_service = {service: [each for each in actions if _service(each) == service] for service in on_own}
    return {
        "elsewhere": [action for action in actions if _service(action) not in on_own],
        "on_own": [
            {"actions": by_service[service], **part}
            for service, parts in on_own.items()
            for part in parts
            if by_service[service]
        ],
    }


def _service(action: str) -> str:
    return action.partition(":")[0].lower()


def _team_parts(platform: Platform, team: str) -> dict[str, Any]:
    """The parts that the policies of a team's instances and people share."""
    settings, begins = platform.teams[team], f"{platform.instance_prefix}-"
    names = [str(person["instance"]) for person in platform.members(team)]
    others = [name for name in names if NAME.fullmatch(name) and not name.lower().startswith(begins.lower())]
    return {
        "team": team,
        "one_each": bool(settings.get("role_per_person")),
        "secrets": settings.get("secrets") or [],
        "instances": [
            f"{platform.arns['sagemaker']}notebook-instance/{name.lower()}" for name in [f"{begins}*", *others]
        ],
        "names": [f"{begins}*", *(f"{name}/*" for name in others)],  # of log streams
    }


def _execution_parts(platform: Platform, team: str) -> dict[str, Any]:
    """The parts of the policy of a team's instances."""
    keys = keys_of(_bucket_keys(platform), platform.arns["kms"])
    return {**_team_parts(platform, team), **_data_parts(platform.teams[team]), "keys": keys}


def _people_parts(platform: Platform, team: str) -> dict[str, Any]:
    """The parts of the policy of a team's people: values with which they create, start and change instances."""
    limits, members = platform.teams[team].get("limits"), platform.members(team)
    prefix, person = platform.instance_prefix, platform.settings["person"]
    bases = _unique(filter(NAME.fullmatch, (each.get("lifecycle_config", "") for each in members))) or [prefix]
    configs = [instance_name(base, person) for base in bases] if platform.has_own_configs else bases
    role = f"{platform.arns['role']}{platform.name}-{team}"
    parts = _team_parts(platform, team)
    return {
        **parts,
        "limits": limits,
        "own_instance": lowered(instance_name(prefix, person)),
        "no_creators": [*_tails(platform, platform.viewers.values()), *_renamed(platform, members)],
        "configs": [
            f"{platform.arns['sagemaker']}notebook-instance-lifecycle-config/{lowered(config)}" for config in configs
        ],
        "passed_roles": [
            f"{role}-{person}" if parts["one_each"] else role,
            *(() if limits else _unique(filter(ROLE.fullmatch, (each.get("role_arn", "") for each in members)))),
        ],
        "open_from_cidrs": platform.settings["open_from_cidrs"],
        "open_from_vpc_endpoints": platform.settings["open_from_vpc_endpoints"],
        "kept_tags": _unique(tag.lower() for tag in (*KEPT_TAGS, *sorted(MARKS), *platform.settings["cost_tags"])),
        **_started_with(platform, members),
    }


def _tails(platform: Platform, instances: Iterable[str]) -> list[str]:
    """The names of these instances without the prefix."""
    return [name.lower().removeprefix(f"{platform.instance_prefix}-".lower()) for name in instances]


def _renamed(platform: Platform, members: Sequence[Mapping[str, Any]]) -> list[str]:
    """The people whose instance has its own notebook_name; only a run creates such an instance."""
    prefix = platform.instance_prefix
    return [person["name"] for person in members if person["instance"] != instance_name(prefix, person["name"])]


def _started_with(platform: Platform, members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The subnets, security groups and keys of these people's instances."""
    subnets = [*platform.subnet_ids, *(platform.network.get("subnet_ids") or ())]
    groups = [*platform.security_group_ids, platform.network.get("instances_security_group")]
    for person in members:
        subnets.append(person.get("subnet_id"))
        groups += person.get("security_group_ids") or ()
    return {
        "subnets": _unique(each for each in subnets if each and SUBNET.fullmatch(each)),
        "groups": _unique(each for each in groups if each and SECURITY_GROUP.fullmatch(each)),
        "volume_keys": keys_of((person.get("kms_key_id") or "" for person in members), platform.arns["kms"]),
    }


def lowered(name: str) -> str:
    """A name in lower case, as ARNs of SageMaker have it. Names of policy variables stay."""
    return re.sub(r"\$\{.*?\}|[^$]+|\$", lambda part: part[0] if part[0][:2] == "${" else part[0].lower(), name)


def _bucket_keys(platform: Platform) -> list[str]:
    """The keys that the buckets for data and results are encrypted with."""
    return [*platform.settings["kms_keys"], platform.results_key]


def keys_of(named: Iterable[str], here: str) -> list[dict[str, Any]]:
    """Keys by their ARNs and, apart from these, by aliases, since a policy takes aliases in conditions only.

    `here` is how the ARN begins of a key that is named by its id or alias.
    """
    arns, aliases = [], []
    for match in filter(None, map(KEY.fullmatch, named)):
        if alias := match["alias"] or match["named"]:
            aliases.append(alias)
        else:
            arns.append(match["arn"] or f"{here}key/{match['id']}")
    found = [
        {"arns": _unique(arns), "aliases": []},
        {"arns": [f"{here}key/*"] if aliases else [], "aliases": _unique(aliases)},
    ]
    return [each for each in found if each["arns"]]


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _data_parts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a team: the locations in S3, the folders of each bucket ("" for all of it), and the databases."""
    places = [prefix.removeprefix("s3://").removesuffix("/") for prefix in settings.get("prefixes") or []]
    folders: dict[str, list[str]] = {}
    for place in places:
        bucket, _slash, folder = place.partition("/")
        folders.setdefault(bucket, []).append(folder)
    return {"places": places, "folders": folders, "databases": settings.get("databases") or []}


def _rendered(template: str, platform: Platform, **given: Any) -> dict[str, Any]:
    return render_template(
        template,
        **given,
        arn=platform.arns,
        name=platform.name,
        prefix=platform.instance_prefix,
        viewers=list(platform.viewers.values()),
        person=platform.settings["person"],
        results_bucket=platform.results_bucket,
        file_system=platform.file_system,
        tools_bucket=platform.tools_bucket,
        subnet_ids=platform.subnet_ids,
        security_group_ids=platform.security_group_ids,
        account=platform.account["account"],
    )


def render_template(template: str, **given: Any) -> dict[str, Any]:
    """A policy document from one of the role's templates."""
    text = _template(template).render(given)
    document: dict[str, Any] = yaml.load(text, SafeLoader)  # noqa: S506 - a safe one
    return document


SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # faster, but not always installed


class _Json(str):
    """Text that is JSON already."""

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
    """A value that a template can insert between quotes: it ends neither the quotes nor the line."""
    return value if isinstance(value, _Json) else _in_json(str(value))[1:-1]


def _in_json(value: Any) -> str:
    """The value in JSON that YAML reads, too: YAML does not join surrogates, and some characters have to be escaped."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    return "".join(character if character.isprintable() else f"\\U{ord(character):08x}" for character in text)
