"""SSM parameters. Source: Terraform AWS provider, `internal/service/ssm/parameter.go`."""

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import Change, Naming, Problem, ResourceType, flag, output, text, whole
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import UNKNOWN, Values

_tiers = ("Standard", "Advanced", "Intelligent-Tiering")
_types = ("String", "StringList", "SecureString")


def _put(aws: Aws, wanted: Values, **extra: object) -> None:
    value = next(wanted[name] for name in ("value", "insecureValue", "valueWo") if name in wanted)
    aws.call(
        "PutParameter",
        Name=wanted["name"],
        Type=wanted["type"],
        Value=value,
        AllowedPattern=wanted.get("allowedPattern"),
        DataType=wanted.get("dataType"),
        Description=wanted.get("description"),
        KeyId=wanted.get("keyId") if wanted["type"] == "SecureString" else None,
        Tier=wanted.get("tier"),
        **extra,
    )


def _create(aws: Aws, wanted: Values) -> str:
    overwrite: bool = wanted.get("overwrite", False)
    # AWS does not accept tags together with Overwrite.
    _put(aws, wanted, Overwrite=overwrite, Tags=None if overwrite else pairs(wanted["tagsAll"]) or None)
    return wanted["name"]


def _settle(aws: Aws, name: str, wanted: Values) -> None:
    if wanted.get("overwrite") and wanted["tagsAll"]:
        aws.call("AddTagsToResource", ResourceType="Parameter", ResourceId=name, Tags=pairs(wanted["tagsAll"]))


def _read(aws: Aws, name: str, known: Values) -> Values | None:
    parameter = aws.call("GetParameter", Name=name, WithDecryption=True)["Parameter"]
    if parameter["Type"] == "SecureString" and known.get("insecureValue"):
        raise InvalidInputError("invalid configuration, cannot set type = SecureString and insecureValue")
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    described = aws.pages("DescribeParameters", "Parameters", ParameterFilters=filters)
    if not described:
        return None
    details = described[0]
    tags = aws.call("ListTagsForResource", ResourceType="Parameter", ResourceId=name).get("TagList")
    write_only = bool(known.get("hasValueWo") or known.get("valueWoVersion"))
    insecure = "insecureValue" in known
    return {
        "allowedPattern": details.get("AllowedPattern"),
        "arn": aws.arn("ssm", f"parameter/{name.removeprefix('/')}"),
        "dataType": parameter.get("DataType") or details.get("DataType") or "text",
        "description": details.get("Description"),
        "hasValueWo": write_only,
        "insecureValue": parameter["Value"] if insecure else None,
        "keyId": details.get("KeyId"),
        "name": name,
        "tags": from_pairs(tags),
        "tier": details.get("Tier") or "Standard",
        "type": parameter["Type"],
        "value": None if write_only or insecure else parameter["Value"],
        "version": parameter["Version"],
    }


def _update(aws: Aws, change: Change) -> None:
    new = change.new
    if not change.changed - {"overwrite"}:
        return
    given = {name: value for name, value in new.items() if name != "tier" or change.has("tier")}
    if not any(name in given for name in ("value", "insecureValue", "valueWo")):
        given["value"] = change.old["value"]
    _put(aws, given, Overwrite=new.get("overwrite", True))


def _delete(aws: Aws, name: str, _known: Values) -> None:
    aws.call("DeleteParameter", Name=name)


def _retag(aws: Aws, name: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("RemoveTagsFromResource", ResourceType="Parameter", ResourceId=name, TagKeys=removed)
    if added:
        aws.call("AddTagsToResource", ResourceType="Parameter", ResourceId=name, Tags=pairs(added))


def _same_tier(old: str, new: str) -> bool:
    """Return whether two tiers are equivalent: with Intelligent-Tiering any tier that AWS chose is."""
    return new in {old, "Intelligent-Tiering"}


def _replaces_when(old: Values, new: Values) -> set[str]:
    """Return the tier if it decreases: AWS changes to a higher tier in place, but not to a lower one."""
    down = old.get("tier") == "Advanced" and new.get("tier") == "Standard"
    return {"tier"} if down else set()


def _plan(_old: Values, new: Values) -> list[Problem]:
    if new.get("type") == "SecureString" and new.get("insecureValue", UNKNOWN) is not UNKNOWN:
        return [Problem("insecureValue", "cannot be used with type SecureString")]
    return []


PARAMETER = ResourceType(
    name="aws:ssm/parameter:Parameter",
    service="ssm",
    properties={
        "allowedPattern": text(checks=(validators.length(0, 1024),)),
        "arn": text(computed=True),
        "dataType": text(
            computed=True,
            replaces=True,
            checks=(validators.one_of("text", "aws:ec2:image", "aws:ssm:integration"),),
        ),
        "description": text(checks=(validators.length(0, 1024),)),
        "hasValueWo": output("boolean"),
        "insecureValue": text(computed=True),
        "keyId": text(computed=True),
        "name": text(replaces=True, naming=Naming(), checks=(validators.length(1, 2048),)),
        "overwrite": flag(local=True),
        "tier": text(computed=True, checks=(validators.one_of(*_tiers),), same=_same_tier),
        "type": text(required=True, checks=(validators.one_of(*_types),)),
        "value": text(computed=True, secret=True),
        "valueWo": text(unstored=True, secret=True, needs=("valueWoVersion",)),
        "valueWoVersion": whole(local=True, needs=("valueWo",)),
        "version": output("integer"),
    },
    calls={
        "create": ("PutParameter", "AddTagsToResource"),
        "read": ("GetParameter", "DescribeParameters", "ListTagsForResource"),
        "update": ("PutParameter", "AddTagsToResource", "RemoveTagsFromResource"),
        "delete": ("DeleteParameter",),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"ParameterNotFound"}),
    exactly_one=(("value", "insecureValue", "valueWo"),),
    plan=_plan,
    replaces_when=_replaces_when,
    moves={
        "version": ("value", "insecureValue", "valueWoVersion", "description"),
        "value": ("insecureValue",),
        "insecureValue": ("value",),
    },
)

RESOURCES = (PARAMETER,)
