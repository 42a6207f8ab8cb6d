# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The account of the credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calls import retry
from .errors import NotebookErrorHandler

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient


@NotebookErrorHandler.common_error_handler("ask for the account")
@retry
def read_account(client: STSClient) -> dict[str, str]:
    """The account, its partition, the region of the client, and the caller's ARN, by GetCallerIdentity."""
    identity = client.get_caller_identity()
    arn = identity["Arn"]
    return {
        "account": identity["Account"],
        "partition": arn.split(":")[1],
        "region": client.meta.region_name,
        "arn": arn,
    }
