"""Only named principals change the documents and settings of sessions, approvals and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Parameter, Rule
from policies.separation_of_duties.aws_managed import CHANGED_DOCUMENTS
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.node_access import GOVERNED_DOCUMENTS, document_paths, matching_paths
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from policies.findings import Findings, Resource

_DOCUMENTS = Parameter(
    name="governedDocuments",
    description="The documents that sessions and approvals rest on, by name.",
    default=list(GOVERNED_DOCUMENTS),
    schema={"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
)

RULE = Rule(
    id="documents-changed-by-named-principals",
    title="Only named principals may change the documents and settings of sessions and approvals",
    severity=Severity.CRITICAL,
    risk="the principal changes the session preferences, the runbook that requests approval, or the documents that nodes run at their next association",
    remedy="Limit the action to documents of the holder by name or by ssm:DocumentType, or list the deployment role in allowedPrincipals",
    source='Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager"; NIST SP 800-53 r5 '
    "AC-5, AC-6, CM-5",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
    parameters=(_DOCUMENTS, PRINCIPALS, POLICIES),
)


@RULE.on(*CARRIERS)
def _changes_no_document(resource: Resource) -> Findings:
    paths = document_paths(resource.settings[_DOCUMENTS.name])

    def question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
        return matching_paths(policies, paths, admitted)

    yield from judged(resource, question, "no change of governed documents and settings", CHANGED_DOCUMENTS)
