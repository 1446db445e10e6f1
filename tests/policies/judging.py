"""Applies one rule as the engine does: through the SDK's own server, with properties over the wire."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

import policies.catalog  # noqa: F401 -- it extends the rules to resources inside others
from policies.rule import Rule

UNKNOWN = UNKNOWN_STRING_VALUE
"""Value that the engine sends for one that is known after the update."""

NAME = "subject"
"""Of every resource under test."""


@dataclass(frozen=True)
class Judgment:
    """Evaluation of a resource.

    Attributes:
        violations: the texts, without the rule's description before them.
        unseen: the advice that something is not known yet, without the SDK's words before it.
        levels: with which the violations were reported.
        not_applicable: reasons; [""] where the rule does not look at the type.
    """

    violations: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    levels: set[str] = field(default_factory=set)
    not_applicable: list[str] = field(default_factory=list)


SILENT = Judgment()
"""The rule looked, knew all that it needs, and found nothing."""


def undecided(type_: str, property_: str, *, name: str = NAME) -> Judgment:
    """The rule needs to know a property of a resource; it found nothing else."""
    return Judgment(unseen=[f'{type_} "{name}": {property_} is not known yet; the rule is applied in the update.'])


DAY = date(2026, 11, 30)
"""Of every judgment."""


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::test::{type_}::{name}"


def judge(
    rule: Rule, type_: str, properties: Mapping[str, Any], *, name: str = NAME, level: str = "MANDATORY", **config: Any
) -> Judgment:
    """Applies the rule, with the pack's configuration for it where there is one."""
    request = analyzer_pb2.AnalyzeRequest(type=type_, name=name, urn=urn(type_, name), properties=_struct(properties))
    return _judgment(rule, _server(rule, level, config).Analyze(request, None))


def violations(rule: Rule, type_: str, properties: Mapping[str, Any], **config: Any) -> list[str]:
    """The texts of the violations, after making sure that nothing was left unseen."""
    result = judge(rule, type_, properties, **config)
    assert not result.unseen
    return result.violations


def remediated(
    rule: Rule, type_: str, properties: Mapping[str, Any], *, level: str = "REMEDIATE", **config: Any
) -> dict[str, Any] | None:
    """The properties that the rule puts in place of those given; None where it leaves them alone."""
    request = analyzer_pb2.AnalyzeRequest(type=type_, name=NAME, urn=urn(type_, NAME), properties=_struct(properties))
    changes = _server(rule, level, config).Remediate(request, None).remediations
    assert not any(each.diagnostic for each in changes)
    return json_format.MessageToDict(changes[0].properties) if changes else None


@dataclass(frozen=True)
class Form:
    """A form in which a program writes what a rule evaluates.

    Attributes:
        type: Type of the resource.
        path: Path of the content in messages.
        carry: Returns the resource's properties with the content.
    """

    type: str
    path: str
    carry: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Made:
    """A resource of a stack under test.

    Attributes:
        type: its token.
        name: in the program.
        properties: its outputs.
        sources: names of the resources that a property's value comes from.
    """

    type: str
    name: str = NAME
    properties: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)


def judge_stack(rule: Rule, *resources: Made, level: str = "MANDATORY", **config: Any) -> Judgment:
    """Applies a rule about stacks; texts of findings come in the rule's order."""
    return _judgment(rule, _server(rule, level, config).AnalyzeStack(stack_request(*resources), None))


def stack_request(*resources: Made) -> analyzer_pb2.AnalyzeStackRequest:
    """The request of the engine about a stack."""
    urns = {each.name: urn(each.type, each.name) for each in resources}
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(
                type=each.type,
                name=each.name,
                urn=urns[each.name],
                properties=_struct(each.properties),
                propertyDependencies={
                    name: analyzer_pb2.AnalyzerPropertyDependencies(urns=[urns[one] for one in several])
                    for name, several in each.sources.items()
                },
            )
            for each in resources
        ]
    )


def _server(rule: Rule, level: str, config: Mapping[str, Any]) -> _PolicyAnalyzerServicer:
    policy = rule.policy(lambda: DAY)
    server = _PolicyAnalyzerServicer("shell-access", "1.0.0", [policy], EnforcementLevel.ADVISORY)
    if config or level != "MANDATORY":
        configured = analyzer_pb2.PolicyConfig(enforcementLevel=level, properties=_struct(config))
        server.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig={rule.id: configured}), None)
    return server


def _judgment(rule: Rule, answer: analyzer_pb2.AnalyzeResponse) -> Judgment:
    result = Judgment(not_applicable=[each.reason for each in answer.not_applicable])
    for diagnostic in answer.diagnostics:
        if diagnostic.message.startswith("can't run policy"):
            assert diagnostic.enforcementLevel == analyzer_pb2.ADVISORY
            result.unseen.extend(diagnostic.message.partition(" during preview: ")[2].splitlines())
        else:
            result.violations.append(diagnostic.message.removeprefix(f"{rule.policy().description}\n"))
            result.levels.add(analyzer_pb2.EnforcementLevel.Name(diagnostic.enforcementLevel))
    return result


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct
