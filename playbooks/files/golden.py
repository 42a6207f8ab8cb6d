# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""golden.py PROJECT: whether what a delivered project has answered, as JSON, is what its notebook computed.

Compared as the project's own tests do it: by its module plain, with the tolerances of tests/golden.json. Each
difference is a line, and the status 1.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path


def differences(project: Path, answer: str) -> list[str]:
    """The first places in which the answer differs."""
    (module,) = project.glob("src/*/plain.py")
    plain = runpy.run_path(str(module))
    golden = json.loads((project / "tests" / "golden.json").read_text(encoding="utf-8"))
    try:
        got = json.loads(answer)
    except ValueError:
        return [f"it is not JSON: {answer[:200]}"]
    found = []
    for name, wanted in golden["results"].items():
        if name not in got:
            found.append(f"{name} is missing")
            continue
        found += plain["same"](wanted, plain["brief"](got[name]), golden["tolerance"][name], name)
    return found


if __name__ == "__main__":
    lines = differences(Path(sys.argv[1]), sys.stdin.read())
    sys.stdout.write("\n".join(lines))
    sys.exit(1 if lines else 0)
