# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for databases in memory, and for connections to others."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from ..live import attempt
from .common import Recipe, Reduced, call


def _sqlite(con: Any, _: Any) -> Reduced:
    path = con.execute("pragma database_list").fetchone()[2]
    if con.in_transaction:
        raise TypeError("a database with an open transaction")
    data = None
    if not path:
        data = con.serialize() if hasattr(con, "serialize") else "\n".join(con.iterdump())
    return attempt, ("database", _connect, path or ":memory:", data, con.isolation_level, con.row_factory)


def _connect(path: str, data: Any, isolation_level: Any, row_factory: Any) -> Any:
    if path != ":memory:" and not os.path.exists(path):
        raise FileNotFoundError(f"{path} is not there")
    con = sqlite3.connect(path)
    if isinstance(data, str):
        con.executescript(data)
    elif data:
        con.deserialize(data)  # Python 3.11
    con.isolation_level = isolation_level
    con.row_factory = row_factory
    return con


def _engine(engine: Any, _: Any) -> Reduced:
    if engine.url.password is not None:
        raise TypeError("a database engine whose URL holds a password, which is not saved")
    return attempt, ("database engine", call, "sqlalchemy.create_engine", engine.url.render_as_string())


def _engine_with_password(engine: Any, _: Any) -> Reduced:
    url = engine.url.render_as_string(hide_password=False)
    return attempt, ("database engine", call, "sqlalchemy.create_engine", url)


RECIPES: dict[Any, Recipe] = {sqlite3.Connection: _sqlite}
ALWAYS: dict[Any, Recipe] = {"sqlalchemy.engine.base.Engine": _engine}
WITH_PASSWORDS: dict[Any, Recipe] = {"sqlalchemy.engine.base.Engine": _engine_with_password}
