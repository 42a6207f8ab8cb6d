# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A few prices for when AWS's price list cannot be read. Other prices are unknown: no price is ever guessed."""

from __future__ import annotations

from typing import TypedDict


class Prices(TypedDict, total=False):
    """The on-demand prices of a region's instances."""

    instances: dict[str, float]  # USD an hour
    volume: float  # USD a GiB-month


SOURCE = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonSageMaker/current/us-east-1/index.json"
DATE = "2026-09-24"  # of that offer
CURRENCY = "USD"

PRICES: dict[str, Prices] = {
    "us-east-1": {
        "instances": {"ml.t3.medium": 0.05, "ml.m5.xlarge": 0.23, "ml.g4dn.xlarge": 0.736, "ml.g5.xlarge": 1.41},
        "volume": 0.14,
    },
}


def shipped_prices(region: str) -> Prices:
    """The shipped prices of the region; {} if there are none."""
    return PRICES.get(region, {})
