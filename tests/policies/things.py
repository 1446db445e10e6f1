"""A rule about made-up things, for tests of what all rules have in common."""

from collections.abc import Mapping
from typing import Any

from pulumi_policy import Severity

from policies.findings import Findings, Resource
from policies.parameters import Parameter
from policies.rule import Rule, StackCheck

THING = "aws:some/thing:Thing"


def thing_rule(*, stack_check: StackCheck | None = None) -> Rule:
    """Asks of a thing that `first` and `second` are at most the limit, or what a check of the whole stack asks."""
    limit = Parameter(name="limit", description="The most.", default=1, schema={"type": "integer"})
    made = Rule(
        id="thing-limit",
        title="Things stay below the limit",
        severity=Severity.LOW,
        risk="they fall over",
        remedy="Lower it",
        source="own",
        url="https://docs.aws.amazon.com/",
        parameters=(limit,),
    )
    if stack_check:
        made.on_stack(stack_check)
        return made

    @made.on(THING)
    def _stays_below(thing: Resource) -> Findings:
        most = thing.settings["limit"]
        for name in ("first", "second"):
            yield from thing.require(name, lambda value: value <= most, f"at most {most:g}")

    @made.remediates(THING)
    def _lower(thing: Resource) -> Mapping[str, Any]:
        return {"first": thing.settings["limit"]}

    return made
