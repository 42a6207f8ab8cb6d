# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""FilterLogEvents, which first updates all instances: a status changes, and its event is written, only when read."""

from __future__ import annotations

from moto.logs.responses import LogsResponse

from .sagemaker import pass_all

_filter_log_events = LogsResponse.filter_log_events


def install() -> None:
    """Install the operation in moto, before its first request about logs."""
    setattr(LogsResponse, filter_log_events.__name__, filter_log_events)


def filter_log_events(self: LogsResponse) -> str:
    """FilterLogEvents; update all instances first."""
    pass_all()
    return _filter_log_events(self)
