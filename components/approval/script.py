"""Sources of the runbooks' scripts, as data.

Each script is one text (`aws:executeScript`, runtime python3.11), in which Systems Manager calls a handler with the
step's `InputPayload`. In the repository it consists of several modules, which may use only the standard library and
boto3; the modules that one imports from its package precede it in the text.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RUNTIME = "python3.11"
SCRIPT_SECONDS: Final = 120
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
    used: set[str] = set()
    pending = {handler}
    while pending:
        found |= pending
        used |= {each.id for name in pending for each in ast.walk(defined[name]) if isinstance(each, ast.Name)}
        pending = used & defined.keys() - found
    unused = [node for name, node in defined.items() if name not in found]
    # Annotations are not evaluated, so imports for them are not needed in a runbook.
    unused += [node for node in body if isinstance(node, ast.If)]
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


def script_step(  # noqa: PLR0913 -- parts of a step
    name: str,
    script: str,
    handler: str,
    payload: dict[str, Any],
    outputs: Sequence[str] = (),
    *,
    seconds: int = SCRIPT_SECONDS,
    on: Mapping[str, Any] | None = None,
    **flow: Any,
) -> dict[str, Any]:
    """Return the step `aws:executeScript` that calls a handler of a script.

    `on` has its attempts, and what follows a failure or a cancellation; `flow` what follows it otherwise.
    """
    selected = [{"Name": each, "Selector": f"$.Payload.{each}", "Type": "String"} for each in outputs]
    inputs = {"Runtime": RUNTIME, "Handler": handler, "InputPayload": payload, "Script": source(script, handler)}
    return {
        "name": name,
        "action": "aws:executeScript",
        "timeoutSeconds": seconds,
        **(on or {}),
        "inputs": inputs,
        **({"outputs": selected} if selected else {}),
        **flow,
    }


@cache
def _text(module: str) -> str:
    return (_REPOSITORY / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


@cache
def _own(module: str) -> str:
    """Return the code of a module without docstrings, comments and types, as a document has 64 KB at most."""
    text = _LOCAL_IMPORT.sub("", _text(module)).replace(_FUTURE, "")
    code = text.encode()
    starts = [0, *itertools.accumulate(len(line) for line in code.splitlines(keepends=True))]
    cuts = [cut for node in ast.walk(ast.parse(text)) for cut in _cuts(node, starts)]
    for start, end, replacement in sorted(cuts, reverse=True):
        code = code[:start] + replacement + code[end:]
    lines = [_indented(line) for line in code.decode().splitlines() if not line.lstrip().startswith("#")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _cuts(node: ast.AST, starts: Sequence[int]) -> Iterator[tuple[int, int, bytes]]:
    """Return what a runbook does not evaluate of a node: annotations, types of `cast`, and docstrings.

    Args:
        node: Node of a module.
        starts: Offset of each line of the module.

    Returns:
        Offset of the first byte, that of the byte after the last one, and what replaces them.
    """

    def span(part: ast.expr | ast.arg | ast.stmt) -> tuple[int, int]:
        return starts[part.lineno - 1] + part.col_offset, starts[(part.end_lineno or 0) - 1] + (
            part.end_col_offset or 0
        )

    match node:
        case ast.arg(annotation=ast.expr() as annotation):
            yield span(node)[0] + len(node.arg), span(annotation)[1], b""
        case ast.FunctionDef(returns=ast.expr() as annotation):
            yield span(annotation)[0] - len(" -> "), span(annotation)[1], b""
        case ast.AnnAssign(target=target, annotation=annotation, value=ast.expr()):
            yield span(target)[1], span(annotation)[1], b""
        case ast.Call(func=ast.Name("cast"), args=[_, value]):
            is_plain = (
                isinstance(value, ast.Name | ast.Call | ast.Attribute | ast.Subscript)
                and value.lineno == value.end_lineno
            )
            # Parentheses keep what a line break or an operator inside the value means.
            before, after = (b"", b"") if is_plain else (b"(", b")")
            yield span(node)[0], span(value)[0], before
            yield span(value)[1], span(node)[1], after
        case _:
            pass
    if isinstance(node, _WITH_BODY) and len(node.body) > 1:
        for each in node.body:
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
                yield starts[each.lineno - 1], starts[each.end_lineno or 0], b""


def _indented(line: str) -> str:
    """Return a line indented by one space in place of four, to save size; no script has a string over several lines."""
    code = _DIRECTIVE.sub("", line.lstrip(" "))
    return " " * ((len(line) - len(line.lstrip(" "))) // _INDENT) + code


def _ordered(module: str, before: list[str]) -> list[str]:
    """Return the modules that a module needs, itself last."""
    for imported in _LOCAL_IMPORT.findall(_text(module)):
        before = before if imported in before else _ordered(imported, before)
    return [*before, module]
