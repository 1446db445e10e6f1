"""docs/fleet-file.md, from the descriptions of the fleet file's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.docs.configuration import fields
from operations.fleet.file_schema import Accounts, Discovery, FleetSettings, ListedAccount, Overrides, Wave

if TYPE_CHECKING:
    from pydantic import BaseModel

_INTRODUCTION = """<!-- Made by `make docs` from operations/fleet/file_schema.py. -->
# The fleet file

What a fleet file may hold; how it is used is in [fleet.md](fleet.md), and [fleet.schema.json](fleet.schema.json) is the
same as a JSON schema, for editors:

    # yaml-language-server: $schema=docs/fleet.schema.json
"""

_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The file", FleetSettings),
    ("`accounts`", Accounts),
    ("`accounts.list`, each", ListedAccount),
    ("`accounts.discover`", Discovery),
    ("`overrides`", Overrides),
    ("`waves`, each", Wave),
)


def fleet_file_page() -> str:
    """Return the whole page."""
    return "\n".join([_INTRODUCTION, *(f"## {heading}\n\n{fields(model)}\n" for heading, model in _SECTIONS)])
