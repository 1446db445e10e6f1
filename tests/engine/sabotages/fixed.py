"""Inputs that no sabotage changes, with the reason."""

_IDENTITY = "it says which resource it is: with another value it is another resource"

_CREATION = "AWS takes it when the resource is made, and changes it no more"

_PLUGIN = "setting of the plugin or of the resource's lifecycle, which AWS does not have"

_STATE = "the resource exists in the state alone"

FIXED: dict[tuple[str, str], str] = {
    **{
        ("*", each): _IDENTITY
        for each in (
            *("name", "region", "bucket", "vpcId", "subnetId", "availabilityZone", "path", "role", "rule", "groupName"),
            *("topic", "associationName", "configRuleName", "targetId", "eventBusName", "settingId", "documentType"),
            *("logGroupName", "windowId", "baselineId", "resourceType", "taskType", "operatingSystem"),
            *("endpoint", "protocol", "instanceId", "volumeId", "securityGroupId", "serviceName", "vpcEndpointType"),
            *("arn", "accountId", "targetType", "domainName", "resolverRuleId", "resourceShareArn"),
        )
    },
    **{
        ("*", each): _PLUGIN
        for each in (
            *("__provider", "tagsAll", "forceDestroy", "skipDestroy", "takeOver", "section", "finalSnapshot"),
            *("revokeRulesOnDelete", "forceDetachPolicies", "getPasswordData", "userDataReplaceOnChange"),
            *("bypassPolicyLockoutSafetyCheck", "deletionWindowInDays", "stopInstanceBeforeDetaching"),
            *("confirmationTimeoutInMinutes", "endpointAutoConfirms", "bucketOwner", "bucketKeyArn", "prior"),
        )
    },
    **dict.fromkeys(
        (
            *(("Policy", "description"), ("SecurityGroup", "description"), ("ManagedPrefixList", "addressFamily")),
            *(("Key", "customerMasterKeySpec"), ("Key", "keyUsage"), ("Volume", "encrypted"), ("Volume", "kmsKeyId")),
            *(("Topic", "fifoTopic"), ("Topic", "contentBasedDeduplication"), ("FlowLog", "logDestinationType")),
            *(("Bucket", "objectLockEnabled"), ("BucketObjectLockConfiguration", "objectLockEnabled")),
            *(("NamedQuery", "database"), ("NamedQuery", "workgroup"), ("CatalogTable", "databaseName")),
            ("PatchBaseline", "approvedPatchesComplianceLevel"),
            *(("FlowLog", "maxAggregationInterval"), ("Instance", "associatePublicIpAddress")),
            *(
                ("ResolverEndpoint", "direction"),
                ("ResolverEndpoint", "securityGroupIds"),
                ("ResolverRule", "ruleType"),
            ),
        ),
        _CREATION,
    ),
    ("ResolverEndpoint", "ipAddresses"): "the emulator cannot release an address; unit tests have other subnets",
    ("Instance", "ami"): "ignored: a newer image replaces no controller",
    ("Instance", "rootBlockDevice"): "its volume is one of those that verify compares; its type is the refresh's",
    ("TopicSubscription", "rawMessageDelivery"): "e-mail knows no raw messages",
    ("Trail", "isOrganizationTrail"): "needs an organization's management account",
    ("OperatorGrants", "users"): "dev has no users; the roles are tried",
    ("Document", "owner"): "the tags are tried",
    ("Document", "settings"): "the content that is made from them is tried",
    ("GoverningStack", "takeOverFrom"): _STATE,
    ("CisScanConfiguration", "region"): _STATE,
    ("CisScanConfiguration", "takeOver"): _STATE,
    ("DetectionService", "region"): _STATE,
    ("DetectionService", "service"): _STATE,
    ("DetectionService", "takeOver"): _STATE,
    ("ServiceSetting", "owner"): "a service setting has no tags: it belongs to the owner of its role",
    **{(each, "*"): _STATE for each in ("AdoptedResource", "PriorNetworkAcl", "PriorServiceSetting", "ReleaseGuard")},
}
"""Inputs that no sabotage changes, by type, with the reason."""
