# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Service Quotas of SageMaker's notebook instances, which moto lacks. Increases are granted at once.

The sandbox does not enforce them: the collection itself reads them and refuses an instance.
"""

from __future__ import annotations

import json
from typing import Any

import moto.servicequotas.urls
from moto.core.utils import get_service_model
from moto.servicequotas.responses import ServiceQuotasResponse

from .sagemaker.listing import page

PAGE_SIZE = 100
TOTAL, OF_A_TYPE = 5000, 2000  # enough for a thousand people; a new account of AWS has few, or none


class QuotasResponse(ServiceQuotasResponse):
    """moto's Service Quotas, with the quotas of notebook instances."""

    def list_service_quotas(self) -> str:
        """ListServiceQuotas."""
        asked = json.loads(self.body)
        quotas, token = page(
            self._quotas(),
            order=lambda quota: (quota["QuotaName"],),
            descending=False,
            size=asked.get("MaxResults", PAGE_SIZE),
            token=asked.get("NextToken"),
            query={"ServiceCode": asked["ServiceCode"]},
        )
        return json.dumps({"Quotas": quotas, **({"NextToken": token} if token else {})})

    def request_service_quota_increase(self) -> str:
        """RequestServiceQuotaIncrease; a smaller value is granted as well, so that a test can have a small account."""
        asked = json.loads(self.body)
        self._granted[asked["QuotaCode"]] = asked["DesiredValue"]
        return json.dumps({"RequestedQuota": {**asked, "Status": "APPROVED"}})

    @property
    def _granted(self) -> dict[str, float]:
        granted: dict[str, float] = vars(self.backend).setdefault("granted", {})
        return granted

    def _quotas(self) -> list[dict[str, Any]]:
        types = get_service_model("sagemaker").shape_for("InstanceType").metadata["enum"]
        values = {f"{each} for notebook instance usage": OF_A_TYPE for each in types}
        values["Total number of notebook instances"] = TOTAL
        codes = {name: f"L-{number:08X}" for number, name in enumerate(sorted(values))}
        return [
            {
                "ServiceCode": "sagemaker",
                "QuotaCode": codes[name],
                "QuotaName": name,
                "Value": self._granted.get(codes[name], value),
                "Adjustable": True,
            }
            for name, value in values.items()
        ]


def install() -> None:
    """Install the operations in moto, before its first request about quotas."""
    moto.servicequotas.urls.url_paths["{0}/$"] = QuotasResponse.dispatch
