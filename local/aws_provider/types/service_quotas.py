"""Function that reads a quota.

Source: Terraform AWS provider, `internal/service/servicequotas/service_quota_data_source.go`.
"""

from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, InvalidInputError
from local.aws_provider.model import Function, text
from local.aws_provider.wire import Values

_missing = "NoSuchResourceException"


def _default_by_name(aws: Aws, service: str, name: str) -> Values:
    listed = aws.pages("ListAWSDefaultServiceQuotas", "Quotas", ServiceCode=service)
    found: Values | None = next((item for item in listed if item["QuotaName"] == name), None)
    if found is None:
        raise InvalidInputError(f"reading Service Quota ({service}/{name}): couldn't find resource")
    return found


def _get_service_quota(aws: Aws, given: Values) -> Values:
    service, code, name = given["serviceCode"], given.get("quotaCode"), given.get("quotaName")
    if bool(code) == bool(name):
        raise InvalidInputError("one of `quotaCode,quotaName` must be specified")
    if code:
        # A quota always has a default, but an applied value only after a change.
        found = aws.call("GetAWSDefaultServiceQuota", ServiceCode=service, QuotaCode=code)["Quota"]
    else:
        found = _default_by_name(aws, service, str(name))
    applied = _applied(aws, service, found["QuotaCode"]) or found
    return {
        "adjustable": found.get("Adjustable", False),
        "arn": applied["QuotaArn"],
        "defaultValue": found["Value"],
        "globalQuota": found.get("GlobalQuota", False),
        "id": found["QuotaArn"],
        "quotaCode": found["QuotaCode"],
        "quotaName": found["QuotaName"],
        "serviceCode": found["ServiceCode"],
        "serviceName": found.get("ServiceName", ""),
        "usageMetrics": [],
        "value": applied["Value"],
    }


def _applied(aws: Aws, service: str, code: str) -> Values | None:
    try:
        return aws.call("GetServiceQuota", ServiceCode=service, QuotaCode=code)["Quota"]
    except AwsError as failure:
        if failure.code != _missing:
            raise
        return None


FUNCTIONS = (
    Function(
        name="aws:servicequotas/getServiceQuota:getServiceQuota",
        service="service-quotas",
        inputs={"quotaCode": text(), "quotaName": text(), "serviceCode": text(required=True)},
        calls=("GetAWSDefaultServiceQuota", "ListAWSDefaultServiceQuotas", "GetServiceQuota"),
        run=_get_service_quota,
    ),
)
