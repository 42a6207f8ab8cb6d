# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The endpoints of AWS services. An endpoint of others is used, and not created again."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.services import is_leaving, short_name

from .network_draft import Draft
from .network_found import Network, Resource
from .network_policies import as_text, endpoint_policy, plan_policy

S3 = "s3"


def plan_endpoints(draft: Draft, network: Network) -> None:
    """Create the missing endpoints, and remove ours that are not listed or do not work."""
    surplus = surplus_endpoints(network)
    for endpoint in surplus:
        draft.add("remove", f"endpoint {short_name(endpoint['service_name'])}")
        draft.step("remove_endpoints", _removal(endpoint))
    for service in missing_endpoints(network):
        policy = endpoint_policy(network, service)
        draft.add("create", f"endpoint {service}", after=as_text(policy) if policy else "")
        step = None if any(_is_of(endpoint, service) for endpoint in surplus) else _creation(network, service)
        # AWS returns one for minutes after its removal, and the module of amazon.aws would take it for the new one.
        if any(_is_of(endpoint, service) and is_leaving(endpoint) for endpoint in network.found["endpoints"]):
            draft.wait(f"an earlier endpoint of {service} is being removed")
        elif step:
            draft.step("gateway_endpoints" if service == S3 else "interface_endpoints", step)
        else:
            draft.later(f"endpoint {service}")
    for endpoint in network.own("endpoints"):
        if endpoint in network.live_endpoints and endpoint not in surplus:
            service = short_name(endpoint["service_name"])
            tags = network.tags(network.called(service))
            plan_policy(draft, network, endpoint)
            draft.retag(f"endpoint {service}", endpoint["vpc_endpoint_id"], endpoint["tags"], tags)


def surplus_endpoints(network: Network) -> list[Resource]:
    """Our endpoints that are not listed, or that instances cannot use."""
    own = [endpoint for endpoint in network.own("endpoints") if not is_leaving(endpoint)]
    return [endpoint for endpoint in own if not _is_wanted(network, endpoint)]


def remove_endpoints(draft: Draft, network: Network) -> None:
    """Remove all of ours. Their security group can be removed only after them."""
    for endpoint in network.own("endpoints"):
        service = short_name(endpoint["service_name"])
        if not is_leaving(endpoint):
            draft.add("remove", f"endpoint {service}")
            draft.step("remove_endpoints", _removal(endpoint))
        elif str(endpoint["state"]).lower() != "deleted":
            draft.wait(f"the endpoint of {service} is being removed")


def missing_endpoints(network: Network) -> list[str]:
    """The listed services without an endpoint that instances can use."""
    usable = [endpoint for endpoint in network.live_endpoints if _is_usable(network, endpoint)]
    return [service for service in network.services if not any(_is_of(each, service) for each in usable)]


def is_s3_gateway(endpoint: Resource) -> bool:
    return bool(endpoint["vpc_endpoint_type"] == "Gateway" and short_name(endpoint["service_name"]) == S3)


def offers(service: Resource, kind: str) -> bool:
    """Whether AWS has endpoints of this kind for a service."""
    return any(each["service_type"] == kind for each in service["service_type"])


def zones_without(network: Network, service: Resource) -> bool:
    """Whether a service is offered in none of the zones of the private subnets."""
    return network.wanted_zones.isdisjoint(service.get("availability_zones", ()))


def details(network: Network, service: str) -> Resource | None:
    """The service that AWS offers under this name, of the kind that is created."""
    kind = "Gateway" if service == S3 else "Interface"
    known = [each for each in network.found["services"] if short_name(each["service_name"]) == service]
    return next((each for each in known if offers(each, kind)), None)


def _is_of(endpoint: Resource, service: str) -> bool:
    return short_name(endpoint["service_name"]) == service


def _is_wanted(network: Network, endpoint: Resource) -> bool:
    service = short_name(endpoint["service_name"])
    return service in network.services and endpoint in network.live_endpoints and _is_usable(network, endpoint)


def _is_usable(network: Network, endpoint: Resource) -> bool:
    """Whether instances reach a service by this endpoint; those of others are used as they are, except S3's."""
    if short_name(endpoint["service_name"]) == S3 and not network.given:
        table = network.private_table
        leads = table is not None and table["route_table_id"] in endpoint.get("route_table_ids", ())
        return is_s3_gateway(endpoint) and leads
    if not network.is_own(endpoint) or str(endpoint["state"]).lower() != "available":
        return True  # an endpoint that is being created does not have its settings yet
    groups = {group["group_id"] for group in endpoint.get("groups", ())}
    return network.group_id("endpoints") in groups and bool(endpoint.get("private_dns_enabled"))


def _creation(network: Network, service: str) -> dict[str, Any] | None:
    """The step that creates an endpoint, once all that it needs is known."""
    table, offered = network.private_table, details(network, service)
    if not offered:
        return None
    policy = endpoint_policy(network, service)
    step = {
        "vpc_id": network.vpc_id,
        "service": offered["service_name"],
        "policy": json.dumps(policy) if policy else "",
        "tags": network.tags(network.called(service)),
    }
    if service == S3:
        return {**step, "route_table_ids": [table["route_table_id"]]} if table else None
    group = network.group_id("endpoints")
    if not group or not all(network.private_subnets):
        return None
    subnets = [each for each in network.private_subnets if each]
    zones = offered.get("availability_zones", ())
    in_zones = [each["subnet_id"] for each in subnets if each["availability_zone"] in zones]
    return {**step, "subnets": in_zones, "security_groups": [group]}


def _removal(endpoint: Resource) -> dict[str, Any]:
    return {"vpc_endpoint_id": endpoint["vpc_endpoint_id"], "service": endpoint["service_name"]}
