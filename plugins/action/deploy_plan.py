# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a delivered project and its state on the cluster, and returns the steps to take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.datalab.notebooks.plugins.plugin_utils import deployment
from ansible_collections.datalab.notebooks.plugins.plugin_utils.deployment import NotDeployable, Project, Settings

PREFIX = "deploy_"


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        given = {
            name.removeprefix(PREFIX): self._templar.template(value)
            for name, value in variables.items()
            if name.startswith(PREFIX)
        }
        try:
            settings = Settings.of(given)
            return {**result, "changed": False, **self._plan(settings, variables)}
        except NotDeployable as error:
            raise AnsibleActionFail(str(error)) from error

    def _plan(self, settings: Settings, variables: dict[str, Any]) -> dict[str, Any]:
        project = Project.read(Path.cwd() / Path(settings.project).expanduser())
        resources = deployment.kustomized(project.overlay(settings.overlay))
        workload = deployment.workload(resources)
        content = project.content()
        running = self._running(workload, settings, variables)
        same = bool(running) and running["metadata"].get("annotations", {}).get(deployment.CONTENT) == content
        build = not settings.image and not same
        image = settings.image or deployment.image_of(project, settings, content)
        if same and not settings.image:
            image = deployment.pod_of(running)["spec"]["containers"][0]["image"]
        deployment.with_image(resources, image, content)
        job = workload["kind"] == "CronJob"
        return {
            "project": str(project.folder),
            "name": project.name,
            "kind": workload["kind"],
            "namespace": workload["metadata"]["namespace"],
            "labels": [f"{key}={value}" for key, value in deployment.pod_of(workload)["metadata"]["labels"].items()],
            "image": image,
            "build": build,
            "push": build and bool(settings.registry),
            "builder": deployment.builder_of(settings) if build else "",
            "context": [part for part in deployment.CONTEXT if (project.folder / part).exists()] if build else [],
            "python": project.python() if build else "",
            "base": settings.base,
            "timeout": settings.timeout,
            "resources": resources,
            "smoke_job": deployment.smoke_job(workload, content) if job else {},
            "before": deployment.before(running) if running else {},
        }

    def _running(self, workload: dict[str, Any], settings: Settings, variables: dict[str, Any]) -> dict[str, Any]:
        """The running workload; {} if there is none."""
        about = {key: workload["metadata"][key] for key in ("name", "namespace")}
        arguments = {"api_version": workload["apiVersion"], "kind": workload["kind"], **about}
        asked = self._execute_module(
            module_name="kubernetes.core.k8s_info",
            module_args={**arguments, **(settings.kubernetes or {})},
            task_vars=variables,
        )
        if asked.get("failed"):
            raise NotDeployable(f"Kubernetes cannot be asked what runs: {asked.get('msg', 'it gave no reason')}")
        found: list[dict[str, Any]] = asked["resources"]
        return found[0] if found else {}
