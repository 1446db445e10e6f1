"""AWS Config as documented by AWS: rules written in Guard, and remediation. Nothing is evaluated.

API_… pages: https://docs.aws.amazon.com/config/latest/APIReference/.
"""

import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any, Final, cast

from moto.config.exceptions import (
    InvalidParameterValueException,
    NoAvailableConfigurationRecorderException,
    NoSuchConfigRuleException,
)
from moto.config.models import validate_tags
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError

from local.emulator.extension.callers import PARTITION
from local.emulator.settings import reported

GUARD: Final = "CUSTOM_POLICY"
RUNTIMES: Final = ("guard-2.x.x",)
MAX_TEXT: Final = 10_000
"""API_CustomPolicyDetails."""
_KEPT: Final = "_local_remediations"
_HIDDEN: Final = "PolicyText"


@dataclass
class GuardRule:
    """Rule written in Guard, with the attribute names of moto's own rules."""

    definition: dict[str, Any]
    config_rule_arn: str
    config_rule_id: str
    tags: dict[str, str]
    config_rule_state: str = "ACTIVE"
    modes: list[dict[str, str]] = field(default_factory=lambda: [{"Mode": "DETECTIVE"}])

    def to_dict(self) -> dict[str, Any]:
        """API_ConfigRule, without the policy text (API_GetCustomRulePolicy)."""
        source = self.definition["Source"]
        shown = {key: value for key, value in source["CustomPolicyDetails"].items() if key != _HIDDEN}
        return {
            "EvaluationModes": self.modes,
            **self.definition,
            "Source": {**source, "CustomPolicyDetails": shown},
            "ConfigRuleArn": self.config_rule_arn,
            "ConfigRuleId": self.config_rule_id,
            "ConfigRuleState": self.config_rule_state,
        }


class LocalConfig(ConfigResponse):
    """moto's AWS Config with rules written in Guard, and their remediation."""

    def put_config_rule(self) -> str:
        """API_PutConfigRule: creates the rule or replaces its definition; tags apply at creation only."""
        definition: dict[str, Any] = self._get_param("ConfigRule")
        if definition["Source"]["Owner"] != GUARD:
            return super().put_config_rule()
        if not self.config_backend.recorders:
            raise NoAvailableConfigurationRecorderException
        _check(definition)
        rules, name = self._rules(), definition["ConfigRuleName"]
        if name in rules:
            rules[name].definition = definition
        else:
            id_ = f"config-rule-{secrets.token_hex(3)}"
            arn = f"arn:{PARTITION}:config:{self.region}:{self.current_account}:config-rule/{id_}"
            tags = validate_tags(self._get_param("Tags") or [])
            rules[name] = GuardRule(definition, arn, id_, tags)
        return ""

    def get_custom_rule_policy(self) -> str:
        rule = self._rules().get(self._get_param("ConfigRuleName"))
        if not isinstance(rule, GuardRule):
            raise NoSuchConfigRuleException(self._get_param("ConfigRuleName"))
        return json.dumps({_HIDDEN: rule.definition["Source"]["CustomPolicyDetails"][_HIDDEN]})

    def describe_config_rules(self) -> str:
        """API_DescribeConfigRules: an unknown name is an error, also if the account has no rules at all."""
        names: list[str] = self._get_param("ConfigRuleNames") or []
        for name in names:
            if name not in self._rules():
                raise NoSuchConfigRuleException(name)
        shown: dict[str, Any] = json.loads(super().describe_config_rules())
        shown["ConfigRules"] = [{**each, **reported(each["ConfigRuleName"])} for each in shown["ConfigRules"]]
        return json.dumps(shown)

    def describe_config_rule_evaluation_status(self) -> str:
        """API_DescribeConfigRuleEvaluationStatus: rules were never evaluated, except for reported states."""
        statuses: list[dict[str, Any]] = []
        for name in self._get_param("ConfigRuleNames") or list(self._rules()):
            rule = self._rules().get(name)
            if rule is None:
                raise NoSuchConfigRuleException(name)
            shown = {"ConfigRuleName": name, "ConfigRuleArn": rule.config_rule_arn, "FirstEvaluationStarted": False}
            statuses.append({**shown, "ConfigRuleId": rule.config_rule_id, **reported(f"{name}/evaluation")})
        return json.dumps({"ConfigRulesEvaluationStatus": statuses})

    def delete_config_rule(self) -> str:
        """API_DeleteConfigRule: ResourceInUseException while a remediation action is associated with the rule."""
        if self._get_param("ConfigRuleName") in self._remediations():
            raise JsonRESTError(
                "ResourceInUseException",
                "A remediation action is associated with the rule. Delete the remediation action before the rule.",
            )
        return super().delete_config_rule()

    def put_remediation_configurations(self) -> str:
        for given in self._get_param("RemediationConfigurations"):
            name = given["ConfigRuleName"]
            self._check_remediation(given)
            id_ = self._remediations().get(name, {}).get("Arn", "").rsplit("/", 1)[-1] or str(uuid.uuid4())
            place = f"{self.region}:{self.current_account}"
            arn = f"arn:{PARTITION}:config:{place}:remediation-configuration/{name}/{id_}"
            self._remediations()[name] = {"Automatic": False, **given, "Arn": arn}
        return json.dumps({"FailedBatches": []})

    def describe_remediation_configurations(self) -> str:
        """API_DescribeRemediationConfigurations: rules without remediation are omitted."""
        found = [self._remediations().get(name) for name in self._get_param("ConfigRuleNames")]
        return json.dumps({"RemediationConfigurations": [each for each in found if each]})

    def delete_remediation_configuration(self) -> str:
        name = self._get_param("ConfigRuleName")
        if self._remediations().pop(name, None) is None:
            raise JsonRESTError("NoSuchRemediationConfigurationException", f"{name} has no remediation configuration.")
        return "{}"

    def _check_remediation(self, given: dict[str, Any]) -> None:
        """Check that the rule and runbook exist, and that automatic remediation has the properties that AWS needs."""
        from moto.ssm.models import ssm_backends  # noqa: PLC0415 (the service may never be called)

        if given["ConfigRuleName"] not in self._rules():
            raise NoSuchConfigRuleException(given["ConfigRuleName"])
        documents = vars(ssm_backends[self.current_account][self.region])["_documents"]
        target = given["TargetId"]
        if not target.startswith(("AWS-", "AWSConfigRemediation-")) and target not in documents:
            raise InvalidParameterValueException(f"The document {target} does not exist.")
        required = ("MaximumAutomaticAttempts", "RetryAttemptSeconds")
        if given.get("Automatic") and (
            any(key not in given for key in required) or "AutomationAssumeRole" not in given.get("Parameters", {})
        ):
            needs = "AutomationAssumeRole, MaximumAutomaticAttempts and RetryAttemptSeconds"
            raise InvalidParameterValueException(f"An automatic remediation needs {needs}.")

    def _rules(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.config_backend.config_rules)

    def _remediations(self) -> dict[str, dict[str, Any]]:
        """Return remediations by rule, which are stored with moto's state, so that a reset deletes them."""
        return vars(self.config_backend).setdefault(_KEPT, {})


def _check(definition: dict[str, Any]) -> None:
    source = definition["Source"]
    details = source.get("CustomPolicyDetails")
    if not details or not source.get("SourceDetails"):
        raise InvalidParameterValueException(
            f"CustomPolicyDetails and SourceDetails are needed where {GUARD} owns a rule."
        )
    if details["PolicyRuntime"] not in RUNTIMES:
        raise InvalidParameterValueException(f"PolicyRuntime is {details['PolicyRuntime']}, not one of {RUNTIMES}.")
    if not 1 <= len(details[_HIDDEN]) <= MAX_TEXT:
        raise InvalidParameterValueException(f"PolicyText is not of 1 to {MAX_TEXT} characters.")
