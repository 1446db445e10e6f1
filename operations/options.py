"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Stack = Annotated[
    str | None, typer.Option("--stack", "-s", metavar="NAME", help="The stack. Default: the selected one.")
]
Cwd = Annotated[
    Path,
    typer.Option("--cwd", "-C", metavar="DIRECTORY", help="Where Pulumi.yaml is.", file_okay=False, exists=True),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
