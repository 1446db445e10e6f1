"""The managed policy `AllowStartSsmSessionBasedOnIamTags` for operators, as plain data.

Sources: the AWS post; Systems Manager User Guide, "Additional sample IAM policies for Session Manager" and "Enforcing a
session document permission check for the AWS CLI".
"""

from __future__ import annotations

from components.approval.names import TAG_KEY, Place, PolicyDocument
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import DATA_KEY_ALIAS


def operator_policy(place: Place, *, session_data_encryption: bool) -> PolicyDocument:
    """Start sessions on the instance that the principal's tag names, with the governed document, and end one's own.

    Instances count in any Region: the runbook grants only those of the stack's Regions, and IDs do not repeat.

    Args:
        place: where the workflow lives.
        session_data_encryption: sessions are encrypted with the stack's data key, so operators need to use it.
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
                # Without it a request that names no document is not asked for one.
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
