"""Verification of just-in-time node access: its policies and the nodes that they decide about, and what the stack does not create.

These are roles, Quick Setup and RDP recording. Sources: Systems Manager User Guide, "Setting up just-in-time access with Systems
Manager" and "Recording RDP connections"; AWS Managed Policy Reference, AWSSystemsManagerJustInTimeAccessTokenPolicy and
AWSSystemsManagerJustInTimeNodeAccessRolePropagationPolicy.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from components.adoption.inventory import tags_of
from components.approval.iam_policies import SYSTEMS_MANAGER
from components.just_in_time.decisions import Outcome, decide
from components.just_in_time.names import (
    IDENTITY_PROVIDER_SETTING,
    MANAGED_TAG,
    NOTIFICATIONS_ROLE,
    QUICK_SETUP,
    QUICK_SETUP_TYPES,
    RECORDING,
    SERVICE_ROLE,
    TOKEN_POLICY,
    TOKEN_ROLE,
    TOKEN_SERVICE,
)
from operations.findings import Finding, Status, listed, unknown_finding
from operations.inventory.iam import NO_ENTITY, read_role
from operations.inventory.just_in_time import read_nodes, read_policies
from operations.inventory.reader import Reader, ReadFailure, known, returns_failure
from operations.inventory.session_manager import ENABLED, SYMMETRIC, read_document
from operations.terminal import program_name
from operations.verify.documents import document_findings
from operations.verify.findings import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from common.aws.session import Clients
    from components.just_in_time.decisions import AccessDecision
    from components.just_in_time.documents import ApprovalPolicyDocument
    from operations.deployment import Deployment
    from operations.inventory.iam import RoleFacts
    from operations.inventory.reader import Answer

_AT_A_TIME: Final = 4
_MOST: Final = 10
_LIST: Final = f"{program_name()} access nodes"
_ENABLE: Final = "enable just-in-time node access with Quick Setup, see docs/just-in-time.md, Prerequisites"
_SSO: Final = "SSO"
_SYSTEMS_MANAGER: Final = (f"Service {SYSTEMS_MANAGER}", f".{SYSTEMS_MANAGER}")
_NOT_HERE: Final = ("AccessDeniedException", "AWSOrganizationsNotInUseException")
_SAME_ACCOUNT: Final = ("aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")


@dataclass(frozen=True, kw_only=True)
class JustInTimeVerification:
    """A verification of just-in-time node access.

    Attributes:
        regions: Settings by Region, with the command that repairs it.
        documents: The policies as the settings define them.
    """

    clients: Clients
    caller: str
    regions: Mapping[str, Deployment]
    documents: tuple[ApprovalPolicyDocument, ...]
    account_id: str
    partition: str

    def findings(self) -> dict[str, list[Finding]]:
        """Return the findings by Region."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            found = dict(zip(self.regions, pool.map(self._region, self.regions), strict=True))
        home = next(iter(self.regions))
        found[home] += account_findings(Reader(self.clients, home, self.caller), self.account_id, self.partition)
        return found

    def _region(self, region: str) -> list[Finding]:
        reader, deployment = Reader(self.clients, region, self.caller), self.regions[region]
        findings = [
            finding
            for each in self.documents
            for finding in document_findings(f"access-{each.key}", deployment, each, read_document(reader, each.name))
        ]
        return [*findings, self._nodes(reader), *region_findings(reader, self.account_id)]

    def _nodes(self, reader: Reader) -> Finding:
        """Compare the nodes with the live policies: each needs exactly one decision."""
        check = Check("access-nodes", "each node has exactly one manual policy", _LIST)
        nodes, policies = read_nodes(reader), read_policies(reader)
        if isinstance(nodes, ReadFailure):
            return check.report_unread(nodes)
        if isinstance(policies, ReadFailure):
            return check.report_unread(policies)
        if policies.unknown:
            return check.reject(f"policies of another form: {'; '.join(policies.unknown)}", Status.UNKNOWN)
        decisions = [decide(each, policies) for each in nodes]
        conflicts = [each for each in decisions if each.outcome is Outcome.CONFLICT]
        without = [each for each in decisions if each.outcome is Outcome.NO_POLICY and not each.is_sound]
        if conflicts:
            found = f"several policies apply to {_named(conflicts)}, so each request for them fails"
            return replace(check, remedy=f"change their tags; {_LIST}").reject(found)
        if without:
            found = f"no policy applies to {_named(without)}, so all requests for them are refused"
            return check.reject(found, Status.WARNING)
        return check.accept()


def _named(decisions: list[AccessDecision]) -> str:
    return listed([each.node.shown for each in decisions], _MOST)


def account_findings(reader: Reader, account_id: str, partition: str) -> list[Finding]:
    """Return the findings about roles and Quick Setup."""
    return [
        *_token_role(reader, partition),
        _service_role(reader, SERVICE_ROLE, Status.DIFFERENT),
        _service_role(reader, NOTIFICATIONS_ROLE, Status.WARNING),
        *_quick_setup(reader, account_id),
    ]


def region_findings(reader: Reader, account_id: str) -> list[Finding]:
    """Return the findings about a Region: identity provider, and recording of RDP connections."""
    return [_identity_provider(reader), *_recording(reader, account_id)]


def _token_role(reader: Reader, partition: str) -> list[Finding]:
    exists = Check("access-token-role", f"the role {TOKEN_ROLE} exists", _ENABLE)
    role = read_role(reader, TOKEN_ROLE)
    if role is None or isinstance(role, ReadFailure):
        return [exists.report_missing(role, "no such role")]
    trusted = sorted(_principals(role.trust))
    unequal = [f"it does not trust {TOKEN_SERVICE}"] if f"Service {TOKEN_SERVICE}" not in trusted else []
    # AWS does not publish the policy; the role is passed to this one service.
    unequal += [f"it trusts {each}" for each in trusted if not each.endswith(_SYSTEMS_MANAGER)]
    trust = Check(
        "access-token-role-trust",
        f"{TOKEN_ROLE} trusts services of Systems Manager only",
        f"remove other principals from its trust policy, who get sessions without a request; {_ENABLE}",
    )
    return [
        exists.accept(),
        trust.report(unequal),
        _token_policies(role, f"arn:{partition}:iam::aws:policy/{TOKEN_POLICY}"),
    ]


def _token_policies(role: RoleFacts, policy: str) -> Finding:
    for answer in (role.attached, role.inline):
        if isinstance(answer, ReadFailure):
            return unknown_finding("access-token-role-policies", answer)
    held = {*known(role.attached), *known(role.inline)}
    unequal = [f"{policy} is not attached"] if policy not in known(role.attached) else []
    unequal += [f"it also has {each}" for each in sorted(held - {policy})]
    remedy = f"attach {policy} and remove the others, which sessions could use"
    return Check("access-token-role-policies", f"{TOKEN_ROLE} has {TOKEN_POLICY} only", remedy).report(unequal)


def _principals(trust: Any) -> Iterator[str]:
    """Yield the principals that a trust policy admits, with their types."""
    for statement in _several(trust.get("Statement")):
        if statement.get("Effect") != "Allow":
            continue
        given: Any = statement.get("Principal")
        if not isinstance(given, dict):
            yield f"any principal ({given or 'NotPrincipal'})"
            continue
        for kind, names in cast("dict[str, Any]", given).items():
            yield from (f"{kind} {name}" for name in _several(names))


def _several(value: Any) -> list[Any]:
    """Return the values of an element of a policy, which may be one value."""
    return cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]


def _service_role(reader: Reader, name: str, status: Status) -> Finding:
    id_ = "access-service-role" if name == SERVICE_ROLE else "access-notifications-role"
    check = Check(id_, f"the service-linked role {name} exists", _ENABLE)
    answer = reader.read("iam", "get_role", NO_ENTITY, RoleName=name)
    if isinstance(answer, ReadFailure):
        return check.report_unread(answer)
    without = "AWS sends no notifications" if status is Status.WARNING else "AWS grants no access"
    return check.accept() if answer is not None else check.reject(f"no such role: {without}", status)


def _quick_setup(reader: Reader, account_id: str) -> list[Finding]:
    """Return the findings about the organization; member accounts cannot read it."""
    check = Check(
        "access-delegated-administrator",
        "a delegated administrator for Quick Setup",
        f"register one: aws organizations register-delegated-administrator --service-principal {QUICK_SETUP}",
    )
    operation = "list_delegated_administrators"
    answer = reader.elsewhere("us-east-1").read("organizations", operation, _NOT_HERE, ServicePrincipal=QUICK_SETUP)
    if isinstance(answer, ReadFailure):
        return [check.report_unread(answer)]
    if answer is None:
        found = "not visible from this account: read it in the management account or the delegated administrator's"
        return [replace(check, remedy="").reject(found, Status.NOTE)]
    administrators = [str(each["Id"]) for each in answer.get("DelegatedAdministrators", ())]
    delegated = check.judge(listed(administrators) or "none", same=bool(administrators))
    return [delegated, _configurations(reader)] if account_id in administrators else [delegated]


def _configurations(reader: Reader) -> Finding:
    """Compare Quick Setup's configurations in the delegated administrator's account; its home Region is the stack's first."""
    check = Check(
        "access-quick-setup",
        f"{listed(QUICK_SETUP_TYPES)} are deployed from {reader.region}",
        f"{_ENABLE}; another home Region is not searched",
    )
    answer = reader.read("ssm-quicksetup", "list_configuration_managers")
    if isinstance(answer, ReadFailure):
        return check.report_unread(answer)
    deployed: dict[str, str] = {}
    for each in (answer or {}).get("ConfigurationManagersList", ()):
        statuses = [
            one.get("Status", "") for one in each.get("StatusSummaries", ()) if one["StatusType"] == "Deployment"
        ]
        for definition in each.get("ConfigurationDefinitionSummaries", ()):
            deployed[str(definition.get("Type"))] = listed(statuses) or "NONE"
    unequal = {each: deployed.get(each, "not configured") for each in QUICK_SETUP_TYPES}
    return check.report([f"{each} is {status}" for each, status in unequal.items() if status != "SUCCEEDED"])


def _identity_provider(reader: Reader) -> Finding:
    check = Check("access-identity-provider", f"{IDENTITY_PROVIDER_SETTING} is {_SSO}", _ENABLE)
    absent = ("ServiceSettingNotFound",)
    answer = reader.read("ssm", "get_service_setting", absent, SettingId=IDENTITY_PROVIDER_SETTING)
    if answer is None or isinstance(answer, ReadFailure):
        return check.report_missing(answer, "no such setting")
    value = str(answer["ServiceSetting"].get("SettingValue", ""))
    if value.upper() == _SSO:
        return check.accept(value)
    text = f"{value or 'not set'}; AWS does not document what groups of IAM Identity Center can approve then"
    return check.reject(text, Status.WARNING)


@dataclass(frozen=True, kw_only=True)
class _Recording:
    """Recording of RDP connections.

    Attributes:
        owner: Account of the bucket.
    """

    bucket: str
    owner: str
    key: str


@returns_failure
def _read_recording(reader: Reader) -> _Recording | None:
    absent = ("ResourceNotFoundException",)
    answer = reader.find("ssm-guiconnect", "get_connection_recording_preferences", absent) or {}
    given = answer.get("ConnectionRecordingPreferences")
    if not given:
        return None
    bucket = given["RecordingDestinations"]["S3Buckets"][0]
    return _Recording(bucket=bucket["BucketName"], owner=bucket["BucketOwner"], key=given["KMSKeyArn"])


def _recording(reader: Reader, account_id: str) -> list[Finding]:
    check = Check(
        "access-rdp-recording",
        "RDP connections are recorded",
        "set a bucket and a key in the console of Systems Manager, as docs/just-in-time.md describes",
    )
    live = _read_recording(reader)
    if isinstance(live, ReadFailure):
        return [check.report_unread(live)]
    if live is None:
        return [check.reject("not recorded; shells are logged, RDP connections are not", Status.WARNING)]
    return [
        check.accept(f"in {live.bucket} with {live.key}"),
        _recording_key(reader, live),
        _recording_bucket(reader, live, account_id),
    ]


def _recording_key(reader: Reader, live: _Recording) -> Finding:
    check = Check(
        "access-rdp-recording-key",
        f"an enabled symmetric key with the tag {_tag()}",
        f"aws kms tag-resource --key-id {live.key} --tags TagKey={_tag().replace('=', ',TagValue=')}",
    )

    @returns_failure
    def read() -> tuple[Answer | None, dict[str, str]]:
        key = reader.find("kms", "describe_key", ("NotFoundException",), KeyId=live.key)
        return key, tags_of(reader.items("kms", "list_resource_tags", "Tags", KeyId=live.key))

    answer = read()
    if isinstance(answer, ReadFailure):
        return check.report_unread(answer)
    key, tags = answer
    if key is None:
        return replace(check, remedy="set another key").reject("no such key")
    metadata = key["KeyMetadata"]
    unequal = [f"it is {metadata['KeyState']}"] if metadata["KeyState"] != ENABLED else []
    unequal += [f"its specification is {metadata['KeySpec']}"] if metadata["KeySpec"] != SYMMETRIC else []
    unequal += [] if MANAGED_TAG.items() <= tags.items() else ["without the tag, every connection fails"]
    return check.report(unequal)


def _recording_bucket(reader: Reader, live: _Recording, account_id: str) -> Finding:
    check = Check(
        "access-rdp-recording-bucket",
        f"the policy of {live.bucket} allows {RECORDING} s3:PutObject for this account only",
        f"allow {RECORDING} s3:PutObject on {live.bucket}/* where aws:SourceAccount is {account_id}",
    )
    absent = ("NoSuchBucketPolicy", "NoSuchBucket")
    answer = reader.read("s3", "get_bucket_policy", absent, Bucket=live.bucket, ExpectedBucketOwner=live.owner)
    if isinstance(answer, ReadFailure):
        return check.report_unread(answer)
    policy: Any = json.loads(answer["Policy"]) if answer else {}
    allowing = [
        each
        for each in _several(policy.get("Statement"))
        if each.get("Effect") == "Allow" and _names_service(each) and _allows_put(each)
    ]
    unequal = [] if allowing else ["it does not allow recordings to be stored"]
    unlimited = [each for each in allowing if not _is_limited(each, account_id)]
    return check.report([*unequal, *("it allows that for recordings of any account" for _ in unlimited)])


def _names_service(statement: Mapping[str, Any]) -> bool:
    principal: Any = statement.get("Principal")
    if not isinstance(principal, dict):
        return principal == "*"
    return RECORDING in _several(cast("dict[str, Any]", principal).get("Service"))


def _allows_put(statement: Mapping[str, Any]) -> bool:
    actions = [str(each).lower() for each in _several(statement.get("Action"))]
    return any(each in {"*", "s3:*", "s3:put*", "s3:putobject", "s3:putobject*"} for each in actions)


def _is_limited(statement: Mapping[str, Any], account_id: str) -> bool:
    """Return whether a statement is for this account or an organization."""
    for operator, keys in cast("dict[str, dict[str, Any]]", statement.get("Condition") or {}).items():
        if not operator.startswith(("StringEquals", "StringLike", "ForAnyValue:String")):
            continue
        for key, given in keys.items():
            values = _several(given)
            if key.lower() == _SAME_ACCOUNT[0] and values == [account_id]:
                return True
            if key.lower() in _SAME_ACCOUNT[1:] and "*" not in values:
                return True
    return False


def _tag() -> str:
    return "=".join(*MANAGED_TAG.items())
