# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When autostop stops an instance: the decision as a table, and whole ticks against a Jupyter and an AWS CLI."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import ROLE, Host

Scripts = dict[str, dict[str, str]]

SOURCE = ROLE / "files" / "autostop.py"
spec = importlib.util.spec_from_file_location("autostop", SOURCE)
assert spec is not None
assert spec.loader is not None
autostop = importlib.util.module_from_spec(spec)
sys.modules["autostop"] = autostop  # where dataclasses look for annotations
spec.loader.exec_module(autostop)

NOW = 1_800_000_000.0


def ago(seconds: float) -> str:
    """A timestamp as Jupyter writes it, that much before NOW."""
    return datetime.fromtimestamp(NOW - seconds, UTC).isoformat().replace("+00:00", "Z")


def kernel(idle: float = 0, state: str = "idle", connections: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": "k1", "name": "python3", "last_activity": ago(idle), "execution_state": state, "connections": connections,
        **more,
    }  # fmt: skip


def session(of: dict[str, Any] | None) -> dict[str, Any]:
    return {"id": "s1", "path": "teams/fraud/train.ipynb", "type": "notebook", "kernel": of}


@dataclass(frozen=True)
class Case:
    """What is so on an instance that started ten hours ago, and what autostop says to it."""

    name: str
    expect: str
    stop: bool = False
    sessions: list[dict[str, Any]] = field(default_factory=list)
    kernels: list[dict[str, Any]] = field(default_factory=list)
    terminals: list[dict[str, Any]] = field(default_factory=list)
    remembered: float = 36_000  # seconds ago
    started: float = 36_000
    first_tick: float = 36_000
    tag: str | None = None
    default: int = 3600
    count_connections: bool = False


CASES = [
    Case("nothing was ever done", "idle 36,000 s > 3,600 s (default): stop", stop=True),
    Case("just started", "idle 10 s <= 3,600 s (default): keep", started=10),
    Case("a container on a machine that has long been up", "idle 10 s <= 3,600 s (default): keep", first_tick=10),
    Case("exactly at the limit", "idle 3,600 s <= 3,600 s (default): keep", kernels=[kernel(3600)]),
    Case("a second after it", "idle 3,601 s > 3,600 s (default): stop", stop=True, kernels=[kernel(3601)]),
    Case("an idle notebook", "idle 3,720 s > 3,600 s (default): stop", stop=True, sessions=[session(kernel(3720))]),
    Case("a busy kernel beats every clock", "teams/fraud/train.ipynb is computing: keep",
         sessions=[session(kernel(90_000, "busy"))], kernels=[kernel(90_000, "busy")], tag="1"),
    Case("a busy kernel without a notebook", "python3 is computing: keep", kernels=[kernel(90_000, "busy")]),
    Case("one of two is busy", "python3 is computing: keep",
         sessions=[session(kernel(90_000))], kernels=[kernel(90_000), kernel(90_000, "busy", id="k2")]),
    Case("a kernel that nobody connected to stays starting", "idle 7,200 s > 3,600 s (default): stop", stop=True,
         kernels=[kernel(7200, "starting")]),
    Case("a session without a kernel", "idle 36,000 s > 3,600 s (default): stop", stop=True, sessions=[session(None)]),
    Case("a kernel without a timestamp", "idle 36,000 s > 3,600 s (default): stop", stop=True,
         kernels=[kernel(last_activity=None)]),
    Case("a terminal in use", "idle 60 s <= 3,600 s (default): keep",
         terminals=[{"name": "1", "last_activity": ago(60)}]),
    Case("the latest of all activities counts", "idle 600 s <= 3,600 s (default): keep",
         sessions=[session(kernel(90_000))], kernels=[kernel(90_000), kernel(600, id="k2")],
         terminals=[{"name": "1", "last_activity": ago(50_000)}]),
    Case("a notebook that was closed is remembered", "idle 120 s <= 3,600 s (default): keep", remembered=120),
    Case("a clock that runs ahead", "idle 0 s <= 3,600 s (default): keep", kernels=[kernel(-500)]),
    Case("an open notebook is nothing by default", "idle 7,200 s > 3,600 s (default): stop", stop=True,
         sessions=[session(kernel(7200, connections=2))]),
    Case("an open notebook counts if wanted", "teams/fraud/train.ipynb is open in a browser: keep",
         sessions=[session(kernel(90_000, connections=1))], count_connections=True),
    Case("a notebook that is not open does not", "idle 7,200 s > 3,600 s (default): stop", stop=True,
         sessions=[session(kernel(7200, connections=0))], count_connections=True),
    Case("the tag allows more", "idle 36,000 s <= 40,000 s (tag): keep", tag="40000"),
    Case("the tag allows less", "idle 700 s > 600 s (tag): stop", stop=True, remembered=700, tag=" 600 "),
    Case("the tag says never", "idle 36,000 s, no limit (tag): keep", tag="Never"),
    Case("the tag says 0", "idle 36,000 s, no limit (tag): keep", tag="0"),
    Case("no default, no tag", "idle 36,000 s, no limit (default): keep", default=0),
    Case("no default, but a tag", "idle 36,000 s > 600 s (tag): stop", stop=True, default=0, tag="600"),
    *(
        Case(f"a tag that is nonsense: {tag!r}", f"(default: the tag idle={tag} is no number of seconds): stop",
             stop=True, tag=tag)
        for tag in ("1h", "", "-5", "3600.0", "1e9", "²")
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_decision(case: Case) -> None:
    activity = autostop.observe(case.sessions, case.kernels, case.terminals, case.count_connections)
    memory = autostop.Memory(NOW - case.first_tick, NOW - case.remembered)
    idle = autostop.idle_seconds(activity, memory, NOW - case.started, NOW)
    verdict = autostop.decide(activity, idle, autostop.limit_of(case.tag, case.default))
    assert verdict.stop is case.stop
    assert verdict.reason.endswith(case.expect)


@pytest.mark.parametrize(
    "timestamp",
    ["2027-01-15T08:00:00Z", "2027-01-15T08:00:00.000000Z", "2027-01-15T08:00:00.999999Z", "2027-01-15T08:00:00+00:00"],
)
def test_timestamps_with_and_without_microseconds(timestamp: str) -> None:
    assert autostop.moment(timestamp) == NOW


def test_it_runs_on_the_python_of_the_image() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 9))
    imports = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imports += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in imports} <= sys.stdlib_module_names


class Jupyter:
    """A server with a self-signed certificate that lists what it is told."""

    def __init__(self, certificate: Path) -> None:
        self.lists: dict[str, Any] = {"sessions": [], "kernels": [], "terminals": []}
        self.asked: list[str] = []
        jupyter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                jupyter.asked.append(self.path)
                content = json.dumps(jupyter.lists[self.path.split("?")[0].removeprefix("/api/")]).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=2))
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return file


@pytest.fixture
def jupyter(certificate: Path) -> Iterator[Jupyter]:
    """A Jupyter with nothing in it."""
    jupyter = Jupyter(certificate)
    thread = threading.Thread(target=jupyter.server.serve_forever)
    thread.start()
    yield jupyter
    jupyter.server.shutdown()
    thread.join()
    jupyter.server.server_close()


ARN = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/datalab-alice"
LIST_TAGS = f"sagemaker|list-tags|--resource-arn|{ARN}|--region|eu-central-1|--output|json"
STOP = "sagemaker|stop-notebook-instance|--notebook-instance-name|datalab-alice|--region|eu-central-1|--output|json"


class Instance:
    """An instance that was started long ago, with an AWS CLI that notes how it is called."""

    def __init__(self, host: Host, jupyter: Jupyter) -> None:
        self.host, self.jupyter = host, jupyter
        self.state = host.root / "state.json"
        self.metadata = host.root / "resource-metadata.json"
        self.metadata.write_text(json.dumps({"ResourceArn": ARN, "ResourceName": "datalab-alice"}))
        self.notices = host.stub("notice")
        self.calls = host.stub("aws", 'case $2 in list-tags) cat "$0.tags" || exit 254 ;; esac')
        self.tags({"owner": "alice"})
        self.remember(first_tick=0)

    def tags(self, tags: dict[str, str]) -> None:
        """What list-tags answers."""
        file = self.host.stubs / "aws.tags"
        file.write_text(json.dumps({"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}))

    def remember(self, **memory: Any) -> None:
        self.state.write_text(json.dumps(memory))

    @property
    def memory(self) -> dict[str, Any]:
        memory: dict[str, Any] = json.loads(self.state.read_text())
        return memory

    def tick(self, *options: str, expect: int = 0) -> str:
        """Runs autostop, and returns what it says."""
        command = [sys.executable, str(SOURCE), "--state", str(self.state), "--metadata", str(self.metadata)]
        command += ["--jupyter", self.jupyter.url, "--notice", str(self.host.stubs / "notice"), *options]
        hostile = {
            "PATH": f"{self.host.stubs}:{os.environ['PATH']}",
            "https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9",
            "REQUESTS_CA_BUNDLE": "/nonexistent", "CURL_CA_BUNDLE": "/nonexistent", "SSL_CERT_FILE": "/nonexistent",
        }  # fmt: skip
        done = subprocess.run(command, env=hostile, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stderr
        return done.stdout

    def called(self) -> list[str]:
        """The calls of the AWS CLI."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def told(self) -> list[str]:
        """What the owner was told."""
        return self.notices.read_text().splitlines() if self.notices.exists() else []


@pytest.fixture
def instance(host: Host, jupyter: Jupyter) -> Instance:
    """An instance that is idle."""
    return Instance(host, jupyter)


def test_an_idle_instance_is_stopped_and_its_owner_told_why(instance: Instance) -> None:
    said = instance.tick("--limit", "5")
    assert said.endswith(" s > 5 s (default): stop\n")
    assert instance.jupyter.asked == [
        f"/api/{what}?no_track_activity=1" for what in ("sessions", "kernels", "terminals")
    ]
    assert instance.called() == [LIST_TAGS, STOP]
    (notice,) = instance.told()
    assert notice.startswith("notice|stopped|20")
    assert f" UTC, autostop: {said.strip()}. Your files are all here." in notice
    assert "tag `idle`" in notice


def test_a_dry_run_only_says_what_it_would_do(instance: Instance) -> None:
    before = instance.memory
    assert instance.tick("--limit", "5", "--dry-run").endswith(": stop\n")
    assert instance.called() == [LIST_TAGS]
    assert instance.told() == []
    assert instance.memory == before


def test_the_tag_wins(instance: Instance) -> None:
    instance.tags({"owner": "alice", "idle": "never"})
    assert instance.tick("--limit", "5").endswith(" no limit (tag): keep\n")
    assert instance.called() == [LIST_TAGS]
    instance.tags({"idle": "6"})
    assert instance.tick("--limit", "0").endswith(" > 6 s (tag): stop\n")
    assert instance.called() == [LIST_TAGS, LIST_TAGS, STOP]


def test_aws_is_not_asked_while_somebody_works(instance: Instance) -> None:
    instance.jupyter.lists["sessions"] = [session(kernel(90_000, "busy"))]
    assert instance.tick("--limit", "5") == "teams/fraud/train.ipynb is computing: keep\n"
    instance.jupyter.lists["sessions"] = []
    assert instance.tick("--limit", "5") == "idle 0 s <= 5 s (default): keep\n"
    assert instance.called() == []


def test_a_tag_that_cannot_be_read_is_as_it_was(instance: Instance) -> None:
    (instance.host.stubs / "aws.tags").unlink()
    instance.remember(first_tick=0, tag="never")
    said = instance.tick("--limit", "5")
    assert " no limit (tag): keep [tags not readable: cat: " in said
    assert instance.memory["tag"] == "never"
    instance.remember(first_tick=0)
    assert " > 5 s (default): stop [tags not readable: " in instance.tick("--limit", "5")


def test_the_first_tick_starts_the_clock(instance: Instance) -> None:
    instance.state.unlink()
    assert instance.tick("--limit", "5") == "idle 0 s <= 5 s (default): keep\n"
    assert instance.memory["first_tick"] == pytest.approx(time.time(), abs=60)
    instance.state.write_text("not JSON")
    assert instance.tick("--limit", "5") == "idle 0 s <= 5 s (default): keep\n"


def test_a_jupyter_that_does_not_answer_stops_nothing(instance: Instance) -> None:
    instance.jupyter.lists = {}
    said = instance.tick("--limit", "5", "--jupyter", "https://localhost:1")
    assert said.startswith("Jupyter does not answer (")
    assert said.endswith("): keep\n")
    assert instance.called() == []


def test_an_instance_that_cannot_be_stopped_says_so(instance: Instance) -> None:
    instance.host.stub("aws", 'case $2 in list-tags) cat "$0.tags" ;; *) echo AccessDenied >&2; exit 254 ;; esac')
    instance.tick("--limit", "5", expect=1)
    assert instance.called() == [LIST_TAGS, STOP]
    assert "please stop the instance yourself" in instance.told()[-1]
    assert "AccessDenied" in instance.told()[-1]


def test_without_systemd_cron_runs_what_the_start_installed(host: Host, scripts: Scripts, jupyter: Jupyter) -> None:
    (host.root / "etc/cron.d").mkdir(parents=True)
    script = scripts["only autostop"]["on-start.sh"].replace("IDLE_LIMIT=3600", "IDLE_LIMIT=5")
    host.install(script).start()
    assert host.status == {"autostop": "ok"}
    *when, _user, program, function = (host.root / "etc/cron.d/datalab-autostop").read_text().split()
    assert " ".join(when) == "*/5 * * * *"
    instance = Instance(host, jupyter)
    state = host.root / "var/lib/datalab/autostop.json"
    state.write_text('{"first_tick": 0}')
    assert program == str(host.root / "usr/local/libexec/datalab/run")
    host.run(function, "--metadata", str(instance.metadata), "--jupyter", jupyter.url)
    assert instance.called() == [LIST_TAGS, STOP]
    assert "Your files are all here." in host.notice


def test_an_open_notebook_counts_if_the_configuration_says_so(host: Host, scripts: Scripts, jupyter: Jupyter) -> None:
    (host.root / "etc/cron.d").mkdir(parents=True)
    host.install(scripts["strict"]["on-start.sh"].replace("STEPS=(", "STEPS=(autostop) # (")).start()
    jupyter.lists["kernels"] = [kernel(90_000, connections=1)]
    metadata = Instance(host, jupyter).metadata
    said = host.run("autostop", "--metadata", str(metadata), "--jupyter", jupyter.url, "--dry-run")
    assert said == "python3 is open in a browser: keep\n"


def test_with_systemd_a_timer_runs_it_every_five_minutes(host: Host, scripts: Scripts) -> None:
    for directory in ("run/systemd/system", "etc/systemd/system"):
        (host.root / directory).mkdir(parents=True)
    calls = host.stub("systemctl")
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    units = host.root / "etc/systemd/system"
    assert "OnUnitActiveSec=300\n" in (units / "datalab-autostop.timer").read_text()
    assert (
        f"ExecStart={host.root}/usr/local/libexec/datalab/run autostop\n"
        in (units / "datalab-autostop.service").read_text()
    )
    assert calls.read_text() == "daemon-reload\nstart|datalab-autostop.timer\n"


def test_without_a_clock_there_is_a_notice(host: Host, scripts: Scripts) -> None:
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    assert host.status == {"autostop": "failed"}
    assert "please stop it when you are done" in host.notice
