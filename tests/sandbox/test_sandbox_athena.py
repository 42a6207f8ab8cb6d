# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Workgroups of Athena, their tags, and the queries that run in them."""

from __future__ import annotations

import pytest

ARN = "arn:aws:athena:eu-central-1:123456789012:workgroup/research"
PLACE = "s3://results/research/"
MISSING = ("InvalidRequestException", "WorkGroup none is not found.")


@pytest.fixture
def athena(sandbox, client_for):
    return client_for("athena", sandbox.endpoint)


@pytest.fixture
def create(athena):
    """Create a workgroup."""

    def make(name="research", **fields):
        athena.create_work_group(Name=name, **fields)

    return make


@pytest.fixture
def get(athena):
    return lambda name="research": athena.get_work_group(WorkGroup=name)["WorkGroup"]


@pytest.fixture
def configuration(get):
    return lambda name="research": get(name)["Configuration"]


def test_a_new_workgroup_is_enabled_and_enforces_its_settings(create, get):
    create(Description="Queries", Configuration={"ResultConfiguration": {"OutputLocation": PLACE}})
    group = get()
    assert (group["Name"], group["State"], group["Description"]) == ("research", "ENABLED", "Queries")
    assert group["Configuration"]["ResultConfiguration"] == {"OutputLocation": PLACE}
    assert group["Configuration"]["EnforceWorkGroupConfiguration"]
    assert get()["CreationTime"] == group["CreationTime"]


def test_an_update_leaves_alone_what_it_does_not_name(create, get, athena):
    create(Configuration={"ResultConfiguration": {"OutputLocation": PLACE}, "BytesScannedCutoffPerQuery": 10**7})
    before = get()
    updates = {
        "RequesterPaysEnabled": True,
        "ResultConfigurationUpdates": {"EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}},
    }
    athena.update_work_group(WorkGroup="research", ConfigurationUpdates=updates)
    results = {"OutputLocation": PLACE, "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}
    changed = {"RequesterPaysEnabled": True, "ResultConfiguration": results}
    assert get() == before | {"Configuration": before["Configuration"] | changed}
    athena.update_work_group(WorkGroup="research", State="DISABLED", Description="Nobody's")
    assert get() == before | {
        "Configuration": before["Configuration"] | changed,
        "State": "DISABLED",
        "Description": "Nobody's",
    }


def test_flags_remove_settings(create, configuration, athena):
    results = {
        "OutputLocation": PLACE,
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
        "ExpectedBucketOwner": "123456789012",
    }
    create(Configuration={"ResultConfiguration": results, "BytesScannedCutoffPerQuery": 10**7})

    def update(**updates):
        athena.update_work_group(WorkGroup="research", ConfigurationUpdates=updates)

    update(RemoveBytesScannedCutoffPerQuery=False)
    assert configuration()["BytesScannedCutoffPerQuery"] == 10**7
    update(
        RemoveBytesScannedCutoffPerQuery=True,
        ResultConfigurationUpdates={f"Remove{key}": True for key in results if key != "OutputLocation"},
    )
    assert "BytesScannedCutoffPerQuery" not in configuration()
    assert configuration()["ResultConfiguration"] == {"OutputLocation": PLACE}


@pytest.mark.parametrize(
    ("selected", "effective"),
    [("AUTO", "Athena engine version 3"), ("Athena engine version 2", "Athena engine version 2")],
)
def test_the_engine_version_is_chosen(create, configuration, athena, selected, effective):
    engine = {"SelectedEngineVersion": selected}
    expected = {**engine, "EffectiveEngineVersion": effective}
    create("a", Configuration={"EngineVersion": engine})
    assert configuration("a")["EngineVersion"] == expected
    create("b")
    athena.update_work_group(WorkGroup="b", ConfigurationUpdates={"EngineVersion": engine})
    assert configuration("b")["EngineVersion"] == expected


def test_an_engine_version_that_there_is_not(create, configuration, athena, refused):
    engine = {"EngineVersion": {"SelectedEngineVersion": "Athena engine version 9"}}
    said = ("InvalidRequestException", "Engine version Athena engine version 9 is not supported.")
    assert refused(create, name="a", Configuration=engine) == said
    create("b")
    before = configuration("b")
    assert refused(athena.update_work_group, WorkGroup="b", ConfigurationUpdates=engine) == said
    assert configuration("b") == before


@pytest.mark.parametrize(
    ("operation", "fields", "place"),
    [
        ("create_work_group", {"Name": "a b"}, "name"),
        ("create_work_group", {"Name": "a", "Description": "x" * 1025}, "description"),
        (
            "create_work_group",
            {"Name": "a", "Configuration": {"BytesScannedCutoffPerQuery": 9999999}},
            "configuration.bytesScannedCutoffPerQuery",
        ),
        ("update_work_group", {"WorkGroup": "primary", "State": "PAUSED"}, "state"),
        ("list_work_groups", {"MaxResults": 51}, "maxResults"),
        ("start_query_execution", {"QueryString": ""}, "queryString"),
        ("tag_resource", {"ResourceARN": "x", "Tags": [{"Key": ""}]}, "tags.1.member.key"),
        ("get_work_group", {}, "workGroup"),
    ],
)
def test_the_service_models_constraints_are_checked(athena, refused, operation, fields, place):
    code, message = refused(getattr(athena, operation), **fields)
    assert (code, f" at '{place}' failed to satisfy constraint: " in message) == ("InvalidRequestException", True)


def test_workgroups_are_listed_in_pages(create, athena):
    for n in range(3):
        create(f"n{n}")
    names, page = [], {"MaxResults": 3}
    while page:
        answer = athena.list_work_groups(**page)
        names.append([group["Name"] for group in answer["WorkGroups"]])
        page = {"MaxResults": 3, "NextToken": answer["NextToken"]} if "NextToken" in answer else {}
    assert names == [["n0", "n1", "n2"], ["primary"]]


@pytest.mark.parametrize("operation", ["get_work_group", "update_work_group", "delete_work_group"])
def test_a_missing_workgroup(athena, refused, operation):
    assert refused(getattr(athena, operation), WorkGroup="none") == MISSING


def test_names_that_are_taken(create, athena, refused):
    create()
    assert refused(athena.create_work_group, Name="research")[0] == "InvalidRequestException"
    assert refused(athena.create_work_group, Name="primary") == (
        "InvalidRequestException",
        "primary workGroup could not be created",
    )


class TestDeletion:
    def test_primary_stays(self, athena, refused):
        code, _ = refused(athena.delete_work_group, WorkGroup="primary", RecursiveDeleteOption=True)
        assert code == "InvalidRequestException"

    @pytest.mark.parametrize("contents", ["query", "named query"])
    def test_contents_go_only_by_request(self, create, athena, refused, contents):
        create()
        query = {"QueryString": "SELECT 1", "WorkGroup": "research"}
        if contents == "query":
            athena.start_query_execution(**query, ResultConfiguration={"OutputLocation": PLACE})
        else:
            athena.create_named_query(**query, Name="one", Database="default")
        empty = ("InvalidRequestException", "WorkGroup research is not empty")
        assert refused(athena.delete_work_group, WorkGroup="research") == empty
        assert refused(athena.delete_work_group, WorkGroup="research", RecursiveDeleteOption=False) == empty
        athena.delete_work_group(WorkGroup="research", RecursiveDeleteOption=True)
        create()
        athena.delete_work_group(WorkGroup="research")

    def test_tags_go_too(self, create, athena):
        create(Tags=[{"Key": "team", "Value": "research"}])
        athena.delete_work_group(WorkGroup="research")
        create()
        assert athena.list_tags_for_resource(ResourceARN=ARN)["Tags"] == []


class TestQueries:
    """Tests of where results go, and of which workgroups run queries at all."""

    OWN, GIVEN = "s3://results/own/", "s3://results/given/"

    @pytest.fixture
    def location(self, athena):
        """Run a query and return where its results go."""

        def run(**fields):
            query = athena.start_query_execution(QueryString="SELECT 1", **fields)["QueryExecutionId"]
            execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            assert execution["WorkGroup"] == fields.get("WorkGroup", "primary")
            return execution["ResultConfiguration"]["OutputLocation"].removesuffix(f"{query}.csv")

        return run

    @pytest.mark.parametrize(
        ("enforced", "own", "given", "expected"),
        [
            (True, True, True, OWN),
            (True, True, False, OWN),
            (True, False, True, GIVEN),
            (False, True, True, GIVEN),
            (False, True, False, OWN),
        ],
    )
    def test_the_workgroup_may_decide(self, create, location, enforced, own, given, expected):
        results = {"ResultConfiguration": {"OutputLocation": self.OWN}} if own else {}
        create(Configuration={"EnforceWorkGroupConfiguration": enforced, **results})
        wish = {"ResultConfiguration": {"OutputLocation": self.GIVEN}} if given else {}
        for _ in range(2):  # a query leaves the workgroup as it was
            assert location(WorkGroup="research", **wish) == expected

    def test_without_a_workgroup_it_is_primary(self, location):
        assert location(ResultConfiguration={"OutputLocation": self.GIVEN}) == self.GIVEN

    def test_results_have_to_go_somewhere(self, athena, refused):
        code, message = refused(athena.start_query_execution, QueryString="SELECT 1")
        assert (code, message[:27]) == ("InvalidRequestException", "No output location provided")

    def test_some_workgroups_run_no_queries(self, create, athena, refused):
        create(Configuration={"ResultConfiguration": {"OutputLocation": self.OWN}})
        athena.update_work_group(WorkGroup="research", State="DISABLED")
        query = {"QueryString": "SELECT 1"}
        disabled = ("InvalidRequestException", "WorkGroup research is disabled.")
        assert refused(athena.start_query_execution, **query, WorkGroup="research") == disabled
        assert refused(athena.start_query_execution, **query, WorkGroup="none") == MISSING


def test_tags_are_added_overwritten_and_removed(create, athena, tagging):
    def tags():
        return {tag["Key"]: tag["Value"] for tag in athena.list_tags_for_resource(ResourceARN=ARN)["Tags"]}

    create()
    assert tags() == {}
    athena.tag_resource(ResourceARN=ARN, Tags=[{"Key": "team", "Value": "a"}, {"Key": "owner", "Value": "alice"}])
    athena.tag_resource(ResourceARN=ARN, Tags=[{"Key": "team", "Value": "b"}])
    assert tags() == {"team": "b", "owner": "alice"}
    athena.untag_resource(ResourceARN=ARN, TagKeys=["owner", "never there"])
    assert tags() == {"team": "b"}
    found = tagging.get_resources(ResourceTypeFilters=["athena:workgroup"], TagFilters=[{"Key": "team"}])
    assert [entry["ResourceARN"] for entry in found["ResourceTagMappingList"]] == [ARN]


@pytest.mark.parametrize(
    ("operation", "more"),
    [("list_tags_for_resource", {}), ("tag_resource", {"Tags": []}), ("untag_resource", {"TagKeys": ["k"]})],
)
def test_tags_of_what_is_not_there(athena, refused, operation, more):
    code, _ = refused(getattr(athena, operation), ResourceARN=ARN, **more)
    assert code == "ResourceNotFoundException"


def test_a_workgroup_is_found_by_whoever_asks_first(tagging, create, get):
    tagging.get_resources()  # this call creates moto's backend
    create()
    assert get()["State"] == "ENABLED"
