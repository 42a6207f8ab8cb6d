# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A notebook instance as it is wanted, and as AWS has it, in the same terms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.arguments import once

State = Literal["present", "absent", "started", "stopped", "restarted"]
UpdatePolicy = Literal["when_stopped", "force"]

# Tags of our own on an instance. They are neither shown nor purged.
VERIFIED_TAG = "datalab:verified"
RESTART_TAG = "datalab:restart"
OWN_TAGS = frozenset({VERIFIED_TAG, RESTART_TAG})

OWNER_TAG = "owner"


@dataclass(frozen=True)
class Field:
    """One setting of an instance: its names in our options and in the API."""

    option: str
    request: str  # in CreateNotebookInstance and UpdateNotebookInstance
    described: str  # in DescribeNotebookInstance
    updatable: bool = True
    clear: str | None = None  # UpdateNotebookInstance's flag that empties it
    listed: bool = False  # ListNotebookInstances returns it as well


def _field(option: str, request: str, described: str | None = None, **more: Any) -> Field:
    return Field(option, request, described or request, **more)


IMDS = "InstanceMetadataServiceConfiguration"
IMDS_VERSION = "MinimumInstanceMetadataServiceVersion"

FIELDS = (
    _field("instance_type", "InstanceType", listed=True),
    _field("role_arn", "RoleArn"),
    _field("volume_size_in_gb", "VolumeSizeInGB"),
    _field(
        "lifecycle_config_name",
        "LifecycleConfigName",
        "NotebookInstanceLifecycleConfigName",
        clear="DisassociateLifecycleConfig",
        listed=True,
    ),
    _field("default_code_repository", "DefaultCodeRepository", clear="DisassociateDefaultCodeRepository", listed=True),
    _field(
        "additional_code_repositories",
        "AdditionalCodeRepositories",
        clear="DisassociateAdditionalCodeRepositories",
        listed=True,
    ),
    _field("root_access", "RootAccess"),
    _field("platform_identifier", "PlatformIdentifier"),
    _field("ip_address_type", "IpAddressType"),
    _field("minimum_instance_metadata_service_version", IMDS),
    _field("subnet_id", "SubnetId", updatable=False),
    _field("security_group_ids", "SecurityGroupIds", "SecurityGroups", updatable=False),
    _field("kms_key_id", "KmsKeyId", updatable=False),
    _field("direct_internet_access", "DirectInternetAccess", updatable=False),
)

# Options that name another resource of AWS, which may not exist.
REFERENCES = ("role_arn", "kms_key_id", "subnet_id", "security_group_ids")


@dataclass(frozen=True)
class Desired:
    """A wanted instance. `fields` has only the given options; "" and [] mean: none."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    owner: str | None = None
    allow_other_owner: bool = False
    state: State = "present"
    tags: dict[str, str] | None = None
    purge_tags: bool = True
    keep_tags: frozenset[str] = frozenset()
    update_policy: UpdatePolicy = "when_stopped"
    force: bool = False
    new_instance_type: bool = False  # which botocore need not know

    @property
    def who(self) -> str:
        """The name of the instance in messages."""
        return self.owner or self.name

    def called(self, option: str) -> str:
        """The name of an option in messages: with an owner it is a variable of the inventory."""
        variables = {"lifecycle_config_name": "notebook_lifecycle_config"}
        return variables.get(option, f"notebook_{option}") if self.owner else option

    def options_in(self, text: str) -> list[str]:
        """The options that a refusal by AWS is about: it names their role, key or subnet."""
        values = {option: self.fields.get(option) for option in REFERENCES}
        parts = {option: value if isinstance(value, list) else [value] for option, value in values.items()}
        return [option for option, names in parts.items() if any(name and str(name) in text for name in names)]

    def about(self, option: str, text: str) -> str:
        """A message about an option."""
        return f"{self.who}: {self.called(option)}: {text}"

    @property
    def hidden(self) -> dict[str, Any]:
        """The wanted settings that only DescribeNotebookInstance returns."""
        return {f.option: self.fields[f.option] for f in FIELDS if not f.listed and f.option in self.fields}

    @property
    def fingerprint(self) -> str:
        """A digest of `hidden`."""
        return hashlib.sha256(json.dumps(self.hidden, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Current:
    """One instance as AWS has it."""

    name: str
    arn: str
    status: str
    last_modified: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)  # without OWN_TAGS
    own_tags: dict[str, str] = field(default_factory=dict)
    described: Mapping[str, Any] | None = None  # DescribeNotebookInstance's answer, if it was asked

    def seal(self, desired: Desired) -> str:
        """The value of the tag that confirms that the instance, as last modified, has the desired settings."""
        return f"{desired.fingerprint}@{self._modified}"

    @property
    def sealed(self) -> bool:
        """Whether an earlier run has left a seal, and the instance was not modified since."""
        return self.own_tags.get(VERIFIED_TAG, "").endswith(f"@{self._modified}")

    @property
    def _modified(self) -> str:
        return self.last_modified.astimezone(UTC).isoformat(timespec="milliseconds")


def owner_of(tags: Mapping[str, str]) -> str | None:
    """The value of the tag `owner`, if there is one. Conditions of IAM, and so rights, ignore the case of its key."""
    named = (value for key, value in tags.items() if key.casefold() == OWNER_TAG)
    return tags.get(OWNER_TAG) or next(filter(None, named), None)


def other_owner(desired: Desired, tags: Mapping[str, str]) -> str | None:
    """The person whom an instance with these tags belongs to, if its `desired` is about another or about no one."""
    owner, given = owner_of(tags), desired.tags
    claims = {desired.owner, owner_of(given or {})} - {None}
    loses_tag = given is not None and desired.purge_tags and OWNER_TAG not in desired.keep_tags
    is_others = claims != {owner} if claims else loses_tag
    return owner if is_others and not desired.allow_other_owner else None


def desired_from_options(options: dict[str, Any]) -> Desired:
    """Module parameters, or one element of the fleet's `instances`, as Desired; None means: not given."""
    fields = {f.option: once(options[f.option]) for f in FIELDS if options.get(f.option) is not None}
    for option in ("root_access", "direct_internet_access"):
        if option in fields:
            fields[option] = "Enabled" if fields[option] else "Disabled"
    tags = options["tags"]
    return Desired(
        name=options["name"],
        fields=fields,
        owner=options["owner"],
        allow_other_owner=options["allow_other_owner"],
        state=options["state"],
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=options["purge_tags"],
        keep_tags=frozenset(options["keep_tags"]),
        update_policy=options["update_policy"],
        force=options["force"],
        new_instance_type=options["new_instance_type"],
    )


def request_params(fields: dict[str, Any]) -> dict[str, Any]:
    """Options as parameters of CreateNotebookInstance or UpdateNotebookInstance."""
    params = {f.request: fields[f.option] for f in FIELDS if f.option in fields}
    if IMDS in params:
        params[IMDS] = {IMDS_VERSION: params[IMDS]}
    return params


def _fields_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    fields = {f.option: answer[f.described] for f in FIELDS if answer.get(f.described) is not None}
    imds = fields.pop("minimum_instance_metadata_service_version", None)
    if imds:
        fields["minimum_instance_metadata_service_version"] = imds[IMDS_VERSION]
    return fields


def current_from_answer(answer: Mapping[str, Any], tags: dict[str, str]) -> Current:
    """An element of ListNotebookInstances, or DescribeNotebookInstance's answer, as Current."""
    return Current(
        name=answer["NotebookInstanceName"],
        arn=answer["NotebookInstanceArn"],
        status=answer["NotebookInstanceStatus"],
        last_modified=answer["LastModifiedTime"],
        fields=_fields_of(answer),
        tags={key: value for key, value in tags.items() if key not in OWN_TAGS},
        own_tags={key: value for key, value in tags.items() if key in OWN_TAGS},
        described=answer if "RoleArn" in answer else None,
    )


def verified_current(summary: Current, desired: Desired) -> Current | None:
    """The summary completed with settings that an earlier run has verified, or None if these may have changed.

    ListNotebookInstances does not tell the volume, the role and others. A run that has seen them right leaves the
    tag VERIFIED_TAG with a fingerprint of them and the LastModifiedTime at which it saw them: every
    UpdateNotebookInstance, start and stop moves that time and so voids the tag.
    """
    if desired.hidden and summary.own_tags.get(VERIFIED_TAG) != summary.seal(desired):
        return None
    return Current(**{**vars(summary), "fields": {**desired.hidden, **summary.fields}})


def to_result(answer: Mapping[str, Any] | None, tags: dict[str, str]) -> dict[str, Any] | None:
    """DescribeNotebookInstance's answer in snake_case, with the tags as a dict: what modules return."""
    if answer is None:
        return None
    known = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    shown = {key: value for key, value in tags.items() if key not in OWN_TAGS}
    return {**boto3_resource_to_ansible_dict(known), "tags": shown}


STATUS_OF_STATE = {"started": "InService", "restarted": "InService", "stopped": "Stopped"}


def predict(desired: Desired, before: dict[str, Any] | None, changes: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a real run as far as it is known before: the result of check mode."""
    if desired.state == "absent":
        return None
    fields = {f.described: changes[f.option] for f in FIELDS if f.option in changes}
    if IMDS in fields:
        fields[IMDS] = {IMDS_VERSION: fields[IMDS]}
    if changes.get("state") in STATUS_OF_STATE:
        fields["NotebookInstanceStatus"] = STATUS_OF_STATE[changes["state"]]
    changed = boto3_resource_to_ansible_dict({"NotebookInstanceName": desired.name, **fields}, force_tags=False)
    if "tags" in changes:
        changed["tags"] = changes["tags"]
    after = {"tags": {}, **(before or {}), **changed}
    return {key: value for key, value in after.items() if key == "tags" or value not in ("", [])}
