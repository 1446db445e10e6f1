"""Service Quotas as documented by AWS: default values, and the applied values of granted requests.

API_… pages: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/; the values are moto's, checked for
rules and groups against https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html.
"""

import json
from typing import Any, Final

from moto.servicequotas.models import servicequotas_backends
from moto.servicequotas.responses import ServiceQuotasResponse

_RAISED: Final = "raised"
"""Attribute of moto's backend with the applied values that differ from the defaults; a reset removes it."""


def applied_quota(account: str, region: str, code: str, default: float) -> float:
    """Return the applied value of a quota of Amazon VPC."""
    raised: dict[str, float] = vars(servicequotas_backends[account][region]).get(_RAISED, {})
    return raised.get(code, default)


class LocalServiceQuotas(ServiceQuotasResponse):
    """moto's quotas of Amazon VPC with ARNs of the request's Region, and the action for one default."""

    def get_aws_default_service_quota(self) -> str:
        """API_GetAWSDefaultServiceQuota: its ARN has no account."""
        return json.dumps({"Quota": self._quota(account="")})

    def get_service_quota(self) -> str:
        """API_GetServiceQuota: the applied value; its ARN has the account."""
        return json.dumps({"Quota": self._quota(account=self.current_account)})

    def list_aws_default_service_quotas(self) -> str:
        quotas = self.backend.list_aws_default_service_quotas(self._given("ServiceCode"))
        return json.dumps({"Quotas": [self._shown(quota, "") for quota in quotas]})

    def request_service_quota_increase(self) -> str:
        """API_RequestServiceQuotaIncrease, which is granted at once; AWS decides later, and only for higher values."""
        quota = self._quota(account=self.current_account)
        raised: dict[str, float] = vars(self.backend).setdefault(_RAISED, {})
        raised[self._given("QuotaCode")] = value = float(json.loads(self.body)["DesiredValue"])
        named = {name: quota[name] for name in ("ServiceCode", "ServiceName", "QuotaCode", "QuotaName", "QuotaArn")}
        request = {**named, "Id": self._given("QuotaCode"), "DesiredValue": value, "Status": "APPROVED"}
        return json.dumps({"RequestedQuota": request})

    def _quota(self, *, account: str) -> dict[str, Any]:
        return self._shown(
            self.backend.get_service_quota(self._given("ServiceCode"), self._given("QuotaCode")), account
        )

    def _shown(self, quota: dict[str, Any], account: str) -> dict[str, Any]:
        quota = {**quota, "Value": quota["Value"] if not account else self._applied(quota)}
        place = f"{quota['ServiceCode']}/{quota['QuotaCode']}"
        return {**quota, "QuotaArn": f"arn:{self.partition}:servicequotas:{self.region}:{account}:{place}"}

    def _applied(self, quota: dict[str, Any]) -> float:
        return applied_quota(self.current_account, self.region, quota["QuotaCode"], quota["Value"])

    def _given(self, name: str) -> str:
        return str(json.loads(self.body).get(name))
