# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step mirrors, run by bash. What pip, git and curl make of it is in the molecule scenario mirrors."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import CERTIFICATE, MIRRORS, Host

Scripts = dict[str, dict[str, str]]

VARIABLES = {
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT"),
}  # fmt: skip


@pytest.fixture
def mirrors(host: Host, scripts: Scripts) -> Host:
    """An instance with the step mirrors, whose git has a configuration of its own as the system's."""
    for directory in ("etc/pki/ca-trust/source/anchors", "etc/pki/tls/certs", "etc/profile.d"):
        (host.root / directory).mkdir(parents=True)
    (host.root / "etc/pki/tls/certs/ca-bundle.crt").touch()
    (host.root / "usr/local/share/ca-certificates").mkdir(parents=True)
    host.stub("git", f'GIT_CONFIG_SYSTEM="{host.root}/etc/gitconfig" PATH=/usr/bin:/bin exec git "$@"')
    return host.install(scripts["mirrors"]["on-start.sh"])


def git_config(host: Host, name: str) -> str:
    command = ["git", "config", "--file", str(host.root / "etc/gitconfig"), "--get", name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_pip_and_git_use_the_companys_servers(mirrors: Host) -> None:
    mirrors.stub("update-ca-trust")
    mirrors.start()
    assert mirrors.status["mirrors"] == "ok"
    index = MIRRORS["notebook_host_pip_index_url"]
    assert (mirrors.root / "etc/pip.conf").read_text() == f"[global]\nindex-url = {index}\n"
    wanted = MIRRORS["notebook_host_git_config"]
    assert {name: git_config(mirrors, name) for name in wanted} == {name: f"{wanted[name]}\n" for name in wanted}


@pytest.mark.parametrize(
    ("update", "anchor", "bundle"),
    [
        ("update-ca-trust", "etc/pki/ca-trust/source/anchors/datalab.pem", "etc/pki/tls/certs/ca-bundle.crt"),
        ("update-ca-certificates", "usr/local/share/ca-certificates/datalab.crt", "etc/ssl/certs/ca-certificates.crt"),
    ],
)
def test_certificates_are_trusted_as_the_system_does_it(update: str, anchor: str, bundle: str, mirrors: Host) -> None:
    if "ssl" in bundle:
        shutil.rmtree(mirrors.root / "etc/pki")
    updated = mirrors.stub(update)
    mirrors.start()
    assert mirrors.status["mirrors"] == "ok"
    assert (mirrors.root / anchor).read_text() == CERTIFICATE
    assert updated.read_text() == "\n"
    lines = (mirrors.root / "etc/profile.d/datalab.sh").read_text().splitlines()
    assert set(lines) == {f"export {name}={mirrors.root / bundle}" for name in VARIABLES}


def test_kernels_trust_them_too(mirrors: Host) -> None:
    mirrors.stub("update-ca-trust")
    (mirrors.volume / "custom-miniconda/envs/custom/lib/python3.12/site-packages/ipykernel").mkdir(parents=True)
    mirrors.start()
    spec = json.loads((mirrors.home / ".local/share/jupyter/kernels/custom-custom/kernel.json").read_text())
    assert set(spec["env"]) == {"CONDA_PREFIX", "PATH", *VARIABLES}
    assert Path(spec["env"]["PIP_CERT"]) == mirrors.root / "etc/pki/tls/certs/ca-bundle.crt"


def test_a_second_start_changes_nothing(mirrors: Host) -> None:
    updated = mirrors.stub("update-ca-trust")
    mirrors.start()
    before = {path: path.stat().st_mtime_ns for path in (mirrors.root / "etc").rglob("*")}
    mirrors.start()
    assert {path: path.stat().st_mtime_ns for path in (mirrors.root / "etc").rglob("*")} == before
    assert updated.read_text() == "\n"


def test_a_system_that_cannot_trust_them_says_so(mirrors: Host) -> None:
    mirrors.stub("update-ca-trust", "echo no space left; exit 1")
    assert "no space left" in mirrors.start()
    assert mirrors.status == {"mirrors": "failed", "kernels": "ok"}
    assert "The step mirrors" in mirrors.notice
