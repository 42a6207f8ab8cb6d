# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sandbox has every operation that the modules call."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from moto.ec2.responses import EC2Response
from moto.events.responses import EventsHandler
from moto.iam.responses import IamResponse
from moto.logs.responses import LogsResponse
from moto.sns.responses import SNSResponse

from ansible_collections.datalab.notebooks.plugins.module_utils.athena import api as api_athena
from ansible_collections.datalab.notebooks.plugins.module_utils.budgets import api as api_budgets
from ansible_collections.datalab.notebooks.plugins.module_utils.ce import api as api_ce
from ansible_collections.datalab.notebooks.plugins.module_utils.cloudtrail import api as api_cloudtrail
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2 import api as api_ec2
from ansible_collections.datalab.notebooks.plugins.module_utils.efs import api as api_efs
from ansible_collections.datalab.notebooks.plugins.module_utils.events import api as api_events
from ansible_collections.datalab.notebooks.plugins.module_utils.iam import api as api_iam
from ansible_collections.datalab.notebooks.plugins.module_utils.logs import api as api_logs
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.plugins.module_utils.servicequotas import api as api_servicequotas
from ansible_collections.datalab.notebooks.plugins.module_utils.sns import api as api_sns
from sandbox.services.athena import WorkGroupResponse
from sandbox.services.budgets import FullBudgetsResponse
from sandbox.services.ce import CostsResponse
from sandbox.services.cloudtrail import EventsResponse
from sandbox.services.efs import EfsResponse
from sandbox.services.sagemaker.responses import NotebookResponse
from sandbox.services.sagemaker.tagging import TaggingResponse
from sandbox.services.servicequotas import QuotasResponse

FOLDER = Path(api.__file__).parent


def called(source: str) -> set[str]:
    """Return the operations that a file calls."""
    pages = re.findall(r'get_paginator\("(\w+)"\)', source)
    return {*re.findall(r"client\.(?!get_paginator)(\w+)\(", source), *pages}


@pytest.mark.parametrize(
    ("module", "responses", "least"),
    [
        (api, (NotebookResponse, TaggingResponse), 16),
        (api_athena, (WorkGroupResponse,), 10),
        (api_ec2, (EC2Response,), 13),
        (api_efs, (EfsResponse, EC2Response), 20),
        (api_iam, (IamResponse,), 3),
        (api_servicequotas, (QuotasResponse,), 1),
        (api_budgets, (FullBudgetsResponse,), 20),
        (api_ce, (CostsResponse,), 5),
        (api_cloudtrail, (EventsResponse,), 1),
        (api_events, (EventsHandler,), 9),
        (api_logs, (LogsResponse,), 6),
        (api_sns, (SNSResponse,), 2),
    ],
)
def test_the_sandbox_has_every_operation_that_the_modules_call(
    module: ModuleType, responses: tuple[type, ...], least: int
) -> None:
    names = called(Path(str(module.__file__)).read_text(encoding="utf-8"))
    assert len(names) >= least
    assert {name for name in names if not any(hasattr(it, name) for it in responses)} == set()


def test_no_other_file_calls_aws() -> None:
    files = [path for path in [*FOLDER.glob("*.py"), *FOLDER.glob("../modules/*.py")] if path.stem[:3] != "api"]
    calls = [
        f"{path.name}: {call}" for path in files for call in re.findall(r"client\.(?!meta)\w+\(", path.read_text())
    ]
    assert calls == []
