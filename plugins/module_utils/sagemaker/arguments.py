# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The options that describe one notebook instance; doc_fragments/notebook_instance.py documents them."""

from __future__ import annotations

from typing import Any

from ..common.arguments import tag_arguments


def owner_arguments() -> dict[str, Any]:
    """The owner of the instance."""
    return {"owner": {"type": "str"}, "allow_other_owner": {"type": "bool", "default": False}}


def instance_arguments() -> dict[str, Any]:
    """The options that describe one notebook instance."""
    return {
        "name": {"type": "str", "required": True, "aliases": ["notebook_instance_name"]},
        **owner_arguments(),
        "state": {
            "type": "str",
            "choices": ["present", "absent", "started", "stopped", "restarted"],
            "default": "present",
        },
        "instance_type": {"type": "str"},
        "new_instance_type": {"type": "bool", "default": False},
        "role_arn": {"type": "str"},
        "volume_size_in_gb": {"type": "int"},
        "lifecycle_config_name": {"type": "str"},
        "default_code_repository": {"type": "str"},
        "additional_code_repositories": {"type": "list", "elements": "str"},
        "root_access": {"type": "bool"},
        "platform_identifier": {"type": "str"},
        "ip_address_type": {"type": "str", "choices": ["ipv4", "dualstack"]},
        "minimum_instance_metadata_service_version": {"type": "str", "choices": ["1", "2"]},
        "subnet_id": {"type": "str"},
        "security_group_ids": {"type": "list", "elements": "str"},
        "kms_key_id": {"type": "str"},
        "direct_internet_access": {"type": "bool"},
        "update_policy": {"type": "str", "choices": ["when_stopped", "force"], "default": "when_stopped"},
        "force": {"type": "bool", "default": False},
        "keep_tags": {"type": "list", "elements": "str", "default": []},
        **tag_arguments(),
    }


def filled(options: dict[str, Any]) -> dict[str, Any]:
    """The options of an instance with the defaults of those that are not given, as a module has them."""
    return {**{option: spec.get("default") for option, spec in instance_arguments().items()}, **options}
