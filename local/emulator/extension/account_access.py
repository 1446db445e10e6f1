"""Account access manager, which moto lacks: applications, entitlements, and credentials of entitled roles.

Sources: Account Access Manager API Reference and Runtime API Reference; IAM User Guide, "Account access manager" and
"Prepare your IAM roles". What these do not say is decided here:

- The session has the name that the request gives, which is documented; the ID of the user where it gives none, which is not.
- Only the account of the application and its delegated administrators manage entitlements; other accounts are denied.
- The bearer token of a sign-in is the ID of the user.
- A role that the service cannot verify, or a principal that does not exist, is a `ValidationException`.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from moto.iam.models import iam_backends
from moto.identitystore.models import identitystore_backends
from moto.organizations.models import organizations_backends
from moto.ssoadmin.models import ssoadmin_backends
from moto.sts.models import sts_backends

from common.aws.arns import split_arn
from common.iam.conditions import hold
from common.iam.context import ABSENT, RequestContext, known
from common.iam.documents import parse
from common.iam.truth import Truth
from local.emulator.extension.organization import ACCOUNT_ACCESS
from local.emulator.extension.rest_services import STORES, RestServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from common.iam.documents import Statement

PARTITION: Final = "aws"
_PAGE: Final = 100
_SESSION_SECONDS: Final = 3_600
_NAME: Final = re.compile(r"[a-zA-Z0-9_+=,.@-]{2,64}")


@dataclass
class LocalApplication:
    """An application with its entitlements.

    Attributes:
        arn: ARN, with the account and the Region of the instance.
        instance: ARN of the instance of IAM Identity Center.
        status: Status, which is `ACTIVE` at once.
        entitlements: `principalRole` by ID.
        created: Time of creation.
    """

    arn: str
    instance: str
    tenant: str
    tags: dict[str, str]
    status: str = "ACTIVE"
    entitlements: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    @property
    def account(self) -> str:
        """Account of the application."""
        return split_arn(self.arn).account_id

    @property
    def region(self) -> str:
        """Region of the application."""
        return split_arn(self.arn).region

    def summary(self) -> dict[str, Any]:
        """API_ApplicationSummary."""
        return {
            "applicationArn": self.arn,
            "tenantId": self.tenant,
            "createdAt": self.created,
            "updatedAt": self.created,
        }


APPLICATIONS: Final[dict[str, LocalApplication]] = STORES["applications"]
"""Applications by ARN."""


class AccountAccessManager:
    """Account access manager of an account in a Region."""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region

    def create_application(self, given: dict[str, Any]) -> dict[str, Any]:
        """API_CreateApplication: idempotent."""
        instance = given["identitySource"]["identityCenter"]["instanceArn"]
        backend: Any = ssoadmin_backends[self._account][self._region]
        if instance not in [each.instance_arn for each in backend.instances]:
            raise RestServiceError("ValidationException", f"{instance} is no instance of IAM Identity Center here.")
        arn = next((each.arn for each in APPLICATIONS.values() if each.instance == instance), "")
        if not arn:
            arn = f"arn:{PARTITION}:account-access:{self._region}:{self._account}:application/{secrets.token_hex(8)}"
            tenant = f"aa-{secrets.token_hex(4)}"
            tags = given.get("tags", {})
            APPLICATIONS[arn] = LocalApplication(arn=arn, instance=instance, tenant=tenant, tags=tags)
        return {"applicationArn": arn}

    def get_application(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self._application(given["applicationArn"])
        source = {"identityCenter": {"instanceArn": found.instance}}
        return {**found.summary(), "identitySource": source, "status": found.status, "tags": found.tags}

    def delete_application(self, given: dict[str, Any]) -> dict[str, Any]:
        """API_DeleteApplication: with its entitlements."""
        del APPLICATIONS[self._application(given["applicationArn"]).arn]
        return {}

    def list_applications(self, _given: dict[str, Any]) -> dict[str, Any]:
        found = [each for each in APPLICATIONS.values() if self._administers(each) and each.region == self._region]
        return {"applications": [each.summary() for each in found]}

    def create_entitlement(self, given: dict[str, Any]) -> dict[str, Any]:
        """API_CreateEntitlement: idempotent; the role and the principal have to exist."""
        found, desired = self._application(given["applicationArn"]), given["entitlement"]["principalRole"]
        for entitlement, existing in found.entitlements.items():
            if existing == desired:
                return {"entitlementId": entitlement}
        if _role(desired["roleArn"]) is None:
            message = f"An error occurred while verifying role {desired['roleArn']}."
            raise RestServiceError("ValidationException", message)
        users, groups = _principals(found)
        principal = desired["principal"]["identityCenter"]
        if principal.get("userId") not in users and principal.get("groupId") not in groups:
            raise RestServiceError("ValidationException", f"There is no principal {principal}.")
        entitlement = f"ent-{secrets.token_hex(8)}"
        found.entitlements[entitlement] = desired
        return {"entitlementId": entitlement}

    def get_entitlement(self, given: dict[str, Any]) -> dict[str, Any]:
        found, id_ = self._application(given["applicationArn"]), given["entitlementId"]
        if id_ not in found.entitlements:
            raise RestServiceError("ResourceNotFoundException", f"There is no entitlement {id_}.", HTTPStatus.NOT_FOUND)
        return {"applicationArn": found.arn, **_entitlement(found, id_)}

    def delete_entitlement(self, given: dict[str, Any]) -> dict[str, Any]:
        """API_DeleteEntitlement: idempotent."""
        self._application(given["applicationArn"]).entitlements.pop(given["entitlementId"], None)
        return {}

    def list_entitlements(self, given: dict[str, Any]) -> dict[str, Any]:
        """API_ListEntitlements: pages of 100, by principal, role and account."""
        found, begin = self._application(given["applicationArn"]), int(given.get("nextToken", 0))
        wanted: dict[str, Any] = given["filter"].get("principalRole", {})
        listed = [
            entitlement
            for entitlement, each in found.entitlements.items()
            if wanted.get("roleArn", each["roleArn"]) == each["roleArn"]
            and wanted.get("account", split_arn(each["roleArn"]).account_id) == split_arn(each["roleArn"]).account_id
            and wanted.get("principal", each["principal"]) == each["principal"]
        ]
        end = begin + int(given.get("maxResults", _PAGE))
        answer: dict[str, Any] = {"entitlements": [_entitlement(found, each) for each in listed[begin:end]]}
        return {**answer, "nextToken": str(end)} if listed[end:] else answer

    def list_tags_for_resource(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"tags": self._application(given["resourceArn"]).tags}

    def _application(self, arn: str) -> LocalApplication:
        found = APPLICATIONS.get(arn)
        if found is not None and not self._administers(found):
            message = f"Account {self._account} does not administer {arn}."
            raise RestServiceError("AccessDeniedException", message, HTTPStatus.FORBIDDEN)
        if found is None or found.region != self._region:
            raise RestServiceError("ResourceNotFoundException", f"There is no application {arn}.", HTTPStatus.NOT_FOUND)
        return found

    def _administers(self, application: LocalApplication) -> bool:
        organization: Any = organizations_backends[application.account][PARTITION]
        delegated = {each.account.id for each in organization.admins if ACCOUNT_ACCESS in each.services}
        return self._account in {application.account, *delegated}


def _entitlement(application: LocalApplication, entitlement: str) -> dict[str, Any]:
    found = application.entitlements[entitlement]
    details = {**found, "account": split_arn(found["roleArn"]).account_id}
    return {"entitlementId": entitlement, "entitlement": {"principalRole": details}, "createdAt": application.created}


def _role(arn: str) -> Any:
    iam: Any = iam_backends[split_arn(arn).account_id][PARTITION]
    return next((each for each in iam.get_roles() if each.arn == arn), None)


def _principals(application: LocalApplication) -> tuple[dict[str, set[str]], set[str]]:
    """Return the users with their groups, and the groups."""
    instances: Any = ssoadmin_backends[application.account][application.region].instances
    store = next(each.identity_store_id for each in instances if each.instance_arn == application.instance)
    stores: Any = identitystore_backends[application.account][application.region].identity_stores
    data = stores.get(store)
    users: dict[str, set[str]] = {each: set() for each in (data.users if data else ())}
    for membership in data.group_memberships.values() if data else ():
        users.setdefault(membership["MemberId"]["UserId"], set()).add(membership["GroupId"])
    return users, set(data.groups) if data else set()


class AccessPortal:
    """Runtime API of account access manager, for a user by the token of a sign-in."""

    def __init__(self, user: str) -> None:
        self._user = user

    def list_roles(self, given: dict[str, Any]) -> dict[str, Any]:
        arns = self._entitled(given)[1]
        return {"roles": [{"accountId": split_arn(arn).account_id, "roleArn": arn} for arn in sorted(arns)]}

    def get_role_credentials(self, given: dict[str, Any]) -> dict[str, Any]:
        found, arns = self._entitled(given)
        arn, name = given["roleArn"], given.get("sessionName", self._user)
        if _NAME.fullmatch(name) is None:
            raise RestServiceError("ValidationException", f"{name} is no name of a session.")
        role = _role(arn)
        if arn not in arns or role is None or not _admits(role, found):
            raise RestServiceError(
                "AccessDeniedException", f"No entitlement, or no trust: {arn}.", HTTPStatus.FORBIDDEN
            )
        sts: Any = sts_backends[found.account][PARTITION]
        made = sts.assume_role(
            region_name=found.region,
            role_session_name=name,
            role_arn=arn,
            policy=None,
            duration=int(given.get("sessionDuration", _SESSION_SECONDS)),
            external_id=None,
        )
        keys = {
            "accessKeyId": made.access_key_id,
            "secretAccessKey": made.secret_access_key,
            "sessionToken": made.session_token,
            "expiresAt": made.expiration.isoformat(),
        }
        return {"credentialsDetails": {"programmaticAccess": keys}}

    def _entitled(self, given: dict[str, Any]) -> tuple[LocalApplication, set[str]]:
        """Return the application with the ARNs of the roles that the user, or a group of theirs, is entitled to."""
        found = next((each for each in APPLICATIONS.values() if each.tenant == given.get("tenantId")), None)
        users = _principals(found)[0] if found else {}
        if found is None or self._user not in users:
            raise RestServiceError("UnauthorizedException", "The sign-in is not valid.", HTTPStatus.UNAUTHORIZED)
        principals = ({"userId": self._user}, *({"groupId": group} for group in users[self._user]))
        entitled = (each for each in found.entitlements.values() if each["principal"]["identityCenter"] in principals)
        return found, {each["roleArn"] for each in entitled}


def _admits(role: Any, application: LocalApplication) -> bool:
    """Return whether the trust policy lets the service assume the role and set its context for an application."""
    trust = parse(role.assume_role_policy_document, name=f"trust of {role.name}", kind="trust")
    keys = {"aws:sourceaccount": known(application.account), "aws:sourcearn": known(application.arn)}
    context = RequestContext(keys, {}, ABSENT)
    return all(_allowed(trust.covering(action), context) for action in ("sts:AssumeRole", "sts:SetContext"))


def _allowed(statements: Iterable[Statement], context: RequestContext) -> bool:
    holding = [
        each
        for each in statements
        if each.principals is not None
        and not each.principals.negated
        and (ACCOUNT_ACCESS in each.principals.services or "*" in each.principals.aws)
        and hold(each, context) is Truth.YES
    ]
    return bool(holding) and all(each.allows for each in holding)
