# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A delivered project on Kubernetes: its image, its resources, and the golden values."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .problems import hint

BUILDERS = ("podman", "docker", "buildah")
KINDS = ("Deployment", "CronJob")
# What the image is built from. All else of a project may change without a new image.
CONTEXT = ("Dockerfile", "requirements.lock", "pyproject.toml", "README.md", "src", "tests/data")
CONTENT = "datalab.notebooks/content"  # an annotation: the digest of that
IMAGE = re.compile(r"[a-z0-9]([\w./:-]*[\w])?(@sha256:[0-9a-f]{64})?")


class NotDeployable(Exception):
    """The project or a setting is wrong; the message has the rule and the remedy."""


@dataclass(frozen=True)
class Settings:
    """The variables `deploy_…`."""

    project: str = ""
    overlay: str = "local"
    image: str = ""
    registry: str = ""
    builder: str = ""
    base: str = ""
    timeout: int = 300  # seconds
    kubernetes: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """The variables of a run by their names without the prefix; raises NotDeployable."""
        known = [f"deploy_{name}" for name in cls.__dataclass_fields__]
        for name in (f"deploy_{each}" for each in given):
            if name not in known:
                raise NotDeployable(f"{name} is not a variable{hint(name, known, 'leave it out')}")
        for name, value in given.items():
            if name == "kubernetes":
                if not isinstance(value, Mapping):
                    raise NotDeployable("deploy_kubernetes must be a dictionary of options of kubernetes.core.k8s")
            elif name == "timeout":
                if not str(value).isdecimal() or not int(value):
                    raise NotDeployable(f"deploy_timeout is {value}; it must be a number of seconds")
            elif not isinstance(value, str):
                raise NotDeployable(f"deploy_{name} is {value!r}; it must be text, so put it in quotes")
        settings = cls(**{**given, "timeout": int(given.get("timeout", cls.timeout))})
        for problem in settings._problems():
            raise NotDeployable(problem)
        return settings

    def _problems(self) -> Iterator[str]:
        if not self.project:
            yield "deploy_project is missing: -e deploy_project=<folder> names the project that `datalab deliver` wrote"
        if self.image and (self.registry or self.builder or self.base):
            yield "deploy_image takes an image that is built; leave out deploy_registry, deploy_builder and deploy_base"
        for name in ("image", "registry", "base"):
            value = getattr(self, name)
            if value and not IMAGE.fullmatch(value):
                yield f"deploy_{name} is {value}; it must be a name such as registry.example.com/team/sums"
        if self.image and "@" not in self.image and not re.search(r":(?!latest$)[\w.-]+$", self.image):
            yield (
                f"deploy_image is {self.image}; give it a digest (name@sha256:…) or a tag other than latest, "
                "so that a rollback finds the image that ran before"
            )
        if self.builder and self.builder not in BUILDERS:
            known = f"{', '.join(BUILDERS)}{hint(self.builder, BUILDERS)}"
            yield f"deploy_builder is {self.builder}; it must be one of {known}"


@dataclass(frozen=True)
class Project:
    """A folder that `datalab deliver --as job` or `--as service` has made."""

    folder: Path
    name: str
    package: str
    version: str

    @classmethod
    def read(cls, folder: Path) -> Project:
        """Raises NotDeployable."""
        if not folder.is_dir():
            raise NotDeployable(
                f"deploy_project is {folder}, which is not a folder; name the project that `datalab deliver` wrote"
            )
        try:
            about = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            name, version = str(about["name"]), str(about["version"])
        except (OSError, KeyError, ValueError) as error:
            raise NotDeployable(
                f"{folder} is no delivered project, as its pyproject.toml shows ({error}): make one by "
                "`datalab deliver NOTEBOOK --result NAME --as service`"
            ) from error
        package = name.replace("-", "_")
        for part in ("Dockerfile", "k8s/overlays", "tests/golden.json", f"src/{package}/plain.py"):
            if not (folder / part).exists():
                raise NotDeployable(
                    f"{folder} has no {part}: deliver the notebook again with --as service, or --as job "
                    "for a scheduled job"
                )
        return cls(folder, name, package, version)

    def overlay(self, name: str) -> Path:
        """The folder of an overlay."""
        found = sorted(path.parent.name for path in self.folder.glob("k8s/overlays/*/kustomization.yaml"))
        if name not in found:
            raise NotDeployable(
                f"deploy_overlay is {name}; {self.folder}/k8s/overlays has {', '.join(found)}{hint(name, found)}"
            )
        return self.folder / "k8s/overlays" / name

    def python(self) -> str:
        """The Python of the image, for which wheels are fetched. Raises NotDeployable."""
        dockerfile = (self.folder / "Dockerfile").read_text(encoding="utf-8")
        found = re.search(r"^ARG BASE=\S*python:(\d+\.\d+)", dockerfile, re.MULTILINE)
        if not found:
            raise NotDeployable(
                f"{self.folder}/Dockerfile has no line ARG BASE=…python:<version>; build the image by your CI, and "
                "give it with -e deploy_image=<name>@sha256:…"
            )
        return found[1]

    def content(self) -> str:
        """A digest of the files that the image is built from."""
        digest = hashlib.sha256()
        for part in CONTEXT:
            path = self.folder / part
            files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
            for file in files:
                if "__pycache__" not in file.parts:
                    digest.update(f"{file.relative_to(self.folder)}\0{file.stat().st_size}\0".encode())
                    digest.update(file.read_bytes())
        return digest.hexdigest()


def kustomized(overlay: Path) -> list[dict[str, Any]]:
    """The resources of an overlay. Raises NotDeployable."""
    for program in ("kubectl", "kustomize"):
        if shutil.which(program):
            command = [program, "kustomize" if program == "kubectl" else "build", str(overlay)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise NotDeployable(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
            return [doc for doc in yaml.safe_load_all(done.stdout) if doc]
    raise NotDeployable(
        "deploying needs kubectl or kustomize; install one of them: https://kubernetes.io/docs/tasks/tools"
    )


def workload(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """The resource that has the pods. Raises NotDeployable."""
    found = [each for each in resources if each.get("kind") in KINDS]
    if len(found) != 1:
        raise NotDeployable(
            f"the overlay has {len(found)} resources of the kinds {' and '.join(KINDS)}; it must have one"
        )
    return found[0]


def pod_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The template of the pods of a workload."""
    spec = resource["spec"]
    template: dict[str, Any] = spec["template" if resource["kind"] == "Deployment" else "jobTemplate"]
    return template if resource["kind"] == "Deployment" else template["spec"]["template"]


def with_image(resources: list[dict[str, Any]], image: str, content: str) -> None:
    """Set the workload's image, and a digest of the files that it was built from."""
    resource = workload(resources)
    for container in pod_of(resource)["spec"]["containers"]:
        if container["name"] == "app":
            container["image"] = image
    resource["metadata"].setdefault("annotations", {})[CONTENT] = content


def builder_of(settings: Settings) -> str:
    """The program that builds. Raises NotDeployable."""
    names = (settings.builder,) if settings.builder else BUILDERS
    for name in names:
        if shutil.which(name):
            return name
    raise NotDeployable(
        f"building an image takes {' or '.join(names)}, which is not here; or give the image that CI has built, with "
        "-e deploy_image=<name>@sha256:…"
    )


def image_of(project: Project, settings: Settings, content: str) -> str:
    """The name of the image that is built: each change of its content gives another one."""
    return f"{settings.registry or 'localhost'}/{project.name}:{project.version}-{content[:12]}"


def smoke_job(resource: Mapping[str, Any], content: str) -> dict[str, Any]:
    """A job that runs a CronJob's template once."""
    name = resource["metadata"]["name"]
    about = {"name": f"{name}-smoke-{content[:8]}", "namespace": resource["metadata"]["namespace"]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": resource["spec"]["jobTemplate"]["spec"]}


def before(found: Mapping[str, Any]) -> dict[str, Any]:
    """A workload as it was, so that it can be put back."""
    about = found["metadata"]
    kept = {key: about[key] for key in ("name", "namespace", "labels", "annotations") if key in about}
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": kept, "spec": found["spec"]}
