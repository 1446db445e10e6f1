"""Automation of Systems Manager: runbooks, approvals and change requests, as documented by AWS.

Sources, under https://docs.aws.amazon.com/systems-manager/latest/APIReference/: API_StartAutomationExecution,
API_GetAutomationExecution, API_DescribeAutomationExecutions, API_DescribeAutomationStepExecutions,
API_SendAutomationSignal, API_StopAutomationExecution, API_StartChangeRequestExecution, API_DescribeInstanceInformation.
"""

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import iam_backends
from moto.ssm.exceptions import InvalidDocument, SSMException, ValidationException
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.sts.models import sts_backends

from common.aws.arns import split_arn
from local.automation.actions import Connect
from local.automation.execution import ENDED, ApprovalDecision, Execution, ExecutionRequest, StepRecord, text_of
from local.emulator.extension import automation_runs, documents, nodes
from local.emulator.extension.access_requests import ACCESS_REQUEST, is_member
from local.emulator.extension.automation_runs import RUNS
from local.emulator.extension.paging import page
from local.emulator.settings import SETTINGS

if TYPE_CHECKING:
    from moto.ssm.models import Documents

_CHANGE_REQUEST: Final = "ChangeRequest"


class AutomationActions(SimpleSystemManagerResponse):
    """Actions that moto lacks."""

    def start_automation_execution(self) -> ActionResult:
        document, version = self._runbook(str(self._get_param("DocumentName")), self._get_param("DocumentVersion"))
        shown = {name: self._get_param(name) for name in _AS_STARTED if self._get_param(name)}
        run = self._begin(document, version, self._get_param("Parameters") or {}, self._caller(), shown=shown)
        return ActionResult({"AutomationExecutionId": run.id})

    def start_change_request_execution(self) -> ActionResult:
        """API_StartChangeRequestExecution: the template's approvals, then the runbook; requesters cannot approve."""
        name = str(self._get_param("DocumentName"))
        document, version = self._runbook(name, self._get_param("DocumentVersion"))
        runbooks = cast("list[dict[str, Any]]", self._get_param("Runbooks") or [])
        allowed = {each["name"] for each in document.get("executableRunBooks", [])}
        if len(runbooks) != 1 or runbooks[0]["DocumentName"] not in allowed:
            raise ValidationException(f"Runbooks must hold one of those that the change template allows: {allowed}")
        if self._get_param("AutoApprove") and not document.get("autoApprovable"):
            raise SSMException("AutomationDefinitionNotApprovedException", "The change template isn't auto-approvable.")
        requester = self._caller()
        target, target_version = self._runbook(runbooks[0]["DocumentName"], runbooks[0].get("DocumentVersion"))
        given: dict[str, Any] = runbooks[0].get("Parameters") or {}
        parameters_of(target, given)

        def start_runbook(request: Execution) -> None:
            if request.status != "Success":
                request.status = "Rejected" if request.failure else request.status
                return
            request.status = "RunbookInProgress"
            child = self._begin(target, target_version, given, requester, parent=request.id)
            child.finished.wait()
            request.status = "CompletedWithSuccess" if child.status == "Success" else "CompletedWithFailure"

        request = ExecutionRequest(document=name, version=version, parameters={}, requested_by=requester)
        run = automation_runs.begin(document, request, self._connect(), then=start_runbook)
        run.extra |= {"AutomationSubtype": _CHANGE_REQUEST, "ChangeRequestName": self._get_param("ChangeRequestName")}
        run.extra["Runbooks"] = runbooks
        self._runs()[run.id] = run
        return ActionResult({"AutomationExecutionId": run.id})

    def get_automation_execution(self) -> ActionResult:
        return ActionResult({"AutomationExecution": _whole(self._run())})

    def describe_automation_executions(self) -> ActionResult:
        """API_DescribeAutomationExecutions: newest first, in pages."""
        filters = cast("list[dict[str, Any]]", self._get_param("Filters") or [])
        runs = [run for run in reversed(self._runs().values()) if _matches(run, filters)]
        return ActionResult(self._page(runs, "AutomationExecutionMetadataList", _summary))

    def describe_automation_step_executions(self) -> ActionResult:
        return ActionResult(self._page(self._run().steps, "StepExecutions", _shown_step))

    def send_automation_signal(self) -> ActionResult:
        """API_SendAutomationSignal: Approve and Reject, by an approver of the waiting step; Revoke of an access request.

        AWS does not document which statuses of an access request can be revoked; here, it must be approved.
        """
        run, who = self._run(), self._caller()
        step = run.current
        if self._get_param("SignalType") == "Revoke":
            is_approved = run.extra.get("AutomationSubtype") == ACCESS_REQUEST and run.status == "Success"
            if not is_approved or not any(may_decide(who, each.inputs) for each in run.steps):
                raise SSMException("InvalidAutomationSignalException", f"{who} cannot revoke this execution.")
            run.extra["revoked"] = True
            return EmptyResult()
        if step is None or step.action != "aws:approve" or step.status != "Waiting":
            raise SSMException("InvalidAutomationSignalException", "No step of this execution waits for a signal.")
        signal = str(self._get_param("SignalType"))
        if signal not in ("Approve", "Reject"):
            raise SSMException("InvalidAutomationSignalException", f"{signal} is not known to the local AWS.")
        if not may_decide(who, step.inputs):
            raise SSMException("InvalidAutomationSignalException", f"{who} is no approver of this step.")
        if run.extra.get("AutomationSubtype") and who == run.request.requested_by:
            raise SSMException("InvalidAutomationSignalException", "Requesters cannot approve their own requests.")
        payload: dict[str, list[str]] = self._get_param("Payload") or {}
        comment = payload.get("Comment", [""])[0]
        run.decide(ApprovalDecision(who=who, decision=signal, comment=comment, when=datetime.now(UTC)))
        return EmptyResult()

    def stop_automation_execution(self) -> ActionResult:
        """API_StopAutomationExecution: type Cancel."""
        run = self._run()
        if run.status in ENDED:
            raise SSMException("InvalidAutomationStatusUpdateException", "The execution has ended.")
        run.cancel()
        return EmptyResult()

    def describe_instance_information(self) -> ActionResult:
        """API_DescribeInstanceInformation: an instance with a role counts as managed, and as online while it runs."""
        filters = cast("list[dict[str, Any]]", self._get_param("Filters") or [])
        chosen = next((each["Values"] for each in filters if each["Key"] == "InstanceIds"), None)
        managed = [
            {
                "InstanceId": instance.id,
                "PingStatus": nodes.ping_status(instance),
                "AgentVersion": nodes.agent_version(instance),
                "PlatformType": nodes.platform(instance),
                "ResourceType": "EC2Instance",
            }
            for instance in nodes.managed_instances(self.current_account, self.region)
            if chosen is None or instance.id in chosen
        ]
        return ActionResult({"InstanceInformationList": managed})

    def _begin(  # noqa: PLR0913 -- how it was started
        self,
        document: dict[str, Any],
        version: str,
        given: dict[str, Any],
        requester: str,
        *,
        parent: str = "",
        shown: dict[str, Any] | None = None,
    ) -> Execution:
        parameters = parameters_of(document, given)
        name = document["__name__"]
        request = ExecutionRequest(document=name, version=version, parameters=parameters, requested_by=requester)
        run = automation_runs.begin(document, request, self._connect())
        run.extra |= {"given": given, "parent": parent, **(shown or {})}
        self._runs()[run.id] = run
        return run

    def _runbook(self, name: str, version: str | None) -> tuple[dict[str, Any], str]:
        known: dict[str, Documents] = vars(self.ssm_backend)["_documents"]
        try:
            found = documents.find(known[name], version, None)
        except (KeyError, InvalidDocument) as missing:
            raise SSMException(
                "AutomationDefinitionNotFoundException", f"An Automation runbook with the name {name} isn't found."
            ) from missing
        return {**json.loads(found.content), "__name__": name}, found.document_version

    def _run(self) -> Execution:
        run = self._runs().get(str(self._get_param("AutomationExecutionId")))
        if run is None:
            raise SSMException("AutomationExecutionNotFoundException", "There is no such automation execution.")
        return run

    def _runs(self) -> dict[str, Execution]:
        return RUNS.of(self.current_account, self.region)

    def _caller(self) -> str:
        backend: Any = sts_backends[self.current_account]["aws"]
        return backend.get_caller_identity(self.get_access_key(), self.region)[1]

    def _connect(self) -> Connect:
        host = next(value for name, value in dict(self.headers).items() if name.lower() == "host")
        return automation_runs.connector(f"http://{host}", self.get_access_key(), self.region)

    def _page(self, items: list[Any], name: str, shown: Any) -> dict[str, Any]:
        size = int(self._get_param("MaxResults") or SETTINGS.current().automation_page_size)
        listed, more = page(items, size, self._get_param("NextToken"))
        return {name: [shown(item) for item in listed], **more}


def parameters_of(document: dict[str, Any], given: dict[str, list[str]]) -> dict[str, Any]:
    """Return the validated parameters of an execution (User Guide, "Data elements and parameters").

    Raises:
        SSMException: `InvalidAutomationExecutionParametersException`: A parameter is unknown, missing or invalid.
    """

    def refuse(reason: str) -> SSMException:
        return SSMException("InvalidAutomationExecutionParametersException", reason)

    declared = cast("dict[str, dict[str, Any]]", document.get("parameters", {}))
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise refuse(f"The runbook has no parameters {', '.join(unknown)}.")
    values: dict[str, Any] = {}
    for name, rules in declared.items():
        if name not in given and "default" not in rules:
            raise refuse(f"Parameter {name} is missing.")
        value = given[name] if name in given else rules["default"]
        if rules["type"] == "String" and isinstance(value, list):
            value = cast("list[str]", value)[0]
        if not re.fullmatch(rules.get("allowedPattern", ".*"), str(value)):
            raise refuse(f"Parameter {name}: {value} does not match {rules['allowedPattern']}.")
        if value not in rules.get("allowedValues", [value]):
            raise refuse(f"Parameter {name}: {value} is not one of {rules['allowedValues']}.")
        values[name] = value
    return values


def may_decide(who: str, inputs: dict[str, Any]) -> bool:
    """Return whether a caller, by ARN, is among the approvers in a step's inputs.

    Source: User Guide, "aws:approve" and "Creating change templates".
    """
    enhanced = inputs.get("EnhancedApprovals")
    if enhanced:
        return any(_is_enhanced_approver(who, each) for each in cast("list[dict[str, Any]]", enhanced["Approvers"]))
    return any(_is_approver(who, approver) for approver in cast("list[str]", inputs.get("Approvers", [])))


def _is_approver(who: str, approver: str) -> bool:
    """Match an approver: a user name, or the ARN of a user, a role or a role session."""
    if not approver.startswith("arn:"):
        return ":user/" in who and who.rsplit("/", 1)[1] == approver
    if ":role/" in approver:
        return ":assumed-role/" in who and who.split("/")[1] == approver.rsplit("/", 1)[1]
    return who == approver or (":user/" in approver and ":user/" in who and _name(who) == _name(approver))


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[1]


def _is_enhanced_approver(who: str, approver: dict[str, Any]) -> bool:
    name, kind = approver["approver"], approver["type"]
    if kind == "SSOGroup":
        return is_member(who, name)
    if kind == "IamRole":
        return ":assumed-role/" in who and who.split("/")[1] == name
    if kind == "IamUser":
        return ":user/" in who and _name(who) == name
    if kind == "IamGroup":
        # Not by an API call, which would wait for the lock that this request holds.
        group: Any = iam_backends[split_arn(who).account_id]["aws"].groups.get(name)
        return group is not None and who in [user.arn for user in group.users]
    return False


# Executions and steps in responses.


_AS_STARTED: Final = ("Mode", "Targets", "TargetMaps", "TargetParameterName", "TargetLocations", "TargetLocationsURL")
"""Properties returned as given. The local AWS executes such an automation once; AWS does so per target or in steps."""


def _summary(run: Execution) -> dict[str, Any]:
    """API_AutomationExecutionMetadata."""
    current = run.current
    shown: dict[str, Any] = {
        "AutomationExecutionId": run.id,
        "DocumentName": run.request.document,
        "DocumentVersion": run.request.version,
        "AutomationExecutionStatus": _status(run),
        "ExecutionStartTime": run.started,
        "ExecutedBy": run.request.requested_by,
        "Outputs": run.outputs(),
        "Mode": "Auto",
    }
    if run.ended:
        shown["ExecutionEndTime"] = run.ended
    if run.failure:
        shown["FailureMessage"] = run.failure
    if current:
        shown |= {"CurrentStepName": current.name, "CurrentAction": current.action}
    if run.extra.get("parent"):
        shown["ParentAutomationExecutionId"] = run.extra["parent"]
    for name in ("AutomationSubtype", "ChangeRequestName", "OpsItemId", "Runbooks", *_AS_STARTED):
        if run.extra.get(name):
            shown[name] = run.extra[name]
    return shown


def _whole(run: Execution) -> dict[str, Any]:
    """API_AutomationExecution, with parameters and steps."""
    parameters = {
        name: cast("list[str]", value) if isinstance(value, list) else [text_of(value)]
        for name, value in run.request.parameters.items()
    }
    return {
        **_summary(run),
        "Parameters": parameters,
        "StepExecutions": [_shown_step(each) for each in run.steps],
        "StepExecutionsTruncated": False,
    }


def _shown_step(done: StepRecord) -> dict[str, Any]:
    """API_StepExecution."""
    shown: dict[str, Any] = {
        "StepName": done.name,
        "Action": done.action,
        "StepStatus": done.status,
        "StepExecutionId": f"{id(done):036x}",
        "Inputs": {name: text_of(value) for name, value in done.inputs.items() if name != "Script"},
        "Outputs": {
            name: cast("list[str]", value) if isinstance(value, list) else [text_of(value)]
            for name, value in done.outputs.items()
        },
        "OnFailure": done.definition.get("onFailure", "Abort"),
        "IsEnd": bool(done.definition.get("isEnd")),
        "IsCritical": bool(done.definition.get("isCritical", True)),
    }
    if done.started:
        shown["ExecutionStartTime"] = done.started
    if done.ended:
        shown["ExecutionEndTime"] = done.ended
    if done.failure:
        shown["FailureMessage"] = done.failure
    return shown


def _status(run: Execution) -> str:
    """Return the status: waiting while a step waits for an approval; change requests have statuses of their own."""
    current = run.current
    waiting = run.status == "InProgress" and current is not None and current.status == "Waiting"
    if not waiting:
        return run.status
    return "PendingApproval" if run.extra.get("AutomationSubtype") else "Waiting"


def _matches(run: Execution, filters: list[dict[str, Any]]) -> bool:
    """Return whether an execution matches all filters (API_AutomationExecutionFilter); unknown ones match nothing."""
    current = run.current
    found = {
        "ExecutionStatus": _status(run),
        "ExecutionId": run.id,
        "ParentExecutionId": run.extra.get("parent"),
        "CurrentAction": current.action if current else None,
        "AutomationSubtype": run.extra.get("AutomationSubtype"),
        "OpsItemId": run.extra.get("OpsItemId"),
    }
    for each in filters:
        values = cast("list[str]", each["Values"])
        if each["Key"] == "DocumentNamePrefix":
            passes = run.request.document.startswith(tuple(values))
        else:
            passes = found.get(each["Key"]) in values
        if not passes:
            return False
    return True
