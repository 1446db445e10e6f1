"""Policy statements that set or remove the approval tag.

Session tags take precedence over those of the principal (IAM User Guide, "Pass session tags in AWS STS").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.evaluation import AllowingStatement, Permissions, Target
from common.iam.patterns import SOME
from common.iam.tag_requests import REMOVING, SETTING, RequestKeys, tag_grants
from common.json_values import decoded
from components.approval.names import TAG_KEY
from policies.findings import UNKNOWN, Findings, Resource
from policies.parameters import Parameter
from policies.rule import DUTIES_POST, Rule
from policies.separation_of_duties.aws_managed import TAG
from policies.separation_of_duties.identity_policies import CARRIERS, ROLE, USER
from policies.separation_of_duties.requests import APPROVED, Requests, each_once, partitions
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS_WITH_RUNBOOKS, judged

if TYPE_CHECKING:
    from common.iam.documents import Policy

ALL_PRINCIPALS: Final = ("role/*", "user/*")


def sets_approval_tag(
    policies: Sequence[Policy], admitted: Sequence[str] = (), tagged: Sequence[str] = ALL_PRINCIPALS
) -> list[AllowingStatement]:
    """Return the statements that set or remove the tag of a tagged principal (`role/Operator`, with wildcards)."""
    actions = (*SETTING, *REMOVING)
    target = Target(
        tuple(
            f"arn:{partition}:iam::{SOME}:{name}"
            for partition in partitions(policies, actions)
            for pattern in tagged
            for name in _names(pattern)
        )
    )

    def knowledge(keys: RequestKeys) -> Requests:
        return Requests(keys, admitted)

    permissions = Permissions(identity=tuple(policies))
    return each_once(
        grant
        for action in actions
        if any(policy.allowed((action,)) for policy in policies)
        for grant in tag_grants(permissions, action, target, TAG_KEY, knowledge, value=APPROVED)
    )


def _names(pattern: str) -> Iterator[str]:
    """Return a pattern of names in the form of the evaluator, in which a star stands for no colon."""
    first, *others = pattern.split("*")
    for between in product(("", SOME), repeat=len(others)):
        yield first + "".join(text for pair in zip(between, others, strict=True) for text in pair)


APPROVAL_TAG_NOT_IN_PROGRAM = Rule(
    id="approval-tag-not-in-program",
    title=f"Programs do not set the tag {TAG_KEY}",
    severity=Severity.CRITICAL,
    risk="the role or user has a standing approval for one instance, without a request and without an end",
    remedy="Remove the tag from the program and leave it to the runbook",
    source=f"{DUTIES_POST}; NIST SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html",
)

_EXPECTED: Final = f"no tag {TAG_KEY}"


@APPROVAL_TAG_NOT_IN_PROGRAM.on(ROLE, USER)
def _has_no_tag(principal: Resource) -> Findings:
    own = list(_without(principal, "tags", principal.value("tags")))
    # The provider adds the default tags to those of the resource.
    yield from own or _without(principal, "tagsAll", principal.value("tagsAll"))


@APPROVAL_TAG_NOT_IN_PROGRAM.on("pulumi:providers:aws")
def _adds_no_tag(provider: Resource) -> Findings:
    # The engine passes nested properties of a provider as JSON text.
    defaults = decoded(provider.value("defaultTags"))
    tags = cast("Mapping[str, Any]", defaults).get("tags") if isinstance(defaults, Mapping) else defaults
    yield from _without(provider, "defaultTags", decoded(tags))


@APPROVAL_TAG_NOT_IN_PROGRAM.on("aws:cognito/identityPoolProviderPrincipalTag:IdentityPoolProviderPrincipalTag")
def _maps_no_claim(mapping: Resource) -> Findings:
    yield from _without(mapping, "principalTags", mapping.value("principalTags"))


@APPROVAL_TAG_NOT_IN_PROGRAM.on("aws:ssoadmin/instanceAccessControlAttributes:InstanceAccessControlAttributes")
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
                yield resource.violation(f"{name}.{key}", _EXPECTED, found="a tag")


_TAGGED = Parameter(
    name="taggedPrincipals",
    description="Whose tag counts: the operators, as role/Name or user/Name (* and ? match any characters).",
    default=list(ALL_PRINCIPALS),
    schema={"type": "array", "items": {"type": "string", "pattern": "^(role|user)/."}, "minItems": 1},
)

APPROVAL_TAG_SET_BY_RUNBOOK = Rule(
    id="approval-tag-set-by-runbook",
    title=f"Only the runbook's role may set or remove the tag {TAG_KEY}",
    severity=Severity.CRITICAL,
    risk="the principal approves sessions alone, with one tag",
    remedy="Remove the tagging permission, or exclude the key with a condition on aws:TagKeys that holds for every request",
    source=f"{DUTIES_POST}; NIST SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html",
    parameters=(PRINCIPALS_WITH_RUNBOOKS, POLICIES, _TAGGED),
)


@APPROVAL_TAG_SET_BY_RUNBOOK.on(*CARRIERS)
def _sets_no_tag(resource: Resource) -> Findings:
    question = partial(sets_approval_tag, tagged=resource.settings[_TAGGED.name])
    yield from judged(resource, question, f"requests that cannot carry the tag {TAG_KEY}", TAG)
