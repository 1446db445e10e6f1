"""Just-in-time node access: what the stack does not create, compared with the AWS documentation, and its verification alone."""

import json
from typing import Any

import pytest

from components.just_in_time import names
from operations.findings import Finding, Status
from operations.inventory.reader import Identity, Reader, aws_clients
from operations.stack import StackConfiguration
from operations.verify.just_in_time import account_findings, region_findings
from operations.verify.run import verify_just_in_time
from tests.components.just_in_time.examples import approval
from tests.operations.arrangement import ACCOUNT, REGION, Account, Calls, Fail, Refusing, refusal

POLICY = f"arn:aws:iam::aws:policy/{names.TOKEN_POLICY}"
BUCKET = "recordings"


def trust(**principal: Any) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}}
    )


def put_object(condition: Any, **changed: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": names.RECORDING},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [{**statement, **changed}]}


MORE = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": "*"}}
OF_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


class SetUp:
    """An account in which everything is as AWS documents it."""

    def __init__(self, account: Any) -> None:
        self.client = account.client
        iam, kms = self.client("iam"), self.client("kms")
        iam.create_role(RoleName=names.TOKEN_ROLE, AssumeRolePolicyDocument=trust(Service=names.TOKEN_SERVICE))
        iam.attach_role_policy(RoleName=names.TOKEN_ROLE, PolicyArn=POLICY)
        for name in (names.SERVICE_ROLE, names.NOTIFICATIONS_ROLE):
            iam.create_role(
                RoleName=name, Path="/aws-service-role/x/", AssumeRolePolicyDocument=trust(Service="ssm.amazonaws.com")
            )
        self.client("ssm").update_service_setting(SettingId=names.IDENTITY_PROVIDER_SETTING, SettingValue="SSO")
        tags = [{"TagKey": key, "TagValue": value} for key, value in names.MANAGED_TAG.items()]
        self.key = kms.create_key(Tags=tags)["KeyMetadata"]["Arn"]
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.allow(put_object(OF_ACCOUNT))
        bucket = {"BucketName": BUCKET, "BucketOwner": ACCOUNT}
        self.client("ssm-guiconnect").update_connection_recording_preferences(
            ConnectionRecordingPreferences={"KMSKeyArn": self.key, "RecordingDestinations": {"S3Buckets": [bucket]}}
        )

    def allow(self, policy: Any) -> None:
        self.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    def trusting(self, policy: str) -> None:
        self.client("iam").update_assume_role_policy(RoleName=names.TOKEN_ROLE, PolicyDocument=policy)

    def findings(self, account: str = ACCOUNT) -> dict[str, Finding]:
        reader = Reader(self, REGION, f"arn:aws:iam::{ACCOUNT}:user/reader")
        found = [*account_findings(reader, account, "aws"), *region_findings(reader, ACCOUNT)]
        return {each.check: each for each in found}

    def statuses(self, account: str = ACCOUNT) -> dict[str, Status]:
        """Return the checks that are neither OK nor only for completeness."""
        return {
            check: each.status
            for check, each in self.findings(account).items()
            if each.status not in {Status.OK, Status.NOTE}
        }


@pytest.fixture
def set_up(account: Any) -> SetUp:
    return SetUp(account)


def test_documented_setup_is_ok(set_up: SetUp) -> None:
    assert set_up.statuses() == {}
    assert set(set_up.findings()) == {
        *("access-token-role", "access-token-role-trust", "access-token-role-policies", "access-service-role"),
        *("access-notifications-role", "access-delegated-administrator", "access-identity-provider"),
        *("access-rdp-recording", "access-rdp-recording-key", "access-rdp-recording-bucket"),
    }
    # No organization is visible from a member account.
    assert set_up.findings()["access-delegated-administrator"].status is Status.NOTE


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        (trust(Service="ssm.amazonaws.com"), f"it does not trust {names.TOKEN_SERVICE}"),
        (trust(Service=[names.TOKEN_SERVICE, "ec2.amazonaws.com"]), "it trusts Service ec2.amazonaws.com"),
        (
            trust(Service=names.TOKEN_SERVICE, AWS=f"arn:aws:iam::{ACCOUNT}:root"),
            f"it trusts AWS arn:aws:iam::{ACCOUNT}:root",
        ),
        (trust(Service=[names.TOKEN_SERVICE, "evilssm.amazonaws.com"]), "it trusts Service evilssm.amazonaws.com"),
    ],
)
def test_trust_of_other_principals_is_reported(set_up: SetUp, policy: str, found: str) -> None:
    set_up.trusting(policy)
    assert set_up.statuses() == {"access-token-role-trust": Status.DIFFERENT}
    assert found in set_up.findings()["access-token-role-trust"].found


def test_trust_of_any_principal_is_reported(set_up: SetUp) -> None:
    policy = json.loads(trust(Service=names.TOKEN_SERVICE))
    policy["Statement"] = [policy["Statement"], {**policy["Statement"], "Principal": "*"}]
    set_up.trusting(json.dumps(policy))
    assert "any principal (*)" in set_up.findings()["access-token-role-trust"].found


def test_policies_of_the_token_role_are_compared(set_up: SetUp) -> None:
    iam = set_up.client("iam")
    iam.detach_role_policy(RoleName=names.TOKEN_ROLE, PolicyArn=POLICY)
    iam.put_role_policy(RoleName=names.TOKEN_ROLE, PolicyName="more", PolicyDocument=json.dumps(MORE))
    found = set_up.findings()["access-token-role-policies"]
    assert (found.status, found.found) == (Status.DIFFERENT, f"{POLICY} is not attached; it also has more")


@pytest.mark.parametrize(
    ("name", "check", "status"),
    [
        (names.SERVICE_ROLE, "access-service-role", Status.DIFFERENT),
        (names.NOTIFICATIONS_ROLE, "access-notifications-role", Status.WARNING),
    ],
)
def test_missing_service_linked_role_is_reported(set_up: SetUp, name: str, check: str, status: Status) -> None:
    set_up.client("iam").delete_role(RoleName=name)
    assert set_up.statuses() == {check: status}


def test_missing_token_role_is_reported(account: Any) -> None:
    assert account
    empty = SetUp.__new__(SetUp)
    empty.client = account.client
    assert empty.statuses() == {
        "access-token-role": Status.DIFFERENT,
        "access-service-role": Status.DIFFERENT,
        "access-notifications-role": Status.WARNING,
        "access-identity-provider": Status.WARNING,
        "access-rdp-recording": Status.WARNING,
    }


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        (None, "it does not allow recordings to be stored"),
        (put_object(OF_ACCOUNT, Effect="Deny"), "it does not allow recordings to be stored"),
        (put_object(OF_ACCOUNT, Action="s3:GetObject"), "it does not allow recordings to be stored"),
        (
            put_object(OF_ACCOUNT, Principal={"Service": "ssm.amazonaws.com"}),
            "it does not allow recordings to be stored",
        ),
        (put_object({}), "it allows that for recordings of any account"),
        (put_object({"StringEquals": {"aws:SourceAccount": [ACCOUNT, "999988887777"]}}), "of any account"),
        (put_object({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}), "of any account"),
        (put_object({"StringLike": {"aws:SourceOrgID": "*"}}), "of any account"),
    ],
)
def test_bucket_of_recordings_is_compared(set_up: SetUp, policy: Any, found: str) -> None:
    if policy is None:
        set_up.client("s3").delete_bucket_policy(Bucket=BUCKET)
    else:
        set_up.allow(policy)
    assert set_up.statuses() == {"access-rdp-recording-bucket": Status.DIFFERENT}
    assert found in set_up.findings()["access-rdp-recording-bucket"].found


def test_recording_bucket_for_an_organization_is_ok(set_up: SetUp) -> None:
    set_up.allow(put_object({"StringEquals": {"aws:SourceOrgID": "o-1234567890"}}, Action=["s3:Put*"]))
    assert set_up.statuses() == {}


def test_key_of_recordings_is_compared(set_up: SetUp) -> None:
    kms = set_up.client("kms")
    kms.untag_resource(KeyId=set_up.key, TagKeys=list(names.MANAGED_TAG))
    kms.disable_key(KeyId=set_up.key)
    found = set_up.findings()["access-rdp-recording-key"]
    assert (found.status, found.found) == (Status.DIFFERENT, "it is Disabled; without the tag, every connection fails")
    assert "TagKey=SystemsManagerJustInTimeNodeAccessManaged,TagValue=true" in found.remedy


def test_delegated_administrator_has_both_configurations(set_up: SetUp) -> None:
    organizations, quick_setup = set_up.client("organizations", "us-east-1"), set_up.client("ssm-quicksetup")
    organizations.create_organization(FeatureSet="ALL")
    assert set_up.statuses() == {"access-delegated-administrator": Status.DIFFERENT}
    created = organizations.create_account(AccountName="admin", Email="admin@example.org")
    admin = created["CreateAccountStatus"]["AccountId"]
    organizations.register_delegated_administrator(AccountId=admin, ServicePrincipal=names.QUICK_SETUP)
    assert set_up.statuses() == {}
    assert set_up.findings()["access-delegated-administrator"].found == admin
    assert set_up.statuses(admin) == {"access-quick-setup": Status.DIFFERENT}
    for kind in names.QUICK_SETUP_TYPES:
        assert f"{kind} is not configured" in set_up.findings(admin)["access-quick-setup"].found
        quick_setup.create_configuration_manager(ConfigurationDefinitions=[{"Type": kind, "Parameters": {}}])
    assert set_up.statuses(admin) == {}


def test_setup_with_denied_calls_cannot_tell(set_up: SetUp) -> None:
    denied = {"iam", "ssm", "ssm-guiconnect"}
    client = set_up.client

    def make(service: str, region: str = REGION) -> Any:
        return Refusing() if service in denied else client(service, region)

    set_up.client = make
    found = set_up.findings()
    assert {each.status for check, each in found.items() if check != "access-delegated-administrator"} == {
        Status.UNKNOWN
    }
    assert len(found) == 6


SECTIONS = {"sessionManager": {"maxSessionDuration": 60}, "approval": approval()}
STACK = StackConfiguration(
    name="dev",
    values={"aws:region": REGION, **{f"shell-access:{key}": json.dumps(value) for key, value in SECTIONS.items()}},
)
IDENTITY = Identity(account_id=ACCOUNT, partition="aws", arn=f"arn:aws:iam::{ACCOUNT}:user/local")
TAGS = [{"TagKey": key, "TagValue": value} for key, value in names.MANAGED_TAG.items()]


def of_key() -> Finding:
    (regions,) = verify_just_in_time(STACK, aws_clients(STACK), IDENTITY).regions.values()
    (found,) = (each for each in regions if each.check == "data-key-tags")
    assert all(each.check.startswith("access-") for each in regions if each is not found)
    return found


def test_key_is_compared_with_nothing_else_of_sessions(account: Account, called: Calls) -> None:
    key = account.key("alias/session-manager/data")["KeyId"]
    assert of_key().status == "different"
    account.client("kms").tag_resource(KeyId=key, Tags=TAGS)
    assert of_key().status == "ok"
    assert {name for service, name in called if service == "kms"} == {
        "DescribeKey",
        "GetKeyRotationStatus",
        "ListResourceTags",
    }
    assert {service for service, _ in called} <= {"iam", "kms", "ssm", "ec2", "organizations", "ssm-guiconnect"}


@pytest.mark.parametrize("call", ["DescribeKey", "ListResourceTags"])
def test_key_that_cannot_be_read_is_unknown(account: Account, fail: Fail, call: str) -> None:
    account.key("alias/session-manager/data")
    fail("kms", call, refusal("AccessDenied"))
    assert of_key().status == "cannotTell"


@pytest.mark.usefixtures("account")
def test_absent_key_is_different() -> None:
    assert (of_key().status, of_key().found) == ("different", "no such alias")
