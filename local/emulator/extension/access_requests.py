"""Access requests of just-in-time node access, which moto lacks: requests, their OpsItems, approval and access tokens.

Sources: API_StartAccessRequest, API_GetAccessToken, API_GetOpsItem, API_DescribeOpsItems (OpsItemFilter), API_OpsItem; Systems
Manager User Guide, "Start a just-in-time node access session", "Approving and denying just-in-time node access requests" (the
key `automationExecutionId`), "Create approval policies for your nodes" (order of the policies) and "Setting up just-in-time
access" (credentials of sts:AssumeRole only).

AWS does not publish, and this module assumes: the error codes; that a conflict of manual policies is refused at once; all keys of
`/aws/accessrequest` but `automationExecutionId`; that the session of a token is named like the requester's session; that only the
requester gets the token; the content of a deny-access policy, which counts here only in the form of an auto-approval policy.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from moto.core.responses import ActionResult
from moto.ssm.exceptions import AccessDeniedException, SSMException, ValidationException
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.sts.models import sts_backends

from components.just_in_time.names import (
    AUTO_APPROVAL_NAME,
    DENY_ACCESS_NAME,
    MANAGED_TAG,
    MANUAL_APPROVAL,
    TOKEN_ROLE,
)
from local.automation.execution import ENDED, Execution, ExecutionRequest
from local.emulator.extension import automation_runs, nodes
from local.emulator.extension.automation_runs import RUNS
from local.emulator.extension.callers import PARTITION, CallerIdentity, caller_of
from local.emulator.extension.paging import page

OPS_ITEM_TYPE: Final = "/aws/accessrequest"
ACCESS_REQUEST: Final = "AccessRequest"
"""Subtype of the execution that waits for the approvers (API_AutomationExecution, AutomationSubtype)."""
_KEPT: Final = "_local_access_requests"
_HOUR: Final = 3600
_RESERVED: Final = "AWSReservedSSO_"
_PAGE: Final = 50


@dataclass
class AccessRequest:
    """One access request.

    Attributes:
        id: ID of the request and its OpsItem.
        seconds: Duration of the access after the approval.
        run: Execution that waits for the approvers; None: approved automatically.
    """

    id: str
    caller: CallerIdentity
    node: str
    reason: str
    seconds: int
    run: Execution | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def approved(self) -> datetime | None:
        """Time of the last approval; None if there is none."""
        if self.run is None:
            return self.created
        return self.run.ended if self.run.status == "Success" else None

    @property
    def until(self) -> datetime | None:
        """End of the time in which sessions may be started."""
        return self.approved + timedelta(seconds=self.seconds) if self.approved else None

    def status(self) -> str:
        """API_OpsItem, Status."""
        if self.run is None or self.run.status == "Success":
            return "Revoked" if self.run and self.run.extra.get("revoked") else "Approved"
        if self.run.status not in ENDED:
            return "PendingApproval"
        if any(step.outputs.get("ApprovalStatus") == "Rejected" for step in self.run.steps):
            return "Rejected"
        if any(step.status == "TimedOut" for step in self.run.steps):
            return "TimedOut"
        return "Cancelled" if self.run.status == "Cancelled" else "Failed"

    def token_status(self) -> str:
        """API_GetAccessToken, AccessRequestStatus."""
        status = self.status()
        if status == "Approved" and self.until and self.until < datetime.now(UTC):
            return "Expired"
        known = {"PendingApproval": "Pending", "TimedOut": "Expired", "Cancelled": "Revoked", "Failed": "Rejected"}
        return known.get(status, status)

    def summary(self) -> dict[str, Any]:
        """API_OpsItemSummary."""
        return {
            "OpsItemId": self.id,
            "OpsItemType": OPS_ITEM_TYPE,
            "CreatedBy": self.caller.arn,
            "CreatedTime": self.created,
            "LastModifiedTime": self.approved or self.created,
            "Source": "SSM",
            "Status": self.status(),
            "Title": f"Access request for {self.node}",
        }

    def whole(self) -> dict[str, Any]:
        """API_OpsItem."""
        data: dict[str, Any] = {
            "context": {"requester": self.caller.arn, "reason": self.reason, "targets": [self.node]},
            "accessDuration": self.seconds,
        }
        if self.run:
            data["automationExecutionId"] = self.run.id
        if self.approved and self.until:
            data |= {"startTime": self.approved.isoformat(), "endTime": self.until.isoformat()}
        value = {"Type": "SearchableString", "Value": json.dumps(data)}
        return {**self.summary(), "Description": self.reason, "OperationalData": {OPS_ITEM_TYPE: value}}


class AccessRequestActions(SimpleSystemManagerResponse):
    """Actions that moto lacks."""

    def start_access_request(self) -> ActionResult:
        """API_StartAccessRequest: decides by deny-access, auto-approval and manual policies, in this order."""
        caller = self._requester()
        node, place = self._requested_node(), f"{self.region}:{self.current_account}"
        refused = caller.refusal("ssm:StartAccessRequest", nodes.node_arn(place, node.id), {})
        if refused:
            raise AccessDeniedException(refused)
        request = AccessRequest(
            id=f"oi-{secrets.token_hex(6)}",
            caller=caller,
            node=node.id,
            reason=str(self._get_param("Reason")),
            seconds=_HOUR,
        )
        tags = {str(each["key"]): str(each["value"]) for each in node.get_tags()}
        if not self._is_approved_automatically(caller, tags):
            self._begin_approval(request, tags)
        self._access_requests()[request.id] = request
        return ActionResult({"AccessRequestId": request.id})

    def get_access_token(self) -> ActionResult:
        """API_GetAccessToken: credentials of the token role for one node, while the request is approved."""
        request, caller = self._access_request("AccessRequestId"), self._requester()
        arn = f"arn:{PARTITION}:ssm:{self.region}:{self.current_account}:opsitem/{request.id}"
        refused = caller.refusal("ssm:GetAccessToken", arn, {})
        if refused or caller.arn != request.caller.arn:
            raise AccessDeniedException(refused or f"{caller.arn} did not make this request.")
        status = request.token_status()
        answer: dict[str, Any] = {"AccessRequestStatus": status}
        return ActionResult(answer | ({"Credentials": self._credentials(request)} if status == "Approved" else {}))

    def get_ops_item(self) -> ActionResult:
        """API_GetOpsItem, of access requests only."""
        return ActionResult({"OpsItem": self._access_request("OpsItemId").whole()})

    def describe_ops_items(self) -> ActionResult:
        """API_DescribeOpsItems, of access requests only: newest first, in pages."""
        filters = cast("list[dict[str, Any]]", self._get_param("OpsItemFilters") or [])
        chosen = [
            each.summary()
            for each in reversed(self._access_requests().values())
            if all(_matches(each, one) for one in filters)
        ]
        size = min(int(self._get_param("MaxResults") or _PAGE), _PAGE)
        summaries, more = page(chosen, size, self._get_param("NextToken"))
        return ActionResult({"OpsItemSummaries": summaries, **more})

    def _requester(self) -> CallerIdentity:
        """Return the caller, who needs credentials of sts:AssumeRole, in an account where the service is enabled."""
        caller = caller_of(self.current_account, self.get_access_key())
        if ":assumed-role/" not in caller.arn:
            raise AccessDeniedException("Only temporary credentials of sts:AssumeRole are supported.")
        if not self._has_token_role():
            raise ValidationException("Just-In-Time Node Access service is not enabled in this account.")
        return caller

    def _has_token_role(self) -> bool:
        from moto.iam.models import iam_backends  # noqa: PLC0415 (slow to load, and only needed here)

        iam: Any = iam_backends[self.current_account][PARTITION]
        return any(role.name == TOKEN_ROLE for role in iam.get_roles())

    def _requested_node(self) -> Any:
        targets = cast("list[dict[str, Any]]", self._get_param("Targets") or [])
        ids = [value for each in targets if each["Key"] == "InstanceIds" for value in each["Values"]]
        if len(targets) != 1 or len(ids) != 1:
            raise ValidationException("The local AWS supports one target, InstanceIds with one value.")
        managed = nodes.managed_instances(self.current_account, self.region)
        found = next((each for each in managed if each.id == ids[0]), None)
        if found is None:
            raise SSMException("ResourceNotFoundException", f"{ids[0]} is no managed node.")
        return found

    def _is_approved_automatically(self, caller: CallerIdentity, tags: dict[str, str]) -> bool:
        from components.just_in_time import cedar  # noqa: PLC0415 (loads a native library)

        texts: list[str] = []
        for name in (AUTO_APPROVAL_NAME, DENY_ACCESS_NAME):
            content = self._policy(name)
            statements = cast("list[dict[str, str]]", content.get("AutoApprovalPolicyDocuments", []))
            texts += [each["content"] for each in statements if "content" in each]
        text = "\n".join(texts)
        if not text:
            return False
        user, groups = _identity(caller)
        principal_tags = dict(caller.principal.tags) if caller.principal else {}
        person = cedar.Person(id=user, groups=groups, principal_tags=principal_tags)
        return cedar.is_approved(text, [person], cedar.INSTANCE, tags)[0]

    def _begin_approval(self, request: AccessRequest, tags: dict[str, str]) -> None:
        applicable = [
            (name, content)
            for name, content in self._manual_policies()
            if any(tags.get(each["Key"].removeprefix("tag:")) in each["Values"] for each in content["targets"])
        ]
        if len(applicable) > 1:
            names = ", ".join(name for name, _ in applicable)
            raise ValidationException(f"Several approval policies apply to the node: {names}.")
        if not applicable:
            raise AccessDeniedException("No approval policy applies to the node.")
        name, content = applicable[0]
        version = self._documents_of_account()[name].default_version
        started = ExecutionRequest(document=name, version=version, parameters={}, requested_by=request.caller.arn)
        host = next(value for key, value in dict(self.headers).items() if key.lower() == "host")
        connect = automation_runs.connector(f"http://{host}", self.get_access_key(), self.region)
        request.seconds = int(content["accessDuration"])
        request.run = automation_runs.begin(content, started, connect)
        request.run.extra |= {"AutomationSubtype": ACCESS_REQUEST, "OpsItemId": request.id, "tags": MANAGED_TAG}
        RUNS.of(self.current_account, self.region)[request.run.id] = request.run

    def _documents_of_account(self) -> dict[str, Any]:
        return vars(self.ssm_backend)["_documents"]

    def _policy(self, name: str) -> dict[str, Any]:
        found = self._documents_of_account().get(name)
        return json.loads(found.get_default_version().content) if found else {}

    def _manual_policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, each in self._documents_of_account().items():
            version = each.get_default_version()
            if version.document_type == MANUAL_APPROVAL:
                yield name, json.loads(version.content)

    def _credentials(self, request: AccessRequest) -> dict[str, Any]:
        """Return credentials, which are limited to the node (AWSSystemsManagerJustInTimeAccessTokenSessionPolicy)."""
        place = f"{self.region}:{self.current_account}"
        statements = [
            {
                "Effect": "Allow",
                "Action": "ssm:StartSession",
                "Resource": [
                    nodes.node_arn(place, request.node),
                    f"arn:{PARTITION}:ssm:{place}:document/SSM-SessionManagerRunShell",
                ],
            },
            {
                "Effect": "Allow",
                "Action": ["ssm:TerminateSession", "ssm:ResumeSession", "ssmmessages:OpenDataChannel"],
                "Resource": f"arn:{PARTITION}:ssm:{place}:session/*",
            },
        ]
        backend: Any = sts_backends[self.current_account][PARTITION]
        given = backend.assume_role(
            region_name=self.region,
            role_session_name=request.caller.name,
            role_arn=f"arn:{PARTITION}:iam::{self.current_account}:role/{TOKEN_ROLE}",
            policy=json.dumps({"Version": "2012-10-17", "Statement": statements}),
            duration=_HOUR,
            external_id="",
        )
        return {
            "AccessKeyId": given.access_key_id,
            "SecretAccessKey": given.secret_access_key,
            "SessionToken": given.session_token,
            "ExpirationTime": given.expiration,
        }

    def _access_request(self, parameter: str) -> AccessRequest:
        found = self._access_requests().get(str(self._get_param(parameter)))
        if found is None:
            code = "OpsItemNotFoundException" if parameter == "OpsItemId" else "ResourceNotFoundException"
            raise SSMException(code, f"There is no access request {self._get_param(parameter)}.")
        return found

    def _access_requests(self) -> dict[str, AccessRequest]:
        """Return the requests, which are stored with moto's state, so that a reset deletes them."""
        return vars(self.ssm_backend).setdefault(_KEPT, {})


def is_member(who: str, group: str) -> bool:
    """Return whether a caller, by ARN, is a session of a user in a group of IAM Identity Center."""
    name = who.rsplit("/", 1)[-1]
    return f":assumed-role/{_RESERVED}" in who and group in _groups_of(name)[1]


def _identity(caller: CallerIdentity) -> tuple[str, tuple[str, ...]]:
    """Return the IDs of the user of IAM Identity Center and of its groups; an IAM role has none."""
    return _groups_of(caller.name) if f":assumed-role/{_RESERVED}" in caller.arn else ("", ())


def _groups_of(user_name: str) -> tuple[str, tuple[str, ...]]:
    from moto.identitystore.models import identitystore_backends  # noqa: PLC0415 (only needed here)

    for account in cast("Any", identitystore_backends).values():
        for backend in account.values():
            for store in backend.identity_stores.values():
                for user in store.users.values():
                    if user.UserName == user_name:
                        memberships = store.group_memberships.values()
                        groups = [each["GroupId"] for each in memberships if each["MemberId"]["UserId"] == user.UserId]
                        return user.UserId, tuple(groups)
    return "", ()


_TIMES = ("CreatedTime", "LastModifiedTime")


def _matches(request: AccessRequest, one: dict[str, Any]) -> bool:
    """API_OpsItemFilter."""
    values = cast("list[str]", one["Values"])
    key, operator = str(one["Key"]), str(one["Operator"])
    if key in _TIMES and operator in ("GreaterThan", "LessThan"):
        time, found = datetime.fromisoformat(values[0]), request.summary()[key]
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return found > time if operator == "GreaterThan" else found < time
    found = {
        "OpsItemType": OPS_ITEM_TYPE,
        "OpsItemId": request.id,
        "Status": request.status(),
        "CreatedBy": request.caller.arn,
        "AccessRequestByRequesterArn": request.caller.arn,
        "AccessRequestByTargetResourceId": request.node,
    }
    if key not in found or operator != "Equal":
        raise SSMException("OpsItemInvalidParameterException", f"The local AWS does not filter OpsItems by {key}.")
    return found[key] in values
