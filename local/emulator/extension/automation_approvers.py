"""Approvers of an approval step (User Guide, "aws:approve" and "Creating change templates")."""

from typing import Any, cast

from moto.iam.models import iam_backends


def may_decide(who: str, inputs: dict[str, Any]) -> bool:
    """Return whether a caller, by ARN, is among the approvers in a step's inputs."""
    enhanced = inputs.get("EnhancedApprovals")
    if enhanced:
        return any(_is_one_of(who, each) for each in cast("list[dict[str, Any]]", enhanced["Approvers"]))
    return any(_is(who, approver) for approver in cast("list[str]", inputs.get("Approvers", [])))


def _is(who: str, approver: str) -> bool:
    """Match an approver: a user name, or the ARN of a user, a role or a role session."""
    if not approver.startswith("arn:"):
        return ":user/" in who and who.rsplit("/", 1)[1] == approver
    if ":role/" in approver:
        return ":assumed-role/" in who and who.split("/")[1] == approver.rsplit("/", 1)[1]
    return who == approver or (":user/" in approver and ":user/" in who and _last(who) == _last(approver))


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[1]


def _is_one_of(who: str, approver: dict[str, Any]) -> bool:
    name, kind = approver["approver"], approver["type"]
    if kind == "IamRole":
        return ":assumed-role/" in who and who.split("/")[1] == name
    if kind == "IamUser":
        return ":user/" in who and _last(who) == name
    if kind == "IamGroup":
        # Not by an API call, which would wait for the lock that this request holds.
        group: Any = iam_backends[who.split(":")[4]]["aws"].groups.get(name)
        return group is not None and who in [user.arn for user in group.users]
    return False
