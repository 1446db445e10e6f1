"""CloudTrail trails. Source: Terraform AWS provider, `internal/service/cloudtrail/trail.go`."""

from local.aws_provider import validators
from local.aws_provider.model import Operation, ResourceType, Tagging, fixed, flag, name, text

_log = Operation("StartLogging", {"Name": "id"}, when="enableLogging", otherwise="StopLogging")

TRAIL = ResourceType(
    name="aws:cloudtrail/trail:Trail",
    service="cloudtrail",
    properties={
        "enableLogFileValidation": flag(default=False, aws="EnableLogFileValidation LogFileValidationEnabled"),
        "enableLogging": fixed(True, aws="IsLogging"),
        "includeGlobalServiceEvents": flag(default=True),
        "isMultiRegionTrail": flag(default=False),
        "isOrganizationTrail": fixed(False),
        "kmsKeyId": text(validators.arn),
        "name": name(validators.length(3, 128)),
        "s3BucketName": text(required=True),
    },
    outputs="arn=TrailARN homeRegion snsTopicArn",
    refused=(
        "advancedEventSelectors cloudWatchLogsGroupArn cloudWatchLogsRoleArn eventSelectors insightSelectors s3KeyPrefix "
        "snsTopicName"
    ),
    create=(Operation("CreateTrail", result="TrailARN"), _log),
    read=(
        Operation("DescribeTrails", {"trailNameList": "id"}, result="trailList"),
        Operation("GetTrailStatus", {"Name": "id"}),
    ),
    # An empty key ends the encryption with a key of one's own.
    update=(Operation("UpdateTrail", {"Name": "id", "KmsKeyId": lambda new: new.get("kmsKeyId", "")}), _log),
    delete=(Operation("DeleteTrail", {"Name": "id"}),),
    tagging=Tagging("AddTags", "RemoveTags", "ListTags"),
    gone=frozenset({"TrailNotFoundException"}),
)
