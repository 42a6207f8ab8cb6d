# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Change one literal of a delivered project at a time; count those that its golden tests notice: mutate.py PROJECT…"""

from __future__ import annotations

import ast
import copy
import io
import json
import os
import signal
import sys
import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

SECONDS = 3
MOST = 40  # literals of a project that are changed: of more, some that are evenly apart


def literals(tree: ast.Module) -> list[ast.Constant]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and node.value is not None
        and node.value is not ...
        and node.lineno > 1  # line 1 is the docstring
    ]


def other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return {int: lambda: value + 1, float: lambda: value * 1.7 + 0.1}.get(type(value), lambda: f"{value}x")()


def results(tree: ast.Module, package: str, arguments: dict[str, str], plain: ModuleType) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": f"{package}.pipeline", "__package__": package}
    exec(compile(tree, "pipeline.py", "exec"), names)
    found: dict[str, Any] = json.loads(json.dumps(plain.plain(names["run"](**arguments))))
    return found


def mutants(project: Path) -> dict[str, Any]:
    package = next((project / "src").iterdir()).name
    sys.path.insert(0, str(project / "src"))
    plain = __import__(f"{package}.plain", fromlist=["plain"])
    golden = json.loads((project / "tests" / "golden.json").read_text())
    conftest: dict[str, Any] = {"__file__": str(project / "tests" / "conftest.py")}
    exec((project / "tests" / "conftest.py").read_text(), conftest)
    tree = ast.parse((project / "src" / package / "pipeline.py").read_text())
    whole = results(tree, package, conftest["INPUTS"], plain)
    counts: dict[str, Any] = {"project": package, "caught": 0, "same": 0, "missed": []}

    def differ(got: dict[str, Any], wanted: dict[str, Any]) -> bool:
        return any(plain.same(wanted[name], got.get(name), golden["tolerance"][name]) for name in wanted)

    there = literals(tree)
    for number in range(0, len(there), 1 + len(there) // MOST):
        literal, mutant = there[number], copy.deepcopy(tree)
        changed = literals(mutant)[number]
        changed.value = other(literal.value)
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            got = results(mutant, package, conftest["INPUTS"], plain)
        except BaseException:
            counts["caught"] += 1
            continue
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if not differ(got, whole):
            counts["same"] += 1
        elif differ({name: plain.brief(value) for name, value in got.items()}, golden["results"]):
            counts["caught"] += 1
        else:
            counts["missed"].append(f"line {literal.lineno}: {literal.value!r}")
    return counts


def stop(*_: object) -> None:
    raise TimeoutError


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, stop)
    os.environ["MPLBACKEND"] = "Agg"
    out, sys.stdout = sys.stdout, io.StringIO()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        for path in sys.argv[1:]:
            out.write(json.dumps(mutants(Path(path).resolve())) + "\n")
