# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS's price list, which moto does not have: a few prices of notebook instances."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .services import billing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PAGE_SIZE = 100
TARGET = "AWSPriceListService."


class AnswerPrices:
    """A WSGI layer that answers GetProducts, and nothing else of the price list."""

    def __init__(self, app: WSGIApplication):
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(TARGET):
            return self._app(environ, start_response)
        asked = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        answer, status = respond(target.removeprefix(TARGET), asked)
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]


def respond(operation: str, asked: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the answer to a request, and its status."""
    if operation != "GetProducts":
        return {"__type": "UnknownOperationException"}, "400 Bad Request"
    if asked.get("ServiceCode") != "AmazonSageMaker":
        return {"__type": "NotFoundException", "message": "Invalid service code"}, "400 Bad Request"
    filters = asked.get("Filters", [])
    region = next((each["Value"] for each in filters if each["Field"] == "regionCode"), "")
    found = [each for each in products(region) if all(_matches(each, wanted) for wanted in filters)]
    first = int(asked.get("NextToken") or 0)
    last = first + min(asked.get("MaxResults", PAGE_SIZE), PAGE_SIZE)
    more = {"NextToken": str(last)} if last < len(found) else {}
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(each) for each in found[first:last]], **more}, "200 OK"


def products(region: str) -> list[dict[str, Any]]:
    """Return the price list of a region in AWS's form; it is empty for what is no region.

    `instanceType` is empty, as in most entries of AWS.
    """
    where = billing.prefix(region)
    prices = {f"{where}-Notebk:{each}": (price, "Hrs") for each, price in billing.HOURLY.items()}
    prices[f"{where}-Notebk:VolumeUsage.gp2"] = (billing.VOLUME, "GB-Mo")
    return [_product(region, usage_type, *price) for usage_type, price in prices.items()] if where else []


def _product(region: str, usage_type: str, price: float, unit: str) -> dict[str, Any]:
    code = f"SKU{abs(hash(usage_type)) % 10**10}"
    dimension = {"unit": unit, "pricePerUnit": {"USD": f"{price:.10f}"}, "description": f"{price} per {unit}"}
    return {
        "product": {
            "productFamily": "ML Instance",
            "attributes": {
                "regionCode": region,
                "usagetype": usage_type,
                "instanceType": "",
                "component": "Notebook",
                "servicecode": "AmazonSageMaker",
            },
            "sku": code,
        },
        "serviceCode": "AmazonSageMaker",
        "terms": {"OnDemand": {f"{code}.1": {"priceDimensions": {f"{code}.1.1": dimension}, "sku": code}}},
        "version": "20260924000000",
        "publicationDate": billing.LIST_DATE,
    }


def _matches(product: dict[str, Any], wanted: dict[str, str]) -> bool:
    has = product["product"]["attributes"].get(wanted["Field"], "").casefold()
    value = wanted["Value"].casefold()
    return value in has if wanted["Type"] == "CONTAINS" else has == value
