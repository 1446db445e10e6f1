"""Pages of docs/ that are generated from the code, so that they cannot contradict it: `make docs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.workspace import REPOSITORY
from operations.fleet.fleet_file import schema_text
from tools.docs.audit import audit_page
from tools.docs.configuration import configuration_page, fleet_file_page
from tools.docs.fleet_costs import fleet_costs_page
from tools.docs.policies import policies_page
from tools.docs.verify import verify_page

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
