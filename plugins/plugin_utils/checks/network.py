# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Mistakes in the settings of a network, checked against each other and the rules of AWS, without a call."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.services import short_name

from ..plans.network_found import (
    DEFAULT,
    listed_endpoints,
    repeated,
)
from .storage import is_bucket, is_own_bucket
from .tags import tag_problems

Settings = Mapping[str, Any]

# Those of https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html that people may want
# to use from a notebook. The full name of a service is taken as well.
SERVICES = (
    "athena", "bedrock-runtime", "codeartifact.api", "codeartifact.repositories", "codecommit", "comprehend",
    "databrew", "ec2", "ecr.api", "ecr.dkr", "elasticfilesystem", "elasticmapreduce", "emr-serverless", "events",
    "execute-api", "git-codecommit", "glue", "kinesis-firehose", "kinesis-streams", "kms", "lakeformation",
    "lambda", "logs", "monitoring", "notebook", "rds-data", "redshift", "redshift-data",
    "rekognition", "s3", "sagemaker.api", "sagemaker.featurestore-runtime", "sagemaker.metrics",
    "sagemaker.runtime", "secretsmanager", "servicecatalog", "sns", "sqs", "ssm", "states", "sts",
    "textract", "transcribe", "translate", "xray",
)  # fmt: skip
FULL_NAME = r"(cn\.)?(com\.amazonaws|aws\.sagemaker)\.[a-z0-9-]+\.[a-z0-9.-]+"
FOLDER = r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/?"
PORT = r"([0-9]{1,5})(?:-([0-9]{1,5}))?"
LAST_PORT = 65535
UNWANTED_WITH_VPC = {
    "nat": "change the routes of",
    "peerings": "change the routes of",
    "flow_log": "log the traffic of others in",
}
WORDS = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}"


def problems(settings: Settings, storage: Settings | None = None) -> Iterator[str]:
    """A sentence for each setting that cannot work: the variable, its value, the rule, the remedy.

    With the settings of the storage also that the flow log is not written to a bucket of the platform.
    """
    place = _given if settings["vpc_id"] or settings["subnet_ids"] else _made
    for check in (_names, _endpoints, place, _servers):
        yield from check(settings)
    yield from _flow_log(settings, storage)
    yield from tag_problems("platform_network_tags", settings["tags"])


def _names(settings: Settings) -> Iterator[str]:
    name, timeout = settings["name"], settings["wait_timeout"]
    if not re.fullmatch(r"(?!sg-)[A-Za-z0-9][A-Za-z0-9-]{0,62}", name):
        yield f"platform_network_name is {name}; it must be 1 to 63 letters, digits and -, and not begin with sg- or -."
    if timeout < 1:
        yield f"platform_network_wait_timeout is {timeout}; it must be at least 1 second."


def _endpoints(settings: Settings) -> Iterator[str]:
    for name in settings["endpoints"]:
        if name not in (DEFAULT, *SERVICES) and not re.fullmatch(FULL_NAME, name):
            near = difflib.get_close_matches(name, SERVICES, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            yield (
                f"platform_network_endpoints has {name}, which is not known.{meant} Any service can be given by its"
                " full name, such as com.amazonaws.eu-central-1.kms."
            )
    for name in repeated(short_name(name) for name in listed_endpoints(settings)):
        yield f"platform_network_endpoints has {name} twice, perhaps within {DEFAULT}; it must be listed once."


def _given(settings: Settings) -> Iterator[str]:
    """Rules for an existing VPC."""
    vpc, subnets = settings["vpc_id"], settings["subnet_ids"]
    if not vpc:
        yield "platform_network_subnet_ids is set, so platform_network_vpc_id must be set too; or set neither."
        return
    if not re.fullmatch(r"vpc-[0-9a-f]+", vpc):
        yield f"platform_network_vpc_id is {vpc}; it must be an id like vpc-0123456789abcdef0."
    if len(subnets) < 2:
        yield (
            "platform_network_subnet_ids must have two or more private subnets of platform_network_vpc_id, in different"
            f" zones; it has {len(subnets)}."
        )
    for subnet in subnets:
        if not re.fullmatch(r"subnet-[0-9a-f]+", subnet):
            yield f"platform_network_subnet_ids has {subnet}; it must have ids like subnet-0123456789abcdef0."
    for subnet in repeated(subnets):
        yield f"platform_network_subnet_ids has {subnet} twice; it must be listed once."
    for name, harm in UNWANTED_WITH_VPC.items():
        if settings[name]:
            yield (
                f"platform_network_{name} must not be set with platform_network_vpc_id: it would {harm} {vpc}, which is"
                " yours."
            )
    if any(short_name(name) == "s3" for name in listed_endpoints(settings)):
        yield (
            f"platform_network_endpoints has s3, which would change the routes of {vpc}, which is yours; it must not be"
            " there. Create that gateway endpoint yourself: instances use it as soon as it is there."
        )


def _made(settings: Settings) -> Iterator[str]:
    """Rules for a VPC that the role creates."""
    vpc = _network(settings["cidr"])
    if vpc is None or not _fits(vpc):
        yield f"platform_network_cidr is {settings['cidr']}; {_rule(settings['cidr'])}"
        return
    yield from _subnets(settings, vpc)
    yield from _peerings(settings["peerings"], vpc)


def _subnets(settings: Settings, vpc: IPv4Network) -> Iterator[str]:
    subnets = settings["subnets"]
    parts = [("platform_network_subnets has", subnet["cidr"]) for subnet in subnets]
    if settings["nat"]:
        parts.append(("platform_network_nat_cidr is", settings["nat_cidr"]))
    networks = {}
    for says, cidr in parts:
        network = _network(cidr)
        if network is None or not _fits(network):
            yield f"{says} {cidr}; {_rule(cidr)}"
        elif not network.subnet_of(vpc):
            yield f"{says} {cidr}, which is outside of {vpc}; it must be a part of platform_network_cidr."
        else:
            networks[says, cidr] = network
    for (first, one), (second, other) in combinations(networks.items(), 2):
        if one.overlaps(other):
            yield f"{' '.join(second)}, which overlaps {first[1]}; they must be different parts of {vpc}."
    for cidr in repeated(subnet["cidr"] for subnet in subnets):
        yield f"platform_network_subnets has {cidr} twice; it must be listed once."
    yield from _zones([subnet["zone"] for subnet in subnets])


def _zones(zones: list[str]) -> Iterator[str]:
    for zone in zones:
        if not re.fullmatch(r"[a-z]", zone):
            yield f"platform_network_subnets has the zone {zone}; it must be a letter only: a for eu-central-1a."
    for zone in repeated(zones):
        yield (
            f"platform_network_subnets has the zone {zone} twice; it must be listed once: a file system has one mount"
            " target in a zone."
        )
    if len(set(zones)) < 2:
        yield (
            f"platform_network_subnets has {len(set(zones))} zones; it must have two or more: a platform in a single"
            " zone fails with it."
        )


def _peerings(peerings: list[Settings], vpc: IPv4Network) -> Iterator[str]:
    for peering in peerings:
        peer, cidr, owner = peering["vpc_id"], peering["cidr"], peering.get("owner")
        network = _network(cidr)
        if not re.fullmatch(r"vpc-[0-9a-f]+", peer):
            yield f"platform_network_peerings has the vpc_id {peer}; it must be an id like vpc-0123456789abcdef0."
        if network is None:
            yield f"platform_network_peerings has the cidr {cidr}; {_rule(cidr)}"
        elif network.overlaps(vpc):
            yield (
                f"platform_network_peerings has {cidr}, which overlaps platform_network_cidr, {vpc}; it must not: AWS"
                " peers only networks that do not overlap."
            )
        if owner and not re.fullmatch(r"[0-9]{12}", owner):
            yield (
                f"platform_network_peerings has the owner {owner}; it must be the twelve digits of an account, in"
                " quotes."
            )
    for key in ("vpc_id", "cidr"):
        for value in repeated(peering[key] for peering in peerings):
            yield f"platform_network_peerings has the {key} {value} twice; it must be listed once."


def _flow_log(settings: Settings, storage: Settings | None) -> Iterator[str]:
    log, variable = settings["flow_log"], "platform_network_flow_log"
    bucket, prefix = log.get("bucket") or "", log.get("prefix") or ""
    own = [use for use in ("results", "tools") if storage and is_own_bucket(storage, bucket, use)]
    if log and not bucket:
        yield f"{variable} has no bucket; name one, or write {{}} for no flow log."
    elif log and not is_bucket(bucket):
        yield f"{variable}: bucket is {bucket}; it must be the name of a bucket, without s3:// and a folder."
    elif own:
        yield f"{variable}: bucket is {bucket}, the platform's own for {own[0]}; it must be another, which is yours."
    if prefix and (not re.fullmatch(FOLDER, prefix) or "AWSLogs" in prefix.split("/")):
        yield (
            f"{variable}: prefix is {prefix}; it must be a folder such as network/datalab, of letters, digits and ._-,"
            " and without AWSLogs, which AWS adds itself."
        )


def _servers(settings: Settings) -> Iterator[str]:
    vpc = None if settings["vpc_id"] else _network(settings["cidr"])
    opened = [((443, 443), "0.0.0.0/0")] if settings["nat"] else []
    for server in settings["servers"]:
        yield from _server(server, vpc)
        opened += [(ports, server["cidr"]) for ports in map(_ports, server["ports"]) if ports]
    for ports, cidr in repeated(opened):
        port = "-".join(str(each) for each in dict.fromkeys(ports))
        by_nat = settings["nat"] and (ports, cidr) == ((443, 443), "0.0.0.0/0")
        what = "which platform_network_nat opens" if by_nat else "twice"
        yield f"platform_network_servers has the port {port} of {cidr}, {what}; it must be listed once."


def _server(server: Settings, vpc: IPv4Network | None) -> Iterator[str]:
    cidr, description = server["cidr"], server.get("description") or ""
    network = _network(cidr, smallest=32)
    if network is None:
        yield f"platform_network_servers has the cidr {cidr}; {_rule(cidr, smallest=32)}"
    elif vpc and network.subnet_of(vpc):
        yield (
            f"platform_network_servers has {cidr}, which is inside of platform_network_cidr, {vpc}; it must be the"
            " address of the server: there are only instances, the file system and endpoints in the VPC."
        )
    if not re.fullmatch(WORDS, description):
        yield (
            f"platform_network_servers has the description {description}; it must be up to 255 letters, digits, spaces"
            " and ._-:/()#,@[]+=&;{}!$*"
        )
    for port in server["ports"]:
        if _ports(port) is None:
            yield f"platform_network_servers has the port {port}; it must be one from 1 to 65535, or two such as 80-89."
    if not server["ports"]:
        yield f"platform_network_servers has no ports of {cidr}; there must be at least one, such as 443."


def _network(cidr: str, smallest: int = 30) -> IPv4Network | None:
    """The network, unless the text is none; AWS writes each in one way only."""
    try:
        network = IPv4Network(cidr)
    except ValueError:
        return None
    return network if network.prefixlen <= smallest and str(network) == cidr else None


def _fits(network: IPv4Network) -> bool:
    """Whether AWS makes VPCs and subnets of this size."""
    return 16 <= network.prefixlen <= 28


def _rule(cidr: str, smallest: int = 28) -> str:
    try:
        loose = IPv4Network(cidr, strict=False)
    except ValueError:
        loose = None
    if loose is not None and str(loose) != cidr and "/" in cidr:
        return f"it must be a network, not an address inside of one. Did you mean {loose}?"
    if smallest < 32:
        return f"it must be a network like 10.42.0.0/20, from /16 to /{smallest}."
    return "it must be a network like 10.1.0.0/16, or an address like 10.1.2.3/32."


def _ports(port: object) -> tuple[int, int] | None:
    """The first and the last port, if it is a port or a range."""
    ports = re.fullmatch(PORT, str(port))
    if ports is None:
        return None
    first, last = int(ports[1]), int(ports[2] or ports[1])
    return (first, last) if 1 <= first <= last <= LAST_PORT else None
