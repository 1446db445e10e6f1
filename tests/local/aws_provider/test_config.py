"""Provider configuration, and its tags (Pulumi AWS 7, Terraform AWS provider 6)."""

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from local.aws_provider import config, wire
from local.aws_provider.aws import ProviderSession
from local.aws_provider.config import ProviderConfig
from local.aws_provider.wire import UNKNOWN

group = "aws:cloudwatch/logGroup:LogGroup"


def test_settings_that_are_no_strings_arrive_as_json_text(fresh: Any) -> None:
    fresh.configure(
        skipRegionValidation="true",
        defaultTags=json.dumps({"tags": {"owner": "me"}}),
        allowedAccountIds=json.dumps(["123456789012"]),
    )
    assert fresh.check(group, "g", {})["tagsAll"] == {"owner": "me"}


def test_config_accepts_native_values(fresh: Any) -> None:
    fresh.configure(defaultTags={"tags": {"owner": "me"}})
    assert fresh.check(group, "g", {})["tagsAll"] == {"owner": "me"}


def test_text_that_is_no_json_is_refused(fresh: Any) -> None:
    with pytest.raises(Exception, match="skipRegionValidation: expected boolean"):
        fresh.configure(skipRegionValidation="perhaps")


def test_old_assume_role_is_refused_by_name(fresh: Any) -> None:
    with pytest.raises(Exception, match="use assumeRoles"):
        fresh.configure(assumeRole="{}")


def test_unknown_setting_is_refused(fresh: Any) -> None:
    with pytest.raises(Exception, match="unknown provider setting 'regio'"):
        fresh.configure(regio="x")


def test_setting_that_would_do_nothing_here_is_refused(fresh: Any) -> None:
    with pytest.raises(Exception, match="not supported by the local stand-in"):
        fresh.configure(httpProxy="http://proxy")


def test_all_problems_are_reported_at_once(fresh: Any) -> None:
    with pytest.raises(Exception, match=r"(?s)retryMode.*tagPolicyCompliance"):
        fresh.configure(retryMode="often", tagPolicyCompliance="never")


def test_allowed_and_forbidden_accounts_exclude_each_other(fresh: Any) -> None:
    with pytest.raises(Exception, match="conflicts with forbiddenAccountIds"):
        fresh.configure(allowedAccountIds='["1"]', forbiddenAccountIds='["2"]')


@pytest.mark.parametrize(
    "accounts", [{"allowedAccountIds": '["111111111111"]'}, {"forbiddenAccountIds": '["123456789012"]'}]
)
def test_account_that_is_not_allowed_stops_everything(fresh: Any, accounts: dict[str, str]) -> None:
    with pytest.raises(grpc.RpcError, match="AWS account ID not allowed: 123456789012"):
        fresh.configure(**accounts)


def test_config_check_reports_invalid_credentials(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Exception, match=r"^: sts:GetCallerIdentity failed with EndpointConnectionError"):
        fresh.configure(maxRetries="1")


def test_proof_can_be_skipped(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    fresh.configure(skipCredentialsValidation="true", skipRequestingAccountId="true")
    assert fresh.check(group, "g", {})["region"] == "eu-west-1"


def test_without_account_built_arns_have_an_empty_one(fresh: Any) -> None:
    fresh.configure(skipRequestingAccountId="true")
    made = fresh.up("aws:ssm/parameter:Parameter", "p", {"type": "String", "value": "v"})
    assert made["arn"] == f"arn:aws:ssm:eu-west-1::parameter/{made['name']}"


def test_no_region_is_a_problem_of_the_provider(fresh: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(Exception, match="no AWS Region"):
        fresh.configure(region="")


def test_region_of_the_environment_counts_as_configured(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    fresh.configure(region="")
    assert fresh.check(group, "g", {})["region"] == "us-west-2"


def test_region_of_a_profile_shows_in_outputs_only(fresh: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    profile = tmp_path / "config"
    profile.write_text("[default]\nregion = us-west-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))
    fresh.configure(region="")
    made = fresh.up(group, "g", {})
    assert "region" not in made.inputs
    assert made["region"] == "us-west-2"
    assert fresh.unchanged(group, "g", {})


def test_endpoint_of_the_provider_beats_the_environment(
    fresh: Any, aws_address: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    fresh.configure(endpoints=json.dumps([{"sts": aws_address, "cloudwatchlogs": aws_address}]))
    assert fresh.up(group, "g", {}).id.startswith("g-")


def test_endpoint_of_one_service_beats_that_of_all(
    fresh: Any, aws_address: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws_address)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", aws_address)
    fresh.configure()
    assert fresh.up(group, "g", {}).id.startswith("g-")


def test_of_two_addresses_for_one_service_the_first_wins() -> None:
    built = config.build({"endpoints": [{"logs": "one", "cloudwatchlogs": "two"}]})
    assert built.endpoints == {"logs": "one"}


def test_roles_are_assumed_one_after_the_other(fresh: Any) -> None:
    roles = [
        {"roleArn": "arn:aws:iam::111111111111:role/first", "duration": "1h"},
        {"roleArn": "arn:aws:iam::222222222222:role/second", "sessionName": "me"},
    ]
    fresh.configure(assumeRoles=json.dumps(roles))
    identity = fresh.invoke("aws:index/getCallerIdentity:getCallerIdentity")
    assert identity["accountId"] == "222222222222"
    assert identity["arn"].endswith("assumed-role/second/me")


def test_default_tags_may_come_from_the_environment(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_AWS_DEFAULT_TAGS_team", "blue")
    fresh.configure()
    assert fresh.check(group, "g", {})["tagsAll"] == {"team": "blue"}


def test_another_region_replaces_the_provider(fresh: Any) -> None:
    def differ(old: Any, new: Any) -> Any:
        request = provider_pb2.DiffRequest(olds=wire.write(old), old_inputs=wire.write(old), news=wire.write(new))
        return fresh.stub.DiffConfig(request)

    assert list(differ({"region": "eu-west-1"}, {"region": "us-east-1"}).replaces) == ["region"]
    answer = differ({"region": "a", "defaultTags": '{"tags":{}}'}, {"region": "a", "defaultTags": {"tags": {}}})
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


@pytest.mark.usefixtures("aws")
def test_clients_are_made_once_for_a_service_and_region() -> None:
    session = ProviderSession(ProviderConfig(region="eu-west-1"))
    assert session.client("ssm", "eu-west-1") is session.client("ssm", "eu-west-1")
    assert session.client("ssm", "eu-west-1") is not session.client("ssm", "us-east-1")


# Tags of a resource, of the provider and of AWS: transparent tagging.


rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@pytest.fixture
def tagging(fresh: Any) -> Any:
    fresh.configure(defaultTags={"tags": {"owner": "us", "env": "dev"}}, ignoreTags={"keyPrefixes": ["sys:"]})
    return fresh


def test_resource_wins_over_the_default(tagging: Any) -> None:
    checked = tagging.check(group, "g", {"tags": {"env": "prod"}})
    assert checked["tags"] == {"env": "prod"}
    assert checked["tagsAll"] == {"env": "prod", "owner": "us"}


def test_all_tags_are_sent_and_only_own_ones_shown_as_own(tagging: Any, aws: Any) -> None:
    made = tagging.up(group, "g", {"tags": {"a": "b"}})
    sent = aws("logs").list_tags_for_resource(resourceArn=made["arn"])["tags"]
    assert sent == made["tagsAll"] == {"a": "b", "env": "dev", "owner": "us"}
    assert made["tags"] == {"a": "b"}
    assert tagging.unchanged(group, "g", {"tags": {"a": "b"}})


def test_default_repeated_on_the_resource_is_its_own(tagging: Any) -> None:
    made = tagging.up(group, "g", {"tags": {"owner": "us"}})
    assert made["tags"] == {"owner": "us"}
    assert tagging.unchanged(group, "g", {"tags": {"owner": "us"}})


def test_ignored_tags_are_neither_shown_nor_removed(tagging: Any, aws: Any) -> None:
    made = tagging.up(group, "g", {"tags": {"a": "b"}})
    aws("logs").tag_resource(resourceArn=made["arn"], tags={"sys:x": "1"})
    assert tagging.unchanged(group, "g", {"tags": {"a": "b"}})
    tagging.up(group, "g", {"tags": {"a": "c"}})
    assert aws("logs").list_tags_for_resource(resourceArn=made["arn"])["tags"]["sys:x"] == "1"


def test_another_default_updates_all_tags_in_place(tagging: Any, aws: Any) -> None:
    made = tagging.up(group, "g", {})
    tagging.configure(defaultTags={"tags": {"owner": "them"}})
    answer = tagging.diff(group, "g", {})
    assert list(answer.diffs) == ["tagsAll"]
    assert not answer.replaces
    tagging.up(group, "g", {})
    assert aws("logs").list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"owner": "them"}


def test_tag_change_calls_no_other_operation(tagging: Any, refusing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tagging.up(group, "g", {"retentionInDays": 1, "tags": {"a": "b"}})
    monkeypatch.setattr(ProviderSession, "request", refusing("PutRetentionPolicy"))
    assert tagging.up(group, "g", {"retentionInDays": 1, "tags": {"a": "c"}})["tags"] == {"a": "c"}


def test_unknown_tag_makes_all_tags_unknown(tagging: Any) -> None:
    assert tagging.check(group, "g", {"tags": {"a": UNKNOWN}})["tagsAll"] is UNKNOWN


def test_framework_types_have_all_tags_in_outputs_only(tagging: Any, aws: Any) -> None:
    security_group = aws("ec2").create_security_group(GroupName="n", Description="d")["GroupId"]
    inputs = {
        "securityGroupId": security_group,
        "ipProtocol": "tcp",
        "fromPort": 1,
        "toPort": 1,
        "cidrIpv4": "10.0.0.0/8",
    }
    assert "tagsAll" not in tagging.check(rule, "r", inputs)
    assert tagging.up(rule, "r", inputs)["tagsAll"] == {"env": "dev", "owner": "us"}
    assert tagging.unchanged(rule, "r", inputs)
