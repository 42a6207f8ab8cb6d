# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The results of a run as Markdown and JSON, without secrets and without anything that identifies the account."""

from __future__ import annotations

import json
import re
from typing import Any

from .run import Result
from .table import TABLE

SECRETS = [
    (r"datalab-conformance-\d{8}-\d{6}-[0-9a-f]{4}", "<run>"),
    (r"https?://\S+", "<url>"),
    (r"(authToken|token|X-Amz-\w+|aws_\w+)=\S+", r"\1=<token>"),
    (r"\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b", "<key>"),
    (r"\b[A-Za-z0-9+/_=-]{64,}", "<token>"),  # a session token, or any other text as long
    (r"arn:[\w-]+:(iam|sts)::\d{12}:(?!role/datalab-conformance/|assumed-role/<run>)[^\s,)]+", "<caller>"),
    (r"\b(vpc|subnet|sg|eni|i|vol)-[0-9a-f]{8,}\b", r"\1-…"),
    (r"\b\d{12}\b", "<account>"),
    (r"\b\d{1,3}(\.\d{1,3}){3}\b", "<address>"),
]
INTRODUCTION = """\
# What we believe about AWS

The platform is built and tested in the sandbox. The table below lists what the code assumes about AWS, and the sandbox
can only repeat. A function tests each line. `make conformance` tests a sandbox, in half a minute:

```console
$ make conformance
$ make conformance SANDBOX=http://127.0.0.1:5566    # one that is running, perhaps with machines
```

and an account, in 15 to 20 minutes and for less than {cents} cents:

```console
$ make conformance AWS=<profile> CONFIRM=<account id>
```

- **Before** it creates anything, the run compares CONFIRM with the account of the profile, and prints what it is going
  to create and what that costs. The region is that of the profile.
- **It creates** one {instance_type} with a volume of 6 GB, its lifecycle configuration, two roles in the path
  `{path}`, a VPC without a way out, and the instance's streams in CloudWatch Logs. Each gets the name of
  the run, and the tag `{mark}` in the call that creates it. Nothing without that tag is changed.
- **It removes** all of this at the end, also if the run fails or is interrupted (Ctrl-C, SIGTERM, SIGHUP). It reads the
  account until nothing has the tag, and names what is left after ten minutes. A run that is killed removes nothing, but
  has printed the line that does, and the next run prints it again:
  `make conformance AWS=<profile> CONFIRM=<account id> REMOVE=<run>`.
- **The results** are `build/conformance/results.md` and `.json`, without account id, names of callers, tokens and URLs,
  so that you can send them to us, above all if something differs.

No account has been tested yet: if something differs there, the table is wrong, and we want to know.

The profile needs the rights to create, read and delete all this, and `iam:PassRole` for the role. If it may not read
something, the run ends before it creates anything.

"""


def masked(text: str) -> str:
    """Return the text without secrets and without anything that identifies the account."""
    for pattern, instead in SECRETS:
        text = re.sub(pattern, instead, text)
    return text


def facts(results: list[Result]) -> list[dict[str, str]]:
    """Return the results in the order of the table, masked."""
    order = {each.name: number for number, each in enumerate(TABLE)}
    return [
        {
            "name": result.assumption.name,
            "belief": result.assumption.belief,
            "source": result.assumption.source,
            "outcome": result.outcome,
            "seen": masked(" ".join(result.seen.split())),
            "measured": masked(result.measured),
        }
        for result in sorted(results, key=lambda result: order[result.assumption.name])
    ]


def counted(results: list[Result]) -> str:
    """Return the number of results of each outcome, in words."""
    outcomes = [result.outcome for result in results]
    return ", ".join(f"{outcomes.count(each)} {each}" for each in ("holds", "differs", "not asked"))


def table(results: list[Result], *, with_measures: bool) -> str:
    """Return the results as a table in Markdown."""
    lines = ["| assumption | what we believe | asked | seen |", "|---|---|---|---|"]
    for each in facts(results):
        measured = f" ({each['measured']})" if with_measures and each["measured"] else ""
        belief = f"{each['belief']} <br>[{each['source'].rsplit('/', 1)[-1]}](../{each['source']})"
        cells = [f"`{each['name']}`", belief, each["outcome"], each["seen"] + measured]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def as_markdown(results: list[Result], about: dict[str, Any]) -> str:
    """Return the page of a run in Markdown."""
    head = "\n".join(f"- {key}: {masked(str(value))}" for key, value in about.items())
    return f"# Conformance\n\n{head}\n- {counted(results)}\n\n{table(results, with_measures=True)}"


def as_json(results: list[Result], about: dict[str, Any]) -> str:
    """Return the same results as JSON, for programs."""
    told = {key: masked(str(value)) for key, value in about.items()}
    return json.dumps({**told, "assumptions": facts(results)}, indent=2, ensure_ascii=False) + "\n"


def as_docs(results: list[Result], **names: str) -> str:
    """Return docs/conformance.md, which is the same after each run on a sandbox without machines."""
    counts = f"## Asked of the sandbox, without machines\n\n{counted(results)}.\n\n"
    return INTRODUCTION.format(**names) + counts + table(results, with_measures=False)
