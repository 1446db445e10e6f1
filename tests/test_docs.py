"""Links and commands of the documentation."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from operations.cli import COMMANDS, _Loaded

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("local/**/README.md")])
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
CODE = re.compile(r"^```\w*\n(.*?)^```|((?:^ {4}.*\n)+)|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"(?:^\s*|\$\(|&& |; |python3? |`)(shell-access|-m operations|make)(?= |$)")
ENDS = {"|", "&&", ";", "||", ">", "2>", "#", "&"}

MOST_WORDS = 2
"""Words after `make`: an option or a setting, and a target."""

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    texts = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", each).lower() for each in headings]
    return {re.sub(r"[^\w\- ]", "", each).strip().replace(" ", "-") for each in texts}


@pages
def test_links_of_a_page_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    broken: list[str] = []
    for link in re.findall(r"\]\(([^)\s]+)\)|^\[[^]]+\]: (\S+)", text, re.MULTILINE):
        target, _, anchor = (link[0] or link[1]).partition("#")
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append("".join(link))
    assert broken == []


def commands(page: Path) -> Iterator[list[str]]:
    """Yield each command of this project in code: its program, then its words."""
    for block in CODE.finditer(page.read_text()):
        code = next(each for each in block.groups() if each is not None).replace("\\\n", " ")
        for line in code.splitlines():
            for found in PROGRAM.finditer(line):
                text = line[found.end() :].partition("`")[0]
                try:
                    words = shlex.split(text, comments=True)
                except ValueError:  # a quote that another line ends
                    words = text.partition("#")[0].split()
                end = next((number for number, each in enumerate(words) if each in ENDS), len(words))
                yield [found[1], *(each.rstrip(")\"'") for each in words[:end])]


@cache
def options(*path: str) -> set[str] | None:
    """Return the options of a subcommand; None for a command that does not exist."""
    if path[0] not in COMMANDS:
        return None
    command: Any = _Loaded()[path[0]]
    for name in path[1:]:
        command = command.commands.get(name)
        if command is None:
            return None
    return {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}


@pages
def test_commands_of_a_page_exist(page: Path) -> None:
    wrong: list[str] = []
    for program, *words in commands(page):
        line = " ".join([program, *words])
        if program == "make":
            # In a list, an indented line may be a sentence.
            is_sentence = (
                any(not re.fullmatch(r"[a-z-]+|[A-Z_]+=.*", each) for each in words) or len(words) > MOST_WORDS
            )
            wrong += [line for each in words if not is_sentence and each[0].islower() and each not in TARGETS]
            continue
        names = [each for each in words if re.fullmatch(r"[a-z-]+", each) and not each.startswith("-")]
        if not words or words[0].startswith(("-", "<", "…", "...")):
            continue
        group = options(names[0], names[1]) if len(names) > 1 and names[0] in {"fleet", "deployer", "migrate"} else None
        known = group if group is not None else options(words[0])
        if known is None:
            wrong.append(line)
            continue
        given = {each.partition("=")[0] for each in words if each.startswith("--") and each != "--"}
        wrong += [f"{line}: {each}" for each in sorted(given - known - {"--help"})]
    assert wrong == []


PATH = re.compile(
    r"(?<![\w./-])(?:bench|common|components|docs|examples|local|operations|policies|tests|tools)/[\w./-]*\w(?:/|\.\w+)?"
)


@pages
def test_paths_of_a_page_exist(page: Path) -> None:
    named = {found[0].rstrip(".") for found in PATH.finditer(page.read_text())}
    assert [each for each in sorted(named) if not (REPOSITORY / each).exists()] == []
