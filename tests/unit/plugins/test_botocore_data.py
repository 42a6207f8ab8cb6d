# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller reads botocore's data as botocore does, and imports nothing that only calls need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from ansible_collections.datalab.notebooks.plugins.plugin_utils.botocore_data import known_regions, load_service_model

ACTIONS = sorted(path.stem for path in (Path(__file__).parents[3] / "plugins" / "action").glob("*.py"))
OPERATIONS = [
    ("sagemaker", "CreateNotebookInstance"),
    ("sagemaker", "UpdateNotebookInstance"),
    ("sagemaker", "CreateNotebookInstanceLifecycleConfig"),
    ("athena", "CreateWorkGroup"),
    ("efs", "CreateFileSystem"),
]
IMPORTS = """
import json, sys
from importlib import import_module
import ansible.cli.playbook
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
for name in json.loads(sys.argv[1]):
    import_module(f"ansible_collections.datalab.notebooks.plugins.action.{name}")
print(json.dumps(sorted({"boto3", "botocore.client", "botocore.model", "botocore.session"} & set(sys.modules))))
"""


def facts(shape: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the constraints of a shape and of all shapes within it."""
    rules = {key: shape.metadata.get(key) for key in ("enum", "min", "max", "pattern")}
    yield shape.name, shape.type_name, rules
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield (name, *facts(member))
    elif shape.type_name == "list":
        yield from facts(shape.member)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_shapes_are_those_of_botocore(service: str, operation: str) -> None:
    theirs = get_session().get_service_model(service).operation_model(operation).input_shape
    assert list(facts(load_service_model(service).operation_model(operation).input_shape)) == list(facts(theirs))


def test_instance_types_are_those_of_botocore() -> None:
    theirs = get_session().get_service_model("sagemaker").shape_for("InstanceType")
    assert list(facts(load_service_model().shape_for("InstanceType"))) == list(facts(theirs))


@pytest.mark.parametrize("place", ["AWS_DATA_PATH", "home"])
def test_a_newer_model_that_a_user_keeps_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """botocore, and so modules, use a model that the user keeps; the controller uses it, too."""
    models = tmp_path if place == "AWS_DATA_PATH" else tmp_path / ".aws" / "models"
    (models / "sagemaker" / "2099-01-01").mkdir(parents=True)
    newer = {"shapes": {"InstanceType": {"type": "string", "enum": ["ml.z9.large"]}}, "operations": {}}
    (models / "sagemaker" / "2099-01-01" / "service-2.json").write_text(json.dumps(newer), encoding="utf-8")
    monkeypatch.setenv("HOME" if place == "home" else place, str(tmp_path))
    load_service_model.cache_clear()
    try:
        assert load_service_model().shape_for("InstanceType").metadata["enum"] == ["ml.z9.large"]
    finally:
        load_service_model.cache_clear()


def test_regions_are_those_of_botocore() -> None:
    session = get_session()
    partitions = session.get_available_partitions()
    theirs = {name for each in partitions for name in session.get_available_regions("ec2", each)}
    assert theirs <= known_regions()
    assert "eu-middle-7" not in known_regions()


def test_actions_do_not_import_what_only_calls_need() -> None:
    command = [sys.executable, "-c", IMPORTS, json.dumps(ACTIONS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
