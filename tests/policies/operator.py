# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the operator of the playbooks may do, and what not: each policy alone, and then all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.datalab.notebooks.plugins.plugin_utils.operator import PARTS, render_operator
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, wanted

from .asking import CONFIG, NOTHING, REGION, ROLE, Decision, Thing, Who, notebook, s3
from .simulator import ACCOUNT, Policies, Request

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
# An inventory that needs all rights, except those for resources that exist already.
SHARED: dict[str, Any] = {
    "platform_costs_activate_tags": True,
    "platform_costs_topic": True,
    "platform_costs_teams": {"research": {"budget": 100, "enforce": "automatic"}},
    "platform_network_flow_log": {"bucket": "acme-logs"},
    "platform_network_nat": True,
    "platform_network_peerings": [{"vpc_id": "vpc-0b", "cidr": "10.9.0.0/16"}],
    "platform_storage_isolation": "access_point",
    "platform_storage_kms_key_id": f"{KEY}files",
    "platform_storage_results_access_log": {"bucket": "acme-logs"},
    "platform_storage_subnet_ids": ["subnet-0c"],
}
BOB = {
    "notebook_name": "Experiment",
    "notebook_role_arn": f"{ROLE}given",
    "notebook_default_code_repository": "notebooks",
    "notebook_kms_key_id": "alias/volumes",
}
WANTED = wanted(inventory(viewers=["viewer"], shared=SHARED, variables={"bob": BOB}))
OPERATOR: Policies = {policy.name: policy.document for policy in render_operator(WANTED)}
# An inventory with most resources already, for the statements that the first one does not need.
YOURS: dict[str, Any] = {
    "platform_access_name": "yours",
    "platform_access_boundary": f"arn:aws:iam::{ACCOUNT}:policy/yours/given",
    "platform_network_vpc_id": "vpc-0a",
    "platform_network_subnet_ids": ["subnet-0a", "subnet-0b"],
    "platform_storage_isolation": "access_point",
    "platform_storage_efs_dns_name": "fs-0a.efs.eu-central-1.amazonaws.com",
}
FOR_YOURS = {"CreateAccessPoint", "InYourVpc", "KeepBoundary", "Policies"}
OPERATOR |= {
    policy.name: {
        **policy.document,
        "Statement": [each for each in policy.document["Statement"] if each["Sid"] in FOR_YOURS],
    }
    for policy in render_operator(wanted(inventory(shared=YOURS)))
    if not policy.name.endswith("instances")
}


def who(*parts: str, platform: str = "datalab") -> Who:
    """Return a person or CI role with the policies of these parts."""
    policies = [f"operator-{platform}-{part}" for part in parts]
    return Who(
        f"an operator of {' and '.join(parts)}", Request(f"arn:aws:iam::{ACCOUNT}:user/ci", "", "", {}, policies)
    )


INSTANCES, NETWORK, STORAGE, ACCESS, COSTS, REPORT = map(who, PARTS)
ALL = who(*PARTS)


def actions(service: str, words: str) -> list[str]:
    """Return the actions of a service, from a text with their names."""
    return [f"{service}:{word}" for word in words.split()]


def only(who: Who, may: Iterable[str], ours: Iterable[Thing], others: Iterable[Thing]) -> Iterator[Decision]:
    """Yield the decisions that allow each action on all our resources, and on none of others."""
    for action in may:
        for thing in ours:
            yield who.may(f"does it to {thing.arn}", action, thing)
        for thing in others:
            yield who.may_not(f"does it to others' {thing.arn} {thing.context or ''}", action, thing)


def of_the_operator() -> Iterator[Decision]:
    """Yield all decisions about the operator."""
    yield from _of_instances()
    yield from _of_what_instances_get()
    yield from _of_the_network()
    yield from _of_what_the_network_is_made_in()
    yield from _of_file_systems()
    yield from _of_access_points()
    yield from _of_the_bucket()
    yield from _of_policies_and_roles()
    yield from _of_groups_and_workgroups()
    yield from _of_costs()
    yield from _of_the_report()
    yield from _of_yours()
    yield from _of_all()


def _of_instances() -> Iterator[Decision]:
    reads = actions("ec2", "DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs")
    reads += actions("elasticfilesystem", "DescribeAccessPoints DescribeFileSystems")
    reads += actions("sagemaker", "ListNotebookInstanceLifecycleConfigs ListNotebookInstances")
    reads += ["iam:ListRoles", "servicequotas:ListServiceQuotas", "tag:GetResources"]
    yield from only(INSTANCES, reads, [NOTHING], [])
    verbs = "Create Delete Describe Start Stop Update"
    changes = [f"sagemaker:{verb}NotebookInstance" for verb in verbs.split()]
    changes += actions("sagemaker", "AddTags CreatePresignedNotebookInstanceUrl DeleteTags ListTags")
    ours = [notebook("datalab-alice"), notebook("datalab-viewer"), notebook("experiment")]
    yield from only(INSTANCES, changes, ours, [notebook("datalab"), notebook("other"), notebook("experiment2")])
    edits = [f"sagemaker:{verb}NotebookInstanceLifecycleConfig" for verb in ("Create", "Delete", "Describe", "Update")]
    configs = [Thing(f"{CONFIG}{name}") for name in ("datalab", "datalab-viewer")]
    yield from only(INSTANCES, edits, configs, [Thing(f"{CONFIG}other"), Thing(f"{CONFIG}datalab2")])
    yield INSTANCES.may_not("tags a lifecycle configuration", "sagemaker:AddTags", configs[0])
    job = Thing(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/datalab-x")
    for action in ("sagemaker:CreateTrainingJob", "sagemaker:AddTags"):
        yield INSTANCES.may_not("works with other things of SageMaker", action, job)
    yield INSTANCES.may_not("asks for more quota", "servicequotas:RequestServiceQuotaIncrease", QUOTA)
    yield INSTANCES.may_not("tags what it finds", "tag:TagResources", NOTHING)
    yield INSTANCES.may_not("reads all rights", "iam:GetAccountAuthorizationDetails", NOTHING)
    yield INSTANCES.may_not("makes a key", "kms:CreateKey", NOTHING)
    yield INSTANCES.may_not("makes a domain", "sagemaker:CreateDomain", DOMAIN)
    yield INSTANCES.may_not("makes a file system", "elasticfilesystem:CreateFileSystem", NOTHING)


QUOTA = Thing(f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:sagemaker/L-00000000")
DOMAIN = Thing(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:domain/d-1")


def _of_what_instances_get() -> Iterator[Decision]:
    to_sagemaker = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    roles = [Thing(f"{ROLE}{name}", to_sagemaker) for name in ("datalab/datalab-research", "given")]
    to_ec2 = Thing(f"{ROLE}datalab/datalab-research", {"iam:PassedToService": "ec2.amazonaws.com"})
    strangers = [Thing(f"{ROLE}{name}", to_sagemaker) for name in ("Admin", "datalab2/x", "given2")]
    to_no_service = Thing(f"{ROLE}datalab/datalab-research")
    yield from only(INSTANCES, ["iam:PassRole"], roles, [*strangers, to_ec2, to_no_service])
    yield INSTANCES.may_not("deletes a role", "iam:DeleteRole", Thing(f"{ROLE}datalab/datalab-research"))
    ours = [ec2("network-interface"), ec2("subnet", OURS), ec2("security-group", OURS), ec2("subnet", name="subnet-0c")]
    others = [ec2("subnet"), ec2("security-group", {"aws:ResourceTag/datalab:network": "other"})]
    yield from only(INSTANCES, ["ec2:CreateNetworkInterface"], ours, others)
    for thing in ours[:3]:
        kind = thing.arn.split(":")[5].partition("/")[0]
        delete = {"network-interface": "NetworkInterface", "subnet": "Subnet", "security-group": "SecurityGroup"}[kind]
        yield INSTANCES.may_not("deletes it", f"ec2:Delete{delete}", thing)
    yield INSTANCES.may_not("deletes the given subnet", "ec2:DeleteSubnet", ours[3])
    yield from _of_keys()
    secrets = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
    git = Thing(f"{secrets}AmazonSageMaker-git-x")
    yield from only(INSTANCES, ["secretsmanager:GetSecretValue"], [git], [Thing(f"{secrets}database-x")])
    yield INSTANCES.may_not("deletes a secret", "secretsmanager:DeleteSecret", git)


OURS = {"aws:ResourceTag/datalab:network": "datalab"}
NEW = {"aws:RequestTag/datalab:network": "datalab"}
# The tags of others' resources: none, or another platform's.
OTHERS: tuple[dict[str, Any], ...] = ({}, {"aws:ResourceTag/datalab:network": "other"})
MADE = {
    "AllocateAddress": "elastic-ip",
    "CreateFlowLogs": "vpc-flow-log",
    "CreateInternetGateway": "internet-gateway",
    "CreateNatGateway": "natgateway",
    "CreateRouteTable": "route-table",
    "CreateSecurityGroup": "security-group",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "CreateVpcEndpoint": "vpc-endpoint",
    "CreateVpcPeeringConnection": "vpc-peering-connection",
}
CHANGED = {
    "elastic-ip": "ReleaseAddress",
    "internet-gateway": "AttachInternetGateway DeleteInternetGateway DetachInternetGateway",
    "natgateway": "DeleteNatGateway",
    "route-table": "AssociateRouteTable CreateRoute DeleteRoute DeleteRouteTable DisassociateRouteTable ReplaceRoute",
    "security-group": "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateVpcEndpoint"
    " DeleteSecurityGroup",
    "subnet": "AssociateRouteTable CreateNatGateway CreateVpcEndpoint DeleteSubnet ModifySubnetAttribute",
    "vpc": "AttachInternetGateway CreateFlowLogs CreateRouteTable CreateSecurityGroup CreateSubnet CreateVpcEndpoint"
    " CreateVpcPeeringConnection DeleteVpc DetachInternetGateway ModifyVpcAttribute",
    "vpc-flow-log": "DeleteFlowLogs",
    "vpc-endpoint": "DeleteVpcEndpoints ModifyVpcEndpoint",
    "vpc-peering-connection": "DeleteVpcPeeringConnection",
}
READS = (
    "Addresses AvailabilityZones FlowLogs InternetGateways NatGateways NetworkInterfaces RouteTables SecurityGroups"
    " Subnets Tags VpcAttribute VpcEndpointServices VpcEndpoints VpcPeeringConnections Vpcs"
)


def ec2(kind: str, context: dict[str, Any] | None = None, *, name: str = "x-0123") -> Thing:
    """Return a resource of EC2."""
    return Thing(f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{name}", context or {})


def _of_keys() -> Iterator[Decision]:
    """Yield the decisions about the rights that SageMaker and EFS require on keys, one of them known by its alias."""
    ours = [Thing(f"{KEY}files"), Thing(f"{KEY}a", {"kms:ResourceAliases": ["alias/volumes"]})]
    others = [Thing(f"{KEY}other"), Thing(f"{KEY}b", {"kms:ResourceAliases": ["alias/volumes2"]})]
    yield from only(INSTANCES, actions("kms", "DescribeKey GenerateDataKeyWithoutPlaintext"), ours, others)
    for_aws = {"kms:GrantIsForAWSResource": "true"}
    granted, denied = ([Thing(key.arn, {**key.context, **for_aws}) for key in keys] for keys in (ours, others))
    yield from only(INSTANCES, ["kms:CreateGrant"], granted, [*ours, *denied])
    for key in granted:
        yield INSTANCES.may_not("frees a key", "kms:RevokeGrant", key)
    for key in ours:
        for verb in ("Decrypt", "GenerateDataKey", "PutKeyPolicy", "ScheduleKeyDeletion"):
            yield INSTANCES.may_not("uses or changes a key", f"kms:{verb}", key)


def _of_the_network() -> Iterator[Decision]:
    yield from only(NETWORK, [f"ec2:Describe{kind}" for kind in READS.split()], [NOTHING], [])
    for action, kind in MADE.items():
        unmarked = [ec2(kind), ec2(kind, {"aws:RequestTag/datalab:network": "other"})]
        yield from only(NETWORK, [f"ec2:{action}"], [ec2(kind, NEW)], unmarked)
        tags = {**NEW, "ec2:CreateAction": action}
        wrong = [ec2(kind, {**NEW, "ec2:CreateAction": "RunInstances"}), ec2(kind, {"ec2:CreateAction": action})]
        yield from only(NETWORK, ["ec2:CreateTags"], [ec2(kind, tags), ec2(kind, OURS)], [ec2(kind, NEW), *wrong])
    for kind, changes in CHANGED.items():
        foreign = [ec2(kind, context) for context in OTHERS]
        yield from only(NETWORK, actions("ec2", changes), [ec2(kind, OURS)], foreign)
    groups = [ec2("security-group", context) for context in (OURS, *OTHERS)]
    closing = actions("ec2", "RevokeSecurityGroupEgress RevokeSecurityGroupIngress")
    yield from only(NETWORK, closing, groups[:-1], groups[-1:])  # a VPC's default group is without a tag, too
    marked = {**NEW, **OURS}
    yield NETWORK.may_not("starts a machine", "ec2:RunInstances", ec2("instance", NEW))
    yield NETWORK.may_not("deletes a volume", "ec2:DeleteVolume", ec2("volume", OURS))
    yield NETWORK.may_not("makes another thing", "ec2:CreateNetworkAcl", ec2("network-acl", NEW))
    yield NETWORK.may_not("moves an address", "ec2:AssociateAddress", ec2("elastic-ip", marked))
    yield NETWORK.may_not("reads machines", "ec2:DescribeInstances", NOTHING)
    yield NETWORK.may_not("makes another thing in the VPC", "ec2:CreateNetworkAcl", ec2("vpc", OURS))


def _of_what_the_network_is_made_in() -> Iterator[Decision]:
    yield from only(NETWORK, actions("logs", "CreateLogDelivery DeleteLogDelivery"), [NOTHING], [])
    for action in ("CreateLogGroup", "DeleteLogGroup", "PutResourcePolicy"):
        yield NETWORK.may_not("changes log groups", f"logs:{action}", NOTHING)
    yield NETWORK.may_not("changes the policy of the bucket for logs", "s3:PutBucketPolicy", s3("acme-logs"))
    yield NETWORK.may("gives endpoints their names", "route53:AssociateVPCWithHostedZone", ZONE)
    yield NETWORK.may_not("changes names", "route53:ChangeResourceRecordSets", ZONE)
    yield from _of_service_roles(NETWORK, "ec2.amazonaws.com/AWSServiceRoleForNATGateway", "nat-gateway.amazonaws.com")


ZONE = Thing("arn:aws:route53:::hostedzone/Z1")


def _of_service_roles(who: Who, name: str, service: str) -> Iterator[Decision]:
    role = f"{ROLE}aws-service-role/{name}"
    yield who.may("lets AWS make its role", "iam:CreateServiceLinkedRole", Thing(role, {"iam:AWSServiceName": service}))
    other = Thing(role, {"iam:AWSServiceName": "ecs.amazonaws.com"})
    yield who.may_not("lets AWS make another role", "iam:CreateServiceLinkedRole", other)
    yield who.may_not("deletes AWS's role", "iam:DeleteServiceLinkedRole", Thing(role))


def efs(kind: str, context: dict[str, Any] | None = None) -> Thing:
    """Return a file system or an access point."""
    return Thing(f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:{kind}/x-0123", context or {})


def tagged(whose: str, **tags: str) -> dict[str, Any]:
    """Return the context for tags of a request, or of an existing resource."""
    return {f"aws:{whose}Tag/{key}": value for key, value in tags.items()}


MARK = {"datalab:storage": "datalab"}
MARKED, MARKING = tagged("Resource", **MARK), tagged("Request", **MARK)
# Tags of others' resources, some with names like ours, and of another platform's.
NOT_MARKED: list[dict[str, str]] = [{}, {"Name": "datalab"}, {"datalab:storage": "datalab2"}, {"owner": "alice"}]


def _of_file_systems() -> Iterator[Decision]:
    reads = "AccessPoints BackupPolicy FileSystemPolicy FileSystems LifecycleConfiguration MountTargetSecurityGroups"
    for kind in (*reads.split(), "MountTargets"):
        yield STORAGE.may("reads file systems", f"elasticfilesystem:Describe{kind}", efs("file-system"))
    create, tag = "elasticfilesystem:CreateFileSystem", "elasticfilesystem:TagResource"
    others = [tagged("Request", **each) for each in NOT_MARKED]
    yield from only(STORAGE, [create], [Thing("*", MARKING)], [Thing("*", each) for each in others])
    at_creation = {"elasticfilesystem:CreateAction": "CreateFileSystem"}
    wrong = [efs("file-system", {**each, **at_creation}) for each in others]
    wrong += [efs("file-system", MARKING)]
    wrong += [efs("file-system", {**MARKING, "elasticfilesystem:CreateAction": "CreateAccessPoint"})]
    wrong += [efs("access-point", {**MARKING, **at_creation})]
    yield from only(STORAGE, [tag], [efs("file-system", {**MARKING, **at_creation})], wrong)
    changes = (
        "CreateMountTarget DeleteFileSystem DeleteMountTarget"
        " ModifyMountTargetSecurityGroups PutBackupPolicy PutFileSystemPolicy PutLifecycleConfiguration TagResource"
        " UpdateFileSystem"
    )
    ours, foreign = efs("file-system", MARKED), [efs("file-system", tagged("Resource", **each)) for each in NOT_MARKED]
    yield from only(STORAGE, actions("elasticfilesystem", changes), [ours], foreign)
    for action in ("elasticfilesystem:ClientMount", "elasticfilesystem:UntagResource"):
        yield STORAGE.may_not("mounts or untags it", action, ours)
    for kind in ("network-interface", "security-group"):
        yield STORAGE.may("moves mount targets", "ec2:ModifyNetworkInterfaceAttribute", ec2(kind))
    yield STORAGE.may("removes mount targets", "ec2:DeleteNetworkInterface", ec2("network-interface"))
    yield STORAGE.may_not("attaches interfaces", "ec2:AttachNetworkInterface", ec2("network-interface"))
    yield STORAGE.may_not("removes groups", "ec2:DeleteSecurityGroup", ec2("security-group"))
    yield STORAGE.may_not("moves machines", "ec2:ModifyNetworkInterfaceAttribute", ec2("instance"))
    service = "elasticfilesystem.amazonaws.com"
    yield from _of_service_roles(STORAGE, f"{service}/AWSServiceRoleForAmazonElasticFileSystem", service)


def _of_access_points() -> Iterator[Decision]:
    ours = efs("access-point", MARKED)
    others = [efs("access-point", tagged("Resource", **each)) for each in NOT_MARKED]
    yield from only(STORAGE, actions("elasticfilesystem", "DeleteAccessPoint TagResource"), [ours], others)
    yield STORAGE.may_not("untags it", "elasticfilesystem:UntagResource", ours)
    foreign = [efs("file-system", {**MARKING, **tagged("Resource", **each)}) for each in NOT_MARKED]
    foreign += [efs("file-system", {**MARKED, **tagged("Request", **each)}) for each in NOT_MARKED]
    new = efs("file-system", {**MARKING, **MARKED})
    yield from only(STORAGE, ["elasticfilesystem:CreateAccessPoint"], [new], foreign)
    at_creation = {"elasticfilesystem:CreateAction": "CreateAccessPoint"}
    wrong = [efs("access-point", {**at_creation, **tagged("Request", **each)}) for each in NOT_MARKED]
    wrong += [efs("access-point", {**MARKING, "elasticfilesystem:CreateAction": "Other"})]
    new = efs("access-point", {**MARKING, **at_creation})
    yield from only(STORAGE, ["elasticfilesystem:TagResource"], [new], wrong)


def _of_the_bucket() -> Iterator[Decision]:
    words = (
        "CreateBucket DeleteBucket GetAccelerateConfiguration GetBucketAcl GetBucketLogging"
        " GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy"
        " GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning"
        " GetEncryptionConfiguration GetInventoryConfiguration GetLifecycleConfiguration ListBucketVersions"
        " PutBucketLogging PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock"
        " PutBucketTagging PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration"
    )
    bucket, tools = (f"datalab-{kind}-123456789012-eu-central-1" for kind in ("results", "tools"))
    ours, others = [s3(bucket), s3(tools)], [s3("acme-data"), s3("datalab-data")]
    yield from only(STORAGE, actions("s3", words), ours, [s3("acme-data"), s3("acme-logs")])
    yield from only(STORAGE, ["s3:ListBucket"], [*ours, s3("acme-logs")], others)
    objects = actions("s3", "DeleteObject DeleteObjectVersion")
    yield from only(STORAGE, objects, [s3(f"{bucket}/research/x"), s3(f"{tools}/x")], [s3("acme-data/x")])
    uploads = actions("s3", "GetObject GetObjectTagging PutObject")
    yield from only(STORAGE, uploads, [s3(f"{tools}/0a/x")], [s3(f"{bucket}/x"), s3("acme-data/x")])
    yield from only(INSTANCES, ["s3:ListBucket"], [s3(tools)], [s3(bucket), s3("acme-data")])
    yield STORAGE.may_not("opens tools to others", "s3:PutObjectAcl", s3(f"{tools}/0a/x"))
    yield INSTANCES.may_not("uploads tools", "s3:PutObject", s3(f"{tools}/0a/x"))
    yield STORAGE.may_not("reads results", "s3:GetObject", s3(f"{bucket}/research/x"))
    yield STORAGE.may_not("opens the bucket", "s3:DeleteBucketPolicy", s3(bucket))


POLICY = f"arn:aws:iam::{ACCOUNT}:policy/"
GROUP = f"arn:aws:iam::{ACCOUNT}:group/"
BOUNDARY = {"iam:PermissionsBoundary": f"{POLICY}datalab/datalab-boundary"}


def _of_policies_and_roles() -> Iterator[Decision]:
    yield from only(ACCESS, actions("iam", "GetAccountAuthorizationDetails ListPolicies ListRoles"), [NOTHING], [])
    yield ACCESS.may_not("reads credentials", "iam:GetCredentialReport", NOTHING)
    words = (
        "CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion"
        " ListEntitiesForPolicy ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion TagPolicy"
    )
    policy = Thing(f"{POLICY}datalab/datalab-research")
    others = [Thing(f"{POLICY}{name}") for name in ("datalab-research", "datalab2/x", "operator-datalab-access")]
    yield from only(ACCESS, actions("iam", words), [policy], others)
    yield ACCESS.may_not("untags it", "iam:UntagPolicy", policy)
    words = (
        "DeleteRole DeleteRolePolicy DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies"
        " ListInstanceProfilesForRole ListRolePolicies TagRole UpdateRole"
    )
    role, strangers = Thing(f"{ROLE}datalab/datalab-research"), [Thing(f"{ROLE}Admin"), Thing(f"{ROLE}datalab2/x")]
    yield from only(ACCESS, actions("iam", words), [role], strangers)
    bounded = Thing(role.arn, BOUNDARY)
    wrong = [role, Thing(role.arn, {"iam:PermissionsBoundary": f"{POLICY}datalab/datalab-research"})]
    wrong += [Thing(each.arn, BOUNDARY) for each in strangers]
    bounds = actions("iam", "CreateRole PutRolePermissionsBoundary UpdateAssumeRolePolicy")
    yield from only(ACCESS, bounds, [bounded], wrong)
    own = {"iam:PolicyARN": policy.arn}
    admin = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
    wrong = [Thing(each.arn, {**each.context, **own}) for each in wrong]
    wrong += [bounded, *(Thing(role.arn, {**BOUNDARY, **each}) for each in (admin, {"iam:PolicyARN": others[0].arn}))]
    yield from only(ACCESS, ["iam:AttachRolePolicy"], [Thing(role.arn, {**BOUNDARY, **own})], wrong)
    for action in ("iam:PutRolePolicy", "iam:DeleteRolePermissionsBoundary"):
        yield ACCESS.may_not("frees a role", action, bounded)


def _of_groups_and_workgroups() -> Iterator[Decision]:
    group, others = Thing(f"{GROUP}datalab/datalab-people-research"), [Thing(f"{GROUP}admins")]
    words = "CreateGroup DeleteGroup GetGroup ListAttachedGroupPolicies RemoveUserFromGroup"
    yield from only(ACCESS, actions("iam", words), [group], others)
    own = {"iam:PolicyARN": f"{POLICY}datalab/datalab-people-research"}
    wrong = [group, Thing(others[0].arn, own)]
    wrong += [Thing(group.arn, {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"})]
    attach = actions("iam", "AttachGroupPolicy DetachGroupPolicy")
    yield from only(ACCESS, attach, [Thing(group.arn, own)], wrong)
    yield ACCESS.may_not("puts a person into a group", "iam:AddUserToGroup", group)
    workgroups = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/"
    words = (
        "CreateWorkGroup DeleteWorkGroup GetWorkGroup ListNamedQueries ListQueryExecutions ListTagsForResource"
        " TagResource UpdateWorkGroup"
    )
    mine, theirs = Thing(f"{workgroups}datalab-research"), [Thing(f"{workgroups}{name}") for name in ("primary", "x")]
    yield from only(ACCESS, actions("athena", words), [mine], theirs)
    yield ACCESS.may("lists workgroups", "athena:ListWorkGroups", NOTHING)
    yield ACCESS.may_not("lists catalogs", "athena:ListDataCatalogs", NOTHING)
    yield ACCESS.may_not("reads results", "athena:GetQueryResults", mine)


def _of_costs() -> Iterator[Decision]:
    group, rule = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/"
    for_all = actions("logs", "DeleteResourcePolicy DescribeLogGroups DescribeResourcePolicies PutResourcePolicy")
    for_all += ["budgets:DescribeBudgetActionsForAccount", "ce:ListCostAllocationTags", "sns:ListTopics"]
    yield from only(COSTS, for_all, [NOTHING], [])
    words = "CreateLogGroup DeleteLogGroup ListTagsForResource ListTagsLogGroup PutRetentionPolicy TagLogGroup"
    ours = [Thing(f"{group}/aws/events/datalab{end}") for end in ("", ":*")]
    others = [Thing(f"{group}{name}") for name in ("/aws/events/other", "/aws/sagemaker/NotebookInstances")]
    yield from only(COSTS, actions("logs", f"{words} TagResource"), ours, others)
    words = "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets RemoveTargets TagResource"
    own = [Thing(f"{rule}datalab-instances")]
    yield from only(COSTS, actions("events", words), own, [Thing(f"{rule}{name}") for name in ("x", "datalab-x")])
    yield COSTS.may_not("ends the record", "events:DisableRule", own[0])
    words = "CreateTopic DeleteTopic GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource SetTopicAttributes"
    words += " TagResource"
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:"
    yield from only(COSTS, actions("sns", words), [Thing(f"{topic}datalab-costs")], [Thing(f"{topic}x")])
    yield COSTS.may_not("publishes", "sns:Publish", Thing(f"{topic}datalab-costs"))
    budget = f"arn:aws:budgets::{ACCOUNT}:budget/"
    others = [Thing(f"{budget}{name}") for name in ("x", "datalab")]
    yield from only(COSTS, actions("budgets", "ModifyBudget TagResource"), [Thing(f"{budget}datalab-research")], others)
    yield from only(COSTS, actions("budgets", "ListTagsForResource ViewBudget"), others, [])
    yield COSTS.may_not("untags a budget", "budgets:UntagResource", Thing(f"{budget}datalab-research"))
    words = "CreateBudgetAction DeleteBudgetAction UpdateBudgetAction"
    own = [Thing(f"{budget}datalab-research/action/x")]
    yield from only(COSTS, actions("budgets", words), own, [Thing(f"{budget}x/action/x")])
    reads = ["budgets:DescribeBudgetActionsForBudget"]
    yield from only(COSTS, reads, [Thing(f"{budget}datalab-research")], others)
    yield COSTS.may_not("executes an action", "budgets:ExecuteBudgetAction", own[0])
    yield from _of_what_denies()
    yield COSTS.may("activates tags in billing", "ce:UpdateCostAllocationTagsStatus", NOTHING)
    yield COSTS.may_not("reads what others have spent", "ce:GetCostAndUsage", NOTHING)
    yield COSTS.may_not("reads logs", "logs:GetLogEvents", Thing(f"{group}/aws/events/datalab:log-stream:x"))


def _of_what_denies() -> Iterator[Decision]:
    arn, bound = f"{ROLE}datalab/costs/datalab-budgets", f"arn:aws:iam::{ACCOUNT}:policy/datalab/costs/datalab-budgets"
    within = {"iam:PermissionsBoundary": bound}
    wide = {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/datalab/datalab-boundary"}
    others = [Thing(arn), Thing(arn, wide), Thing(f"{ROLE}datalab/costs/x", within), Thing(f"{ROLE}Admin", within)]
    words = "AttachRolePolicy CreateRole PutRolePermissionsBoundary UpdateAssumeRolePolicy"
    yield from only(COSTS, actions("iam", words), [Thing(arn, within)], others)
    yield COSTS.may_not("takes the boundary away", "iam:DeleteRolePermissionsBoundary", Thing(arn, within))
    to_budgets = {"iam:PassedToService": "budgets.amazonaws.com"}
    strangers = [Thing(arn, {"iam:PassedToService": "ec2.amazonaws.com"}), Thing(arn)]
    strangers += [Thing(f"{ROLE}{name}", to_budgets) for name in ("Admin", "datalab/datalab-research")]
    yield from only(COSTS, ["iam:PassRole"], [Thing(arn, to_budgets)], strangers)


def _of_the_report() -> Iterator[Decision]:
    reads = ["cloudtrail:LookupEvents", "logs:DescribeLogGroups", "pricing:GetProducts", "tag:GetResources"]
    reads += ["ce:GetCostAndUsage", "ce:ListCostAllocationTags", "sagemaker:ListNotebookInstances"]
    yield from only(REPORT, reads, [NOTHING], [])
    looks = ["sagemaker:DescribeNotebookInstance", "sagemaker:ListTags"]
    yield from only(REPORT, looks, [notebook("datalab-alice"), notebook("experiment")], [notebook("other")])
    trail = Thing(f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/x")
    yield REPORT.may_not("ends a record of calls", "cloudtrail:StopLogging", trail)
    for action in ("pricing:DescribeServices", "tag:TagResources"):
        yield REPORT.may_not("does what it does not need", action, NOTHING)
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/"
    ours = [Thing(f"{group}{name}:log-stream:x") for name in ("events/datalab", "sagemaker/NotebookInstances")]
    yield from only(REPORT, ["logs:FilterLogEvents"], ours, [Thing(f"{group}lambda/x:log-stream:x")])
    bucket = f"datalab-results-{ACCOUNT}-{REGION}"
    uploads = actions("s3", "GetObject GetObjectTagging PutObject")
    yield from only(
        REPORT, uploads, [s3(f"{bucket}/costs/2026-11.html")], [s3(f"{bucket}/research/x"), s3("x/costs/y")]
    )
    yield REPORT.may_not("deletes events", "logs:DeleteLogStream", ours[0])
    yield REPORT.may_not("deletes a report", "s3:DeleteObject", s3(f"{bucket}/costs/2026-11.html"))
    finds = actions("s3", "GetBucketOwnershipControls ListBucket")
    yield from only(REPORT, finds, [s3(bucket)], [s3("acme-data")])
    for action in ("sagemaker:StopNotebookInstance", "sagemaker:AddTags"):
        yield REPORT.may_not("changes an instance", action, notebook("datalab-alice"))
    yield REPORT.may_not("changes what is counted", "ce:UpdateCostAllocationTagsStatus", NOTHING)


def _of_yours() -> Iterator[Decision]:
    """Yield the decisions about resources that an inventory has already: they are used, and not changed."""
    network, storage, access = (who(part, platform="yours") for part in ("network", "storage", "access"))
    places = [ec2("vpc", name="vpc-0a"), *(ec2("subnet", name=f"subnet-0{letter}") for letter in "ab")]
    yield from only(network, ["ec2:CreateVpcEndpoint"], [*places, ec2("route-table")], [ec2("vpc"), ec2("subnet")])
    yield from only(network, ["ec2:CreateSecurityGroup"], places[:1], [ec2("vpc")])
    yield network.may_not("deletes the VPC", "ec2:DeleteVpc", places[0])
    given = Thing(f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-0a", MARKING)
    others = [
        efs("file-system", {**MARKING, **MARKED}),
        *(Thing(given.arn, tagged("Request", **t)) for t in NOT_MARKED),
    ]
    yield from only(storage, ["elasticfilesystem:CreateAccessPoint"], [given], others)
    yield storage.may_not("deletes the file system", "elasticfilesystem:DeleteFileSystem", given)
    words = (
        "CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion"
        " ListEntitiesForPolicy ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion TagPolicy"
    )
    yield from only(access, actions("iam", words), [Thing(f"{POLICY}yours/x")], [Thing(f"{POLICY}x")])
    yield access.may_not("untags it", "iam:UntagPolicy", Thing(f"{POLICY}yours/x"))
    for word in ("CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion"):
        yield access.must_not("changes the boundary", f"iam:{word}", Thing(f"{POLICY}yours/given"))
    yield access.may("reads the boundary", "iam:GetPolicy", Thing(f"{POLICY}yours/given"))


def _of_all() -> Iterator[Decision]:
    """Yield decisions on all parts together: no more than each alone, no way to more rights, no resources of others."""
    role, user = f"{ROLE}datalab/datalab-x", Thing(f"arn:aws:iam::{ACCOUNT}:user/ci")
    admin = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
    yield ALL.may_not("creates a role without the boundary", "iam:CreateRole", Thing(role))
    yield ALL.may_not("creates a role on another path", "iam:CreateRole", Thing(f"{ROLE}x", BOUNDARY))
    yield ALL.may_not("takes the boundary away", "iam:DeleteRolePermissionsBoundary", Thing(role, BOUNDARY))
    yield ALL.may_not("makes a role an administrator", "iam:AttachRolePolicy", Thing(role, {**BOUNDARY, **admin}))
    yield ALL.may_not("makes itself an administrator", "iam:AttachUserPolicy", Thing(user.arn, admin))
    yield ALL.may_not("gives itself rights", "iam:PutUserPolicy", user)
    yield ALL.may_not("changes its own policy", "iam:CreatePolicyVersion", Thing(f"{POLICY}operator-datalab-access"))
    yield ALL.may_not("makes a key", "iam:CreateAccessKey", user)
    yield ALL.may_not("takes a role on", "sts:AssumeRole", Thing(role))
    passed = {"iam:PassedToService": "lambda.amazonaws.com"}
    yield ALL.may_not("passes a role to Lambda", "iam:PassRole", Thing(role, passed))
    yield ALL.may_not("deletes a VPC of others", "ec2:DeleteVpc", ec2("vpc"))
    yield ALL.may_not("makes a VPC of others the platform's", "ec2:CreateTags", ec2("vpc", NEW))
    yield ALL.may_not("deletes a file system of others", "elasticfilesystem:DeleteFileSystem", efs("file-system"))
    yield ALL.may_not("deletes data", "s3:DeleteObject", s3("acme-data/x"))
    yield ALL.may_not("reads data", "s3:GetObject", s3("acme-data/x"))
