# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The AWS CLI, from the creation of an instance to its removal."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import pytest

NAMED = ["--notebook-instance-name", "alice"]
CONFIG = ["--notebook-instance-lifecycle-config-name", "team"]
FIRST, SECOND = (base64.b64encode(f"#!/bin/bash\necho {word}\n".encode()).decode() for word in ("one", "two"))
WANTED = {
    "InstanceType": "ml.t3.medium",
    "VolumeSizeInGB": 20,
    "LifecycleConfigName": "team",
    "RootAccess": "Disabled",
    "DirectInternetAccess": "Enabled",
    "PlatformIdentifier": "notebook-al2023-v1",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
    "Tags": [{"Key": "owner", "Value": "alice"}],
}
OTHER = {"InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30, "RootAccess": "Enabled"}
DESCRIBED_AS = {"LifecycleConfigName": "NotebookInstanceLifecycleConfigName"}


@pytest.fixture
def aws(sandbox):
    """Run a command of `aws sagemaker`; return its output."""

    def call(*words, code=0):
        command = [sys.executable, "-m", "awscli", "sagemaker", *words, "--output", "json"]
        environment = os.environ | sandbox.environment
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if code == 0 and done.stdout else done.stderr

    return call


def described(aws, wanted):
    """Return the wanted fields of the instance, which may include its tags."""
    found = aws("describe-notebook-instance", *NAMED)
    tags = aws("list-tags", "--resource-arn", found["NotebookInstanceArn"])["Tags"]
    return {key: {**found, "Tags": tags}[DESCRIBED_AS.get(key, key)] for key in wanted}


def test_an_instance_from_its_creation_to_its_removal(aws, role, sandbox):
    sandbox.set_transition_seconds(0.5)
    aws("create-notebook-instance-lifecycle-config", *CONFIG, "--on-start", f"Content={FIRST}")
    wanted = WANTED | {"RoleArn": role}
    aws("create-notebook-instance", *NAMED, "--cli-input-json", json.dumps(wanted))
    aws("wait", "notebook-instance-in-service", *NAMED)
    assert described(aws, wanted) == wanted

    aws("stop-notebook-instance", *NAMED)
    aws("wait", "notebook-instance-stopped", *NAMED)
    aws("update-notebook-instance", *NAMED, "--cli-input-json", json.dumps(OTHER))
    aws("update-notebook-instance-lifecycle-config", *CONFIG, "--on-start", f"Content={SECOND}")
    aws("wait", "notebook-instance-stopped", *NAMED)
    assert described(aws, wanted) == wanted | OTHER
    config = aws("describe-notebook-instance-lifecycle-config", *CONFIG)
    assert (config["OnStart"], config["OnCreate"]) == ([{"Content": SECOND}], [])

    aws("delete-notebook-instance", *NAMED)
    aws("wait", "notebook-instance-deleted", *NAMED)
    aws("delete-notebook-instance-lifecycle-config", *CONFIG)
    assert aws("list-notebook-instances") == {"NotebookInstances": []}
    assert aws("list-notebook-instance-lifecycle-configs") == {"NotebookInstanceLifecycleConfigs": []}


def test_a_waiter_and_a_command_end_with_what_went_wrong(aws, create):
    create(Tags=[{"Key": "sandbox:fail", "Value": "no capacity"}])
    waited = aws("wait", "notebook-instance-in-service", *NAMED, code=255)
    assert "Waiter encountered a terminal failure state" in waited
    refused = aws("stop-notebook-instance", *NAMED, code=255)
    assert "(ValidationException)" in refused
    assert "Status (Failed) not in ([InService])." in refused
