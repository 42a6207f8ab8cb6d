# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The surroundings of the variables: random states, options of libraries, the working directory, extensions, sys.path.

The environment variables of the process are never saved: they may hold credentials.
"""

from __future__ import annotations

import os
import random
import sys
from contextlib import suppress
from typing import Any


def get(shell: Any) -> dict[str, Any]:
    around: dict[str, Any] = {
        "cwd": os.getcwd(),
        "path": [entry for entry in sys.path if entry],
        "extensions": sorted(getattr(shell.extension_manager, "loaded", ())),
    }
    for name, reader in READERS.items():
        if name in sys.modules:
            with suppress(Exception):
                around[name] = reader(sys.modules[name])
    return around


def put(shell: Any, around: dict[str, Any]) -> list[str]:
    """Restore the surroundings, except random states; return a line for each part that failed."""
    trouble = []
    try:
        os.chdir(around["cwd"])
    except OSError:
        trouble.append(f"the working directory {around['cwd']} is not there")
    sys.path += [entry for entry in around["path"] if entry not in sys.path and os.path.exists(entry)]
    for name in around["extensions"]:
        if name not in shell.extension_manager.loaded:
            try:
                shell.extension_manager.load_extension(name)
            except Exception as error:
                trouble.append(f"the extension {name} was not loaded: {error}")
    for name, setter in SETTERS.items():
        if name in around:
            try:
                __import__(name)
                setter(sys.modules[name], around[name])
            except Exception as error:
                trouble.append(f"the settings of {name}: {error}")
    return trouble


def seed(around: dict[str, Any]) -> None:
    """Restore the random states; call this last, since imports and loads may draw random numbers."""
    if around.get("random"):
        random.setstate(around["random"])
    if "numpy" in around:
        with suppress(Exception):
            sys.modules["numpy"].random.set_state(around["numpy"][0])
    if "torch" in around:
        with suppress(Exception):
            __import__("torch")
            sys.modules["torch"].set_rng_state(around["torch"])


def _decimal(decimal: Any) -> Any:
    return decimal.getcontext().copy()


def _set_decimal(decimal: Any, context: Any) -> None:
    decimal.setcontext(context)


def _numpy(np: Any) -> Any:
    return np.random.get_state(), np.get_printoptions()


def _set_numpy(np: Any, state: Any) -> None:
    np.set_printoptions(**{key: value for key, value in state[1].items() if key != "override_repr"})


def _pandas(pd: Any) -> dict[str, Any]:
    config = sys.modules["pandas._config.config"]
    return {
        key: pd.get_option(key)
        for key, option in config._registered_options.items()
        if key not in config._deprecated_options and pd.get_option(key) != option.defval
    }


def _set_pandas(pd: Any, options: dict[str, Any]) -> None:
    for key, value in options.items():
        pd.set_option(key, value)


def _torch(torch: Any) -> Any:
    return torch.get_rng_state()


def _matplotlib(matplotlib: Any) -> dict[str, Any]:
    """Return the options that a style or a person has set, except the backend, which the kernel chooses."""
    default = matplotlib.rcParamsDefault
    with suppress(Exception):
        return {
            key: matplotlib.rcParams[key]
            for key in default
            if not key.startswith("backend") and matplotlib.rcParams[key] != default[key]
        }
    return {}


def _set_matplotlib(matplotlib: Any, parameters: dict[str, Any]) -> None:
    matplotlib.rcParams.update(parameters)


def _pyplot(_: Any) -> bool:
    return True


def _show_figures(pyplot: Any, _: Any) -> None:
    """Load the backend, which shows figures as pictures; otherwise only the next new figure would load it."""
    pyplot.draw_if_interactive()


READERS = {
    "decimal": _decimal,
    "numpy": _numpy,
    "pandas": _pandas,
    "matplotlib": _matplotlib,
    "matplotlib.pyplot": _pyplot,
    "torch": _torch,
}
SETTERS = {
    "decimal": _set_decimal,
    "numpy": _set_numpy,
    "pandas": _set_pandas,
    "matplotlib": _set_matplotlib,
    "matplotlib.pyplot": _show_figures,
}
