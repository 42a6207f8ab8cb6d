# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After the integration tests, name the rights in the operator's policies that no playbook has used.

Each test module itself checks that no right is missing.
"""

from __future__ import annotations

import json
import sys

from ansible_collections.datalab.notebooks.tests.policies.operations import left_over

from .collection import BUILD

RECORDED = BUILD / "operations"  # written by tests/integration/conftest.py


def main() -> int:
    """Print the rights that no playbook has used; return whether there are any."""
    operations = {each for file in RECORDED.glob("*.json") for each in json.loads(file.read_text())}
    surplus = list(left_over(operations))
    for text in surplus:
        print(text)
    print(f"operator: {len(operations)} operations were called, {len(surplus)} actions are allowed but never used")
    return bool(surplus)


if __name__ == "__main__":
    sys.exit(main())
