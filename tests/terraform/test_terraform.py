# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Terraform creates, reads, changes and removes an instance in the sandbox; after each change its plan is empty."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from sandbox import Sandbox, running

HERE = Path(__file__).parent
PACKAGES = HERE.parents[1] / "build" / "terraform" / "cloudrail"
PROVIDER = PACKAGES / "terraform_plugins" / "terraform-provider-aws_3.39.0_linux_amd64.zip"
NO_CHANGES = 0  # 2 would be a plan that is not empty

Terraform = Callable[..., int]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(transition_seconds=0.2) as started:
        yield started


@pytest.fixture
def terraform(sandbox: Sandbox, tmp_path: Path) -> Terraform:
    """Provide a function that runs a Terraform command and returns its exit code; other errors end the test."""
    mirror = tmp_path / "mirror" / "registry.terraform.io" / "hashicorp" / "aws"
    mirror.mkdir(parents=True)
    (mirror / PROVIDER.name).symlink_to(PROVIDER)
    where = json.dumps(str(tmp_path / "mirror"))
    (tmp_path / "terraformrc").write_text(f"provider_installation {{\n  filesystem_mirror {{ path = {where} }}\n}}\n")
    shutil.copy(HERE / "main.tf", tmp_path)
    program = tmp_path / "terraform"
    shutil.copy(PACKAGES / "terraform_0_15" / "terraform", program)
    program.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TF_CLI_CONFIG_FILE": str(tmp_path / "terraformrc"),
        "CHECKPOINT_DISABLE": "1",
        "TF_LOG": "OFF",
        "TF_VAR_endpoint": sandbox.endpoint,
        **sandbox.environment,
    }

    def run(command: str, *options: str, **variables: str) -> int:
        given = [f"-var={name}={value}" for name, value in variables.items()]
        argv = [str(program), command, "-no-color", *options, *given]
        done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 2), done.stdout + done.stderr
        return done.returncode

    return run


def test_an_instance_from_its_creation_to_its_removal(sandbox: Sandbox, terraform: Terraform) -> None:
    sagemaker = boto3.client(
        "sagemaker", "eu-central-1", endpoint_url=sandbox.endpoint, aws_access_key_id="x", aws_secret_access_key="x"
    )
    terraform("init")
    for wanted in (
        {"instance_type": "ml.t3.medium", "team": "research"},
        {"instance_type": "ml.m5.xlarge", "team": "fraud"},
    ):
        assert terraform("plan", "-detailed-exitcode", **wanted) != NO_CHANGES
        terraform("apply", "-auto-approve", **wanted)
        assert terraform("plan", "-detailed-exitcode", **wanted) == NO_CHANGES
        instance = sagemaker.describe_notebook_instance(NotebookInstanceName="alice")
        assert instance["NotebookInstanceStatus"] == "InService"
        assert (instance["InstanceType"], instance["VolumeSizeInGB"]) == (wanted["instance_type"], 20)
        assert (instance["RootAccess"], instance["NotebookInstanceLifecycleConfigName"]) == ("Disabled", "team")
        tags = sagemaker.list_tags(ResourceArn=instance["NotebookInstanceArn"])["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"owner": "alice", "team": wanted["team"]}
        config = sagemaker.describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="team")
        assert wanted["team"].encode() in base64.b64decode(config["OnStart"][0]["Content"])
    terraform("destroy", "-auto-approve", **wanted)
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    assert sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"] == []
