"""Condition keys of a node's requests. Pure.

Sources: IAM User Guide, "AWS global condition context keys"; Amazon S3 User Guide, "Bucket policy examples using
condition keys"; KMS Developer Guide, "Condition keys for AWS KMS"; SSM Agent's source (`agent/s3util`): an upload
carries the canned ACL `bucket-owner-full-control`, and the algorithm and key of the bucket's own default encryption.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from common.iam.context import ABSENT, PRESENT, UNKNOWN, Known, OneOf, RequestContext, Value, known
from components.session_manager.log_encryption import ACCEPTED_ALGORITHMS, SSE_S3
from operations.doctor.effective_permissions import RoleRequest
from operations.doctor.facts import NodeInstance
from operations.doctor.request_path import request_path
from operations.doctor.requirements import DECRYPT, STORAGE, is_key_arn
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import BucketEncryption, LogBucketFacts

if TYPE_CHECKING:
    from common.iam.principals import Principal
    from operations.doctor.facts import NodeFacts
    from operations.doctor.requirements import Need


_ACL: Final = "bucket-owner-full-control"
_ALGORITHM: Final = "s3:x-amz-server-side-encryption"
_KEY: Final = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_TLS: Final = OneOf(("1.2", "1.3"))
"""Versions that AWS' endpoints accept (AWS Security Blog, "TLS 1.2 to become the minimum TLS protocol level")."""
_NEVER_SENT: Final = dict.fromkeys(
    (
        *("aws:referer", "aws:tagkeys", "aws:federatedprovider", "aws:sourceidentity", "aws:multifactorauthage"),
        *("aws:principalservicename", "aws:principalservicenameslist"),
        *("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"),
        *("aws:calledvia", "aws:calledviafirst", "aws:calledvialast"),
    ),
    ABSENT,
)
"""Keys that a node's requests do not have: of sign-in with federation or MFA, of services, of tags in the request."""
_OF_ENDPOINTS: Final = dict.fromkeys(
    (
        *("aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip", "aws:sourcevpcarn"),
        *("aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths"),
    ),
    ABSENT,
)
"""Keys of requests through a VPC endpoint."""
_CREDENTIALS_AGE: Final = timedelta(hours=12)
"""Upper limit: nodes receive new credentials well before (Amazon EC2 User Guide, "Retrieve security credentials")."""
_NOT_OF_UPLOADS: Final = dict.fromkeys(
    (
        *("s3:x-amz-copy-source", "s3:x-amz-metadata-directive", "s3:x-amz-website-redirect-location"),
        *("s3:x-amz-grant-read", "s3:x-amz-grant-write", "s3:x-amz-grant-read-acp", "s3:x-amz-grant-write-acp"),
        *("s3:x-amz-grant-full-control", "s3:x-amz-server-side-encryption-customer-algorithm"),
        *("s3:object-lock-mode", "s3:object-lock-retain-until-date", "s3:object-lock-legal-hold"),
        *("s3:if-match", "s3:if-none-match", "s3:requestobjecttagkeys"),
        *("s3:dataaccesspointarn", "s3:dataaccesspointaccount", "s3:accesspointnetworkorigin"),
    ),
    ABSENT,
)
"""Keys of headers that the agent does not send, and of access points, which it does not use."""


def requests(node: NodeFacts, role: Principal, need: Need) -> list[RoleRequest]:
    """Return the requests for a requirement, one per resource that AWS may evaluate."""
    keys = _context(node, role, need)
    return [RoleRequest(action=need.action, resource=each, context=keys, session=node.id) for each in need.resources]


def _context(node: NodeFacts, role: Principal, need: Need) -> RequestContext:
    """Return the condition keys of a node's request; keys that it does not list are not known."""
    own = role.context()
    values: dict[str, Value] = {
        **own.values,
        **_of_caller(node, role),
        **_of_transport(node, need),
        **_of_resource(node, need),
        **_of_organization(node),
        **_of_time(node),
    }
    if need.service == STORAGE and not need.through:
        values |= _of_bucket(node, need)
    if need.action.startswith("kms:"):
        values |= _of_key(node, need)
    prefixes: dict[str, Value] = {**own.prefixes, "aws:requesttag/": ABSENT, "s3:requestobjecttag/": ABSENT}
    return RequestContext(values, prefixes)


def _of_caller(node: NodeFacts, role: Principal) -> dict[str, Value]:
    """Return the keys about the caller: role sessions of nodes have the node's ID as their name."""
    values: dict[str, Value] = {"aws:userid": known(f"{role.unique_id}:{node.id}") if role.unique_id else UNKNOWN}
    if not node.id.startswith("i-"):
        return {**values, "ssm:sourceinstancearn": known(node.node_arn)}
    if role is not node.role:
        # Default Host Management issues the credentials itself; which keys they carry is not documented.
        return values
    instance = node.instance
    values |= {"ec2:sourceinstancearn": known(node.node_arn), "ssm:sourceinstancearn": ABSENT}
    if isinstance(instance, NodeInstance):
        values |= {
            "aws:ec2instancesourcevpc": known(instance.vpc_id) if instance.vpc_id else UNKNOWN,
            "aws:ec2instancesourceprivateipv4": known(instance.address) if instance.address else UNKNOWN,
            # Version of the metadata service that issued the credentials.
            "ec2:roledelivery": known("2.0") if instance.requires_metadata_tokens else OneOf(("1.0", "2.0")),
        }
    return values


def _of_time(node: NodeFacts) -> dict[str, Value]:
    """Return the times of a request and of its credentials; a comparison must hold at both ends of a period."""
    now = node.read_at
    if now is None:
        return {}
    return {
        "aws:currenttime": known(now.isoformat()),
        "aws:epochtime": known(str(int(now.timestamp()))),
        "aws:tokenissuetime": OneOf(((now - _CREDENTIALS_AGE).isoformat(), now.isoformat())),
    }


def _of_transport(node: NodeFacts, need: Need) -> dict[str, Value]:
    values: dict[str, Value] = {"aws:securetransport": known("true")}
    if need.through:
        # Which keys of the first request a service passes on is documented in part only.
        return {**values, "aws:viaawsservice": known("true")}
    values |= {"aws:viaawsservice": known("false"), **_NEVER_SENT}
    path = request_path(node, need.service)
    if path is None:
        return values
    if path.endpoint is None:
        several = path.source_addresses
        address = PRESENT if not several else known(several[0]) if len(several) == 1 else OneOf(several)
        return {**values, **_OF_ENDPOINTS, "aws:sourceip": address}
    instance = node.instance
    values |= {"aws:sourcevpce": known(path.endpoint.id), "aws:sourceip": ABSENT}
    if isinstance(instance, NodeInstance):
        values |= {
            "aws:sourcevpc": known(instance.vpc_id),
            "aws:vpcsourceip": known(instance.address) if instance.address else PRESENT,
        }
    return values


def _of_organization(node: NodeFacts) -> dict[str, Value]:
    organization = node.organization
    if organization.is_member is False:
        return {"aws:principalorgid": ABSENT, "aws:principalorgpaths": ABSENT}
    values: dict[str, Value] = {"aws:principalorgid": known(organization.id)} if organization.id else {}
    if organization.path:
        values["aws:principalorgpaths"] = Known((organization.path,), many=True)
    return values


def _of_resource(node: NodeFacts, need: Need) -> dict[str, Value]:
    """Return the requested Region and the account of the resource."""
    region, account = node.deployment.region, node.deployment.account_id
    bucket, settings = node.destinations.live.bucket, node.deployment.session_manager
    if need.action.startswith("s3:") and settings:
        region = bucket.region if isinstance(bucket, LogBucketFacts) else region
        account = settings.s3_bucket_owner or account
    elif is_key_arn(need.resources[0]):
        _, _, _, region, account, _ = split_arn(need.resources[0])
    values: dict[str, Value] = {"aws:requestedregion": known(region), "aws:resourceaccount": known(account)}
    if account != node.deployment.account_id:
        return values
    if node.organization.is_member is False:
        return {**values, "aws:resourceorgid": ABSENT, "aws:resourceorgpaths": ABSENT}
    return {**values, "aws:resourceorgid": known(node.organization.id)} if node.organization.id else values


def _of_bucket(node: NodeFacts, need: Need) -> dict[str, Value]:
    settings, bucket = node.deployment.session_manager, node.destinations.live.bucket
    owner = settings.s3_bucket_owner if settings else ""
    values: dict[str, Value] = {
        "s3:tlsversion": _TLS,
        "s3:authtype": known("REST-HEADER"),
        "s3:signatureversion": known("AWS4-HMAC-SHA256"),
        # In milliseconds; a request is signed immediately before it is sent.
        "s3:signatureage": OneOf(("0", "60000")),
        "s3:resourceaccount": known(owner or node.deployment.account_id),
    }
    if need.action == "s3:GetEncryptionConfiguration":
        return values
    values |= {**_NOT_OF_UPLOADS, "s3:x-amz-acl": known(_ACL)}
    if need.action == "s3:PutObject":
        # A multipart upload sends requests of both kinds; one of them creates the object.
        values["s3:objectcreationoperation"] = known("true")
    encryption = bucket.encryption if isinstance(bucket, LogBucketFacts) else None
    if not isinstance(bucket, LogBucketFacts) or isinstance(encryption, ReadFailure):
        return values
    return {**values, **_encryption_sent(encryption)}


def _encryption_sent(encryption: BucketEncryption | None) -> dict[str, Value]:
    """Return the headers in which the agent repeats the bucket's default encryption; none for other algorithms."""
    if encryption is None or encryption.algorithm not in ACCEPTED_ALGORITHMS:
        return {_ALGORITHM: ABSENT, _KEY: ABSENT}
    named = encryption.configured_key or encryption.kms_key_arn
    # How S3 presents a key that is configured by ID or alias to policies is not documented.
    key = ABSENT if not named or encryption.algorithm == SSE_S3 else known(named) if is_key_arn(named) else PRESENT
    return {_ALGORITHM: known(encryption.algorithm), _KEY: key}


def _of_key(node: NodeFacts, need: Need) -> dict[str, Value]:
    aliases = node.destinations.data_key_aliases
    values: dict[str, Value] = {
        "kms:viaservice": known(need.through) if need.through else ABSENT,
        "kms:calleraccount": known(node.deployment.account_id),
        "kms:encryptionalgorithm": known("SYMMETRIC_DEFAULT"),
        "kms:keyusage": known("ENCRYPT_DECRYPT"),
        "kms:keyspec": known("SYMMETRIC_DEFAULT"),
        "kms:grantisforawsresource": ABSENT,
    }
    if need.action == DECRYPT:
        # Encryption context of the agent (KMS Developer Guide, "How Systems Manager uses AWS KMS" for Session Manager).
        return {
            **values,
            "kms:resourcealiases": UNKNOWN if isinstance(aliases, ReadFailure) else Known(aliases, many=True),
            "kms:encryptioncontext:aws:ssm:targetid": known(node.id),
            "kms:encryptioncontext:aws:ssm:sessionid": PRESENT,
            "kms:encryptioncontextkeys": Known(("aws:ssm:SessionId", "aws:ssm:TargetId"), many=True),
        }
    # That of S3 is the bucket's ARN with an S3 Bucket Key, else the object's ARN.
    return {
        **values,
        "kms:encryptioncontextkeys": Known(("aws:s3:arn",), many=True),
        "kms:encryptioncontext:aws:s3:arn": PRESENT,
    }
