# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""CloudTrail's part of the API."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from ..common.calls import retry
from ..common.errors import NotebookErrorHandler


@NotebookErrorHandler.common_error_handler("look up the calls that CloudTrail has recorded")
@retry
def lookup_events(client: Any, name: str, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """The recorded calls of this name, from all pages of LookupEvents."""
    only = [{"AttributeKey": "EventName", "AttributeValue": name}]
    pages = client.get_paginator("lookup_events").paginate(LookupAttributes=only, StartTime=begin, EndTime=end)
    return [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
