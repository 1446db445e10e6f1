"""Evaluation of a node: from facts to findings. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.principals import Principal
from components.nodes.agent_versions import needed_agent_versions, unmet, version_key
from operations.doctor.destinations import destination_findings
from operations.doctor.facts import Managed
from operations.doctor.findings import Cause, Diagnosis, order
from operations.doctor.just_in_time import access_findings
from operations.doctor.network import explains_silence, network_findings, obstacles
from operations.doctor.permissions import node_role, permission_findings
from operations.doctor.requirements import REGISTER
from operations.findings import Finding, Status, unknown_finding
from operations.inventory.reader import ReadFailure
from operations.terminal import program_name

if TYPE_CHECKING:
    from operations.doctor.facts import NodeFacts

_RUNNING: Final = "running"
_SILENT: Final = (Cause.STOPPED, Cause.METADATA_OFF, Cause.NO_INSTANCE_PROFILE, Cause.ROLE)
"""Causes that keep the agent from registering."""
_WINDOWS: Final = "Windows"
_AGENTS_USER: Final = "ssm-user"
"""User of the agent.

Sources: Systems Manager User Guide, "Turn off or turn on ssm-user account administrative permissions" and "Turn on Run
As support".
"""


def evaluate(node: NodeFacts) -> Diagnosis:
    """Return the reasons why a session on a node would fail or would not be logged.

    Returns:
        A diagnosis without problems and doubts only if every requirement of the settings is known to be met.
    """
    role = node_role(node)
    principal = role if isinstance(role, Principal) else None
    found_obstacles = obstacles(node, principal)
    found = [*_instance(node), *_role(node, role), *network_findings(node, found_obstacles)]
    if principal is not None:
        found += permission_findings(node, principal)
    found += _managed(node, found, is_unreachable=explains_silence(found_obstacles))
    found += _agent(node, by_default=principal is not None and principal is not node.role)
    found += access_findings(node)
    found += destination_findings(node.deployment, node.destinations)
    found += _run_as(node)
    found += (Finding(check=Cause.NOT_SEEN, status=Status.NOTE, found=each) for each in node.organization.limits)
    return Diagnosis(
        node_id=node.id,
        name=node.name,
        region=node.deployment.region,
        findings=tuple(sorted(dict.fromkeys(found), key=order)),
    )


def _instance(node: NodeFacts) -> list[Finding]:
    instance = node.instance
    if isinstance(instance, ReadFailure):
        return [unknown_finding(Cause.STOPPED, instance)]
    if instance is None:
        return []
    found: list[Finding] = []
    if instance.state != _RUNNING:
        remedy = f"aws ec2 start-instances --instance-ids {node.id} --region {node.deployment.region}"
        found.append(Finding(check=Cause.STOPPED, found=f"the instance is {instance.state}", remedy=remedy))
    if not instance.answers_metadata:
        remedy = f"aws ec2 modify-instance-metadata-options --region {node.deployment.region} --instance-id {node.id} "
        text = "the instance metadata service is disabled, and SSM Agent gets its credentials from it"
        found.append(Finding(check=Cause.METADATA_OFF, found=text, remedy=f"{remedy}--http-endpoint enabled"))
    return found


def _role(node: NodeFacts, role: Principal | ReadFailure | None) -> list[Finding]:
    if isinstance(role, ReadFailure):
        return [unknown_finding(Cause.ROLE, role)]
    if role is not None or isinstance(node.instance, ReadFailure):
        return []
    if node.instance is None:
        text = "the role of the node's activation is not known, or does not exist"
        return [Finding(check=Cause.ROLE, status=Status.UNKNOWN, found=text, remedy="see the activation's IAM role")]
    profile = (node.instance.profile_arn or "").rpartition("/")[2]
    has = "its instance profile has no role" if profile else "it has no instance profile"
    fix = (
        f"aws iam add-role-to-instance-profile --instance-profile-name {profile} --role-name ROLE"
        if profile
        else f"aws ec2 associate-iam-instance-profile --region {node.deployment.region} --instance-id {node.id} "
        "--iam-instance-profile Name=PROFILE"
    )
    return [
        Finding(
            check=Cause.NO_INSTANCE_PROFILE,
            found=f"{has}, and Default Host Management Configuration is off in {node.deployment.region}",
            remedy=f"{fix}, or set shell-access:nodes.defaultHostManagement.enabled",
        )
    ]


def _managed(node: NodeFacts, found: list[Finding], *, is_unreachable: bool) -> list[Finding]:
    """Return a finding if a node is offline: the cause only if no other finding explains it."""
    managed = node.managed
    if isinstance(managed, ReadFailure):
        return [unknown_finding(Cause.NOT_MANAGED, managed)]
    if node.is_online:
        return []
    is_explained = is_unreachable or any(
        each.status is Status.PROBLEM
        and (each.check in _SILENT or (each.check == Cause.PERMISSION and each.about == REGISTER))
        for each in found
    )
    if managed is None:
        cause, text = Cause.NOT_MANAGED, "the node has never registered with Systems Manager"
        remedy = "install or start SSM Agent on it; on the node: ssm-cli get-diagnostics"
    else:
        last = f", last ping {managed.last_ping}" if managed.last_ping else ""
        cause, text = Cause.OFFLINE, f"the agent does not respond ({managed.ping}{last})"
        remedy = "restart SSM Agent on it, and see its log; on the node: ssm-cli get-diagnostics"
    if is_explained:
        text = f"{text}, as a consequence of the findings above"
        return [Finding(check=cause, status=Status.NOTE, found=text)]
    return [Finding(check=cause, found=text, remedy=remedy)]


def _agent(node: NodeFacts, *, by_default: bool) -> list[Finding]:
    managed = node.managed
    if not isinstance(managed, Managed):
        return []
    update = (
        f"aws ssm send-command --region {node.deployment.region} --document-name AWS-UpdateSSMAgent --targets "
        f"Key=InstanceIds,Values={node.id}"
    )
    if version_key(managed.agent_version) is None:
        text = f"the agent's version is not known ({managed.agent_version or 'none is reported'})"
        return [Finding(check=Cause.AGENT, status=Status.UNKNOWN, found=text, remedy=update)]
    lacking = unmet(
        needed_agent_versions(
            node.deployment.session_manager, platform=managed.platform or None, default_host_management=by_default
        ),
        managed.agent_version,
    )
    if not lacking:
        return []
    listed = ", ".join(f"{each.feature} needs {each.version}" for each in lacking)
    return [Finding(check=Cause.AGENT, found=f"the agent is {managed.agent_version}: {listed}", remedy=update)]


def _run_as(node: NodeFacts) -> list[Finding]:
    settings = node.deployment.session_manager
    if settings is None or not settings.run_as_enabled or node.platform == _WINDOWS:
        return []
    if settings.run_as_default_user == _AGENTS_USER:
        text = (
            f"sessions run as {_AGENTS_USER}, which SSM Agent creates only when a session starts without Run As; where "
            "no such session has started, sessions fail"
        )
        remedy = (
            "create it on the node, or set shell-access:sessionManager.runAsDefaultUser to a user that the image has"
        )
        return [Finding(check=Cause.RUN_AS, status=Status.WARNING, about=_AGENTS_USER, found=text, remedy=remedy)]
    user = settings.run_as_default_user or "the user of the principal's tag SSMSessionRunAs"
    text = f"whether {user} exists on the node cannot be determined from outside"
    remedy = f"{program_name()} verify --node {node.id} --stack {node.deployment.stack} shows it"
    return [Finding(check=Cause.RUN_AS, status=Status.NOTE, found=text, remedy=remedy)]
