"""Access to nodes without a session: commands, logins, and changes of what nodes run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.parameters import TEXTS, Parameter
from policies.rule import Rule
from policies.separation_of_duties.aws_managed import CHANGED_DOCUMENTS, COMMANDS, INSTANCES, LOGINS
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.node_access import (
    ACCESS_REQUESTS,
    GOVERNED_DOCUMENTS,
    INSTANCE_WAYS,
    LOGIN_WAYS,
    command_paths,
    document_paths,
    matching_paths,
)
from policies.separation_of_duties.resource_checks import JUST_IN_TIME, POLICIES, PRINCIPALS, judged

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

_HARMLESS = Parameter(
    name="harmlessDocuments",
    description="The account's own documents that run nothing that their caller gives them, by name (* stands for any text).",
    default=[],
    schema=TEXTS,
)

NODE_COMMANDS_NEED_APPROVAL = Rule(
    id="node-commands-need-approval",
    title="No principal may run commands on nodes without a session",
    severity=Severity.CRITICAL,
    risk="the principal runs commands as root or SYSTEM on nodes, without a session and an approval",
    remedy="Limit the action to documents that run no commands of their caller, and list the account's own in harmlessDocuments, or remove it",
    source='Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager"; NIST SP 800-53 r5 '
    "AC-3, AC-5, AC-6, AC-17",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html",
    parameters=(_HARMLESS, PRINCIPALS, POLICIES),
)


@NODE_COMMANDS_NEED_APPROVAL.on(*CARRIERS)
def _runs_nothing(resource: Resource) -> Findings:
    paths = command_paths(resource.settings[_HARMLESS.name])
    yield from judged(resource, partial(matching_paths, paths), "no commands on nodes", COMMANDS)


NODE_LOGINS_NEED_APPROVAL = Rule(
    id="node-logins-need-approval",
    title="No principal may log in to a node or container without an approved session",
    severity=Severity.CRITICAL,
    risk="the principal gets a shell by EC2 Instance Connect, the serial console, ECS Exec or just-in-time node access, without an approval of this workflow",
    remedy="Remove the action, or list the principals for which it is accepted in allowedPrincipals; where just-in-time node access "
    "approves the sessions, set justInTimeAccess",
    source='Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2 Instance Connect", "... for Amazon '
    'Elastic Container Service"; NIST SP 800-53 r5 AC-3, AC-5, AC-6, AC-17',
    url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-connect-configure-IAM-role.html",
    parameters=(JUST_IN_TIME, PRINCIPALS, POLICIES),
)


@NODE_LOGINS_NEED_APPROVAL.on(*CARRIERS)
def _logs_in_nowhere(resource: Resource) -> Findings:
    paths = LOGIN_WAYS if resource.settings[JUST_IN_TIME.name] else (*LOGIN_WAYS, *ACCESS_REQUESTS)
    yield from judged(resource, partial(matching_paths, paths), "no login to a node or container", LOGINS)


_DOCUMENTS = Parameter(
    name="governedDocuments",
    description="The documents that sessions and approvals rest on, by name.",
    default=list(GOVERNED_DOCUMENTS),
    schema={**TEXTS, "minItems": 1},
)

DOCUMENTS_CHANGED_BY_NAMED_PRINCIPALS = Rule(
    id="documents-changed-by-named-principals",
    title="Only named principals may change the documents and settings of sessions and approvals",
    severity=Severity.CRITICAL,
    risk="the principal changes the session preferences, the runbook that requests approval, or the documents that nodes run at their next association",
    remedy="Limit the action to documents of the holder by name or by ssm:DocumentType, or list the deployment role in allowedPrincipals",
    source='Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager"; NIST SP 800-53 r5 '
    "AC-5, AC-6, CM-5",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
    parameters=(_DOCUMENTS, PRINCIPALS, POLICIES),
)


@DOCUMENTS_CHANGED_BY_NAMED_PRINCIPALS.on(*CARRIERS)
def _changes_no_document(resource: Resource) -> Findings:
    paths = document_paths(resource.settings[_DOCUMENTS.name])
    yield from judged(
        resource, partial(matching_paths, paths), "no change of governed documents and settings", CHANGED_DOCUMENTS
    )


INSTANCES_CHANGED_BY_NAMED_PRINCIPALS = Rule(
    id="instances-changed-by-named-principals",
    title="Only named principals may change user data, root volumes or roles of instances, or register nodes",
    severity=Severity.HIGH,
    risk="the principal makes an instance run commands at its next start, or gives it or another machine a role of the account",
    remedy="Remove the action, limit ec2:ModifyInstanceAttribute by ec2:Attribute, or list the pipeline that builds instances in allowedPrincipals",
    source='Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2"; NIST SP 800-53 r5 AC-5, AC-6, CM-5',
    url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    parameters=(PRINCIPALS, POLICIES),
)


@INSTANCES_CHANGED_BY_NAMED_PRINCIPALS.on(*CARRIERS)
def _changes_no_instance(resource: Resource) -> Findings:
    yield from judged(
        resource,
        partial(matching_paths, INSTANCE_WAYS),
        "no change of what instances run or which role they have",
        INSTANCES,
    )
