# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The flow log of a VPC of our own. One of others is left alone, and used if it records what is wanted."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.flow_log import is_written_to

from .network_draft import Draft
from .network_found import MARK, Network, Resource
from .network_parts import now_or_later

ALL = "ALL"


def plan_flow_log(draft: Draft, network: Network) -> None:
    """Create the wanted flow log, and remove ours that are not wanted."""
    current = _current(network)
    for log in _own(network):
        if log is not current:
            _remove(draft, log)
    destination, traffic = _destination(network), _traffic(network)
    if not destination or (current is None and any(_has_all(log, traffic) for log in _of_others(network))):
        return
    text, tags = _text(destination), network.tags(network.called("flow-log"))
    step = {"vpc_id": network.vpc_id, "log_destination": destination, "traffic_type": traffic, "tags": tags}
    if current is None:
        draft.add("create", text, after=f"traffic: {traffic}")
        now_or_later(draft, "flow_logs", text, step)
    elif current["traffic_type"] != traffic:
        draft.add("change", text, before=f"traffic: {current['traffic_type']}", after=f"traffic: {traffic}")
        draft.step("flow_logs", {**step, "log_destination": current["log_destination"]})
    else:
        draft.retag(text, current["flow_log_id"], current["tags"], tags)
        _note_failure(draft, network, current)


def remove_flow_logs(draft: Draft, network: Network) -> None:
    """Removes all of ours. Their records stay in the bucket."""
    for log in _own(network):
        _remove(draft, log)


def flow_log_conflicts(network: Network) -> Iterator[str]:
    """Flow logs of others with the same destination that record less: AWS creates no second one."""
    for log in _of_others(network):
        if _current(network) is None and not _has_all(log, _traffic(network)):
            yield (
                f"platform_network_flow_log is to be written to {_place(_destination(network))}, but"
                f" {log['flow_log_id']} of {network.vpc_id} is, with {log['traffic_type']} only, and is not this"
                f" role's. Choose another prefix, or tag it {MARK}={network.name} to have it managed."
            )


def _own(network: Network) -> list[Resource]:
    return [log for log in network.own("flow_logs") if log.get("log_destination")]


def _current(network: Network) -> Resource | None:
    """Our flow log with the wanted destination."""
    destination = _destination(network)
    return next((log for log in _own(network) if is_written_to(log, destination)), None)


def _of_others(network: Network) -> list[Resource]:
    destination = _destination(network)
    return [log for log in network.others("flow_logs") if destination and is_written_to(log, destination)]


def _destination(network: Network) -> str:
    """The ARN of the bucket with its folder; "" for no flow log."""
    log = network.settings["flow_log"]
    folder = (log.get("prefix") or "").strip("/")
    return f"arn:{network.partition}:s3:::{log['bucket']}{f'/{folder}/' if folder else ''}" if log else ""


def _traffic(network: Network) -> str:
    return network.settings["flow_log"].get("traffic") or ALL


def _has_all(log: Resource, traffic: str) -> bool:
    return log["traffic_type"] in (traffic, ALL)


def _remove(draft: Draft, log: Resource) -> None:
    draft.add("remove", _text(log["log_destination"]))
    draft.step("remove_flow_logs", {"vpc_id": log["resource_id"], "log_destination": log["log_destination"]})


def _note_failure(draft: Draft, network: Network, log: Resource) -> None:
    if log.get("deliver_logs_status") == "FAILED":
        bucket, why = network.settings["flow_log"]["bucket"], log.get("deliver_logs_error_message")
        draft.notes.append(
            f"The {_text(log['log_destination'])} does not arrive there: {why}. The policy of {bucket} must let"
            " delivery.logs.amazonaws.com write."
        )


def _text(destination: str) -> str:
    return f"flow log to {_place(destination)}"


def _place(destination: str) -> str:
    """The bucket, with its folder."""
    return destination.rpartition(":::")[2].rstrip("/")
