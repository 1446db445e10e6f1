"""Changes of AWS Config."""

from typing import Any

from tests.engine.sabotages.resource import Live, Resource, Undo
from tests.engine.sabotages.sabotage import REFRESH, Sabotage, do


def config_rule(live: Live, each: Resource, **change: Any) -> Undo:
    config, name = live.aws("config", each.region), each.inputs["name"]
    (found,) = config.describe_config_rules(ConfigRuleNames=[name])["ConfigRules"]
    text = config.get_custom_rule_policy(ConfigRuleName=name)["PolicyText"]
    before = {key: found[key] for key in ("ConfigRuleName", "Description", "Scope", "Source")}
    details = {"PolicyRuntime": "guard-2.x.x", "PolicyText": text}
    before["Source"] = {**before["Source"], "CustomPolicyDetails": details}
    changed = {**before, **change}
    if "PolicyText" in change:
        changed["Source"] = {
            **before["Source"],
            "CustomPolicyDetails": {**details, "PolicyText": changed.pop("PolicyText")},
        }
    if "SourceDetails" in change:
        changed["Source"] = {**before["Source"], "SourceDetails": changed.pop("SourceDetails")}
    config.put_config_rule(ConfigRule=changed)
    return lambda: config.put_config_rule(ConfigRule=before)


def recorder_stopped(live: Live, each: Resource) -> Undo:
    config, named = live.aws("config", each.region), {"ConfigurationRecorderName": "default"}
    config.stop_configuration_recorder(**named)
    return lambda: config.start_configuration_recorder(**named)


def remediation(live: Live, each: Resource, **change: Any) -> Undo:
    config, name = live.aws("config", each.region), each.inputs["configRuleName"]
    (found,) = config.describe_remediation_configurations(ConfigRuleNames=[name])["RemediationConfigurations"]
    before = {key: value for key, value in found.items() if key != "Arn"}
    config.put_remediation_configurations(RemediationConfigurations=[{**before, **change}])
    return lambda: config.put_remediation_configurations(RemediationConfigurations=[before])


def config_rule_deleted(live: Live, each: Resource) -> None:
    config, named = live.aws("config", each.region), {"ConfigRuleName": each.inputs["name"]}
    config.delete_remediation_configuration(**named)
    config.delete_config_rule(**named)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("Rule", "source", do(config_rule, PolicyText="rule nothing when false { true }"), "node-roles-content"),
    Sabotage(
        "Rule",
        "source",
        do(
            config_rule,
            SourceDetails=[{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}],
        ),
    ),
    Sabotage("Rule", "scope", do(config_rule, Scope={"ComplianceResourceTypes": ["AWS::IAM::User"]})),
    Sabotage("Rule", "description", do(config_rule, Description="changed"), REFRESH),
    Sabotage("Rule", "state", lambda live, each: live.report(each.inputs["name"], ConfigRuleState="DELETING")),
    Sabotage(
        "Rule",
        "evaluation",
        lambda live, each: live.report(
            f"{each.inputs['name']}/evaluation", LastFailedEvaluationTime=1.0, LastErrorCode="E"
        ),
        "node-roles-evaluation",
    ),
    Sabotage("Rule", "recorder", recorder_stopped, "node-roles-recorder", also=("directory-detection-recorder",)),
    Sabotage(
        "RemediationConfiguration",
        "automatic",
        do(remediation, Automatic=True, MaximumAutomaticAttempts=1, RetryAttemptSeconds=60),
    ),
    Sabotage("RemediationConfiguration", "targetId", do(remediation, TargetId="AWS-StopEC2Instance")),
    Sabotage("RemediationConfiguration", "parameters", do(remediation, Parameters={})),
    Sabotage("RemediationConfiguration", "resourceType", do(remediation, ResourceType="AWS::IAM::User")),
    Sabotage(
        "RemediationConfiguration",
        "executionControls",
        do(
            remediation,
            ExecutionControls={"SsmControls": {"ConcurrentExecutionRatePercentage": 100, "ErrorPercentage": 100}},
        ),
    ),
)


DELETIONS: tuple[Sabotage, ...] = (Sabotage("Rule", "itself", config_rule_deleted, also=("node-remediation*",)),)
