"""Entitlements of account access manager. Source: Terraform AWS provider, `internal/service/accountaccess`."""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Code, Item, Operation, Property, ResourceType, record, text

propagation_seconds: Final = 120


def _create(aws: Aws, entitlement: Item) -> str:
    """Create an entitlement; the role may be so new that the service does not see it yet."""
    given = entitlement.values
    role = given["entitlement"]["principalRole"]
    desired = {"principalRole": {"principal": role["principal"], "roleArn": role["roleArn"]}}
    answer = aws.retry(
        ("ValidationException",),
        lambda: aws.call("CreateEntitlement", applicationArn=given["applicationArn"], entitlement=desired),
        propagation_seconds,
        "verifying role",
    )
    return answer["entitlementId"]


ENTITLEMENT = ResourceType(
    name="aws:accountaccess/entitlement:Entitlement",
    service="account-access",
    properties={
        "applicationArn": text(validators.arn, required=True, replaces=True),
        "entitlement": record(
            {
                "principalRole": record(
                    {
                        "accountId": Property(output=True, aws="account"),
                        "accountName": Property(output=True),
                        "principal": record(
                            {"identityCenter": record({"groupId": text(), "userId": text()}, required=True)},
                            required=True,
                        ),
                        "roleArn": text(validators.arn, required=True),
                    },
                    required=True,
                )
            },
            required=True,
            replaces=True,
        ),
    },
    outputs="entitlementId",
    import_id="{applicationArn},{id}",
    framework=True,
    create=(Code(_create, "CreateEntitlement"),),
    read=(Operation("GetEntitlement", {"entitlementId": "id"}),),
    delete=(Operation("DeleteEntitlement", {"entitlementId": "id"}),),
    gone=frozenset({"ResourceNotFoundException"}),
)

RESOURCES = (ENTITLEMENT,)
