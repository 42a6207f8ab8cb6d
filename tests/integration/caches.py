# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Caches for processes that fork: what each fork would otherwise compile, parse or wait for again.

Some functions of other packages are replaced for that, which mypy has to be told to ignore.
"""

from __future__ import annotations

import _imp
import builtins
import gc
import marshal
import os
import time
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
from botocore.loaders import JSONFileLoader

LONG_SLEEP = 3  # seconds
SHORT_SLEEP = 0.3
SERVICES = (
    "athena",
    "budgets",
    "cloudwatch",
    "ec2",
    "efs",
    "events",
    "glue",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "sns",
    "sts",
)


def parse_models_once() -> None:
    """Read botocore's models of the services that modules call, and keep them for all forks."""
    load = cache(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _self, path: load(path)  # type: ignore[assignment,method-assign]
    session = boto3.Session("sandbox", "local-only", region_name="eu-central-1")
    for service in SERVICES:
        session.client(service)  # type: ignore[call-overload]  # which has one signature for each literal name


def compile_once(directory: Path) -> None:
    """Keep compiled sources in files of this directory.

    Otherwise Ansible compiles the sources of collections in each process, and Python those in the archive of a module.
    """
    plain = builtins.compile

    def compile_or_load(source: Any, filename: Any, mode: str, flags: int = 0, *others: Any, **more: Any) -> Any:
        if mode != "exec" or flags or not isinstance(source, (bytes, str)):
            return plain(source, filename, mode, flags, *others, **more)
        digest = sha256(source if isinstance(source, bytes) else source.encode()).hexdigest()
        kept = directory / digest
        if kept.exists():
            code = marshal.loads(kept.read_bytes())  # noqa: S302  # written by this process or one like it
            _imp._fix_co_filename(code, os.fspath(filename))  # type: ignore[attr-defined]  # as importlib does
            return code
        code = plain(source, filename, mode, dont_inherit=True)
        written = directory / f"{digest}.{os.getpid()}"
        written.write_bytes(marshal.dumps(code))
        written.rename(kept)
        return code

    builtins.compile = compile_or_load


def shorten_sleeps() -> None:
    """Shorten long sleeps, such as those of amazon.aws until AWS is consistent: the sandbox is consistent at once."""
    plain = time.sleep

    def sleep(seconds: float) -> None:
        plain(seconds if seconds < LONG_SLEEP else SHORT_SLEEP)

    time.sleep = sleep  # type: ignore[assignment]


def share_memory() -> None:
    """Keep the garbage collector of forks from touching, and so copying, the memory that they share."""
    gc.collect()
    gc.freeze()
