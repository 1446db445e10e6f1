"""Calls in scripts of runbooks, by static analysis."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMANDS: Final = {
    "tag_role": re.compile(r"Add-IAMRoleTag|(?<![\w-])tag-role\b", re.IGNORECASE),
    "tag_user": re.compile(r"Add-IAMUserTag|(?<![\w-])tag-user\b", re.IGNORECASE),
    "untag_role": re.compile(r"Remove-IAMRoleTag|(?<![\w-])untag-role\b", re.IGNORECASE),
    "untag_user": re.compile(r"Remove-IAMUserTag|(?<![\w-])untag-user\b", re.IGNORECASE),
}
"""Commands of PowerShell and the AWS CLI, by boto3's name."""


@lru_cache(maxsize=128)
def calls(script: str, handler: str, *, in_texts: bool = False) -> frozenset[str]:
    """Return the names of functions and methods that a script calls when Automation runs it.

    Args:
        script: Python, or PowerShell, of which the cmdlets that set and remove tags are called as boto3 calls them.
        handler: The function that Automation calls; a script that has none of that name counts as a whole.
        in_texts: Whether a name counts that stands in a text, which a call may look it up by: for what a script may do,
            not for what it certainly does.
    """
    try:
        tree = ast.parse(script)
    except SyntaxError:
        return commands(script)
    functions = {each.name: each for each in ast.walk(tree) if isinstance(each, _FUNCTION)}
    if handler not in functions:
        return _named(ast.walk(tree), in_texts=in_texts) | (commands(script) if in_texts else frozenset[str]())
    # Module-level code runs when the script is loaded.
    found = {*(commands(script) if in_texts else ()), *_named(_outside(tree), in_texts=in_texts)}
    waiting, visited = {handler, *(found & functions.keys())}, set[str]()
    while waiting:
        name = waiting.pop()
        visited.add(name)
        called = _named(ast.walk(functions[name]), in_texts=in_texts)
        waiting |= {each for each in called if each in functions and each not in visited}
        found |= called
    return frozenset(found)


def commands(text: str) -> frozenset[str]:
    """Return the commands of a shell that set and remove tags, as boto3 calls them."""
    return frozenset(name for name, pattern in _COMMANDS.items() if pattern.search(text))


_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def _outside(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module that are in no function."""
    for each in ast.iter_child_nodes(node):
        if not isinstance(each, _FUNCTION):
            yield each
            yield from _outside(each)


def _named(nodes: Iterator[ast.AST], *, in_texts: bool) -> frozenset[str]:
    """The names in some nodes, whether they are called or not: a function may be handed on."""
    found: set[str] = set()
    for each in nodes:
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found.add(each.attr)
        elif in_texts and isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.add(each.value)
    return frozenset(found)
