# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requirements of a delivered project, and mistakes in the settings of its deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from datalab_deliver import kubernetes

from ansible_collections.datalab.notebooks.playbooks.files import golden
from ansible_collections.datalab.notebooks.plugins.plugin_utils import deployment
from ansible_collections.datalab.notebooks.plugins.plugin_utils.deployment import NotDeployable, Project, Settings

DIGEST = "@sha256:" + "0" * 64
PLAIN = Path(__file__).parents[3] / "host/datalab_deliver/src/datalab_deliver/plain.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a project of `datalab deliver --as service` that a deployment reads."""
    files = {
        "pyproject.toml": '[project]\nname = "my-sums"\nversion = "0.1.0"\n',
        "Dockerfile": "ARG BASE=docker.io/library/python:3.11-slim\nFROM ${BASE}\n",
        "requirements.lock": "",
        "README.md": "# Sums\n",
        "src/my_sums/plain.py": PLAIN.read_text(encoding="utf-8"),
        "tests/golden.json": json.dumps({"results": {"total": 3.0}, "tolerance": {"total": 1e-9}}),
        **kubernetes.files("my-sums", "service", {}, 100),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "deploy_project is missing"),
        ({"project": "p", "overlai": "x"}, "deploy_overlai is not a variable; did you mean deploy_overlay?"),
        ({"project": ["p"]}, r"deploy_project is \['p'\]; it must be text"),
        ({"project": "p", "timeout": "soon"}, "deploy_timeout is soon; it must be a number of seconds"),
        ({"project": "p", "timeout": 0}, "deploy_timeout is 0"),
        ({"project": "p", "kubernetes": "context"}, "deploy_kubernetes must be a dictionary"),
        ({"project": "p", "builder": "podmann"}, "deploy_builder is podmann; .* did you mean podman?"),
        ({"project": "p", "registry": "Über.example.com"}, "deploy_registry is .*; it must be a name such as"),
        ({"project": "p", "image": "sums:latest"}, "deploy_image is sums:latest; give it a digest"),
        ({"project": "p", "image": "registry:5000/sums"}, "deploy_image is registry:5000/sums; give it a digest"),
        ({"project": "p", "image": f"sums{DIGEST}", "registry": "r"}, "deploy_image takes an image that is built"),
    ],
)
def test_settings_that_are_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(NotDeployable, match=text):
        Settings.of(given)


@pytest.mark.parametrize(
    "image", ["", f"r.example.com/a/sums{DIGEST}", "localhost/sums:0.1.0-5f1d7a84db00", "r:5000/s:1"]
)
def test_settings_that_are_taken(image: str) -> None:
    settings = Settings.of({"project": "p", "image": image, "timeout": "60"})
    assert (settings.image, settings.timeout, settings.overlay) == (image, 60, "local")


@pytest.mark.parametrize(
    "gone", ["Dockerfile", "tests/golden.json", "src/my_sums/plain.py", "pyproject.toml", "k8s/overlays"]
)
def test_folders_that_are_no_delivered_project(folder: Path, gone: str) -> None:
    (folder / gone).rename(folder / "elsewhere")
    with pytest.raises(NotDeployable, match=r"datalab deliver|deliver the notebook again"):
        Project.read(folder)


def test_no_folder_and_no_overlay(folder: Path) -> None:
    with pytest.raises(NotDeployable, match="nosuch, which is not a folder"):
        Project.read(folder / "nosuch")
    project = Project.read(folder)
    assert (project.name, project.package, project.version, project.python()) == ("my-sums", "my_sums", "0.1.0", "3.11")
    with pytest.raises(NotDeployable, match=r"has local, production, staging; did you mean staging?"):
        project.overlay("stagin")


def test_another_image_for_whatever_changes_it(folder: Path) -> None:
    project, settings = Project.read(folder), Settings(project="p", registry="r.example.com/team")
    first = project.content()
    assert deployment.image_of(project, settings, first) == f"r.example.com/team/my-sums:0.1.0-{first[:12]}"
    (folder / "k8s/base/service.yaml").write_text("")
    (folder / "tests/golden.json").write_text("{}")
    (folder / "src/my_sums/__pycache__").mkdir()
    (folder / "src/my_sums/__pycache__/plain.pyc").write_text("x")
    assert project.content() == first
    (folder / "src/my_sums/more.py").write_text("")
    assert project.content() != first


@pytest.mark.parametrize(("kind", "workload"), [("service", "Deployment"), ("job", "CronJob")])
def test_the_image_of_the_workload(kind: str, workload: str, tmp_path: Path) -> None:
    for name, text in kubernetes.files("sums", kind, {}, 100).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    resources = deployment.kustomized(tmp_path / "k8s/overlays/staging")
    deployment.with_image(resources, "r/sums:1", "abcdef123456")
    found = deployment.workload(resources)
    assert (found["kind"], found["metadata"]["namespace"]) == (workload, "sums-staging")
    assert found["metadata"]["annotations"] == {deployment.CONTENT: "abcdef123456"}
    assert [each["image"] for each in deployment.pod_of(found)["spec"]["containers"]] == ["r/sums:1"]
    if kind == "job":
        job = deployment.smoke_job(found, "abcdef123456")
        assert job["metadata"] == {"name": "sums-smoke-abcdef12", "namespace": "sums-staging"}
        assert job["spec"]["template"] == deployment.pod_of(found)


def test_a_rollback_drops_fields_that_the_cluster_added() -> None:
    about = {"name": "a", "namespace": "n", "labels": {"l": "1"}, "uid": "u", "resourceVersion": "7"}
    found = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": {"x": 1}, "status": {"y": 2}}
    kept = {"name": "a", "namespace": "n", "labels": {"l": "1"}}
    assert deployment.before(found) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": kept,
        "spec": {"x": 1},
    }


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ('{"total": 3.0000000000001, "more": 1}', []),
        ('{"total": 4.0}', ["total: 3.0 and 4.0"]),
        ("{}", ["total is missing"]),
        ("<html>", ["it is not JSON: <html>"]),
    ],
)
def test_an_answer_is_compared_with_the_golden_values(folder: Path, answer: str, told: list[str]) -> None:
    assert golden.differences(folder, answer) == told
