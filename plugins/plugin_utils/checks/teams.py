# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Mistakes in platform_access_teams. Every YAML value gets a sentence, never a traceback."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import meant
from ansible_collections.datalab.notebooks.plugins.plugin_utils.botocore_data import load_service_model
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import hint, shown
from ansible_collections.datalab.notebooks.plugins.plugin_utils.teams import (
    RESERVED_TEAM,
    VIEWERS_TEAM,
    normalised_teams,
)

VARIABLE = "platform_access_teams"
TEAM_KEYS = ("prefixes", "databases", "secrets", "role_per_person", "limits")
LIMIT_KEYS = ("instance_types", "volume_size_in_gb", "query_bytes")

# https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html
LEAST_QUERY_BYTES = 10_000_000
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html
VOLUME_SIZES = (5, 16384)  # GiB

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # what IAM, Athena and S3 all take
NAME_RULE = "must be letters, digits and ._- and begin with a letter or digit"
BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
PREFIX = re.compile(rf"s3://(?P<bucket>{BUCKET})(?:/[^/*?$\s]+(?: [^/*?$\s]+)*)*/?")
DATABASE = re.compile(r"[^/*?$\s]+")
SECRET = re.compile(r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-\w{6}", re.ASCII)


def team_problems(teams: Any, data_buckets: Collection[str]) -> Iterator[str]:
    """One sentence for each mistake."""
    for team, settings in normalised_teams(teams).items():
        about = f"{VARIABLE}: {shown(team)}"
        yield from (f"{about}{text}" for text in _name_problems(team))
        if isinstance(settings, Mapping):
            yield from (f"{about}: {text}" for text in _settings_problems(settings, data_buckets))
        else:
            what = "what the team reads, for example {prefixes: [s3://acme-data/research]}"
            yield f"{about} is {shown(settings)}; it must be {what}"


def _name_problems(team: Any) -> Iterator[str]:
    if not isinstance(team, str):
        yield " is not text, or is listed twice; put the name in quotes, or rename the team"
    elif team.casefold() == VIEWERS_TEAM:
        yield f" {RESERVED_TEAM}"
    elif not NAME.fullmatch(team):
        yield f" is not a name of a team; it {NAME_RULE}, since roles and workgroups are named after it"


def _settings_problems(settings: Mapping[Any, Any], data_buckets: Collection[str]) -> Iterator[str]:
    yield from _unknown_keys(settings, TEAM_KEYS)
    for key, problems in (("prefixes", _prefix_problems), ("databases", _database_problems)):
        values = settings.get(key, [])
        if isinstance(values, list):
            yield from problems(values, data_buckets)
        else:
            yield f"{key} is {shown(values)}; it must be a list"
    yield from _secret_problems(settings.get("secrets", []))
    if not isinstance(settings.get("role_per_person", False), bool):
        yield f"role_per_person is {shown(settings['role_per_person'])}; it must be true or false"
    if "limits" in settings:
        yield from _limit_problems(settings["limits"])


def _unknown_keys(settings: Mapping[Any, Any], known: Collection[str], where: str = "") -> Iterator[str]:
    otherwise = f"there are {', '.join(known)}"
    yield from (
        f"{where}{shown(key)} is not known{hint(key, known, otherwise)}" for key in settings if key not in known
    )


def _prefix_problems(prefixes: list[Any], data_buckets: Collection[str]) -> Iterator[str]:
    for prefix in prefixes:
        parts = PREFIX.fullmatch(prefix) if isinstance(prefix, str) and prefix.isprintable() else None
        if not parts:
            yield f"prefixes has {shown(prefix)}; it must be s3://<bucket>/<folder>, without * ? $ and empty folders"
        elif parts["bucket"] not in data_buckets:
            yield (
                f"prefixes has {prefix}; it must be in one of platform_access_data_buckets"
                f" ({', '.join(data_buckets) or 'there are none'}): add the bucket there or remove the prefix"
            )


def _database_problems(databases: list[Any], _data_buckets: Collection[str]) -> Iterator[str]:
    for database in databases:
        if not (isinstance(database, str) and database.isprintable() and DATABASE.fullmatch(database)):
            yield f"databases has {shown(database)}; it must be the name of one database, without * ? $ / and spaces"


def _secret_problems(secrets: Any) -> Iterator[str]:
    """The sentences do not show the value: it may be the secret itself."""
    if isinstance(secrets, list) and all(isinstance(each, str) and SECRET.fullmatch(each) for each in secrets):
        return
    yield (
        "secrets must list the whole ARNs of secrets, and no secret itself, for example"
        " arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonSageMaker-git-a1b2c3"
    )


def _limit_problems(limits: Any) -> Iterator[str]:
    if not isinstance(limits, Mapping):
        yield f"limits is {shown(limits)}; it must have the instance_types of the group, for example [ml.t3.medium]"
        return
    yield from _unknown_keys(limits, LIMIT_KEYS, "limits: ")
    types = limits.get("instance_types")
    if isinstance(types, list) and types:
        yield from _type_problems(types)
    else:
        yield (
            f"limits: instance_types is {shown(types)}; it must list what the group may create, for example"
            " [ml.t3.medium]"
        )
    least, most = VOLUME_SIZES
    size, query_bytes = limits.get("volume_size_in_gb", least), limits.get("query_bytes", LEAST_QUERY_BYTES)
    if not isinstance(size, int) or not least <= size <= most:
        yield f"limits: volume_size_in_gb is {shown(size)}; it must be a number from {least} to {most}"
    if not isinstance(query_bytes, int) or query_bytes < LEAST_QUERY_BYTES:
        yield f"limits: query_bytes is {shown(query_bytes)}; it must be a number, at least {LEAST_QUERY_BYTES}"


def _type_problems(types: list[Any]) -> Iterator[str]:
    known = load_service_model().shape_for("InstanceType").metadata["enum"]
    for each in types:
        if each not in known:
            yield f"limits: instance_types has {shown(each)}, which botocore does not know; {meant(str(each), known)}"
