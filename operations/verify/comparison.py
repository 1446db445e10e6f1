"""All comparisons of one Region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.inventory.session_manager import DocumentFacts
from operations.verify.bucket import bucket_findings
from operations.verify.document import document_findings
from operations.verify.endpoints import endpoint_findings
from operations.verify.keys import key_findings
from operations.verify.log_group import log_group_findings
from operations.verify.ownership import document_ownership_findings

if TYPE_CHECKING:
    from operations.desired import Asked
    from operations.inventory.session_manager import RegionFacts
    from operations.verify.findings import Finding


def region_findings(asked: Asked, facts: RegionFacts) -> list[Finding]:
    """Compare a Region with its settings, in the order in which a session depends on the resources."""
    findings: list[Finding] = []
    settings = asked.session_manager
    if settings:
        findings += document_findings(asked, settings, facts.document, facts.data_key)
        if isinstance(facts.document, DocumentFacts):
            findings += document_ownership_findings("document", asked, facts.document.tags)
        findings += key_findings(asked, settings, facts)
        findings += log_group_findings(asked, settings, facts)
        findings += bucket_findings(asked, settings, facts.bucket)
    if asked.endpoints:
        findings += endpoint_findings(asked, asked.endpoints, facts.network)
    return findings
