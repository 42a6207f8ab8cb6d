# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shared parts of the tests of autostop: its module, a Jupyter with given answers, and an idle instance."""

from __future__ import annotations

import importlib.util
import json
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import ROLE, Host, with_constants

SOURCE = ROLE / "files" / "datalab-autostop.py"
spec = importlib.util.spec_from_file_location("autostop", SOURCE)
assert spec is not None
assert spec.loader is not None
autostop = importlib.util.module_from_spec(spec)
spec.loader.exec_module(autostop)

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
UPTIME = 100_000.0

HOUR = 3600
OPTIONS = {"limit": HOUR, "maximum": 0, "no_answer": 2 * HOUR, "ignore_connections": True, "observe": False}

ARN = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/datalab-alice"
REGION = "--region|eu-central-1|--output|text"
LIST_TAGS = f"sagemaker|list-tags|--resource-arn|{ARN}|--query|join('/',[Tags[?Key=='idle'].Value|[0]||''])|{REGION}"
LOG = "--log-group-name|/aws/sagemaker/NotebookInstances|--log-stream-name|datalab-alice/autostop"
CREATE_LOG = f"logs|create-log-stream|{LOG}|{REGION}"
STOP = f"sagemaker|stop-notebook-instance|--notebook-instance-name|datalab-alice|{REGION}"


def ago(seconds: float) -> str:
    """A timestamp as Jupyter writes it, this long before NOW."""
    return datetime.fromtimestamp(NOW - seconds, UTC).isoformat().replace("+00:00", "Z")


def kernel(idle: float = 0, state: str = "idle", connections: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": "k1", "name": "python3", "last_activity": ago(idle), "execution_state": state, "connections": connections,
        **more,
    }  # fmt: skip


def session(of: Any) -> dict[str, Any]:
    return {"id": "s1", "path": "teams/fraud/train.ipynb", "type": "notebook", "kernel": of}


def rounded(text: str) -> str:
    """The text with its seconds rounded to thousands, since a test may take some seconds."""
    return re.sub(r",0\d\d s\b", ",000 s", text)


def write_process(directory: Path, name: str, group: str, cpu: int, moved: int) -> None:
    """Write the files of a process in /proc. `cpu` is in hundredths of a second, half of it of children that ended."""
    directory.mkdir(parents=True)
    fields = ["S", "1", "7", "7", "0", "-1", *["0"] * 5, str(cpu - cpu // 2), "0", str(cpu // 2), "0", *["0"] * 4, "1"]
    (directory / "stat").write_text(f"{directory.name} ({name}) {' '.join(fields)} 0 0\n")
    (directory / "cgroup").write_text(f"0::{group}\n")
    (directory / "io").write_text(f"rchar: {moved - moved // 2}\nwchar: {moved // 2}\nsyscr: 9\nread_bytes: 99999999\n")


class Jupyter:
    """A server with a self-signed certificate and given answers; bytes are sent as they are."""

    def __init__(self, certificate: Path) -> None:
        self.lists: dict[str, Any] = {"sessions": [], "kernels": []}
        self.status = 200
        self.asked: list[str] = []
        jupyter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                jupyter.asked.append(self.path)
                answer = jupyter.lists.get(self.path.split("?")[0].removeprefix("/api/"))
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(404 if answer is None else jupyter.status)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a self-signed certificate."""
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    write_certificate(file)
    return file


def write_certificate(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=2))
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip


@contextmanager
def serving(certificate: Path) -> Iterator[Jupyter]:
    """Run a Jupyter server without sessions."""
    jupyter = Jupyter(certificate)
    thread = threading.Thread(target=jupyter.server.serve_forever)
    thread.start()
    yield jupyter
    jupyter.server.shutdown()
    thread.join()
    jupyter.server.server_close()


@pytest.fixture
def jupyter(certificate: Path) -> Iterator[Jupyter]:
    with serving(certificate) as jupyter:
        yield jupyter


class Instance:
    """An instance with an AWS CLI that records its calls, and only the programs that a test adds.

    The files of the start are installed. Notices are only recorded.
    """

    def __init__(self, host: Host, program: str, port: int) -> None:
        self.host = host
        self.program = program
        self.options = {**OPTIONS, "limit": 5, "no_answer": 5}
        self.port = port
        self.installed = host.root / "usr/local/libexec/datalab"
        self.hooks = self.installed / "before-stop.d"
        self.proc = host.root / "proc"
        self.terminals = host.root / "dev/pts"
        self.state = host.root / "var/lib/datalab/autostop.json"
        metadata = host.root / "opt/ml/metadata/resource-metadata.json"
        for directory in (self.hooks, self.proc, self.terminals, self.state.parent, metadata.parent):
            directory.mkdir(parents=True, exist_ok=True)
        metadata.write_text(json.dumps({"ResourceArn": ARN, "ResourceName": "datalab-alice"}))
        self.notices = host.stub("run", f'[ "$1" = notice ] || exec {self.installed}/run "$@"')
        self.calls = host.stub("aws")
        self.aws()
        self.tag("")
        self.remember(active=36_000)

    def aws(self, stopping: str = ":", listing: str = 'cat "$0.tag"') -> None:
        """Set what the AWS CLI does."""
        self.host.stub("aws", f"case $2 in list-tags) {listing} ;; stop*) {stopping} ;; esac")

    def tag(self, value: str) -> None:
        """Set the value of the tag `idle`."""
        (self.host.stubs / "aws.tag").write_text(f"{value}\n")

    def remember(self, **memory: Any) -> None:
        """Set the memory of the last tick, five minutes ago. Times are in seconds before now."""
        now = int(time.clock_gettime(time.CLOCK_BOOTTIME))
        memory = {key: now - value if isinstance(value, int) else value for key, value in memory.items()}
        self.state.write_text(json.dumps({"now": now - 300, **memory}))

    @property
    def memory(self) -> dict[str, Any]:
        memory: dict[str, Any] = json.loads(self.state.read_text())
        return memory

    @property
    def python_constants(self) -> dict[str, object]:
        """The paths of this instance for autostop.py, and lower limits of work, so that tests are quick."""
        return {
            "RUN": str(self.host.stubs / "run"),
            "STATE": str(self.state),
            "PROC": str(self.proc),
            "TERMINALS": str(self.terminals),
            "PORT": self.port,
            "CPU": 100,
        }

    def install(self, **options: object) -> None:
        """Install the programs that the start installs."""
        settings = json.dumps({**self.options, **options})
        self.host.write_program(with_constants(self.program, AUTOSTOP_OPTIONS=f"'{settings}'"))
        constants = {name: repr(value) for name, value in self.python_constants.items()}
        (self.installed / "autostop.py").write_text(with_constants(SOURCE.read_text(), **constants))

    @property
    def command(self) -> list[str]:
        return [str(self.installed / "run"), "autostop"]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9",
            "REQUESTS_CA_BUNDLE": "/nonexistent", "CURL_CA_BUNDLE": "/nonexistent", "SSL_CERT_FILE": "/nonexistent",
        }  # fmt: skip

    def tick(self, *arguments: str, expect: int = 0, **options: object) -> str:
        """Run autostop, and return its output without the line that it also logs."""
        self.install(**options)
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == expect, done.stderr
        return "".join(line for line in rounded(done.stdout).splitlines(keepends=True) if not line.startswith("{"))

    def called(self) -> list[str]:
        """The calls of the AWS CLI, except those that log."""
        return [call for call in self._calls() if not call.startswith("logs|")]

    def logged(self) -> list[Any]:
        """The lines in CloudWatch Logs."""
        put = [call.split("|") for call in self._calls() if call.startswith(f"logs|put-log-events|{LOG}|--log-events|")]
        return [json.loads(event["message"]) for call in put for event in json.loads(call[7])]

    def _calls(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def told(self) -> list[str]:
        """The notices to the person."""
        return [line for line in rounded(self.notices.read_text()).splitlines() if line.startswith("notice|")]


@pytest.fixture
def instance(host: Host, jupyter: Jupyter, scripts: dict[str, dict[str, str]]) -> Instance:
    """An instance that has been idle for ten hours."""
    return Instance(host, scripts["only autostop"]["on-start-unpacked.sh"], jupyter.port)
