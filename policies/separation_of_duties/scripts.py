"""What a script of a runbook calls, as far as can be told without running it."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import Final

_POWERSHELL: Final = {
    "tag_role": "Add-IAMRoleTag",
    "tag_user": "Add-IAMUserTag",
    "untag_role": "Remove-IAMRoleTag",
    "untag_user": "Remove-IAMUserTag",
}


@lru_cache(maxsize=128)
def calls(script: str, handler: str) -> frozenset[str]:
    """The names of functions and methods that a handler calls, itself or through others of the script.

    Args:
        script: Python, or PowerShell, of which the cmdlets that set and remove tags are called as boto3 calls them.
        handler: the function that Automation calls; a script that has none of that name counts as a whole.
    """
    try:
        tree = ast.parse(script)
    except SyntaxError:
        return frozenset(name for name, cmdlet in _POWERSHELL.items() if re.search(cmdlet, script, re.IGNORECASE))
    functions = {each.name: each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    if handler not in functions:
        return _called(tree)
    found: set[str] = set()
    waiting = [handler]
    while waiting:
        called = _called(functions[waiting.pop()])
        waiting += [name for name in called if name in functions and name not in found]
        found |= called
    return frozenset(found)


def _called(tree: ast.AST) -> frozenset[str]:
    """Also those that are only named: a function may be handed on."""
    names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    return frozenset(names | {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)})
