"""Only the runbook's role sets and removes the approval tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from components.approval.names import TAG_KEY
from policies.rule import Parameter, Rule
from policies.separation_of_duties.approval_tag import ALL_PRINCIPALS, sets_approval_tag
from policies.separation_of_duties.aws_managed import TAG
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS_WITH_RUNBOOKS, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from policies.findings import Findings, Resource

_TAGGED = Parameter(
    name="taggedPrincipals",
    description="Whose tag counts: the operators, as role/Name or user/Name (* and ? match any characters).",
    default=list(ALL_PRINCIPALS),
    schema={"type": "array", "items": {"type": "string", "pattern": "^(role|user)/."}, "minItems": 1},
)

RULE = Rule(
    id="approval-tag-set-by-runbook",
    title=f"Only the runbook's role may set or remove the tag {TAG_KEY}",
    severity=Severity.CRITICAL,
    risk="the principal approves sessions alone, with one tag",
    remedy="Remove the tagging permission, or exclude the key with a condition on aws:TagKeys that holds for every request",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html",
    parameters=(PRINCIPALS_WITH_RUNBOOKS, POLICIES, _TAGGED),
)


@RULE.on(*CARRIERS)
def _sets_no_tag(resource: Resource) -> Findings:
    tagged = resource.settings[_TAGGED.name]

    def question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
        return sets_approval_tag(policies, admitted, tagged)

    yield from judged(resource, question, f"requests that cannot carry the tag {TAG_KEY}", TAG)
