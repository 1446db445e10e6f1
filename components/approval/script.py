"""Sources of the runbooks' scripts, as data.

Each script is one text (`aws:executeScript`, runtime python3.11), in which Systems Manager calls a handler with the
step's `InputPayload`. In the repository it consists of several modules, which may use only the standard library and
boto3; the modules that one imports from its package precede it in the text.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import Any, Final

RUNTIME = "python3.11"
_REPOSITORY = Path(__file__).parents[2]
_SCRIPTS = "components.approval.scripts"
_WITH_BODY: Final = (ast.Module, ast.ClassDef, ast.FunctionDef)
_INDENT: Final = 4
_DIRECTIVE: Final = re.compile(r"  # noqa: .*$")
_PLAIN_STRING: Final = re.compile(r'"[^"\'\\\n]*"')
_FUTURE: Final = "from __future__ import annotations\n"
_LOCAL_IMPORT: Final = re.compile(
    r"^from ((?:components\.approval\.scripts|common)\.\w+) import (?:\([^)]*\)|[^\n(]*)\n", re.MULTILINE
)


@cache
def source(script: str, handler: str = "") -> str:
    """Return the text of a script, such as `grants`, with the modules that it imports.

    Definitions that the handler does not use are left out; without a handler, all are kept.
    """
    modules = [_own(name) for name in _ordered(f"{_SCRIPTS}.{script}", [])]
    text = "\n\n".join(text.strip("\n") + "\n" for text in modules)
    heading = _text(f"{_SCRIPTS}.{script}").splitlines()[0].removesuffix('"""')
    return f'{heading}"""\n\n{_FUTURE}\n' + _single_quoted(_used(text, handler) if handler else text)


def _used(text: str, handler: str) -> str:
    """Return the code without the definitions that a handler does not use."""
    body = ast.parse(text).body
    defined = {name: node for node in body for name in _defined(node)}
    found: set[str] = set()
    pending = {handler}
    while pending:
        found |= pending
        names = {each.id for name in pending for each in ast.walk(defined[name]) if isinstance(each, ast.Name)}
        pending = names & defined.keys() - found
    unused = [node for name, node in defined.items() if name not in found]
    # Annotations are not evaluated, so imports for them are not needed in a runbook.
    unused += [node for node in body if isinstance(node, ast.If)]
    used = {each.id for name in found for each in ast.walk(defined[name]) if isinstance(each, ast.Name)}
    unused += [
        node
        for node in body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and used.isdisjoint(each.asname or each.name for each in node.names)
    ]
    left_out = {number for node in unused for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = [line for number, line in enumerate(text.splitlines(), start=1) if number not in left_out]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _single_quoted(text: str) -> str:
    """Return code with single quotes, of which JSON escapes none, around strings without quotes and escapes."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and _PLAIN_STRING.fullmatch(token.string):
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = f"{line[:column]}'{token.string[1:-1]}'{line[token.end[1] :]}"
    return "\n".join(lines) + "\n"


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines; none for imports."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.id for each in targets if isinstance(each, ast.Name)]


def script_inputs(script: str, handler: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs of an `aws:executeScript` step that calls a handler of a script."""
    return {"Runtime": RUNTIME, "Handler": handler, "InputPayload": payload, "Script": source(script, handler)}


@cache
def _text(module: str) -> str:
    return (_REPOSITORY / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


@cache
def _own(module: str) -> str:
    """Return the code of a module without docstrings, comments and types, as a document has 64 KB at most."""
    text = _without_casts(_without_annotations(_LOCAL_IMPORT.sub("", _text(module)).replace(_FUTURE, "")))
    left_out = {number for node in ast.walk(ast.parse(text)) for number in _docstrings(node)}
    lines = [line for number, line in enumerate(text.splitlines(), start=1) if number not in left_out]
    code = "\n".join(_indented(line) for line in lines if not line.lstrip().startswith("#"))
    return re.sub(r"\n{3,}", "\n\n", code)


def _without_annotations(text: str) -> str:
    """Return code without the annotations of parameters, results and variables, which a runbook does not evaluate."""
    lines = text.splitlines()
    cuts: list[tuple[int, int, int, int]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg) and node.annotation:
            start = (node.lineno, node.col_offset + len(node.arg))
            cuts.append((*start, node.annotation.end_lineno or 0, node.annotation.end_col_offset or 0))
        elif isinstance(node, ast.FunctionDef) and node.returns:
            column = lines[node.returns.lineno - 1].rindex(" ->", 0, node.returns.col_offset)
            cuts.append((node.returns.lineno, column, node.returns.end_lineno or 0, node.returns.end_col_offset or 0))
        elif isinstance(node, ast.AnnAssign) and node.value:
            start = (node.target.end_lineno or 0, node.target.end_col_offset or 0)
            cuts.append((*start, node.annotation.end_lineno or 0, node.annotation.end_col_offset or 0))
    for line, column, end_line, end_column in sorted(cuts, reverse=True):
        if line == end_line:
            lines[line - 1] = lines[line - 1][:column] + lines[line - 1][end_column:]
    return "\n".join(lines)


def _without_casts(text: str) -> str:
    """Return code with the value in place of each `cast` of it to a type."""
    calls = [
        each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Call) and ast.unparse(each.func) == "cast"
    ]
    if not calls:
        return text
    call = calls[-1]
    value = ast.get_source_segment(text, call.args[1]) or ""
    # Parentheses keep what a line break or an operator inside the value means.
    kept = (
        value
        if isinstance(call.args[1], ast.Name | ast.Call | ast.Attribute | ast.Subscript) and "\n" not in value
        else f"({value})"
    )
    whole = ast.get_source_segment(text, call) or ""
    lines = text.splitlines(keepends=True)
    start = sum(len(line.encode()) for line in lines[: call.lineno - 1]) + call.col_offset
    data = text.encode()
    return _without_casts((data[:start] + kept.encode() + data[start + len(whole.encode()) :]).decode())


def _indented(line: str) -> str:
    """Return a line indented by one space in place of four, to save size; no script has a string over several lines."""
    code = _DIRECTIVE.sub("", line.lstrip(" "))
    return " " * ((len(line) - len(line.lstrip(" "))) // _INDENT) + code


def _docstrings(node: ast.AST) -> list[int]:
    """Return the line numbers of standalone strings, except where one is the whole body."""
    body: list[ast.stmt] = getattr(node, "body", []) if isinstance(node, _WITH_BODY) else []
    alone = [each for each in body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]
    return [
        number for each in alone if len(body) > 1 for number in range(each.lineno, (each.end_lineno or each.lineno) + 1)
    ]


def _ordered(module: str, before: list[str]) -> list[str]:
    """Return the modules that a module needs, itself last."""
    for imported in _LOCAL_IMPORT.findall(_text(module)):
        before = before if imported in before else _ordered(imported, before)
    return [*before, module]
