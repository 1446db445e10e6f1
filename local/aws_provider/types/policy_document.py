"""Function that renders IAM policies without calling AWS.

Source: Terraform AWS provider, `policy_document_data_source.go`.
"""

import json
import zlib
from collections.abc import Iterable
from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import Function, Property, records, text, texts
from local.aws_provider.wire import Values, is_list

with_variables: Final = "2012-10-17"
"""Version of the policy language with variables such as `${aws:username}`; written `&{…}` in this function."""
_versions: Final = ("2008-10-17", with_variables)
_order: Final = (
    *("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"),
    *("Principal", "NotPrincipal", "Condition"),
)


def _scalar_or_list(values: list[str]) -> Any:
    """Return one value as a scalar, several in reverse order, as the upstream provider does."""
    return values[0] if len(values) == 1 else sorted(values, reverse=True)


def _variables(value: Any, version: str) -> Any:
    if is_list(value):
        return [_variables(item, version) for item in value]
    if isinstance(value, str) and "&{" in value:
        if version != with_variables:
            raise InvalidInputError(
                f"found &{{ sequence in ({value}), which is not supported in document version {version}"
            )
        return value.replace("&{", "${")
    return value


def _principals(blocks: Iterable[Values], version: str) -> Any:
    gathered: dict[str, list[str]] = {}
    for block in blocks:
        identifiers = sorted(block["identifiers"], reverse=True)
        gathered.setdefault(block["type"], []).extend(_variables(identifiers, version))
    if gathered == {"*": ["*"]}:
        return "*"
    return {kind: names[0] if len(names) == 1 else names for kind, names in sorted(gathered.items())}


def _conditions(blocks: Iterable[Values], version: str) -> Values:
    gathered: dict[str, dict[str, list[str]]] = {}
    for block in blocks:
        values = gathered.setdefault(block["test"], {}).setdefault(block["variable"], [])
        values += _variables(block["values"], version)
    return {
        test: {variable: values[0] if len(values) == 1 else values for variable, values in sorted(keys.items())}
        for test, keys in sorted(gathered.items())
    }


def _statement(block: Values, version: str) -> Values:
    statement: Values = {"Sid": block.get("sid"), "Effect": block.get("effect", "Allow")}
    for name in ("actions", "notActions", "resources", "notResources"):
        if block.get(name):
            key = (name[0].upper() + name[1:]).removesuffix("s")
            value = _scalar_or_list(block[name])
            statement[key] = _variables(value, version) if key.endswith("Resource") else value
    for name, key in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if block.get(name):
            statement[key] = _principals(block[name], version)
    if block.get("conditions"):
        statement["Condition"] = _conditions(block["conditions"], version)
    return statement


def _refuse_duplicates(statements: Iterable[Values], where: str) -> None:
    seen: set[str] = set()
    for statement in statements:
        sid = statement.get("Sid")
        if sid and sid in seen:
            raise InvalidInputError(f"duplicate Sid ({sid}) in {where}")
        seen.add(sid or "")


def _merge(first: Values, second: Values) -> Values:
    """Replace statements of the first policy by those of the second with the same Sid, and add the others."""
    statements = list(first["Statement"])
    for statement in second["Statement"]:
        sid = statement.get("Sid")
        same = [index for index, known in enumerate(statements) if sid and known.get("Sid") == sid]
        if same:
            statements[same[0]] = statement
        else:
            statements.append(statement)
    return {
        "Version": max(first.get("Version", ""), second.get("Version", "")),
        "Id": second.get("Id") or first.get("Id"),
        "Statement": statements,
    }


def _parsed(document: str, name: str) -> Values:
    try:
        policy: Values = json.loads(document)
    except ValueError as problem:
        raise InvalidInputError(f"{name}: invalid JSON: {problem}") from problem
    statements = policy.get("Statement", [])
    return {**policy, "Statement": statements if is_list(statements) else [statements]}


def _ordered(policy: Values) -> Values:
    statements = [
        {key: statement[key] for key in _order if statement.get(key) not in (None, "", [], {})}
        for statement in policy["Statement"]
    ]
    found: Values = {"Version": policy.get("Version"), "Id": policy.get("Id"), "Statement": statements}
    return {key: value for key, value in found.items() if value}


def _rendered(policy: Values, **layout: Any) -> str:
    """Render JSON as Go does, with escapes for HTML."""
    written = json.dumps(policy, ensure_ascii=False, **layout)
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _run(_aws: Aws, given: Values) -> Values:
    version = given.get("version") or with_variables
    policy: Values = {"Statement": []}
    sources = [_parsed(document, "sourcePolicyDocuments") for document in given.get("sourcePolicyDocuments", [])]
    _refuse_duplicates([statement for source in sources for statement in source["Statement"]], "sourcePolicyDocuments")
    for source in sources:
        policy = _merge(policy, source)
    own = [_statement(block, version) for block in given.get("statements", [])]
    _refuse_duplicates(own, "statements; remove the Sid or ensure Sids are unique")
    policy = _merge(policy, {"Version": version, "Id": given.get("policyId"), "Statement": own})
    for document in given.get("overridePolicyDocuments", []):
        policy = _merge(policy, _parsed(document, "overridePolicyDocuments"))
    ordered = _ordered(policy)
    indented = _rendered(ordered, indent=2)
    return {
        **given,
        "version": version,
        "json": indented,
        "minifiedJson": _rendered(ordered, separators=(",", ":")),
        "id": str(zlib.crc32(indented.encode())),
    }


def _must_be_empty(value: Any) -> str | None:
    return "is no longer used; move it to sourcePolicyDocuments or overridePolicyDocuments" if value else None


_principal_blocks = records({"identifiers": texts(required=True), "type": text(required=True)})
_ordered_texts = Property(kind="list", items=text(), required=True)

FUNCTIONS = (
    Function(
        name="aws:iam/getPolicyDocument:getPolicyDocument",
        service="iam",
        inputs={
            "overrideJson": text(checks=(_must_be_empty,)),
            "overridePolicyDocuments": Property(kind="list", items=text(checks=(validators.json_text,))),
            "policyId": text(),
            "sourceJson": text(checks=(_must_be_empty,)),
            "sourcePolicyDocuments": Property(kind="list", items=text(checks=(validators.json_text,))),
            "statements": records(
                {
                    "actions": texts(),
                    "conditions": records(
                        {
                            "test": text(required=True),
                            "values": _ordered_texts,
                            "variable": text(required=True),
                        }
                    ),
                    "effect": text(default="Allow", checks=(validators.one_of("Allow", "Deny"),)),
                    "notActions": texts(),
                    "notPrincipals": _principal_blocks,
                    "notResources": texts(),
                    "principals": _principal_blocks,
                    "resources": texts(),
                    "sid": text(),
                }
            ),
            "version": text(checks=(validators.one_of(*_versions),)),
        },
        calls=(),
        run=_run,
        regional=False,
    ),
)
