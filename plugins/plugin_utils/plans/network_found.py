# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The wanted network beside the existing one: what exists, its owner and its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.services import is_live, short_name

Resource = Mapping[str, Any]

MARK = "datalab:network"
GROUPS = {
    "instances": "Notebook instances. Nothing comes in, and what is listed goes out.",
    "storage": "Mount targets of file systems. NFS comes in from notebook instances.",
    "endpoints": "Endpoints of AWS services. HTTPS comes in from notebook instances.",
}
DEFAULT = "default"
DEFAULT_ENDPOINTS = (
    "s3", "sagemaker.api", "notebook", "sagemaker.runtime", "sts", "athena", "glue", "logs", "monitoring",
    "elasticfilesystem", "secretsmanager",
)  # fmt: skip
NO_ACCOUNT = MappingProxyType({"account": "", "partition": ""})  # where the setting does not matter
LIVE_PEERINGS = ("initiating-request", "pending-acceptance", "provisioning", "active")


def listed_endpoints(settings: Mapping[str, Any]) -> list[str]:
    """The services of platform_network_endpoints, with those that `default` stands for: none in a given VPC."""
    usual = () if settings["vpc_id"] else DEFAULT_ENDPOINTS
    return [name for each in settings["endpoints"] for name in (usual if each == DEFAULT else (each,))]


def wanted_services(settings: Mapping[str, Any]) -> list[str]:
    """The wanted services, by their short names."""
    return list(dict.fromkeys(short_name(name) for name in listed_endpoints(settings)))


class Network:
    """The settings, and the resources that were read."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        found: Mapping[str, Any],
        account: Mapping[str, str] = NO_ACCOUNT,
        buckets: Sequence[str] = (),
    ) -> None:
        self.settings = settings
        self.found = found
        self.account, self.partition = account["account"], account["partition"]
        self.buckets = buckets  # of whatever account, that instances use
        self.name = str(settings["name"])
        self.given = bool(settings["vpc_id"])

    # Names and marks

    def tags(self, name: str) -> dict[str, str]:
        """The tags of a resource with this name."""
        return {"Name": name, **self.settings["tags"], MARK: self.name}

    def called(self, part: str) -> str:
        return f"{self.name}-{part}"

    def is_own(self, resource: Resource) -> bool:
        return bool(resource["tags"].get(MARK) == self.name)

    def own(self, kind: str) -> list[Resource]:
        """The resources of a kind that have the mark of this network."""
        return [each for each in self.found.get(kind, ()) if self.is_own(each)]

    def others(self, kind: str) -> list[Resource]:
        return [each for each in self.found.get(kind, ()) if not self.is_own(each)]

    # The VPC and its subnets

    @cached_property
    def vpc(self) -> Resource | None:
        return next(iter(self.found.get("vpcs", ())), None)

    @property
    def vpc_id(self) -> str | None:
        return str(self.vpc["vpc_id"]) if self.vpc else None

    @property
    def region(self) -> str:
        return str(self.found["region"])

    def zone(self, letter: str) -> str:
        return f"{self.region}{letter}"

    @cached_property
    def private_subnets(self) -> list[Resource | None]:
        """The wanted subnets in the order of the settings; None for each that does not exist."""
        if self.given:
            by_id = {subnet["subnet_id"]: subnet for subnet in self.found["subnets"]}
            return [by_id.get(subnet_id) for subnet_id in self.settings["subnet_ids"]]
        by_cidr = {subnet["cidr_block"]: subnet for subnet in self.own("subnets")}
        return [by_cidr.get(subnet["cidr"]) for subnet in self.settings["subnets"]]

    @property
    def private_subnet_ids(self) -> list[str]:
        """The ids of the existing private subnets."""
        return [subnet["subnet_id"] for subnet in self.private_subnets if subnet]

    @cached_property
    def wanted_zones(self) -> set[str]:
        """The zones of the private subnets, whether these exist or not."""
        if self.given:
            return {subnet["availability_zone"] for subnet in self.private_subnets if subnet}
        return {self.zone(subnet["zone"]) for subnet in self.settings["subnets"]}

    @cached_property
    def public_subnet(self) -> Resource | None:
        """The subnet of the NAT gateway, also if it is not wanted any more."""
        private = {subnet["cidr"] for subnet in self.settings["subnets"]}
        name = self.called("public")
        subnets = [subnet for subnet in self.own("subnets") if subnet["cidr_block"] not in private]
        by_cidr = [subnet for subnet in subnets if subnet["cidr_block"] == self.settings["nat_cidr"]]
        by_name = [subnet for subnet in subnets if subnet["tags"].get("Name") == name]
        return next(iter(by_name + by_cidr), None)

    @property
    def surplus_subnets(self) -> list[Resource]:
        """Private subnets of ours that are not listed any more."""
        known = [self.public_subnet, *self.private_subnets]
        return [subnet for subnet in self.own("subnets") if subnet not in known]

    # Ways out of the private subnets

    @cached_property
    def private_table(self) -> Resource | None:
        return self._table("private", self.private_subnet_ids)

    @cached_property
    def public_table(self) -> Resource | None:
        return self._table("public", [self.public_subnet["subnet_id"]] if self.public_subnet else [])

    def _table(self, part: str, subnet_ids: list[str]) -> Resource | None:
        """Our route table with this name, or else, if it has no name of ours, the one of these subnets."""
        tables = self.own("route_tables")
        names = [self.called("private"), self.called("public")]
        by_name = [table for table in tables if table["tags"].get("Name") == self.called(part)]
        renamed = [table for table in tables if table["tags"].get("Name") not in names]
        by_subnet = [table for table in renamed if set(subnet_ids) & associated(table)]
        return next(iter(by_name + by_subnet), None)

    @cached_property
    def internet_gateway(self) -> Resource | None:
        return next(iter(self.own("internet_gateways")), None)

    @cached_property
    def nat_gateways(self) -> list[Resource]:
        """Ours, without those that AWS is removing."""
        return [gateway for gateway in self.own("nat_gateways") if gateway["state"] in ("pending", "available")]

    @cached_property
    def connections(self) -> dict[str, Resource]:
        """The live peering connections by the other VPC; ours win over those that others have made."""
        live = [each for each in self.found["peerings"] if each["status"]["code"] in LIVE_PEERINGS]
        return {self.peer(each): each for each in sorted(live, key=self.is_own)}

    def peer(self, connection: Resource) -> str:
        """The other VPC of a connection."""
        ends = (connection["accepter_vpc_info"], connection["requester_vpc_info"])
        return next((str(end["vpc_id"]) for end in ends if end.get("vpc_id") != self.vpc_id), "")

    # Security groups and endpoints

    @cached_property
    def groups(self) -> dict[str, Resource]:
        """Our security groups, by the last part of their names."""
        by_name = {group["group_name"]: group for group in self.own("security_groups")}
        return {part: by_name[self.called(part)] for part in GROUPS if self.called(part) in by_name}

    def group_id(self, part: str) -> str | None:
        return str(self.groups[part]["group_id"]) if part in self.groups else None

    @cached_property
    def default_group(self) -> Resource | None:
        """The default group of a VPC of ours, which resources without another group get."""
        groups = () if self.given else self.found["security_groups"]
        return next((group for group in groups if group["group_name"] == DEFAULT), None)

    @cached_property
    def services(self) -> list[str]:
        return wanted_services(self.settings)

    @cached_property
    def live_endpoints(self) -> list[Resource]:
        return [endpoint for endpoint in self.found["endpoints"] if is_live(endpoint)]

    # For other sections and for users

    def ids(self) -> dict[str, Any]:
        """The ids for instances and file systems; None for what does not exist."""
        subnets = [subnet["subnet_id"] if subnet else None for subnet in self.private_subnets]
        return {
            "vpc_id": self.vpc_id or self._vpc_of_subnets(),
            "subnet_ids": subnets,
            "instances_security_group": self.group_id("instances"),
            "storage_security_group": self.group_id("storage"),
            "zones": {subnet["subnet_id"]: subnet["availability_zone"] for subnet in self.private_subnets if subnet},
            "region": self.region,
        }

    def _vpc_of_subnets(self) -> str | None:
        """The VPC, where only ids were read and it was not asked for."""
        return next((str(subnet["vpc_id"]) for subnet in self.private_subnets if subnet), None)


def associated(table: Resource) -> set[str]:
    """The subnets that are associated with a route table, without those that have it as the main one."""
    return {each["subnet_id"] for each in table.get("associations", ()) if each.get("subnet_id")}


def repeated(values: Iterable[Any]) -> list[Any]:
    """Each value that occurs more than once, in order."""
    return sorted(value for value, count in Counter(values).items() if count > 1)
