"""Programs do not set the approval tag: on a role or user, by default tags, or as a session tag."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from components.approval.names import TAG_KEY
from policies.findings import UNKNOWN, Violation
from policies.rule import Rule
from policies.separation_of_duties.identity_policies import ROLE, USER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Findings, Resource

RULE = Rule(
    id="approval-tag-not-in-program",
    title=f"Programs do not set the tag {TAG_KEY}",
    severity=Severity.CRITICAL,
    risk="the role or user has a standing approval for one instance, without a request and without an end",
    remedy="Remove the tag from the program and leave it to the runbook",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html",
)

_EXPECTED: Final = f"no tag {TAG_KEY}"


@RULE.on(ROLE, USER)
def _has_no_tag(principal: Resource) -> Findings:
    own = list(_without(principal, "tags", principal.value("tags")))
    # The provider adds the default tags to those of the resource.
    yield from own or _without(principal, "tagsAll", principal.value("tagsAll"))


@RULE.on("pulumi:providers:aws")
def _adds_no_tag(provider: Resource) -> Findings:
    # The engine passes nested properties of a provider as JSON text.
    defaults = _decoded(provider.value("defaultTags"))
    tags = cast("Mapping[str, Any]", defaults).get("tags") if isinstance(defaults, Mapping) else defaults
    yield from _without(provider, "defaultTags", _decoded(tags))


@RULE.on("aws:cognito/identityPoolProviderPrincipalTag:IdentityPoolProviderPrincipalTag")
def _maps_no_claim(mapping: Resource) -> Findings:
    yield from _without(mapping, "principalTags", mapping.value("principalTags"))


@RULE.on("aws:ssoadmin/instanceAccessControlAttributes:InstanceAccessControlAttributes")
def _maps_no_attribute(mapping: Resource) -> Findings:
    name = "attributes"
    attributes = mapping.value(name)
    listed = cast("list[Any]", attributes) if isinstance(attributes, list) else [] if attributes is None else [UNKNOWN]
    keys = [each if each is UNKNOWN else cast("dict[str, Any]", each).get("key") for each in listed]
    yield from _without(mapping, name, UNKNOWN if UNKNOWN in keys else dict.fromkeys(keys))
    if UNKNOWN in keys:
        yield from _without(mapping, name, {each: None for each in keys if each is not UNKNOWN})


def _without(resource: Resource, name: str, tags: Any) -> Iterator[Any]:
    if tags is UNKNOWN:
        yield resource.unseen(name)
    elif isinstance(tags, Mapping):
        for key in cast("Mapping[Any, Any]", tags):
            if key is UNKNOWN:
                yield resource.unseen(name)
            if str(key).casefold() == TAG_KEY.casefold():
                yield Violation(f"{name}.{key}", "a tag", _EXPECTED, about=resource)


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
