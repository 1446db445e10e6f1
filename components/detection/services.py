"""Detection services of an account in one Region: how each is read and changed.

A service has named switches. A stack turns on those of its settings, and turns off only what it has turned on itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from tenacity import wait_fixed

from common.aws.arns import split_arn
from common.aws.failures import ResourceError
from components.adoption.dynamic_provider import until_settled
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.names import DETECTOR, EC2, HUB, RUNTIME, SecurityService

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

_Failure = dict[str, str]

OURS_TAG: Final = "shell-access:switched-on"
"""Tag with the switches that a stack has turned on, or `none`."""
ENABLED: Final = "ENABLED"
_EKS_RUNTIME: Final = "EKS_RUNTIME_MONITORING"
_ALWAYS_ON: Final = frozenset({"CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS"})
_FORMER: Final = frozenset({"removed", "resigned", "deleted"})
"""Relationships that have ended (GuardDuty API reference, Administrator; Inspector API reference, DelegatedAdmin)."""
_SCANS: Final = {
    "ec2": EC2,
    "ecr": "ECR",
    "lambda": "LAMBDA",
    "lambdaCode": "LAMBDA_CODE",
    "codeRepository": "CODE_REPOSITORY",
}
"""Types of resources that Inspector scans, by their names in the state of an account."""
_NOT_WORKING: Final = frozenset({"FAILED", "INCOMPLETE"})
"""States of a standard that was not disabled, or not enabled, completely (Security Hub API reference, StandardsSubscription)."""
_ENABLED_ALREADY: Final = frozenset({"ALREADY_ENABLED", "ENABLE_IN_PROGRESS"})
"""Codes of a scan that is on, or is being turned on (Inspector API reference, FailedAccount)."""
_DISABLED_ALREADY: Final = frozenset({"DISABLE_IN_PROGRESS"})
"""Code of a scan that is being turned off."""
_TRY_LATER: Final = frozenset(
    {"ENABLE_IN_PROGRESS", "DISABLE_IN_PROGRESS", "SUSPEND_IN_PROGRESS", "SSM_THROTTLED", "EVENTBRIDGE_THROTTLED"}
)
"""Codes with which Inspector does not change a scan at the moment: it takes some minutes to turn scans on and off."""
_ENABLING: Final = "ENABLING"
_INSPECTOR_SECONDS: Final = 300
"""Time limit for Inspector to complete a change."""


class Read(Protocol):
    """A call that only reads, with all of its pages."""

    def __call__(self, operation: str, absent: tuple[str, ...] = (), /, **arguments: Any) -> Mapping[str, Any] | None:
        """Return the response; None for the error codes of an absent resource."""
        ...


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """A service that exists in a Region.

    Attributes:
        arn: ARN of the resource that represents it; empty: there is none.
        switches: Names of the switches that are on.
        tags: Tags of the resource.
        administrator: ID of the account that manages the service for this one; empty: none does.
        faults: Why a switch that is on does not work, by its name.
    """

    arn: str
    switches: frozenset[str]
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    administrator: str = ""
    faults: Mapping[str, str] = field(default_factory=dict[str, str])


class ServiceAdapter:
    """The changes of one service in one Region, and of the resource that represents it, where the service has one."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def change(self, state: ServiceState, on: Collection[str], off: Collection[str]) -> None:
        """Turn switches on and off, and leave all others."""
        raise NotImplementedError

    def create(self, switches: Collection[str], tags: Mapping[str, str]) -> None:
        """Create the resource that represents the service, with no other switches on."""
        raise NotImplementedError

    def tag(self, state: ServiceState, tags: Mapping[str, str]) -> None:
        """Add tags to the resource."""
        self._client.tag_resource(ResourceArn=state.arn, Tags=dict(tags))

    def untag(self, state: ServiceState, keys: Collection[str]) -> None:
        """Remove tags of the resource."""
        self._client.untag_resource(ResourceArn=state.arn, TagKeys=sorted(keys))

    def remove(self, state: ServiceState) -> None:
        """Delete the resource."""
        raise NotImplementedError


def _find_guard_duty(read: Read, region: str) -> ServiceState | None:
    """Return the detector; None: there is none.

    Source: GuardDuty API reference, GetDetector, GetAdministratorAccount, and CreateDetector: one detector per account
    and Region.
    """
    ids = _answer(read, "list_detectors")["DetectorIds"]
    if not ids:
        return None
    detector = _answer(read, "get_detector", DetectorId=ids[0])
    answer = _answer(read, "get_administrator_account", DetectorId=ids[0])
    administrator = cast("dict[str, str]", answer.get("Administrator") or {})
    # The role is one of the account (arn:aws:iam::123456789012:role/...).
    role = split_arn(detector["ServiceRole"])
    return ServiceState(
        arn=f"arn:{role.partition}:guardduty:{region}:{role.account_id}:detector/{ids[0]}",
        switches=frozenset(_switches_of(detector)),
        tags=detector.get("Tags") or {},
        administrator=_manager(administrator.get("AccountId", ""), administrator.get("RelationshipStatus", "")),
    )


def _switches_of(detector: Mapping[str, Any]) -> set[str]:
    on = {DETECTOR} if detector["Status"] == ENABLED else set[str]()
    for feature in detector["Features"]:
        if feature["Name"] not in _ALWAYS_ON and feature["Status"] == ENABLED:
            more = feature.get("AdditionalConfiguration", ())
            on |= {
                feature["Name"],
                *(f"{feature['Name']}/{each['Name']}" for each in more if each["Status"] == ENABLED),
            }
    return on


def _features(current: Collection[str], on: Collection[str], off: Collection[str]) -> list[dict[str, Any]]:
    """Return the features to change; a feature's own status is sent with each of its options."""
    changed = {*on, *off} - {DETECTOR}
    after = ({*current} | {*on}) - {*off}
    found: list[dict[str, Any]] = []
    for name in sorted({each.partition("/")[0] for each in changed}):
        options = sorted(each for each in changed if each.startswith(f"{name}/"))
        more = [{"Name": each.partition("/")[2], "Status": _status(each in after)} for each in options]
        found.append(
            {"Name": name, "Status": _status(name in after), **({"AdditionalConfiguration": more} if more else {})}
        )
    return found


def _status(is_on: bool) -> str:  # noqa: FBT001 -- the value is the point
    return ENABLED if is_on else "DISABLED"


class _GuardDuty(ServiceAdapter):
    def create(self, switches: Collection[str], tags: Mapping[str, str]) -> None:
        made = self._client.create_detector(Enable=True, Features=_features((), switches, ()), Tags=dict(tags))
        # All other features that the Region has are on in a new detector, except Runtime Monitoring (CreateDetector).
        detector = self._client.get_detector(DetectorId=made["DetectorId"])
        on = _switches_of(detector)
        surplus = on - {*switches}
        if surplus:
            self._client.update_detector(DetectorId=made["DetectorId"], Features=_features(on, (), surplus))

    def change(self, state: ServiceState, on: Collection[str], off: Collection[str]) -> None:
        enable = {"Enable": DETECTOR in on} if DETECTOR in {*on, *off} else {}
        features = _features(state.switches, on, off)
        parts = {"Features": features} if features else {}
        self._client.update_detector(DetectorId=_id(state), **enable, **parts)

    def remove(self, state: ServiceState) -> None:
        self._client.delete_detector(DetectorId=_id(state))


def _id(state: ServiceState) -> str:
    return state.arn.rsplit("/", 1)[1]


def _guard_duty_conflict(state: ServiceState, switches: Collection[str]) -> str:
    if RUNTIME not in switches or _EKS_RUNTIME not in state.switches:
        return ""
    return (
        f"{_EKS_RUNTIME} is on, which excludes {RUNTIME} (GuardDuty API reference, UpdateDetector). Migrate to Runtime "
        "Monitoring as the GuardDuty User Guide describes, or set runtimeMonitoring to false"
    )


def _find_inspector(read: Read, _region: str) -> ServiceState:
    """Return the scans of the account, which always has a status. The status has no ARN and no tags.

    Source: Inspector API reference, BatchGetAccountStatus and GetDelegatedAdminAccount, both without parameters, for the
    account of the caller. A delegated administrator has itself as administrator, and configures its own scans.
    """
    answer = _answer(read, "batch_get_account_status")
    accounts = cast("list[dict[str, Any]]", answer["accounts"])
    if len(accounts) != 1:
        raise ResourceError(
            f"Inspector does not return the status of the account: {_texts(answer.get('failedAccounts', ())) or 'no account'}"
        )
    delegated = read("get_delegated_admin_account", ("ResourceNotFoundException",)) or {}
    administrator = cast("dict[str, str]", delegated.get("delegatedAdmin") or {})
    account, relationship = administrator.get("accountId", ""), administrator.get("relationshipStatus", "")
    scans = cast("dict[str, dict[str, str]]", accounts[0]["resourceState"])
    return ServiceState(
        arn="",
        switches=frozenset(
            switch for name, switch in _SCANS.items() if name in scans and scans[name]["status"] in {ENABLED, _ENABLING}
        ),
        administrator=_manager(account, relationship, own=accounts[0]["accountId"]),
    )


class _Inspector(ServiceAdapter):
    def change(self, state: ServiceState, on: Collection[str], off: Collection[str]) -> None:  # noqa: ARG002 -- of the base class
        _change_scans(self._client.enable, on, _ENABLED_ALREADY)
        _change_scans(self._client.disable, off, _DISABLED_ALREADY)


def _change_scans(
    operation: Callable[..., Mapping[str, Any]], switches: Collection[str], done: Collection[str]
) -> None:
    """Turn scans on or off, after a change in progress that excludes it.

    Raises:
        ResourceError: Inspector does not change them, for another reason than the codes `done`.
    """
    types = sorted(switches)
    # Disable without types ends every scan of the account.
    if not types:
        return

    def failures() -> list[_Failure]:
        answer = operation(resourceTypes=types)
        return [each for each in answer.get("failedAccounts", ()) if each["errorCode"] not in done]

    failed = until_settled(
        failures,
        lambda found: any(each["errorCode"] in _TRY_LATER for each in found),
        seconds=_INSPECTOR_SECONDS,
        wait=wait_fixed(10),
    )
    if failed:
        raise ResourceError(f"Inspector does not change the scans of {' '.join(types)}: {_texts(failed)}")


def wait_for_inspector(client: Any) -> None:
    """Wait until Inspector has turned on the scans of EC2 instances, which takes some minutes.

    Raises:
        ResourceError: It is still turning them on.
    """

    def status() -> str:
        answer = client.batch_get_account_status()
        return answer["accounts"][0]["resourceState"]["ec2"]["status"] if answer["accounts"] else ""

    settled = until_settled(status, lambda each: each == _ENABLING, seconds=_INSPECTOR_SECONDS, wait=wait_fixed(10))
    if settled == _ENABLING:
        raise ResourceError(
            f"Inspector is still {_ENABLING} after {_INSPECTOR_SECONDS} seconds; run the same command again in a few minutes"
        )


def _texts(failed: Iterable[_Failure]) -> str:
    return "; ".join(f"{each['accountId']}: {each['errorCode']}: {each['errorMessage']}" for each in failed)


def _find_security_hub(read: Read, _region: str) -> ServiceState | None:
    """Return the hub with its standards; None: Security Hub is not enabled.

    Source: Security Hub API reference, DescribeHub, GetEnabledStandards, StandardsSubscription (a standard that could not be
    disabled is on), GetAdministratorAccount.
    """
    hub = read("describe_hub", ("InvalidAccessException", "ResourceNotFoundException"))
    if hub is None:
        return None
    arn = hub["HubArn"]
    found = cast("list[dict[str, Any]]", _answer(read, "get_enabled_standards")["StandardsSubscriptions"])
    status = {_standard(each["StandardsArn"]): each["StandardsStatus"] for each in found}
    reasons = {
        _standard(each["StandardsArn"]): cast("dict[str, str]", each.get("StandardsStatusReason") or {})
        for each in found
    }
    administrator = cast("dict[str, str]", _answer(read, "get_administrator_account").get("Administrator") or {})
    account, relationship = administrator.get("AccountId", ""), administrator.get("MemberStatus", "")
    return ServiceState(
        arn=arn,
        switches=frozenset({HUB, *(name for name, each in status.items() if each != "DELETING")}),
        tags=_answer(read, "list_tags_for_resource", ResourceArn=arn).get("Tags") or {},
        administrator=_manager(account, relationship, own=split_arn(arn).account_id),
        faults={
            name: f"{each} ({reasons[name].get('StatusReasonCode', 'no reason')})"
            for name, each in status.items()
            if each in _NOT_WORKING
        },
    )


def _standard(arn: str) -> str:
    """Return the name of a standard: the end of its ARN, `arn:aws:securityhub:eu-west-1::standards/...`."""
    return arn.rsplit(":", 1)[1].partition("/")[2]


class _SecurityHub(ServiceAdapter):
    def create(self, switches: Collection[str], tags: Mapping[str, str]) -> None:
        # By default, AWS enables its default standards, too (EnableSecurityHub).
        self._client.enable_security_hub(
            EnableDefaultStandards=False, ControlFindingGenerator="SECURITY_CONTROL", Tags=dict(tags)
        )
        self._enable(self._client.describe_hub()["HubArn"], switches)

    def change(self, state: ServiceState, on: Collection[str], off: Collection[str]) -> None:
        self._enable(state.arn, on)
        # The hub itself is left, which only `remove` turns off.
        disabled = [f"{state.arn.removesuffix('hub/default')}subscription/{each}" for each in sorted({*off} - {HUB})]
        if disabled:
            self._client.batch_disable_standards(StandardsSubscriptionArns=disabled)

    def remove(self, state: ServiceState) -> None:  # noqa: ARG002 -- of the base class
        self._client.disable_security_hub()

    def _enable(self, hub: str, switches: Collection[str]) -> None:
        place = split_arn(hub)
        prefix = f"arn:{place.partition}:securityhub:{place.region}::standards/"
        enabled = [{"StandardsArn": f"{prefix}{each}"} for each in sorted({*switches} - {HUB})]
        if enabled:
            self._client.batch_enable_standards(StandardsSubscriptionRequests=enabled)


def _manager(account: str, relationship: str, *, own: str = "") -> str:
    """Return the account that manages a service; empty: the own one does, or the relationship has ended."""
    return "" if account == own or relationship.lower() in _FORMER else account


def _answer(read: Read, operation: str, **arguments: Any) -> Mapping[str, Any]:
    return read(operation, **arguments) or {}


@dataclass(frozen=True, kw_only=True)
class ServiceKind:
    """Description of a service.

    Attributes:
        title: Name of the service, for messages.
        client: Name of the service in boto3.
        base: Switch without which the others have no effect.
        find: Function that returns the state of the service in a Region; None: it is off.
        adapter: Class of the adapter.
        has_resource: Whether the service has a resource that represents it, with tags.
        tags_adopted: Whether the resource of another principal is tagged, too. The tags of Security Hub have no condition key
            that could keep a deployment role from marking the hub of another principal as its own, and from disabling it.
        conflict: Function that returns why switches cannot be turned on; empty: they can.
    """

    title: str
    client: str
    base: str
    find: Callable[[Read, str], ServiceState | None]
    adapter: type[ServiceAdapter]
    has_resource: bool = True
    tags_adopted: bool = True
    conflict: Callable[[ServiceState, Collection[str]], str] = lambda _state, _switches: ""

    def has_tags(self, state: ServiceState) -> bool:
        """Return whether a stack records in tags of the resource what it has turned on, and that it owns it."""
        return self.has_resource and (self.tags_adopted or MADE_HERE_TAG in state.tags)


SERVICES: Final = {
    SecurityService.GUARD_DUTY: ServiceKind(
        title="GuardDuty",
        client="guardduty",
        base=DETECTOR,
        find=_find_guard_duty,
        adapter=_GuardDuty,
        conflict=_guard_duty_conflict,
    ),
    SecurityService.INSPECTOR: ServiceKind(
        title="Inspector",
        client="inspector2",
        base=EC2,
        find=_find_inspector,
        adapter=_Inspector,
        has_resource=False,
    ),
    SecurityService.SECURITY_HUB: ServiceKind(
        title="Security Hub",
        client="securityhub",
        base=HUB,
        find=_find_security_hub,
        adapter=_SecurityHub,
        tags_adopted=False,
    ),
}
