# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Conversion of options to Desired and of answers to Current, and back to requests and results."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from botocore.model import ServiceModel

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import instance_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import (
    FIELDS,
    RESTART_TAG,
    VERIFIED_TAG,
    Desired,
    current_from_answer,
    desired_from_options,
    predict,
    request_params,
    to_result,
    verified_current,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import plan
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import (
    MODIFIED,
    NAME,
    ROLE,
    answer,
    arn_of,
    described,
    summary,
    want,
)

OPTIONS = {
    "instance_type": "ml.t3.medium",
    "role_arn": ROLE,
    "volume_size_in_gb": 50,
    "lifecycle_config_name": "datalab",
    "default_code_repository": "a",
    "additional_code_repositories": ["b"],
    "root_access": False,
    "platform_identifier": "notebook-al2023-v1",
    "ip_address_type": "ipv4",
    "minimum_instance_metadata_service_version": "2",
    "subnet_id": "subnet-1",
    "security_group_ids": ["sg-1"],
    "kms_key_id": "12-34",
    "direct_internet_access": True,
}
REQUEST: dict[str, Any] = {
    "InstanceType": "ml.t3.medium",
    "RoleArn": ROLE,
    "VolumeSizeInGB": 50,
    "LifecycleConfigName": "datalab",
    "DefaultCodeRepository": "a",
    "AdditionalCodeRepositories": ["b"],
    "RootAccess": "Disabled",
    "PlatformIdentifier": "notebook-al2023-v1",
    "IpAddressType": "ipv4",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
    "SubnetId": "subnet-1",
    "SecurityGroupIds": ["sg-1"],
    "KmsKeyId": "12-34",
    "DirectInternetAccess": "Enabled",
}
RENAMED = {"LifecycleConfigName": "NotebookInstanceLifecycleConfigName", "SecurityGroupIds": "SecurityGroups"}
ANSWER = answer(**{RENAMED.get(key, key): value for key, value in REQUEST.items()})


def options(**given: Any) -> dict[str, Any]:
    """Module parameters, with None and defaults where nothing is given."""
    return dict(ArgumentSpecValidator(instance_arguments()).validate({"name": NAME, **given}).validated_parameters)


# Fields


def test_fields_are_called_as_in_the_api(service_model: ServiceModel) -> None:
    model: Any = service_model

    def members(operation: str, shape: str) -> set[str]:
        return set(getattr(model.operation_model(operation), shape).members)

    update = members("UpdateNotebookInstance", "input_shape")
    listed = set(model.shape_for("NotebookInstanceSummary").members)
    assert {f.request for f in FIELDS} <= members("CreateNotebookInstance", "input_shape")
    assert {f.request for f in FIELDS if f.updatable} == {f.request for f in FIELDS} & update
    assert {f.clear for f in FIELDS if f.clear} == {name for name in update if name.startswith("Disassociate")} - {
        "DisassociateAcceleratorTypes"
    }
    assert {f.described for f in FIELDS} <= members("DescribeNotebookInstance", "output_shape")
    assert {f.described for f in FIELDS if f.listed} == {f.described for f in FIELDS} & listed


# Options


def test_options_that_are_not_given_are_left_out() -> None:
    assert desired_from_options(options()) == Desired(NAME)


def test_empty_options_are_given() -> None:
    fields = desired_from_options(options(lifecycle_config_name="", additional_code_repositories=[])).fields
    assert (fields["lifecycle_config_name"], fields["additional_code_repositories"]) == ("", [])


@pytest.mark.parametrize("option", ["root_access", "direct_internet_access"])
@pytest.mark.parametrize(("given", "expected"), [(True, "Enabled"), (False, "Disabled")])
def test_booleans_in_the_words_of_the_api(option: str, given: bool, expected: str) -> None:
    assert desired_from_options(options(**{option: given})).fields[option] == expected


def test_other_options() -> None:
    given = {"state": "stopped", "purge_tags": False, "keep_tags": ["idle"], "update_policy": "force", "force": True}
    desired = desired_from_options({**options(tags={"idle": 7200, 1: True}, **given), "owner": "alice"})
    assert replace(desired, fields={}) == Desired(
        NAME,
        {},
        "alice",
        state="stopped",
        tags={"idle": "7200", "1": "True"},
        purge_tags=False,
        keep_tags=frozenset({"idle"}),
        update_policy="force",
        force=True,
    )


@pytest.mark.parametrize("tags", [None, {}])
def test_no_tags_are_not_the_same_as_none_given(tags: dict[str, str] | None) -> None:
    assert desired_from_options(options(tags=tags)).tags == tags


def test_messages_speak_of_people_and_variables() -> None:
    assert want().about("role_arn", "is odd") == "alice: notebook_role_arn: is odd"
    assert want().about("lifecycle_config_name", "is odd") == "alice: notebook_lifecycle_config: is odd"
    assert want(owner=None).about("role_arn", "is odd") == f"{NAME}: role_arn: is odd"


# Requests and answers


def test_options_as_a_request() -> None:
    assert request_params(desired_from_options(options(**OPTIONS)).fields) == REQUEST


def test_an_answer_has_the_fields_that_were_requested() -> None:
    assert current_from_answer(ANSWER, {}).fields == desired_from_options(options(**OPTIONS)).fields


def test_an_instance_as_requested_needs_no_change() -> None:
    assert plan(desired_from_options(options(**OPTIONS)), current_from_answer(ANSWER, {})).steps == ()


def test_round_trips_are_complete() -> None:
    assert {f.option for f in FIELDS} == set(OPTIONS)


def test_answer_as_current() -> None:
    tags = {"owner": "alice", VERIFIED_TAG: "abc", RESTART_TAG: "true", "datalab:other": "x"}
    current = current_from_answer(answer(status="Stopped"), tags)
    assert (current.name, current.arn, current.status) == (NAME, arn_of(NAME), "Stopped")
    assert current.last_modified == MODIFIED
    assert current.tags == {"owner": "alice", "datalab:other": "x"}
    assert current.own_tags == {VERIFIED_TAG: "abc", RESTART_TAG: "true"}
    assert current.described == answer(status="Stopped")


def test_summary_as_current() -> None:
    current = current_from_answer(summary(NotebookInstanceLifecycleConfigName="datalab"), {})
    assert current.fields == {"instance_type": "ml.t3.medium", "lifecycle_config_name": "datalab"}
    assert current.described is None


# Instances that an earlier run has verified

HIDDEN = {"role_arn": ROLE, "volume_size_in_gb": 50, "subnet_id": "subnet-1"}
VERIFIED = want(instance_type="ml.t3.medium", **HIDDEN)


def sealed(desired: Desired, **more: Any) -> Any:
    """Return the instance as a list shows it, with the tag of a run that has verified the desired settings."""
    seal = described().seal(desired)
    return current_from_answer(summary(**more), {"owner": "alice", VERIFIED_TAG: seal})


def test_seal() -> None:
    fingerprint, modified = described().seal(VERIFIED).split("@")
    assert fingerprint == VERIFIED.fingerprint
    assert len(fingerprint) == 16
    assert modified == "2026-03-01T08:30:00.000+00:00"


def test_seal_is_the_same_in_every_time_zone() -> None:
    there = datetime(2026, 3, 1, 13, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    assert described(LastModifiedTime=there).seal(VERIFIED).endswith("@2026-03-01T08:30:00.123+00:00")


def test_seal_fits_into_a_tag() -> None:
    assert set(described().seal(VERIFIED)) <= set("0123456789abcdefT:-.+@")


def test_verified_summary_is_completed() -> None:
    current = verified_current(sealed(VERIFIED), VERIFIED)
    assert current is not None
    assert current.fields == {"instance_type": "ml.t3.medium", **HIDDEN}
    assert (current.tags, current.described) == ({"owner": "alice"}, None)


def test_lists_know_better_than_what_is_desired() -> None:
    desired = replace(VERIFIED, fields={**VERIFIED.fields, "instance_type": "ml.m5.xlarge"})
    current = verified_current(sealed(VERIFIED), desired)
    assert current is not None
    assert current.fields["instance_type"] == "ml.t3.medium"


@pytest.mark.parametrize(
    "changed",
    [
        {"volume_size_in_gb": 51},
        {"role_arn": ROLE + "-other"},
        {"subnet_id": "subnet-2"},
        {"root_access": "Disabled"},
        {"kms_key_id": ""},
    ],
    ids=str,
)
def test_another_wish_voids_the_seal(changed: dict[str, Any]) -> None:
    desired = replace(VERIFIED, fields={**VERIFIED.fields, **changed})
    assert verified_current(sealed(VERIFIED), desired) is None


def test_a_wish_less_voids_the_seal() -> None:
    assert verified_current(sealed(VERIFIED), want(role_arn=ROLE)) is None


def test_a_change_of_the_instance_voids_the_seal() -> None:
    later = MODIFIED + timedelta(milliseconds=1)
    assert verified_current(sealed(VERIFIED, LastModifiedTime=later), VERIFIED) is None


def test_no_seal() -> None:
    assert verified_current(current_from_answer(summary(), {}), VERIFIED) is None


def test_fingerprint_does_not_depend_on_the_order() -> None:
    backwards = replace(VERIFIED, fields=dict(reversed(VERIFIED.fields.items())))
    assert backwards.fingerprint == VERIFIED.fingerprint


# Results


def test_result() -> None:
    tags = {"owner": "alice", VERIFIED_TAG: "abc", RESTART_TAG: "true"}
    given = answer(
        InstanceMetadataServiceConfiguration={"MinimumInstanceMetadataServiceVersion": "2"},
        SecurityGroups=["sg-1"],
        ResponseMetadata={"HTTPStatusCode": 200},
    )
    assert to_result(given, tags) == {
        "notebook_instance_name": NAME,
        "notebook_instance_arn": arn_of(NAME),
        "notebook_instance_status": "InService",
        "instance_type": "ml.t3.medium",
        "role_arn": ROLE,
        "volume_size_in_gb": 20,
        "security_groups": ["sg-1"],
        "instance_metadata_service_configuration": {"minimum_instance_metadata_service_version": "2"},
        "last_modified_time": "2026-03-01T08:30:00+00:00",
        "tags": {"owner": "alice"},
    }


def test_no_result() -> None:
    assert to_result(None, {}) is None


def test_predicts_a_creation() -> None:
    desired = desired_from_options(options(**OPTIONS, tags={"Owner Name": "alice"}))
    assert predict(desired, None, plan(desired, None).after) == {
        "notebook_instance_name": NAME,
        "instance_type": "ml.t3.medium",
        "role_arn": ROLE,
        "volume_size_in_gb": 50,
        "notebook_instance_lifecycle_config_name": "datalab",
        "default_code_repository": "a",
        "additional_code_repositories": ["b"],
        "root_access": "Disabled",
        "platform_identifier": "notebook-al2023-v1",
        "ip_address_type": "ipv4",
        "instance_metadata_service_configuration": {"minimum_instance_metadata_service_version": "2"},
        "subnet_id": "subnet-1",
        "security_groups": ["sg-1"],
        "kms_key_id": "12-34",
        "direct_internet_access": "Enabled",
        "tags": {"Owner Name": "alice"},
    }


def test_predicts_an_update() -> None:
    current = described({"team": "fraud"}, status="Stopped")
    before = to_result(current.described, current.tags)
    assert before is not None
    desired = want(volume_size_in_gb=50, tags={"owner": "alice"})
    after = predict(desired, before, plan(desired, current).after)
    assert after == {**before, "volume_size_in_gb": 50, "tags": {"owner": "alice"}}


def test_predicts_no_change() -> None:
    before = to_result(answer(), {"owner": "alice"})
    assert predict(want(), before, {}) == before


def test_predicts_an_absence() -> None:
    assert predict(want(state="absent"), to_result(answer(), {}), {"state": "absent"}) is None


def test_predicts_a_clearing() -> None:
    current = described(status="Stopped", NotebookInstanceLifecycleConfigName="datalab")
    desired = want(lifecycle_config_name="")
    before = to_result(current.described, current.tags)
    real = to_result(answer(status="Stopped"), {})
    assert predict(desired, before, plan(desired, current).after) == real
