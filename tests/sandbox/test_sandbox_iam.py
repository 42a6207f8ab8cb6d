# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM: GetAccountAuthorizationDetails, by which the platform's rights are read."""

from __future__ import annotations

import json

import pytest

DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a+b"}],
}
TEXT = json.dumps(DOCUMENT)


@pytest.fixture
def iam(sandbox, client_for):
    return client_for("iam", sandbox.endpoint)


@pytest.fixture
def policy(iam):
    arn = iam.create_policy(PolicyName="x-policy", Path="/x/", PolicyDocument=TEXT, Description="why")["Policy"]["Arn"]
    iam.create_role(RoleName="x-role", Path="/x/", AssumeRolePolicyDocument=TEXT, PermissionsBoundary=arn)
    iam.attach_role_policy(RoleName="x-role", PolicyArn=arn)
    iam.create_group(GroupName="x-group", Path="/x/")
    iam.create_user(UserName="alice")
    iam.add_user_to_group(GroupName="x-group", UserName="alice")
    return arn


def test_a_policy_has_a_name_and_is_counted_where_it_is_used(iam, policy):
    (found,) = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])["Policies"]
    assert (found["PolicyName"], found["Arn"], found["Path"]) == ("x-policy", policy, "/x/")
    assert found["PolicyId"] == iam.get_policy(PolicyArn=policy)["Policy"]["PolicyId"]
    assert (found["AttachmentCount"], found["PermissionsBoundaryUsageCount"]) == (1, 1)
    (version,) = found["PolicyVersionList"]
    assert (version["Document"], version["IsDefaultVersion"]) == (DOCUMENT, True)
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=TEXT)
    (found,) = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])["Policies"]
    assert len(found["PolicyVersionList"]) == 2


def test_a_role_has_its_boundary_and_no_description(iam, policy):
    (role,) = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == policy
    assert role["AttachedManagedPolicies"] == [{"PolicyName": "x-policy", "PolicyArn": policy}]
    assert role["AssumeRolePolicyDocument"] == DOCUMENT
    assert "Description" not in role


@pytest.mark.usefixtures("policy")
def test_all_lists_together_come_in_pages(iam):
    kinds = ["Role", "Group", "User", "LocalManagedPolicy"]
    everything = iam.get_account_authorization_details(Filter=kinds)
    assert everything["IsTruncated"] is False
    pages = list(
        iam.get_paginator("get_account_authorization_details").paginate(Filter=kinds, PaginationConfig={"PageSize": 1})
    )
    assert [page["IsTruncated"] for page in pages] == [True, True, True, False]
    for name in ("RoleDetailList", "GroupDetailList", "UserDetailList", "Policies"):
        assert [item["Arn"] for page in pages for item in page[name]] == [item["Arn"] for item in everything[name]]
        assert len(everything[name]) == 1
