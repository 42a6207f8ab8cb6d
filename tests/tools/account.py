# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The resources that an account has before its first instance: execution roles and a network."""

from __future__ import annotations

import json
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/notebooks"
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}


def make_role(iam: Any, arn: str, **trust: Any) -> None:
    """Make the role with this ARN, which SageMaker may assume unless `trust` says otherwise."""
    *path, name = arn.partition(":role/")[2].split("/")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [TRUST | trust]})
    iam.create_role(Path="/".join(["", *path, ""]), RoleName=name, AssumeRolePolicyDocument=policy)


def make_network(ec2: Any, groups: int = 1) -> tuple[str, list[str]]:
    """Make a VPC with one subnet and this many security groups; return their ids."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet: str = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    made = [ec2.create_security_group(VpcId=vpc, GroupName=f"group-{n}", Description="-") for n in range(groups)]
    return subnet, [each["GroupId"] for each in made]
