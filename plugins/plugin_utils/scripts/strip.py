# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Python source without the parts that only readers need."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import Any

Position = tuple[int, int]  # line, from 1; column, from 0


def strip(source: str) -> str:
    """The source without docstrings, comments, annotations and empty lines, indented by single spaces.

    For a program that a script carries, whose length is limited. All else stays as it is.
    """
    if not source.isascii():  # ast counts bytes
        raise ValueError("only source in ASCII can be stripped")
    lines = source.splitlines(keepends=True)
    spans = [*_docstrings_and_types(ast.parse(source), lines), *_comments(source)]
    for (first, start), (last, end) in sorted(spans, reverse=True):
        lines[first - 1 : last] = [lines[first - 1][:start] + lines[last - 1][end:]]
    return "".join(_lines_indented_by_one(_without_empty_lines("".join(lines))))


def _without_empty_lines(source: str) -> str:
    empty = {token.start[0] for token in _tokens(source) if token.type == tokenize.NL and not token.line.strip()}
    return "".join(line for number, line in enumerate(source.splitlines(keepends=True), 1) if number not in empty)


def _lines_indented_by_one(source: str) -> list[str]:
    """Indents the beginnings of statements only; continuation lines of texts and brackets stay."""
    lines = source.splitlines(keepends=True)
    depth, begins = 0, True
    for token in _tokens(source):
        depth += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
        if token.type == tokenize.NEWLINE:
            begins = True
        elif begins and token.string.strip():
            lines[token.start[0] - 1] = " " * depth + token.line[token.start[1] :] if depth else token.line
            begins = False
    return lines


def _docstrings_and_types(tree: ast.Module, lines: list[str]) -> Iterator[tuple[Position, Position]]:
    nodes = list(ast.walk(tree))
    variables = [node for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__" and not variables:
            yield _start(node), _end(node)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            yield _end(node.target), _end(node.annotation)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) and node.body[1:]:
            yield _start(node.body[0]), _end(node.body[0])
        if isinstance(node, ast.arg) and node.annotation:
            yield (node.lineno, node.col_offset + len(node.arg)), _end(node.annotation)
        if isinstance(node, ast.FunctionDef) and node.returns:
            line, column = _start(node.returns)
            yield (line, lines[line - 1].rindex(")", 0, column) + 1), _end(node.returns)


def _comments(source: str) -> Iterator[tuple[Position, Position]]:
    for token in _tokens(source):
        if token.type == tokenize.COMMENT:
            yield (token.start[0], len(token.line[: token.start[1]].rstrip())), token.end


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(source).readline)


def _start(node: Any) -> Position:
    return node.lineno, node.col_offset


def _end(node: Any) -> Position:
    return node.end_lineno, node.end_col_offset
