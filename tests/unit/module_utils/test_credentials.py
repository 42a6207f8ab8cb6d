# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Passwords, tokens and keys in a text, and texts that only look like one."""

from __future__ import annotations

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.credentials import (
    KINDS,
    credential_in,
    masked,
)

# By kind; `s3cret` is what must never be shown. Tokens are put together here, so that no scanner takes them for real.
SECRETS = {
    "a user name or password in an address": [
        "https://me:s3cret@git.example.com/x",
        "https://s3cret@git.example.com",
        "https://:s3cret@git.example.com",
        "HTTPS://me:s3cret@proxy:8080",
        "ssh://git:s3cret@git.example.com",
        "git+https://s3cret@git.example.com/x.git",
        "postgres://me:s3cret@db/x",
        "https://me:s3cret/more@git.example.com",
        "https://$ME:s3cret@git.example.com",
        "https://me:8080s3cret@proxy",
        "url.https://me:s3cret@git.example.com/.insteadOf",
        "pip install x --index-url https://me:s3cret@pypi.example.com/simple",
    ],
    "a token in an address": [
        "https://conda.anaconda.org/t/s3cret/acme",
        "https://conda.anaconda.org/t/s3cret",
        "https://mirror.example.com/x.sh?token=s3cret",
        "https://mirror.example.com/x.sh?a=b&X-Amz-Signature=s3cret",
        "https://mirror.example.com/x.sh?sig=s3cret&a=b",
    ],
    "an Authorization header": [
        "Authorization: Basic s3cret",
        "AUTHORIZATION: bearer s3cret",
        "authorization:s3cret",
        """curl -H "Authorization: Bearer s3cret" https://x""",
        "curl -H 'PRIVATE-TOKEN: s3cret' https://x",
        "X-Api-Key: s3cret",
    ],
    "an access key of AWS": [
        "AK" + "IAIOSFODNN7EXAMPLE",
        "AS" + "IAIOSFODNN7EXAMPLE",
        "export AWS_SECRET_ACCESS_KEY=s3cret",
        "aws_secret_access_key = s3cret",
        "AWS_SESSION_TOKEN: s3cret",
    ],
    "an access token": [
        "gh" + "p_" + "a1B2" * 9,
        "github" + "_pat_" + "a1B2" * 6,
        "gl" + "pat-" + "a1B2" * 5,
        "xo" + "xb-" + "1234567890-a1B2",
        "py" + "pi-" + "a1B2" * 15,
        "hf" + "_" + "a1B2" * 9,
        "s" + "k-" + "a1B2" * 9,
        "ey" + "J" + "a1B2" * 4 + ".ey" + "J" + "a1B2" * 4 + ".a1B2",
    ],
    "a private key": [
        f"-----BEGIN {kind}PRIVATE KEY-----\ns3cret\n-----END {kind}PRIVATE KEY-----"
        for kind in ("", "RSA ", "OPENSSH ", "ENCRYPTED ")
    ],
    "a password": [
        "password: s3cret",
        "MYSQL_PASSWORD='s3cret'",
        "machine git.example.com login me password s3cret",
        "curl -sS -u me:s3cret https://x",
        "curl --user me:s3cret https://x",
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SECRETS.items() for text in texts])
def test_a_secret_is_known_and_not_shown(kind: str, text: str) -> None:
    assert credential_in(text) == kind
    assert credential_in(f"before {text}") == kind
    shown = masked(f"before {text}")
    assert shown.startswith("before ")
    assert "s3cret" not in shown
    assert text not in shown
    assert credential_in(shown) == ""


def test_every_kind_has_an_example() -> None:
    assert list(SECRETS) == list(KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://git.example.com/@scope/x",
        "https://git.example.com:8080",
        "https://git.example.com:8080/@scope",
        "https://git.example.com/x?a=b@c",
        "https://mirror.example.com/t/$TOKEN/x",
        "ssh://git@git.example.com/x",
        "git+ssh://git@git.example.com/x",
        "git@github.com:acme/x.git",
        "https://$TOKEN@git.example.com",
        "https://me:${TOKEN}@git.example.com/x",
        "https://x/y.sh?token=$TOKEN",
        "torch @ https://example.org/$(x).whl",
        "pandas[version='>2']",
        """curl -H "Authorization: Bearer $TOKEN" https://x""",
        """curl -H "Authorization: Bearer $(cat /run/token)" https://x""",
        """curl -u "me:$PASSWORD" https://x""",
        "TOKEN=$(curl -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)",
        "PASSWORD=$(aws secretsmanager get-secret-value --secret-id x)",
        """[ "$password" = x ] || exit""",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:git-AbCdEf",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "the server that asks for a password",
        "alice@example.com",
        "credential.helper",
        "useradd -u 1000 me",
        "install -u me:us",
        "s3://acme-data/t/research",
        "asiapacificresearch1",
        "glue-research-database-of-many",
        "0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert credential_in(text) == ""
    assert masked(text) == text
