"""A document that preview cannot see, as a part of its content is yet to be made."""

import pulumi
import pulumi_aws as aws

key = aws.kms.Key("key", enable_key_rotation=True)
inputs = {
    "cloudWatchLogGroupName": key.key_id,
    "cloudWatchEncryptionEnabled": True,
    "cloudWatchStreamingEnabled": False,
    "s3EncryptionEnabled": False,
    "runAsEnabled": False,
    "idleSessionTimeout": "20",
}
aws.ssm.Document(
    "late",
    document_type="Session",
    content=pulumi.Output.json_dumps({"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs}),
)
