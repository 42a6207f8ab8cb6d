# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure, and write build/benchmarks.json: python -m tests.benchmarks [PART...].

Compare figures of one run with each other, not with those of another machine.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from . import autostop, fleet, laptop, savings, scripts, start, state

PARTS = {
    "scripts": scripts.measure,
    "start": start.measure,
    "autostop": autostop.measure,
    "savings": savings.measure,
    "fleet": fleet.measure,
    "laptop": laptop.measure,
    "state": state.measure,
}


def main(names: list[str]) -> None:
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"There is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    target = Path(__file__).parents[2] / "build" / "benchmarks.json"
    target.parent.mkdir(exist_ok=True)
    results = json.loads(target.read_text(encoding="utf-8")) if names and target.exists() else {}
    for name in names or PARTS:
        print(f"== {name}", flush=True)
        results[name] = PARTS[name]()
        target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print("Written to build/benchmarks.json")


if __name__ == "__main__":
    main(sys.argv[1:])
