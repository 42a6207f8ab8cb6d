# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check of a pull request: real inventories through real playbooks, and no call to AWS.

Each rule has its table of cases in tests/unit/plugins; here is the whole path, from files to the message.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox import Sandbox

from .conftest import PlaybookRunner, Played

SHORTEST = {
    "hosts.yml": "owners: {children: {research: {hosts: {alice: , bob: }}}}\nviewers: {hosts: {viewer: }}",
    "group_vars/research.yml": "notebook_team: research",
    "host_vars/alice.yml": "notebook_instance_type: ml.m5.xlarge\nnotebook_volume_size_in_gb: 100",
}


def write(directory: Path, files: dict[str, str]) -> Path:
    """Write an inventory of these files, and return its path."""
    for name, text in files.items():
        file = directory / "inventory" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", encoding="utf-8")
    return directory / "inventory"


def problems(played: Played) -> list[str]:
    """Return the lines of the message, after the one that counts them."""
    assert played.returncode != 0, played
    message = re.search(
        r"(\d+) problems? in the inventory; nothing was changed:\n((?:  .*\n)+)", played.stdout + played.stderr
    )
    assert message, played
    lines = [" ".join(line.split()) for line in message[2].splitlines()]
    assert len(lines) == int(message[1])
    return lines


def test_the_shortest_inventory_is_one(playbook: PlaybookRunner, tmp_path: Path) -> None:
    said = playbook("datalab.notebooks.validate", "-i", write(tmp_path, SHORTEST), check=True)
    assert "The inventory has no mistakes; people and viewers: 3." in said.stdout


MISTAKES = {
    **SHORTEST,
    "group_vars/all.yml": """\
platform_storage_isolation: shraed
platform_network_cdr: 10.0.0.0/8
platform_network_subnets: [{cidr: 10.42.0.0/22}, {cidr: 10.42.4.0/22, zone: b}]
platform_network_servers: [{cidr: 10.1.2.3/32}]
platform_network_tags: [a]
platform_network_peerings:
platform_network_name: |
  lab
platform_storage_tags: {project: , shared: yes}
platform_access_teams: {research: , 2024: }
notebook_host_efs_tls: yess""",
    "group_vars/viewers.yml": "notebook_host_efs_read_only: ture",
    "host_vars/alice.yml": """\
notebook_instance_type: m5.xlarge
notebook_host_conda_environment: {name: x, packages: numpy}
notebook_fleet_prefx: lab
notebook_tags: {cost-center: 0770, idle: 2h}
notebook_additional_code_repositories: ["https://me:s3cret@git.example.com/x"]
volume_size_in_gb: 100""",
    "host_vars/alise.yml": "notebook_idle: 60",
}
SAYS = [
    "storage platform_storage_isolation is shraed; it must be one of shared, access_point, file_system; did you mean",
    "everybody platform_network_cdr is not a variable of datalab.notebooks; did you mean platform_network_cidr?",
    "network platform_network_subnets[0]: zone is missing",
    "network platform_network_servers[0]: ports is missing",
    "network platform_network_tags is [a]; it must be a dictionary",
    "network platform_network_peerings is empty; write [] for none, or leave it out",
    r"network platform_network_name is 'lab\n'; it must be one line: YAML keeps the line end of a block",
    "storage platform_storage_tags: project is empty; write",
    "storage platform_storage_tags: shared is true; it must be text; put it in quotes: YAML takes yes, no, on and off",
    "everybody notebook_host_efs_tls is yess; it must be true or false",
    "viewer notebook_host_efs_read_only is ture; it must be true or false",
    "alice notebook_host_conda_environment: python is missing",
    "alice notebook_host_conda_environment: packages is numpy; it must be a list, for example [numpy]",
    "alice notebook_tags: cost-center is 504, which YAML made of 0770; put it in quotes",
    "alice notebook_tags has idle, which is set from notebook_idle",
    "alice notebook_additional_code_repositories[0] has a user name or password in an address; it must have none",
    "alice notebook_fleet_prefx is not a variable of datalab.notebooks; did you mean notebook_fleet_prefix?",
    "alice volume_size_in_gb is not a variable of datalab.notebooks; did you mean notebook_volume_size_in_gb?",
    "alice notebook_instance_type: 'm5.xlarge' is not among the",
    "inventory host_vars/alise.yml is for no host of the inventory; did you mean alice?",
]


@pytest.mark.parametrize("name", ["validate", "site", "fleet", "status", "start"])
def test_every_playbook_tells_all_mistakes_at_once_before_the_first_call(
    playbook: PlaybookRunner, module_sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    module_sandbox.reset_calls()
    inventory = write(tmp_path, MISTAKES)
    limit = ["-l", "owners:viewers"] if name == "start" else []
    played = playbook(f"datalab.notebooks.{name}", "-i", inventory, *limit, environment=module_sandbox.environment)
    found = problems(played)
    assert "s3cret" not in played.stdout + played.stderr
    assert [says for says in SAYS if not any(line.startswith(says) for line in found)] == [], found
    assert [line for line in found if not line.startswith(tuple(SAYS))] == []
    assert module_sandbox.calls() == {}


SILENT = {
    "a team beside owners": (
        {
            "hosts.yml": "owners: {children: {research: {hosts: {alice: }}}}\n"
            "fraud: {hosts: {erin: }, vars: {notebook_team: fraud}}"
        },
        "erin has notebook_team, but is below neither owners nor viewers (it is in fraud)",
    ),
    "owners without children": (
        {"hosts.yml": "owners: {research: {hosts: {alice: }}}"},
        "inventory the group owners has no hosts",
    ),
    "an empty file": ({"hosts.yml": ""}, "inventory it has no people: there is no group owners"),
    "a person in two teams": (
        {"hosts.yml": "owners: {children: {research: {hosts: {alice: }}, fraud: {hosts: {alice: }}}}"},
        "alice is in 2 teams, research and fraud",
    ),
}


@pytest.mark.parametrize("case", SILENT)
def test_an_inventory_is_never_silently_empty(playbook: PlaybookRunner, tmp_path: Path, case: str) -> None:
    files, says = SILENT[case]
    found = problems(playbook("datalab.notebooks.validate", "-i", write(tmp_path, files)))
    assert [line for line in found if line.startswith(says)], found


def test_variables_that_name_files_beside_an_inventory_without_people(playbook: PlaybookRunner, tmp_path: Path) -> None:
    aws = "platform_aws: {endpoint_url: 'http://127.0.0.1:1/{{ inventory_dir | basename }}'}"
    (line, *_) = problems(
        playbook("datalab.notebooks.site", "-i", write(tmp_path, {"hosts.yml": "", "group_vars/all.yml": aws}))
    )
    assert line.startswith("inventory it has no people")


# The first host of the inventory; Ansible must not connect to it in a playbook for people.
LAB = "lab: {ansible_connection: ssh, ansible_host: 192.0.2.1, ansible_ssh_timeout: 1}"
STAND_IN = {**SHORTEST, "hosts.yml": f"stand_ins: {{hosts: {{{LAB}}}}}\n{SHORTEST['hosts.yml']}"}


def test_stand_ins_are_checked_as_people_are(playbook: PlaybookRunner, tmp_path: Path) -> None:
    said = playbook("datalab.notebooks.validate", "-i", write(tmp_path, STAND_IN), check=True)
    assert "people and viewers: 3, stand-ins: 1." in said.stdout
    inventory = write(tmp_path, {**STAND_IN, "host_vars/lab.yml": "notebook_host_stop_comand: halt"})
    for name in ("validate", "stand_in"):
        (line,) = problems(playbook(f"datalab.notebooks.{name}", "-i", inventory))
        says = "lab notebook_host_stop_comand is not a variable of datalab.notebooks; did you mean notebook_host_stop_"
        assert line.startswith(says)


def test_playbooks_for_people_pass_stand_ins_by(
    playbook: PlaybookRunner, module_sandbox: Sandbox, tmp_path: Path
) -> None:
    inventory = write(tmp_path, {**STAND_IN, "host_vars/lab.yml": "notebook_host_strict: perhaps"})
    for limit in ([], ["-l", "all"]):
        said = playbook(
            "datalab.notebooks.status", "-i", inventory, *limit, environment=module_sandbox.environment, check=True
        )
        assert "alice" in said.stdout


def test_a_run_for_one_person_is_about_that_person(playbook: PlaybookRunner, tmp_path: Path) -> None:
    files = {**SHORTEST, "host_vars/bob.yml": "notebook_volume_size_in_gb: big"}
    inventory = write(tmp_path, files)
    playbook("datalab.notebooks.validate", "-i", inventory, "-l", "alice", check=True)
    (line,) = problems(playbook("datalab.notebooks.validate", "-i", inventory, "-l", "bob"))
    assert line == "bob notebook_volume_size_in_gb is big; it must be a whole number"
    (server,) = problems(
        playbook(
            "datalab.notebooks.validate",
            "-i",
            write(tmp_path, {**SHORTEST, "host_vars/bob.yml": "{}", "more.yml": "all: {hosts: {web: }}"}),
            "-l",
            "web",
        )
    )
    assert server.startswith("web is below neither owners nor viewers, so it has no instance")


CONFIG = {"ANSIBLE_CONFIG": str(Path(__file__).parents[2] / "inventory" / "example-aws" / "ansible.cfg")}


def test_an_inventory_that_cannot_be_read_fails(playbook: PlaybookRunner, tmp_path: Path) -> None:
    inventory = write(tmp_path, {"hosts.yml": "owners: [alice"})
    played = playbook("datalab.notebooks.validate", "-i", inventory, environment=CONFIG)
    assert played.returncode != 0
    assert "No inventory was parsed" in played.stderr or "failed to parse" in played.stderr.lower(), played


def test_a_key_that_is_written_twice_fails(playbook: PlaybookRunner, tmp_path: Path) -> None:
    twice = {"host_vars/bob.yml": "notebook_idle: 60\nnotebook_idle: never"}
    inventory = write(tmp_path, {**SHORTEST, **twice})
    (line,) = problems(playbook("datalab.notebooks.validate", "-i", inventory, environment=CONFIG))
    assert line.startswith(
        "inventory host_vars/bob.yml, line 2: YAML parsing failed: Found duplicate mapping key 'noteb"
    )
