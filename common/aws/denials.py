"""Access denied messages: the type of policy that denied a request, and the remedy.

IAM User Guide, "Troubleshoot access denied error messages": an explicit denial reads "with an explicit deny in a <type>
policy", an implicit one "because no <type> policy allows the <action> action". A message names one type only, although
others may deny as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PolicyKind(StrEnum):
    """A type of policy, as AWS' messages call it."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SERVICE_CONTROL = "service control policy"
    RESOURCE_CONTROL = "resource control policy"
    SESSION = "session policy"
    VPC_ENDPOINT = "VPC endpoint policy"
    ROLE_TRUST = "role trust policy"


@dataclass(frozen=True, kw_only=True)
class Denial:
    """A denied request.

    Without a statement that denies, `explicit` is False: no statement allows the action. What the message does not name
    is None or empty.
    """

    kind: PolicyKind | None
    explicit: bool
    policy: str = ""
    statement: str = ""

    def reason(self, action: str) -> str:
        """Return the reason as AWS words it, with statement and policy where they are known."""
        if not self.explicit:
            reason = f"because no {self.kind} allows the {action} action"
        elif self.kind is None:
            reason = "with an explicit deny"
        else:
            reason = f"with an explicit deny in {'an' if self.kind is PolicyKind.IDENTITY else 'a'} {self.kind}"
        where = self.statement or self.policy
        return f"{reason} ({where})" if where else reason

    def remedy(self, action: str, principal: str) -> str:
        """Return what `principal`, an ARN, must change in the type of policy that denied it `action`."""
        if self.kind is None:
            return f"find the policy that denies {action} to {principal}; AWS' message does not name its type"
        named = f" ({self.statement or self.policy})" if self.statement or self.policy else ""
        where = f"the {self.kind} {_WHERE[self.kind]}{named}"
        if self.explicit:
            return f"remove the Deny of {action} from {where}, or exempt {principal} from it"
        if self.kind is PolicyKind.IDENTITY:
            return f"allow {action} to {principal}"
        return f"allow {action} to {principal} in {where}"


_WHERE: Final = {
    PolicyKind.IDENTITY: "of the principal",
    PolicyKind.RESOURCE: "of the resource",
    PolicyKind.BOUNDARY: "of the principal",
    PolicyKind.SERVICE_CONTROL: "in AWS Organizations, on the principal's account or above it",
    PolicyKind.RESOURCE_CONTROL: "in AWS Organizations, on the resource's account or above it",
    PolicyKind.SESSION: "that the temporary credentials were requested with",
    PolicyKind.VPC_ENDPOINT: "of the endpoint that the request goes through",
    PolicyKind.ROLE_TRUST: "of the role that is to be assumed",
}

_KINDS: Final = "|".join(map(re.escape, PolicyKind))
_EXPLICIT: Final = re.compile(rf"explicit deny in (?:an? |the )?({_KINDS})(?::? (arn:[^\s,]+))?", re.IGNORECASE)
_IMPLICIT: Final = re.compile(rf"because no ({_KINDS}) allows", re.IGNORECASE)
_OF_KEY: Final = re.compile(r"no resource-based policies allow access", re.IGNORECASE)
"""AWS KMS names a missing key, and both denials of a key policy, in one message; the first remedy is the same for all."""
_UNNAMED: Final = re.compile(r"with an explicit deny", re.IGNORECASE)
_BY_TEXT: Final = {each.lower(): each for each in PolicyKind}


def denial_in(message: str) -> Denial | None:
    """Return the denial that an access denied message describes; None where it describes none."""
    found = _EXPLICIT.search(message)
    if found:
        return Denial(kind=_BY_TEXT[found[1].lower()], explicit=True, policy=(found[2] or "").rstrip("."))
    found = _IMPLICIT.search(message)
    if found:
        return Denial(kind=_BY_TEXT[found[1].lower()], explicit=False)
    if _OF_KEY.search(message):
        return Denial(kind=PolicyKind.RESOURCE, explicit=False)
    return Denial(kind=None, explicit=True) if _UNNAMED.search(message) else None
