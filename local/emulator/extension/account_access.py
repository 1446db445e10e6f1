"""Account access manager, which moto lacks: applications, entitlements, and credentials of entitled roles.

Sources: Account Access Manager API Reference and Runtime API Reference; IAM User Guide, "Account access manager" and
"Prepare your IAM roles". What these do not say is decided here:

- The session has the name that the request gives, which is documented; the ID of the user where it gives none, which is not.
- Only the account of the application and its delegated administrators manage entitlements; other accounts are denied.
- The bearer token of a sign-in is the ID of the user.
- A role that the service cannot verify, or a principal that does not exist, is a `ValidationException`.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from moto.iam.models import get_account_id_from, iam_backends
from moto.identitystore.models import identitystore_backends
from moto.organizations.models import organizations_backends
from moto.ssoadmin.models import ssoadmin_backends
from moto.sts.models import sts_backends

from common.aws.arns import split_arn
from common.iam.conditions import hold
from common.iam.context import ABSENT, RequestContext, known
from common.iam.documents import parse
from common.iam.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from common.iam.documents import Statement

SERVICE: Final = "account-access.amazonaws.com"
PARTITION: Final = "aws"
_SCOPE: Final = re.compile(r"Credential=([^/]+)/\d+/([a-z0-9-]+)/account-access/")
_BEARER: Final = "Bearer "
_PAGE: Final = 100
_SESSION_SECONDS: Final = 3_600
_NAME: Final = re.compile(r"[a-zA-Z0-9_+=,.@-]{2,64}")


class FailureError(Exception):
    """An error of the service, with its code and status."""

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass
class LocalApplication:
    """An application with its entitlements.

    Attributes:
        arn: ARN, with the account and the Region of the instance.
        instance: ARN of the instance of IAM Identity Center.
        tenant: ID of the tenant of the portal.
        tags: Tags.
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


APPLICATIONS: Final[dict[str, LocalApplication]] = {}
"""Applications by ARN."""


def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Handle one request."""
    status, error = HTTPStatus.OK, ""
    try:
        body = _answer(environ)
    except FailureError as failed:
        status, error, body = HTTPStatus(failed.status), failed.code, {"message": str(failed)}
    content = json.dumps(body).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response(f"{status.value} {status.phrase}", [*headers, *([("x-amzn-ErrorType", error)] if error else [])])
    return [content]


def _answer(environ: dict[str, Any]) -> dict[str, Any]:
    method, path = environ["REQUEST_METHOD"], str(environ["PATH_INFO"])
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    given: dict[str, Any] = json.loads(environ["wsgi.input"].read(length) or b"{}") if length else {}
    authorization = str(environ.get("HTTP_AUTHORIZATION", ""))
    if authorization.startswith(_BEARER):
        return _runtime(path, query, authorization.removeprefix(_BEARER))
    scope = _SCOPE.search(authorization)
    if scope is None:
        raise FailureError("AccessDeniedException", "The request is not signed.", HTTPStatus.FORBIDDEN)
    caller = _SignedCaller(get_account_id_from(scope[1]), scope[2])
    head, _, rest = path.strip("/").partition("/")
    operation = getattr(caller, f"{method.lower()}_{head.replace('-', '_')}", None)
    if operation is None:
        raise FailureError("UnknownOperationException", f"{method} {path}")
    return operation(rest, query, given)


class _SignedCaller:
    """Operations of an account in a Region, by method and first part of the path."""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region

    def post_applications(self, _rest: str, _query: dict[str, str], given: dict[str, Any]) -> dict[str, Any]:
        """API_CreateApplication: idempotent."""
        instance = given["identitySource"]["identityCenter"]["instanceArn"]
        backend: Any = ssoadmin_backends[self._account][self._region]
        if instance not in [each.instance_arn for each in backend.instances]:
            raise FailureError("ValidationException", f"{instance} is no instance of IAM Identity Center here.")
        arn = next((each.arn for each in APPLICATIONS.values() if each.instance == instance), "")
        if not arn:
            arn = f"arn:{PARTITION}:account-access:{self._region}:{self._account}:application/{secrets.token_hex(8)}"
            tenant = f"aa-{secrets.token_hex(4)}"
            tags = given.get("tags", {})
            APPLICATIONS[arn] = LocalApplication(arn=arn, instance=instance, tenant=tenant, tags=tags)
        return {"applicationArn": arn}

    def get_applications(self, rest: str, _query: dict[str, str], _given: dict[str, Any]) -> dict[str, Any]:
        """API_GetApplication."""
        found = self._application(rest)
        return {
            "identitySource": {"identityCenter": {"instanceArn": found.instance}},
            "status": found.status,
            "tenantId": found.tenant,
            "createdAt": found.created,
            "updatedAt": found.created,
            "tags": found.tags,
        }

    def delete_applications(self, rest: str, _query: dict[str, str], _given: dict[str, Any]) -> dict[str, Any]:
        """API_DeleteApplication: with its entitlements."""
        del APPLICATIONS[self._application(rest).arn]
        return {}

    def post_applications_list(self, _rest: str, _query: dict[str, str], _given: dict[str, Any]) -> dict[str, Any]:
        """API_ListApplications."""
        found = [each for each in APPLICATIONS.values() if self._administers(each) and each.region == self._region]
        return {
            "applications": [
                {
                    "applicationArn": each.arn,
                    "tenantId": each.tenant,
                    "createdAt": each.created,
                    "updatedAt": each.created,
                }
                for each in found
            ]
        }

    def post_entitlements(self, _rest: str, _query: dict[str, str], given: dict[str, Any]) -> dict[str, Any]:
        """API_CreateEntitlement: idempotent; the role and the principal have to exist."""
        found, desired = self._application(given["applicationArn"]), given["entitlement"]["principalRole"]
        for entitlement, existing in found.entitlements.items():
            if existing == desired:
                return {"entitlementId": entitlement}
        if _role(desired["roleArn"]) is None:
            message = f"An error occurred while verifying role {desired['roleArn']}."
            raise FailureError("ValidationException", message)
        users, groups = _principals(found)
        principal = desired["principal"]["identityCenter"]
        if principal.get("userId") not in users and principal.get("groupId") not in groups:
            raise FailureError("ValidationException", f"There is no principal {principal}.")
        entitlement = f"ent-{secrets.token_hex(8)}"
        found.entitlements[entitlement] = desired
        return {"entitlementId": entitlement}

    def get_entitlements(self, rest: str, query: dict[str, str], _given: dict[str, Any]) -> dict[str, Any]:
        """API_GetEntitlement."""
        found = self._application(query["applicationArn"])
        if rest not in found.entitlements:
            raise FailureError("ResourceNotFoundException", f"There is no entitlement {rest}.", HTTPStatus.NOT_FOUND)
        return {"applicationArn": found.arn, **_entitlement(found, rest)}

    def delete_entitlements(self, rest: str, query: dict[str, str], _given: dict[str, Any]) -> dict[str, Any]:
        """API_DeleteEntitlement: idempotent."""
        self._application(query["applicationArn"]).entitlements.pop(rest, None)
        return {}

    def post_entitlements_list(self, _rest: str, _query: dict[str, str], given: dict[str, Any]) -> dict[str, Any]:
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

    def get_tags(self, rest: str, _query: dict[str, str], _given: dict[str, Any]) -> dict[str, Any]:
        """API_ListTagsForResource."""
        return {"tags": self._application(rest).tags}

    def _application(self, arn: str) -> LocalApplication:
        found = APPLICATIONS.get(arn)
        if found is not None and not self._administers(found):
            message = f"Account {self._account} does not administer {arn}."
            raise FailureError("AccessDeniedException", message, HTTPStatus.FORBIDDEN)
        if found is None or found.region != self._region:
            raise FailureError("ResourceNotFoundException", f"There is no application {arn}.", HTTPStatus.NOT_FOUND)
        return found

    def _administers(self, application: LocalApplication) -> bool:
        organization: Any = organizations_backends[application.account][PARTITION]
        delegated = {each.account.id for each in organization.admins if SERVICE in each.services}
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


def _runtime(path: str, query: dict[str, str], user: str) -> dict[str, Any]:
    found = next((each for each in APPLICATIONS.values() if each.tenant == query.get("tenantId")), None)
    users = _principals(found)[0] if found else {}
    if found is None or user not in users:
        raise FailureError("UnauthorizedException", "The sign-in is not valid.", HTTPStatus.UNAUTHORIZED)
    principals = ({"userId": user}, *({"groupId": group} for group in users[user]))
    arns = {
        each["roleArn"] for each in found.entitlements.values() if each["principal"]["identityCenter"] in principals
    }
    if path.strip("/") == "access":
        return {"roles": [{"accountId": split_arn(arn).account_id, "roleArn": arn} for arn in sorted(arns)]}
    arn, name = query["roleArn"], query.get("sessionName", user)
    if _NAME.fullmatch(name) is None:
        raise FailureError("ValidationException", f"{name} is no name of a session.")
    role = _role(arn)
    if arn not in arns or role is None or not _admits(role, found):
        raise FailureError("AccessDeniedException", f"No entitlement, or no trust: {arn}.", HTTPStatus.FORBIDDEN)
    sts: Any = sts_backends[found.account][PARTITION]
    given = sts.assume_role(
        region_name=found.region,
        role_session_name=name,
        role_arn=arn,
        policy=None,
        duration=int(query.get("sessionDuration", _SESSION_SECONDS)),
        external_id=None,
    )
    keys = {
        "accessKeyId": given.access_key_id,
        "secretAccessKey": given.secret_access_key,
        "sessionToken": given.session_token,
        "expiresAt": given.expiration.isoformat(),
    }
    return {"credentialsDetails": {"programmaticAccess": keys}}


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
        and (SERVICE in each.principals.services or "*" in each.principals.aws)
        and hold(each, context) is Truth.YES
    ]
    return bool(holding) and all(each.allows for each in holding)
