"""Server of the pack.

Extends the SDK's class in two ways: an invalid configuration stops the engine, and a resource is decoded for the rules about
its type instead of for every rule of the pack, and a stack once for all of them.
"""

from __future__ import annotations

import atexit
import gc
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import PolicyPack, PolicyResource, StackValidationPolicy, policy

from common.problems import suggestion
from policies.catalog import RULES
from policies.secret_properties import secrets_of
from policies.stack import sharing_contents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.empty_pb2 import Empty

    from policies.rule import Rule

ALL: Final = "all"
"""Key of the configuration that sets the level of every rule."""
PACK: Final = "shell-access"

_Servicer: Any = policy._PolicyAnalyzerServicer  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- see below

_ABOUT_RESOURCES: Final = {rule.id: rule.judged_types for rule in RULES if not rule.is_about_stacks}


class PackServicer(_Servicer):
    """The SDK's private servicer, extended.

    Where a later SDK has moved it, the pack does not start and the engine refuses the run.
    """

    def __init__(self, *facts: Any) -> None:
        _Servicer.__init__(self, *facts)
        self._facts = facts
        self._configuration: analyzer_pb2.ConfigureAnalyzerRequest | None = None
        self._by_type: dict[str, Any] = {}

    def Configure(self, request: analyzer_pb2.ConfigureAnalyzerRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802 -- the protocol's name
        """Set the configuration; unknown rules and parameters are refused."""
        configuration = {rule: list(given.properties) for rule, given in request.policyConfig.items()}
        problems = configuration_problems(configuration, RULES)
        if problems:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "\n".join(sorted(problems)))
        self._configuration, self._by_type = request, {}
        return _Servicer.Configure(self, request, context)

    def Analyze(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzeResponse:
        """Evaluate a resource by the rules about its type."""
        about = self._about(request.type)
        with secrets_of(request, [request]):
            response: analyzer_pb2.AnalyzeResponse = (
                about.Analyze(request, context) if about else analyzer_pb2.AnalyzeResponse()
            )
        response.MergeFrom(_not_about(request.type))
        return response

    def AnalyzeStack(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeStackRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzeResponse:
        """Evaluate a stack, without quoting its secrets."""
        # Without resources, which the SDK would decode again for each rule.
        bare = analyzer_pb2.AnalyzeStackRequest()
        with secrets_of(request, request.resources), sharing_contents(self._decoded(request)):
            return _Servicer.AnalyzeStack(self, bare, context)

    def Remediate(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.RemediateResponse:
        """Remediate a resource by the rules about its type."""
        about = self._about(request.type)
        return about.Remediate(request, context) if about else analyzer_pb2.RemediateResponse()

    def _decoded(self, request: analyzer_pb2.AnalyzeStackRequest) -> list[PolicyResource]:
        """Return the resources of a request as the SDK decodes them for a rule."""
        name, version, _, *others = self._facts
        found: list[PolicyResource] = []
        decoder = StackValidationPolicy(
            "decoder", "Decodes the resources.", validate=lambda args, _: found.extend(args.resources)
        )
        _Servicer(name, version, [decoder], *others).AnalyzeStack(request, None)
        return found

    def _about(self, type_: str) -> Any:
        """Return the SDK's servicer with the rules about a type, None without rules; threads may create it twice."""
        if type_ not in self._by_type:
            name, version, policies, *others = self._facts
            about = [each for each in policies if type_ in _ABOUT_RESOURCES.get(each.name, ())]
            found = _Servicer(name, version, about, *others) if about else None
            if found and self._configuration is not None:
                _Servicer.Configure(found, self._configuration, None)
            self._by_type[type_] = found
        return self._by_type[type_]


@cache
def _not_about(type_: str) -> analyzer_pb2.AnalyzeResponse:
    """Return what the engine is answered about the rules that do not look at a type."""
    rules = (rule for rule, types in _ABOUT_RESOURCES.items() if type_ not in types)
    return analyzer_pb2.AnalyzeResponse(
        not_applicable=[analyzer_pb2.PolicyNotApplicable(policy_name=rule) for rule in rules]
    )


def configuration_problems(configuration: Mapping[str, Iterable[str]], rules: Iterable[Rule]) -> list[str]:
    """Return a message for each unknown rule and parameter, which the engine ignores, so that they would have no effect."""
    known: dict[str, list[str]] = {rule.id: [each.name for each in rule.all_parameters] for rule in rules}
    known[ALL] = []
    problems: list[str] = []
    for rule, names in configuration.items():
        if rule not in known:
            problems.append(f"{rule}: there is no such rule{_hint(rule, known)}")
            continue
        problems += [
            f"{rule}.{name}: there is no such parameter{_hint(name, known[rule])}"
            for name in names
            if name not in known[rule]
        ]
    return problems


def _hint(given: str, known: Mapping[str, Any] | list[str]) -> str:
    return suggestion(given, known).replace("known keys:", "there are:")


def serve() -> NoReturn:
    """Serve the engine and do not return."""
    # The process ends with the run, before its garbage matters.
    gc.disable()
    atexit.register(gc.freeze)
    policy._PolicyAnalyzerServicer = PackServicer  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    PolicyPack(PACK, [rule.policy() for rule in RULES])
    raise SystemExit
