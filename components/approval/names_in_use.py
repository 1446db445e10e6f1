"""Names of the workflow that somebody else's things have already, such as those of an account that followed the post."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.approval.names import OPERATOR_POLICY_NAME, ROLE_NAME, Place
from components.documents.errors import DocumentError, explained
from components.documents.store import OWNER_TAG
from components.problems import Problem

if TYPE_CHECKING:
    from components.aws_session import AwsClients


def name_problems(clients: AwsClients, place: Place) -> list[Problem]:
    """The role and the policy with the post's names, where they are not of a stack of this program.

    They are not taken over: what else such a role may do, and who else has such a policy, would stay.

    Args:
        clients: to look with.
        place: where the workflow lives.
    """
    iam = clients.client("iam", place.region)
    try:
        with explained("The names of the workflow", "iam", place.region, lambda: clients.caller_arn(place.region)):
            found = {
                f"the role {ROLE_NAME}": _tags(iam.exceptions, lambda: iam.get_role(RoleName=ROLE_NAME)["Role"]),
                f"the policy {OPERATOR_POLICY_NAME}": _tags(
                    iam.exceptions,
                    lambda: iam.get_policy(PolicyArn=place.iam(f"policy/{OPERATOR_POLICY_NAME}"))["Policy"],
                ),
            }
    except DocumentError as unknown:
        return [Problem(path=("approval",), message=str(unknown))]
    return [
        Problem(
            path=("approval",),
            message=f"{what} exists and is not of a stack of this program; it is not taken over, as what else it allows "
            "would stay. Delete it, then run the same command again",
        )
        for what, tags in found.items()
        if tags is not None and OWNER_TAG not in tags
    ]


def _tags(exceptions: Any, read: Any) -> set[str] | None:
    try:
        return {tag["Key"] for tag in read().get("Tags", [])}
    except exceptions.NoSuchEntityException:
        return None
