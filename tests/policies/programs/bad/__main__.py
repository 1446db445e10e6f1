"""Breaks every rule, in every form, each resource named for what is wrong with it."""

import json

import pulumi
import pulumi_aws as aws

from components.session_manager.document import document, reset_preferences
from components.session_manager.document_provider import RunShellDocument, RunShellDocumentArgs

NOTHING = reset_preferences() | {"idleSessionTimeout": None}
UNENCRYPTED_LOGS = NOTHING | {"s3BucketName": "session-logs", "cloudWatchLogGroupName": "session-logs"}


def own(name: str, preferences: dict[str, object]) -> None:
    arguments = RunShellDocumentArgs(account_id="123456789012", region="eu-west-1", preferences=preferences)
    RunShellDocument(name, arguments)


key = aws.kms.Key("good-key", enable_key_rotation=True)
aws.kms.Key("still-key", description=key.arn)
aws.cloudwatch.LogGroup("open-group", name=key.key_id)

own("own-without-anything", NOTHING)
own("own-with-open-logs", UNENCRYPTED_LOGS | {"kmsKeyId": key.key_id})
aws.ssm.Document("json-without-anything", document_type="Session", content=json.dumps(document(NOTHING)))
aws.ssm.Document("json-with-open-logs", document_type="Session", content=json.dumps(document(UNENCRYPTED_LOGS)))
aws.ssm.Document(
    "yaml-without-anything",
    document_type="Session",
    document_format="YAML",
    content="schemaVersion: '1.0'\nsessionType: Standard_Stream\ninputs: {}\n",
)
aws.ssm.Document("broken", document_type="Session", document_format="YAML", content="inputs: [")
aws.ssm.Document(
    "late",
    document_type="Session",
    content=pulumi.Output.json_dumps(document(NOTHING | {"kmsKeyId": "", "s3BucketName": key.key_id})),
)
