# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""python round_trip.py: read kinds of variables, [setup, what holds], as JSON; print for each what was partly or lost.

This happens in one process, because the library of the variables takes seconds to import. A loaded variable is
another object, and refers to nothing of the old one.
"""

from __future__ import annotations

import json
import sys

from datalab_state import live
from datalab_state.groups import group
from datalab_state.pickling import load
from datalab_state.recipes import KINDS, Table


def round_trip(setup: str, holds: str) -> dict[str, list[str]]:
    before: dict[str, object] = {"__name__": "__main__"}
    live.namespace = before
    exec(setup, before)
    values = {name: value for name, value in before.items() if not name.startswith("_")}
    parts, lost = group(values, Table(frozenset(KINDS)))
    after: dict[str, object] = {"__name__": "__main__"}
    live.namespace = after
    for part in parts:
        buffers = [bytearray(buffer) for buffer in part.buffers]
        after.update(zip(part.names, load(part.data, buffers, len(part.names)), strict=True))
    exec(f"assert {holds}", after)
    return {**{name: why for part in parts for name, why in part.partly.items()}, **{key: [lost[key]] for key in lost}}


told: list[object] = []
for setup, holds in json.load(sys.stdin):
    try:
        told.append(round_trip(setup, holds))
    except Exception as error:
        told.append(f"{type(error).__name__}: {error}")
json.dump(told, sys.stdout)
