"""AWS Security Token Service: who may assume a role.

IAM User Guide, "Policy evaluation logic" and "AWS JSON policy elements: Principal". Callers without an identity in the local
AWS, and roles that do not exist, are allowed as in moto.
"""

from typing import Any, Final

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.iam.models import iam_backends
from moto.sts.responses import TokenResponse

from common.aws.arns import split_arn
from common.iam.conditions import hold
from common.iam.context import known
from common.iam.documents import parse
from common.iam.trust import named_by
from common.iam.truth import Truth
from local.emulator.extension.callers import PARTITION, CallerIdentity, caller_of

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
