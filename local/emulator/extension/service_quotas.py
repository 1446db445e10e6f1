"""Service Quotas as documented by AWS: default values, and no applied value that differs.

API_… pages: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/; the values are moto's, checked for
rules and groups against https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html.
"""

import json
from typing import Any

from moto.servicequotas.responses import ServiceQuotasResponse


class LocalServiceQuotas(ServiceQuotasResponse):
    """moto's quotas of Amazon VPC with ARNs of the request's Region, and the action for one default."""

    def get_aws_default_service_quota(self) -> str:
        """API_GetAWSDefaultServiceQuota: its ARN has no account."""
        return json.dumps({"Quota": self._quota(account="")})

    def get_service_quota(self) -> str:
        """API_GetServiceQuota: the applied value; its ARN has the account."""
        return json.dumps({"Quota": self._quota(account=self.current_account)})

    def list_aws_default_service_quotas(self) -> str:
        """API_ListAWSDefaultServiceQuotas."""
        quotas = self.backend.list_aws_default_service_quotas(self._given("ServiceCode"))
        return json.dumps({"Quotas": [self._shown(quota, "") for quota in quotas]})

    def _quota(self, *, account: str) -> dict[str, Any]:
        return self._shown(
            self.backend.get_service_quota(self._given("ServiceCode"), self._given("QuotaCode")), account
        )

    def _shown(self, quota: dict[str, Any], account: str) -> dict[str, Any]:
        place = f"{quota['ServiceCode']}/{quota['QuotaCode']}"
        return {**quota, "QuotaArn": f"arn:{self.partition}:servicequotas:{self.region}:{account}:{place}"}

    def _given(self, name: str) -> str:
        return str(json.loads(self.body).get(name))
