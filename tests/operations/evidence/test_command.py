"""The command, from files and on the local AWS."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.approval.identity_center import account_access_trust
from components.approval.names import EVIDENCE_DATABASE, EVIDENCE_WORKGROUP, TAG_KEY
from components.approval.settings import Trail
from local.aws import Emulator
from local.emulator.fixtures import LINUX_IMAGE, TRAIL_BUCKET, TRAIL_PREFIX
from operations.evidence.command import INCOMPLETE
from operations.evidence.live import SECONDS_PER_LOOKUP
from tests.components.just_in_time.examples import approval as access_policies
from tests.operations.arrangement import Account, Command, Fail, configuration, refusal
from tests.operations.evidence.test_files import trail
from tests.operations.evidence.test_queries import table
from tests.support.evidence_history import History
from tests.support.golden_files import Golden
from tests.support.identity_center import IdentityCenter

SESSION_MANAGER = {
    "s3Logging": True,
    "s3BucketName": "session-logs",
    "s3KeyPrefix": "logs",
    "cwLogGroupName": "",
    "createCwLogGroup": False,
}
PERIOD = ("--from", "2026-11-01", "--to", "2026-11-02")
APPROVAL = {"mode": "automation", "approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"]}


@pytest.fixture
def history() -> History:
    return History()


def run(command: Command, folder: Path, history: History, *arguments: str) -> Any:
    trail(folder, history.events)
    return command("evidence", "--offline", "--trail", str(folder), *PERIOD, *arguments, stack=configuration())


def after_noon(minutes: int) -> datetime:
    return datetime(2026, 11, 1, 12, minutes, tzinfo=UTC)


def test_files_give_a_table_and_the_exit_code_of_findings(command: Command, tmp_path: Path, history: History) -> None:
    history.start(after_noon(3))
    result = run(command, tmp_path, history)
    assert result.exit_code == 1
    assert "1 session; findings: 1 critical, 1 medium." in result.stdout
    assert "2 (critical)" in " ".join(result.stdout.split())


def test_low_findings_are_no_failure(command: Command, tmp_path: Path, history: History) -> None:
    history.grant()
    result = run(command, tmp_path, history)
    assert (result.exit_code, "grant-unused" in result.stdout) == (0, True)


def test_unreadable_file_has_its_own_exit_code(command: Command, tmp_path: Path, history: History) -> None:
    (tmp_path / "broken.json.gz").write_bytes(b"x")
    result = run(command, tmp_path, history)
    assert result.exit_code == INCOMPLETE
    assert "The report is incomplete" in result.stdout


@pytest.mark.parametrize(
    "odd",
    [
        {"requestParameters": {"roleName": "Operator", "tags": ["Key"]}},
        {"requestParameters": {"roleName": "Operator", "tags": 1}},
        {"eventTime": "9999-12-31T23:59:59-14:00"},
        {"eventTime": None},
    ],
    ids=str,
)
def test_odd_event_makes_the_report_incomplete(
    command: Command, tmp_path: Path, history: History, odd: dict[str, Any]
) -> None:
    history.grant()
    tagged = next(each for each in history.events if each["eventName"] == "TagRole")
    history.events.append({**tagged, **odd})
    assert run(command, tmp_path, history).exit_code == INCOMPLETE


@pytest.mark.parametrize(
    ("option", "count"),
    [
        ("--account=111122223333", 2),
        ("--account=999999999999", 0),
        ("--node=i-0fedcba9876543210", 1),
        ("--person=olivia", 1),
        ("--person=arn:aws:iam::111122223333:user/alice", 1),
    ],
)
def test_options_limit_the_rows(command: Command, tmp_path: Path, history: History, option: str, count: int) -> None:
    history.start(after_noon(3))
    history.start(after_noon(4), who="arn:aws:iam::111122223333:user/alice", node="i-0fedcba9876543210")
    shown = json.loads(run(command, tmp_path, history, "--json", option).stdout)
    assert len(shown["rows"]) == count


def test_saved_records_give_the_same_report(command: Command, tmp_path: Path, history: History) -> None:
    history.grant()
    history.start(after_noon(3))
    saved = tmp_path / "records.jsonl"
    first = json.loads(run(command, tmp_path / "trail", history, "--json", "--save", str(saved)).stdout)
    again = command("evidence", "--offline", "--load", str(saved), *PERIOD, "--json", stack=configuration())
    assert json.loads(again.stdout) == first


def test_csv_and_page_are_written(command: Command, tmp_path: Path, history: History) -> None:
    history.start(after_noon(3))
    run(command, tmp_path / "trail", history, "--csv", str(tmp_path / "a.csv"), "--html", str(tmp_path / "a.html"))
    assert "session-without-approval" in (tmp_path / "a.csv").read_text()
    assert "session-without-approval" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--offline",), "--offline: expected --trail, --exported or --load with it"),
        (("--from", "yesterday"), "--from: expected a time such as 2026-11-29"),
        (("--from", "2026-11-02", "--to", "2026-11-01"), "--from: expected a time before --to"),
        (("--from", "99999d"), "--from: expected a time such as"),
        (("--offline", "--athena"), "--athena: expected a stack to call AWS for, got --offline"),
        (
            ("--event-data-store", "events"),
            "--event-data-store: expected the ARN or ID of an event data store, got 'events'",
        ),
        (("--athena", "--account", "12"), "--account: expected an account ID of 12 digits, got '12'"),
    ],
)
def test_wrong_option_is_one_message(command: Command, arguments: tuple[str, ...], message: str) -> None:
    result = command("evidence", *arguments, stack=configuration())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)


def test_unwritable_output_is_one_message(command: Command, tmp_path: Path, history: History) -> None:
    result = run(command, tmp_path, history, "--csv", str(tmp_path / "none" / "a.csv"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "expected a file that can be written" in result.stderr


class Scene:
    """A session of the operator on the local AWS."""

    def __init__(self, account: Account, endpoint: str) -> None:
        self.account = account
        self._endpoint = endpoint
        iam = account.client("iam")
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:user/olivia"},
            "Action": "sts:AssumeRole",
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName="Operator", AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName="Operator", PolicyName="all", PolicyDocument=json.dumps(policy))
        iam.create_instance_profile(InstanceProfileName="Node")
        account.client("s3").create_bucket(
            Bucket="session-logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        account.client("s3").put_bucket_versioning(Bucket="session-logs", VersioningConfiguration={"Status": "Enabled"})
        launched = account.client("ec2").run_instances(
            ImageId=LINUX_IMAGE,
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": "Node"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "app-1"}]}],
        )
        self.node = launched["Instances"][0]["InstanceId"]

    def session(self, credentials: dict[str, str] | None = None) -> str:
        arn = "arn:aws:iam::123456789012:role/Operator"
        given = (
            credentials or self.account.client("sts").assume_role(RoleArn=arn, RoleSessionName="olivia")["Credentials"]
        )
        ssm = boto3.client(
            "ssm",
            "eu-west-1",
            endpoint_url=self._endpoint,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
        session = ssm.start_session(Target=self.node, Reason="Ticket 4711")["SessionId"]
        ssm.terminate_session(SessionId=session)
        return session

    def log(self, session: str) -> None:
        key = f"logs/123456789012/eu-west-1/{session}.log"
        self.account.client("s3").put_object(Bucket="session-logs", Key=key, Body=b"x" * 500)


@pytest.fixture
def scene(account: Account, emulator: Emulator) -> Scene:
    return Scene(account, emulator.endpoint_url)


def evidence(command: Command, *options: str, **sections: Any) -> tuple[int, dict[str, Any]]:
    stack = configuration(session_manager=SESSION_MANAGER, **sections)
    result = command("evidence", "--json", "--from", "1h", *options, stack=stack)
    assert result.stderr == ""
    return result.exit_code, json.loads(result.stdout)


def test_session_of_the_account_is_complete(command: Command, scene: Scene, pauses: list[float]) -> None:
    session = scene.session()
    scene.log(session)
    code, shown = evidence(command)
    (row,) = shown["rows"]
    assert (code, shown["complete"], row["findings"]) == (0, True, [])
    assert (row["sessionId"], row["nodeName"], row["person"]) == (session, "app-1", "olivia")
    assert (row["reason"], row["sourceIp"], row["endSource"]) == ("Ticket 4711", "127.0.0.1", "TerminateSession")
    assert row["logLocation"] == f"s3://session-logs/logs/123456789012/eu-west-1/{session}.log"
    assert (row["logBytes"], bool(row["logVersion"])) == (500, True)
    assert set(pauses) == {SECONDS_PER_LOOKUP}


WORKFLOW = {"approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"]}
MOVE = {**WORKFLOW, "justInTime": access_policies()["justInTime"], "justInTimeMigration": "parallel"}


@pytest.mark.parametrize(
    ("section", "how"),
    [(MOVE, ""), (access_policies(), ", by a standing ssm:StartSession, without an access request")],
    ids=["during a move", "after it"],
)
def test_access_requests_and_workflow_are_both_read(
    command: Command, scene: Scene, section: dict[str, Any], how: str
) -> None:
    scene.session()
    _, shown = evidence(command, **{"shell-access:approval": json.dumps(section)})
    assert {each["name"] for each in shown["sources"]} >= {"Access requests", "Automation"}
    (found,) = [each for row in shown["rows"] for each in row["findings"] if each["rule"] == "session-without-approval"]
    assert found["detail"] == f"role/Operator on {scene.node}{how}"


def test_many_sessions_are_found_by_one_listing(
    command: Command, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operations.evidence import live  # noqa: PLC0415

    scene.log(scene.session())
    monkeypatch.setattr(live, "_LOGS_ONE_BY_ONE", 0)
    _, shown = evidence(command)
    assert [row["logBytes"] for row in shown["rows"]] == [500]


def test_deleted_log_of_the_account_is_found(command: Command, scene: Scene) -> None:
    session = scene.session()
    scene.log(session)
    key = f"logs/123456789012/eu-west-1/{session}.log"
    scene.account.client("s3").delete_object(Bucket="session-logs", Key=key)
    code, shown = evidence(command)
    assert (code, [each["rule"] for each in shown["rows"][0]["findings"]]) == (1, ["session-log-deleted"])


def test_tag_that_a_principal_set_is_found(command: Command, scene: Scene) -> None:
    scene.account.client("iam").tag_role(RoleName="Operator", Tags=[{"Key": TAG_KEY, "Value": scene.node}])
    scene.log(scene.session())
    code, shown = evidence(command, **{"shell-access__approval": json.dumps(APPROVAL)})
    assert code == 1, shown["rows"]
    assert [each["rule"] for each in shown["rows"][0]["findings"]] == ["grant-outside-runbook"]


class Entitled:
    """A session that Olivia starts in her role, with a session name of account access manager that is Oscar's."""

    def __init__(self, scene: Scene) -> None:
        client = scene.account.client
        self.center = IdentityCenter(client)
        client("organizations").create_organization(FeatureSet="ALL")
        client("organizations").enable_aws_service_access(ServicePrincipal="account-access.amazonaws.com")
        application, self.user = self.center.application(), self.center.user("olivia@example.org")
        self.role = f"ShellOperator-{self.user}"
        client("iam").create_role(
            RoleName=self.role,
            Path="/shell-access/operators/",
            AssumeRolePolicyDocument=json.dumps(account_access_trust(application)),
        )
        allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]}
        client("iam").put_role_policy(RoleName=self.role, PolicyName="all", PolicyDocument=json.dumps(allowed))
        arn = f"arn:aws:iam::123456789012:role/shell-access/operators/{self.role}"
        self.center.entitle(application, arn, userId=self.user)
        scene.session(self.center.sign_in(application, self.user, arn, "oscar@example.org"))
        access = {"access": "account-access-manager", "applicationArn": application}
        operators = [{"identityCenterUser": "olivia@example.org"}]
        self.section = {**APPROVAL, "operatorRoles": [], "operators": operators, "identityCenter": access}

    def person(self, command: Command, **access: str) -> tuple[str | None, set[str]]:
        """The person of the session, with the rules of its findings."""
        section = {**self.section, "identityCenter": {**self.section["identityCenter"], **access}}
        (row,) = evidence(command, **{"shell-access__approval": json.dumps(section)})[1]["rows"]
        return row["person"], {each["rule"] for each in row["findings"]}


def test_session_of_an_entitled_person_has_their_name(command: Command, scene: Scene, fail: Fail) -> None:
    entitled = Entitled(scene)
    assert entitled.person(command) == ("olivia@example.org", {"session-without-approval", "session-without-log"})
    assert entitled.person(command, identityStoreId=entitled.center.store)[0] == "olivia@example.org"
    other = entitled.section["identityCenter"]["applicationArn"].replace("application/", "application/0")
    assert "session-unknown-person" in entitled.person(command, applicationArn=other)[1]
    entitled.center.delete(entitled.user)
    # The records still prove the person, whose name is not known any more.
    assert entitled.person(command)[0] == entitled.user
    fail("identitystore", "DescribeUser", refusal())
    person, rules = entitled.person(command)
    assert (person, "session-unknown-person" in rules) == (None, True)


@pytest.mark.parametrize(
    ("call", "source"),
    [
        (("iam", "GetRole"), "iam:GetRole"),
        (("ec2", "DescribeInstances"), "ec2:DescribeInstances"),
        (("s3", "ListObjectVersions"), "s3:ListBucketVersions"),
    ],
)
def test_unread_fact_makes_the_report_incomplete(
    command: Command, scene: Scene, fail: Fail, call: tuple[str, str], source: str
) -> None:
    scene.session()
    fail(*call, refusal())
    code, shown = evidence(command, "--node", "app-1")
    assert (code, shown["complete"]) == (INCOMPLETE, False)
    assert any(str(each["problem"]).startswith(f"{source}: refused: ") for each in shown["sources"])


def test_refused_source_makes_the_report_incomplete(
    command: Command, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.session()
    from operations.evidence import live  # noqa: PLC0415

    monkeypatch.setattr(live, "EVENT_HISTORY", timedelta(minutes=1))
    code, shown = evidence(command)
    assert (code, shown["complete"]) == (INCOMPLETE, False)
    assert any("90 days" in gap for gap in shown["gaps"])


def test_trail_is_needed_for_a_query(command: Command, scene: Scene) -> None:  # noqa: ARG001
    result = command("evidence", "--athena", stack=configuration(session_manager=SESSION_MANAGER))
    assert result.exit_code == 2
    assert result.stderr.startswith("--athena: expected a stack with shell-access:approval.evidence.trail")


def test_all_wrong_options_are_reported_at_once(command: Command) -> None:
    given = ("--offline", "--athena", "--event-data-store", "x", "--account", "1")
    result = command("evidence", *given, stack=configuration())
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        *("--athena", "--event-data-store", "--event-data-store", "--account")
    ]


@pytest.mark.parametrize("queried", [True, False])
def test_trail_of_the_organization_adds_its_accounts(command: Command, scene: Scene, queried: bool) -> None:  # noqa: FBT001
    trail_bucket(scene)
    scene.log(scene.session())
    settings = {**APPROVAL, "evidence": {"trail": {"bucket": TRAIL_BUCKET.name, "prefix": TRAIL_PREFIX}}}
    sections: Any = {"shell-access__approval": json.dumps(settings)}
    stack = configuration(session_manager=SESSION_MANAGER, **sections)
    options = ("--athena", "--account", "123456789012") if queried else ()
    shown = json.loads(command("evidence", "--json", "--from", "1h", *options, stack=stack).stdout)
    (row,) = shown["rows"]
    assert [each["rule"] for each in row["findings"]] == ["session-without-approval"]
    sources = {each["name"]: each for each in shown["sources"]}
    own = sources.get("Trail, account 123456789012")
    # The local AWS has no log files of the days before.
    assert (own is not None, shown["complete"]) == (queried, not queried)
    if own:
        assert (own["records"], own["problem"][:26]) == (2, "2 days have no log file, s")


def trail_bucket(scene: Scene) -> None:
    """Create the bucket of the trail, into which the local AWS writes log files, and its table."""
    scene.account.client("s3").create_bucket(
        Bucket=TRAIL_BUCKET.name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    glue = scene.account.client("glue")
    glue.create_database(DatabaseInput={"Name": EVIDENCE_DATABASE})
    glue.create_table(
        DatabaseName=EVIDENCE_DATABASE, TableInput=table(Trail(bucket=TRAIL_BUCKET.name, prefix=TRAIL_PREFIX))
    )
    managed = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    scene.account.client("athena").create_work_group(Name=EVIDENCE_WORKGROUP, Configuration=managed)


def test_trail_has_what_the_event_history_has_no_more(
    command: Command, scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from operations.evidence import live  # noqa: PLC0415

    scene.log(scene.session())
    monkeypatch.setattr(live, "EVENT_HISTORY", timedelta(minutes=1))
    trail(tmp_path, [{"eventSource": "s3.amazonaws.com", "eventName": "GetObject"}])
    stack = configuration(session_manager=SESSION_MANAGER)
    result = command("evidence", "--json", "--from", "1h", "--trail", str(tmp_path), stack=stack)
    assert (result.exit_code, json.loads(result.stdout)["complete"]) == (0, True)


def test_missing_bucket_makes_the_report_incomplete(command: Command, scene: Scene) -> None:
    scene.session()
    s3 = scene.account.client("s3")
    s3.delete_bucket(Bucket="session-logs")
    code, shown = evidence(command)
    assert (code, shown["complete"]) == (INCOMPLETE, False)


def test_command_is_golden(command: Command, tmp_path: Path, history: History, golden: Golden) -> None:
    history.grant()
    session = run(command, tmp_path / "clean", history, "--json")
    history.start(after_noon(3), who="arn:aws:iam::111122223333:user/alice")
    results = {"no findings": session, "findings": run(command, tmp_path / "findings", history, "--json")}
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.json.gz").write_bytes(b"x")
    results["incomplete"] = run(command, tmp_path / "broken", history, "--json")
    results["unusable option"] = command("evidence", "--from", "yesterday", "--json", stack=configuration())
    golden.command("evidence", results)
