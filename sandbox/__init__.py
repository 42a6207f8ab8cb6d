# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS played on this machine: a moto server, with every operation on SageMaker notebook instances.

Start it for the shell:

    python -m sandbox start

Start it in Python, for the duration of a block:

    from sandbox import running

    with running(transition_seconds=0.1) as sandbox:
        client = boto3.client("sagemaker", endpoint_url=sandbox.endpoint)

It follows AWS's rules and error messages. Two things are its own: the paths under /sandbox/, and the tags whose names
begin with `sandbox:`, which make an instance fail, hang or forget (README.md).
"""

from __future__ import annotations

from .client import Sandbox
from .process import running

__all__ = ["Sandbox", "running"]
