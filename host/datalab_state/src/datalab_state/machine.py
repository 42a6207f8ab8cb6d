# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Set up an instance: make its kernels load this archive, and start a unit that asks them to save before any stop.

This is part of the archive, since the length of the script that AWS runs at a start is limited.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

ARCHIVE = Path(__file__).parents[1]
UNIT = "datalab-state"

# The script that starts kernels sources this with its arguments. If the archive is missing, kernels start without it.
KERNEL = """\
if [[ ${{3-}} == ipykernel_launcher && -e {archive} ]]; then
  export PYTHONPATH={archive}${{PYTHONPATH:+:$PYTHONPATH}} {options}
  set -- "$@" --ext=datalab_state
fi
"""

# The journal gets all messages; at the next start the person also reads what was not saved.
BEFORE_STOP = """\
#!/bin/bash
{{ said=$(timeout -k 1 55 python3 -I {archive} save-all --seconds 50 2>&1 >&3) && exec {run} notice unsaved; }} 3>&1
echo "$said"
begin="$(date -u '+%F %R') UTC, before a stop: not all that notebooks had in memory was saved."
exec {run} notice unsaved "$begin ${{said//$'\\n'/ }}"
"""

# At every kind of stop, this unit ends before Jupyter's unit, and before a login session in which Jupyter runs.
SESSION = f"[Unit]\nBefore={UNIT}.service\n"


def install(run: Path, systemd: Path, owner: str, options: list[str]) -> None:
    """Write the files beside `run`, the program of the instance, and start the unit if the directory `systemd` exists.

    `options` are environment variables without their prefix, such as EVERY=60. Raises OSError or
    subprocess.CalledProcessError.
    """
    settings = " ".join(f"DATALAB_STATE_{option}" for option in options)
    hook = run.parent / "before-stop.d" / "state"
    _put(run.parent / "state", KERNEL.format(archive=ARCHIVE, options=settings), 0o644)
    _put(hook, BEFORE_STOP.format(archive=ARCHIVE, run=run), 0o755)
    if systemd.is_dir() and subprocess.run(["systemctl", "is-active", "--quiet", UNIT], check=False).returncode:
        _put(systemd / "session-.scope.d" / "datalab.conf", SESSION, 0o644)
        subprocess.run(["systemctl", "daemon-reload"], check=True)
        properties = ["After=jupyter-server.service", "RemainAfterExit=yes", "TimeoutStopSec=60", f"ExecStop={hook}"]
        with_properties = [f"--property={each}" for each in properties]
        subprocess.run(
            ["systemd-run", "--quiet", f"--unit={UNIT}", f"--uid={owner}", *with_properties, "true"], check=True
        )


def _put(file: Path, text: str, mode: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(mode)
    new.replace(file)
