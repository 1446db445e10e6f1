"""Questions to a solver about IAM policies: is there any request at all that ...?

`iamprover` turns a policy into constraints for Z3, but widens variables to `*` and takes conditions that it does not know
for fulfilled. What these policies use is therefore made concrete first: variables get their value, a statement whose
variable has none never matches, `Null` is decided, and `ForAllValues` is asked of one key that stands for any of them,
in the one spelling that stands for all where case does not count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import z3
from iamprover.engine.context import Context
from iamprover.engine.encoder import allowed
from iamprover.engine.patterns import iam_pattern_to_re
from iamprover.model import Principal
from iamprover.parsers.iam import parse_policy_document

SECONDS = 60


@dataclass
class Request:
    """A request of which only what a proof fixes is fixed."""

    policy: dict[str, Any]
    variables: dict[str, str] = field(default_factory=dict)
    """Of policy variables; one that is missing has no value."""

    def __post_init__(self) -> None:
        self.action, self.resource, self.context = z3.String("action"), z3.String("resource"), Context()
        document = parse_policy_document("policy", concrete(self.policy, self.variables))
        principal = Principal(arn="arn:aws:iam::111122223333:role/Operator", policies=[document])
        self.allowed = allowed(principal, self.action, self.resource, self.context)

    def example(self, *constraints: Any) -> str | None:
        """A request for which all of this is true, or None where there provably is none."""
        solver = z3.Solver()
        solver.set("timeout", 1000 * SECONDS)
        solver.add(*constraints)
        result = solver.check()
        assert result != z3.unknown, solver.reason_unknown()
        return str(solver.model()) if result == z3.sat else None

    def allows(self, action: str) -> Any:
        """Return whether an action is allowed; a known action decides most conditions at once."""
        return z3.simplify(z3.substitute(self.allowed, (self.action, z3.StringVal(action.lower()))))

    def key(self, name: str) -> Any:
        return self.context.string(name)

    def does(self, *patterns: str) -> Any:
        return z3.Or(*(z3.InRe(self.action, iam_pattern_to_re(pattern.lower())) for pattern in patterns))

    def on(self, *patterns: str) -> Any:
        return z3.Or(*(z3.InRe(self.resource, iam_pattern_to_re(pattern)) for pattern in patterns))


def concrete(policy: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    statements = [_concrete(each, variables) for each in policy["Statement"]]
    return {**policy, "Statement": [each for each in statements if each is not None]}


def _concrete(statement: dict[str, Any], variables: dict[str, str]) -> dict[str, Any] | None:
    text = json.dumps(statement)
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value)
    if "${" in text:
        return None
    known = json.loads(text)
    condition: dict[str, Any] = {}
    for operator, keys in known.get("Condition", {}).items():
        for key, value in keys.items():
            if operator == "Null" and key.startswith("aws:PrincipalTag/"):
                if (key not in variables) != (value == "true"):
                    return None
            elif operator in ("Null", "BoolIfExists"):
                continue
            else:
                folded = operator.removeprefix("ForAllValues:").removeprefix("ForAnyValue:").removesuffix("IgnoreCase")
                condition.setdefault(folded, {})[key] = value
    return {**known, "Condition": condition}
