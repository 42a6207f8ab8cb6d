# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure the cost of one check of autostop, compared with a Python program that asks the same with requests and boto3.

Both ask the same server on this machine for the same lists, in turn, and find that there is nothing to do: that
is the usual check, without a call to AWS. Autostop also looks at all processes and writes its memory to a file. The
other program has two forms: one imports boto3 and does not use it, the other makes a client for SageMaker in advance.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import (
    OPTIONS,
    SOURCE,
    kernel,
    serving,
    session,
    write_certificate,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import with_constants

ROUNDS = 9

WITH_REQUESTS = """
import json, sys, time, warnings
from datetime import datetime
import boto3, requests
warnings.simplefilter("ignore")
jupyter = requests.Session()
jupyter.verify = jupyter.trust_env = False
lists = [jupyter.get(f"https://{sys.argv[1]}/api/{what}?no_track_activity=1", timeout=15).json()
         for what in ("sessions", "kernels")]
kernels = [item["kernel"] for item in lists[0]] + lists[1]
busy = any(kernel["execution_state"] == "busy" for kernel in kernels)
last = max(datetime.fromisoformat(item["last_activity"].replace("Z", "+00:00")).timestamp() for item in kernels)
"""
CLIENT = """
boto3.client("sagemaker", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
"""
DECISION = 'print("keep" if busy or time.time() - last <= 1e9 else "stop")'

# A small process starts the measured program, since Linux first counts the parent's memory as the child's.
MEASURE = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
print("\\n", status, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def cost(command: list[str]) -> tuple[float, float]:
    """Return the CPU seconds (user and system) and the peak memory in MiB of a program."""
    done = subprocess.run(
        [sys.executable, "-IS", "-c", MEASURE, *command], capture_output=True, text=True, check=True, timeout=60
    )
    said, measured = done.stdout.rsplit("\n ", 1)
    status, seconds, kibibytes = measured.split()
    if status != "0" or "keep" not in said:
        sys.exit(f"{command} failed:\n{done.stdout}\n{done.stderr}")
    return float(seconds), int(kibibytes) / 1024


def measured(directory: Path) -> dict[str, list[tuple[float, float]]]:
    """Return what each program costs, run in turn, to look at a Jupyter with one idle notebook."""
    write_certificate(directory / "certificate.pem")
    with serving(directory / "certificate.pem") as jupyter:
        jupyter.lists |= {"sessions": [session(kernel())], "kernels": [kernel()]}
        autostop, address = directory / "autostop.py", f"localhost:{jupyter.port}"
        constants = {"STATE": repr(f"{directory}/state.json"), "PORT": jupyter.port}
        autostop.write_text(with_constants(SOURCE.read_text(), **constants))
        commands = {
            "autostop": [sys.executable, "-IS", str(autostop), json.dumps(OPTIONS)],
            "requests and boto3": [sys.executable, "-c", WITH_REQUESTS + DECISION, address],
            "with a client": [sys.executable, "-c", WITH_REQUESTS + CLIENT + DECISION, address],
        }
        costs = {program: [cost(command)] for program, command in commands.items()}  # the first run warms the caches
        for _ in range(ROUNDS):
            for program, command in commands.items():
                costs[program].append(cost(command))
    return costs


def measure() -> dict[str, dict[str, float]]:
    """Return each program's median costs, and its CPU seconds as a multiple of autostop's."""
    with tempfile.TemporaryDirectory() as name:
        costs = measured(Path(name))
    figures = {
        program: {
            "cpu_seconds": round(median(seconds for seconds, _ in several[1:]), 4),
            "peak_mebibytes": round(median(memory for _, memory in several[1:]), 1),
        }
        for program, several in costs.items()
    }
    for figure in figures.values():
        figure["times_the_cpu_of_autostop"] = round(figure["cpu_seconds"] / figures["autostop"]["cpu_seconds"], 1)
    for program, figure in figures.items():
        print(f"{program:20} " + "  ".join(f"{what} {value}" for what, value in figure.items()))
    return figures
