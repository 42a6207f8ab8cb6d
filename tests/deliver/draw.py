# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Draw notebooks with tables at random, or run them and their slices: draw.py drawn|computed < JOB > RESULTS"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import sys
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it brings no types


def text(value: Any) -> str:
    if isinstance(value, pd.DataFrame):
        return repr(value.to_dict("split"))
    if isinstance(value, pd.Series):
        return repr([*zip(map(str, value.index), value.tolist(), strict=True)])
    return repr(value.tolist() if isinstance(value, np.ndarray) else value)


def computed(statements: list[str]) -> str:
    """Run the statements of a notebook; return its result r, or the error, as a text."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    try:
        for statement in statements:
            exec(statement, scope)
        return text(scope["r"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def drawn(job: dict[str, Any], seed: int) -> list[str]:
    """Draw the statements of a notebook, without those that raise an error."""
    chance, scope = random.Random(seed), {"__name__": "__main__"}
    found = list(job["begins"])
    exec("\n".join(found), scope)
    for _ in range(chance.randrange(8, 40)):
        template = chance.choice(job["drawn"]).replace("\\n", "\n")
        template = re.sub("<n>", lambda _: chance.choice("0123456789"), template)
        new = re.sub(r"<(\w)>", lambda place: place[1] + chance.choice("12"), template)
        with contextlib.suppress(Exception):
            exec(new, scope)
            found.append(new)
    return [*found, "r = " + chance.choice(job["results"])]


def main() -> None:
    job = json.load(sys.stdin)
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # discards what the notebooks print
    with answer:
        json.dump(
            [drawn(job, seed) for seed in range(job["notebooks"])] if sys.argv[1] == "drawn" else [*map(computed, job)],
            answer,
        )


if __name__ == "__main__":
    main()
