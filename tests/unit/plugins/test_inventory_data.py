# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventories as Ansible loads them, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.template import Templar, trust_as_template
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.datalab.notebooks.plugins.plugin_utils.inventory_data import (
    _orphans,
    read_inventory,
    role_defaults,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import ALL, preflight
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import Problem, problems_message
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import Inventory
from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import SECTIONS, role_options
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import told

HOSTS = """
all:
  children:
    owners:
      children:
        research: {hosts: {alice: , bob: }}
        fraud: {hosts: {erin: }}
    viewers: {hosts: {viewer: }}
    servers: {hosts: {web: {http_port: 80}}}
"""

Read = Callable[..., Inventory]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """A function that reads an inventory of these files as an action does, in a play on localhost."""

    def reading(
        files: Mapping[str, str] | None = None,
        *,
        hosts: str = HOSTS,
        play: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        source: str = "hosts.yml",
        more_sources: Sequence[str] = (),
    ) -> Inventory:
        directory = tmp_path / str(len(list(tmp_path.iterdir())))  # a new one: Ansible caches the list of files
        for name, text in {"hosts.yml": hosts, **(files or {})}.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text, encoding="utf-8")
        sources = [str(directory / source), *more_sources]
        loader = DataLoader()
        inventory = InventoryManager(loader, sources)
        manager = VariableManager(loader, inventory)
        manager._options_vars = {"ansible_inventory_sources": sources}
        manager._extra_vars = dict(extra or {})
        HostVars(inventory, manager, loader)
        trusted = {
            key: trust_as_template(value) if isinstance(value, str) else value for key, value in (play or {}).items()
        }
        said = {"name": "a play", "hosts": "localhost", "vars": trusted}
        started = Play.load(said, variable_manager=manager, loader=loader)
        variables = manager.get_vars(play=started, host=inventory.get_host("localhost"))
        return read_inventory(Templar(loader=loader, variables=variables), loader, variables)

    return reading


def ours(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in variables.items() if key.startswith(("notebook_", "platform_"))}


# The people


def test_groups_with_the_hosts_of_their_children(read: Read) -> None:
    inventory = read()
    assert {group: sorted(hosts) for group, hosts in inventory.groups.items() if group != "ungrouped"} == {
        "all": ["alice", "bob", "erin", "viewer", "web"],
        "owners": ["alice", "bob", "erin"],
        "research": ["alice", "bob"],
        "fraud": ["erin"],
        "viewers": ["viewer"],
        "servers": ["web"],
    }
    assert inventory.children["owners"] == ["research", "fraud"]
    assert set(inventory.hosts) == {"alice", "bob", "erin", "viewer", "web"}
    assert inventory.hosts["web"]["http_port"] == 80
    assert (inventory.unreadable, inventory.orphans) == ((), ())


def test_an_inventory_as_ansible_loads_it_has_no_mistakes(read: Read) -> None:
    assert told(read(), sections=ALL) == []


# Variables of hosts and of the platform


def test_variables_of_hosts_groups_and_everybody(read: Read) -> None:
    inventory = read(
        {
            "group_vars/all.yml": "notebook_idle: 1\nplatform_network_name: lab",
            "group_vars/research/main.yml": "notebook_team: research",
            "host_vars/alice.yml": "notebook_idle: 2",
        }
    )
    everybodys = {"notebook_idle": 1, "platform_network_name": "lab"}
    assert ours(inventory.hosts["alice"]) == {**everybodys, "notebook_idle": 2, "notebook_team": "research"}
    assert ours(inventory.hosts["erin"]) == everybodys
    assert ours(inventory.common) == everybodys
    assert inventory.shared["platform_network_name"] == "lab"


def test_what_the_platform_has_of_play_and_command_line(read: Read) -> None:
    files = {"group_vars/all.yml": "platform_network_name: lab\nplatform_network_cidr: 10.0.0.0/20\nnotebook_idle: 1"}
    play = {"platform_storage_destroy_data": True, "notebook_fleet_only": ["instance_type"], "notebook_idle": 2}
    inventory = read(files, play=play, extra={"platform_network_name": "other"})
    shared = inventory.shared
    assert (shared["platform_network_name"], shared["platform_network_cidr"]) == ("other", "10.0.0.0/20")
    assert (shared["platform_storage_destroy_data"], shared["notebook_fleet_only"]) == (True, ["instance_type"])
    assert inventory.common["platform_network_name"] == inventory.hosts["alice"]["platform_network_name"] == "other"
    assert "platform_storage_destroy_data" not in inventory.common
    assert inventory.hosts["alice"]["notebook_idle"] == shared["notebook_idle"] == 1


def test_a_play_says_more_of_the_platform_than_the_inventory(read: Read) -> None:
    files = {"group_vars/all.yml": "notebook_fleet_only: [state]\nplatform_network_tags: {from: inventory}"}
    play = {"site": "x", "platform_network_name": "{{ site }}-net", "platform_network_tags": {"from": "play"}}
    shared = read(files, play={**play, "notebook_fleet_only": []}).shared
    assert shared["platform_network_name"] == "x-net"
    assert (shared["notebook_fleet_only"], shared["platform_network_tags"]) == ([], {"from": "play"})


def test_the_platform_has_the_defaults_of_all_roles(read: Read) -> None:
    shared = read().shared
    defaults = role_defaults(DataLoader())
    assert set(defaults) == {name for role in SECTIONS.values() for name in role_options(role)}
    for name in defaults:
        assert name in shared
    assert shared["platform_network_cidr"] == "10.42.0.0/20"
    assert shared["notebook_fleet_owner_defaults"]["notebook_instance_type"] == "ml.t3.medium"


# Templates


def test_a_template_is_resolved_in_the_variables_of_its_host(read: Read) -> None:
    everybodys = """
size: 20
notebook_volume_size_in_gb: "{{ size * 2 }}"
notebook_name: "{{ inventory_hostname }}-{{ group_names | last }}"
notebook_tags: {cost: "{{ cost | default('none') }}", of: ["{{ size }}"]}
platform_network_name: "{{ platform_storage_efs_name }}-net"
platform_network_tags: {who: "{{ groups.owners | join(' ') }}"}
"""
    files = {"group_vars/all.yml": everybodys, "host_vars/bob.yml": "size: 30\ncost: 42"}
    inventory = read(files, extra={"platform_storage_efs_name": "files"})
    assert inventory.unreadable == ()
    assert ours(inventory.hosts["alice"]) == {
        "notebook_volume_size_in_gb": 40,
        "notebook_name": "alice-research",
        "notebook_tags": {"cost": "none", "of": [20]},
        "platform_network_name": "files-net",
        "platform_network_tags": {"who": "alice bob erin"},
        "platform_storage_efs_name": "files",
    }
    bob = ours(inventory.hosts["bob"])
    assert (bob["notebook_volume_size_in_gb"], bob["notebook_tags"]) == (60, {"cost": 42, "of": [30]})
    assert inventory.shared["platform_network_name"] == "files-net"


def test_a_template_may_name_others_and_files_beside_the_inventory(read: Read) -> None:
    files = {
        "group_vars/all.yml": """notebook_host_ca_certificates: "{{ lookup('file', inventory_dir ~ '/ca.pem') }}" """,
        "host_vars/alice.yml": 'notebook_idle: "{{ hostvars.bob.notebook_idle }}"',
        "host_vars/bob.yml": 'notebook_idle: "{{ 30 * 60 }}"',
        "ca.pem": "PEM",
    }
    inventory = read(files)
    assert inventory.hosts["alice"]["notebook_idle"] == 1800
    assert inventory.hosts["alice"]["notebook_host_ca_certificates"] == "PEM"


def test_a_platform_may_name_files_beside_the_inventory_too(read: Read) -> None:
    files = {"group_vars/all.yml": """platform_network_name: "{{ lookup('file', inventory_dir ~ '/name') }}" """}
    play = {"inventory_dir": "{{ hostvars[groups.all | first].inventory_dir }}"}  # as in playbooks/vars/run.yml
    inventory = read({**files, "name": "lab"}, play=play)
    names = {each["platform_network_name"] for each in (inventory.shared, inventory.common, *inventory.hosts.values())}
    assert (names, inventory.unreadable) == ({"lab"}, ())


def test_a_value_without_a_template_is_not_templated(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    templated, template = list[Any](), Templar.template

    def counting(self: Any, value: Any, *args: Any, **more: Any) -> Any:
        templated.append(value)
        return template(self, value, *args, **more)

    monkeypatch.setattr(Templar, "template", counting)
    said = 'notebook_tags: {a: [b, "{c}"]}\nnotebook_idle: 60\nnotebook_name: "{{ inventory_hostname }}"'
    read({"host_vars/alice.yml": said})
    assert "{{ inventory_hostname }}" in templated
    assert [value for value in templated if "{{" not in str(value)] == []


PER_TEAM = """
cost_centers: {research: 1, fraud: 2}
notebook_tags: {cost: "{{ cost_centers[notebook_team] }}"}
notebook_name: "{{ inventory_hostname }}-x"
"""


def test_everybodys_variable_may_use_a_persons_variable(read: Read) -> None:
    teams = {f"group_vars/{team}.yml": f"notebook_team: {team}" for team in ("research", "fraud")}
    files = {"group_vars/all.yml": PER_TEAM, **teams, "group_vars/viewers.yml": "notebook_team: fraud"}
    inventory = read(files)
    costs = {name: variables["notebook_tags"]["cost"] for name, variables in inventory.hosts.items() if name != "web"}
    assert costs == {"alice": 1, "bob": 1, "erin": 2, "viewer": 2}
    assert told(inventory, sections=ALL) == []
    inventory = read({**files, "group_vars/fraud.yml": "{}"})
    assert [problem.split(": ")[0] for problem in told(inventory)] == ["erin"]


def test_a_host_that_is_no_person_says_only_what_is_its_own(read: Read) -> None:
    files = {"group_vars/all.yml": PER_TEAM, "group_vars/owners.yml": "notebook_team: research"}
    hosts = HOSTS.replace("viewers: {hosts: {viewer: }}", "")
    assert told(read(files, hosts=hosts)) == []
    (problem,) = told(read({**files, "host_vars/web.yml": "notebook_name: w"}, hosts=hosts))
    assert problem.startswith("web: has notebook_name, but is below neither owners nor viewers (it is in servers)")


def test_a_variable_of_the_platform_may_name_the_host(read: Read) -> None:
    files = {"group_vars/all.yml": 'platform_aws: {profile: "{{ inventory_hostname }}"}'}
    assert told(read(files)) == []
    (problem,) = told(read({**files, "host_vars/bob.yml": "platform_aws: {}"}))
    assert problem.startswith("bob: platform_aws is set for this host")


def test_variables_of_others_stay_as_they_are(read: Read) -> None:
    inventory = read({"group_vars/all.yml": 'http_host: "{{ nowhere }}"\nopen_ports: "{{ nowhere }}"'})
    assert inventory.hosts["web"]["http_host"] == inventory.common["open_ports"] == "{{ nowhere }}"
    assert inventory.unreadable == ()


def test_a_template_that_fails_is_a_problem_and_no_value(read: Read) -> None:
    inventory = read({"host_vars/alice.yml": 'notebook_idle: "{{ nowhere }}"\nnotebook_name: x'})
    text = "notebook_idle: its template does not work: 'nowhere' is undefined; correct it"
    assert inventory.unreadable == (Problem("alice", text),)
    assert ours(inventory.hosts["alice"]) == {"notebook_name": "x"}
    assert told(inventory) == [f"alice: {text}"]
    assert told(inventory, "bob") == []


@pytest.mark.parametrize(
    "template",
    ["{{ nowhere }}", "{{ 1 / 0 }}", "{{ 'x' | no_filter }}", "{% if %}", "{{ [1][5] }}", "{{ lookup('file', 'no') }}"],
)
def test_whatever_is_wrong_with_it_is_one_line(template: str, read: Read) -> None:
    inventory = read({"group_vars/all.yml": f'platform_network_cidr: "{template}"'})
    assert {problem.about for problem in inventory.unreadable} >= {"alice", "erin", "everybody"}
    (text,) = {problem.text for problem in inventory.unreadable}
    assert text.startswith("platform_network_cidr: its template does not work: ")
    assert len(text.splitlines()) == 1
    assert "platform_network_cidr" not in inventory.shared or template not in str(inventory.shared)
    assert f"everybody: {text}" in told(inventory, "alice", sections=["network"])


def test_values_have_types_of_their_own(read: Read) -> None:
    text = """
notebook_tags: {a: 1, 2: [true, 1.5, null, x, {b: ""}]}
notebook_volume_size_in_gb: 5
notebook_root_access: no
notebook_name: x
notebook_idle: 2024-01-31
notebook_host_efs_tls: null
"""
    variables = ours(read({"host_vars/alice.yml": text}).hosts["alice"])
    assert variables == {
        "notebook_tags": {"a": 1, 2: [True, 1.5, None, "x", {"b": ""}]},
        "notebook_volume_size_in_gb": 5,
        "notebook_root_access": False,
        "notebook_name": "x",
        "notebook_idle": str(date(2024, 1, 31)),
        "notebook_host_efs_tls": None,
    }
    tags = variables["notebook_tags"]
    parts = [*variables.values(), *tags, *tags.values(), *tags[2], *tags[2][4].items()]
    assert {type(part) for part in parts} == {dict, int, bool, str, type(None), list, float, tuple}


# What YAML makes of numbers and dates


@pytest.mark.parametrize(
    ("said", "is_what"),
    [
        ("notebook_tags: {cost: 0770}", "notebook_tags: cost is 504, which YAML made of 0770"),
        ("notebook_tags:\n  cost: 0770 # the centre", "notebook_tags: cost is 504, which YAML made of 0770"),
        ("notebook_tags: {a: b, 0770: x}", "notebook_tags: one of the keys is 504, which YAML made of 0770"),
        ("notebook_tags: {version: 1.10}", "notebook_tags: version is 1.1, which YAML made of 1.10"),
        ("notebook_idle: 0770", "notebook_idle is 504, which YAML made of 0770"),
        ("notebook_idle: 1:30", "notebook_idle is 90, which YAML made of 1:30"),
        ("notebook_idle: 0x10", "notebook_idle is 16, which YAML made of 0x10"),
        (
            'size: 0100\nnotebook_volume_size_in_gb: "{{ size }}"',
            "notebook_volume_size_in_gb is 64, which YAML made of 0100",
        ),
        ("notebook_volume_size_in_gb: 0100", "notebook_volume_size_in_gb is 64, which YAML made of 0100"),
        (
            "notebook_host_git_config: {core.sharedRepository: 0660}",
            "notebook_host_git_config: core.sharedRepository is 432, which YAML made of 0660",
        ),
        (
            "notebook_host_conda_environment: {name: x, python: 3.10, packages: [ipykernel]}",
            "notebook_host_conda_environment: python is 3.1, which YAML made of 3.10",
        ),
        (
            "platform_network_servers: [{cidr: 10.1.2.3/32, ports: [443, 0443]}]",
            "platform_network_servers[0]: ports[1] is 291, which YAML made of 0443",
        ),
        ("platform_storage_uids: {alice: 010001}", "platform_storage_uids: alice is 4097, which YAML made of 010001"),
        ("platform_network_tags: {cost: 1_000}", "platform_network_tags: cost is 1000, which YAML made of 1_000"),
        ("platform_access_tags: {1_000: x}", "platform_access_tags: one of the keys is 1000, which YAML made of 1_000"),
        ("notebook_tags: {cost: +5}", "notebook_tags: cost is 5, which YAML made of +5"),
        ("notebook_idle: 3_600", "notebook_idle is 3600, which YAML made of 3_600"),
        (
            "notebook_host_git_config: {core.bigFileThreshold: 10_000}",
            "notebook_host_git_config: core.bigFileThreshold is 10000, which YAML made of 10_000",
        ),
        ("notebook_tags: {until: 2026-12-31}", "notebook_tags: until is 2026-12-31, which YAML takes for a date"),
        (
            "platform_storage_tags: {2026-12-31: until}",
            "platform_storage_tags: one of the keys is 2026-12-31, which YAML takes for a date",
        ),
        (
            "notebook_lifecycle_config: 2026-12-31",
            "notebook_lifecycle_config is 2026-12-31, which YAML takes for a date",
        ),
        (
            "notebook_host_git_config: {x.y: 2026-12-31 10:00:00}",
            "notebook_host_git_config: x.y is 2026-12-31, which YAML takes for a date",
        ),
    ],
)
def test_a_number_that_is_not_what_was_written(said: str, is_what: str, read: Read) -> None:
    found = read({"group_vars/all.yml": said})
    wanted, problems = preflight(found, ALL)
    (line,) = problems_message(problems, people=wanted.people).splitlines()[1:]
    assert line == f"  everybody  {is_what}; put it in quotes"


@pytest.mark.parametrize(
    "said",
    [
        "notebook_tags: {a: 0, b: 42, c: '1_000', d: -5, e: 1.5, f: '2024-01-05', 2024: g}",
        "notebook_tags: {h: '0770', i: \"1.10\", j: 08}",
        "notebook_volume_size_in_gb: +100",
        "notebook_volume_size_in_gb: 1_000",
        "notebook_fleet_owner_defaults: {notebook_volume_size_in_gb: 1_000}",
        (
            "notebook_host_idle_timeout_maximum: 7_200\nplatform_access_teams:\n  fraud:\n"
            "  research: {limits: {instance_types: [ml.t3.medium], query_bytes: 10_000_000}}"
        ),
        "platform_storage_uids: {alice: 10_001, bob: 10002, erin: 10003}",
        "platform_network_servers: [{cidr: 10.1.2.3/32, ports: [8_443], description: x}]",
        "notebook_fleet_max_requests_per_second: 30.50",
        "notebook_idle: 3600\nnotebook_volume_size_in_gb: 100 # GiB",
    ],
)
def test_a_number_that_is_what_was_written(said: str, read: Read) -> None:
    assert told(read({"group_vars/all.yml": said}), sections=ALL) == []


def test_a_number_of_the_command_line_stands_in_no_file(read: Read) -> None:
    assert told(read(extra={"notebook_idle": 504})) == []


# Missing sources


def test_a_source_that_is_not_there_is_a_mistake(read: Read) -> None:
    (problem,) = read(more_sources=["/nonexistent/hosts.yml", "a.example.com,", "/etc/ansible/hosts"]).unreadable
    assert problem.text.startswith("-i /nonexistent/hosts.yml does not exist; ")


# Variable files of no host or group


@pytest.mark.parametrize(
    ("file", "is_orphan"),
    [
        ("host_vars/alice.yml", False),
        ("host_vars/alice", False),
        ("host_vars/alice.json", False),
        ("host_vars/alice/main.yml", False),
        ("host_vars/localhost.yml", False),
        ("host_vars/alise.yml", True),
        ("host_vars/alise/main.yml", True),
        ("host_vars/research.yml", True),
        ("host_vars/alice.txt", True),
        ("host_vars/alise.yml~", False),
        ("host_vars/alise.yml.bak", False),
        ("host_vars/README.md", False),
        ("host_vars/.alise.yml.swp", False),
        ("group_vars/all.yml", False),
        ("group_vars/all/main.yml", False),
        ("group_vars/ungrouped.yml", False),
        ("group_vars/research.yaml", False),
        ("group_vars/reserch.yml", True),
        ("group_vars/alice.yml", True),
    ],
)
@pytest.mark.parametrize("source", ["hosts.yml", ""], ids=["a file", "a directory"])
def test_orphaned_variable_files_are_found(file: str, is_orphan: bool, source: str, read: Read) -> None:
    folder, name = file.split("/")[:2]
    inventory = read({file: "{}"}, source=source)
    assert inventory.orphans == (((folder, name),) if is_orphan else ())


def test_they_are_told_in_order(read: Read) -> None:
    files = ["group_vars/y.yml", "host_vars/d", "host_vars/b.yml", "host_vars/c.yml", "group_vars/x.yml"]
    found = read(dict.fromkeys(files, "{}")).orphans
    assert [f"{folder}/{file}" for folder, file in found] == [
        *sorted(files[1:4]),
        "group_vars/x.yml",
        "group_vars/y.yml",
    ]


def test_hosts_on_the_command_line_have_no_files_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "zoe.yml").touch()
    monkeypatch.chdir(tmp_path)
    assert list(_orphans(["alice,bob,"], {"alice", "bob"}, {})) == []
    assert list(_orphans([str(tmp_path)], {"alice", "bob"}, {})) == [("host_vars", "zoe.yml")]


def test_a_person_whose_name_has_dots(read: Read) -> None:
    hosts = "owners: {children: {research: {hosts: {alice.smith: , b.yml: }}}}"
    files = {f"host_vars/{name}": "notebook_idle: 1" for name in ("alice.smith.yml", "alice.smit", "b.yml.yml")}
    inventory = read(files, hosts=hosts)
    assert inventory.hosts["alice.smith"]["notebook_idle"] == 1
    assert inventory.orphans == (("host_vars", "alice.smit"),)
    (problem,) = told(inventory)
    assert problem == "inventory: host_vars/alice.smit is for no host of the inventory; did you mean alice.smith?"
