"""docs/policies.md, from the rules themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from policies.catalog import RULES
from tools.docs.markdown import table

if TYPE_CHECKING:
    from policies.rule import Rule

_INTRODUCTION = """<!-- Made by `make docs` from policies/. -->
# Policy pack

The rules evaluate any stack, not only this project's components. All are mandatory unless configured otherwise. To
enforce them on your own stacks, in pull requests and on existing resources, see [Enforcing the policies](enforcing-policies.md).

A rule reports in preview if its inputs are known by then. Otherwise (the content of a document that names
a key that is not yet created), it lists the unknown inputs in preview, and reports in the update. Most rules evaluate one
resource; those *about the stack* evaluate all of them together, afterwards.

Every rule has the parameter `exemptions`: a list of `{resource, reason, who, until}`, all required. `resource` is a name or
a URN, in which `*` and `?` match any characters; for findings about the stack itself it is `stack`. After the day
`until` (2027-01-31) the exemption is itself a violation, and the rule applies again.
"""


def policies_page() -> str:
    """Return the whole page."""
    overview = table(
        ("rule", "severity", "requirement"),
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
