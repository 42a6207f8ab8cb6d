# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out why a check has failed, in a few lines: CI may keep only the end of a long output."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_LINES = 40
LONGEST_LINE = 400
LAST_LINES = 15  # that are shown of an output without a known error

# Patterns of errors, the most specific first; each includes the place of the error if that is in another line.
FINDINGS = [
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^(?P<says>(?:FAILED|ERROR|FATAL)[ :].+)$",  # pytest's summary, ansible-test
        r"^(?!E ).*\n(?P<says>E {3}.+)$",  # the first line of pytest about a failure
        r"^(?P<says>(?:[A-Z]+\d{3,4}|unformatted:) .+)\n *--> (?P<where>\S+)$",  # ruff
        r"^(?P<says>\S+:\d+: error: .+)$",  # mypy
        r"^(?P<says>[\w-]+(?:\[[\w-]+\])?: .+)\n(?P<where>[\w./-]+:\d+\b.*)$",  # ansible-lint
        r"^(?P<says>\S+\.ya?ml:\d+:\d+: .+)$",  # antsibull-changelog
        r"^In (?P<where>\S+ line \d+):\n.*\n(?P<says> *\^-+\^? SC\d+.+)$",  # shellcheck
        r"^(?P<says>(?:\w+\.)*\w*(?:Error|Exception)\b: .+)$",  # Python
        r"^(?P<says>make(?:\[\d+\])?: \*\*\* .+)$",
    )
]


def reasons(output: str, most: int = MOST_LINES) -> list[str]:
    """Return the lines with the reason, or the last lines if no pattern matches."""
    found = [*_tasks(output), *_yaml(output)]
    for finding in FINDINGS:
        for match in finding.finditer(output):
            parts = match.groupdict()
            found.append(f"{parts['where']}: {parts['says'].strip()}" if "where" in parts else parts["says"])
    if all(line.startswith("make") for line in found):
        found = [line for line in output.splitlines() if line.strip()][-LAST_LINES:]
    lines = list(dict.fromkeys(line[:LONGEST_LINE] for line in found))
    return lines if len(lines) <= most else [*lines[: most - 1], f"… and {len(lines) - most + 1} more"]


def _tasks(output: str) -> Iterator[str]:
    """Yield the errors of ansible-playbook's failed tasks, after their names, without ignored failures."""
    for part in re.split(r"^(?=(?:PLAY|TASK|RUNNING HANDLER) )", output, flags=re.MULTILINE):
        task, _, rest = part.partition("\n") if part.startswith(("TASK", "RUNNING")) else ("", "", part)
        said = re.findall(r"^\[ERROR\]: (?:.+\n)+?(?=Origin: |\n|\Z)|^(?:fatal|failed): .+$", rest, re.MULTILINE)
        if said and not re.search(r"^\.\.\.ignoring$", rest, re.MULTILINE):
            yield from [*([task.rstrip(" *")] if task else []), *(line for text in said for line in text.splitlines())]


def _yaml(output: str) -> Iterator[str]:
    """Yield the errors of yamllint, each after the name of its file."""
    for file, found in re.findall(r"^(\S+\.ya?ml)\n((?: +\d+:\d+ .+\n?)+)", output, re.MULTILINE):
        yield from (f"{file}:{' '.join(line.split())}" for line in found.splitlines())
