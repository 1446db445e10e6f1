"""Rules: metadata, policy of the engine, messages, configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from policies.embedded.containers import CONTAINERS
from policies.findings import Findings, Resource, Unseen, Violation
from policies.parameters import EXEMPTIONS, Exemption, Parameter, exemptions_in, first_covering, today
from policies.secret_properties import SHOWN, secret_property
from policies.stack import Stack, stack_of

if TYPE_CHECKING:
    from datetime import date

__all__ = ["CONTROLLERS_POST", "DUTIES_POST", "PREFERENCES_POST", "Check", "NotKnownYetError", "Rule", "StackCheck"]

DUTIES_POST: Final = (
    'AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"'
)
CONTROLLERS_POST: Final = 'AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS"'
PREFERENCES_POST: Final = 'AWS post "How to automate Session Manager preferences across your organization"'
"""Sources of many rules."""

Check = Callable[[Resource], Findings]
StackCheck = Callable[[Stack], Findings]
Remediation = Callable[[Resource], Mapping[str, Any]]
"""New values by property path (`metadataOptions.httpTokens`), which cannot affect the function of a resource."""
Clock = Callable[[], "date"]


class NotKnownYetError(UnknownValueError):
    """Raised in preview where a rule could not evaluate unknown values; the SDK reports it as an advisory."""

    def __init__(self, properties: list[str], message: str) -> None:
        super().__init__(UNKNOWN_STRING_VALUE, properties)
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of the pack, about single resources (`on`) or about a whole stack (`on_stack`).

    Attributes:
        id: ID in kebab case.
        title: Requirement, as a sentence without a period.
        severity: Severity of a violation.
        risk: Risk of a violation, as a sentence without a period.
        remedy: Remediation, as a sentence without a period.
        source: Source of the requirement.
        url: URL of the source.
        parameters: Parameters, without the exemptions that every rule has.
        level: Default enforcement level.
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
    _stack_checks: list[StackCheck] = field(default_factory=list[StackCheck], init=False, repr=False, compare=False)
    _remediations: dict[str, Remediation] = field(
        default_factory=dict[str, Remediation], init=False, repr=False, compare=False
    )

    def on(self, *types: str) -> Callable[[Check], Check]:
        """Register the check of resources of these types."""

        def register(check: Check) -> Check:
            self._checks.update(dict.fromkeys(types, check))
            return check

        return register

    def on_stack(self, check: StackCheck) -> StackCheck:
        """Register the check of a whole stack, for requirements that no single resource shows.

        Findings name their resource, as those of `Resource.violation` do; a `Violation` without one is about the stack.
        """
        self._stack_checks.append(check)
        return check

    def remediates(self, *types: str) -> Callable[[Remediation], Remediation]:
        """Register the remediation of resources of these types, for the level `remediate`."""

        def register(remediation: Remediation) -> Remediation:
            self._remediations.update(dict.fromkeys(types, remediation))
            return remediation

        return register

    def check_of(self, type_: str) -> Check | None:
        """Return the check of resources of a type."""
        return self._checks.get(type_)

    @property
    def types(self) -> frozenset[str]:
        """Type tokens of the rule's resources; empty for rules about stacks."""
        return frozenset(self._checks) - {*CONTAINERS}

    @property
    def judged_types(self) -> frozenset[str]:
        """Type tokens of the resources that the rule evaluates, including containers of its resources."""
        return frozenset(self._checks)

    @property
    def is_about_stacks(self) -> bool:
        """The rule evaluates a whole stack, after all resources."""
        return bool(self._stack_checks)

    @property
    def can_remediate(self) -> bool:
        """The rule has a remediation."""
        return bool(self._remediations)

    @property
    def all_parameters(self) -> tuple[Parameter, ...]:
        """Parameters, including exemptions."""
        return (*self.parameters, EXEMPTIONS)

    def policy(self, clock: Clock = today) -> ResourceValidationPolicy | StackValidationPolicy:
        """Return the rule as a policy of the engine; `clock` returns the current day, for exemptions."""
        facts: dict[str, Any] = {
            "name": self.id,
            "description": f"{self.title}. Otherwise: {self.risk}.",
            "enforcement_level": self.level,
            "config_schema": PolicyConfigSchema({each.name: each.full_schema for each in self.all_parameters}),
            "display_name": self.title,
            "severity": self.severity,
            "remediation_steps": f"{self.remedy}.",
            "url": self.url,
        }
        if self.is_about_stacks:
            return StackValidationPolicy(
                **facts, validate=lambda args, report: self.validate_stack(args, report, clock())
            )
        return ResourceValidationPolicy(
            **facts,
            validate=lambda args, report: self.validate(args, report, clock()),
            remediate=(lambda args: self.remediate(args, clock())) if self.can_remediate else None,  # pyright: ignore[reportArgumentType]
        )

    def validate(self, args: ResourceValidationArgs, report_violation: ReportViolation, day: date) -> None:
        """Report each violation, and then what could not be evaluated.

        Raises:
            NotKnownYetError: Deciding properties are not known in preview; violations have been reported.
        """
        # First and without reading a property: the rule does not apply to most resources.
        check = self._checks.get(args.resource_type)
        if check is None:
            args.not_applicable()
            return
        settings = self._settings(args.get_config())
        resource = Resource(
            type=args.resource_type, name=args.name, properties=args.props, settings=settings, urn=args.urn
        )
        exemption = first_covering(exemptions_in(settings), args.name, args.urn, day)
        if exemption and exemption.holds_on(day):
            pulumi.log.info(self._about_exempted(resource, exemption))
            args.not_applicable(exemption.agreement)
            return
        if exemption:
            report_violation(self._about_expired(resource, exemption), None)
        unseen: list[str] = []
        for finding in check(resource):
            if isinstance(finding, Unseen):
                unseen.append(finding.property)
            else:
                report_violation(self._about_violation(resource, finding), None)
        if unseen:
            raise NotKnownYetError(unseen, _about_unseen(resource, unseen))

    def validate_stack(self, args: StackValidationArgs, report_violation: ReportViolation, day: date) -> None:
        """Report violations of a whole stack with the URN of their resource, without exempted resources.

        Raises:
            NotKnownYetError: As `validate`.
        """
        settings = self._settings(args.get_config())
        exemptions = exemptions_in(settings)
        stack = stack_of(args.resources, settings)
        unseen: dict[str, list[str]] = {}
        subjects: dict[str, Resource] = {}
        exempt: set[str] = set()
        expired: set[str] = set()
        for finding in (finding for check in self._stack_checks for finding in check(stack)):
            about = finding.about or _THE_STACK
            exemption = first_covering(exemptions, about.name, about.urn, day)
            if exemption and exemption.holds_on(day):
                if about.urn not in exempt:
                    pulumi.log.info(self._about_exempted(about, exemption))
                exempt.add(about.urn)
                continue
            if exemption and about.urn not in expired:
                report_violation(self._about_expired(about, exemption), about.urn or None)
                expired.add(about.urn)
            if isinstance(finding, Unseen):
                subjects[about.urn] = about
                unseen.setdefault(about.urn, []).append(finding.property)
            else:
                report_violation(self._about_violation(about, finding), about.urn or None)
        if unseen:
            texts = [_about_unseen(subjects[urn], properties) for urn, properties in unseen.items()]
            raise NotKnownYetError([name for several in unseen.values() for name in several], "\n".join(texts))

    def remediate(self, args: ResourceValidationArgs, day: date) -> Mapping[str, Any] | None:
        """Return the properties of a resource after remediation; None where there is nothing to change."""
        remediation = self._remediations.get(args.resource_type)
        if remediation is None:
            return None
        settings = self._settings(args.get_config())
        exemption = first_covering(exemptions_in(settings), args.name, args.urn, day)
        if exemption and exemption.holds_on(day):
            return None
        resource = Resource(
            type=args.resource_type, name=args.name, properties=args.props, settings=settings, urn=args.urn
        )
        return _remediated(resource, remediation, self._checks[args.resource_type])

    def _settings(self, configured: Mapping[str, Any]) -> dict[str, Any]:
        return {each.name: each.default for each in self.all_parameters} | dict(configured)

    def _about_violation(self, resource: Resource, violation: Violation) -> str:
        secret = secret_property(resource.urn, violation.property)
        return (
            f"{_subject(resource)}: {secret or violation.property}: "
            f"found {SHOWN if secret else violation.found}, expected {violation.expected}. {self.remedy}."
        )

    def _about_exempted(self, resource: Resource, exemption: Exemption) -> str:
        return f"{_subject(resource)} is exempted from {self.id}: {exemption.agreement}"

    def _about_expired(self, resource: Resource, exemption: Exemption) -> str:
        return (
            f"{_subject(resource)}: its exemption from {self.id} has expired: {exemption.agreement}. The rule applies "
            "again. Fix the resource and remove the exemption, or agree on another date (2027-01-31)."
        )


_THE_STACK = Resource(type="", name="stack", properties={})
"""Subject of findings without a resource; exemptions name it `stack`."""


def _subject(resource: Resource) -> str:
    return f'{resource.type} "{resource.name}"' if resource.type else "The stack"


def _about_unseen(resource: Resource, properties: list[str]) -> str:
    names = sorted(set(properties))
    listed, verb = ", ".join(names), "is" if len(names) == 1 else "are"
    return f"{_subject(resource)}: {listed} {verb} not known yet; the rule is applied in the update."


def _remediated(
    resource: Resource, remediation: Remediation, check: Callable[[Resource], Findings]
) -> Mapping[str, Any] | None:
    """Return all properties of a resource with the changes; secrets and unknown values stay as they are.

    None where there is no violation, or nothing to change.
    """
    if not any(isinstance(each, Violation) for each in check(resource)):
        return None
    changes = remediation(resource)
    if not changes:
        return None
    properties = cast("MutableMapping[str, Any]", resource.properties)
    for path, value in changes.items():
        _set(properties, iter(path.split(".")), value)
    return properties


def _set(container: MutableMapping[str, Any], names: Iterator[str], value: Any) -> None:
    name = next(names)
    following = next(names, None)
    if following is None:
        container[name] = value
        return
    inner = container[name] if name in container else None  # noqa: SIM401 -- the SDK's mapping raises for unknown values only when it is indexed
    if inner is None:
        inner = container[name] = dict[str, Any]()
    _set(inner, iter([following, *names]), value)
