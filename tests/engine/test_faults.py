"""The fault matrix through the whole engine; `tests/faults` has all of it against the provider class, call by call."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from common.aws.failures import FailureCause
from components.adoption.document_content import same_content
from tests.support.faults.account import BUCKET, LOG_GROUP, Account, Content, foreign
from tests.support.faults.faults import Call, Fault, FaultProxy, Times, rule, running_proxy
from tests.support.faults.in_process import LocalAws, Snapshot, local_aws
from tests.support.faults.matrix import NEW, OURS, THEIRS, Stage
from tests.support.stack import Run, Stack
from tests.support.warm_python import LONGEST_PAUSE

pytestmark = pytest.mark.engine

LONGEST_PAUSE_SECONDS = "0.02"
# The stack holds nothing but the document, so that all else in the calls is what is looked at before it is published.
SETTINGS = {
    "sessionDataEncryption": False,
    "createCwLogGroup": False,
    "cwLogGroupName": LOG_GROUP,
    "cwEncryptionEnabled": True,
    "s3Logging": True,
    "s3BucketName": BUCKET,
}
STAGES = (Stage.FIRST, Stage.ADOPTION, Stage.UPDATE, Stage.RESTORE, Stage.REMOVAL)
GATEWAY_MILLISECONDS = 300


@dataclass(frozen=True)
class Prepared:
    """An account and a stack before a stage, and what the stage makes of them when nothing goes wrong."""

    documents: Snapshot
    state: Path
    calls: tuple[Call, ...]
    live: Content | None
    versions: int


class EngineMatrix:
    def __init__(self, folder: Path, aws: LocalAws, proxy: FaultProxy) -> None:
        self.folder, self.aws, self.proxy = folder, aws, proxy
        self.account = Account(aws)
        self.account.prepare()
        self.stack = Stack(folder, proxy.endpoint_url)
        self.stack.environment[LONGEST_PAUSE] = LONGEST_PAUSE_SECONDS
        self.state = Path(self.stack.full_environment()["PULUMI_BACKEND_URL"].removeprefix("file://"))
        self.nothing, self.empty = self.aws.snapshot(), self.kept("empty")
        self.prepared: dict[Stage, Prepared] = {}

    def kept(self, name: str) -> Path:
        return Path(shutil.copytree(self.state, self.folder / f"state-{name}"))

    def bring_back(self, state: Path) -> None:
        shutil.rmtree(self.state)
        shutil.copytree(state, self.state)

    def configure(self, minutes: int) -> None:
        self.stack.configure({"sessionManager": SETTINGS | {"idleSessionTimeout": minutes}})

    def ready(self, stage: Stage) -> Prepared:
        if stage not in self.prepared:
            self.aws.restore(self.nothing)
            self.bring_back(self.empty)
            if stage not in (Stage.FIRST, Stage.REMOVAL):
                self.account.make_in_console(THEIRS)
            self.configure(OURS)
            if stage not in (Stage.FIRST, Stage.ADOPTION):
                self.stack.up().succeeded()
            documents, state = self.aws.snapshot(), self.kept(stage.name)
            self.aws.reset_calls()
            self.act(stage).succeeded()
            self.prepared[stage] = Prepared(
                documents, state, self.calls(), self.account.content(), len(self.account.versions())
            )
        return self.prepared[stage]

    def calls(self) -> tuple[Call, ...]:
        """Of the document: what the engine asks about the account is not ours."""
        named = (name.split(":", 1) for name in self.aws.calls())
        called = (Call(service, "GetBucketEncryption" if service == "s3" else name) for service, name in named)
        return tuple(sorted((call for call in called if call.service in {"ssm", "kms", "logs", "s3"}), key=str))

    def act(self, stage: Stage) -> Run:
        if stage in (Stage.RESTORE, Stage.REMOVAL):
            return self.stack.destroy()
        self.configure(NEW if stage is Stage.UPDATE else OURS)
        return self.stack.up()

    def run(self, stage: Stage, call: Call, fault: Fault, times: Times) -> None:
        prepared = self.ready(stage)
        self.aws.restore(prepared.documents)
        self.bring_back(prepared.state)
        before = self.account.content()
        fired = self.proxy.fired()
        self.proxy.inject(engine_rule(call, fault, times))
        run = self.act(stage)
        self.proxy.inject()
        assert self.proxy.fired() > fired
        live = self.account.content()
        assert any(same_content(live, allowed) for allowed in (before, prepared.live))
        if run.code:
            assert times is Times.FOR_EVER or not fault.passes, run.text
            # Behind a gateway a time-out is an answer.
            cause = FailureCause.SERVICE if fault is Fault.TIME_OUT else fault.cause
            assert f"{cause}: " in run.failed().text
            self.act(stage).succeeded()
        self.assert_repaired(stage, prepared)

    def assert_repaired(self, stage: Stage, prepared: Prepared) -> None:
        assert same_content(self.account.content(), prepared.live)
        assert same_content(self.account.content("$LATEST"), prepared.live)
        assert len(self.account.versions()) == prepared.versions
        if stage not in (Stage.RESTORE, Stage.REMOVAL):
            assert same_content(self.account.prior(), None if stage is Stage.FIRST else foreign(THEIRS))


def engine_rule(call: Call, fault: Fault, times: Times) -> dict[str, Any]:
    made = rule(call, fault, times)
    return made | {"timeout_ms": GATEWAY_MILLISECONDS} if fault is Fault.TIME_OUT else made


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineMatrix]:
    with local_aws() as aws, running_proxy(aws.endpoint_url) as proxy:
        yield EngineMatrix(tmp_path_factory.mktemp("faults"), aws, proxy)


@pytest.mark.parametrize(
    ("stage", "operation", "fault", "times"),
    [
        (Stage.FIRST, "CreateDocument", Fault.LOST, Times.ONCE),
        (Stage.RESTORE, "RemoveTagsFromResource", Fault.ABORTED, Times.FOR_EVER),
    ],
)
def test_engine_fault_is_reported_and_next_run_converges(
    engine: EngineMatrix, stage: Stage, operation: str, fault: Fault, times: Times
) -> None:
    engine.run(stage, Call("ssm", operation), fault, times)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("number", "fault"), list(enumerate(Fault)))
@pytest.mark.parametrize("stage", STAGES)
def test_engine_converges_after_every_fault(
    engine: EngineMatrix, subtests: pytest.Subtests, stage: Stage, number: int, fault: Fault
) -> None:
    """Each fault of each call happens once, or forever; tests/faults has both against the provider class."""
    for call, times in zip(
        engine.ready(stage).calls, itertools.islice(itertools.cycle(Times), number, None), strict=False
    ):
        with subtests.test(f"{call} {times}"):
            engine.run(stage, call, fault, times)
