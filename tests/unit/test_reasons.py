# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reason why a check has failed, from real output of the tools."""

from __future__ import annotations

import pytest

from ansible_collections.datalab.notebooks.tests.tools.reasons import reasons

PYTEST = """\
.........................................................F................................... [ 50%]
=================================== FAILURES ===================================
___________________ test_a_hold_keeps_an_idle_instance_and_is_told ____________________

    def test_a_hold_keeps_an_idle_instance_and_is_told(host: Instance) -> None:
        tick = host.tick
>       assert tick(limit=3600).startswith("idle 0 s <= 3,600 s"), "it was as good as work"
E       AssertionError: it was as good as work
E       assert False
E        +  where False = <built-in method startswith of str object at 0x7fa99985e0d0>('idle 0 s <= 3,600 s')

tests/unit/notebook_host/test_autostop_work.py:300: AssertionError
=========================== short test summary info ============================
FAILED tests/unit/notebook_host/test_autostop_work.py::test_a_hold_keeps_an_idle_instance_and_is_told
1 failed, 4908 passed in 850.02s (0:14:10)
make: *** [Makefile:61: unit] Error 1
"""
ANSIBLE = """\
INFO     viewer ➜ converge: Executing

TASK [Ask what may be missing] *************************************************
[ERROR]: Task failed: Module failed: non-zero return code
Origin: /checkout/play.yml:3:7

fatal: [localhost]: FAILED! => {"changed": true, "rc": 1, "stderr": "ls: cannot access '/nowhere'"}
...ignoring

TASK [Gathering Facts] *********************************************************
ok: [localhost]

TASK [Fail here] ***************************************************************
[ERROR]: Task failed: Action failed: 2 problems:
  alice  a is b
  bob  c is d
Origin: /checkout/play.yml:5:7

3   tasks:
4     - shell: echo  hi
5     - name: Fail here
        ^ column 7

fatal: [localhost]: FAILED! => {"changed": false, "msg": "2 problems:\\n  alice  a is b\\n  bob  c is d"}

PLAY RECAP *********************************************************************
localhost                  : ok=2    changed=1    unreachable=0    failed=1    skipped=0    rescued=0    ignored=1
"""
ANSIBLE_LINT = """\
WARNING  Listing 2 violation(s) that are fatal
name[play]: All plays should be named.
play.yml:2:3

fqcn[action-core]: Use FQCN for builtin module actions.
play.yml:4:7 Use `ansible.builtin.shell`.

Read documentation for instructions on how to ignore specific rule violations.

# Rule Violation Summary

  1 name profile:basic tags:idiom
  1 fqcn profile:basic tags:formatting

Failed: 2 failure(s), 0 warning(s) in 1 files processed of 1 encountered.
"""
YAMLLINT = """\
./bad.yml
  1:1       warning  missing document start "---"  (document-start)
  1:5       error    too many spaces after colon  (colons)

make: *** [Makefile:88: yamllint] Error 1
"""
RUFF = """\
I001 [*] Import block is un-sorted or un-formatted
 --> bad.py:1:1
  |
1 | import os
  | ^^^^^^^^^
2 | x: int = "a"
  |
help: Organize imports

unformatted: File would be reformatted
 --> bad.py:2:1
  |
1 | import os

1 file would be reformatted
"""
MYPY = """\
bad.py:2: error: Incompatible types in assignment (expression has type "str", variable has type "int")  [assignment]
Found 1 error in 1 file (checked 1 source file)
"""
SHELLCHECK = """

In bad.sh line 2:
echo $1
     ^-- SC2086 (info): Double quote to prevent globbing and word splitting.

Did you mean:
"""
SANITY = """\
Running sanity test "validate-modules"
ERROR: Found 1 validate-modules issue(s) which need to be resolved:
ERROR: plugins/modules/platform_read.py:0:0: missing-gplv3-license: GPLv3 license header not found
FATAL: The 1 sanity test(s) listed below (out of 1) failed. See error output above for details.
"""
SAYS = {
    "pytest": (
        PYTEST,
        [
            "FAILED tests/unit/notebook_host/test_autostop_work.py::test_a_hold_keeps_an_idle_instance_and_is_told",
            "E       AssertionError: it was as good as work",
            "make: *** [Makefile:61: unit] Error 1",
        ],
    ),
    "ansible": (
        ANSIBLE,
        [
            "TASK [Fail here]",
            "[ERROR]: Task failed: Action failed: 2 problems:",
            "  alice  a is b",
            "  bob  c is d",
            r'fatal: [localhost]: FAILED! => {"changed": false, "msg": "2 problems:\n  alice  a is b\n  bob  c is d"}',
        ],
    ),
    "ansible-lint": (
        ANSIBLE_LINT,
        [
            "play.yml:2:3: name[play]: All plays should be named.",
            "play.yml:4:7 Use `ansible.builtin.shell`.: fqcn[action-core]: Use FQCN for builtin module actions.",
        ],
    ),
    "yamllint": (
        YAMLLINT,
        [
            './bad.yml:1:1 warning missing document start "---" (document-start)',
            "./bad.yml:1:5 error too many spaces after colon (colons)",
            "make: *** [Makefile:88: yamllint] Error 1",
        ],
    ),
    "ruff": (
        RUFF,
        [
            "bad.py:1:1: I001 [*] Import block is un-sorted or un-formatted",
            "bad.py:2:1: unformatted: File would be reformatted",
        ],
    ),
    "mypy": (MYPY, MYPY.splitlines()[:1]),
    "shellcheck": (
        SHELLCHECK,
        ["bad.sh line 2: ^-- SC2086 (info): Double quote to prevent globbing and word splitting."],
    ),
    "ansible-test": (SANITY, SANITY.splitlines()[1:]),
}


@pytest.mark.parametrize("tool", SAYS)
def test_reasons_of_each_tool(tool: str) -> None:
    output, says = SAYS[tool]
    assert reasons(output) == says


def test_an_error_outside_of_tasks() -> None:
    error = "[ERROR]: the playbook: nowhere.yml could not be found"
    assert reasons(f"{error}\n") == [error]


def test_the_end_of_what_is_unknown() -> None:
    lines = [f"line {number}" for number in range(100)]
    assert reasons("\n\n".join([*lines, "make: *** [Makefile:1: x] Error 1"])) == [
        *lines[-14:],
        "make: *** [Makefile:1: x] Error 1",
    ]


def test_not_too_much() -> None:
    many = "\n".join(f"FAILED tests/test_x.py::test_{number}" for number in range(100))
    assert [*reasons(many)[38:], len(reasons(many))] == ["FAILED tests/test_x.py::test_38", "… and 61 more", 40]
    assert len(reasons(f"FAILED {'x' * 9999}")[0]) == 400
