"""docs/policies.md, from the rules themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from policies.catalogue import RULES
from tools.docs.markdown import table

if TYPE_CHECKING:
    from policies.rule import Rule

_INTRODUCTION = """<!-- Made by `make docs` from policies/. -->
# Policy pack

The rules judge any stack, not only this project's components. All are mandatory unless configured otherwise. How to
enforce them on your own stacks, in pull requests and on what exists: [Enforcing the policies](enforcing-policies.md).

A rule fires in preview wherever what it needs is known by then. Where it is not (the content of a document that names
a key still to be made), the rule says in preview what it could not see, and fires in the update. Most rules look at one
resource; those *about the stack* look at all of them together, after each has been judged.

Every rule has the parameter `exemptions`: a list of `{resource, reason, who, until}`, all required. `resource` is a name or
a URN, in which `*` and `?` match any characters; for what a rule says of the stack itself it is `stack`. After the day
`until` (2027-01-31) the exemption is a violation of its own, and the rule applies again.
"""


def policies_page() -> str:
    """Return the whole page."""
    overview = table(
        ("rule", "severity", "what holds"),
        [(f"[`{rule.id}`](#{rule.id})", _severity(rule), rule.title) for rule in RULES],
    )
    return "\n".join([_INTRODUCTION, overview, "", *map(_section, RULES)])


def _severity(rule: Rule) -> str:
    return str(rule.severity.value)


def _kind(rule: Rule) -> str:
    if rule.is_about_stacks:
        return " About the stack."
    return " Can be remediated." if rule.can_remediate else ""


def _section(rule: Rule) -> str:
    parameters = [(f"`{each.name}`", f"`{json.dumps(each.default)}`", each.description) for each in rule.parameters]
    lines = [
        f"## {rule.id}\n",
        f"{rule.title}. Severity: {_severity(rule)}.{_kind(rule)}\n",
        f"- Without it: {rule.risk}.",
        f"- Remedy: {rule.remedy}.",
        f"- Source: {rule.source}. {rule.url}".rstrip(),
        "",
    ]
    if parameters:
        lines += [table(("parameter", "default", "meaning"), parameters), ""]
    return "\n".join(lines)
