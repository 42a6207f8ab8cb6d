# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""One function per API call of Service Quotas: a retry, an error handler, one call. No logic lives here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..common.calls import PAGES, retry
from ..common.errors import NotebookErrorHandler

handler = NotebookErrorHandler


@handler.common_error_handler("list the service quotas")
@retry
def list_service_quotas(client: Any, service: str) -> list[Mapping[str, Any]]:
    """The quotas of the account and region that ListServiceQuotas returns, of all pages."""
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode=service, PaginationConfig=PAGES)
    return [quota for page in pages for quota in page["Quotas"]]
