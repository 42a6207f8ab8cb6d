# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Mistakes in the settings of the role platform_access that its argument specs cannot express.

It makes no call: the policies are rendered for a made-up account, and measured.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import tag_key_problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.tags import tag_problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.teams import (
    BUCKET,
    NAME,
    NAME_RULE,
    team_problems,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import (
    KEY,
    POLICY_LENGTH,
    SECURITY_GROUP,
    SUBNET,
    Platform,
    Policy,
    policy_size,
    render_policies,
    render_trust,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import shown

Settings = Mapping[str, Any]
People = Sequence[Mapping[str, Any]]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_NAME_LENGTH = 64
TRUST_LENGTH = 2048  # white space does not count

IAM_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
INSTANCE = re.compile(r"[a-z0-9](?:-*[a-z0-9])*")
PERSON = re.compile(r"[\w+=,.@/:-]*\$\{[\w:/.-]+\}[\w+=,.@/:-]*", re.ASCII)
ACTION = re.compile(r"\*|[a-z0-9-]+:[a-z0-9*?]+", re.ASCII | re.IGNORECASE)
POLICY_ARN = re.compile(r"arn:[a-z-]+:iam::(?:\d{12}|aws):policy/[!-~]+", re.ASCII)
ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[!-~]+", re.ASCII)
VPC_ENDPOINT = re.compile(r"vpce-[0-9a-f]+")
CIDR = re.compile(r"[0-9a-f.:]+(?:/[0-9]{1,3})?", re.ASCII | re.IGNORECASE)
PRIVATE = [ip_network(each) for each in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]

# For ids that are known only once the network and the bucket exist; they have the length of AWS's ids.
SUBNETS = [f"subnet-{number:017x}" for number in range(3)]
GROUPS = [f"sg-{0:017x}"]
NETWORK = {"subnet_ids": SUBNETS, "instances_security_group": GROUPS[0]}


def problems(settings: Settings, **others: Any) -> Iterator[str]:
    """One sentence for each mistake. `others` is what `offline_platform` is given beside the settings."""
    found = [*_names(settings), *_lists(settings), *_open_from(settings), *_cost_tags(settings)]
    found += tag_problems("platform_access_tags", settings["tags"])
    found += team_problems(settings["teams"], settings["data_buckets"])
    found += _results_among_data(settings, others.get("results_bucket", ""))
    found += [] if settings["teams"] else _teams_of_the_roster(others["people"])
    yield from found
    if found or settings["role_arn"]:
        return
    platform = offline_platform(settings, **others)
    yield from _names_in_iam(platform)
    policies = render_policies(platform)
    yield from (text for policy in policies for text in _too_long(policy))
    yield from _trust_too_long(platform)
    if not settings["boundary"]:
        actions = settings["boundary_actions"]
        yield from (text for policy in policies if policy.bounded for text in _locked_out(policy, actions))


def _results_among_data(settings: Settings, made: str) -> Iterator[str]:
    """Data must not be in the bucket for results, where every object expires."""
    if made and made in settings["data_buckets"] and not settings["results_bucket"]:
        yield (
            f"platform_storage_results_bucket is {made}, one of platform_access_data_buckets; it must be another: all"
            " that is in it expires after platform_storage_results_days"
        )


def offline_platform(settings: Settings, *, results_bucket: str = "", **others: Any) -> Platform:
    """The platform as far as it is known without asking AWS, with placeholders for the rest."""
    return Platform(
        settings,
        **others,
        results_bucket=settings["results_bucket"] or results_bucket,
        subnet_ids=settings["subnet_ids"] or SUBNETS,
        security_group_ids=settings["security_group_ids"] or GROUPS,
        network=NETWORK,
    )


def _names(settings: Settings) -> Iterator[str]:
    rules = (
        ("name", NAME, NAME_RULE),
        ("person", PERSON, "must have a policy variable, such as ${aws:username}, and no quotes and spaces"),
        ("results_bucket", re.compile(f"|{BUCKET}"), "must be the name of a bucket, without s3://, or empty"),
        ("boundary", re.compile(f"|{POLICY_ARN.pattern}"), "must be the ARN of a policy, or empty"),
        ("role_arn", re.compile(f"|{ROLE_ARN.pattern}"), "must be the ARN of a role, or empty"),
    )
    for key, pattern, rule in rules:
        if not pattern.fullmatch(settings[key]):
            yield f"platform_access_{key} is {shown(settings[key])}; it {rule}"


def _lists(settings: Settings) -> Iterator[str]:
    rules = (
        ("data_buckets", re.compile(BUCKET), "must be the name of a bucket, without s3://"),
        ("kms_keys", KEY, "must be the id, ARN or alias of a key"),
        ("subnet_ids", SUBNET, "must be an id such as subnet-0123456789abcdef0"),
        ("security_group_ids", SECURITY_GROUP, "must be an id such as sg-0123456789abcdef0"),
        ("open_from_vpc_endpoints", VPC_ENDPOINT, "must be an id such as vpce-0123456789abcdef0"),
        ("boundary_actions", ACTION, "must be an action such as s3:GetObject, in which * stands for any characters"),
    )
    for key, pattern, rule in rules:
        for value in settings[key]:
            if not pattern.fullmatch(value) or not value.isprintable():
                yield f"platform_access_{key} has {shown(value)}; it {rule}"


def _open_from(settings: Settings) -> Iterator[str]:
    for value in settings["open_from_cidrs"]:
        if not _is_public(value):
            yield (
                f"platform_access_open_from_cidrs has {shown(value)}; it must be a range of public addresses, such as"
                " 203.0.113.0/24, since AWS sees no others: for private ones list the endpoints that they come through"
                " in platform_access_open_from_vpc_endpoints"
            )
    for key in ("open_from_cidrs", "open_from_vpc_endpoints"):
        if settings[key] and settings["role_arn"]:
            yield (
                f"platform_access_{key} is {shown(settings[key])}, and with platform_access_role_arn people get no"
                " policies that could enforce it; remove one of them"
            )


def _is_public(cidr: str) -> bool:
    """Whether a request to AWS can come from this range; the whole internet does not count as one."""
    try:
        addresses = ip_network(cidr) if CIDR.fullmatch(cidr) else None
    except ValueError:
        return False
    return addresses is not None and not any(
        addresses.version == private.version and addresses.overlaps(private) for private in PRIVATE
    )


def _cost_tags(settings: Settings) -> Iterator[str]:
    for key in settings["cost_tags"]:
        yield from (f"platform_access_cost_tags: {text}" for text in tag_key_problems(key))


def _teams_of_the_roster(people: People) -> Iterator[str]:
    for team in dict.fromkeys(str(person["team"]) for person in people):
        if team and not NAME.fullmatch(team):
            yield f"notebook_team is {shown(team)}; it {NAME_RULE}, since roles and workgroups are named after it"


def _names_in_iam(platform: Platform) -> Iterator[str]:
    """Names in IAM that are too long, or twice there: IAM ignores the case of letters."""
    name = platform.name
    users = defaultdict(list, {f"{name}-{own}".casefold(): [f"the {own}"] for own in ("viewer", "boundary")})
    for team, settings in platform.teams.items():
        for policy in (f"{name}-{team}", f"{name}-people-{team}"):
            users[policy.casefold()].append(f"the team {team}")
            if len(policy) > ROLE_NAME_LENGTH:
                yield (
                    f"platform_access_teams: {team} makes {policy}; it must have at most {ROLE_NAME_LENGTH} characters"
                    " to be a name in IAM: shorten the team's name or platform_access_name"
                )
        for person in platform.people if settings.get("role_per_person") else ():
            if person["team"] == team:
                users[f"{name}-{team}-{person['name']}".casefold()].append(str(person["name"]))
                yield from _own_role(team, person, f"{name}-{team}-{person['name']}")
    for both in users.values():
        if len(both) > 1:
            yield f"platform_access_teams: {' and '.join(both)} would have one name in IAM; rename a team"


def _own_role(team: str, person: Mapping[str, Any], role: str) -> Iterator[str]:
    about = f"platform_access_teams: {team}: role_per_person is true;"
    if len(role) > ROLE_NAME_LENGTH or not IAM_NAME.fullmatch(role):
        yield f"{about} the role {shown(role)} must be at most {ROLE_NAME_LENGTH} letters, digits and +=,.@_-"
    if not INSTANCE.fullmatch(str(person["instance"])):
        yield (
            f"{about} the instance {shown(person['instance'])} must be lower-case letters, digits and - since the role"
            " names it as its ARN does: set notebook_name, or notebook_fleet_prefix for everybody"
        )


def _too_long(policy: Policy) -> Iterator[str]:
    size = policy_size(policy.document)
    if size > POLICY_LENGTH:
        yield (
            f"platform_access_teams: the policy {policy.name} has {size} characters; it must have at most"
            f" {POLICY_LENGTH}: {policy.remedy}"
        )


def _trust_too_long(platform: Platform) -> Iterator[str]:
    size = policy_size(render_trust(platform))
    if size > TRUST_LENGTH:
        yield (
            f"platform_access_trust_instances_only is true; the roles' trust has {size} characters and must have at"
            f" most {TRUST_LENGTH}: fewer people may have a notebook_name that does not begin with"
            f" {platform.instance_prefix}-"
        )


def _locked_out(policy: Policy, boundary_actions: Sequence[str]) -> Iterator[str]:
    """The actions that the policy allows but the boundary does not."""
    locked_out = sorted(
        {
            action
            for statement in policy.document["Statement"]
            for action in _as_list(statement["Action"])
            if not any(fnmatchcase(action.lower(), pattern.lower()) for pattern in boundary_actions)
        }
    )
    if locked_out:
        yield (
            f"platform_access_boundary_actions lacks {', '.join(locked_out)}, which {policy.name} needs: with this"
            " boundary the platform would be locked out; add them"
        )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
