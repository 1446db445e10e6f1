"""Applies one rule to one resource as the engine does: through the SDK's own server, with properties over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.rule import Rule

UNKNOWN = UNKNOWN_STRING_VALUE
"""What the engine sends for a value that is known after the update."""

NAME = "subject"
"""Of every resource under test."""


@dataclass(frozen=True)
class Judgement:
    """What became of the resource.

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


SILENT = Judgement()
"""The rule looked, knew all that it needs, and found nothing."""


def judge(
    rule: Rule, type_: str, properties: Mapping[str, Any], *, name: str = NAME, level: str = "MANDATORY", **config: Any
) -> Judgement:
    """Applies the rule, with the pack's configuration for it where there is one."""
    policy = rule.policy()
    server = _PolicyAnalyzerServicer("shell-access", "1.0.0", [policy], EnforcementLevel.ADVISORY)
    if config or level != "MANDATORY":
        configured = analyzer_pb2.PolicyConfig(enforcementLevel=level, properties=_struct(config))
        server.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig={rule.id: configured}), None)
    request = analyzer_pb2.AnalyzeRequest(
        type=type_, name=name, urn=f"urn:pulumi:dev::test::{type_}::{name}", properties=_struct(properties)
    )
    answer = server.Analyze(request, None)
    result = Judgement(not_applicable=[each.reason for each in answer.not_applicable])
    for diagnostic in answer.diagnostics:
        if diagnostic.message.startswith("can't run policy"):
            assert diagnostic.enforcementLevel == analyzer_pb2.ADVISORY
            result.unseen.append(diagnostic.message.partition(" during preview: ")[2])
        else:
            result.violations.append(diagnostic.message.removeprefix(f"{policy.description}\n"))
            result.levels.add(analyzer_pb2.EnforcementLevel.Name(diagnostic.enforcementLevel))
    return result


def violations(rule: Rule, type_: str, properties: Mapping[str, Any], **config: Any) -> list[str]:
    """The texts of the violations, after making sure that nothing was left unseen."""
    result = judge(rule, type_, properties, **config)
    assert not result.unseen
    return result.violations


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct
