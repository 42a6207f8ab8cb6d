# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Passwords, tokens and keys in texts that must not have them, found by their form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

# A shell variable or a command in the place of a secret is not one, nor is the number of a port.
LITERAL = r"(?!\$|`)"
PORT_OR_VARIABLE = r"(?:\d{1,5}(?:[/?#\s]|$)|\$\{?\w+\}?@)"

# The kinds of secrets, and their patterns. A user name without a password is no secret with ssh, which needs a key.
KINDS = {
    "a user name or password in an address": (
        rf"(?<=://)(?!\[)[^/\s:@?#]*:(?!{PORT_OR_VARIABLE})[^\s@\"']*@"
        r"|(?<=://)(?<!ssh://)(?<!sftp://)(?!\$\{?\w+\}?@)[^/\s:@?#]+@"
    ),
    "a token in an address": (
        rf"(?:(?<=http://)|(?<=https://))\S*/t/{LITERAL}[\w.-]+"
        rf"|(?<=://)\S*[?&](?:[\w-]*(?:token|signature|password|secret)|sig|api_?key)={LITERAL}[^&\s\"']+"
    ),
    "an Authorization header": (
        r"(?:authorization|(?:private|job|auth|vault|access)-token|api-?key|jfrog-art-api)[\"']?\s*[:=]\s*"
        rf"[\"']?(?:(?:basic|bearer|token|digest|negotiate|apikey)\s+)?+[\"']?(?![\s\"']){LITERAL}\S+(?:\s+[\w+/=.-]+)?"
    ),
    "an access key of AWS": (
        r"\b(?-i:AKIA|ASIA)(?-i:[A-Z0-9]{16})\b"
        rf"|(?:secret_?access_?key|session_?token)[\"']?\s*[=:]\s*[\"']?(?![\s\"']){LITERAL}[^\s\"']+"
    ),
    "an access token": (
        r"\b(?:gh[pousr]_[a-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt)-[\w-]{20,}|xox[a-z]-[\w-]{10,}"
        r"|pypi-[\w-]{50,}|npm_[a-z0-9]{30,}|hf_[a-z0-9]{30,}|dckr_pat_[\w-]{20,}|dapi[0-9a-f]{32}"
        r"|sk-[\w-]{32,}|AIza[\w-]{35}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*)"
    ),
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))*",
    "a password": (
        rf"(?:password|passwd|passphrase)[\"']?(?:=|:\s*)[\"']?(?![\s\"']){LITERAL}[^\s\"']+"
        rf"|\blogin\s+\S+\s+password\s+{LITERAL}\S+"
        rf"|\bcurl\b.*\s(?:-u|--user)[ =]?[\"']?[^\s:\"']+:{LITERAL}[^\s\"']+"
    ),
}
PATTERNS = {kind: re.compile(pattern, re.IGNORECASE | re.MULTILINE) for kind, pattern in KINDS.items()}


@lru_cache(maxsize=10_000)
def credential_in(text: str) -> str:
    """The kind of secret in a text; "" for none."""
    return next((kind for kind, pattern in PATTERNS.items() if pattern.search(text)), "")


def secret_texts(value: Any) -> Iterator[str]:
    """The texts with a secret in a value, at any depth."""
    if isinstance(value, str) and credential_in(value):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for part in (list(value), list(value.values())) for text in secret_texts(part))
    elif isinstance(value, list):
        yield from (text for each in value for text in secret_texts(each))


def masked(text: str) -> str:
    """The text without its secrets, to be shown."""
    for pattern in PATTERNS.values():
        text = pattern.sub("********", text)
    return text
