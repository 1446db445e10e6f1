"""Evaluation of the recorders of AWS Config in a Region, as plain data.

Sources: AWS Config API reference, RecordingGroup and RecordingStrategy; Developer Guide, "Recording AWS resources", section
on global resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from common.aws.failures import MalformedAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Json = Mapping[str, Any]

STATUS: Final = "DescribeConfigurationRecorderStatus"
"""Operation that returns whether the recorders record."""

_GLOBAL: Final = "AWS::IAM::"
"""Prefix of the types that are recorded in one Region."""


def why_not_recorded(recorders: Sequence[Json], statuses: Sequence[Json], *types: str) -> str | None:
    """Return why a Region's recorders do not record some types of resources; None: one records all of them.

    The arguments are results of DescribeConfigurationRecorders and DescribeConfigurationRecorderStatus.

    Raises:
        MalformedAnswerError: The status of a recorder is missing, and none of the others records.
    """
    # Service-linked recorders record for their service only.
    own = [
        each for each in recorders if each.get("recordingScope", "PAID") == "PAID" and not each.get("servicePrincipal")
    ]
    if not own:
        return "has no AWS Config recorder"
    recording = {each["name"]: each.get("recording") for each in statuses}
    working = [each for each in own if recording.get(each["name"])]
    if not working and any(recording.get(each["name"]) is None for each in own):
        raise MalformedAnswerError(operation=STATUS, found="no status of a recorder")
    if not working:
        return "has an AWS Config recorder that is stopped"
    left_out = [[each for each in types if not _records(_part(one, "recordingGroup"), each)] for one in working]
    fewest = min(left_out, key=len)
    return f"has an AWS Config recorder that leaves {', '.join(fewest)} out" if fewest else None


def _records(group: Json, type_: str) -> bool:
    if _part(group, "recordingStrategy").get("useOnly") == "EXCLUSION_BY_RESOURCE_TYPES":
        return type_ not in (_part(group, "exclusionByResourceTypes").get("resourceTypes") or [])
    if group.get("allSupported"):
        return not type_.startswith(_GLOBAL) or bool(group.get("includeGlobalResourceTypes"))
    return type_ in (group.get("resourceTypes") or [])


def _part(of: Json, name: str) -> Json:
    return cast("Json", of.get(name) or {})
