# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The List operations: filters, order, pages."""

from __future__ import annotations

import time

import pytest


def names(response):
    (entries,) = (value for value in response.values() if isinstance(value, list))
    return [next(value for key, value in entry.items() if key.endswith("Name")) for entry in entries]


def next_millisecond():
    """Wait for it: the sandbox sorts times by milliseconds, and equal ones by name."""
    now = time.time_ns() // 10**6
    while time.time_ns() // 10**6 == now:
        pass


@pytest.fixture
def three(create, sagemaker):
    """Create the instances of bob, alice and carol in this order; stop bob's, and let carol's fail."""
    for config in ("team-a", "team-b"):
        sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=config)
    create("bob", LifecycleConfigName="team-a", DefaultCodeRepository="https://git.example.org/one")
    next_millisecond()
    create("alice", LifecycleConfigName="team-b", AdditionalCodeRepositories=["https://git.example.org/two"])
    next_millisecond()
    create("carol", Tags=[{"Key": "sandbox:fail", "Value": ""}])
    sagemaker.stop_notebook_instance(NotebookInstanceName="bob")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["alice", "bob", "carol"]),
        ({"NameContains": "o"}, ["bob", "carol"]),
        ({"NameContains": "A"}, []),
        ({"StatusEquals": "Stopped"}, ["bob"]),
        ({"StatusEquals": "Failed"}, ["carol"]),
        ({"StatusEquals": "Updating"}, []),
        ({"NotebookInstanceLifecycleConfigNameContains": "team"}, ["alice", "bob"]),
        ({"NotebookInstanceLifecycleConfigNameContains": "team-b"}, ["alice"]),
        ({"DefaultCodeRepositoryContains": "one"}, ["bob"]),
        ({"AdditionalCodeRepositoryEquals": "https://git.example.org/two"}, ["alice"]),
        ({"AdditionalCodeRepositoryEquals": "https://git.example.org/tw"}, []),
        ({"SortOrder": "Descending"}, ["carol", "bob", "alice"]),
        ({"SortBy": "CreationTime"}, ["bob", "alice", "carol"]),
        ({"SortBy": "CreationTime", "SortOrder": "Descending"}, ["carol", "alice", "bob"]),
        ({"SortBy": "Status"}, ["carol", "alice", "bob"]),
        ({"NameContains": "o", "StatusEquals": "Stopped"}, ["bob"]),
    ],
)
def test_filters_and_order_of_instances(sagemaker, filters, expected):
    response = sagemaker.list_notebook_instances(**filters)
    assert names(response) == expected
    assert "NextToken" not in response


def test_time_filters(create, sagemaker):
    # botocore sends whole seconds, so the two instances have to be created in different seconds
    create("old")
    old = sagemaker.describe_notebook_instance(NotebookInstanceName="old")["CreationTime"]
    boundary = int(old.timestamp()) + 1
    while time.time() <= boundary:
        time.sleep(boundary - time.time() + 0.01)
    create("new")

    def listed(**filters):
        return names(sagemaker.list_notebook_instances(**filters))

    assert listed(CreationTimeBefore=boundary) == ["old"]
    assert listed(CreationTimeAfter=boundary) == ["new"]
    assert listed(LastModifiedTimeBefore=boundary) == ["old"]
    assert listed(LastModifiedTimeAfter=boundary) == ["new"]
    sagemaker.stop_notebook_instance(NotebookInstanceName="old")
    assert listed(LastModifiedTimeAfter=boundary) == ["new", "old"]
    assert listed(CreationTimeAfter=boundary, LastModifiedTimeAfter=boundary) == ["new"]

    sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="config")
    for field in ("CreationTime", "LastModifiedTime"):
        for list_operation in (sagemaker.list_notebook_instance_lifecycle_configs, sagemaker.list_notebook_instances):
            assert names(list_operation(**{f"{field}After": boundary + 3600})) == []
            assert names(list_operation(**{f"{field}Before": boundary - 3600})) == []


def test_a_summary_has_the_fields_of_the_api_only(sagemaker, create):
    sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="config")
    repositories = ["https://git.example.org/two"]
    create(LifecycleConfigName="config", DefaultCodeRepository=repositories[0], AdditionalCodeRepositories=repositories)
    create("bob")
    alice, bob = sagemaker.list_notebook_instances()["NotebookInstances"]
    shape = sagemaker.meta.service_model.shape_for("NotebookInstanceSummary")
    assert set(alice) == set(shape.members)
    optional = {"NotebookInstanceLifecycleConfigName", "DefaultCodeRepository", "AdditionalCodeRepositories"}
    assert set(bob) == set(shape.members) - optional
    described = sagemaker.describe_notebook_instance(NotebookInstanceName="alice")
    assert alice == {key: described[key] for key in alice}


def test_a_page_has_a_hundred_instances(sagemaker, create):
    for n in range(101):
        create(f"n{n:03}")
    first = sagemaker.list_notebook_instances()
    assert len(first["NotebookInstances"]) == 100
    second = sagemaker.list_notebook_instances(NextToken=first["NextToken"])
    assert names(second) == ["n100"]
    assert "NextToken" not in second


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
def test_pages_join_to_the_whole(sagemaker, create, order, sort_by):
    for n in range(7):
        create(f"n{(n * 3) % 7}")
    query = {"SortBy": sort_by, "SortOrder": order}
    pages = list(sagemaker.get_paginator("list_notebook_instances").paginate(**query, PaginationConfig={"PageSize": 3}))
    assert [len(page["NotebookInstances"]) for page in pages] == [3, 3, 1]
    assert [name for page in pages for name in names(page)] == names(sagemaker.list_notebook_instances(**query))


def test_a_deletion_between_two_pages_costs_no_other_instance(sagemaker, create):
    for n in range(5):
        create(f"n{n}")
    first = sagemaker.list_notebook_instances(MaxResults=2)
    sagemaker.stop_notebook_instance(NotebookInstanceName="n1")
    sagemaker.delete_notebook_instance(NotebookInstanceName="n1")
    assert names(sagemaker.list_notebook_instances(MaxResults=3, NextToken=first["NextToken"])) == ["n2", "n3", "n4"]


def test_a_token_belongs_to_its_filters(sagemaker, create, refused):
    for n in range(3):
        create(f"n{n}")
    token = sagemaker.list_notebook_instances(MaxResults=1, NameContains="n")["NextToken"]
    for query in ({"NextToken": token, "NameContains": "n1"}, {"NextToken": "nonsense"}, {"NextToken": "bm9uZQ=="}):
        code, message = refused(sagemaker.list_notebook_instances, **query)
        assert (code, "NextToken" in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"MaxResults": 101}, "maxResults"),
        ({"MaxResults": 0}, "maxResults"),
        ({"SortBy": "LastModifiedTime"}, "sortBy"),
        ({"StatusEquals": "Gone"}, "statusEquals"),
        ({"NameContains": "a b"}, "nameContains"),
    ],
)
def test_a_query_that_the_api_does_not_have(sagemaker, refused, query, place):
    code, message = refused(sagemaker.list_notebook_instances, **query)
    assert (code, f"at '{place}'" in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    ("operation", "name_field", "fields"),
    [
        ("notebook_instance_lifecycle_config", "NotebookInstanceLifecycleConfigName", {}),
        ("code_repository", "CodeRepositoryName", {"GitConfig": {"RepositoryUrl": "https://git.example.org/x"}}),
    ],
)
def test_the_other_lists(sagemaker, operation, name_field, fields):
    for name in ("b1", "a1", "a2"):
        getattr(sagemaker, f"create_{operation}")(**{name_field: name}, **fields)
        next_millisecond()
    list_operation = f"list_{operation}s".replace("ys", "ies")

    def listed(**query):
        return names(getattr(sagemaker, list_operation)(**query))

    assert listed(SortBy="Name") == ["a1", "a2", "b1"]
    assert listed(SortBy="CreationTime") == ["b1", "a1", "a2"]
    assert listed(SortBy="LastModifiedTime", SortOrder="Descending") == ["a2", "a1", "b1"]
    assert listed(NameContains="a", SortBy="Name") == ["a1", "a2"]
    assert listed() == (["b1", "a1", "a2"] if operation.startswith("notebook") else ["a1", "a2", "b1"])
    first = getattr(sagemaker, list_operation)(MaxResults=2)
    assert names(first) + listed(NextToken=first["NextToken"]) == listed()
    (entry, *_), _ = (value for key, value in first.items() if key != "NextToken")
    assert {name_field, name_field[:-4] + "Arn", "CreationTime", "LastModifiedTime"} <= set(entry)
