"""Evaluation of a whole stack."""

from collections.abc import Iterator

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import StackValidationPolicy

from policies.findings import Finding, Resource, Violation
from policies.stack import Stack
from tests.policies.judging import UNKNOWN, Judgment, Made, _server, judge_stack
from tests.policies.things import THING, thing_rule

OTHER = "aws:some/other:Other"
LOG = "aws:some/log:Log"


def every_other_has_a_log(stack: Stack) -> Iterator[Finding]:
    logs = stack.of(LOG)
    for other in stack.of(OTHER):
        if not any(log.refers("target", other) for log in logs):
            yield Violation("logs", "none", "one", about=other)


RULE = thing_rule(stack_check=every_other_has_a_log)
MISSING = f'{OTHER} "subject": logs: found none, expected one. Lower it.'


def test_it_becomes_a_policy_about_stacks() -> None:
    assert isinstance(RULE.policy(), StackValidationPolicy)
    assert RULE.types == frozenset()
    assert RULE.is_about_stacks
    assert not thing_rule().is_about_stacks


def test_violation_carries_the_urn_of_its_resource() -> None:
    request = analyzer_pb2.AnalyzeStackRequest(
        resources=[analyzer_pb2.AnalyzerResource(type=OTHER, name="x", urn="urn:x", properties=struct_pb2.Struct())]
    )
    (diagnostic,) = _server(RULE, "MANDATORY", {}).AnalyzeStack(request, None).diagnostics
    assert diagnostic.urn == "urn:x"


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(Made(LOG, "log", {"target": "o-1"}), id="by ID"),
        pytest.param(Made(LOG, "log", {"target": ["arn:o-1"]}), id="by ARN, in a list"),
        pytest.param(
            Made(LOG, "log", {"target": UNKNOWN}, sources={"target": ["subject"]}), id="by what it comes from"
        ),
    ],
)
def test_resources_are_joined(log: Made) -> None:
    other = Made(OTHER, properties={"id": "o-1", "arn": "arn:o-1", "name": None})
    assert judge_stack(RULE, other, log) == Judgment()
    apart = Made(LOG, "log", {"target": "o-2"}, sources={"another": ["subject"]})
    assert judge_stack(RULE, other, apart).violations == [MISSING]


def test_two_that_are_not_known_are_not_the_same() -> None:
    other = Made(OTHER, properties={"id": UNKNOWN})
    assert judge_stack(RULE, other, Made(LOG, "log", {"target": UNKNOWN})).violations == [MISSING]
    assert not Resource(type=LOG, name="log", properties={}).refers("target", Resource(type="", name="", properties={}))


def test_unknown_value_is_advice_per_resource_and_hides_nothing() -> None:
    def check(stack: Stack) -> Iterator[Finding]:
        for thing in stack.of(THING):
            for name in ("first", "second"):
                yield from thing.require(name, lambda value: value <= 1, "at most 1")

    result = judge_stack(
        thing_rule(stack_check=check),
        Made(THING, "a", {"first": UNKNOWN, "second": UNKNOWN}),
        Made(THING, "b", {"first": UNKNOWN, "second": 2}),
    )
    assert result.violations == [f'{THING} "b": second: found 2, expected at most 1. Lower it.']
    assert result.unseen == [
        f'{THING} "a": first, second are not known yet; the rule is applied in the update.',
        f'{THING} "b": first is not known yet; the rule is applied in the update.',
    ]


def test_parameters_reach_the_check() -> None:
    def check(stack: Stack) -> Iterator[Finding]:
        yield Violation("limit", str(stack.settings["limit"]), "another")

    rule = thing_rule(stack_check=check)
    assert judge_stack(rule).violations == ["The stack: limit: found 1, expected another. Lower it."]
    assert judge_stack(rule, limit=2.5).violations == ["The stack: limit: found 2.5, expected another. Lower it."]
