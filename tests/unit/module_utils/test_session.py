# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients of one session are like those of AnsibleAWSModule with the same options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import boto3.session
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.common.session import Session, load_service_model

SERVICES = ("ec2", "iam", "s3", "sagemaker")
KEYS = {"access_key": "key", "secret_key": "secret", "region": "eu-central-1"}
OPTIONS: dict[str, dict[str, Any]] = {
    "keys": {**KEYS, "session_token": "token"},
    "profile": {"profile": "team"},
    "own endpoint": {**KEYS, "endpoint_url": "http://127.0.0.1:5000", "validate_certs": False},
    "own bundle": {**KEYS, "aws_ca_bundle": "/etc/ca.pem"},
    "own config": {**KEYS, "aws_config": {"connect_timeout": 7, "retries": {"max_attempts": 9}, "user_agent": "me"}},
}


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config"
    file.write_text("[profile team]\nregion = us-west-2\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))


def module_with(options: dict[str, Any]) -> AnsibleAWSModule:
    with patch_module_args(options):
        return AnsibleAWSModule(argument_spec={})


def described(client: Any) -> dict[str, Any]:
    """The properties in which clients of a service may differ."""
    credentials = client._request_signer._credentials.get_frozen_credentials()
    config = {name: getattr(client.meta.config, name) for name in ("user_agent", "connect_timeout", "retries")}
    http = client._endpoint.http_session
    config["user_agent"] = re.sub(r" (amazon\.aws/\S+|datalab\.notebooks) ", " ", config["user_agent"])
    return {
        "credentials": credentials,
        "config": config,
        "endpoint": client.meta.endpoint_url,
        "verify": http._verify,
        "signature": client.meta.config.signature_version,
    }


@pytest.mark.parametrize(
    ("name", "service"), [*((name, "sagemaker") for name in OPTIONS), *(("keys", service) for service in SERVICES[:-1])]
)
def test_same_clients(name: str, service: str) -> None:
    module = module_with(OPTIONS[name])
    assert described(Session(module).client(service)) == described(module.client(service))


@pytest.mark.parametrize("own", [{**KEYS, "session_token": "token"}, {"profile": "others", "region": "eu-central-1"}])
def test_another_account_is_reached_by_its_profile_alone(own: dict[str, Any]) -> None:
    wanted = module_with({"profile": "team", "region": "eu-central-1"})
    assert described(Session(module_with(own), "team").client("ce")) == described(wanted.client("ce"))


def test_settings_of_one_client() -> None:
    own = {"connect_timeout": 5}
    module = module_with(OPTIONS["own config"])
    client = Session(module).client("sagemaker", config=own)
    assert described(client) == described(
        module.client("sagemaker", aws_config=None, config={**OPTIONS["own config"]["aws_config"], **own})
    )


def test_one_session_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Counted(boto3.session.Session):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            made.append(kwargs)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr("boto3.session.Session", Counted)
    monkeypatch.setattr(
        "ansible_collections.datalab.notebooks.plugins.module_utils.common.session.Boto3Session", Counted
    )
    session = Session(module_with(KEYS))
    for service in SERVICES:
        session.client(service)
    assert len(made) == 1


def test_botocores_data_is_read_once() -> None:
    sessions = [Session(module_with(KEYS)) for _ in range(2)]
    first, second = (session.client("sagemaker").meta.service_model for session in sessions)
    assert first.metadata is second.metadata is load_service_model().metadata


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"profile": "of-others"}, "Couldn't connect to AWS: The config profile (of-others) could not be found"),
        ({**KEYS, "endpoint_url": "nowhere"}, "Couldn't connect to AWS: Invalid endpoint: nowhere"),
    ],
    ids=["profile", "endpoint"],
)
def test_options_that_make_no_client(options: dict[str, Any], says: str) -> None:
    module = module_with(options)
    with pytest.raises(NotebookError, match=re.escape(says)):
        Session(module).client("sagemaker")


def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    session = Session(module_with({"access_key": "key", "secret_key": "secret"}))
    with pytest.raises(NotebookError, match="requires a region"):
        session.client("ec2")
