# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The message and outcome of a check that cannot run."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.datalab.notebooks.tests.state import conftest as state
from ansible_collections.datalab.notebooks.tests.tools import browser, checks, containers


@pytest.mark.parametrize(("ci", "code", "outcome"), [("", 0, "skipped"), ("true", 1, "FAILED ")])
def test_browser_without_podman(
    ci: str, code: int, outcome: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check() -> None:
        raise containers.ContainersError("podman is needed")

    monkeypatch.setattr(containers, "check", check)
    monkeypatch.setattr(sys, "argv", ["browser.py"])
    monkeypatch.setenv("CI", ci)
    assert browser.main() == code
    printed = capsys.readouterr().out
    assert printed == f"{outcome} browser: podman is needed\n"
    assert checks.to_be_seen(printed) == ([] if code else [printed.strip()])


def test_states_without_an_older_python() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"older than 3\.9"):
        state.oldest(9)


def test_what_pytest_skips_is_seen() -> None:
    line = "SKIPPED [3] tests/state/conftest.py:52: A Python is needed"
    assert checks.to_be_seen(f"=== short test summary info ===\n{line}\n") == [line]
