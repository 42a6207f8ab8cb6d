# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the endpoints of the network let through, for a person with all rights in their account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network_found import DEFAULT_ENDPOINTS, Network
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network_policies import endpoint_policy

from .asking import ALLOWED, DENIED, EVERYTHING, REGION, SAGEMAKER, Decision
from .simulator import ACCOUNT, Policies, Request

OTHER = "210987654321"
OF_AWS = "137112412989"
LISTED = "acme-data"  # a bucket of a partner's account
PACKAGES = f"al2023-repos-{REGION}-de612dc2"


def _policies() -> Policies:
    settings = {"name": "datalab", "vpc_id": "", "endpoints": ["default"]}
    services = [
        {"service_name": f"com.amazonaws.{REGION}.{name}", "vpc_endpoint_policy_supported": True}
        for name in DEFAULT_ENDPOINTS
    ]
    network = Network(
        settings, {"region": REGION, "services": services}, {"account": ACCOUNT, "partition": "aws"}, [LISTED]
    )
    there = {name: endpoint_policy(network, name) for name in DEFAULT_ENDPOINTS}
    return {f"endpoint-{name}": policy for name, policy in there.items() if policy}


POLICIES = _policies()
OPEN: Policies = {  # the policy of a bucket whose owner lets everybody in
    "open": {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
}
HELPERS = {**EVERYTHING, **OPEN}


def _asks(who: str, service: str, action: str, resource: str, owner: str, **context: Any) -> Request:
    accounts = {"aws:PrincipalAccount": who, **context}
    return Request(
        f"arn:aws:iam::{who}:user/x", action, resource, accounts, ["everything"],
        on="open" if action.startswith("s3:") else None, endpoint=f"endpoint-{service}", account=owner,
    )  # fmt: skip


def of_s3() -> Iterator[Decision]:
    """Yield what passes to S3: our credentials to our and listed buckets, and reads of packages; nothing else does."""
    cases = [
        (ALLOWED, "s3:PutObject", ACCOUNT, "acme-results", ACCOUNT),
        (ALLOWED, "s3:ListBucket", ACCOUNT, "acme-results", ACCOUNT),
        (ALLOWED, "s3:GetObject", ACCOUNT, "acme-tools", ACCOUNT),
        (ALLOWED, "s3:GetObject", ACCOUNT, LISTED, OTHER),
        (ALLOWED, "s3:ListBucket", ACCOUNT, LISTED, OTHER),
        (ALLOWED, "s3:PutObject", ACCOUNT, LISTED, OTHER),
        (ALLOWED, "s3:GetObject", ACCOUNT, PACKAGES, OF_AWS),
        (ALLOWED, "s3:GetObject", OTHER, PACKAGES, OF_AWS),
        (DENIED, "s3:PutObject", ACCOUNT, PACKAGES, OF_AWS),
        (DENIED, "s3:GetObject", ACCOUNT, "elsewhere", OTHER),
        (DENIED, "s3:PutObject", ACCOUNT, "elsewhere", OTHER),
        (DENIED, "s3:ListBucket", ACCOUNT, "elsewhere", OTHER),
        (DENIED, "s3:PutObject", ACCOUNT, f"{LISTED}-2", OTHER),
        (DENIED, "s3:PutObject", OTHER, "elsewhere", OTHER),
        (DENIED, "s3:PutObject", OTHER, "acme-results", ACCOUNT),
        (DENIED, "s3:GetObject", OTHER, "acme-results", ACCOUNT),
        (DENIED, "s3:PutObject", OTHER, LISTED, OTHER),
    ]
    for expected, action, who, bucket, owner in cases:
        resource = f"arn:aws:s3:::{bucket}" + ("" if action == "s3:ListBucket" else "/x")
        request = _asks(who, "s3", action, resource, owner, **{"aws:ResourceAccount": owner})
        yield Decision(f"a person of {who}", f"reaches {bucket} by the endpoint", expected, request)


ASKED = {
    "sagemaker.api": ("sagemaker:StopNotebookInstance", f"{SAGEMAKER}notebook-instance/datalab-alice"),
    "sagemaker.runtime": ("sagemaker:InvokeEndpoint", f"{SAGEMAKER}endpoint/x"),
    "sts": ("sts:DecodeAuthorizationMessage", "*"),
    "athena": ("athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/x"),
    "glue": ("glue:GetTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog"),
    "logs": ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:x:log-stream:x"),
    "monitoring": ("cloudwatch:PutMetricData", "*"),
    "elasticfilesystem": (
        "elasticfilesystem:DescribeMountTargets",
        f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-1",
    ),
    "secretsmanager": ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x"),
}


def of_interfaces() -> Iterator[Decision]:
    """Yield what passes to other services: our credentials, not others'; an instance opens if it is this account's."""
    for service, (action, arn) in ASKED.items():
        yield Decision("ours", f"asks {service}", ALLOWED, _asks(ACCOUNT, service, action, arn, ACCOUNT))
        theirs = arn.replace(ACCOUNT, OTHER)
        yield Decision("others", f"ask {service}", DENIED, _asks(OTHER, service, action, theirs, OTHER))
    opens = "sagemaker:CreatePresignedNotebookInstanceUrl"
    for expected, account in ((ALLOWED, ACCOUNT), (DENIED, OTHER)):
        arn = f"{SAGEMAKER}notebook-instance/x".replace(ACCOUNT, account)
        yield Decision(f"{account}", "opens an instance", expected, _asks(account, "notebook", opens, arn, account))


DECISIONS = [*of_s3(), *of_interfaces()]
