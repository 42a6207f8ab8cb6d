# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings that every play sets itself, since an ansible.cfg may set others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
RUN = yaml.safe_load((PLAYBOOKS / "vars" / "run.yml").read_text(encoding="utf-8"))
PLAYS = {
    file.stem: play
    for file in sorted(PLAYBOOKS.glob("*.yml"))
    for play in yaml.safe_load(file.read_text(encoding="utf-8"))
    if "hosts" in play and play.get("become") is not True  # a play with become configures machines
}


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS.keys())
def test_a_play_runs_once_here_and_as_who_runs_it(play: dict[str, Any]) -> None:
    variables: dict[str, Any] = {**play.get("vars", {}), **(RUN if "vars_files" in play else {})}
    assert variables["ansible_become"] is False
    assert play.get("connection", variables.get("ansible_connection")) == "local"
    assert (play["run_once"], play["strategy"]) == (True, "ansible.builtin.linear")


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS.keys())
def test_a_play_is_not_left_out_in_silence(play: dict[str, Any]) -> None:
    assert play["hosts"] in {"{{ _platform_hosts }}", "{{ _platform_stand_ins }}"}
