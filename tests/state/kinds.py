# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kinds of variables that public notebooks have, from kinds.txt.

The list was made before the code that saves them. In 958 notebooks of six public repositories (examples of SageMaker
and of Azure ML, two books, a statistics office, Kaggle; 22,033 cells), the imports and the assignments at the top
level of cells were counted: clients and sessions of boto3 (479 notebooks), arrays (431), data frames (395), figures
(291), dates (143), fitted models (179), streams and archives (88, 39), paths (84), pictures (63), loggers (61),
widgets (49), threads and executors (17), templates (27), functions (476), classes (69), then what each of these leads
to. Also counted: torch, which has its own list, tensors.txt; and tensorflow and sagemaker, which are left out here
because these tests would have to download gigabytes.
"""

from __future__ import annotations

from pathlib import Path


def kinds(file: str) -> list[tuple[str, str, str]]:
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    found = []
    for entry in text.split("## ")[1:]:
        kind, _, rest = entry.partition("\n")
        setup, _, holds = rest.partition("# holds\n")
        found.append((kind, setup.strip(), holds.strip()))
    return found


KINDS = kinds("kinds.txt")
