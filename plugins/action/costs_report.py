# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reports the costs of a platform: read, count, show. Changes nothing but its files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ansible_collections.datalab.notebooks.plugins.module_utils.efs.read import bucket_name
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.billed import read_billed
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.facts import (
    Facts,
    Wish,
    read_instances,
    read_prices,
    read_usage,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.ledger import Managed
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.page import (
    HEADINGS,
    csv_text,
    page,
    summary,
    table_rows,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.periods import (
    Period,
    earliest,
    read_period,
    read_zone,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.report import make_report
from ansible_collections.datalab.notebooks.plugins.plugin_utils.flow import FlowAction
from ansible_collections.datalab.notebooks.plugins.plugin_utils.people import config_of
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs import log_group
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs_enforce import (
    NO_DENIALS,
    denials_to_read,
    denied_teams,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.fleet import all_idle_limits
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.instances import wanted_to_read
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import ALL, Wanted
from ansible_collections.datalab.notebooks.plugins.plugin_utils.status import table

display = Display()

DAY = timedelta(days=1)
MOST_REQUESTS = 5  # paid ones, of a report
CACHE = "prices.json"
NO_DIRECTORY = "costs_directory: {} {}; name a directory that you may write to, on a disk with space"


class ActionModule(FlowAction):
    """Reads AWS by our modules; all counting happens here."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "month": {"type": "str", "default": ""},
        "directory": {"type": "path", "required": True},
    }

    def planned(self, options: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self.wanted(ALL)
        now, directory = datetime.now(UTC).replace(microsecond=0), Path(options["directory"])
        if reason := unwritable(directory):
            raise AnsibleActionFail(NO_DIRECTORY.format(directory, reason))
        period = read_period(options["month"], read_zone(wanted.settings["costs"]["timezone"]) or UTC, now)
        if isinstance(period, str):
            raise AnsibleActionFail(f"month is {options['month']}; {period}")
        settings = wanted.settings["costs"], wanted.settings["access"]
        read = self.module("platform_read", {"instances": self._to_read(wanted), "denials": denials_to_read(*settings)})
        denied = denied_teams(*settings, read.get("denials", NO_DENIALS))
        more = {"cache": str(directory / CACHE), "found": read["instances"], "denied": denied}
        facts = self._facts(wanted, period, now, more)
        report = make_report(facts)
        for line in [*summary(report), "", *table(HEADINGS, table_rows(report))]:
            display.display(line)
        files = {
            directory / f"{period}.html": page(report),
            directory / f"{period}.csv": csv_text(report),
            directory / f"{period}.json": json.dumps(report, indent=1) + "\n",
        }
        return {
            "changed": self._write(files),
            "report": {key: value for key, value in report.items() if key not in ("days", "people", "prices")},
            "files": [str(file) for file in files],
            "bucket": _bucket(wanted, read["account"]),
        }

    def _to_read(self, wanted: Wanted) -> dict[str, Any]:
        asked = wanted_to_read(wanted, own_mounts=False, complete=True, limited=False)
        return {**asked, "lifecycle_configs": []}

    def _facts(self, wanted: Wanted, period: Period, now: datetime, options: Mapping[str, Any]) -> Facts:
        wishes, costs = dict(_wishes(wanted)), wanted.settings["costs"]
        since = earliest(period, now)
        days = [time.astimezone(period.zone).date() for time in (since, min(now, period.end))]
        prices = {"private": costs["prices"], "cache": options["cache"]}
        usage = {"log_group": log_group(costs), "since": since.isoformat()}
        return Facts(
            period,
            now,
            Managed(wanted.prefix, {each.instance: (each.name, each.team) for each in wanted.roster.people.values()}),
            read_instances(options["found"], wishes),
            # Later events show earlier states.
            read_usage(self._asked("when instances ran", "notebook_usage_info", usage)),
            read_prices(self._asked("prices", "notebook_prices_info", prices)),
            read_billed(self._billed(wanted, *days)),
            {str(team): float(said["budget"]) for team, said in costs["teams"].items()},
            wishes,
            options["denied"],
        )

    def _asked(self, what: str, module: str, options: Mapping[str, Any]) -> dict[str, Any]:
        display.display(f"  reading {what}", color="cyan")
        return self.module(module, options)

    def _billed(self, wanted: Wanted, first: date, last: date) -> dict[str, Any]:
        """AWS's bill; the report is made even without it."""
        asked = {
            "start": str(first),
            "end": str(last + DAY),
            "tag": "team",
            "only": {"platform": wanted.prefix},
            "max_requests": MOST_REQUESTS,
        }
        try:
            return self._asked("what was billed", "cost_info", asked)
        except AnsibleActionFail as error:
            return {"problem": str(error.message).partition("\n")[0]}

    def _write(self, files: Mapping[Path, str]) -> bool:
        """Write the files; whether one has changed."""
        try:
            stale = {file: text for file, text in files.items() if not file.exists() or file.read_text("utf-8") != text}
            if stale and not self._task.check_mode:
                next(iter(stale)).parent.mkdir(parents=True, exist_ok=True)
                for file, text in stale.items():
                    file.write_text(text, encoding="utf-8")
        except OSError as error:  # such as a disk that is full
            reason = f"cannot be written: {error.strerror}"
            raise AnsibleActionFail(NO_DIRECTORY.format(next(iter(files)).parent, reason)) from None
        return bool(stale)


def unwritable(directory: Path) -> str:
    """Why nothing can be written there, or "". A missing directory will be created, so its parent counts."""
    there = next(each for each in (directory, *directory.parents) if each.exists())
    if not there.is_dir():
        return "is a file" if there == directory else f"is below {there}, which is a file"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"cannot be written: {there} is not yours"


def _wishes(wanted: Wanted) -> Iterator[tuple[str, Wish]]:
    limits = all_idle_limits(wanted)
    for name in wanted.people:
        wishes = wanted.wishes[name]
        said = wishes.instance
        idle = limits.get(config_of(wishes, wanted.prefix, wanted.own_mounts), 0)
        yield (
            wishes.person.instance,
            Wish(said.get("notebook_instance_type", ""), said.get("notebook_volume_size_in_gb"), idle),
        )


def _bucket(wanted: Wanted, account: Mapping[str, Any]) -> str:
    """The bucket for query results."""
    storage = wanted.settings["storage"]
    return bucket_name("results", storage["results_bucket"], storage["efs_name"], account)
