"""A key that does not rotate, and a log group that keeps its logs forever."""

import pulumi_aws as aws

aws.kms.Key("still-key", description="some")
aws.cloudwatch.LogGroup("endless-group", name="endless", retention_in_days=0)
