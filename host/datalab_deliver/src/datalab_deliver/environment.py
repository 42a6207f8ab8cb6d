"""List the packages of a Python. The kernel's Python runs this, so it needs only the standard library."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import sysconfig


def main() -> None:
    """Write the origin of the modules that the arguments name, and all distributions, as JSON."""
    distributions: dict[str, object] = {}
    provides: dict[str, str] = {}
    others = [module for module in sys.argv[1:] if not standard(module)]
    for distribution in importlib.metadata.distributions() if others else []:
        name = distribution.metadata["Name"]
        if not name or name in distributions:
            continue
        distributions[name] = {"version": distribution.version, "requires": distribution.requires or []}
        for top in top_levels(distribution):
            provides.setdefault(top, name)
    modules = {module: provides.get(module, "") if module in others else None for module in sys.argv[1:]}
    json.dump({"modules": modules, "distributions": distributions, "markers": markers()}, sys.stdout)


def top_levels(distribution: importlib.metadata.Distribution) -> set[str]:
    """Return the top-level modules of a distribution."""
    listed = distribution.read_text("top_level.txt")
    if listed:
        return set(listed.split())
    tops = {file.parts[0] for file in distribution.files or []}
    return {top.split(".")[0] for top in tops if top != ".." and not top.endswith((".dist-info", ".egg-info"))}


def standard(module: str) -> bool:
    """Return whether a module comes with Python."""
    if module in sys.builtin_module_names:
        return True
    spec = importlib.util.find_spec(module)
    places = [spec.origin or "", *(spec.submodule_search_locations or [])] if spec else []
    library = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    return any(
        place == "frozen" or (place.startswith(tuple(library)) and "-packages" not in place)
        for place in places
        if place
    )


def markers() -> dict[str, str]:
    """Return the values for the markers of requirements."""
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": platform.python_version(),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
        "extra": "",
    }


if __name__ == "__main__":
    main()
