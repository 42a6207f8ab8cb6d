# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The teams of the platform: those of platform_access_teams, or, without any, those of the roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

LONGEST_NUMBER = 20  # digits; Python refuses to convert very long ones
NUMBERS = ("volume_size_in_gb", "query_bytes")


VIEWERS_TEAM = "platform"  # viewers' tag team: their costs are the platform's; no team may have this name
RESERVED_TEAM = "is the team of viewers, by which their costs are counted; give the team another name"


def normalised_teams(teams: Any) -> dict[Any, Any]:
    """The teams, with YAML's misread words corrected as Ansible does for variables with a type.

    A team with nothing after it reads nothing, a team called 2024 is a text, `role_per_person: "yes"` is true and
    `query_bytes: "10000000"` a number. Mistakes stay as they are, for the checks.
    """
    normalised: dict[Any, Any] = {}
    for name, settings in teams.items() if isinstance(teams, Mapping) else ():
        text = str(name) if _is_plain(name) else name
        is_taken = text is not name and (text in teams or text in normalised)
        normalised[name if is_taken else text] = _normalised_settings(settings)
    return normalised


def effective_teams(settings: Mapping[str, Any], people: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The teams that get rights. Without platform_access_teams, each team of the roster reads nothing."""
    teams: dict[str, dict[str, Any]] = normalised_teams(settings["teams"])
    return teams or {team: {} for team in dict.fromkeys(str(person["team"]) for person in people) if team}


def team_names(settings: Mapping[str, Any], people: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the teams that a person can be in."""
    return list(effective_teams(settings, people))


def _is_plain(name: Any) -> bool:
    """Whether the value has only one notation, so that its text is as written: not 1.50, and not yes for true."""
    return isinstance(name, int | date) and not isinstance(name, bool)


def _normalised_settings(settings: Any) -> Any:
    if settings is None:
        return {}
    if not isinstance(settings, Mapping):
        return settings
    known = dict(settings)
    if "role_per_person" in known:
        known["role_per_person"] = _as_bool(known["role_per_person"])
    if isinstance(known.get("limits"), Mapping):
        limits = dict(known["limits"])
        known["limits"] = {key: _as_number(value) if key in NUMBERS else value for key, value in limits.items()}
    return known


def _as_bool(value: Any) -> Any:
    try:
        return boolean(value)
    except TypeError:
        return value


def _as_number(value: Any) -> Any:
    is_number = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < LONGEST_NUMBER
    return int(value) if is_number else value
