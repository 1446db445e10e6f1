"""Sessions start with governed documents only.

Statements that `session-start-needs-approval` reports are not reported again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from components.session_manager.document import DOCUMENT_NAME
from policies.rule import Parameter, Rule
from policies.separation_of_duties.aws_managed import DOCUMENTS
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS, judged
from policies.separation_of_duties.sessions import starts_beyond_approval, starts_with_other_documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from policies.findings import Findings, Resource

_DOCUMENTS = Parameter(
    name="sessionDocuments",
    description="The governed documents, by name.",
    default=[DOCUMENT_NAME],
    schema={"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
)

RULE = Rule(
    id="session-documents-governed",
    title="Sessions start with governed documents only",
    severity=Severity.HIGH,
    risk="an approved session becomes a forwarded port, an SSH tunnel or a command, none of which is logged as a shell is",
    remedy="Name the governed documents in the statement that allows ssm:StartSession, and no pattern",
    source='Systems Manager User Guide, "Start a session with a document by specifying the session documents in IAM '
    'policies"; NIST SP 800-53 r5 AC-3, AC-6, AU-12',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-specify-session-document.html",
    parameters=(_DOCUMENTS, PRINCIPALS, POLICIES),
)


@RULE.on(*CARRIERS)
def _names_governed_documents(resource: Resource) -> Findings:
    governed = resource.settings[_DOCUMENTS.name]

    def question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
        reported = {each.statement for each in starts_beyond_approval(policies, admitted)}
        found = starts_with_other_documents(policies, governed, admitted)
        return [each for each in found if each.statement not in reported]

    yield from judged(resource, question, f"no document but {', '.join(governed)}", DOCUMENTS)
