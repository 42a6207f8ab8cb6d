# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The policies of endpoints: no request with credentials of other accounts, or to their buckets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.services import short_name

from .network_draft import Draft
from .network_found import Network, Resource

# The buckets of AWS that packages and images come from, by the service whose endpoint needs them; "": always.
# https://docs.aws.amazon.com/linux/al2023/ug/managing-repos-os-updates.html
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
# https://docs.aws.amazon.com/codeartifact/latest/ug/create-s3-gateway-endpoint.html
BUCKETS_OF_AWS = {
    "": "al2023-repos-{region}-de612dc2",
    "ecr.dkr": "prod-{region}-starport-layer-bucket",
    "codeartifact.repositories": "assets-*-{region}",
}
# Services that accept calls without credentials: for these the resource has to be this account's.
BY_RESOURCE = {"notebook": "sagemaker", "execute-api": "execute-api"}


def endpoint_policy(network: Network, service: str) -> dict[str, Any] | None:
    """The policy of the endpoint of a service; None if AWS has none for it."""
    offered = [each for each in network.found["services"] if short_name(each["service_name"]) == service]
    if not any(each.get("vpc_endpoint_policy_supported") for each in offered):
        return None
    statements = _of_s3(network) if service == "s3" else [_of_service(network, service)]
    return {"Version": "2012-10-17", "Statement": statements}


def plan_policy(draft: Draft, network: Network, endpoint: Resource) -> None:
    """The change of a policy, which an endpoint has from its creation on."""
    service = short_name(endpoint["service_name"])
    wanted = endpoint_policy(network, service)
    has = json.loads(endpoint.get("policy_document") or "{}")
    if wanted is None or str(endpoint["state"]).lower() != "available" or not compare_policies(has, wanted):
        return
    draft.add("change", f"policy of endpoint {service}", before=as_text(has), after=as_text(wanted))
    item = {"vpc_endpoint_id": endpoint["vpc_endpoint_id"], "service": service, "policy": json.dumps(wanted)}
    draft.step("endpoint_policies", item)


def as_text(policy: Mapping[str, Any]) -> str:
    """A policy as --diff shows it."""
    text: str = yaml.safe_dump(json.loads(json.dumps(policy)), sort_keys=False)
    return text


def _of_service(network: Network, service: str) -> dict[str, Any]:
    if service in BY_RESOURCE:
        arn = f"arn:{network.partition}:{BY_RESOURCE[service]}:*:{network.account}:*"
        return _allow("OwnResources", "*", arn)
    return _allow("OwnPrincipals", "*", "*", **{"aws:PrincipalAccount": network.account})


def _of_s3(network: Network) -> list[dict[str, Any]]:
    arn = f"arn:{network.partition}:s3:::"
    own = {"aws:PrincipalAccount": network.account}
    listed = [f"{arn}{bucket}{end}" for bucket in network.buckets for end in ("", "/*")]
    of_aws = [
        f"{arn}{bucket.format(region=network.region)}/*"
        for service, bucket in BUCKETS_OF_AWS.items()
        if not service or service in network.services
    ]
    return [
        _allow("OwnBuckets", "s3:*", "*", **own, **{"aws:ResourceAccount": network.account}),
        *([_allow("ListedBuckets", "s3:*", listed, **own)] if listed else []),
        _allow("Packages", "s3:GetObject", of_aws),
    ]


def _allow(sid: str, action: str, resource: str | list[str], **equal: str) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    return {**statement, "Condition": {"StringEquals": equal}} if equal else statement
