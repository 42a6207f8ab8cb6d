# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Keys of tags: AWS stores Team and team as two, and IAM's conditions take them for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import key_twins
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import shown

OWN_KEYS = ("owner", "team", "idle")  # of the platform, wherever it sets them


def twin_problems(variable: str, keys: Iterable[object], also: Iterable[str] = ()) -> Iterator[str]:
    """A sentence for each key that differs in capitals only from one of the platform's, or of what is set `also`."""
    own = (*OWN_KEYS, *also)
    for key in map(str, keys):
        for other, _key in key_twins([key], own):
            yield (
                f"{variable} has {shown(key)}, and the platform has {other}; conditions of IAM take both for one:"
                f" rename or remove {shown(key)}"
            )
