"""Named queries of Athena. Source: Terraform AWS provider, `internal/service/athena/named_query.go`."""

from local.aws_provider import validators
from local.aws_provider.model import Operation, ResourceType, fixed, name, text

NAMED_QUERY = ResourceType(
    name="aws:athena/namedQuery:NamedQuery",
    service="athena",
    properties={
        "database": text(required=True, replaces=True),
        "description": text(replaces=True, checks=(validators.length(0, 1024),)),
        "name": name(validators.length(1, 128), longest=128),
        "query": text(required=True, replaces=True, aws="QueryString", checks=(validators.length(1, 262_144),)),
        "workgroup": fixed("primary", replaces=True),
    },
    create=(Operation("CreateNamedQuery", result="NamedQueryId"),),
    read=(Operation("GetNamedQuery", {"NamedQueryId": "id"}, result="NamedQuery"),),
    delete=(Operation("DeleteNamedQuery", {"NamedQueryId": "id"}),),
    gone=frozenset({"InvalidRequestException"}),
)

RESOURCES = (NAMED_QUERY,)
