"""Options that several fleet commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

File = Annotated[
    Path, typer.Option("--file", "-f", metavar="FILE", help="The fleet file.", dir_okay=False, exists=True)
]
Cwd = Annotated[
    Path, typer.Option("--cwd", "-C", metavar="DIRECTORY", help="Where Pulumi.yaml is.", file_okay=False, exists=True)
]
Machine = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write one self-contained page of results.")]
Comment = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write the results as a comment for a forge.")
]
SomeAccounts = Annotated[
    list[str] | None,
    typer.Option("--account", "-a", metavar="NAME", help="Only this account, by name or ID; again for more."),
]
SomeWaves = Annotated[
    list[str] | None, typer.Option("--wave", "-w", metavar="NAME", help="Only this wave; again for more.")
]
Packs = Annotated[
    list[Path] | None,
    typer.Option("--policy-pack", metavar="DIRECTORY", help="A policy pack that judges every stack; again for more."),
]


class CallAs(StrEnum):
    """Account with whose permissions a StackSet is read (CloudFormation API Reference, CallAs)."""

    SELF = "SELF"
    DELEGATED_ADMIN = "DELEGATED_ADMIN"
