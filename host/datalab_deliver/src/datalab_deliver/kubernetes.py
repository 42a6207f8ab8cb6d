# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests that run the project: a base, and an overlay for each place, for the Kustomize that is in kubectl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

USER = 10001
PORT = 8080
VERSION = "0.1.0"
SCRATCH = "/tmp"  # noqa: S108 - it is the pod's alone
Doc = dict[str, Any]


class Plain(yaml.SafeDumper):
    """A dumper for YAML without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def files(name: str, kind: str, inputs: Mapping[str, str], megabytes: int) -> dict[str, str]:
    """Return all manifests of a project; `inputs` are the arguments and their files in the container."""
    pod = pod_of(name, kind, inputs, megabytes)
    docs = {"serviceaccount": service_account(name), "networkpolicy": network_policy(name, kind)}
    docs.update(service(name, pod) if kind == "service" else job(name, pod))
    base = {f"k8s/base/{key}.yaml": dump(doc) for key, doc in sorted(docs.items())}
    base["k8s/base/kustomization.yaml"] = dump(kustomization(resources=[f"{key}.yaml" for key in sorted(docs)]))
    for overlay, namespace in (("local", f"{name}-local"), ("staging", f"{name}-staging"), ("production", name)):
        base.update(overlay_of(overlay, namespace, name, kind))
    return base


def dump(doc: Doc) -> str:
    return yaml.dump(doc, Dumper=Plain, sort_keys=False)


def kustomization(**facts: Any) -> Doc:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **facts}


def labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name}


def about(name: str) -> Doc:
    return {"name": name, "labels": labels(name)}


def service_account(name: str) -> Doc:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": about(name),
        "automountServiceAccountToken": False,
    }


def network_policy(name: str, kind: str) -> Doc:
    """Allow traffic from the namespace to a service's port, and traffic to DNS and, for the data, to HTTPS."""
    dns = {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
    }
    ingress = (
        [{"from": [{"podSelector": {}}], "ports": [{"port": PORT, "protocol": "TCP"}]}] if kind == "service" else []
    )
    spec = {
        "podSelector": {"matchLabels": labels(name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": [dns, {"ports": [{"port": 443, "protocol": "TCP"}]}],
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": about(name), "spec": spec}


def memory(megabytes: int) -> int:
    """Return a limit above the measured memory: a power of two, so that it does not change with every run."""
    limit = 256
    while limit < 2 * megabytes:
        limit *= 2
    return limit


def pod_of(name: str, kind: str, inputs: Mapping[str, str], megabytes: int) -> Doc:
    """Return a pod that the Pod Security Standard *restricted* admits."""
    container: Doc = {
        "name": "app",
        "image": name,
        "env": [{"name": key.upper(), "value": value} for key, value in inputs.items()]
        + [{"name": "HOME", "value": SCRATCH}],
        "resources": {
            "requests": {"cpu": "250m", "memory": f"{memory(megabytes) // 2}Mi"},
            "limits": {"memory": f"{memory(megabytes)}Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": SCRATCH}],
    }
    if kind == "service":
        container["command"] = [f"/app/bin/{name}-service"]
        container["ports"] = [{"name": "http", "containerPort": PORT}]
        container["startupProbe"] = probe("/healthz", periodSeconds=2, failureThreshold=60)
        container["readinessProbe"] = probe("/readyz", periodSeconds=5)
        container["livenessProbe"] = probe("/healthz", periodSeconds=20, timeoutSeconds=3)
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
    }


def probe(path: str, **facts: int) -> Doc:
    return {"httpGet": {"path": path, "port": PORT}, **facts}


def service(name: str, pod: Doc) -> dict[str, Doc]:
    template = {"metadata": {"labels": labels(name)}, "spec": pod}
    deployment = {
        "replicas": 2,
        "revisionHistoryLimit": 5,
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": labels(name)},
        "template": template,
    }
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    budget = {"minAvailable": 1, "selector": {"matchLabels": labels(name)}}
    return {
        "deployment": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about(name), "spec": deployment},
        "service": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": about(name),
            "spec": {"selector": labels(name), "ports": ports},
        },
        "poddisruptionbudget": {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": about(name),
            "spec": budget,
        },
    }


def job(name: str, pod: Doc) -> dict[str, Doc]:
    one = {
        "backoffLimit": 2,
        "activeDeadlineSeconds": 3600,
        "ttlSecondsAfterFinished": 604800,
        "template": {"metadata": {"labels": labels(name)}, "spec": {**pod, "restartPolicy": "Never"}},
    }
    spec = {
        "schedule": "17 4 * * *",
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "jobTemplate": {"spec": one},
    }
    return {"cronjob": {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": about(name), "spec": spec}}


def overlay_of(overlay: str, namespace: str, name: str, kind: str) -> dict[str, str]:
    """Return an overlay: its namespace, its image and, for a service that is not in production, one replica."""
    folder = f"k8s/overlays/{overlay}"
    levels = {"pod-security.kubernetes.io/enforce": "restricted"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": levels}}
    facts: Doc = {"namespace": namespace, "resources": ["namespace.yaml", "../../base"]}
    facts["images"] = [{"name": name, "newName": f"localhost/{name}", "newTag": VERSION}]
    if overlay != "production" and kind == "service":
        facts["replicas"] = [{"name": name, "count": 1}]
        gone = {
            "$patch": "delete",
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name},
        }
        facts["patches"] = [{"target": {"kind": "PodDisruptionBudget"}, "patch": dump(gone)}]
    return {f"{folder}/namespace.yaml": dump(space), f"{folder}/kustomization.yaml": dump(kustomization(**facts))}
