"""Pages of docs/ that are generated from the code, so that they cannot contradict it: `make docs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.docs.audit import audit_page
from local.docs.configuration import configuration_page
from local.docs.fleet import fleet_file_page
from local.docs.fleet_costs import fleet_costs_page
from local.docs.policies import policies_page
from local.docs.verify import verify_page
from local.workspace import REPOSITORY
from operations.fleet.file_schema import schema_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGES: dict[Path, Callable[[], str]] = {
    REPOSITORY / "docs" / "audit.md": audit_page,
    REPOSITORY / "docs" / "configuration.md": configuration_page,
    REPOSITORY / "docs" / "fleet-costs.md": fleet_costs_page,
    REPOSITORY / "docs" / "fleet-file.md": fleet_file_page,
    REPOSITORY / "docs" / "fleet.schema.json": schema_text,
    REPOSITORY / "docs" / "policies.md": policies_page,
    REPOSITORY / "docs" / "verify.md": verify_page,
}


def write_pages() -> None:
    """Write every page."""
    for path, page in PAGES.items():
        path.write_text(page())
