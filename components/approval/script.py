"""The sources of the runbooks' scripts, as data.

Each script is one text (`aws:executeScript`, runtime python3.11), in which Systems Manager calls a handler with the step's
`InputPayload`. In the repository it is several modules, which may use the standard library and boto3, nothing else; those
that a module imports from its package stand before it in the text.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

RUNTIME = "python3.11"
_SCRIPTS = Path(__file__).parent / "scripts"
_WITH_BODY: Final = (ast.Module, ast.ClassDef, ast.FunctionDef)
_FUTURE: Final = "from __future__ import annotations\n"
_LOCAL_IMPORT: Final = re.compile(
    r"^from components\.approval\.scripts\.(\w+) import (?:\([^)]*\)|[^\n(]*)\n", re.MULTILINE
)


@cache
def source(script: str) -> str:
    """Return the text of a script, such as `grants`, with the modules that it imports."""
    modules = [_own(name) for name in _ordered(script, [])]
    heading = _text(script).splitlines()[0].removesuffix('"""')
    return f'{heading}"""\n\n{_FUTURE}\n' + "\n\n".join(text.strip("\n") + "\n" for text in modules)


def script_inputs(script: str, handler: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs of an `aws:executeScript` step that calls a handler of a script."""
    return {"Runtime": RUNTIME, "Handler": handler, "InputPayload": payload, "Script": source(script)}


def _text(module: str) -> str:
    return (_SCRIPTS / f"{module}.py").read_text(encoding="utf-8")


def _own(module: str) -> str:
    """The code of a module: docstrings and comments stay in the repository, as a document has 64 KB at most."""
    text = _LOCAL_IMPORT.sub("", _text(module)).replace(_FUTURE, "")
    left_out = {number for node in ast.walk(ast.parse(text)) for number in _docstrings(node)}
    lines = [line for number, line in enumerate(text.splitlines(), start=1) if number not in left_out]
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return re.sub(r"\n{3,}", "\n\n", code)


def _docstrings(node: ast.AST) -> list[int]:
    """Numbers of the lines of strings that stand alone, but for one that is all there is."""
    body: list[ast.stmt] = getattr(node, "body", []) if isinstance(node, _WITH_BODY) else []
    alone = [each for each in body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]
    return [
        number for each in alone if len(body) > 1 for number in range(each.lineno, (each.end_lineno or each.lineno) + 1)
    ]


def _ordered(module: str, before: list[str]) -> list[str]:
    """The modules that a module needs, itself the last."""
    for imported in _LOCAL_IMPORT.findall(_text(module)):
        before = before if imported in before else _ordered(imported, before)
    return [*before, module]
