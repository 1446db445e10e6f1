"""A rule: its facts, stated once, and what they become: a policy of the engine, its messages, its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from policies.findings import Findings, Resource, Unseen, Violation

if TYPE_CHECKING:
    from pulumi_policy import Severity

Check = Callable[[Resource], Findings]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """Something about a rule that the configuration of the pack may change.

    Attributes:
        name: in camelCase, as it stands in the configuration.
        description: what it changes.
        default: where the configuration says nothing.
        schema: JSON schema of its values; description and default are added.
    """

    name: str
    description: str
    default: Any
    schema: Mapping[str, Any]


EXCEPTIONS: Final = Parameter(
    name="exceptions",
    description="Resources that the rule leaves alone, by name or URN (* and ? match any characters), and why.",
    default=[],
    schema={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "resource": {"type": "string", "minLength": 1},
                "reason": {"type": "string", "minLength": 1},
            },
            "required": ["resource", "reason"],
            "additionalProperties": False,
        },
    },
)
"""A parameter of every rule."""


class NotKnownYetError(UnknownValueError):
    """The SDK's way for a rule to say in preview, as advice, that it could not see what it needs."""

    def __init__(self, properties: list[str], message: str) -> None:
        super().__init__(UNKNOWN_STRING_VALUE, properties)
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of the pack.

    Attributes:
        id: in kebab-case; the configuration and the engine's messages call the rule by it.
        title: what holds when the rule is kept, as a sentence without its full stop.
        severity: of a violation.
        risk: what goes wrong without the rule, as a sentence without its full stop.
        remedy: what to change, as a sentence without its full stop.
        source: who asks for it.
        url: where to read it.
        parameters: what the configuration may change, besides the exceptions that every rule has.
        level: how the engine takes a violation unless the configuration says otherwise.
    """

    id: str
    title: str
    severity: Severity
    risk: str
    remedy: str
    source: str
    url: str
    parameters: tuple[Parameter, ...] = ()
    level: EnforcementLevel = EnforcementLevel.MANDATORY
    _checks: dict[str, Check] = field(default_factory=dict[str, Check], init=False, repr=False, compare=False)

    def on(self, *types: str) -> Callable[[Check], Check]:
        """Decorates the check of resources of these types."""

        def register(check: Check) -> Check:
            self._checks.update(dict.fromkeys(types, check))
            return check

        return register

    @property
    def types(self) -> frozenset[str]:
        """The tokens of the resources that the rule looks at."""
        return frozenset(self._checks)

    def policy(self) -> ResourceValidationPolicy:
        """The rule as the engine knows it."""
        return ResourceValidationPolicy(
            name=self.id,
            description=f"{self.title}. Otherwise: {self.risk}.",
            validate=self.validate,
            enforcement_level=self.level,
            config_schema=PolicyConfigSchema({each.name: _schema(each) for each in self._all_parameters}),
            display_name=self.title,
            severity=self.severity,
            remediation_steps=f"{self.remedy}.",
            url=self.url,
        )

    def validate(self, args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        """Reports each violation, and then, as advice, what could not be seen.

        Raises:
            NotKnownYetError: properties that decide are not known in preview; what is known was reported before.
        """
        # First and without touching a property: most resources are none of this rule's business.
        check = self._checks.get(args.resource_type)
        if check is None:
            args.not_applicable()
            return
        settings = {each.name: each.default for each in self._all_parameters} | dict(args.get_config())
        if reason := _exception(settings[EXCEPTIONS.name], args):
            pulumi.log.info(f'{args.resource_type} "{args.name}" is an exception from {self.id}: {reason}')
            args.not_applicable(reason)
            return
        for unknown in sorted(set(settings) - {each.name for each in self._all_parameters}):
            report_violation(self._about_configuration(unknown), None)
        resource = Resource(type=args.resource_type, name=args.name, properties=args.props, settings=settings)
        unseen: list[Unseen] = []
        for finding in check(resource):
            if isinstance(finding, Unseen):
                unseen.append(finding)
            else:
                report_violation(self._about_violation(resource, finding), None)
        if unseen:
            names = sorted({each.property for each in unseen})
            raise NotKnownYetError(names, _about_unseen(resource, names))

    @property
    def _all_parameters(self) -> tuple[Parameter, ...]:
        return (*self.parameters, EXCEPTIONS)

    def _about_violation(self, resource: Resource, violation: Violation) -> str:
        return (
            f'{resource.type} "{resource.name}": {violation.property}: '
            f"found {violation.found}, expected {violation.expected}. {self.remedy}."
        )

    def _about_configuration(self, unknown: str) -> str:
        known = ", ".join(each.name for each in self._all_parameters)
        return f"Policy configuration: {self.id} has no parameter {unknown}. Correct the name; there are: {known}."


def _schema(parameter: Parameter) -> dict[str, Any]:
    return {**parameter.schema, "description": parameter.description, "default": parameter.default}


def _exception(exceptions: list[dict[str, str]], args: ResourceValidationArgs) -> str | None:
    """Why the configuration leaves the resource alone, where it does."""
    for each in exceptions:
        if any(fnmatchcase(known_as, each["resource"]) for known_as in (args.name, args.urn)):
            return each["reason"]
    return None


def _about_unseen(resource: Resource, names: list[str]) -> str:
    listed, verb = ", ".join(names), "is" if len(names) == 1 else "are"
    return f'{resource.type} "{resource.name}": {listed} {verb} not known yet; the rule is applied in the update.'
