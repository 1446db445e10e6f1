"""Role of the person behind a session of IAM Identity Center, which commands assume by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.failures import failure_of
from common.aws.session import AwsClients
from components.approval.names import OPERATORS_PATH
from components.approval.settings import IDENTITY_CENTER_PREFIX
from operations.approval.session import ApprovalSession, CallError
from operations.inventory.identity_center import read_operator_roles
from operations.inventory.reader import Reader, ReadFailure, identify
from operations.principals import principal_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.aws.session import Clients
    from operations.inventory.reader import Identity

_ASSUME: Final = "sts:AssumeRole"


@dataclass(frozen=True, kw_only=True)
class PersonRole:
    """An operator's role that a session of IAM Identity Center assumes.

    Attributes:
        user_name: User name of the person, which the session has to have as its name.
        caller: ARN of the session of IAM Identity Center.
    """

    arn: str
    user_name: str
    caller: str

    def sign_in(self, region: str) -> tuple[AwsClients, Identity]:
        """Return clients with the role, whose session is renewed when it expires, and their identity.

        Raises:
            CallError: The role cannot be assumed.
        """
        role = {"roleArn": self.arn, "sessionName": self.user_name}
        clients = AwsClients(lambda key: [role] if key == "aws:assumeRoles" else None)
        identity = identify(clients, region)
        if isinstance(identity, ReadFailure):
            raise self._refused(identity.cause)
        return clients, identity

    def environment(self, clients: Clients, region: str) -> dict[str, str]:
        """Return environment variables with credentials of the role, for a program.

        Raises:
            CallError: The role cannot be assumed.
        """
        try:
            given = clients.client("sts", region).assume_role(RoleArn=self.arn, RoleSessionName=self.user_name)
        except (ClientError, BotoCoreError) as failed:
            raise self._refused(failure_of(_ASSUME, failed, region, self.caller).reason) from failed
        found: Mapping[str, Any] = given["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": str(found["AccessKeyId"]),
            "AWS_SECRET_ACCESS_KEY": str(found["SecretAccessKey"]),
            "AWS_SESSION_TOKEN": str(found["SessionToken"]),
        }

    def _refused(self, reason: str) -> CallError:
        permission_set = self.caller.split("/")[1].removeprefix(IDENTITY_CENTER_PREFIX).rpartition("_")[0]
        pattern = f"{self.arn.split(':role/')[0]}:role{OPERATORS_PATH}*"
        return CallError(
            f"{self.caller} cannot assume {self.arn}: {reason}. The role admits sessions {self.user_name} of the permission "
            f"set of shell-access:approval.identityCenter only, and that permission set must allow {_ASSUME} on {pattern} "
            f"(you are signed in with {permission_set}). Where the stack uses account access manager, sign in with `aws "
            "login` and choose the role instead."
        )


def is_of_identity_center(identity: Identity) -> bool:
    """Return whether a caller is signed in with a permission set."""
    principal = principal_of(identity.arn)
    return principal is not None and principal.name.startswith(IDENTITY_CENTER_PREFIX)


def find_person_role(clients: Clients, identity: Identity, region: str, known: Mapping[str, str] | None) -> PersonRole:
    """Return the role of the person who is signed in.

    Args:
        clients: Clients with the credentials of the caller.
        identity: The caller, who is signed in with a permission set.
        region: Region of the calls.
        known: ARNs of operators' roles by user name, from the outputs of the stack; None: they are looked up in IAM.

    Raises:
        CallError: The person has no such role, or it cannot be looked up.
    """
    user = identity.arn.rsplit("/", 1)[-1]
    if known is None:
        roles = read_operator_roles(Reader(clients, region, identity.arn))
        if isinstance(roles, ReadFailure):
            raise CallError(
                f"{identity.arn} is signed in through IAM Identity Center, and its operator's role cannot be looked up: "
                f"{roles.cause}. Use the outputs of the stack (--stack), or allow iam:ListRoles in the permission set."
            )
        prefix = f"arn:{identity.partition}:iam::{identity.account_id}:role{OPERATORS_PATH}"
        known = {each.user_name: f"{prefix}{each.name}" for each in roles if each.user_name}
    if user not in known:
        raise CallError(
            f"{user}, who is signed in through IAM Identity Center, has no operator's role in account "
            f"{identity.account_id}. Add the user, or a group of the user, to shell-access:approval.operators and update "
            "the stack; or, where it uses account access manager, sign in with `aws login` and choose the role."
        )
    return PersonRole(arn=known[user], user_name=user, caller=identity.arn)


def as_person(session: ApprovalSession) -> ApprovalSession:
    """Return the session with the role of the person, where the caller is signed in through IAM Identity Center.

    Raises:
        CallError: The person has no role, or cannot assume it.
    """
    if not is_of_identity_center(session.identity):
        return session
    region = session.workflow.region
    role = find_person_role(session.clients, session.identity, region, session.workflow.operator_roles)
    clients, identity = role.sign_in(region)
    return replace(session, clients=clients, identity=identity)
