# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The names of services that have endpoints, and the states of endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# com.amazonaws.eu-central-1.sts, aws.sagemaker.eu-central-1.notebook, cn.com.amazonaws.cn-north-1.sts
PREFIXES = ("com.amazonaws", "aws.sagemaker", "cn.com.amazonaws")
_PREFIX = re.compile(r"(?:cn\.)?(?:com\.amazonaws|aws\.sagemaker)\.[a-z0-9-]+\.")
_LEAVING = ("deleting", "deleted")
_DEAD = (*_LEAVING, "failed", "rejected", "expired")


def short_name(service: str) -> str:
    """The part of a service's name after the region, by which it is called here."""
    prefix = _PREFIX.match(service)
    return service[prefix.end() :] if prefix else service


def full_names(services: Iterable[str], region: str) -> list[str]:
    """The possible full names of these services in a region."""
    return [f"{prefix}.{region}.{service}" for service in services for prefix in PREFIXES]


def is_live(endpoint: Mapping[str, Any]) -> bool:
    """Whether an endpoint works, or will."""
    return str(endpoint["state"]).lower() not in _DEAD


def is_leaving(endpoint: Mapping[str, Any]) -> bool:
    """Whether AWS is removing an endpoint, or has."""
    return str(endpoint["state"]).lower() in _LEAVING
