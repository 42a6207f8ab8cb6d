# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The quotas of notebook instances, in pages, and requests for other values, which are granted at once."""

from __future__ import annotations

import pytest

LARGE = "ml.g5.xlarge for notebook instance usage"


@pytest.fixture
def client(sandbox, client_for):
    return client_for("service-quotas", sandbox.endpoint)


def listed(client):
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    return {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


def test_each_type_has_a_quota_and_all_together(client, sandbox):
    found = listed(client)
    assert {LARGE, "Total number of notebook instances"} < set(found)
    assert len({quota["QuotaCode"] for quota in found.values()}) == len(found)
    assert sandbox.calls() == {"service-quotas:ListServiceQuotas": 2}


def test_a_quota_is_what_was_asked_for_last(client, sandbox):
    code = listed(client)[LARGE]["QuotaCode"]
    client.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=code, DesiredValue=0)
    assert listed(client)[LARGE]["Value"] == 0
    sandbox.reset()
    assert listed(client)[LARGE]["Value"] > 0
