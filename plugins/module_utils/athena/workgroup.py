# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Athena workgroups: how much their queries may scan, and where the results are stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.dict_transformations import snake_dict_to_camel_dict
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    compare_aws_tags,
)

from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.errors import InputError
from ..common.resource import Resource, State
from ..common.service_model import member_problems, tag_problems
from . import api

if TYPE_CHECKING:
    from botocore.model import ServiceModel
    from mypy_boto3_athena import AthenaClient

PRIMARY = "primary"  # each account has it; nobody can create or delete it
OWN_TAGS = frozenset({"datalab:access"})  # marks resources of the role platform_access
PAGE_SIZE = 50  # the most items of one answer
PLACE = r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/.*)?"
RESULTS = "ResultConfiguration"


@dataclass(frozen=True)
class Setting:
    """One setting of a workgroup: its option, and its path in the API's configuration."""

    option: str
    path: tuple[str, ...]
    clear: str | None = None  # UpdateWorkGroup's flag that empties it, in the place of the value


SETTINGS = (
    Setting("output_location", (RESULTS, "OutputLocation"), "RemoveOutputLocation"),
    Setting("encryption", (RESULTS, "EncryptionConfiguration"), "RemoveEncryptionConfiguration"),
    Setting("expected_bucket_owner", (RESULTS, "ExpectedBucketOwner"), "RemoveExpectedBucketOwner"),
    Setting("enforce_work_group_configuration", ("EnforceWorkGroupConfiguration",)),
    Setting("publish_cloudwatch_metrics_enabled", ("PublishCloudWatchMetricsEnabled",)),
    Setting("bytes_scanned_cutoff_per_query", ("BytesScannedCutoffPerQuery",), "RemoveBytesScannedCutoffPerQuery"),
    Setting("requester_pays_enabled", ("RequesterPaysEnabled",)),
    Setting("engine_version", ("EngineVersion", "SelectedEngineVersion")),
)
MEMBERS = {"description": "Description", **{s.option: ".".join(("Configuration", *s.path)) for s in SETTINGS}}
OPTIONS = ("enabled", *MEMBERS)
# The defaults of a new workgroup; AWS chooses the rest.
NEW: dict[str, Any] = {"enabled": True, "description": None, **{s.option: None for s in SETTINGS if s.clear}}


@dataclass(frozen=True)
class DesiredWorkgroup:
    """A wanted workgroup. What `settings` does not have is left as it is; None empties."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] | None = None
    purge_tags: bool = True


@dataclass(frozen=True)
class WorkgroupPlan:
    """The plan of one workgroup."""

    before: dict[str, Any] | None
    after: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)  # those that change
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        return self.before is None or bool(self.settings or self.set_tags or self.delete_tags)


def desired_workgroup(options: dict[str, Any]) -> DesiredWorkgroup:
    """Module parameters as DesiredWorkgroup."""
    tags = options["tags"]
    return DesiredWorkgroup(
        name=options["name"],
        settings={option: _wanted(options[option]) for option in OPTIONS if options[option] is not None},
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=options["purge_tags"],
    )


def _wanted(value: Any) -> Any:
    if isinstance(value, dict):
        value = {key: part for key, part in value.items() if part}
    return _or_none(value)


def _or_none(value: Any) -> Any:
    return value if value or value is False else None


def workgroup_problems(model: ServiceModel, desired: DesiredWorkgroup) -> list[str]:
    """One sentence for each mistake in a wanted workgroup."""
    problems = [f"name: {text}" for text in member_problems(model, "CreateWorkGroup.Name", desired.name)]
    for option, value in desired.settings.items():
        problems += [f"{option}: {text}" for text in _setting_problems(model, option, value)]
    problems += [f"tags: {text}" for text in tag_problems(desired.tags or {}, own=OWN_TAGS)]
    return [f"workgroup {desired.name}: {problem}" for problem in problems]


def _setting_problems(model: ServiceModel, option: str, value: Any) -> Iterator[str]:
    if option == "engine_version" and value is None:
        yield "it cannot be removed; set it to AUTO to leave the choice to AWS"
    elif value is None or isinstance(value, bool):
        return
    elif option == "encryption":
        yield from _encryption_problems(value)
    elif option == "output_location":
        if not re.fullmatch(PLACE, value):
            yield f"{value!r} is not a location in S3; set it to s3://bucket/folder/"
    else:
        remedy = "; 0 takes the limit away" if option == "bytes_scanned_cutoff_per_query" else ""
        yield from (text + remedy for text in member_problems(model, f"CreateWorkGroup.{MEMBERS[option]}", value))


def _encryption_problems(encryption: dict[str, str]) -> Iterator[str]:
    how = encryption.get("encryption_option")
    if "kms_key" in encryption and how in (None, "SSE_S3"):
        yield "a kms_key needs the encryption_option SSE_KMS or CSE_KMS; set it, or leave out kms_key"
    elif how in ("SSE_KMS", "CSE_KMS") and "kms_key" not in encryption:
        yield f"{how} needs a kms_key; set it, or choose SSE_S3"


def workgroup_arn(client: AthenaClient, name: str, account: str, partition: str) -> str:
    """The ARN, which Athena itself never returns."""
    return f"arn:{partition}:athena:{client.meta.region_name}:{account}:workgroup/{name}"


def read_workgroup(client: AthenaClient, name: str, arn: str) -> dict[str, Any] | None:
    """The workgroup in the terms of our options, with its tags; None if there is none."""
    answer = api.get_work_group(client, name)
    if answer is None:
        return None
    return {**_normalised(answer), "arn": arn, "tags": api.list_tags(client, arn)}


def _normalised(answer: Mapping[str, Any]) -> dict[str, Any]:
    configuration = answer.get("Configuration", {})
    known = {
        "Name": answer["Name"],
        "Enabled": answer["State"] == "ENABLED",
        "Description": answer.get("Description") or None,
        "CreationTime": answer.get("CreationTime"),
        "EffectiveEngineVersion": configuration.get("EngineVersion", {}).get("EffectiveEngineVersion"),
        **{setting.option: _found(configuration, setting.path) for setting in SETTINGS},
    }
    result: dict[str, Any] = boto3_resource_to_ansible_dict(known, force_tags=False)
    return result


def _found(configuration: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = configuration
    for part in path:
        found = (found or {}).get(part)
    return _or_none(found)


def workgroup_names(client: AthenaClient) -> list[str]:
    """The names of all workgroups, of all pages."""
    page: dict[str, Any] = {"MaxResults": PAGE_SIZE}
    names = []
    while True:
        answer = api.list_work_groups(client, **page)
        names += [summary["Name"] for summary in answer["WorkGroups"]]
        if not answer.get("NextToken"):
            return names
        page["NextToken"] = answer["NextToken"]


def plan_workgroup(desired: DesiredWorkgroup, current: dict[str, Any] | None, arn: str) -> WorkgroupPlan:
    """The plan from `current`, the result of `read_workgroup`, to `desired`."""
    has = current or {"name": desired.name, "arn": arn, **NEW, "tags": {}}
    settings = {
        option: value
        for option, value in desired.settings.items()
        # A setting that AWS does not return for an existing workgroup is off.
        if value != has.get(option) and not (current and value is False and has.get(option) is None)
    }
    tags = has["tags"]
    to_set, to_delete = compare_aws_tags(tags, desired.tags or {}, desired.purge_tags and desired.tags is not None)
    after = {
        **has,
        **settings,
        "tags": {key: value for key, value in {**tags, **to_set}.items() if key not in to_delete},
    }
    return WorkgroupPlan(current, after, settings, to_set, to_delete)


def apply_workgroup(client: AthenaClient, plan: WorkgroupPlan) -> None:
    """Makes the calls that the plan asks for."""
    name, arn = plan.after["name"], plan.after["arn"]
    if plan.before is None:
        api.create_work_group(client, name, _create_params(plan))
        if not plan.after["enabled"]:
            api.update_work_group(client, name, {"State": "DISABLED"})
        return
    if plan.settings:
        api.update_work_group(client, name, _update_params(plan.settings))
    if plan.set_tags:
        api.tag_resource(client, arn, plan.set_tags)
    if plan.delete_tags:
        api.untag_resource(client, arn, plan.delete_tags)


def _create_params(plan: WorkgroupPlan) -> dict[str, Any]:
    params = {
        "Description": plan.settings.get("description"),
        "Configuration": _configuration(plan.settings),
        "Tags": ansible_dict_to_boto3_tag_list(plan.set_tags),
    }
    return {key: value for key, value in params.items() if value}


def _update_params(settings: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if "description" in settings:
        params["Description"] = settings["description"] or ""
    if "enabled" in settings:
        params["State"] = "ENABLED" if settings["enabled"] else "DISABLED"
    configuration = _configuration(settings)
    if RESULTS in configuration:
        configuration[RESULTS + "Updates"] = configuration.pop(RESULTS)
    return {**params, "ConfigurationUpdates": configuration} if configuration else params


def _configuration(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings in the API's structure, with a flag instead of a value that is removed."""
    configuration: dict[str, Any] = {}
    for setting in SETTINGS:
        if setting.option in settings:
            value, (*sections, key) = settings[setting.option], setting.path
            section = configuration
            for name in sections:
                section = section.setdefault(name, {})
            if value is None and setting.clear:
                section[setting.clear] = True
            else:
                section[key] = snake_dict_to_camel_dict(value, True) if isinstance(value, dict) else value
    return configuration


def workgroup_contents(client: AthenaClient, name: str) -> list[str]:
    """The contents of the workgroup, in words; AWS does not delete a workgroup that has any."""
    contents = {"named queries": api.has_named_queries, "a query history": api.has_query_executions}
    return [text for text, is_there in contents.items() if is_there(client, name)]


def assert_deletable(client: AthenaClient, name: str) -> None:
    """Raises InputError, naming them, when the workgroup has contents."""
    found = workgroup_contents(client, name)
    if found:
        raise InputError([f"workgroup {name} has {' and '.join(found)}; set force: true to delete them with it"])


@dataclass
class Workgroup(Resource[WorkgroupPlan]):
    """The workgroup of the module athena_workgroup."""

    client: AthenaClient
    desired: DesiredWorkgroup
    with_contents: bool  # whether named queries and the query history may be deleted with it
    account: Callable[[], tuple[str, str]]  # its id and partition; a call to AWS

    key = "workgroup"

    @cached_property
    def arn(self) -> str:
        return workgroup_arn(self.client, self.desired.name, *self.account())

    def problems(self) -> list[str]:
        return workgroup_problems(self.client.meta.service_model, self.desired)

    def absence_problems(self) -> list[str]:
        remedy = "with enabled: false no query runs in it"
        return [f"workgroup {PRIMARY}: AWS never deletes it; {remedy}"] if self.desired.name == PRIMARY else []

    def read(self) -> State | None:
        return read_workgroup(self.client, self.desired.name, self.arn)

    def plan(self, current: State | None) -> WorkgroupPlan:
        return plan_workgroup(self.desired, current, self.arn)

    def apply(self, plan: WorkgroupPlan) -> None:
        apply_workgroup(self.client, plan)

    def assert_deletable(self, current: State) -> None:
        assert_deletable(self.client, self.desired.name)

    def delete(self, current: State) -> None:
        api.delete_work_group(self.client, self.desired.name, with_contents=self.with_contents)
