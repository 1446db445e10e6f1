"""Values that a principal can give the condition keys of its requests (IAM User Guide, "AWS global condition context keys")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.choices import SOMETHING_ELSE, Choice, any_value, combined, situations
from common.iam.conditions import hold
from common.iam.context import ABSENT, UNKNOWN, Known, known
from common.iam.evaluation import AllowingStatement, Target, grants
from common.iam.patterns import SOME, literal, matches
from common.iam.tag_requests import tag_grants, tag_requests
from common.iam.truth import Truth
from operations.audit.catalog import ABSENT_KEY, APPROVAL_KEY, APPROVED, HARMFUL, MET, NODE
from operations.audit.service_authorization import CARRIES_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from common.iam.context import RequestContext, Value
    from common.iam.documents import Statement
    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext

_UNKNOWN: Final = (Choice(UNKNOWN),)

_FREE: Final = frozenset(
    {
        *("aws:useragent", "aws:referer", "sts:externalid", "sts:rolesessionname", "sts:sourceidentity"),
        *("ssm:sessiondocumentaccesscheck", "iam:associatedresourcearn", "ssm:documentversion"),
    }
)
"""Keys that the caller sets in its request."""

_OF_SERVICES: Final = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
"""Keys of requests that a service makes on behalf of a principal."""

_OWN_TAGS: Final = (
    *("iam:TagRole", "iam:TagUser", "iam:UntagRole", "iam:UntagUser"),
    *("sts:GetFederationToken", "sts:TagSession"),
)

_ANY_SERVICE: Final = ("aws", "ec2", "saml", "sts")
"""Prefixes of keys that requests to every service have: of the caller's session, or of the instance it runs on."""

_RESOURCE_TAGS: Final = ("aws:resourcetag/", "ssm:resourcetag/")


class RequestKnowledge:
    """Request context of one principal's requests for one action."""

    def __init__(
        self,
        principal: Principal,
        audit: AuditContext,
        action: str,
        given: Mapping[str, tuple[Choice, ...]] | None = None,
        *,
        changes_own_tags: bool = True,
    ) -> None:
        """Initialize the context.

        Args:
            principal: The caller.
            audit: The account.
            action: `ssm:StartSession`.
            given: Values by condition key that a rule sets; a key that ends in a slash is a prefix.
            changes_own_tags: Whether the caller may change its own tags before the request, where it is allowed to.
        """
        self._principal, self._audit, self._action = principal, audit, action
        self._given = given or {}
        self._changes_own_tags = changes_own_tags
        self._context = principal.context()

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        """Return the values that the caller can give a key."""
        given = self._given.get(key) or next(
            (choices for prefix, choices in self._given.items() if prefix.endswith("/") and key.startswith(prefix)),
            None,
        )
        if given is not None:
            return self._filled(given, mentioned)
        if key == APPROVAL_KEY:
            return (Choice(ABSENT), Choice(known(APPROVED)))
        if key.startswith("aws:principal") or key in ("aws:userid", "aws:username"):
            return self._of_principal(key, mentioned)
        if key.startswith(_RESOURCE_TAGS):
            return self._any(mentioned) if self._may_tag(key.partition("/")[2]) else _UNKNOWN
        return self._of_request(key, mentioned)

    def _filled(self, given: tuple[Choice, ...], mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        if given == MET:
            return self._any(mentioned, optional=False)
        harmful = tuple(Choice(known(arn)) for arn in self._audit.harmful_policies)
        return tuple(each for choice in given for each in (harmful if choice == HARMFUL else (choice,)))

    def _of_principal(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        if key == "aws:principalorgid":
            return (Choice(known(self._audit.organization)),) if self._audit.organization else _UNKNOWN
        if key == "aws:userid" and self._principal.kind == "role":
            # The caller of AssumeRole chooses the session name.
            named = dict.fromkeys(("session", *_session_names(self._principal.unique_id, mentioned)))
            return tuple(Choice(known(f"{self._principal.unique_id}:{each}")) for each in named)
        own = Choice(self._context.value(key))
        if key.startswith("aws:principaltag/") and self._changes_own_tags:
            return (own, *self._changed_tag(key.partition("/")[2], mentioned))
        return (own,)

    def _changed_tag(self, tag: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        """Return values that the caller can give a tag of itself or of its session before the request."""
        wanted = any_value((*mentioned, NODE), context=self._context)
        found = {each.value: own_tag_becomes(self._principal, self._audit, tag, each.value) for each in wanted}
        return tuple(Choice(value, certain=can is Truth.YES) for value, can in found.items() if can is not Truth.NO)

    def _any(self, mentioned: tuple[str, ...], *, optional: bool = True, many: bool = False) -> tuple[Choice, ...]:
        return any_value(mentioned, optional=optional, many=many, context=self._context)

    def _of_request(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        if key in _FREE:
            return self._any(mentioned)
        if key == "aws:tagkeys" or key.startswith("aws:requesttag/"):
            return self._any(mentioned, many=key == "aws:tagkeys") if self._action in CARRIES_TAGS else ABSENT_KEY
        if key in ("aws:currenttime", "aws:epochtime"):
            later = (Choice(known(each), certain=False) for each in mentioned if each > self._audit.now)
            return (Choice(known(self._audit.now)), *later)
        if key == "aws:multifactorauthpresent":
            # Absent with a user's long-term keys, false in a session without MFA.
            without = Choice(ABSENT if self._principal.kind == "user" else known("false"))
            return (without, Choice(known("true"), certain=False))
        if key == "aws:requestedregion":
            return self._any(mentioned, optional=False)
        return _fixed(self._audit).get(key) or self._of_service(key)

    def _of_service(self, key: str) -> tuple[Choice, ...]:
        """Return the values of a key of which only the prefix is known."""
        service, prefix = self._action.partition(":")[0], key.partition(":")[0]
        return _UNKNOWN if prefix in (*_ANY_SERVICE, service) or "." in prefix else ABSENT_KEY

    def _may_tag(self, tag: str) -> bool:
        """Return whether the principal may tag nodes, so that a condition on the tag does not restrict it."""
        names = self._audit.protected
        for action, resource in (
            ("ec2:CreateTags", f"arn:{names.partition}:ec2:{SOME}:{names.account_id}:instance/i-{SOME}"),
            (
                "ssm:AddTagsToResource",
                f"arn:{names.partition}:ssm:{SOME}:{names.account_id}:managed-instance/mi-{SOME}",
            ),
        ):
            if not any(policy.covering(action) for policy in self._principal.permissions.identity):
                continue
            given = {"aws:resourcetag/": _UNKNOWN, "ec2:createaction": ABSENT_KEY}
            found = granted_with_tag(
                self._principal, self._audit, action, target=Target((resource,)), tag=tag, given=given
            )
            if any(each.certain for each in found):
                return True
        return False


def allowed(principal: Principal, actions: tuple[str, ...]) -> frozenset[str]:
    """Return those of some actions that any statement of a principal allows, on any resource."""
    return frozenset[str]().union(*(policy.allowed(actions) for policy in principal.permissions.identity))


def granted(  # noqa: PLR0913 -- what a request consists of
    principal: Principal,
    audit: AuditContext,
    action: str,
    target: Target,
    given: Mapping[str, tuple[Choice, ...]] | None = None,
    *,
    changes_own_tags: bool = True,
) -> list[AllowingStatement]:
    """Return the statements that allow a principal an action on resources; the arguments are those of `RequestKnowledge`."""
    if not allowed(principal, (action,)):
        return []
    knowledge = RequestKnowledge(principal, audit, action, given, changes_own_tags=changes_own_tags)
    permissions = principal.permissions
    return grants(permissions, action, target, situations(permissions, action, knowledge))


def granted_with_tag(  # noqa: PLR0913 -- what a question about a tag consists of
    principal: Principal,
    audit: AuditContext,
    action: str,
    *,
    target: Target,
    tag: str,
    given: Mapping[str, tuple[Choice, ...]] | None = None,
    value: str | None = None,
) -> list[AllowingStatement]:
    """Return the statements that allow a principal to set or remove a tag by an action.

    Args:
        principal: The caller.
        audit: The account.
        action: Action whose request has tags.
        target: Resources that are tagged.
        tag: Key of the tag.
        given: Values of further condition keys.
        value: Value to set; None: any.
    """
    beside = given or {}

    def knowledge(keys: Mapping[str, tuple[Choice, ...]]) -> RequestKnowledge:
        return RequestKnowledge(principal, audit, action, {**beside, **keys}, changes_own_tags=False)

    return tag_grants(
        principal.permissions,
        action,
        target,
        tag,
        knowledge,
        value=APPROVED if value is None else value,
        is_only_value=value is not None,
        context=principal.context(),
    )


def own_tag_becomes(principal: Principal, audit: AuditContext, tag: str, value: Value) -> Truth:
    """Evaluate whether a principal can give a tag of itself or of its sessions a value; no value: remove the tag.

    By its own tagging right, by federated sessions of a user, by a trust policy of its own that it replaces, or by
    session tags that a role's trust policy admits. IAM data does not show whether an identity provider sends the tag.
    `audit` caches the result.
    """
    key = (principal, tag, value)
    if key not in audit.own_tags:
        audit.own_tags[key] = _own_tag_becomes(principal, audit, tag, value)
    return audit.own_tags[key]


def _own_tag_becomes(principal: Principal, audit: AuditContext, tag: str, value: Value) -> Truth:
    itself = Target((literal(principal.arn),))
    may = allowed(principal, _OWN_TAGS)
    kind = principal.kind.capitalize()
    text = value.values[0] if isinstance(value, Known) else None

    def with_tag(action: str, target: Target = itself) -> list[AllowingStatement]:
        return granted_with_tag(principal, audit, action, target=target, tag=tag, value=text)

    if text is None:
        return _best(with_tag(f"iam:Untag{kind}") if f"iam:Untag{kind}" in may else ())
    found = with_tag(f"iam:Tag{kind}") if f"iam:Tag{kind}" in may else []
    if principal.kind == "user" and {"sts:TagSession", "sts:GetFederationToken"} <= may:
        found += with_tag("sts:TagSession", Target(("*",)))
    if principal.kind == "role":
        found += granted(principal, audit, "iam:UpdateAssumeRolePolicy", itself, changes_own_tags=False)
    return max(_best(found), session_tag_admitted(principal, tag, text))


def _best(found: Iterable[AllowingStatement]) -> Truth:
    return max((Truth.YES if each.certain else Truth.UNKNOWN for each in found), default=Truth.NO)


def session_tag_admitted(role: Principal, tag: str, value: str) -> Truth:
    """Evaluate whether a role's trust policy (users have none) lets a caller set a tag of the role's session."""
    statements = role.trust.covering("sts:TagSession") if role.trust else ()
    allowing = [each for each in statements if each.allows and each.principals and _names_callers(each)]
    return max((admits_session_tag(each, statements, tag, value) for each in allowing), default=Truth.NO)


def _names_callers(statement: Statement) -> bool:
    named = statement.principals
    return named is not None and bool(named.aws or named.federated or named.negated)


def admits_session_tag(
    statement: Statement, statements: tuple[Statement, ...], tag: str, value: str | None = None
) -> Truth:
    """Evaluate whether a statement of a trust policy about `sts:TagSession` admits a tag; no value: any.

    `statements` are all statements of the policy about it, Deny statements included.
    """
    denies = [each for each in statements if not each.allows]
    found = Truth.NO
    requests = tag_requests(
        tag,
        "sts:TagSession",
        statements,
        value=SOMETHING_ELSE if value is None else value,
        is_only_value=value is not None,
    )
    for request in requests:
        for situation in combined([statement, *denies], _OfRequest(request.keys())):
            context: RequestContext = situation.context
            if any(hold(each, context) is Truth.YES for each in denies):
                continue
            holding = hold(statement, context)
            doubtful = situation.doubts or any(hold(each, context) is Truth.UNKNOWN for each in denies)
            found = max(found, Truth.UNKNOWN if holding is Truth.YES and doubtful else holding)
    federated = statement.principals is not None and not statement.principals.aws and not statement.principals.negated
    return min(found, Truth.UNKNOWN) if federated else found


class _OfRequest:
    """Request context of an unknown caller, with some keys."""

    def __init__(self, given: Mapping[str, tuple[Choice, ...]]) -> None:
        self._given = given

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        del mentioned
        prefix = f"{key.partition('/')[0]}/"
        return self._given.get(key) or self._given.get(prefix) or _UNKNOWN


def _fixed(audit: AuditContext) -> dict[str, tuple[Choice, ...]]:
    names = audit.protected
    ssm = f"arn:{names.partition}:ssm:eu-west-1:{names.account_id}"
    return {
        **dict.fromkeys(_OF_SERVICES, ABSENT_KEY),
        "aws:securetransport": (Choice(known("true")),),
        "aws:resourceaccount": (Choice(known(names.account_id)),),
        "aws:resourceorgid": (Choice(known(audit.organization)),) if audit.organization else _UNKNOWN,
        "aws:viaawsservice": (Choice(known("false")), Choice(known("true"), certain=False)),
        "aws:calledvia": (Choice(ABSENT), Choice(UNKNOWN)),
        "aws:calledviafirst": (Choice(ABSENT), Choice(UNKNOWN)),
        "aws:calledvialast": (Choice(ABSENT), Choice(UNKNOWN)),
        # A harmful target, and a harmful task of a member account's root user.
        "events:targetarn": (
            Choice(known(f"{ssm.replace(names.account_id, '')}:document/AWS-RunShellScript")),
            Choice(known(f"{ssm}:automation-definition/{names.runbook}:$DEFAULT")),
        ),
        "sts:taskpolicyarn": (
            Choice(known(f"arn:{names.partition}:iam::aws:policy/root-task/IAMCreateRootUserPassword")),
            Choice(known(f"arn:{names.partition}:iam::aws:policy/root-task/S3UnlockBucketPolicy")),
        ),
    }


def _session_names(role: str, patterns: tuple[str, ...]) -> Iterator[str]:
    """Yield names of sessions with which a role, by its ID, has a user ID that matches a pattern."""
    for pattern in patterns:
        before, colon, name = pattern.rpartition(":")
        if matches(before if colon else "*", role):
            yield name.replace("*", "").replace("?", "x") or "session"
