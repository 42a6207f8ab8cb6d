# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lifecycle configurations and code repositories."""

from __future__ import annotations

import pytest

NAME = "NotebookInstanceLifecycleConfigName"
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance-lifecycle-config/config"
ONE, TWO = [{"Content": "b25l"}], [{"Content": "dHdv"}]


def scripts(sagemaker):
    described = sagemaker.describe_notebook_instance_lifecycle_config(**{NAME: "config"})
    return described.get("OnCreate"), described.get("OnStart")


@pytest.fixture
def config(sagemaker):
    created = sagemaker.create_notebook_instance_lifecycle_config(**{NAME: "config"}, OnCreate=ONE, OnStart=TWO)
    assert created["NotebookInstanceLifecycleConfigArn"] == ARN


@pytest.mark.usefixtures("config")
def test_a_config_is_what_it_was_created_as(sagemaker):
    described = sagemaker.describe_notebook_instance_lifecycle_config(**{NAME: "config"})
    assert (described["OnCreate"], described["OnStart"]) == (ONE, TWO)
    assert described["NotebookInstanceLifecycleConfigArn"] == ARN
    assert described["CreationTime"] == described["LastModifiedTime"]


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({}, (ONE, TWO)),
        ({"OnStart": ONE}, (ONE, ONE)),
        ({"OnCreate": TWO}, (TWO, TWO)),
        ({"OnCreate": []}, ([], TWO)),
        ({"OnStart": []}, (ONE, [])),
        ({"OnCreate": [], "OnStart": ONE}, ([], ONE)),
    ],
)
def test_update_replaces_a_script_that_is_given(sagemaker, update, expected):
    before = sagemaker.describe_notebook_instance_lifecycle_config(**{NAME: "config"})
    sagemaker.update_notebook_instance_lifecycle_config(**{NAME: "config"}, **update)
    assert scripts(sagemaker) == expected
    after = sagemaker.describe_notebook_instance_lifecycle_config(**{NAME: "config"})
    assert after["CreationTime"] == before["CreationTime"] < after["LastModifiedTime"]


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("operation", ["create", "update"])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"OnStart": [{"Content": "x" * 16385}]},
            "at 'onStart.1.member.content' failed to satisfy constraint: Member must have length less than or eq",
        ),
        (
            {"OnCreate": ONE + TWO},
            "at 'onCreate' failed to satisfy constraint: Member must have length less than or equal to 1",
        ),
        ({NAME: "a_b"}, "'a_b' at 'notebookInstanceLifecycleConfigName'"),
        (
            {NAME: "a" * 64},
            "at 'notebookInstanceLifecycleConfigName' failed to satisfy constraint: Member must have length",
        ),
    ],
)
def test_the_limits_of_a_config(sagemaker, refused, operation, fields, reason):
    function = getattr(sagemaker, f"{operation}_notebook_instance_lifecycle_config")
    code, message = refused(function, **{NAME: "config"} | fields)
    assert (code, reason in message) == ("ValidationException", True)
    assert scripts(sagemaker) == (ONE, TWO)


def test_the_longest_script_is_accepted(sagemaker):
    longest = [{"Content": "x" * 16384}]
    sagemaker.create_notebook_instance_lifecycle_config(**{NAME: "config"}, OnStart=longest)
    assert scripts(sagemaker) == ([], longest)


@pytest.mark.parametrize("operation", ["describe", "update", "delete"])
def test_a_config_that_is_not_there(sagemaker, refused, operation):
    assert refused(getattr(sagemaker, f"{operation}_notebook_instance_lifecycle_config"), **{NAME: "config"}) == (
        "ValidationException",
        (
            f"Unable to {operation} Notebook Instance Lifecycle Config '{ARN}'. "
            "(Details: Notebook Instance Lifecycle Config does not exist.)"
        ),
    )


@pytest.mark.usefixtures("config")
def test_a_config_is_created_once_and_deleted_for_good(sagemaker, refused):
    code, message = refused(sagemaker.create_notebook_instance_lifecycle_config, **{NAME: "config"})
    assert (code, "already exists" in message) == ("ValidationException", True)
    sagemaker.delete_notebook_instance_lifecycle_config(**{NAME: "config"})
    assert sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"] == []


def test_code_repositories(sagemaker, refused):
    git = {"RepositoryUrl": "https://git.example.org/x", "Branch": "main"}
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:git"
    arn = sagemaker.create_code_repository(CodeRepositoryName="x", GitConfig=git)["CodeRepositoryArn"]
    assert arn == "arn:aws:sagemaker:eu-central-1:123456789012:code-repository/x"
    assert refused(sagemaker.create_code_repository, CodeRepositoryName="x", GitConfig=git)[0] == "ValidationException"
    assert sagemaker.describe_code_repository(CodeRepositoryName="x")["GitConfig"] == git
    sagemaker.update_code_repository(CodeRepositoryName="x", GitConfig={"SecretArn": secret})
    described = sagemaker.describe_code_repository(CodeRepositoryName="x")
    assert described["GitConfig"] == git | {"SecretArn": secret}
    assert described["LastModifiedTime"] > described["CreationTime"]
    sagemaker.delete_code_repository(CodeRepositoryName="x")
    for operation in ("describe", "update", "delete"):
        assert refused(getattr(sagemaker, f"{operation}_code_repository"), CodeRepositoryName="x") == (
            "ValidationException",
            f"Cannot find CodeRepository: {arn}",
        )
    bad = {"RepositoryUrl": "http://git.example.org/x"}
    _, message = refused(sagemaker.create_code_repository, CodeRepositoryName="x", GitConfig=bad)
    assert "at 'gitConfig.repositoryUrl' failed to satisfy constraint" in message
