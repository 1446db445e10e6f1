"""docs/audit.md, from the rules of the audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from operations.audit.rules import BY_ID, OBFUSCATION
from operations.audit.rules.examples import EXAMPLES
from tools.docs.markdown import table

if TYPE_CHECKING:
    from operations.audit.catalog import AuditRule

_INTRODUCTION: Final = """<!-- Made by `make docs` from operations/audit/. -->
# Auditing for approval bypasses

```
$ python -m operations audit --stack prod
Stack prod, account 111122223333
┏━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ Severity   ┃ Finding                                           ┃
┡━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
│ critical   │ user/alice                                        │
│   critical │ Starts a session on every node [session-any-node] │
└────────────┴───────────────────────────────────────────────────┘
```

The audit reads all users, groups, roles and policies of an account. It reports the principals that can get a shell without an
approval, or can change resources on which the approval depends. It evaluates effective permissions: identity-based policies,
groups, permissions boundaries, service control policies, roles that the principal can assume, tags that it can set on itself and
on those roles, and Deny statements that it can remove. It changes nothing. Exit code 0: no finding; 1: a finding, or IAM
cannot be read; 2: the command line, the configuration or the file of exceptions cannot be used.

A finding that depends on a condition that the IAM data cannot answer is reported one level lower, as "cannot tell". Permissions that
the configuration intends (declared approvers, operators' roles that one principal can assume) are listed as "by design".

| severity | meaning |
| --- | --- |
| critical | The principal can get a shell, run code on a node or control the approval, without further permissions |
| high | The same, if one common condition is met, such as the existence of a role |
| medium | Limited access, or access that depends on facts that the IAM data does not contain |
| low | Information |

## Accepted exceptions

Findings that an owner accepts are kept in `audit-exceptions.yaml` beside `Pulumi.yaml`, or in the file of `--exceptions`:

```yaml
exceptions:
  - principal: arn:aws:iam::111122223333:role/BreakGlass   # * and ? match any characters
    rule: session-any-node
    reason: Break-glass role; every use raises an alarm
    owner: platform-security
    until: 2027-03-31                                      # the last day
```

All five keys are required, and each principal and rule has one entry. For `same-person-both-sides` the principal may also
be a person's name as the finding shows it. The audit lists accepted findings with reason and owner, and exceptions that
match no finding. After its last day, an exception is a finding (`exception-expired`), and the accepted finding is reported again.
`--declare-admin` excludes a principal from the audit altogether; it must exist.

## JSON

`--json` prints one document: `schemaVersion` (1), `time`, `stack`, `accountId`, `caller` (ARN of the principal that ran
the audit), `principals`, `findings`, `serviceRoles`, `declaredAdministrators`, `acceptedExceptions`, `unusedExceptions`,
`byDesign`, `counts`, `cannotTell` and `limits`. Keys are added without a new version.

## Limits

- The audit knows people of an identity provider only if trust policies identify them (`aws:userid`, `saml:sub`, `...:sub`,
  `aws:PrincipalArn` of another account).
- Session policies and the policies of buckets, keys, queues and topics are not evaluated.
- The audit does not read documents, maintenance windows, associations and CloudFormation stacks. Rules about them evaluate which of
  them the principal can change.
- Conditions on tags of nodes are treated as met if the same principal can tag nodes, and in rules about specific nodes.
"""


def audit_page() -> str:
    """Return the whole page."""
    rules = [rule for rule in BY_ID.values() if rule not in OBFUSCATION]
    overview = table(
        ("rule", "severity", "what"),
        [(f"[{rule.id}](#{rule.id})", _severity(rule), rule.title) for rule in rules],
    )
    obfuscation = table(
        ("ID", "what", "why it matters", "remediation"), [(r.id, r.title, r.impact, r.remedy) for r in OBFUSCATION]
    )
    return "\n".join(
        [
            *(_INTRODUCTION, "## Rules\n", overview, "", *map(_section, rules)),
            *(
                "## Obfuscated statements\n",
                "Each finding lists which of these patterns its statements have (`obfuscation`, in JSON `hiddenBy`).\n",
                obfuscation,
                "",
            ),
        ]
    )


def _severity(rule: AuditRule) -> str:
    """Return the highest and the lowest severity that a rule reports."""
    words = list(
        dict.fromkeys(each.severity.word for each in sorted(rule.escalations, key=lambda each: -each.severity))
    )
    return words[0] + (f" to {words[-1]}" if len(words) > 1 else "") if words else rule.severity or "critical"


def _section(rule: AuditRule) -> str:
    example = EXAMPLES[rule.id]
    shown = example if isinstance(example, str) else "\n".join(["", "```json", *map(json.dumps, example), "```"])
    return "\n".join(
        [
            f"### {rule.id}\n",
            f"{rule.title}. Severity: {_severity(rule)}.\n",
            f"- Impact: {rule.impact}",
            f"- Remediation: {rule.remedy}",
            f"- Source: {rule.source}.",
            f"\nExample: {shown}\n",
        ]
    )
