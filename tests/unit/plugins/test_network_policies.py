# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies of endpoints. What they allow is proved in tests/policies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network_found import DEFAULT_ENDPOINTS
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import DEFAULTS, Account, plan_with
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_cases import (
    FEW,
    account,
    endpoint_of_others,
    one,
    texts,
)

ANYBODY = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})


def policies(there: Account) -> dict[str, Any]:
    """Return the policies of all endpoints, by the last part of the services' names."""
    return {
        each["service_name"].rpartition(".eu-central-1.")[2]: json.loads(each["policy_document"])["Statement"]
        for each in there.there["endpoints"]
        if "policy_document" in each
    }


def test_every_endpoint_has_a_policy() -> None:
    there = policies(account(DEFAULTS))
    assert set(there) == set(DEFAULT_ENDPOINTS)
    by_principal = [service for service, statements in there.items() if statements[0]["Sid"] == "OwnPrincipals"]
    assert set(DEFAULT_ENDPOINTS) - set(by_principal) == {"s3", "notebook"}
    (statement,) = there["notebook"]
    assert statement["Resource"] == "arn:aws:sagemaker:*:123456789012:*"
    assert [statement["Sid"] for statement in there["s3"]] == ["OwnBuckets", "Packages"]


def test_a_service_that_has_no_policies_gets_none() -> None:
    there = account(FEW | {"endpoints": ["sts", "without-policies"]})
    assert set(policies(there)) == {"sts"}


def test_buckets_that_are_listed_and_those_of_listed_services() -> None:
    there = account(FEW | {"endpoints": ["s3", "ecr.dkr", "codeartifact.repositories"]})
    plan = plan_with(there.settings, there.read(), buckets=["acme-data"])
    (change,) = plan.changes
    assert (change.action, change.text) == ("change", "policy of endpoint s3")
    assert "ListedBuckets" in change.after
    assert "ListedBuckets" not in change.before
    (step,) = plan.steps["endpoint_policies"]
    _own, listed, packages = json.loads(step["policy"])["Statement"]
    assert listed["Resource"] == ["arn:aws:s3:::acme-data", "arn:aws:s3:::acme-data/*"]
    assert packages["Resource"] == [
        "arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/*",
        "arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*",
        "arn:aws:s3:::assets-*-eu-central-1/*",
    ]


@pytest.mark.parametrize("service", DEFAULT_ENDPOINTS)
@pytest.mark.parametrize("policy", [{"policy_document": ANYBODY}, {}], ids=["anybody", "none"])
def test_a_policy_that_differs_is_changed_while_the_endpoint_is_used(service: str, policy: dict[str, str]) -> None:
    there = account(DEFAULTS)
    endpoint = one(there, "endpoints", f"datalab-{service}")
    del endpoint["policy_document"]
    endpoint.update(policy)
    assert texts(there) == [f"change policy of endpoint {service}"]
    assert there.converge().changes == ()


def test_the_same_policy_in_other_words_is_no_change() -> None:
    there = account(FEW)
    endpoint = one(there, "endpoints", "datalab-sts")
    policy = json.loads(endpoint["policy_document"])
    policy["Statement"][0] |= {"Principal": {"AWS": "*"}, "Action": ["*"]}
    endpoint["policy_document"] = json.dumps(policy)
    assert texts(there) == []


def test_new_endpoints_and_those_of_others_keep_their_policies() -> None:
    there = account(FEW)
    theirs = {**endpoint_of_others("kms"), "groups": [], "policy_document": ANYBODY}
    there.there["endpoints"].append(theirs)
    one(there, "endpoints", "datalab-sts").update(state="pending", policy_document=ANYBODY)
    assert texts(there, endpoints=["s3", "sts", "kms"]) == []
