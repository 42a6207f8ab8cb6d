# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests meet the profile *restricted* of the Pod Security Standards, and fit together."""

from __future__ import annotations

import kubernetes_validate
import pytest
import yaml
from datalab_deliver import kubernetes


@pytest.fixture(params=["job", "service"])
def docs(request):
    files = kubernetes.files("sums", request.param, {"x_csv": "/data/x.csv"}, 180)
    assert all("&id" not in text for text in files.values())
    return request.param, {name: yaml.safe_load(text) for name, text in files.items()}


def pod(kind, docs):
    if kind == "service":
        return docs["k8s/base/deployment.yaml"]["spec"]["template"]
    return docs["k8s/base/cronjob.yaml"]["spec"]["jobTemplate"]["spec"]["template"]


# The oldest version that the manifests are meant for, and the newest that has schemas.
@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_kubernetes_knows_all_that_is_in_them(version, docs):
    resources = [doc for doc in docs[1].values() if doc["kind"] != "Kustomization"]
    assert len(resources) > 5
    for doc in resources:
        kubernetes_validate.validate(doc, version, strict=True)
    resources[0]["spec"]["unknown"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(resources[0], version, strict=True)


VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def violations(spec):
    """Return the names of the rules of the Pod Security Standards' profile *restricted* that a pod breaks."""
    pod_, containers = spec.get("securityContext", {}), spec["containers"] + spec.get("initContainers", [])
    own = [container.get("securityContext", {}) for container in containers]
    capabilities = [each.get("capabilities", {}) for each in own]
    broken = {
        "host namespaces": any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
        "privileged": any(each.get("privileged") for each in own),
        "drop all": any(each.get("drop") != ["ALL"] for each in capabilities),
        "add": any(set(each.get("add", [])) - {"NET_BIND_SERVICE"} for each in capabilities),
        "volumes": any(set(volume) - {"name"} - VOLUMES for volume in spec.get("volumes", [])),
        "host ports": any(port.get("hostPort") for each in containers for port in each.get("ports", [])),
        "escalation": any(each.get("allowPrivilegeEscalation") is not False for each in own),
        "non-root": any(not each.get("runAsNonRoot", pod_.get("runAsNonRoot")) for each in own),
        "user": any(each.get("runAsUser", pod_.get("runAsUser")) == 0 for each in own),
        "seccomp": any(
            each.get("seccompProfile", pod_.get("seccompProfile", {})).get("type")
            not in {"RuntimeDefault", "Localhost"}
            for each in own
        ),
        "proc": any(each.get("procMount", "Default") != "Default" for each in own),
        "sysctls": bool(pod_.get("sysctls")),
    }
    return {name for name, is_broken in broken.items() if is_broken}


# For each rule, a change of a pod that breaks it.
VIOLATING = {
    "host namespaces": lambda pod_, container: pod_.update(hostNetwork=True),
    "privileged": lambda pod_, container: container["securityContext"].update(privileged=True),
    "drop all": lambda pod_, container: container["securityContext"].pop("capabilities"),
    "add": lambda pod_, container: container["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
    "volumes": lambda pod_, container: pod_["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    "host ports": lambda pod_, container: container.update(ports=[{"containerPort": 80, "hostPort": 80}]),
    "escalation": lambda pod_, container: container["securityContext"].pop("allowPrivilegeEscalation"),
    "non-root": lambda pod_, container: container["securityContext"].update(runAsNonRoot=False),
    "user": lambda pod_, container: pod_["securityContext"].update(runAsUser=0),
    "seccomp": lambda pod_, container: pod_["securityContext"].pop("seccompProfile"),
    "proc": lambda pod_, container: container["securityContext"].update(procMount="Unmasked"),
    "sysctls": lambda pod_, container: pod_["securityContext"].update(sysctls=[{"name": "x", "value": "1"}]),
}


@pytest.mark.parametrize("rule", VIOLATING)
def test_restricted(rule, docs):
    spec = pod(*docs)["spec"]
    assert violations(spec) == set()
    VIOLATING[rule](spec, spec["containers"][0])
    assert violations(spec) == {rule}


def test_stricter_than_restricted(docs):
    spec = pod(*docs)["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert all(volume.keys() <= {"name", "emptyDir"} for volume in spec["volumes"])
    assert spec["automountServiceAccountToken"] is False


def test_all_that_is_named_is_there(docs):
    kind, found = docs
    for name, doc in found.items():
        if doc["kind"] == "Kustomization":
            folder = name.rsplit("/", 1)[0]
            there = {f"{folder}/{resource}" for resource in doc["resources"] if resource.endswith(".yaml")}
            assert there <= found.keys()
    template = pod(kind, found)
    assert template["spec"]["serviceAccountName"] == found["k8s/base/serviceaccount.yaml"]["metadata"]["name"]
    assert found["k8s/base/networkpolicy.yaml"]["spec"]["podSelector"]["matchLabels"] == template["metadata"]["labels"]
    (container,) = template["spec"]["containers"]
    assert {"name": "X_CSV", "value": "/data/x.csv"} in container["env"]
    for overlay in ("local", "staging", "production"):
        images = found[f"k8s/overlays/{overlay}/kustomization.yaml"]["images"]
        assert [image["name"] for image in images] == [container["image"]]


def test_a_service_is_reached_and_probed():
    found = {name: yaml.safe_load(text) for name, text in kubernetes.files("sums", "service", {}, 10).items()}
    (container,) = pod("service", found)["spec"]["containers"]
    ports = {port["containerPort"] for port in container["ports"]}
    assert {container[f"{name}Probe"]["httpGet"]["port"] for name in ("startup", "readiness", "liveness")} == ports
    assert found["k8s/base/service.yaml"]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    assert found["k8s/base/networkpolicy.yaml"]["spec"]["ingress"][0]["ports"][0]["port"] in ports


@pytest.mark.parametrize(("measured", "limit"), [(0, 256), (128, 256), (129, 512), (300, 1024), (3000, 8192)])
def test_memory(measured, limit):
    assert kubernetes.memory(measured) == limit
