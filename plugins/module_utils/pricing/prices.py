# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The prices of instances: AWS's price list, which is read once in a while, or the few shipped prices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..common.errors import NotebookError
from .api import get_products
from .shipped import CURRENCY, DATE, shipped_prices

# The price list mostly leaves the instance type empty; the usage type has it, after a prefix that is the region's.
USAGE_TYPE = re.compile(r"(?:[A-Z0-9]+-)?Notebk:(?P<type>ml\.[a-z0-9-]+\.[a-z0-9-]+|VolumeUsage\.gp2)")
VOLUME = "VolumeUsage.gp2"
HOSTS = {"ap": "ap-south-1", "eu": "eu-central-1"}  # regions where the price list is asked, for those near them
OTHERWISE = "us-east-1"
SERVICE = "AmazonSageMaker"
CACHE_DAYS = 7


def price_list_region(region: str) -> str:
    """The region whose endpoint has the price list of a region: there are three."""
    return HOSTS.get(region.partition("-")[0], OTHERWISE)


def wanted_products(region: str) -> list[dict[str, str]]:
    """The filters for the products of notebook instances in a region."""
    return [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
        {"Type": "CONTAINS", "Field": "usagetype", "Value": "Notebk:"},
    ]


def prices_of(products: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The prices by instance type, that of volumes, and the date of the price list."""
    found: dict[str, float] = {}
    dates = []
    for product in products:
        usage_type = USAGE_TYPE.fullmatch(product["product"]["attributes"].get("usagetype", ""))
        price = next(_on_demand(product), None)
        if usage_type and price:
            found[usage_type["type"]] = price
            dates.append(product.get("publicationDate", "")[:10])
    volume = found.pop(VOLUME, None)
    return {"instances": found, "date": max(dates, default=""), **({"volume": volume} if volume else {})}


def _on_demand(product: Mapping[str, Any]) -> Iterator[float]:
    for offer in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in offer["priceDimensions"].values():
            if CURRENCY in dimension["pricePerUnit"]:
                yield float(dimension["pricePerUnit"][CURRENCY])


def read_prices(client: Any, region: str, private: Mapping[str, float], cache: str | None) -> dict[str, Any]:
    """The prices of a region; `problem` says why they are not AWS's newest."""
    listed, problem = _cached(cache, region, timedelta(days=CACHE_DAYS)), ""
    if listed is None:
        try:
            listed = {**prices_of(get_products(client, SERVICE, wanted_products(region))), "source": "price list"}
            _store(cache, region, listed)
        except NotebookError as error:
            problem = str(error)
            listed = _cached(cache, region, timedelta.max) or {
                **shipped_prices(region),
                "date": DATE,
                "source": "shipped",
            }
    return {**with_private(listed, private), "region": region, "currency": CURRENCY, "problem": problem}


def with_private(listed: Mapping[str, Any], private: Mapping[str, float]) -> dict[str, Any]:
    """The prices after private rates, which win."""
    rates = {**listed.get("instances", {}), **private}
    volume = rates.pop("volume", listed.get("volume"))
    source = f"private and {listed['source']}" if private else listed["source"]
    known = {} if volume is None else {"volume": volume}
    return {"date": listed["date"], "source": source, "instances": rates, **known}


def _cached(cache: str | None, region: str, most: timedelta) -> dict[str, Any] | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        stored = json.loads(Path(cache or "").read_text())[region]
        age = datetime.now(UTC) - datetime.fromisoformat(stored["read"])
        return dict(stored["prices"]) if age < most else None
    return None


def _store(cache: str | None, region: str, prices: Mapping[str, Any]) -> None:
    """Keep the prices in a file; if it cannot be written, the next run asks again."""
    if not cache:
        return
    path = Path(cache)
    stored: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        stored = json.loads(path.read_text())
    stored[region] = {"read": datetime.now(UTC).isoformat(), "prices": prices}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(stored))
