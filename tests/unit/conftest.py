# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of hypothesis: the same examples in each run, and no deadline, since machines may be busy."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("unit", max_examples=150, derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("unit")
