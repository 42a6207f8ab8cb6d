# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The options of instances for sagemaker_notebook_fleet, from people's variables and the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import instance_arguments

from .checks.tags import PLATFORM_TAG
from .people import Settings, Wishes, config_of
from .scripts.tools import files_of, from_bucket, need_bucket
from .teams import VIEWERS_TEAM

IDLE_TAG = "idle"  # belongs to the owner, who may change it in the console


@dataclass(frozen=True)
class Place:
    """The instances' network, storage and roles. None: it does not exist yet. "": it is not wanted."""

    subnet_id: str | None = ""
    security_group_ids: tuple[str | None, ...] = ()
    role_arn: str | None = ""  # of everybody without one of their own
    role_arns: Mapping[str, str | None] = field(default_factory=dict)  # by person
    efs_dns_name: str | None = ""
    mounts: Mapping[str, Settings] = field(default_factory=dict)  # by person, as variables of notebook_host
    mount: Settings = field(default_factory=dict)  # of all others, beside the file system's name
    tools_bucket: str = ""
    missing_tools: frozenset[str] = frozenset()  # its files that are not uploaded yet, by their source
    missing_roles: Mapping[str, str] = field(default_factory=dict)  # by person, the names of those not there yet

    def missing_role_of(self, wishes: Wishes) -> str | None:
        """The name of the role that this person's instance needs, if it is not there yet."""
        return None if wishes.instance.get("notebook_role_arn") else self.missing_roles.get(wishes.person.name)

    def missing_for(self, wishes: Wishes) -> list[str]:
        """The resources that this person's instance needs and that do not exist yet."""
        mount = self.mounts.get(wishes.person.name, self.mount)
        parts = {
            "subnet": self.subnet_id,
            "security group": None if None in self.security_group_ids else "",
            "file system": self.efs_dns_name,
            "access point": None if None in mount.values() else "",
            "tools": None if self._lacks_tools(wishes.host) else "",
        }
        return [part for part, value in parts.items() if value is None]

    def _lacks_tools(self, host: Settings) -> bool:
        wanted = from_bucket(host, self.tools_bucket)
        return need_bucket(wanted) or not self.missing_tools.isdisjoint(files_of(wanted))


def instance_options(wishes: Wishes, prefix: str, place: Place) -> dict[str, Any]:
    """The options of the person's instance, without those that need something that does not exist yet."""
    person = wishes.person
    given = {**_given_by(place, person.name), **wishes.instance}
    options = {option: given[f"notebook_{option}"] for option in instance_arguments() if f"notebook_{option}" in given}
    return {
        **options,
        "name": person.instance,
        "owner": person.name,
        "lifecycle_config_name": config_of(wishes, prefix, place.mounts),
        "tags": {**wishes.instance.get("notebook_tags", {}), **_own_tags(wishes, prefix)},
        "keep_tags": [IDLE_TAG],
    }


def _given_by(place: Place, name: str) -> dict[str, Any]:
    role = place.role_arns.get(name, place.role_arn)
    given: dict[str, Any] = {"notebook_role_arn": role} if role else {}
    if place.subnet_id:
        given |= {
            "notebook_subnet_id": place.subnet_id,
            "notebook_security_group_ids": list(place.security_group_ids),
            "notebook_direct_internet_access": False,
        }
    return given


def _own_tags(wishes: Wishes, prefix: str) -> dict[str, str]:
    tags = {
        "owner": wishes.person.name,
        "team": VIEWERS_TEAM if wishes.person.is_viewer else wishes.person.team,
        PLATFORM_TAG: prefix,
        IDLE_TAG: wishes.instance.get("notebook_idle"),
    }
    return {key: str(value) for key, value in tags.items() if value not in (None, "")}
