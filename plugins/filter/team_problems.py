# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the registry of teams."""

from __future__ import annotations

DOCUMENTATION = r"""
name: team_problems
short_description: What is wrong with the teams of the role platform_access
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - Looks for mistakes in C(platform_access_teams) and C(platform_access_people), without a call to AWS.
options:
  _input:
    description: The variable C(platform_access_teams).
    type: dict
    required: true
  name:
    description: The variable C(platform_access_name).
    type: str
    required: true
  data_buckets:
    description: The variable C(platform_access_data_buckets).
    type: list
    elements: str
    required: true
  people:
    description: The variable C(platform_access_people), if their teams are to be checked.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
problems: "{{ platform_access_teams | datalab.notebooks.team_problems(name='datalab', data_buckets=['acme-data']) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each mistake, with the variable and the remedy.
  type: list
  elements: str
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import load_service_model

TEAM_KEYS = {"prefixes", "databases", "role_per_person", "limits"}
LIMIT_KEYS = {"instance_types", "volume_size_in_gb", "query_bytes"}

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_NAME_LENGTH = 64
# https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html
LEAST_QUERY_BYTES = 10_000_000
LEAST_VOLUME = 5  # GiB; https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # what IAM, Athena and S3 all take
PREFIX = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/[^/*?$\s]+(?: [^/*?$\s]+)*)*/?")
DATABASE = re.compile(r"[^/*?$\s]+")
INSTANCE = re.compile(r"[a-z0-9](?:-*[a-z0-9])*")


def team_problems(
    teams: Mapping[str, Any], *, name: str, data_buckets: Collection[str], people: Collection[Mapping[str, Any]] = ()
) -> list[str]:
    """One sentence for each mistake."""
    problems = []
    if not NAME.fullmatch(name):
        problems.append(f"platform_access_name is {name!r}. Take letters, digits and ._-")
    for team, settings in teams.items():
        problems += [
            f"platform_access_teams: {team}: {text}" for text in _team_problems(team, settings or {}, data_buckets)
        ]
    if not problems:
        problems += _name_problems(teams, name, people)
    return problems


def _team_problems(team: str, settings: Any, data_buckets: Collection[str]) -> Iterator[str]:
    if not NAME.fullmatch(team):
        yield f"{team!r} cannot be part of the name of a role and a workgroup. Take letters, digits and ._-"
    if not isinstance(settings, Mapping):
        yield f"it is {settings!r}. Say what it may read: {{prefixes: [s3://…], databases: […]}}"
        return
    yield from _unknown_keys(settings, TEAM_KEYS, "")
    for prefix in _listed(settings, "prefixes"):
        yield from _prefix_problems(prefix, data_buckets)
    for database in _listed(settings, "databases"):
        if not isinstance(database, str) or not DATABASE.fullmatch(database):
            yield f"databases has {database!r}. Take the name of one database, without * ? $ / and spaces."
    for key in ("prefixes", "databases"):
        if key in settings and not isinstance(settings[key], list):
            yield f"{key} is {settings[key]!r}. Take a list."
    if "limits" in settings:
        yield from _limit_problems(settings["limits"])


def _listed(settings: Mapping[str, Any], key: str) -> list[Any]:
    value = settings.get(key)
    return value if isinstance(value, list) else []


def _unknown_keys(settings: Mapping[str, Any], known: set[str], where: str) -> Iterator[str]:
    for key in settings:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}."
            yield f"{where}{key} is not known; {hint}"


def _prefix_problems(prefix: Any, data_buckets: Collection[str]) -> Iterator[str]:
    parts = PREFIX.fullmatch(prefix) if isinstance(prefix, str) else None
    if not parts:
        yield f"prefixes has {prefix!r}. Take s3://<bucket>/<folder>, without * ? $ and empty folders."
    elif parts["bucket"] not in data_buckets:
        yield (
            f"prefixes has {prefix}, which is in none of platform_access_data_buckets"
            f" ({', '.join(data_buckets) or 'empty'}). Add the bucket there, or take the prefix away."
        )


def _limit_problems(limits: Any) -> Iterator[str]:
    if not isinstance(limits, Mapping):
        yield f"limits is {limits!r}. Say at least which instance_types the group may create."
        return
    yield from _unknown_keys(limits, LIMIT_KEYS, "limits: ")
    types = limits.get("instance_types")
    if not isinstance(types, list) or not types:
        yield "limits has no instance_types. List those that the group may create, such as [ml.t3.medium]."
    else:
        yield from _type_problems(types)
    for key, least in (("volume_size_in_gb", LEAST_VOLUME), ("query_bytes", LEAST_QUERY_BYTES)):
        value = limits.get(key, least)
        if not str(value).isdecimal() or int(value) < least:
            yield f"limits: {key} is {value!r}. Take a number, {least:,} or more."


def _type_problems(types: list[Any]) -> Iterator[str]:
    known = load_service_model().shape_for("InstanceType").metadata["enum"]
    for each in types:
        if each not in known:
            close = difflib.get_close_matches(str(each), known, 1)
            hint = f"did you mean {close[0]}?" if close else "if it is new at AWS, upgrade botocore."
            yield f"limits: instance_types has {each!r}, which botocore does not know; {hint}"


def _name_problems(teams: Mapping[str, Any], name: str, people: Collection[Mapping[str, Any]]) -> Iterator[str]:
    """IAM's names: none too long, none twice. IAM takes capitals and small letters for the same."""
    wanted = {f"{name}-viewer": "the viewers", f"{name}-boundary": "the boundary"}
    users = defaultdict(list, {policy.casefold(): [whose] for policy, whose in wanted.items()})
    for team in teams:
        for policy in (f"{name}-{team}", f"{name}-people-{team}"):
            users[policy.casefold()].append(f"the team {team}")
            if len(policy) > ROLE_NAME_LENGTH:
                yield f"platform_access_teams: {team}: {policy} has over {ROLE_NAME_LENGTH} characters. Shorten it."
    for person in people:
        if person["team"] not in teams:
            close = difflib.get_close_matches(person["team"], teams, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(teams) or 'none'}."
            yield f"{person['name']}: the team {person['team']!r} is not in platform_access_teams; {hint}"
        elif (teams[person["team"]] or {}).get("role_per_person"):
            role = f"{name}-{person['team']}-{person['name']}"
            users[role.casefold()].append(person["name"])
            yield from _person_problems(person, role)
    for both in users.values():
        if len(both) > 1:
            yield f"platform_access_teams: {' and '.join(both)} would have one name in IAM. Rename a team."


def _person_problems(person: Mapping[str, Any], role: str) -> Iterator[str]:
    about = f"{person['name']}:"
    if len(role) > ROLE_NAME_LENGTH or not re.fullmatch(r"[\w+=,.@-]+", role, re.ASCII):
        yield f"{about} IAM takes no role {role!r}, but letters, digits and +=,.@_-, {ROLE_NAME_LENGTH} at most."
    if not INSTANCE.fullmatch(person["instance"]):
        yield (
            f"{about} the instance is {person['instance']!r}. A role of one's own names the instance as its ARN does:"
            " take small letters, digits and -"
        )


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"team_problems": team_problems}
