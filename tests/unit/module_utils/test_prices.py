# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The prices of instances: from the price list, a cache, the shipped list, and private rates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.pricing.prices import (
    price_list_region,
    prices_of,
    read_prices,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.pricing.shipped import DATE, PRICES
from sandbox.services import billing

if TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

ASKED: dict[str, Any] = {
    "ServiceCode": "AmazonSageMaker",
    "Filters": [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"},
        {"Type": "CONTAINS", "Field": "usagetype", "Value": "Notebk:"},
    ],
}


def product(usage_type: str, usd: str) -> dict[str, Any]:
    terms = {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": usd}}}}}}
    attributes = {"usagetype": usage_type, "instanceType": ""}
    return {"product": {"attributes": attributes}, "terms": terms, "publicationDate": "2026-09-24T10:00:00Z"}


LIST = [
    product("USE1-Notebk:ml.t3.medium", "0.05"),
    product("Notebk:ml.g5.xlarge", "1.41"),
    product("USE1-Notebk:VolumeUsage.gp2", "0.14"),
    product("USE1-Notebk:ml.free.large", "0"),
    product("USE1-Studio-Notebk:ml.t3.medium", "9"),
    product("USE1-Host:ml.t3.medium", "9"),
]


def answers(pricing: Script) -> None:
    pricing.call("get_products", ASKED, {"PriceList": [json.dumps(each) for each in LIST]})


def test_prices_are_known_by_the_usage_type() -> None:
    assert prices_of(LIST) == {
        "instances": {"ml.t3.medium": 0.05, "ml.g5.xlarge": 1.41},
        "volume": 0.14,
        "date": "2026-09-24",
    }
    assert prices_of([]) == {"instances": {}, "date": ""}


@pytest.mark.parametrize(
    ("region", "near"),
    [
        ("us-west-2", "us-east-1"),
        ("eu-west-1", "eu-central-1"),
        ("ap-south-2", "ap-south-1"),
        ("sa-east-1", "us-east-1"),
    ],
)
def test_the_price_list_answers_in_three_regions(region: str, near: str) -> None:
    assert price_list_region(region) == near


def test_the_price_list_is_asked_once_and_private_rates_win(pricing: Script, tmp_path: Path) -> None:
    answers(pricing)
    cache = str(tmp_path / "of" / "prices.json")
    first = read_prices(pricing.client, "us-east-1", {}, cache)
    assert (first["source"], first["problem"], first["volume"]) == ("price list", "", 0.14)
    second = read_prices(pricing.client, "us-east-1", {"ml.g5.xlarge": 1.0, "volume": 0.1}, cache)
    assert second["source"] == "private and price list"
    assert (second["instances"]["ml.g5.xlarge"], second["volume"]) == (1.0, 0.1)
    assert second["instances"]["ml.t3.medium"] == 0.05


def test_a_cache_that_is_too_old_or_unreadable_is_asked_for_again(pricing: Script, tmp_path: Path) -> None:
    cache = tmp_path / "prices.json"
    for stored in ("{", '{"us-east-1": {"read": "2020-01-01T00:00:00+00:00", "prices": {}}}'):
        cache.write_text(stored)
        answers(pricing)
        assert read_prices(pricing.client, "us-east-1", {}, str(cache))["source"] == "price list"


def test_shipped_prices_are_used_without_others(pricing: Script) -> None:
    pricing.refuse("get_products", ASKED, "AccessDeniedException", "not authorized to perform: pricing:GetProducts")
    found = read_prices(pricing.client, "us-east-1", {}, None)
    assert (found["source"], found["date"]) == ("shipped", DATE)
    assert "pricing:GetProducts" in found["problem"]
    assert found["instances"]["ml.g5.xlarge"] == 1.41


def test_no_price_is_made_up(pricing: Script) -> None:
    of_region, of_notebooks = ASKED["Filters"]
    asked = {**ASKED, "Filters": [{**of_region, "Value": "eu-central-1"}, of_notebooks]}
    pricing.refuse("get_products", asked, "AccessDeniedException", "no")
    found = read_prices(pricing.client, "eu-central-1", {}, None)
    assert found["instances"] == {}
    assert "volume" not in found


def test_the_sandbox_has_the_prices_that_are_shipped() -> None:
    shipped = PRICES["us-east-1"]
    assert shipped["instances"].items() <= billing.HOURLY.items()
    assert shipped["volume"] == billing.VOLUME
