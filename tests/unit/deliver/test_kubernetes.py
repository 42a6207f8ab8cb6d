# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests keep what the profile *restricted* asks for, and fit together."""

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


# The oldest version that is meant, and the newest that there are schemas of.
@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_kubernetes_knows_all_that_is_in_them(version, docs):
    resources = [doc for doc in docs[1].values() if doc["kind"] != "Kustomization"]
    assert len(resources) > 5
    for doc in resources:
        kubernetes_validate.validate(doc, version, strict=True)
    resources[0]["spec"]["unknown"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(resources[0], version, strict=True)


def test_restricted(docs):
    spec = pod(*docs)["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & spec.keys()
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
