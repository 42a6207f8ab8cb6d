# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""python -m sandbox: start, stop, status and reset, also after crashes and beside other programs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from http.client import IncompleteRead
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.tools.account import make_role

ROOT = Path(__file__).resolve().parents[2]
INSTANCE = {"InstanceType": "ml.t3.medium", "RoleArn": "arn:aws:iam::123456789012:role/notebooks"}


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def command(state):
    """Run `python -m sandbox` with a state directory of its own; stop the server at the end."""

    class Command:
        def begin(self, name, *options, **environment):
            return subprocess.Popen(
                [sys.executable, "-m", "sandbox", name, "--state-dir", str(state), *options],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

        def __call__(self, name, *options, **environment):
            process = self.begin(name, *options, **environment)
            output, errors = process.communicate(timeout=60)
            assert not errors
            return process.returncode, output

    run = Command()
    yield run
    run("stop")


def is_alive(pid):
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except (ProcessLookupError, FileNotFoundError):
        return False


def endpoint(state):
    (line,) = (state / "endpoint").read_text().splitlines()
    return line


def test_a_sandbox_from_start_to_stop(command, state, client_for):
    assert command("status") == (3, "The sandbox is not running.\n")
    code, output = command("start", "--port", "0", "--transition-seconds", "60")
    assert code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", endpoint(state))
    exports = dict(line.removeprefix("export ").split("=", 1) for line in output.splitlines()[1:])
    assert exports == Sandbox(endpoint(state)).environment
    assert exports["AWS_ENDPOINT_URL"] == exports["AWS_URL"] == endpoint(state)

    pid = (state / "pid").read_text()
    assert int(pid) == Sandbox(endpoint(state)).status()["pid"]
    code, output = command("start")
    assert (code, f"already running at {endpoint(state)}" in output) == (0, True)
    assert (state / "pid").read_text() == pid

    make_role(client_for("iam", endpoint(state)), INSTANCE["RoleArn"])
    client_for("sagemaker", endpoint(state)).create_notebook_instance(NotebookInstanceName="alice", **INSTANCE)
    code, output = command("status")
    assert (code, output) == (0, f"The sandbox is running at {endpoint(state)}.\nNotebook instances: 1 Pending\n")
    assert command("reset") == (0, "")
    assert "Notebook instances: none" in command("status")[1]
    assert "CreateNotebookInstance 200" in (state / "log").read_text()

    assert command("stop") == (0, "")
    assert not is_alive(int(pid))
    assert not (state / "endpoint").exists()
    assert not (state / "pid").exists()
    assert command("status")[0] == 3
    assert command("stop") == (0, "")


def test_the_port_that_is_asked_for_unless_it_is_taken(command, state):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert command("start", "--port", str(port))[0] == 0
        assert not endpoint(state).endswith(f":{port}")
        command("stop")
    assert command("start", "--port", str(port))[0] == 0
    assert endpoint(state).endswith(f":{port}")


def test_it_listens_on_one_address_only(server):
    port = int(server.endpoint.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_crash_is_recovered_from(command, state, eventually):
    command("start", "--port", "0")
    pid = int((state / "pid").read_text())
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: command("status")[0] == 3)
    assert not (state / "endpoint").exists()
    assert "already" not in command("start", "--port", "0")[1]
    assert int((state / "pid").read_text()) != pid


def test_a_server_that_is_told_to_end_leaves_no_endpoint_behind(command, state, eventually):
    command("start", "--port", "0")
    os.kill(int((state / "pid").read_text()), signal.SIGTERM)
    eventually(lambda: not (state / "endpoint").exists() and not (state / "pid").exists())


def test_a_process_id_that_another_program_has_now(command, state):
    other = subprocess.Popen(["sleep", "60"])
    try:
        state.mkdir()
        (state / "pid").write_text(f"{other.pid}\n")
        (state / "endpoint").write_text("http://127.0.0.1:9\n")
        assert command("stop") == (0, "")
        (state / "pid").write_text(f"{other.pid}\n")
        (state / "endpoint").write_text("http://127.0.0.1:9\n")
        assert command("status")[0] == 3
        assert "already" not in command("start", "--port", "0")[1]
        command("stop")
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_two_starts_at_once_make_one_sandbox(command, state):
    both = [command.begin("start", "--port", "0") for _ in "12"]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all(endpoint(state) in output for output in outputs)


def test_a_proxy_in_the_environment_is_not_asked(command):
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:9")
    unset = dict.fromkeys(("no_proxy", "NO_PROXY"), "")
    code, output = command("start", "--port", "0", **proxies, **unset)
    assert (code, "export NO_PROXY=127.0.0.1,localhost\n" in output) == (0, True)
    assert command("status", **proxies, **unset)[0] == 0


def test_the_account_is_the_usual_one_whatever_the_credentials(command, state, client_for):
    code, output = command("start", "--port", "0", AWS_PROFILE="none", MOTO_ACCOUNT_ID="210987654321")
    assert (code, "unset AWS_PROFILE\n" in output) == (0, True)
    assert client_for("sts", endpoint(state)).get_caller_identity()["Account"] == "123456789012"


def test_a_sandbox_of_ones_own_ends_with_its_owner(eventually):
    owner = "import sandbox, time\nwith sandbox.running() as own:\n  print(own.endpoint, flush=True)\n  time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", owner], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    own = Sandbox(process.stdout.readline().strip())
    assert own.status()["instances"] == {}
    process.kill()
    process.communicate()

    def is_gone():
        try:
            return not own.status()
        except (ConnectionError, IncompleteRead):  # the server ends while it answers
            return True

    assert eventually(is_gone)
