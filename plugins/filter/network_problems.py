# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a network before anybody asks AWS."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_problems
short_description: What is wrong with the settings of the role platform_network
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - Checks the settings against each other and against the rules of AWS, without a call.
  - Calculates with networks by Python's own C(ipaddress), so that no other package is needed.
options:
  _input:
    description: The variables of the role, by their names without C(platform_network_).
    type: dict
    required: true
"""

EXAMPLES = r"""
problems: "{{ {'name': 'datalab', 'cidr': '10.0.0.0/16', …} | datalab.notebooks.network_problems }}"
"""

RETURN = r"""
_value:
  description: A sentence for each problem, with the variable's name and the remedy. Empty if there is none.
  type: list
  elements: str
"""

import difflib
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

Settings = dict[str, Any]

# Those of https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html that somebody may
# want to use from a notebook. The full name of a service is taken as well.
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
LAST_PORT = 65535


def network_problems(settings: Settings) -> list[str]:
    """A sentence for each thing that cannot work."""
    checks = [_names, _tags, _endpoints, _given if settings["vpc_id"] or settings["subnet_ids"] else _made, _servers]
    return [problem for check in checks for problem in check(settings)]


def _names(settings: Settings) -> Iterator[str]:
    name = settings["name"]
    if not re.fullmatch(r"(?!sg-)[A-Za-z0-9][A-Za-z0-9-]{0,62}", name):
        yield f"platform_network_name is {name}. Take up to 63 letters, digits and -, and not sg- at the beginning."


def _tags(settings: Settings) -> Iterator[str]:
    tags = settings["tags"]
    for key, value in tags.items():
        if key == "Name" or key.startswith(("aws:", "datalab:")):
            yield f"platform_network_tags has the key {key}, which is reserved. Take another one."
        if not 0 < len(key) <= 128 or len(str(value)) > 256:
            yield f"platform_network_tags has {key}. AWS takes keys of 1 to 128 and values of up to 256 characters."
    if len(tags) > 48:
        yield f"platform_network_tags has {len(tags)} tags. Take up to 48: AWS takes 50, and two are the role's own."


def _endpoints(settings: Settings) -> Iterator[str]:
    names = settings["endpoints"]
    for name in names:
        if name not in SERVICES and not re.fullmatch(FULL_NAME, name):
            near = difflib.get_close_matches(name, SERVICES, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            yield (
                f"platform_network_endpoints has {name}, which is not known.{meant} Any service can be given by its"
                " full name, such as com.amazonaws.eu-central-1.kms."
            )
    for name in _repeated(names):
        yield f"platform_network_endpoints has {name} twice. Take it once."


def _given(settings: Settings) -> Iterator[str]:
    """What holds for a VPC that exists."""
    vpc, subnets = settings["vpc_id"], settings["subnet_ids"]
    if not vpc:
        yield "platform_network_subnet_ids is set, but platform_network_vpc_id is not. Take both or none."
        return
    if not re.fullmatch(r"vpc-[0-9a-f]+", vpc):
        yield f"platform_network_vpc_id is {vpc}. Take an id like vpc-0123456789abcdef0."
    if len(subnets) < 2:
        yield (
            "platform_network_vpc_id is set: name its private subnets in platform_network_subnet_ids, two or more, in"
            " different zones."
        )
    for subnet in subnets:
        if not re.fullmatch(r"subnet-[0-9a-f]+", subnet):
            yield f"platform_network_subnet_ids has {subnet}. Take ids like subnet-0123456789abcdef0."
    for subnet in _repeated(subnets):
        yield f"platform_network_subnet_ids has {subnet} twice. Take it once."
    for name, unwanted in (("nat", settings["nat"]), ("peerings", settings["peerings"])):
        if unwanted:
            yield f"platform_network_{name} would change the routes of {vpc}, which is yours. Leave it out."
    if any(re.search(r"(^|\.)s3$", name) for name in settings["endpoints"]):
        yield (
            f"platform_network_endpoints has s3, which would change the routes of {vpc}, which is yours. Make that"
            " gateway endpoint yourself: instances use it as soon as it is there."
        )


def _made(settings: Settings) -> Iterator[str]:
    """What holds for a VPC that the role makes."""
    vpc = _network(settings["cidr"])
    if vpc is None or not _fits(vpc):
        yield f"platform_network_cidr is {settings['cidr']}. {_remedy(settings['cidr'])}"
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
            yield f"{says} {cidr}. {_remedy(cidr)}"
        elif not network.subnet_of(vpc):
            yield f"{says} {cidr}, which is outside of {vpc}. Take a part of platform_network_cidr."
        else:
            networks[says, cidr] = network
    for (first, one), (second, other) in combinations(networks.items(), 2):
        if one.overlaps(other):
            yield f"{' '.join(second)}, which overlaps {first[1]}. Take parts of {vpc} that do not."
    for cidr in _repeated([subnet["cidr"] for subnet in subnets]):
        yield f"platform_network_subnets has {cidr} twice. Take it once."
    yield from _zones([subnet["zone"] for subnet in subnets])


def _zones(zones: list[str]) -> Iterator[str]:
    for zone in zones:
        if not re.fullmatch(r"[a-z]", zone):
            yield f"platform_network_subnets has the zone {zone}. Take its letter only: a for eu-central-1a."
    for zone in _repeated(zones):
        yield (
            f"platform_network_subnets has the zone {zone} twice. Take one subnet for each zone: a file system has one"
            " mount target in a zone."
        )
    if len(set(zones)) < 2:
        yield (
            f"platform_network_subnets has {len(set(zones))} zones. Take subnets in two or more: what is in one zone"
            " only fails with it."
        )


def _peerings(peerings: list[Settings], vpc: IPv4Network) -> Iterator[str]:
    for peering in peerings:
        peer, cidr, owner = peering["vpc_id"], peering["cidr"], peering.get("owner")
        network = _network(cidr)
        if not re.fullmatch(r"vpc-[0-9a-f]+", peer):
            yield f"platform_network_peerings has the vpc_id {peer}. Take an id like vpc-0123456789abcdef0."
        if network is None:
            yield f"platform_network_peerings has the cidr {cidr}. {_remedy(cidr)}"
        elif network.overlaps(vpc):
            yield (
                f"platform_network_peerings has {cidr}, which overlaps platform_network_cidr, {vpc}. AWS peers networks"
                " that do not overlap only."
            )
        if owner and not re.fullmatch(r"\d{12}", str(owner)):
            yield f"platform_network_peerings has the owner {owner}. Take the twelve digits of an account, in quotes."
    for key in ("vpc_id", "cidr"):
        for value in _repeated([peering[key] for peering in peerings]):
            yield f"platform_network_peerings has the {key} {value} twice. Take it once."


def _servers(settings: Settings) -> Iterator[str]:
    vpc = None if settings["vpc_id"] else _network(settings["cidr"])
    opened = ["443 of 0.0.0.0/0"] if settings["nat"] else []
    for server in settings["servers"]:
        cidr, description = server["cidr"], server.get("description", "")
        network = _network(cidr, smallest=32)
        if network is None:
            yield f"platform_network_servers has the cidr {cidr}. {_remedy(cidr, smallest=32)}"
        elif vpc and network.subnet_of(vpc):
            yield (
                f"platform_network_servers has {cidr}, which is inside of platform_network_cidr, {vpc}. There are only"
                " instances, the file system and endpoints there: take the address of the server."
            )
        if not re.fullmatch(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}", description):
            yield (
                f"platform_network_servers has the description {description}. Take up to 255 letters, digits, spaces"
                " and ._-:/()#,@[]+=&;{}!$*"
            )
        for port in server["ports"]:
            if not _is_port(str(port)):
                yield f"platform_network_servers has the port {port}. Take one from 1 to 65535, or two such as 80-89."
            opened.append(f"{port} of {cidr}")
        if not server["ports"]:
            yield f"platform_network_servers has no ports of {cidr}. Take at least one, such as 443."
    for repeated in _repeated(opened):
        what = "which platform_network_nat opens" if repeated == "443 of 0.0.0.0/0" and settings["nat"] else "twice"
        yield f"platform_network_servers has the port {repeated}, {what}. Take it once."


def _network(cidr: str, smallest: int = 30) -> IPv4Network | None:
    """The network, unless the text is none."""
    if "/" not in cidr:
        return None
    try:
        network = IPv4Network(cidr)
    except ValueError:
        return None
    return network if network.prefixlen <= smallest else None


def _fits(network: IPv4Network) -> bool:
    """Whether AWS makes VPCs and subnets of this size."""
    return 16 <= network.prefixlen <= 28


def _remedy(cidr: str, smallest: int = 28) -> str:
    try:
        loose = IPv4Network(cidr, strict=False)
    except ValueError:
        loose = None
    if loose is not None and str(loose) != cidr and "/" in cidr:
        return f"The address is inside of the network: did you mean {loose}?"
    return (
        f"Take a network like 10.42.0.0/20, from /16 to /{smallest}."
        if smallest < 32
        else ("Take a network like 10.1.0.0/16, or an address like 10.1.2.3/32.")
    )


def _is_port(text: str) -> bool:
    """Whether it is a port, or the first and the last of a range."""
    ports = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    return ports is not None and 1 <= int(ports[1]) <= int(ports[2] or ports[1]) <= LAST_PORT


def _repeated(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"network_problems": network_problems}
