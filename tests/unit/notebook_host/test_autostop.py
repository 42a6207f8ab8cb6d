# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When autostop stops an instance: the decision as a table, and properties for all answers of Jupyter."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import (
    NOW,
    OPTIONS,
    SOURCE,
    UPTIME,
    ago,
    autostop,
    kernel,
    session,
)

HOUR = 3600
SILENCE = "no answer from Jupyter (x)"
BEYOND = "maximum: the tag is beyond it"


@dataclass(frozen=True)
class Case:
    """The situation on an instance, and autostop's decision."""

    name: str
    expect: str
    stop: bool = False
    sessions: list[dict[str, Any]] = field(default_factory=list)
    kernels: list[dict[str, Any]] = field(default_factory=list)
    typed: tuple[str, ...] = ()
    looked: float = 36_000  # seconds ago, as are the next two
    remembered: float = 36_000
    silent: float | None = None
    seen: tuple[str, ...] = ()  # stamps at the last look
    clock: float = 0  # seconds that the clock has jumped since then
    tag: str = ""
    limit: int = HOUR
    no_answer: int = 2 * HOUR
    maximum: int = 0
    ignore_connections: bool = True


CASES = [
    Case("nothing was ever done", "idle 36,000 s > 3,600 s (default): stop", stop=True),
    Case("just started", "idle 10 s <= 3,600 s (default): keep", looked=10, remembered=10),
    Case("exactly at the limit", "idle 3,600 s <= 3,600 s (default): keep", kernels=[kernel(3600)]),
    Case("a second after it", "idle 3,601 s > 3,600 s (default): stop", stop=True, kernels=[kernel(3601)]),
    Case("an idle notebook", "idle 3,720 s > 3,600 s (default): stop", stop=True, sessions=[session(kernel(3720))]),
    Case("a busy kernel beats every clock", "teams/fraud/train.ipynb is computing: keep",
         sessions=[session(kernel(90_000, "busy"))], kernels=[kernel(90_000, "busy")], tag="1"),
    Case("a busy kernel without a notebook", "python3 is computing: keep", kernels=[kernel(90_000, "busy")]),
    Case("one of two is busy", "python3 is computing: keep",
         sessions=[session(kernel(90_000))], kernels=[kernel(90_000), kernel(90_000, "busy", id="k2")]),
    *(
        Case(f"a kernel that is {state} is not busy", "idle 7,200 s > 3,600 s (default): stop", stop=True,
             kernels=[kernel(7200, state)])
        for state in ("starting", "dead", "restarting", "autorestarting", "unknown", "terminating")
    ),
    Case("a session without a kernel", "idle 36,000 s > 3,600 s (default): stop", stop=True, sessions=[session(None)]),
    Case("a session with something else", "idle 36,000 s > 3,600 s (default): stop", stop=True,
         sessions=[session("k")]),
    Case("a kernel without a timestamp", "idle 36,000 s > 3,600 s (default): stop", stop=True,
         kernels=[kernel(last_activity=None)]),
    *(
        Case(f"no timestamp but {stamp!r}", "idle 36,000 s > 3,600 s (default): stop", stop=True,
             kernels=[kernel(last_activity=stamp)])
        for stamp in ("", "now", "2027-13-45T99:00:00Z", NOW, "0001-01-01T00:00:00", "0001-01-01T00:00:00+23:59")
    ),
    Case("a timestamp in another time zone", "idle 60 s <= 3,600 s (default): keep",
         kernels=[kernel(last_activity="2027-01-15T09:59:00.500000+02:00")]),
    Case("a timestamp west of it", "idle 7,200 s > 3,600 s (default): stop", stop=True,
         kernels=[kernel(last_activity="2027-01-14T22:00:00-08:00")]),
    Case("a terminal in use", "idle 60 s <= 3,600 s (default): keep",
         typed=(ago(60),)),
    Case("the latest of all activities counts", "idle 600 s <= 3,600 s (default): keep",
         sessions=[session(kernel(90_000))], kernels=[kernel(90_000), kernel(600, id="k2")],
         typed=(ago(50_000),)),
    Case("a notebook that was closed is remembered", "idle 120 s <= 3,600 s (default): keep", remembered=120,
         seen=(ago(120),)),
    Case("a notebook that was closed long ago", "idle 4,000 s > 3,600 s (default): stop", stop=True, remembered=4000,
         looked=300, seen=(ago(4000),)),
    Case("a clock that jumped forward", "idle 600 s <= 3,600 s (default): keep",
         kernels=[kernel(600)], looked=300, remembered=600, seen=(ago(600),), clock=5 * HOUR),
    Case("work before a clock jumped forward", "idle 300 s <= 3,600 s (default): keep",
         kernels=[kernel(200)], looked=300, remembered=3500, seen=(ago(3500),), clock=5 * HOUR),
    Case("work before a clock jumped back", "idle 0 s <= 3,600 s (default): keep",
         kernels=[kernel(200)], looked=300, remembered=3500, seen=(ago(3500),), clock=-5 * HOUR),
    Case("what seems to be in the future was long ago", "idle 4,000 s > 3,600 s (default): stop", stop=True,
         kernels=[kernel(4000)], looked=300, remembered=4000, seen=(ago(4000),), clock=-5 * HOUR),
    Case("work after a clock jumped back", "idle 100 s <= 3,600 s (default): keep",
         kernels=[kernel(4000), kernel(5 * HOUR + 100)], looked=300, remembered=4000, seen=(ago(4000),),
         clock=-5 * HOUR),
    Case("a clock that runs ahead", "idle 0 s <= 3,600 s (default): keep", kernels=[kernel(-500)]),
    Case("an open notebook is nothing by default", "idle 7,200 s > 3,600 s (default): stop", stop=True,
         sessions=[session(kernel(7200, connections=2))]),
    Case("an open notebook counts if wanted", "teams/fraud/train.ipynb is open in a browser: keep",
         sessions=[session(kernel(90_000, connections=1))], ignore_connections=False),
    Case("a notebook that is not open does not", "idle 7,200 s > 3,600 s (default): stop", stop=True,
         sessions=[session(kernel(7200, connections=0))], ignore_connections=False),
    Case("no answer at first", f"{SILENCE} 0 s <= 7,200 s (no answer): keep", silent=0),
    Case("no answer for a while", f"{SILENCE} 7,200 s <= 7,200 s (no answer): keep", silent=7200),
    Case("no answer for too long", f"{SILENCE} 7,201 s > 7,200 s (no answer): stop", stop=True, silent=7201),
    Case("no answer, and work not long ago", f"{SILENCE} 600 s <= 7,200 s (no answer): keep", silent=90_000,
         remembered=600),
    Case("no answer, and a person in a terminal", f"{SILENCE} 60 s <= 7,200 s (no answer): keep", silent=90_000,
         typed=(ago(60),)),
    Case("no answer where the tag allows less", f"{SILENCE} 601 s <= 7,200 s (no answer): keep",
         silent=601, tag="600"),
    Case("no answer where the tag allows more", f"{SILENCE} 7,201 s <= 40,000 s (tag): keep", silent=7201, tag="40000"),
    Case("no answer, and no limit to that", f"{SILENCE} 36,000 s, no limit (no answer): keep",
         silent=90_000, no_answer=0, tag="600"),
    Case("no answer where the tag says never", f"{SILENCE} 36,000 s, no limit (tag): keep", silent=90_000, tag="never"),
    Case("no answer where there is no limit", f"{SILENCE} 36,000 s, no limit (default): keep", silent=90_000, limit=0),
    Case("no answer where the tag sets a limit", f"{SILENCE} 36,000 s > 7,200 s (no answer): stop", stop=True,
         silent=90_000, limit=0, tag="600"),
    Case("an answer again", "idle 3,700 s > 3,600 s (default): stop", stop=True, remembered=3700, looked=300,
         kernels=[kernel(3700)], seen=(ago(3700),)),
    Case("the tag allows more", "idle 36,000 s <= 40,000 s (tag): keep", tag="40000"),
    Case("the tag allows less", "idle 700 s > 600 s (tag): stop", stop=True, remembered=700, tag=" 600 "),
    Case("the tag says never", "idle 36,000 s, no limit (tag): keep", tag=" Never\n"),
    Case("the tag says 0", "idle 36,000 s, no limit (tag): keep", tag="0"),
    Case("no default, no tag", "idle 36,000 s, no limit (default): keep", limit=0),
    Case("no default, but a tag", "idle 36,000 s > 600 s (tag): stop", stop=True, limit=0, tag="600"),
    Case("a tag below the maximum", "idle 36,000 s <= 40,000 s (tag): keep", tag="40000", maximum=40_000),
    Case("a tag above the maximum", f"idle 36,000 s > 7,200 s ({BEYOND}): stop", stop=True, tag="40000", maximum=7200),
    Case("never above the maximum", f"idle 36,000 s > 7,200 s ({BEYOND}): stop", stop=True, tag="never", maximum=7200),
    *(
        Case(f"a tag that is nonsense: {tag!r}",
             f"idle 36,000 s > 3,600 s (default: the tag idle={tag} is no number of seconds): stop", stop=True, tag=tag)
        for tag in ("1h", "-5", "3600.0", "1e9", "²", "None", "nevernever", "1never")
    ),
]  # fmt: skip


def look(case: Case, memory: Any) -> tuple[bool, str]:
    """Autostop's decision if Jupyter and AWS answer as in the case."""

    def ask_jupyter(what: str) -> Any:
        if case.silent is not None:
            raise ValueError("x")
        return list(getattr(case, what))

    options = SimpleNamespace(**{name: getattr(case, name, False) for name in OPTIONS})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(autostop, "ask_jupyter", ask_jupyter)
        patch.setattr(autostop, "aws", lambda *_: case.tag)
        patch.setattr(autostop, "typed", lambda: case.typed)
        patch.setattr(autostop, "work", lambda _: "")
        verdict: tuple[bool, str] = autostop.look(options, memory)
        return verdict


def memory_of(case: Case) -> Any:
    memory = autostop.Memory(UPTIME, NOW + case.clock)
    memory.last, memory.active = UPTIME - case.looked, UPTIME - case.remembered
    memory.stamps, memory.tag = list(case.seen), case.tag
    if case.silent:
        memory.silence, memory.silent = "no answer", UPTIME - case.silent
    return memory


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_decision(case: Case) -> None:
    assert look(case, memory_of(case)) == (case.stop, case.expect)


def test_activity_before_a_silence_of_jupyter_is_not_new_after_it() -> None:
    before = Case("silent", "", silent=600, remembered=4000, looked=300, seen=(ago(4000),))
    memory = memory_of(before)
    look(before, memory)
    stop, reason = look(replace(before, silent=None, kernels=[kernel(4000)]), memory)
    assert (stop, reason) == (True, "idle 4,000 s > 3,600 s (default): stop")


STAMPS = st.integers(-10 * HOUR, 50 * HOUR).map(ago) | st.sampled_from(["", "2027-01-15T09:59:00+02:00"]) | st.text()
KERNELS = st.lists(
    st.builds(
        kernel,
        state=st.sampled_from(["idle", "busy", "starting", "dead"]),
        last_activity=STAMPS,
        connections=st.integers(0, 2),
    ),
    max_size=3,
)
ANYTHING = st.builds(
    Case,
    name=st.just("anything"),
    expect=st.just(""),
    sessions=st.lists(st.builds(session, st.none() | KERNELS.filter(bool).map(lambda kernels: kernels[0])), max_size=2),
    kernels=KERNELS,
    typed=st.lists(STAMPS, max_size=2).map(tuple),
    looked=st.floats(0, UPTIME),
    remembered=st.floats(0, UPTIME),
    silent=st.none() | st.floats(0, UPTIME),
    seen=st.lists(STAMPS, max_size=3).map(tuple),
    clock=st.integers(-10 * HOUR, 10 * HOUR),
    tag=st.sampled_from(["", "0", "60", "never", "NEVER ", "x"]),
    limit=st.sampled_from([0, 60, HOUR]),
    maximum=st.sampled_from([0, 0, HOUR]),
    no_answer=st.sampled_from([0, HOUR]),
    ignore_connections=st.booleans(),
)


@given(ANYTHING)
def test_whatever_jupyter_says(case: Case) -> None:
    memory = memory_of(case)
    stop, reason = look(case, memory)
    assert 0 <= memory.active <= UPTIME
    assert reason.endswith(": stop" if stop else ": keep")
    working = case.kernels + [item["kernel"] for item in case.sessions if item["kernel"]]
    if case.silent is None and any(kernel["execution_state"] == "busy" for kernel in working):
        assert not stop
        assert memory.active == UPTIME
    never = {"0", "never", "NEVER "}
    if not case.maximum and (case.tag in never or (case.limit == 0 and case.tag in {"", "x"})):
        assert not stop


@given(ANYTHING, st.integers(-10 * HOUR, 50 * HOUR))
def test_a_later_activity_never_makes_it_more_idle(case: Case, seconds: int) -> None:
    before, after = memory_of(case), memory_of(case)
    look(case, before)
    look(replace(case, typed=(*case.typed, ago(seconds))), after)
    assert after.active >= before.active


def test_it_runs_on_the_python_of_the_image() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 9))
    imports = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imports += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in imports} <= sys.stdlib_module_names
