# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbook deploy: a delivered project runs as a pod that answers as the notebook did, or is rolled back.

The cluster is a stand-in, cluster.py; image, pod and client are real.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from datalab_deliver import deliver, lock
from datalab_deliver.order import Order

from tests.tools import containers

from .cluster import Cluster, podman, serve
from .corpus import FOLDER, read
from .registry import Registry

BIN = Path(sys.executable).parent
MOST_MEGABYTES = 200  # of the image, beyond its base
NAME = "complaints"
SPACE = "complaints-staging"


class Team:
    """A development team: its projects, its cluster, and how it deploys."""

    def __init__(self, folder: Path, base: str, cluster: Cluster) -> None:
        self.folder, self.base, self.cluster = folder, base, cluster
        self.registry = Registry()
        self.url, self.images = serve(cluster, self.registry)

    def deploy(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        self.cluster.changes.clear()
        facts: dict[str, object] = {
            "deploy_overlay": "staging",
            "deploy_timeout": "60",
            "deploy_kubernetes": {"host": self.url, "api_key": "none"},
            **settings,
        }
        command = [str(BIN / "ansible-playbook"), "datalab.notebooks.deploy", "-e", json.dumps(facts), *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def build(self, project: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return self.deploy(deploy_project=project, deploy_base=self.base, **settings)

    @property
    def pod(self) -> str:
        pods = [doc["metadata"] for key, doc in self.cluster.objects.items() if key[1:3] == ("pods", SPACE)]
        (name,) = (about["name"] for about in pods if "deletionTimestamp" not in about)
        return str(name)

    def inspect(self, template: str) -> str:
        return podman("inspect", "--format", template, self.cluster.container(self.pod)).stdout.strip()


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Return a team with two projects: one notebook as a service and as a job."""
    containers.check()
    os.environ.update(containers.prepare())
    folder = tmp_path_factory.mktemp("team")
    notebook = read(FOLDER / "complaints.notebook").write(folder / "notebooks")
    for kind in ("service", "job"):
        order = Order(notebook, ["by_kind", "worst_day"], folder / kind, kind=kind)
        deliver.deliver(order, lambda text: None, lock.text)
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", "")
        patch.setenv("TMPDIR", str(cluster.folder))  # where the client caches the cluster's discovery
        yield Team(folder, os.environ["DATALAB_SITE_IMAGE"], cluster)
    cluster.end()
    for name in (NAME, "half"):
        for image in podman("images", "--quiet", f"--filter=reference=*/{name}").stdout.split():
            podman("rmi", "--force", image)


def recap(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert "PLAY RECAP" in done.stdout, done.stdout + done.stderr
    return {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", done.stdout.rpartition("PLAY RECAP")[2])}


def megabytes(image: str) -> float:
    return int(podman("image", "inspect", "--format", "{{.Size}}", image).stdout) / 1e6


def test_a_service(team: Team):
    checked = team.deploy("--check", deploy_project="service", deploy_base=team.base)
    assert recap(checked)["failed"] == 0, checked.stdout
    assert "Deployment" in checked.stdout
    assert team.cluster.changes == []

    begun = time.monotonic()
    first = team.build("service")
    seconds = time.monotonic() - begun
    assert recap(first)["failed"] == 0, first.stdout
    image = team.inspect("{{.ImageName}}")
    print(f"| {seconds:.0f} s to a pod that answers, {megabytes(image) - megabytes(team.base):.0f} MB above the base |")
    assert megabytes(image) - megabytes(team.base) < MOST_MEGABYTES
    assert "PATCH" not in "".join(team.cluster.changes)

    again = team.build("service")
    assert recap(again)["changed"] == 0, again.stdout
    assert team.cluster.changes == []


def test_what_the_pod_may(team: Team):
    assert team.inspect("{{.Config.User}}") == "10001:10001"
    assert team.inspect("{{.HostConfig.ReadonlyRootfs}}") == "true"
    status = podman("exec", team.cluster.container(team.pod), "cat", "/proc/self/status").stdout
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {facts[name] for name in ("CapPrm", "CapEff", "CapBnd")} == {"0000000000000000"}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert set(facts["Uid"].split()) == {"10001"}
    assert podman("exec", team.cluster.container(team.pod), "touch", "/app/x").returncode
    assert podman("exec", team.cluster.container(team.pod), "touch", "/tmp/x").returncode == 0  # noqa: S108 - in the pod


def test_a_process_that_is_killed_starts_again(team: Team):
    name, before = team.cluster.container(team.pod), team.inspect("{{.State.Pid}}")
    os.kill(int(before), 9)
    ask = "until /app/bin/python -c 'from urllib.request import urlopen as u; u(\"http://127.0.0.1:8080/readyz\")'"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if podman("exec", name, "timeout", "20", "sh", "-c", f"{ask}; do sleep 0.2; done").returncode == 0:
            break
    assert team.inspect("{{.State.Pid}}") not in {before, "0"}


def test_a_wrong_answer_is_taken_back(team: Team):
    running = team.inspect("{{.ImageName}}")
    wrong = team.folder / "wrong"
    shutil.copytree(team.folder / "service", wrong)
    pipeline = wrong / "src" / NAME / "pipeline.py"
    pipeline.write_text(pipeline.read_text().replace('"noise"', '"water"'))

    checked = team.deploy("--check", "--diff", deploy_project="wrong", deploy_base=team.base)
    assert recap(checked)["changed"] == 1, checked.stdout
    assert re.search(rf'^-\s+"image": "{re.escape(running)}"', checked.stdout, re.MULTILINE), checked.stdout
    assert team.cluster.changes == []

    # A change that alters no answer is kept, although the old pod still answers while the new one is asked.
    other = team.folder / "other"
    shutil.copytree(team.folder / "service", other)
    (other / "README.md").write_text("# Other words\n")
    assert recap(team.build("other"))["failed"] == 0
    running = team.inspect("{{.ImageName}}")

    done = team.build("wrong")
    assert recap(done)["failed"] == 1
    assert (
        "complaints was put back to what ran before, because its answer is not the notebook's: worst_day"
        in " ".join(done.stdout.split())
    )
    assert team.inspect("{{.ImageName}}") == running
    assert recap(team.build("other"))["changed"] == 0


def test_a_pod_that_does_not_start(team: Team):
    running = team.inspect("{{.ImageName}}")
    done = team.deploy(deploy_project="service", deploy_image="localhost/nosuch:1.0", deploy_timeout="5")
    assert recap(done)["failed"] == 1
    assert "complaints was put back to what ran before, because" in " ".join(done.stdout.split())
    assert team.inspect("{{.ImageName}}") == running


def test_a_registry(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A pushed image is pulled and run by its digest."""
    config = tmp_path / "registries.conf"
    config.write_text(f'[[registry]]\nlocation = "{team.images}"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(config))
    done = team.build("service", deploy_registry=f"{team.images}/team")
    assert recap(done)["failed"] == 0, done.stdout
    name, _, digest = team.inspect("{{.ImageName}}").partition("@")
    assert name == f"{team.images}/team/{NAME}"
    assert digest in team.registry.kept
    assert recap(team.build("service", deploy_registry=f"{team.images}/team"))["changed"] == 0


def test_a_function(team: Team):
    """The artifacts are computed while the image is built, and the code that computes them is not in the image."""
    case = read(Path(__file__).parent / "calls" / "half.notebook")
    path, target = case.write(team.folder / "functions"), team.folder / "function"
    deliver.deliver(Order(path, [], target, "service", call="half"), lambda text: None, lock.text)
    done = team.build("function")
    assert recap(done)["failed"] == 0, done.stdout
    (pod,) = (
        doc["metadata"]["name"] for key, doc in team.cluster.objects.items() if key[1:3] == ("pods", "half-staging")
    )
    name = team.cluster.container(pod)
    request = (
        "Request('http://127.0.0.1:8080/half', b'{\"x\": 4.5, \"power\": 2}', {'Content-Type': 'application/json'})"
    )
    program = f"from urllib.request import Request, urlopen; print(urlopen({request}).read().decode())"
    asked = podman("exec", name, "/app/bin/python", "-c", program)
    assert json.loads(asked.stdout) == {"half": {"distance": 4.0, "name": "two"}}, asked.stderr
    there = podman(
        "exec", name, "sh", "-c", "ls /artifacts /app/bin /app/lib/python*/site-packages/half /data"
    ).stdout.split()
    assert {"manifest.json", "middle.json", "names.pickle", "half-service", "serving.py"} <= set(there)
    assert not {"pipeline.py", "train.py", "half-train"} & set(there)


def test_a_job(team: Team):
    wrong = team.folder / "wrong-job"
    shutil.copytree(team.folder / "job", wrong)
    pipeline = wrong / "src" / NAME / "pipeline.py"
    pipeline.write_text(pipeline.read_text().replace('"noise"', '"water"'))
    done = team.build("wrong-job", deploy_overlay="production")
    assert "complaints was removed again, because its answer is not the notebook's: worst_day" in " ".join(
        done.stdout.split()
    )
    assert not [key for key in team.cluster.objects if key[1:3] in {("jobs", NAME), ("cronjobs", NAME)}]

    done = team.build("job", deploy_overlay="production")
    assert recap(done)["failed"] == 0, done.stdout
    kinds = {key[1] for key in team.cluster.objects if key[2] == NAME}
    assert "cronjobs" in kinds
    assert not kinds & {"jobs", "pods"}
