# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command in a terminal of a real Jupyter server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.terminal import Done, run

TOKEN = "1234"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, with a name like those of instances of the sandbox."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "port": port,
        "port_retries": 0,
        "root_dir": home,
        "allow_remote_access": True,
        "disable_check_xsrf": True,  # no page of this server gives an XSRF token
        "terminado_settings": '{"shell_command": ["bash", "--norc"]}',
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--IdentityProvider.token={TOKEN}"]
        + [f"--ServerApp.{name}={value}" for name, value in options.items()],
        env={**os.environ, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home), "JUPYTER_RUNTIME_DIR": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=10).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield f"http://datalab-alice.notebook.localhost:{port}/?token="
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize(
    ("command", "done"),
    [
        (["echo", "it's", "$HOME a  b", "*"], Done(0, "it's $HOME a  b *")),
        (["sh", "-c", "echo one; echo two >&2; exit 7"], Done(7, "one\ntwo")),
        (["sh", "-c", "cat; test -t 1 || echo no screen"], Done(0, "no screen")),
        (["printf", "%0300d", "1"], Done(0, f"{1:0300}")),
        (["seq", "-s", "\n", "1", "30000"], Done(0, "\n".join(map(str, range(1, 30001))))),
        (["no-such-command"], Done(127, "bash: no-such-command: command not found")),
        (["true"], Done(0, "")),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command(command: list[str], done: Done, address: str) -> None:
    assert run(address + TOKEN, command, 60) == done


def test_a_terminal_that_does_not_open_is_reported(address: str) -> None:
    with pytest.raises(HTTPError, match="403"):
        run(address + "another", ["true"], 60)


def test_a_command_that_says_nothing_for_too_long_is_left(address: str) -> None:
    with pytest.raises(TimeoutError):
        run(address + TOKEN, ["sleep", "1000"], 0.5)
