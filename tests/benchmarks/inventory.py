# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An inventory of any number of people."""

from __future__ import annotations

import json
from pathlib import Path

TEAM_SIZE = 100


def write_inventory(directory: Path, people: int, endpoint: str) -> Path:
    """Write an inventory of so many people in teams of a hundred, and a viewer; return its path."""
    teams: dict[str, dict[str, dict[str, object]]] = {}
    for number in range(people):
        hosts = teams.setdefault(f"team{number // TEAM_SIZE}", {"hosts": {}, "vars": {}})["hosts"]
        hosts[f"person{number}"] = {"notebook_volume_size_in_gb": 20 + number % 3}
    for name, team in teams.items():
        team["vars"] = {"notebook_team": name}
    inventory = {
        "all": {
            "vars": {
                "platform_aws": {
                    "endpoint_url": endpoint,
                    "region": "eu-central-1",
                    "access_key": "sandbox",
                    "secret_key": "local-only",
                },
                "platform_access_teams": {name: {"prefixes": [], "databases": []} for name in teams},
                # The options of a person's instance that module.yml and loop.yml use.
                "instance": {
                    "name": "datalab-{{ inventory_hostname }}",
                    "instance_type": "ml.t3.medium",
                    "volume_size_in_gb": "{{ notebook_volume_size_in_gb }}",
                    "lifecycle_config_name": "datalab",
                    "tags": {"owner": "{{ inventory_hostname }}", "team": "{{ notebook_team }}"},
                },
            }
        },
        "owners": {"children": teams},
        "viewers": {"hosts": {"viewer": {}}},
    }
    path = directory / "inventory.json"
    path.write_text(json.dumps(inventory), encoding="utf-8")
    return path
