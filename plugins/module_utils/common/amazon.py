# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Functions of amazon.aws whose module imports boto3: here they import it when they are called.

The controller plans with the classes that modules converge with, but calls nothing of AWS: that import would be a tenth
of each run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

# ruff: noqa: PLC0415


def boto3_resource_to_ansible_dict(resource: Mapping[str, Any], **options: Any) -> Any:
    """An answer of AWS in snake_case."""
    from ansible_collections.amazon.aws.plugins.module_utils import transformation

    return transformation.boto3_resource_to_ansible_dict(resource, **options)


def ansible_dict_to_boto3_filter_list(filters: Mapping[str, Any]) -> Any:
    """Filters as EC2 takes them."""
    from ansible_collections.amazon.aws.plugins.module_utils import transformation

    return transformation.ansible_dict_to_boto3_filter_list(filters)


def is_boto3_error_code(code: str | Collection[str], error: Exception | None = None) -> Any:
    """The type of the given or current error, if it has this code of AWS; otherwise another type."""
    from ansible_collections.amazon.aws.plugins.module_utils import botocore

    return botocore.is_boto3_error_code(code, error)


def is_boto3_error_message(message: str) -> Any:
    """The same by a part of the message."""
    from ansible_collections.amazon.aws.plugins.module_utils import botocore

    return botocore.is_boto3_error_message(message)
