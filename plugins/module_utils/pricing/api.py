# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The price list's part of the API: a retry, an error handler, one call. No logic lives here."""

from __future__ import annotations

import json
from typing import Any

from ..common.calls import retry
from ..common.errors import NotebookErrorHandler


@NotebookErrorHandler.common_error_handler("read the price list")
@retry
def get_products(client: Any, service: str, filters: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The products of a service that pass these filters, by all pages of GetProducts."""
    pages = client.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters)
    return [json.loads(each) for page in pages for each in page["PriceList"]]
