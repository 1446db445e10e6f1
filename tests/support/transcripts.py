"""Transcripts in the documentation: commands with their whole output, in which IDs, times and totals are masked."""

import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b(acl|ami|eni|i|pl|rtb|sg|subnet|vol|vpc|vpce)-[0-9a-f]{8,17}\b"), r"<\1>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?( ?[A-Z]{3,4}|Z)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?\b"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? (s|seconds?|minutes?|min)\b"), "<duration>"),
    (re.compile(r"\b[0-9a-f]{8}\b(?=\s)"), "<run>"),
    (re.compile(r"-[0-9a-f]{6}-(\d+)\b"), r"-<hash>-\1"),
    (re.compile(r"\b\d+( of \d+)? (checks|principals)\b"), r"<number> \2"),
    (re.compile(r" +$", re.MULTILINE), ""),
    (re.compile(r"  +"), "  "),
)
"""Patterns, with the texts that replace them; columns are as wide as what they hold, so spaces count as two."""


@dataclass(frozen=True)
class Step:
    """One command of a transcript.

    Attributes:
        command: Command line.
        output: Everything that it printed.
    """

    command: str
    output: str


def transcripts(text: str) -> list[list[Step]]:
    """Return the transcripts of a page, each as its steps."""
    return [_steps(block) for block in _BLOCK.findall(text)]


def masked(text: str) -> str:
    """Return a text without IDs and times."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text.strip("\n")


def play(transcript: list[Step], folder: Path, exports: str, environment: Mapping[str, str]) -> list[Step]:
    """Run the commands of a transcript in a folder, after the exports of `make env`, and return what they print."""
    played: list[Step] = []
    for step in transcript:
        ran = subprocess.run(
            ["bash", "-c", f'eval "$0"; {step.command}', exports],
            check=False,
            cwd=folder,
            env={**environment, "COLUMNS": "110", "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        played.append(Step(step.command, "\n".join(line.rstrip() for line in ran.stdout.splitlines())))
    return played


def play_all(page: Path, folder: Path, exports: str, environment: Mapping[str, str]) -> list[list[Step]]:
    """Run all transcripts of a page at the same time."""
    with ThreadPoolExecutor() as pool:
        playing = [pool.submit(play, each, folder, exports, environment) for each in transcripts(page.read_text())]
        return [each.result() for each in playing]


def with_outputs(text: str, played: list[list[Step]]) -> str:
    """Return a page with the outputs of its commands replaced."""
    blocks = iter(played)
    return _BLOCK.sub(lambda _: f"```console\n{_block(next(blocks))}```", text)


def _block(steps: list[Step]) -> str:
    return "".join(f"{_PROMPT}{step.command}\n{step.output}{chr(10) if step.output else ''}" for step in steps)


def _steps(block: str) -> list[Step]:
    steps: list[Step] = []
    for line in block.splitlines():
        if line.startswith(_PROMPT):
            steps.append(Step(line.removeprefix(_PROMPT), ""))
        else:
            last = steps.pop()
            steps.append(Step(last.command, f"{last.output}\n{line}" if last.output else line))
    return steps
