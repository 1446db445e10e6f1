"""Policies and a document that preview cannot see, as a part of each is yet to be made."""

import pulumi
import pulumi_aws as aws

key = aws.kms.Key("key", enable_key_rotation=True)


def policy(*actions: str) -> pulumi.Output[str]:
    """Of which one resource is not known yet."""
    decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key.arn}
    more = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [decrypt, more]})


aws.iam.Policy("late", policy=policy("ssm:*", "iam:TagRole"))
aws.iam.Policy("late-but-good", policy=policy("s3:GetObject"))
