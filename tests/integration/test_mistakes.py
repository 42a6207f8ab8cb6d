# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A newcomer's mistakes: each message names the person or file, the variable, the rule and the remedy.

Mistakes of people share a run, since one person's failure does not stop the others; other mistakes have a run each.
More are in test_validate.py (a misspelt variable, a missing group); a smaller volume is in test_daily.py.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

import pytest

from .conftest import PlaybookRunner
from .test_validate import SHORTEST, problems, write

PEOPLE = {
    "hosts.yml": "owners: {children: {research: {hosts: {ann: , ben: , cleo: , dora: , emil: , fay: , gus: , hal: , "
    "ida: }}}}",
    "group_vars/all.yml": "platform_aws: {region: eu-centrl-1}",
    "host_vars/ann.yml": "notebook_instance_typ: ml.m5.xlarge",
    "host_vars/ben.yml": "notebook_lifecycle_config: [ben]",
    "host_vars/cleo.yml": "notebook_instance_type: '{{ machines.large }}'",
    "host_vars/dora.yml": "notebook_volume_size_in_gb: '{{ 5 + }}'",
    "host_vars/emil.yml": "notebook_role_arn: 'arn:aws:iam::role/datalab-research'",
    "host_vars/fay.yml": "notebook_name: datalab-gus",
    "host_vars/hal.yml": "notebook_name: hal_9000",
    "host_vars/ida.yml": "notebook_idle: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3136",
}
OF_PEOPLE = [
    "everybody platform_aws: region is eu-centrl-1, which botocore does not know; did you mean eu-central-1? Otherwise",
    "ann notebook_instance_typ is not a variable of datalab.notebooks; did you mean notebook_instance_type?",
    "ben notebook_lifecycle_config is [ben]; it must be text, so write it without brackets",
    "cleo notebook_instance_type: its template does not work: 'machines' is undefined; correct it",
    "dora notebook_volume_size_in_gb: its template does not work: Syntax error in template: unexpected 'end of",
    "emil notebook_role_arn: 'arn:aws:iam::role/datalab-research' is not allowed by AWS, which asks for a role's ARN, ",
    "fay, gus the instances of fay and gus would both be called datalab-gus; set another notebook_name",
    "hal notebook_name: 'hal_9000' is not allowed by AWS, which asks for letters, digits and hyphens, with a letter",
    "ida notebook_idle: it is encrypted: Attempting to decrypt but no vault secrets found; name its password with ",
]


def test_mistakes_in_what_a_person_has(playbook: PlaybookRunner, tmp_path: Path) -> None:
    told = problems(playbook("datalab.notebooks.validate", "-i", write(tmp_path, PEOPLE)))
    assert [says for says in OF_PEOPLE if not any(line.startswith(says) for line in told)] == [], told
    assert len(told) == len(OF_PEOPLE), told


SHAPE = (
    "people are hosts of teams, which are groups below it (owners: children: research: hosts: alice:); see that -i "
    "names your inventory, and that no warning above says that it cannot be parsed"
)
FILES = {
    "no YAML": (
        {"host_vars/bob.yml": "notebook_idle: 60\n  notebook_team: research"},
        "host_vars/bob.yml, line 2: YAML parsing failed: Mapping values are not allowed in this context; correct the f",
    ),
    "encrypted": (
        {"group_vars/research.yml": "$ANSIBLE_VAULT;1.1;AES256\n3136"},
        "group_vars/research.yml: Attempting to decrypt but no vault secrets found; name its password with --ask",
    ),
    "people as a list": (
        {"hosts.yml": "owners: {children: {research: {hosts: [alice, bob]}}}"},
        f"the group owners has no hosts; {SHAPE}",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_cannot_be_read(playbook: PlaybookRunner, tmp_path: Path, case: str) -> None:
    files, says = FILES[case]
    played = playbook("datalab.notebooks.validate", "-i", write(tmp_path, {**SHORTEST, **files}))
    (line,) = problems(played)
    assert line.startswith(f"inventory {says}")
    assert "caused by" not in played.stdout.partition("TASK")[2]


def test_an_inventory_that_is_not_there(playbook: PlaybookRunner, tmp_path: Path) -> None:
    missing, none = problems(playbook("datalab.notebooks.validate", "-i", tmp_path / "my-platfrom"))
    remedy = "name an existing file or directory"
    assert missing == f"everybody -i {tmp_path}/my-platfrom does not exist; {remedy}"
    assert none == f"inventory it has no people: there is no group owners; {SHAPE}"


def test_a_person_who_is_not_there(playbook: PlaybookRunner, tmp_path: Path) -> None:
    """Ansible itself ends the run before our checks; docs/troubleshooting.md has its message."""
    played = playbook("datalab.notebooks.start", "-i", write(tmp_path, SHORTEST), "-l", "alicia")
    assert "Could not match supplied host pattern, ignoring: alicia" in played.stderr
    assert "leaves us with no hosts to target" in played.stderr


SILENT: dict[str, tuple[list[str], str]] = {
    "tags": (["validate", "--tags", "access"], "no tags: leave out --tags and --skip-tags. -l chooses people."),
    "tags that are skipped": (["deploy", "--skip-tags", "always"], "no tags: leave out --tags and --skip-tags."),
    "a person, and no one in the inventory": (["start", "-i", "/nowhere", "-l", "alice"], "so -l alice finds no one"),
    "a machine that is none": (["stand_in", "-l", "alice"], "-i and -l select no machine below the group stand_ins"),
    "no machine": (["stand_in"], "-i and -l select no machine below the group stand_ins"),
    "no machine with this tag": (["stand_in", "--tags", "conda"], "no tags: leave out --tags and --skip-tags."),
}


@pytest.mark.parametrize("case", SILENT)
def test_nothing_would_run(playbook: PlaybookRunner, tmp_path: Path, case: str) -> None:
    """Without our check Ansible would succeed and say nothing."""
    (name, *options), says = SILENT[case]
    inventory = write(tmp_path, SHORTEST)
    played = playbook(f"datalab.notebooks.{name}", *(options if "-i" in options else ["-i", inventory, *options]))
    assert played.returncode
    assert says in played.stderr


def test_a_playbook_that_imports_ours_may_have_tags(playbook: PlaybookRunner, tmp_path: Path) -> None:
    ours = "{import_playbook: datalab.notebooks.validate, tags: [notebooks], vars: {platform_imported: true}}"
    (tmp_path / "ours.yml").write_text(f"- {ours}\n- {{hosts: localhost, tags: [other]}}\n", encoding="utf-8")
    run = partial(playbook, tmp_path / "ours.yml", "-i", write(tmp_path, SHORTEST), check=True)
    assert "people and viewers: 3." in run("--tags", "notebooks").stdout
    assert "people and viewers: 3." not in run("--tags", "other").stdout


@pytest.mark.parametrize("tags", ["molecule-notest,notest", "molecule-notest,notest,molecule-idempotence-notest"])
def test_molecule_skips_tags_of_its_own(playbook: PlaybookRunner, tmp_path: Path, tags: str) -> None:
    """Molecule's provisioner passes these tags, the second for idempotence."""
    playbook("datalab.notebooks.validate", "-i", write(tmp_path, SHORTEST), "--skip-tags", tags, check=True)


def test_boto3_is_missing_for_the_python_that_runs_ansible(playbook: PlaybookRunner, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['boto3'] = None\n", encoding="utf-8")
    played = playbook(
        "datalab.notebooks.validate", "-i", write(tmp_path, SHORTEST), environment={"PYTHONPATH": str(tmp_path)}
    )
    remedy = f"install it there: {sys.executable} -m pip install boto3"
    assert f"boto3 is missing for the Python that runs Ansible; {remedy}\n" in played.stdout + played.stderr


KEYS = "access_key: x, secret_key: y"
AWS = {
    "no credentials": (
        "",
        "Unable to locate credentials. Set AWS_PROFILE or the options access_key and secret_key, or use the sandbox",
    ),
    "a profile that is not there": (
        "profile: datalb",
        "The config profile (datalb) could not be found. See aws configure list-profiles, and correct AWS_PROFILE",
    ),
    "a sandbox that does not run": (
        f"{KEYS}, endpoint_url: http://127.0.0.1:1",
        "Check region, endpoint_url and the network: 'make sandbox' or 'make laptop' starts a sandbox.",
    ),
}


@pytest.mark.parametrize("case", AWS)
def test_aws_cannot_be_asked(playbook: PlaybookRunner, tmp_path: Path, case: str) -> None:
    options, says = AWS[case]
    aws = f"platform_aws: {{region: eu-central-1, {options}}}"
    files = {**SHORTEST, "group_vars/all.yml": aws}
    nowhere = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), "/dev/null")
    played = playbook("datalab.notebooks.status", "-i", write(tmp_path, files), environment=nowhere)
    assert says in played.stderr + played.stdout
    assert not re.search("Traceback|caused by", played.stderr + played.stdout)
