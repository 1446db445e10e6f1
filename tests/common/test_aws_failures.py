"""Causes and remedies of failed AWS calls."""

from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError

from common.aws.answers import bound
from common.aws.failures import FailureCause, ResourceError, explained, failure_of, why_not
from common.aws.session import new_session

CALLER = "arn:aws:iam::111122223333:role/Deployer"


def refusal(code: str, message: str = "no", status: int = 400, operation: str = "UpdateDocument") -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("failed", "cause", "remedy"),
    [
        (refusal("AccessDeniedException"), FailureCause.PERMISSION, f"allow ssm:UpdateDocument to {CALLER}"),
        (
            refusal("UnrecognizedClientException"),
            FailureCause.REGION,
            "aws account enable-region --region-name eu-south-1",
        ),
        (refusal("ExpiredTokenException"), FailureCause.CREDENTIALS, "log in again"),
        (refusal("AuthorizationError"), FailureCause.PERMISSION, f"allow ssm:UpdateDocument to {CALLER}"),
        (refusal("RequestTimeTooSkewed"), FailureCause.CREDENTIALS, "set the clock of this computer"),
        (refusal("ThrottlingException"), FailureCause.THROTTLING, "try again in a few minutes"),
        (refusal("InternalServerError", status=500), FailureCause.SERVICE, "try again in a few minutes"),
        (refusal("InvalidDocumentContent"), FailureCause.SERVICE, "see the error message"),
        (
            EndpointConnectionError(endpoint_url="https://ssm"),
            FailureCause.NETWORK,
            "check the network path to AWS in eu-south-1",
        ),
        (
            ConnectTimeoutError(endpoint_url="https://ssm"),
            FailureCause.NETWORK,
            "check the network path to AWS in eu-south-1",
        ),
        (NoCredentialsError(), FailureCause.CREDENTIALS, "provide credentials as for pulumi"),
    ],
    ids=lambda each: str(each) if isinstance(each, FailureCause) else "",
)
def test_causes_are_distinguished(failed: Exception, cause: FailureCause, remedy: str) -> None:
    found = failure_of("ssm:UpdateDocument", failed, "eu-south-1", CALLER)
    assert found.cause is cause
    assert remedy in found.remedy


@pytest.mark.parametrize("kind", ["service control policy", "resource control policy", "permissions boundary"])
def test_refusal_by_a_kind_of_policy_names_it(kind: str) -> None:
    said = f"User: {CALLER} is not authorized to perform: ssm:UpdateDocument with an explicit deny in a {kind}"
    found = failure_of("ssm:UpdateDocument", refusal("AccessDeniedException", said), "eu-south-1", CALLER)
    assert found.remedy.startswith(f"remove the Deny of ssm:UpdateDocument from the {kind}")
    assert f"allow ssm:UpdateDocument to {CALLER}" not in found.remedy


@pytest.mark.parametrize(
    ("operation", "action"),
    [("HeadBucket", "s3:ListBucket"), ("GetBucketEncryption", "s3:GetEncryptionConfiguration")],
)
def test_action_is_called_as_iam_calls_it(operation: str, action: str) -> None:
    found = failure_of(f"s3:{operation}", refusal("AccessDenied"), "eu-west-1", CALLER)
    assert found.action == action
    assert action in found.remedy


def raised(failed: Exception) -> ResourceError:
    with pytest.raises(ResourceError) as caught, explained("X in eu-west-1", "ssm", "eu-west-1", lambda: CALLER):
        raise failed
    return caught.value


def test_principal_is_the_one_that_aws_names() -> None:
    said = "User: arn:aws:sts::111122223333:assumed-role/CI/run-7 is not authorized to perform: ssm:UpdateDocument"
    found = raised(refusal("AccessDeniedException", said))
    assert found.cause is FailureCause.PERMISSION
    assert str(found).startswith("X in eu-west-1: permission: refused: ")
    assert "allow ssm:UpdateDocument to arn:aws:sts::111122223333:assumed-role/CI/run-7" in str(found)


def test_principal_is_looked_up_where_aws_names_none() -> None:
    assert f"to {CALLER}" in str(raised(refusal("AccessDenied")))


def test_what_is_not_of_aws_passes_through() -> None:
    with pytest.raises(ValueError, match="mine"), explained("X", "ssm", "eu-west-1", lambda: CALLER):
        raise ValueError("mine")


def test_message_of_aws_is_one_short_visible_line() -> None:
    message = f"\x1b[2Jno\n\u202e{'x' * 100_000}"
    for code in ("AccessDenied", "Other\x1b[31m"):
        reason = failure_of("ssm:GetDocument", refusal(code, message), "eu-west-1", CALLER).reason
        assert reason.isprintable()
        assert "\\x1b[2Jno \\u202exx" in reason
        assert len(reason) < 2_200


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("sso-admin", "ListInstances", "sso:ListInstances"),
        ("service-quotas", "GetServiceQuota", "servicequotas:GetServiceQuota"),
        ("resourcegroupstaggingapi", "GetResources", "tag:GetResources"),
        ("ssm", "GetDocument", "ssm:GetDocument"),
    ],
)
def test_remedy_names_the_iam_action(service: str, operation: str, action: str) -> None:
    failed = refusal("AccessDeniedException", operation=operation)
    assert why_not(failed, service, "eu-west-1", lambda: CALLER).remedy.startswith(f"allow {action} to {CALLER}")


def test_remedy_names_the_service_that_was_called() -> None:
    client = new_session().create_client(
        "kms", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    bound(client)

    def refuse(request: Any, **_: object) -> AWSResponse:
        raw: Any = BytesIO(b'{"__type": "AccessDeniedException", "message": "no"}')
        raw.stream = lambda **_: iter([raw.read()])
        return AWSResponse(request.url, 400, {}, raw)

    client.meta.events.register("before-send", refuse)
    with pytest.raises(ClientError) as refused:
        client.list_keys()
    assert why_not(refused.value, "ec2", "eu-west-1", lambda: CALLER).remedy.startswith(
        f"allow kms:ListKeys to {CALLER}"
    )
