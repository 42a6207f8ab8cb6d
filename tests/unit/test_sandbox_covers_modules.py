# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules call, the sandbox has: a test never meets an operation that only AWS knows."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.datalab.notebooks.plugins.module_utils import api
from sandbox.notebooks.responses import NotebookResponse
from sandbox.notebooks.tagging import TaggingResponse

SOURCE = Path(api.__file__).read_text(encoding="utf-8")
CALLED = set(re.findall(r"client\.(?!get_paginator)(\w+)\(", SOURCE)) | set(
    re.findall(r'get_paginator\("(\w+)"\)', SOURCE)
)


def test_the_sandbox_has_every_operation_that_the_modules_call() -> None:
    assert len(CALLED) >= 16
    assert {
        name for name in CALLED if not any(hasattr(it, name) for it in (NotebookResponse, TaggingResponse))
    } == set()


def test_no_other_file_calls_aws() -> None:
    folder = Path(api.__file__).parent
    others = [path for path in [*folder.glob("*.py"), *folder.glob("../modules/*.py")] if path.name != "api.py"]
    calls = [
        f"{path.name}: {call}" for path in others for call in re.findall(r"client\.(?!meta)\w+\(", path.read_text())
    ]
    assert calls == []
