# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for a Kubernetes cluster, with what the playbook deploy needs: an API server, and pods run by podman.

The client (kubernetes.core), its protocol, the image, the pod and its answers are real. Other things are not: there
are no replica sets (a Deployment has one pod, whatever its spec says), no network and no admission, and any
credentials are accepted.
"""

from __future__ import annotations

import asyncio
import copy
import json
import subprocess
import threading
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from tornado import httpserver, netutil, web, websocket

from .registry import Registry

Doc = dict[str, Any]
# By group and version: plural, kind, and whether it is in a namespace.
KNOWN = {
    "v1": [
        ("namespaces", "Namespace", False),
        ("pods", "Pod", True),
        ("pods/log", "Pod", True),
        ("services", "Service", True),
        ("serviceaccounts", "ServiceAccount", True),
    ],
    "apps/v1": [("deployments", "Deployment", True)],
    "batch/v1": [("cronjobs", "CronJob", True), ("jobs", "Job", True)],
    "networking.k8s.io/v1": [("networkpolicies", "NetworkPolicy", True)],
    "policy/v1": [("poddisruptionbudgets", "PodDisruptionBudget", True)],
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
BEGIN_SECONDS = 30
READY_SECONDS = 60
GRACE_SECONDS = 10  # for so long, a replaced pod still answers


class Cluster:
    """The contents of the cluster: objects by group and version, plural, namespace and name, and the running pods."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: dict[tuple[str, str, str, str], Doc] = {}
        self.changes: list[str] = []  # such as "PATCH deployments/sums"
        self.logs: dict[str, str] = {}
        self.lock = threading.RLock()

    def put(self, key: tuple[str, str, str, str], doc: Doc) -> Doc:
        """Store a new version of an object; run a Deployment or Job whose spec has changed."""
        old = self.objects.get(key, {})
        changed = old.get("spec") != doc.get("spec")
        about = doc["metadata"]
        about["uid"] = old.get("metadata", {}).get("uid", str(uuid.uuid4()))
        about["generation"] = old.get("metadata", {}).get("generation", 0) + changed
        about["resourceVersion"] = str(int(old.get("metadata", {}).get("resourceVersion", 0)) + 1)
        self.objects[key] = doc
        if changed and doc["kind"] in ("Deployment", "Job"):
            doc["status"] = {"replicas": 1, "unavailableReplicas": 1} if doc["kind"] == "Deployment" else {}
            threading.Thread(target=self._run, args=(key, about["generation"]), daemon=True).start()
        return doc

    def remove(self, key: tuple[str, str, str, str]) -> Doc | None:
        doc = self.objects.pop(key, None)
        if doc and doc["kind"] in ("Deployment", "Job"):
            self._end(key)
        return doc

    def container(self, pod: str) -> str:
        """Return podman's name of a pod's container."""
        return f"{pod}-app"

    def end(self) -> None:
        """Remove all pods."""
        for key in list(self.objects):
            if key[1] == "pods":
                podman("pod", "rm", "--force", "--ignore", "--time=0", key[3])

    def _run(self, key: tuple[str, str, str, str], generation: int) -> None:
        """Replace the pod of a Deployment once the new one is ready, or run the pod of a Job."""
        with self.lock:
            doc = self.objects.get(key)
            if not doc or doc["metadata"]["generation"] != generation:
                return
            pod = self._pod(doc, key)
            played = self._play(pod)
            if doc["kind"] == "Job":
                self._finish(doc, pod, played)
            elif not played and self._ready(pod):
                self._replace(key, pod["metadata"]["name"])
                doc["status"] = {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1}
                doc["status"] |= {"readyReplicas": 1, "availableReplicas": 1}
            else:
                self._end_pod(pod["metadata"]["name"], key[2])

    def _pod(self, doc: Doc, key: tuple[str, str, str, str]) -> Doc:
        template = copy.deepcopy(doc["spec"]["template"])
        name = f"{doc['metadata']['name']}-{uuid.uuid4().hex[:8]}"
        labels = {**template["metadata"]["labels"], **({"job-name": key[3]} if doc["kind"] == "Job" else {})}
        about = {"name": name, "namespace": key[2], "labels": labels, "annotations": {"owner": "/".join(key)}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": template["spec"]}

    def _play(self, pod: Doc) -> str:
        """Start a pod; return podman's error, or ""."""
        playable = copy.deepcopy(pod)
        for container in playable["spec"]["containers"]:
            for name in ("startupProbe", "readinessProbe", "livenessProbe", "ports"):  # need curl there, and a network
                container.pop(name, None)
        file = self.folder / f"{pod['metadata']['name']}.yaml"
        file.write_text(yaml.safe_dump(playable), encoding="utf-8")
        done = podman("kube", "play", "--network=none", str(file))
        self.objects["v1", "pods", pod["metadata"]["namespace"], pod["metadata"]["name"]] = pod
        pod["status"] = {"phase": "Pending"}
        return done.stderr if done.returncode else ""

    def _ready(self, pod: Doc) -> bool:
        """Ask the pod's readiness probe until it succeeds, for at most READY_SECONDS; return whether it did."""
        probe = pod["spec"]["containers"][0]["readinessProbe"]["httpGet"]
        ask = f"from urllib.request import urlopen as u; u('http://127.0.0.1:{probe['port']}{probe['path']}')"
        script = f'until /app/bin/python -c "{ask}" 2>/tmp/asked; do sleep 0.2; done'
        name = self.container(pod["metadata"]["name"])
        done = podman("exec", name, "timeout", str(READY_SECONDS), "sh", "-c", script)
        pod["status"] = {"phase": "Running" if done.returncode == 0 else "Failed"}
        return done.returncode == 0

    def _finish(self, doc: Doc, pod: Doc, trouble: str) -> None:
        name = pod["metadata"]["name"]
        status = trouble or podman("wait", self.container(name)).stdout.strip()
        self.logs[name] = podman("logs", self.container(name)).stdout
        pod["status"] = {"phase": "Succeeded" if status == "0" else "Failed"}
        doc["status"] = {"conditions": [{"type": "Complete" if status == "0" else "Failed", "status": "True"}]}

    def _pods_of(self, key: tuple[str, str, str, str]) -> list[Doc]:
        owned = [doc for other, doc in self.objects.items() if other[1] == "pods"]
        return [doc for doc in owned if doc["metadata"]["annotations"]["owner"] == "/".join(key)]

    def _replace(self, key: tuple[str, str, str, str], new: str) -> None:
        """Replace pods as a cluster does: the old ones are marked as terminating, and still run."""
        for pod in self._pods_of(key):
            about = pod["metadata"]
            if about["name"] != new and "deletionTimestamp" not in about:
                about["deletionTimestamp"] = "2026-01-01T00:00:00Z"
                timer = threading.Timer(GRACE_SECONDS, self._end_pod, (about["name"], about["namespace"]))
                timer.daemon = True
                timer.start()

    def _end(self, key: tuple[str, str, str, str]) -> None:
        for pod in self._pods_of(key):
            self._end_pod(pod["metadata"]["name"], pod["metadata"]["namespace"])

    def _end_pod(self, name: str, namespace: str) -> None:
        podman("pod", "rm", "--force", "--ignore", "--time=0", name)
        self.objects.pop(("v1", "pods", namespace, name), None)


def podman(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)


def merged(old: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386), and return the result."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class Discovery(web.RequestHandler):
    """The handler of the API server's discovery."""

    def get(self, path: str) -> None:
        if path == "version":
            self.finish({"major": "1", "minor": "37", "gitVersion": "v1.37.0"})
        elif path == "api":
            self.finish({"kind": "APIVersions", "versions": ["v1"]})
        elif path == "apis":
            groups = [version.split("/") for version in KNOWN if "/" in version]
            self.finish({"kind": "APIGroupList", "groups": [self._group(*each) for each in groups]})
        else:
            version = path.split("/", 1)[1]
            self.finish({"kind": "APIResourceList", "groupVersion": version, "resources": self._kinds(version)})

    def _group(self, name: str, version: str) -> Doc:
        both = {"groupVersion": f"{name}/{version}", "version": version}
        return {"name": name, "versions": [both], "preferredVersion": both}

    def _kinds(self, version: str) -> list[Doc]:
        return [
            {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": inside, "verbs": VERBS}
            for plural, kind, inside in KNOWN[version]
        ]


class Objects(web.RequestHandler):
    """The handler of one object, or of a list of objects."""

    def initialize(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def key(self, version: str, namespace: str | None, plural: str, name: str | None) -> tuple[str, str, str, str]:
        return version, plural, namespace or "", unquote(name or "")

    def get(self, version: str, namespace: str | None, plural: str, name: str | None = None) -> None:
        key = self.key(version, namespace, plural, name)
        if not name:
            return self._list(key)
        return self._answer(self.cluster.objects.get(key))

    def post(self, version: str, namespace: str | None, plural: str, _name: str | None = None) -> None:
        doc = json.loads(self.request.body)
        key = self.key(version, namespace, plural, doc["metadata"]["name"])
        if namespace and ("v1", "namespaces", "", namespace) not in self.cluster.objects:
            return self._refuse(404, "NotFound", f'namespaces "{namespace}" not found')
        if key in self.cluster.objects:
            return self._refuse(409, "AlreadyExists", f"{plural} {key[3]} already exists")
        return self._keep(key, doc)

    def put(self, version: str, namespace: str | None, plural: str, name: str) -> None:
        self._keep(self.key(version, namespace, plural, name), json.loads(self.request.body))

    def patch(self, version: str, namespace: str | None, plural: str, name: str) -> None:
        key = self.key(version, namespace, plural, name)
        if not self.request.headers["Content-Type"].startswith("application/merge-patch+json"):
            return self._refuse(415, "UnsupportedMediaType", "this stand-in takes merge patches only")
        return self._keep(key, merged(copy.deepcopy(self.cluster.objects[key]), json.loads(self.request.body)))

    def delete(self, version: str, namespace: str | None, plural: str, name: str) -> None:
        key = self.key(version, namespace, plural, name)
        if self.get_argument("dryRun", "") == "All":
            return self._answer(self.cluster.objects.get(key))
        self.cluster.changes.append(f"DELETE {plural}/{name}")
        return self._answer(self.cluster.remove(key))

    def _keep(self, key: tuple[str, str, str, str], doc: Doc) -> None:
        if self.get_argument("dryRun", "") == "All":
            return self._answer(doc)
        if key not in self.cluster.objects or doc != self.cluster.objects[key]:
            self.cluster.changes.append(f"{self.request.method} {key[1]}/{key[3]}")
        return self._answer(self.cluster.put(key, doc))

    def _answer(self, doc: Doc | None) -> None:
        if doc is None:
            return self._refuse(404, "NotFound", "not found")
        self.finish(doc)
        return None

    def _refuse(self, status: int, reason: str, message: str) -> None:
        self.set_status(status)
        self.finish({"kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": message})

    def _list(self, key: tuple[str, str, str, str]) -> None:
        labels = dict(each.split("=") for each in self.get_argument("labelSelector", "").split(",") if each)
        phases = [each.split("=")[1] for each in self.get_argument("fieldSelector", "").split(",") if each]
        found = [
            doc
            for other, doc in self.cluster.objects.items()
            if other[:3] == key[:3]
            and labels.items() <= doc["metadata"].get("labels", {}).items()
            and all(doc["status"]["phase"] == phase for phase in phases)
        ]
        self.finish({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": found})


class Logs(web.RequestHandler):
    """The handler of a pod's output."""

    def initialize(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def get(self, _namespace: str, name: str) -> None:
        self.finish(self.cluster.logs.get(name, ""))


class Exec(websocket.WebSocketHandler):
    """The handler of a command in a container: its output is on channels 1 and 2, its result on channel 3."""

    def initialize(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def check_origin(self, origin: str) -> bool:
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "v4.channel.k8s.io"

    async def open(self, _namespace: str, name: str) -> None:
        command = ["exec", self.cluster.container(name), *self.get_arguments("command")]
        done = await asyncio.to_thread(podman, *command)
        for channel, text in ((b"\1", done.stdout), (b"\2", done.stderr)):
            if text:
                await self.write_message(channel + text.encode(), binary=True)
        cause = {"causes": [{"reason": "ExitCode", "message": str(done.returncode)}]}
        status = {"status": "Failure", "reason": "NonZeroExitCode", "details": cause}
        ended = status if done.returncode else {"status": "Success"}
        await self.write_message(b"\3" + json.dumps(ended).encode(), binary=True)
        self.close()

    def on_message(self, message: str | bytes) -> None:
        """Ignore input: no command here gets any."""


def serve(cluster: Cluster, registry: Registry) -> tuple[str, str]:
    """Serve both in a thread of this process; return the URL of the cluster and the address of the registry."""
    begun = threading.Event()
    where = []

    async def run() -> None:
        inside, own = r"(?:/namespaces/([^/]+))?", {"cluster": cluster}
        names = r"/(deployments|cronjobs|jobs|networkpolicies|poddisruptionbudgets|pods|services|serviceaccounts)"
        api = r"/(?:api|apis)/(v1|[\w.]+/v1)"
        routes: list[Any] = [
            (r"/(version|api|apis|api/v1|apis/[\w.]+/v1)", Discovery),
            (r"/api/v1/namespaces/([^/]+)/pods/([^/]+)/exec", Exec, own),
            (r"/api/v1/namespaces/([^/]+)/pods/([^/]+)/log", Logs, own),
            (rf"{api}{inside}{names}(?:/([^/]+))?", Objects, own),
            (r"/api/(v1)()/(namespaces)(?:/([^/]+))?", Objects, own),
        ]
        sockets = netutil.bind_sockets(0, "127.0.0.1")
        httpserver.HTTPServer(web.Application(routes)).add_sockets(sockets)
        where.extend([f"http://127.0.0.1:{sockets[0].getsockname()[1]}", registry.serve()])
        begun.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
    if not begun.wait(BEGIN_SECONDS):
        raise TimeoutError(f"The cluster and its registry do not serve after {BEGIN_SECONDS} seconds.")
    return where[0], where[1]
