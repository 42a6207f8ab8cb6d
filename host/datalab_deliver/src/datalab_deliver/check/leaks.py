# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets in sources, text outputs and text files.

detect-secrets knows what keys look like. Its entropy plugins are not used: they mistake hashes and images for secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings
from nbformat import NotebookNode

from .. import settings
from ..refusal import Fault
from .text import of_output

PLUGINS = [
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "KeywordDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
]
SCAN = {
    "plugins_used": [{"name": name} for name in PLUGINS],
    # Placeholders such as os.environ["TOKEN"] or <password> are no secrets.
    "filters_used": [
        {"path": f"detect_secrets.filters.heuristic.{name}"}
        for name in ("is_indirect_reference", "is_prefixed_with_dollar_sign", "is_templated_secret")
    ],
}
LARGEST_FILE = 1_000_000
LONGEST_LINE = 5_000
REMEDY = "Remove it, run the cell again, and change the secret: others may have read it"

Allow = list[dict[str, str]]


def in_notebook(nb: NotebookNode, name: str, allow: Allow) -> list[Fault]:
    faults = []
    for number, cell in enumerate(nb.cells, 1):
        texts = [("source", cell.source), *(("output", of_output(output)) for output in cell.get("outputs", []))]
        for part, text in texts:
            faults += [
                Fault(name, number, f"its {part} contains what looks like a secret ({kind})", REMEDY)
                for kind in secrets(text, allow)
            ]
    return faults


def in_file(file: Path, name: str, allow: Allow) -> list[Fault]:
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() and file.stat().st_size < LARGEST_FILE else ""
    except UnicodeDecodeError:
        return []
    if file.name == settings.NAME:  # it contains the allowed lines
        text = "\n".join(line for line in text.splitlines() if not line.strip().startswith("line"))
    remedy = "Remove it, and change the secret: others may have read it"
    what = "it contains what looks like a secret"
    return [Fault(name, None, f"{what} ({kind})", remedy) for kind in secrets(text, allow)]


def secrets(text: str, allow: Allow) -> list[str]:
    """Return the kinds of secrets in a text, never the secrets themselves."""
    allowed = {entry["line"].strip() for entry in allow}
    with transient_settings(SCAN):
        kinds = {secret.type for line in pieces(text) if line.strip() not in allowed for secret in scan_line(line)}
    return sorted(kinds)


def pieces(text: str) -> Iterator[str]:
    """Yield the lines; a very long one in overlapping pieces, so that no secret is cut in two."""
    for line in text.splitlines():
        for start in range(0, max(len(line), 1), LONGEST_LINE - 500):
            yield line[start : start + LONGEST_LINE]
