# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tags, by SageMaker's own operations and by GetResources."""

from __future__ import annotations

import pytest

INSTANCES = ["sagemaker:notebook-instance"]


def as_dict(tags):
    assert len({tag["Key"] for tag in tags}) == len(tags)
    return {tag["Key"]: tag["Value"] for tag in tags}


def as_list(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@pytest.fixture(params=["instance", "config", "repository"])
def resource(request, sagemaker, create):
    """Create a resource with two tags, of each kind that has tags; return its ARN."""
    tags = as_list({"owner": "alice", "team": "a"})
    if request.param == "instance":
        return create(Tags=tags)
    if request.param == "config":
        name = {"NotebookInstanceLifecycleConfigName": "config"}
        created = sagemaker.create_notebook_instance_lifecycle_config(**name, Tags=tags)
        return created["NotebookInstanceLifecycleConfigArn"]
    git = {"RepositoryUrl": "https://git.example.org/x"}
    return sagemaker.create_code_repository(CodeRepositoryName="x", GitConfig=git, Tags=tags)["CodeRepositoryArn"]


def test_tags_are_added_overwritten_and_removed(resource, sagemaker):
    def tags():
        return as_dict(sagemaker.list_tags(ResourceArn=resource)["Tags"])

    assert tags() == {"owner": "alice", "team": "a"}
    answer = sagemaker.add_tags(ResourceArn=resource, Tags=as_list({"team": "b", "idle": "3600"}))
    assert tags() == as_dict(answer["Tags"]) == {"owner": "alice", "team": "b", "idle": "3600"}
    sagemaker.delete_tags(ResourceArn=resource, TagKeys=["idle", "never there"])
    assert tags() == {"owner": "alice", "team": "b"}


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({f"k{n}": "" for n in range(49)}, "50 tags"),
        ({"aws:team": "x"}, "aws: prefixed"),
        ({"k" * 129: ""}, "at 'tags.1.member.key' failed to satisfy constraint: Member must have length less"),
        ({"k": "v" * 257}, "at 'tags.1.member.value' failed to satisfy constraint: Member must have length less"),
        ({"k": "a;b"}, "at 'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression"),
    ],
)
def test_the_limits_of_tags(resource, sagemaker, refused, tags, reason):
    code, message = refused(sagemaker.add_tags, ResourceArn=resource, Tags=as_list(tags))
    assert (code, reason in message) == ("ValidationException", True)
    assert as_dict(sagemaker.list_tags(ResourceArn=resource)["Tags"]) == {"owner": "alice", "team": "a"}


def test_fifty_tags_in_many_scripts_are_accepted(resource, sagemaker):
    tags = {f"Größe_{n} 한": "+ - = . _ : / @" for n in range(48)}
    sagemaker.add_tags(ResourceArn=resource, Tags=as_list(tags))
    assert len(sagemaker.list_tags(ResourceArn=resource)["Tags"]) == 50


@pytest.mark.parametrize("kind", ["notebook-instance", "notebook-instance-lifecycle-config", "code-repository"])
@pytest.mark.parametrize("operation", ["add_tags", "list_tags", "delete_tags"])
def test_tags_of_what_is_not_there(sagemaker, refused, kind, operation):
    more = {"add_tags": {"Tags": as_list({"k": "v"})}, "list_tags": {}, "delete_tags": {"TagKeys": ["k"]}}[operation]
    arn = f"arn:aws:sagemaker:eu-central-1:123456789012:{kind}/none"
    code, message = refused(getattr(sagemaker, operation), ResourceArn=arn, **more)
    assert code == "ValidationException"
    assert any(words in message for words in ("RecordNotFound", "does not exist", "Cannot find CodeRepository"))


@pytest.mark.parametrize("operation", ["add_tags", "list_tags", "delete_tags"])
@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sagemaker:eu-central-1:123456789012:no-such-kind/alice",
        "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance",
        "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/none",
        "arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/alice",
        "arn:aws:sagemaker:eu-central-1:210987654321:notebook-instance/alice",
    ],
)
def test_tags_of_what_this_account_does_not_have_here(create, sagemaker, refused, operation, arn):
    create("alice")
    more = {"add_tags": {"Tags": as_list({"k": "v"})}, "list_tags": {}, "delete_tags": {"TagKeys": ["k"]}}[operation]
    said = refused(getattr(sagemaker, operation), ResourceArn=arn, **more)
    assert said == ("ValidationException", "RecordNotFound")


def test_tags_have_no_second_page(resource, sagemaker, refused):
    assert "NextToken" not in sagemaker.list_tags(ResourceArn=resource, MaxResults=50)
    code, message = refused(sagemaker.list_tags, ResourceArn=resource, NextToken="x")
    assert (code, "NextToken" in message) == ("ValidationException", True)


def resources(tagging, **query):
    found = tagging.get_resources(**query)["ResourceTagMappingList"]
    return {entry["ResourceARN"].rsplit("/")[-1]: as_dict(entry["Tags"]) for entry in found}


@pytest.mark.parametrize("types", [INSTANCES, ["sagemaker"]])
def test_get_resources_finds_tagged_instances(create, tagging, sagemaker, types):
    create("alice", Tags=as_list({"team": "a", "owner": "alice"}))
    create("bob", Tags=as_list({"team": "b", "owner": "bob"}))
    create("untagged")

    def found(**query):
        return resources(tagging, ResourceTypeFilters=types, **query)

    assert found() == {"alice": {"team": "a", "owner": "alice"}, "bob": {"team": "b", "owner": "bob"}}
    assert set(found(TagFilters=[{"Key": "team", "Values": ["b", "c"]}])) == {"bob"}
    assert set(found(TagFilters=[{"Key": "team"}])) == {"alice", "bob"}
    assert set(found(TagFilters=[{"Key": "team"}, {"Key": "owner", "Values": ["alice"]}])) == {"alice"}
    assert found(TagFilters=[{"Key": "nothing"}]) == {}
    sagemaker.stop_notebook_instance(NotebookInstanceName="bob")
    sagemaker.delete_notebook_instance(NotebookInstanceName="bob")
    assert set(found()) == {"alice"}


def test_get_resources_knows_the_types_apart(resource, tagging):
    kind = resource.split(":")[-1].split("/")[0]
    assert len(resources(tagging, ResourceTypeFilters=["sagemaker"])) == 1
    assert len(resources(tagging, ResourceTypeFilters=[f"sagemaker:{kind}"])) == 1
    assert len(resources(tagging)) == 1
    assert resources(tagging, ResourceTypeFilters=["sagemaker:model"]) == {}


def test_get_resources_has_pages_of_resources_not_of_tags(create, tagging, refused):
    tags = as_list({f"k{n}": "" for n in range(20)})
    for n in range(13):
        create(f"n{n:02}", Tags=tags)
    query = {"ResourceTypeFilters": INSTANCES}
    whole = tagging.get_resources(**query, ResourcesPerPage=100)
    assert (len(whole["ResourceTagMappingList"]), whole["PaginationToken"]) == (13, "")
    first = tagging.get_resources(**query, ResourcesPerPage=7)
    for _ in range(2):  # a client may repeat a request with the same token
        second = tagging.get_resources(**query, ResourcesPerPage=7, PaginationToken=first["PaginationToken"])
        assert first["ResourceTagMappingList"] + second["ResourceTagMappingList"] == whole["ResourceTagMappingList"]
    pages = tagging.get_paginator("get_resources").paginate(**query, ResourcesPerPage=5)
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [5, 5, 3]
    assert len(tagging.get_resources(**query, TagsPerPage=100)["ResourceTagMappingList"]) < 13
    assert refused(tagging.get_resources, ResourcesPerPage=101)[0] == "InvalidParameterException"
    assert refused(tagging.get_resources, PaginationToken="none")[0] == "PaginationTokenExpiredException"
