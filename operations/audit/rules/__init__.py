"""Rules about known approval bypasses, as data.

Sources that several entries share: SAR is AWS' Service Authorization Reference; the post is the AWS Security Blog's "Apply
the principle of separation of duties to shell access to your EC2 instances"; PMapper is nccgroup/PMapper, prowler is
prowler-cloud/prowler (privilege_escalation.py), cloudsplaining is salesforce/cloudsplaining, pathfinding is
DataDog/pathfinding.cloud, Rhino is RhinoSecurityLabs/AWS-IAM-Privilege-Escalation by number.
"""

from operations.audit.rules.approval import APPROVAL, FOREIGN_RUNBOOK
from operations.audit.rules.identities import IDENTITIES
from operations.audit.rules.instances import INSTANCES
from operations.audit.rules.obfuscation import OBFUSCATION
from operations.audit.rules.services import SERVICES
from operations.audit.rules.sessions import SESSIONS
from operations.audit.rules.systems_manager import SYSTEMS_MANAGER

RULES = (*SESSIONS, *SYSTEMS_MANAGER, *INSTANCES, *IDENTITIES, *APPROVAL, *SERVICES)
"""Rules about what a principal is allowed."""

BY_ID = {rule.id: rule for rule in (*RULES, *OBFUSCATION, FOREIGN_RUNBOOK)}

ACTIONS = tuple(
    sorted(
        {
            action
            for rule in RULES
            for each in rule.escalations
            for requirement in each.requirements
            for action in requirement.actions
        }
    )
)
"""Actions of the rules."""

_POSITIONS = {rule: number for number, rule in enumerate(BY_ID)}

__all__ = ["ACTIONS", "BY_ID", "OBFUSCATION", "RULES", "position"]


def position(rule: str) -> int:
    """Return the position of a rule in the list, for sorting by ID."""
    return _POSITIONS[rule]
