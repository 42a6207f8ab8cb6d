# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step mirrors, run by bash. The molecule scenario mirrors tests it with pip, git and curl."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import (
    CERTIFICATE,
    CERTIFICATES,
    MIRRORS,
    Host,
    rendered,
)

Scripts = dict[str, dict[str, str]]

VARIABLES = {
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT"),
}  # fmt: skip


@pytest.fixture
def mirrors(host: Host, scripts: Scripts) -> Host:
    """An instance with the step mirrors, whose git uses etc/gitconfig of the instance as the system's configuration."""
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
    mirrors.start()
    launcher = mirrors.root / "usr/local/libexec/datalab/kernel"
    env = {"CONDA_PREFIX": "/nowhere"}
    shown = subprocess.run(
        ["bash", launcher, "/usr/bin/env"], env=env, capture_output=True, text=True, check=True
    ).stdout
    assert {f"{name}={mirrors.root / 'etc/pki/tls/certs/ca-bundle.crt'}" for name in VARIABLES} <= set(
        shown.splitlines()
    )


def mirrored(host: Host, **settings: object) -> Host:
    """Install the step mirrors with these settings only."""
    steps = {"notebook_host_steps": ["mirrors"]}
    return host.install(
        rendered({**steps, **{f"notebook_host_{name}": value for name, value in settings.items()}})["on-start.sh"]
    )


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("http://pypi.example.com:8080/simple/", ["trusted-host = pypi.example.com:8080"]),
        ("http://10.1.2.3/simple", ["trusted-host = 10.1.2.3"]),
        ("https://pypi.example.com/http:/simple", []),
    ],
)
def test_pip_is_told_to_trust_an_index_that_is_not_encrypted(url: str, trusted: list[str], mirrors: Host) -> None:
    mirrored(mirrors, pip_index_url=url).start()
    assert (mirrors.root / "etc/pip.conf").read_text().splitlines() == ["[global]", f"index-url = {url}", *trusted]


@pytest.mark.parametrize("certificates", ["", CERTIFICATE])
def test_a_proxy_serves_steps_shells_and_kernels(certificates: str, mirrors: Host) -> None:
    mirrors.stub("update-ca-trust")
    proxy = "http://proxy.example.com:3128/?a&b"
    seen = mirrors.stub("aws", "env")
    mirrored(mirrors, proxy_url=proxy, no_proxy=[".example.org", "10.0.0.0/8"], ca_certificates=certificates)
    mirrors.start()
    assert mirrors.status == {"mirrors": "ok"}
    file = mirrors.root / "etc/profile.d/datalab.sh"
    direct = "localhost,127.0.0.1,169.254.169.254,.example.org,10.0.0.0/8"
    wanted = {f"{name}={proxy}" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    wanted |= {f"{name}={direct}" for name in ("no_proxy", "NO_PROXY")}
    for shown in (
        subprocess.run(["sh", "-c", f". {file}; env"], env={}, capture_output=True, text=True, check=True).stdout,
        mirrors.run("cli", "sagemaker", "list"),
    ):
        assert wanted <= set(shown.splitlines())
    assert seen.exists()


def test_certificates_are_carried_without_what_is_around_them(mirrors: Host) -> None:
    mirrors.stub("update-ca-trust")
    for text in CERTIFICATES.values():
        mirrored(mirrors, ca_certificates=text).start()
        anchor = mirrors.root / "etc/pki/ca-trust/source/anchors/datalab.pem"
        assert anchor.read_text() == CERTIFICATE * 2
        anchor.unlink()


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
