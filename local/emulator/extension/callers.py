"""Caller of a request, its permissions by the IAM of the local AWS, and who may assume a role.

IAM User Guide, "Policy evaluation logic"; the evaluation is that of `python -m operations audit`.

AWS Security Token Service: IAM User Guide, "Policy evaluation logic" and "AWS JSON policy elements: Principal". Callers without an
identity in the local AWS, and roles that do not exist, are allowed as in moto.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, cast

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.iam.models import iam_backends
from moto.ssm.exceptions import SSMException
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse

from common.aws.arns import split_arn
from common.iam.conditions import hold
from common.iam.context import ABSENT, RequestContext, Value, known
from common.iam.documents import Policy, parse
from common.iam.evaluation import Permissions, decide
from common.iam.principals import Principal, read_account
from common.iam.trust import named_by
from common.iam.truth import Truth

PARTITION: Final = "aws"
_MADE_BY_AWS: Final = re.compile(r"A[KS]IA[A-Z0-9]{16}")


@dataclass(frozen=True, kw_only=True)
class CallerIdentity:
    """Caller of a request.

    Attributes:
        arn: ARN of the user or session.
        user_id: Value of `${aws:userid}`.
        name: Name that prefixes session IDs: the user's, or the role session's.
        principal: User or role with its permissions; None for made-up credentials, which allow everything.
    """

    arn: str
    user_id: str
    name: str
    principal: Principal | None = None

    def refusal(self, action: str, resource: str, keys: Mapping[str, Value]) -> str | None:
        """Return the reason for a denial, in AWS' words; None if the action is allowed."""
        if self.principal is None:
            return None
        permissions, context = self.principal.permissions, self.context(self.principal, keys)
        allowed = decide(permissions, action, resource, context).allowed
        if allowed is Truth.YES:
            return None
        denial = f"User: {self.arn} is not authorized to perform: {action} on resource: {resource}"
        if allowed is Truth.UNKNOWN:
            return f"{denial} (the local AWS cannot determine this, and denies it)"
        return f"{denial} {_cause(permissions, action, resource, context)}"

    def context(self, principal: Principal, keys: Mapping[str, Value]) -> RequestContext:
        """Return the condition keys of a request; other keys are absent."""
        own = principal.context()
        now = datetime.now(UTC)
        request: dict[str, Value] = {
            "aws:userid": known(self.user_id),
            "aws:currenttime": known(now.strftime("%Y-%m-%dT%H:%M:%SZ")),
            "aws:epochtime": known(str(int(now.timestamp()))),
            "aws:sourceip": known("127.0.0.1"),
            "aws:viaawsservice": known("false"),
            **{name.lower(): value for name, value in keys.items()},
        }
        return RequestContext({**own.values, **request}, own.prefixes, ABSENT)


def caller_of(account_id: str, access_key: str) -> CallerIdentity:
    """Return the caller of an access key.

    Raises:
        SSMException: `UnrecognizedClientException`: The key looks like a real one, but belongs to no principal.
    """
    iam: Any = iam_backends[account_id][PARTITION]
    sts: Any = sts_backends[account_id][PARTITION]
    session = sts.get_assumed_role_from_access_key(access_key)
    user = None if session else iam.get_user_from_access_key_id(access_key)
    user_id, arn, _ = sts.get_caller_identity(access_key, "")
    if session:
        principal = _role(iam, session)
    elif user:
        principal = _user(iam, user)
    elif _MADE_BY_AWS.fullmatch(access_key):
        raise SSMException("UnrecognizedClientException", "The security token included in the request is invalid.")
    else:
        principal = None
    return CallerIdentity(arn=arn, user_id=user_id, name=arn.rsplit("/", 1)[-1], principal=principal)


def _role(iam: Any, session: Any) -> Principal:
    """Return the role with the session policy, which only restricts permissions."""
    role = next((each for each in iam.get_roles() if each.arn == session.role_arn), None)
    if role is None:
        return Principal(kind="role", name=session.role_arn.rsplit("/", 1)[-1], arn=session.role_arn)
    given = {"RoleName": role.name, "RoleId": role.id, "Arn": role.arn, "Path": role.path, "Tags": role.tags}
    boundary: str | None = role.permissions_boundary_arn
    principal = _read(iam, "Role", {**given, **_policies(role, "Role"), **_boundary(boundary)}, [role], boundary)
    if not session.policy:
        return principal
    limit = parse(session.policy, name="session policy", kind="session")
    permissions = replace(principal.permissions, ceilings=(*principal.permissions.ceilings, (limit,)))
    return replace(principal, permissions=permissions)


def _user(iam: Any, user: Any) -> Principal:
    groups = iam.get_groups_for_user(user.name)
    given = {"UserName": user.name, "UserId": user.id, "Arn": user.arn, "Tags": iam.list_user_tags(user.name)}
    given["GroupList"] = [group.name for group in groups]
    of_groups = [{"GroupName": group.name, "Arn": group.arn, **_policies(group, "Group")} for group in groups]
    return _read(iam, "User", {**given, **_policies(user, "User")}, [user, *groups], GroupDetailList=of_groups)


def _read(
    iam: Any, kind: str, given: dict[str, Any], holders: list[Any], boundary: str | None = None, **more: Any
) -> Principal:
    """Return the principal, parsed like the audit parses `iam:GetAccountAuthorizationDetails`."""
    held = {arn: policy for holder in holders for arn, policy in holder.managed_policies.items()}
    if boundary in iam.managed_policies:
        held[boundary] = iam.managed_policies[boundary]
    policies = [
        {
            "Arn": arn,
            "PolicyVersionList": [
                {"Document": version.document, "IsDefaultVersion": version.version_id == policy.default_version_id}
                for version in policy.versions
            ],
        }
        for arn, policy in held.items()
    ]
    details = {f"{kind}DetailList": [given], "Policies": policies, **more}
    return read_account(details, account_id=split_arn(given["Arn"]).account_id).principals[0]


def _policies(holder: Any, kind: str) -> dict[str, Any]:
    inline = cast("dict[str, str]", holder.policies)
    return {
        f"{kind}PolicyList": [{"PolicyName": name, "PolicyDocument": text} for name, text in inline.items()],
        "AttachedManagedPolicies": [{"PolicyArn": arn} for arn in holder.managed_policies],
    }


def _boundary(arn: str | None) -> dict[str, Any]:
    return {"PermissionsBoundary": {"PermissionsBoundaryArn": arn}} if arn else {}


def _cause(permissions: Permissions, action: str, resource: str, context: RequestContext) -> str:
    """Return the cause of a denial (IAM User Guide, "Troubleshoot access denied error messages")."""
    identity = Permissions(identity=tuple(_allowing(each) for each in permissions.identity))
    if decide(identity, action, resource, context).allowed is not Truth.YES:
        return f"because no identity-based policy allows the {action} action"
    layers = [("permissions boundary", (permissions.boundary,))] if permissions.boundary else []
    layers += [("session policy", level) for level in permissions.ceilings]
    for name, policies in layers:
        own = Permissions(identity=tuple(_allowing(each) for each in policies))
        if decide(own, action, resource, context).allowed is not Truth.YES:
            return f"because no {name} allows the {action} action"
    return "with an explicit deny in an identity-based policy"


def _allowing(policy: Policy) -> Policy:
    return replace(policy, statements=tuple(each for each in policy.statements if each.allows))


# AWS Security Token Service.


ASSUME: Final = "sts:AssumeRole"
TAG: Final = "sts:TagSession"
CHAIN_SECONDS: Final = 3_600
SESSIONS_OF_SERVICES: Final[set[str]] = set()
"""Names of sessions that Systems Manager starts, with a request of the principal that it acts for."""


class AccessDeniedError(ServiceException):
    """The caller may not assume the role."""

    code = "AccessDenied"


class ValidationError(ServiceException):
    """The request has a value that AWS rejects."""

    code = "ValidationError"


class LocalSts(TokenResponse):
    """moto's Security Token Service with trust policies."""

    def assume_role(self) -> ActionResult:
        """API_AssumeRole: AccessDenied unless the trust policy, and for its own account the caller's policies, allow it.

        A role session assumes a role for an hour at most (IAM User Guide, "Role chaining").
        """
        arn = str(self._get_param("RoleArn"))
        caller = caller_of(self.current_account, self.get_access_key())
        if caller.principal is not None and self._get_param("RoleSessionName") not in SESSIONS_OF_SERVICES:
            self._authorize(caller, arn)
            if caller.principal.kind == "role" and self._get_int_param("DurationSeconds", 0) > CHAIN_SECONDS:
                message = (
                    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
                )
                raise ValidationError(message)
        return super().assume_role()

    def _authorize(self, caller: CallerIdentity, arn: str) -> None:
        iam: Any = iam_backends[split_arn(arn).account_id][PARTITION]
        role = next((each for each in iam.get_roles() if each.arn == arn), None)
        if role is None:
            return
        given: list[dict[str, str]] = self._get_param("Tags") or []
        tags = {each["Key"]: each["Value"] for each in given}
        keys = {
            "sts:rolesessionname": known(str(self._get_param("RoleSessionName"))),
            **{f"aws:requesttag/{key.lower()}": known(value) for key, value in tags.items()},
        }
        actions = (ASSUME, *((TAG,) if tags else ()))
        for action in actions:
            if not _admits(caller, role, action, keys):
                raise AccessDeniedError(f"User: {caller.arn} is not authorized to perform: {action} on resource: {arn}")


def _admits(caller: CallerIdentity, role: Any, action: str, keys: dict[str, Any]) -> bool:
    if caller.principal is None:
        return True
    trust = parse(role.assume_role_policy_document, name=f"trust of {role.name}", kind="trust")
    context = caller.context(caller.principal, keys)
    found = [each for each in trust.covering(action) if hold(each, context) is not Truth.NO]
    if any(not each.allows for each in found):
        return False
    how = {named_by(caller.principal, each) for each in found if hold(each, context) is Truth.YES}
    return "direct" in how or ("account" in how and caller.refusal(action, role.arn, keys) is None)
