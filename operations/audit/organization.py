"""Service control policies that apply to an account, where the caller may read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.failures import MalformedAnswerError, code_of
from common.iam.documents import Policy, parse
from operations.inventory.reader import read_failure

if TYPE_CHECKING:
    from common.aws.session import Clients
    from operations.inventory.reader import Identity

_KIND = "SERVICE_CONTROL_POLICY"
_NOT_IN_ONE = "AWSOrganizationsNotInUseException"


@dataclass(frozen=True, kw_only=True)
class Organization:
    """The organization, as far as the caller may read it.

    Attributes:
        id: `o-...`; None where there is none, or it cannot be read.
        ceilings: Service control policies by level, from the root down.
        path: `o-.../r-.../ou-.../` of the account, as in `aws:PrincipalOrgPaths`; empty: not known.
        is_managed_from_here: Whether the account is the management account; None: not known.
        is_member: Whether the account is in an organization; None: not known.
        limits: What could not be read, as text.
    """

    id: str | None = None
    ceilings: tuple[tuple[Policy, ...], ...] = ()
    path: str = ""
    is_managed_from_here: bool | None = None
    is_member: bool | None = None
    limits: tuple[str, ...] = ()


def read_organization(clients: Clients, region: str, identity: Identity) -> Organization:
    """Read the service control policies of an account; without the permission, add a limit and continue.

    Service control policies only restrict, so without them too much is reported, never too little.
    """
    client = clients.client("organizations", region)
    try:
        described = client.describe_organization()["Organization"]
        organization, manages = str(described["Id"]), described["MasterAccountId"] == identity.account_id
    except (ClientError, BotoCoreError) as failed:
        if isinstance(failed, ClientError) and code_of(failed) == _NOT_IN_ONE:
            return Organization(is_managed_from_here=False, is_member=False)
        return Organization(limits=(_limit("organizations:DescribeOrganization", failed, region, identity),))
    if manages:
        # The management account is not subject to them (Organizations User Guide, "SCPs").
        return Organization(id=organization, is_managed_from_here=True, is_member=True)
    try:
        ceilings, path = _ceilings(client, identity.account_id)
    except (ClientError, BotoCoreError, ValueError, LookupError) as failed:
        limit = _limit("organizations:ListPoliciesForTarget", failed, region, identity)
        return Organization(id=organization, is_managed_from_here=False, is_member=True, limits=(limit,))
    return Organization(
        id=organization,
        path="/".join((organization, *path, "")),
        ceilings=ceilings,
        is_managed_from_here=False,
        is_member=True,
    )


def _ceilings(client: Any, account_id: str) -> tuple[tuple[tuple[Policy, ...], ...], list[str]]:
    """Return service control policies by level from the root down, and the IDs of the root and the organizational units."""
    levels: list[tuple[Policy, ...]] = []
    path: list[str] = []
    target: str | None = account_id
    while target is not None:
        attached = client.get_paginator("list_policies_for_target").paginate(TargetId=target, Filter=_KIND)
        levels.insert(0, tuple(_policy(client, each["Id"]) for page in attached for each in page["Policies"]))
        target = _parent(client, target)
        if target in path:
            raise MalformedAnswerError(operation="ListParents", found=f"{target} below itself")
        path[:0] = [target] if target else []
    return tuple(level for level in levels if level), path


def _parent(client: Any, target: str) -> str | None:
    """Return the parent; a root (`r-...`) has none."""
    return None if target.startswith("r-") else str(client.list_parents(ChildId=target)["Parents"][0]["Id"])


def _policy(client: Any, identity: str) -> Policy:
    described = client.describe_policy(PolicyId=identity)["Policy"]
    return parse(described["Content"], name=described["PolicySummary"]["Name"], kind="service control")


def _limit(action: str, failed: Exception, region: str, identity: Identity) -> str:
    why = read_failure(action, failed, region, identity.arn)
    return f"service control policies are not taken into account ({why.explanation})"
