"""docs/policies.md, from the rules themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.docs.markdown import table
from policies.catalogue import RULES

if TYPE_CHECKING:
    from policies.rule import Rule

_INTRODUCTION = """<!-- Made by `make docs` from policies/. -->
# Policy pack

The rules judge any stack, not only this project's components. All are mandatory unless configured otherwise.

    pulumi preview --policy-pack policies
    pulumi up --policy-pack policies --policy-pack-config policy-config.json
    pulumi policy analyze --file export.json --policy-pack policies      # what exists: `pulumi stack export` before it

A rule fires in preview wherever what it needs is known by then. Where it is not (the content of a document that names
a key still to be made), the rule says in preview what it could not see, and fires in the update. Levels, parameters and
exceptions come from a file:

```json
{
  "log-group-retention": {"enforcementLevel": "advisory", "minimumDays": 365},
  "kms-key-rotation": {"exceptions": [{"resource": "*-legacy", "reason": "replaced in the next quarter"}]}
}
```
"""


def policies_page() -> str:
    """The whole page."""
    overview = table(
        ("rule", "severity", "what holds"),
        [(f"[`{rule.id}`](#{rule.id})", _severity(rule), rule.title) for rule in RULES],
    )
    return "\n".join([_INTRODUCTION, overview, "", *map(_section, RULES)])


def _severity(rule: Rule) -> str:
    return str(rule.severity.value)


def _section(rule: Rule) -> str:
    parameters = [(f"`{each.name}`", f"`{json.dumps(each.default)}`", each.description) for each in rule.parameters]
    lines = [
        f"## {rule.id}\n",
        f"{rule.title}. Severity: {_severity(rule)}.\n",
        f"- Without it: {rule.risk}.",
        f"- Remedy: {rule.remedy}.",
        f"- Source: {rule.source}. {rule.url}".rstrip(),
        "",
    ]
    if parameters:
        lines += [table(("parameter", "default", "meaning"), parameters), ""]
    return "\n".join(lines)
