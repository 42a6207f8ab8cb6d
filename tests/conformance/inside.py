# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the inside of an instance, by the reports of probe.sh and by Jupyter as a browser sees it."""

from __future__ import annotations

import time
from typing import Any

from .run import Run
from .table import IMAGE, MACHINE, RIGHTS, TABLE, Assumption, Seen, assume, is_equal

FIRST, SECOND, EARLY, LATE = "running", "running again", "early", "late"
HOST = "roles/notebook_host/"
PROGRAM = HOST + "templates/program.sh.j2"
AUTOSTOP = HOST + "files/datalab-autostop.py"
STEPS = HOST + "templates/steps/"
NEEDED = ("aws", "flock", "git", "install", "mount", "python3", "runuser", "setsid", "systemd-run", "tail", "timeout")
SELDOM = ("mount.nfs4", "mount.efs", "dnf", "crond")
STOP_SECONDS = 5
LOG_SECONDS = 60


def report(run: Run, part: str, which: str = "first") -> dict[str, Any]:
    """Return the probe's early or late report of a start."""
    found = run.reports.get(f"{which} {part}")
    if found is None:
        raise LookupError(f"The instance has not reported ({which} start, {part}).")
    return found


@assume(FIRST, "A script runs as root, in /.", HOST + "vars/main.yml", MACHINE)
def script_runs_as_root(run: Run) -> Seen:
    told = report(run, EARLY)
    return is_equal("root in /", f"{told['user']} in {told['directory']}")


@assume(FIRST, "Its PATH is /sbin:bin:/usr/sbin:/usr/bin.", HOST + "vars/main.yml", IMAGE)
def path_of_a_script(run: Run) -> Seen:
    return is_equal("/sbin:bin:/usr/sbin:/usr/bin", report(run, EARLY)["path"])


@assume(FIRST, "resource-metadata.json has ResourceArn and ResourceName.", PROGRAM, MACHINE)
def metadata(run: Run) -> Seen:
    keys = report(run, EARLY)["metadata"]
    return Seen({"ResourceArn", "ResourceName"} <= set(keys), ", ".join(keys))


@assume(FIRST, f"The OS has the commands {', '.join(NEEDED)}.", PROGRAM, MACHINE)
def commands(run: Run) -> Seen:
    places = report(run, EARLY)["commands"]
    return Seen(all(places[each] for each in NEEDED), ", ".join(places[each] or f"no {each}" for each in NEEDED))


@assume(FIRST, "The OS has mount.nfs4 and dnf, but neither mount.efs nor crond.", STEPS + "efs.sh.j2", IMAGE)
def seldom_commands(run: Run) -> Seen:
    places = report(run, EARLY)["commands"]
    there = [bool(places[each]) for each in SELDOM]
    text = ", ".join(places[each] or f"no {each}" for each in SELDOM)
    return Seen(there == [True, False, True, False], text)


@assume(FIRST, "The OS has Python 3.9 or newer.", AUTOSTOP, MACHINE)
def python_of_the_os(run: Run) -> Seen:
    version = report(run, EARLY)["python"]
    return Seen(version >= [3, 9], ".".join(map(str, version)))


@assume(FIRST, "systemd is process 1.", STEPS + "autostop.sh.j2", MACHINE)
def systemd_runs(run: Run) -> Seen:
    return is_equal("systemd", report(run, EARLY)["pid1"])


@assume(FIRST, "SELinux refuses nothing.", PROGRAM, IMAGE)
def selinux_is_permissive(run: Run) -> Seen:
    text = report(run, EARLY)["selinux"]
    return Seen(text != "Enforcing", text)


@assume(FIRST, "The volume is mounted, and belongs to ec2-user.", PROGRAM, MACHINE)
def volume(run: Run) -> Seen:
    told = report(run, EARLY)["volume"]
    return Seen(told["mounted"] and told["owner"] == "ec2-user", f"{told['owner']}'s, mounted: {told['mounted']}")


@assume(FIRST, "ec2-user has sudo without a password, unless RootAccess is Disabled.", STEPS + "viewer.sh.j2", MACHINE)
def root_access(run: Run) -> Seen:
    return is_equal("root", report(run, EARLY)["sudo"])


@assume(FIRST, "SageMaker's Conda has the environments python3 and JupyterSystemEnv.", STEPS + "conda.sh.j2", IMAGE)
def conda_of_sagemaker(run: Run) -> Seen:
    return is_equal("python3, JupyterSystemEnv", ", ".join(report(run, EARLY)["conda"]))


@assume(FIRST, "Its kernels come from nb_conda_kernels or environment_kernels.", STEPS + "jupyter.sh.j2", IMAGE)
def kernel_spec_manager(run: Run) -> Seen:
    names = report(run, EARLY)["managers"]
    return Seen(bool(names), ", ".join(names) or "neither")


@assume(FIRST, "A process that systemd-run starts outlives the script.", PROGRAM, MACHINE)
def detached_outlives(run: Run) -> Seen:
    return Seen(bool(report(run, LATE)), "it has reported")


@assume(FIRST, "Jupyter answers at https://localhost:8443 without a token.", AUTOSTOP, MACHINE)
def jupyter_answers(run: Run) -> Seen:
    keys = report(run, LATE)["status"]
    return Seen("last_activity" in keys, ", ".join(keys))


@assume(FIRST, "Jupyter's service is jupyter-server.", STEPS + "jupyter.sh.j2", MACHINE)
def jupyter_service(run: Run) -> Seen:
    return is_equal("active", report(run, LATE)["service"])


@assume(
    FIRST,
    "Jupyter's processes are in a login session, or in a control group with jupyter in its name.",
    AUTOSTOP,
    IMAGE,
)
def jupyter_group(run: Run) -> Seen:
    groups = report(run, LATE)["groups"]
    fits = all("jupyter" in group or "session" in group for group in groups.values())
    return Seen(bool(groups) and fits, ", ".join(f"{name}: {group}" for name, group in groups.items()))


@assume(FIRST, "Jupyter reads /etc/jupyter.", STEPS + "viewer.sh.j2", IMAGE)
def jupyter_reads_etc(run: Run) -> Seen:
    paths = report(run, LATE)["config_path"]
    return Seen("/etc/jupyter" in paths, " ".join(paths.split()))


@assume(FIRST, "The AWS CLI of ec2-user has the credentials of the role.", PROGRAM, RIGHTS)
def credentials(run: Run) -> Seen:
    told = report(run, LATE)
    return Seen(told["tags"].isdigit(), f"session {told['identity']}; list-tags: {told['tags']}")


@assume(FIRST, "An instance may write a log stream of its own name.", STEPS + "autostop.sh.j2", MACHINE)
def own_stream(run: Run) -> Seen:
    return _logged(run, "conformance", "a line of the instance's own")


@assume(FIRST, "The output of on-start is in NAME/LifecycleConfigOnStart.", "playbooks/status.yml", MACHINE)
def stream_of_on_start(run: Run) -> Seen:
    return _logged(run, "LifecycleConfigOnStart", "conformance-first-early")


@assume(
    FIRST, "The output of on-create is in NAME/LifecycleConfigOnCreate.", HOST + "templates/on-create.sh.j2", MACHINE
)
def stream_of_on_create(run: Run) -> Seen:
    return _logged(run, "LifecycleConfigOnCreate", "created")


def _logged(run: Run, stream: str, text: str) -> Seen:
    """Check that a log stream contains this text within LOG_SECONDS."""
    began = time.monotonic()
    while (after := time.monotonic() - began) < LOG_SECONDS:
        if text in run.logged(stream):
            return Seen(True, f"there: {stream}", f"after {after:.0f} s")
        time.sleep(run.pause)
    return Seen(
        False, f"not in {stream} within {LOG_SECONDS} s; there are {', '.join(run.account.streams()) or 'none'}"
    )


@assume(FIRST, "A presigned URL begins a session in which Jupyter's API answers.", "playbooks/open.yml", MACHINE)
def session_reads(run: Run) -> Seen:
    assert run.session
    run.session.call("GET", "/lab", read=False)
    answer = run.session.call("GET", "/api/status")
    return Seen("last_activity" in answer, ", ".join(sorted(answer)))


@assume(FIRST, "That session passes PATCH requests on to Jupyter's contents API.", "sandbox/README.md", MACHINE)
def session_patches(run: Run) -> Seen:
    assert run.session
    made = run.session.call("POST", "/api/contents", {"type": "file", "ext": ".txt"})["path"]
    renamed = run.session.call("PATCH", f"/api/contents/{made}", {"path": "conformance-renamed.txt"})["path"]
    run.session.call("DELETE", f"/api/contents/{renamed}")
    return is_equal("conformance-renamed.txt", renamed)


@assume(SECOND, "Only the volume is kept from one start to the next.", PROGRAM, MACHINE)
def volume_is_kept(run: Run) -> Seen:
    return is_equal("/home/ec2-user/SageMaker", ", ".join(report(run, EARLY, "second")["kept"]))


@assume(SECOND, f"A stop runs ExecStop of systemd's units, and gives it {STOP_SECONDS} s.", AUTOSTOP, MACHINE)
def stop_runs_exec_stop(run: Run) -> Seen:
    seconds = report(run, EARLY, "second")["stop"]
    return Seen(
        seconds >= STOP_SECONDS, "ExecStop ran" if seconds else "no ExecStop", f"for {seconds} s, of 45 at most"
    )


# Assumptions that no run tests, with the reason.

NOT_ASKED = {
    "start-with-a-key": (
        "Starting an instance with a key takes kms:DescribeKey and kms:CreateGrant.",
        "roles/platform_access/templates/people.yml.j2",
        "a key, which cannot be removed at once",
    ),
    "reason-of-a-failed-start": (
        "If on-start fails, or takes five minutes, the instance is Failed, with the reason in FailureReason.",
        HOST + "vars/main.yml",
        "two more starts, of five minutes each",
    ),
    "start-not-acted-on": (
        "A Start may be accepted and have no effect; a second Start works.",
        "plugins/module_utils/sagemaker/converge.py",
        "an AWS that ignores a Start",
    ),
    "throttling": (
        "AWS accepts 30 requests a second, and answers others with ThrottlingException.",
        "plugins/module_utils/common/pace.py",
        "an account in which nothing else runs",
    ),
    "efs-credentials": (
        "amazon-efs-utils finds the credentials of the role on an instance.",
        "docs/platform.md",
        "a file system of EFS, and a way to AL2023's packages",
    ),
    "efs-tag": (
        "EFS compares the tag of a file system with that of a role when a client connects.",
        "docs/platform.md",
        "a file system of EFS",
    ),
    "efs-sticky": (
        "In root's sticky directory on EFS, no other user can rename or remove root's files.",
        "host/datalab_deliver/src/datalab_deliver/protect.py",
        "a file system of EFS",
    ),
}
TABLE += [Assumption(name, belief, source, "", None, what) for name, (belief, source, what) in NOT_ASKED.items()]
