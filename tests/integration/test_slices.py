# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One fleet, converged by several control nodes at once, each of which has a slice of the inventory as AWX makes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sandbox import Sandbox

from .conftest import ROOT, PlaybookRunner, connection, furnish
from .proxy import proxy_before

FLEET = Path(__file__).parent / "fleet.yml"
ANSIBLE_BUILDER = Path(sys.executable).with_name("ansible-builder")
OWNERS = [f"person{number}" for number in range(8)]
SLICES = 3


def inventory(directory: Path, endpoint: str, hosts: list[str], name: str, subnet: str) -> Path:
    """Write an inventory with these hosts only, but with all groups and their variables, and return its path."""
    shared = {
        "platform_aws": connection(endpoint),
        "given_subnet_id": subnet,
        "notebook_fleet_list_unmanaged": False,
    }
    owners: dict[str, Any] = {host: {} for host in hosts if host in OWNERS}
    groups: dict[str, Any] = {
        "all": {"vars": shared},
        "owners": {"hosts": owners, "vars": {"notebook_team": "research"}},
        "viewers": {"hosts": {host: {} for host in hosts if host not in OWNERS}},
    }
    path = directory / f"{name}.json"
    path.write_text(json.dumps(groups), encoding="utf-8")
    return path


def test_slices_converge_one_fleet_at_once(sandbox: Sandbox, playbook: PlaybookRunner, tmp_path: Path) -> None:
    hosts = sorted([*OWNERS, "viewer"])
    subnet = furnish(sandbox, "given")
    with proxy_before(sandbox.endpoint) as proxy:
        # With this delay all runs see that there is no lifecycle configuration before the first of them creates it.
        late = {"service": "*", "operation": "CreateNotebookInstanceLifecycleConfig", "latency": 5000}
        proxy.inject([late])
        slices = [
            inventory(tmp_path, proxy.endpoint, hosts[number::SLICES], f"slice{number}", subnet)
            for number in range(SLICES)
        ]
        with ThreadPoolExecutor(SLICES) as pool:
            played = list(pool.map(lambda part: playbook(FLEET, "-i", part, check=True), slices))

    calls = sandbox.calls()
    assert [set(run.recap) - {"localhost"} for run in played] == [set(hosts[n::SLICES]) for n in range(SLICES)]
    assert calls["sagemaker:CreateNotebookInstance"] == len(hosts)
    assert "sagemaker:UpdateNotebookInstance" not in calls
    # Each slice has tried to create the shared configuration; one has, and the others use it unchanged.
    assert calls["sagemaker:CreateNotebookInstanceLifecycleConfig"] == SLICES + 1
    assert "sagemaker:UpdateNotebookInstanceLifecycleConfig" not in calls

    whole = playbook(FLEET, "-i", inventory(tmp_path, sandbox.endpoint, hosts, "whole", subnet), check=True)
    assert sum(host["changed"] for host in whole.recap.values()) == 0


def build(*arguments: str | Path, within: Path) -> str:
    command = [str(ANSIBLE_BUILDER), *map(str, arguments)]
    done = subprocess.run(command, cwd=within, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_execution_environment_gets_what_the_collection_needs(tmp_path: Path) -> None:
    place = tmp_path / "ansible_collections" / "datalab"
    place.mkdir(parents=True)
    (place / "notebooks").symlink_to(ROOT)
    found = build("introspect", tmp_path, within=tmp_path)
    assert re.search(r"boto3>=1\.43,<2 +# from collection datalab\.notebooks", found)


def test_the_definition_in_the_docs_is_accepted(tmp_path: Path) -> None:
    docs = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    (definition,) = re.findall(r"```yaml\n# execution-environment\.yml\n(.*?)```", docs, re.DOTALL)
    (tmp_path / "execution-environment.yml").write_text(definition, encoding="utf-8")
    build("create", "--file", "execution-environment.yml", within=tmp_path)
    needed = (tmp_path / "context" / "_build" / "requirements.yml").read_text(encoding="utf-8")
    assert "datalab.notebooks" in needed
