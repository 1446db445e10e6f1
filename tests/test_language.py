"""Words that the documentation of AWS, Pulumi and Microsoft would not use."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
BETTER = {
    r"somebody|anybody": "name the actor: a principal, the operator, the approver",
    r"nobody": "no principal, no other stack",
    r"everybody": "every principal, all callers",
    r"whoever": "the principal that",
    r"told|tells|(?<!cannot[ _])tell": "report, return, show, log",
    r"(?:take|takes|taken|taking) on": "assume (a role)",
    r"(?:take|takes|taken|taking|took)(?: [\w-]+){0,4} away": "remove",
    r"(?:give|gives|given|giving|gave)(?: [\w-]+){0,4} back": "restore",
    r"mend|mends|mended|mending": "fix, remediate",
    r"as asked": "no differences, as configured",
    r"ways? around": "bypass",
    r"lest": "so that ... not",
    r"\w*(?:behaviour|catalogue|colour|judgement|licence|neighbour)\w*": "American spelling",
}
ROOMS_NOT_YET_REVISED = ("tests/golden", "tests/test_language.py")
"""Folders and files whose text is older than this check. Remove an entry with its last word; add none."""
FILES_NOT_YET_REVISED = ()
SOURCE = ("bench", "common", "components", "local", "operations", "policies", "tools")
KINDS = {".md", ".py", ".sh", ".toml", ".yaml", ".yml"}
FOREIGN = {".git", ".hypothesis", ".local", ".pytest_cache", ".ruff_cache", ".venv", "__pycache__", "node_modules"}


@cache
def revised_files() -> dict[str, str]:
    """Return the texts of files, by path."""
    return {str(file.relative_to(REPOSITORY)): file.read_text(encoding="utf-8") for file in _files()}


def _files() -> Iterator[Path]:
    for file in sorted(REPOSITORY.rglob("*")):
        path = file.relative_to(REPOSITORY)
        if file.suffix not in KINDS or FOREIGN & set(path.parts) or not file.is_file():
            continue
        if any(path.is_relative_to(room) for room in ROOMS_NOT_YET_REVISED):
            continue
        if not any(path.match(each) and len(path.parts) == each.count("/") + 1 for each in FILES_NOT_YET_REVISED):
            yield file


@pytest.mark.parametrize(("words", "better"), BETTER.items())
def test_text_avoids_private_words(words: str, better: str) -> None:
    pattern = re.compile(rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])", re.IGNORECASE)
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path, text in revised_files().items()
        for match in pattern.finditer(text)
    ]
    assert not found, f"Write instead: {better}\n" + "\n".join(found)


def found_in_python(pattern: str) -> list[str]:
    text = re.compile(pattern, re.MULTILINE)
    return [
        f"{path}: {match[1]}"
        for path, source in revised_files().items()
        if path.endswith(".py")
        for match in text.finditer(source)
    ]


def test_docstrings_open_with_a_statement() -> None:
    found = found_in_python(r'^ *"""((?:What|Whether|Who|How)\b.*)')
    assert not found, "Write a noun phrase, or `Return ...`:\n" + "\n".join(found)


def test_test_names_have_60_characters_at_most() -> None:
    assert found_in_python(r"^ *def (test_\w{56,})\(") == []


def test_rooms_not_yet_revised_exist() -> None:
    missing = [room for room in ROOMS_NOT_YET_REVISED if not (REPOSITORY / room).exists()]
    assert not missing


def test_class_names_have_one_meaning() -> None:
    files = (file for each in SOURCE for file in (REPOSITORY / each).rglob("*.py") if file.parent.name != "scripts")
    texts = (file.read_text(encoding="utf-8") for file in files)
    names = Counter(name for text in texts for name in re.findall(r"^ *class (\w+)", text, re.MULTILINE))
    assert [name for name, number in names.items() if number > 1] == []
