"""The managed policy `AllowStartSsmSessionBasedOnIamTags` for operators, as plain data.

Sources: the AWS post; Systems Manager User Guide, "Additional sample IAM policies for Session Manager" and "Enforcing a
session document permission check for the AWS CLI".
"""

from __future__ import annotations

from components.approval.names import TAG_KEY, Place, PolicyDocument
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import DATA_KEY_ALIAS


def operator_policy(place: Place, *, session_data_encryption: bool) -> PolicyDocument:
    """Return the policy to start sessions with the governed document on the tag's instance, and to end own sessions.

    Instances in any Region match: the runbook grants only those in the stack's Regions, and instance IDs are unique.

    Args:
        place: Location of the workflow.
        session_data_encryption: Whether sessions are encrypted with the stack's data key, which operators then use.
    """
    sessions = f"arn:{place.partition}:ssm:*:{place.account_id}:session/"
    instances = f"arn:{place.partition}:ec2:*:{place.account_id}:instance/"
    statements: list[dict[str, object]] = [
        {
            "Sid": "StartOnApprovedInstance",
            "Effect": "Allow",
            "Action": "ssm:StartSession",
            "Resource": f"{instances}${{aws:PrincipalTag/{TAG_KEY}}}",
            "Condition": {
                "Null": {f"aws:PrincipalTag/{TAG_KEY}": "false"},
                # Without it, IAM does not check the document of a request that names none.
                "BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"},
            },
        },
        {
            "Sid": "StartWithGovernedDocument",
            "Effect": "Allow",
            "Action": "ssm:StartSession",
            "Resource": f"arn:{place.partition}:ssm:*:{place.account_id}:document/{DOCUMENT_NAME}",
        },
        {
            "Sid": "OpenOwnDataChannel",
            "Effect": "Allow",
            "Action": "ssmmessages:OpenDataChannel",
            "Resource": f"{sessions}${{aws:userid}}-*",
        },
        {
            "Sid": "TerminateOwnSession",
            "Effect": "Allow",
            "Action": "ssm:TerminateSession",
            "Resource": f"{sessions}*",
            "Condition": {"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]}},
        },
        {"Sid": "NeverResume", "Effect": "Deny", "Action": "ssm:ResumeSession", "Resource": "*"},
    ]
    if session_data_encryption:
        statements.append(
            {
                "Sid": "EncryptSessionData",
                "Effect": "Allow",
                "Action": "kms:GenerateDataKey",
                "Resource": f"arn:{place.partition}:kms:*:{place.account_id}:key/*",
                "Condition": {
                    "Null": {"kms:ResourceAliases": "false"},
                    "ForAllValues:StringEquals": {"kms:ResourceAliases": [DATA_KEY_ALIAS]},
                },
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}
