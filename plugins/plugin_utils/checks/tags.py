# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The one place for rules about tags: of AWS, and of the platform, which sets some itself. Types are specs.py's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import (
    RESERVED,
    TAGS,
    key_twins,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import (
    tag_problems as aws_problems,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import OWN_TAGS
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans import network_found, storage_settings
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import shown

PLATFORM_TAG = "platform"  # on every resource: costs are counted by it
OWN_KEYS = ("owner", "team", "idle", PLATFORM_TAG)  # rights depend on them; IAM ignores their case

OF_PLATFORM = "set from notebook_fleet_prefix"

# Tags that the platform sets itself on the same resources, each with its meaning.
OWN: Mapping[str, Mapping[str, str]] = {
    "notebook_tags": {
        "owner": "set from the host's name",
        "team": "set from notebook_team",
        "idle": "set from notebook_idle",
        PLATFORM_TAG: OF_PLATFORM,
        **dict.fromkeys(sorted(OWN_TAGS), "a mark"),
    },
    "platform_network_tags": {
        "Name": "the name of each part",
        PLATFORM_TAG: OF_PLATFORM,
        network_found.MARK: "a mark",
    },
    "platform_storage_tags": {
        "Name": "the name of each part",
        "owner": "the person of each part",
        PLATFORM_TAG: OF_PLATFORM,
        storage_settings.MARK: "a mark",
    },
    "platform_access_tags": {  # roles have a path for a mark, workgroups fewer tags
        "owner": "the person of a role",
        "team": "the team of a role",
        "instance": "the instance of a role",
        PLATFORM_TAG: OF_PLATFORM,
    },
    "platform_costs_tags": {PLATFORM_TAG: OF_PLATFORM, "datalab:costs": "a mark"},
}


def tag_problems(variable: str, tags: Mapping[str, str], but: Collection[str] = ()) -> Iterator[str]:
    """A sentence for each mistake in the tags of this variable. `but` are keys of the platform that are not set now."""
    own = {key: what for key, what in OWN[variable].items() if key not in but}
    for key in tags:
        if key.lower().startswith(RESERVED):
            continue  # reported below
        if key in own:
            yield f"{variable} has {key}, which is {own[key]}; remove it"
        for other, _key in key_twins([key], (*OWN_KEYS, *own)):
            yield (
                f"{variable} has {shown(key)}, and the platform has {other}; conditions of IAM treat both as one:"
                f" rename or remove {shown(key)}"
            )
    yield from (f"{variable}: {text}" for text in aws_problems(tags, most=TAGS - len(own)))
