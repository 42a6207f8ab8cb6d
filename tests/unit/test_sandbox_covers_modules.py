# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules call, the sandbox has: a test never meets an operation that only AWS knows."""

from __future__ import annotations

import re
from pathlib import Path

from moto.ec2.responses import EC2Response

from ansible_collections.datalab.notebooks.plugins.module_utils import api, efs_api
from sandbox.efs import EfsResponse
from sandbox.notebooks.responses import NotebookResponse
from sandbox.notebooks.tagging import TaggingResponse

FILES = [Path(str(each.__file__)) for each in (api, efs_api)]
SOURCE = "".join(file.read_text(encoding="utf-8") for file in FILES)
HAD = (NotebookResponse, TaggingResponse, EfsResponse, EC2Response)
CALLED = set(re.findall(r"client\.(?!get_paginator)(\w+)\(", SOURCE)) | set(
    re.findall(r'get_paginator\("(\w+)"\)', SOURCE)
)


def test_the_sandbox_has_every_operation_that_the_modules_call() -> None:
    assert len(CALLED) >= 38
    assert {name for name in CALLED if not any(hasattr(it, name) for it in HAD)} == set()


def test_no_other_file_calls_aws() -> None:
    folder = Path(api.__file__).parent
    others = [path for path in [*folder.glob("*.py"), *folder.glob("../modules/*.py")] if path not in FILES]
    calls = [
        f"{path.name}: {call}" for path in others for call in re.findall(r"client\.(?!meta)\w+\(", path.read_text())
    ]
    assert calls == []
