# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The inventory of a running play as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.dataloader import DataLoader

from .problems import EVERYBODY, Problem, problems_message
from .roster import Inventory
from .specs import ROLES, SECTIONS, role_results
from .variables import PLAYBOOK_VARIABLES, number_names
from .yaml_words import misread_words

OF_LOCALHOST = ("inventory_dir", "groups", "ansible_playbook_python")  # which it lacks itself
ENCRYPTED = "name its password with --ask-vault-pass"
PLATFORM = ("platform_", "notebook_fleet_")  # variables that are the same for everybody
ANSIBLES_OWN = "/etc/ansible/hosts"  # the source of a run without any
OURS = ("notebook_", "platform_", *PLAYBOOK_VARIABLES)


def read_inventory(templar: Any, loader: DataLoader, task_vars: Mapping[str, Any]) -> Inventory:
    """Everybody's variables, and those of the platform. Each template is resolved in the variables of its host."""
    hostvars, problems = task_vars["hostvars"], list[Problem]()
    tree = hostvars._inventory.groups  # no public API returns the groups below a group
    groups = {str(name): [str(host.name) for host in group.get_hosts()] for name, group in tree.items()}

    def resolved(about: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        context = templar.copy_with_new_env(available_variables={"hostvars": hostvars, **beside, **variables})
        return _resolved(context, about, variables, problems)

    sources = [str(source) for source in task_vars.get("ansible_inventory_sources", ())]
    problems += [Problem(EVERYBODY, text) for text in _missing_sources(sources)]
    beside = {name: task_vars[name] for name in OF_LOCALHOST if name in task_vars}
    said = _said(hostvars, groups["all"], loader, sources)
    of_all = hostvars.raw_get("localhost")  # which has what the group `all` has
    of_platform = {key: value for key, value in task_vars.items() if key.startswith(PLATFORM)}
    return Inventory(
        groups=groups,
        children={str(name): [str(child.name) for child in group.child_groups] for name, group in tree.items()},
        hosts={name: resolved(name, variables) for name, variables in said.items()},
        common=resolved(EVERYBODY, of_all),
        shared=resolved(EVERYBODY, {**role_defaults(loader), **task_vars, **of_all, **of_platform}),
        inherited={name: _same(variables, of_all) for name, variables in said.items()},
        orphans=tuple(_orphans(sources, {*said, "localhost"}, groups)),
        unreadable=tuple(problems),
        given=frozenset(map(str, hostvars._variable_manager.extra_vars)),
    )


def _said(hostvars: Any, names: Iterable[str], loader: DataLoader, sources: Iterable[str]) -> dict[str, Any]:
    """The variables of each host. If Ansible cannot read a file, the error names it, unlike Ansible's own."""
    try:
        return {name: hostvars.raw_get(name) for name in names}
    except AnsibleError:
        if problems := list(_unreadable_files(loader, sources)):
            raise AnsibleActionFail(problems_message(problems)) from None
        raise


def _unreadable_files(loader: DataLoader, sources: Iterable[str]) -> Iterator[Problem]:
    """The files of variables that are not YAML, or cannot be decrypted."""
    for folder, file in _variable_files(sources):
        for path in [path for path in [file, *file.rglob("*")] if path.is_file()]:
            try:
                loader.load_from_file(str(path), cache="none")
            except AnsibleError as error:
                line = getattr(error.obj, "line_num", None)
                place = f"{folder}/{path.name}" + (f", line {line}" if line else "")
                remedy = ENCRYPTED if "vault" in error.message else "correct the file"
                yield Problem("inventory", f"{place}: {error.message.rstrip('.')}; {remedy}")


def _reason(error: AnsibleError) -> str:
    reason = error.message.rstrip(".")
    if "vault" in reason:
        return f"it is encrypted: {reason}; {ENCRYPTED}"
    return f"its template does not work: {reason}; correct it"


def _same(variables: Mapping[str, Any], of_all: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        key for key, value in variables.items() if key.startswith(OURS) and key in of_all and value == of_all[key]
    )


def _resolved(templar: Any, about: str, variables: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """The variables, with the templates of ours resolved; without those whose templates do not work."""
    found = dict(variables)
    for key in [key for key in variables if key.startswith(OURS)]:
        if key in role_results():
            del found[key]  # results of roles are not settings, and may not be known yet
            continue
        try:
            value = templar.template(found[key]) if _has_template(found[key]) else found[key]
            misread = misread_words(key, value, number_names(), is_number=key in number_names())
            problems += [Problem(about, text) for text in misread]
            found[key] = plain(value)
        except AnsibleError as error:
            if about == EVERYBODY and not key.startswith(PLATFORM):
                continue  # it may need a person's variables
            del found[key]
            problems.append(Problem(about, f"{key}: {_reason(error)}"))
    return found


def plain(value: Any) -> Any:
    """The value in Python's own types: YAML and JSON cannot write Ansible's, which have an origin."""
    if isinstance(value, Mapping):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value if value is None else str(value)


def _has_template(value: Any) -> bool:
    """Whether there may be a template in it; to resolve a thousand people's plain values would take seconds."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value or "{#" in value
    if isinstance(value, Mapping):
        return any(_has_template(each) for each in value.values())
    return isinstance(value, list | tuple) and any(_has_template(each) for each in value)


def role_defaults(loader: DataLoader) -> dict[str, Any]:
    """The defaults of all roles. Ansible reads those of a role only when it runs the role."""
    defaults: dict[str, Any] = {}
    for role in SECTIONS.values():
        file = str(ROLES / role / "defaults" / "main.yml")
        defaults |= loader.load_from_file(file, trusted_as_template=True)
    return defaults


def _missing_sources(sources: Iterable[str]) -> Iterator[str]:
    """Sources that do not exist, for which Ansible only warns. A source with a comma is a list of hosts."""
    for source in sources:
        if "," not in source and source != ANSIBLES_OWN and not Path(source).exists():
            yield f"-i {source} does not exist; name an existing file or directory"


def _orphans(sources: Iterable[str], hosts: set[str], groups: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Variable files beside an inventory that belong to no host or group of it."""
    known = {"host_vars": hosts, "group_vars": groups}
    for folder, file in _variable_files(sources):
        if _owner_of(file) not in known[folder]:
            yield folder, file.name


def _variable_files(sources: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """The files and directories of variables beside an inventory, with the folder that each is in."""
    directories = {path if path.is_dir() else path.parent for path in map(Path, sources) if path.exists()}
    for directory in sorted(directories):
        for folder in ("host_vars", "group_vars"):
            for file in sorted((directory / folder).glob("[!.]*")):
                if not file.name.endswith(("~", ".md", ".bak", ".retry")):
                    yield folder, file


def _owner_of(file: Path) -> str:
    return file.name if file.is_dir() else re.sub(r"\.(ya?ml|json)$", "", file.name)
