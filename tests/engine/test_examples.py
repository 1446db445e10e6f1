"""The stack files in the repository, under the policy pack."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from bench.__main__ import FULL_PACK, full_configuration
from local.workspace import REPOSITORY
from tests.support.golden_files import Golden, previewed, previewed_outputs
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

PACK = ("--policy-pack", str(REPOSITORY / "policies"))


def sections(file: str) -> dict[str, Any]:
    configuration = yaml.safe_load((REPOSITORY / file).read_text())["config"]
    prefix = "shell-access:"
    return {key.removeprefix(prefix): value for key, value in configuration.items() if key.startswith(prefix)}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_example_passes_the_policy_pack_in_preview(
    stack: Stack, aws: Callable[..., Any], name: str, golden: Golden
) -> None:
    stack.configure(sections(f"Pulumi.{name}.yaml"))
    for region in ("eu-west-1", "us-east-1"):
        rules = {"ServiceCode": "vpc", "QuotaCode": "L-2AEEBF1A", "DesiredValue": 40}
        aws("service-quotas", region).request_service_quota_increase(**rules)
    trail = {"Name": "organization-trail", "S3BucketName": "organization-trail"}
    aws("cloudtrail").create_trail(**trail, IsMultiRegionTrail=True)
    configuration = REPOSITORY / "policies" / "config" / f"{name}.json"
    run = stack.preview(*PACK, "--policy-pack-config", str(configuration)).succeeded()
    golden(f"stacks/{name}.yaml", previewed(stack.events()))
    golden(f"stacks/{name}-outputs.yaml", previewed_outputs(stack.events()))
    assert all("is applied in the update" in text for texts in run.violations.values() for text in texts)
    assert set(run.steps.values()) == {"create"}


@pytest.mark.exhaustive
def test_stack_of_the_benchmark_passes_the_policy_pack(stack: Stack) -> None:
    stack.configure(full_configuration())
    stack.preview(*FULL_PACK).succeeded()


def test_weakened_preferences_are_refused_in_preview(stack: Stack) -> None:
    stack.configure({"sessionManager": {"sessionDataEncryption": False, "logRetentionDays": 7}})
    refused = stack.preview(*PACK).failed()
    assert set(refused.violations) == {"session-manager-eu-west-1", "session-manager-eu-west-1-logs"}
