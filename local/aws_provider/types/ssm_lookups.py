"""Function that reads a parameter. Source: Terraform AWS provider, `internal/service/ssm/parameter_data_source.go`."""

from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, InvalidInputError
from local.aws_provider.model import Function, flag, text
from local.aws_provider.wire import Values


def _get_parameter(aws: Aws, given: Values) -> Values:
    name = given["name"]
    try:
        found = aws.call("GetParameter", Name=name, WithDecryption=given["withDecryption"])["Parameter"]
    except AwsError as failure:
        if failure.code == "ParameterNotFound":
            raise InvalidInputError(f"reading SSM Parameter ({name}): couldn't find resource") from failure
        raise
    return {
        # The ARN of a public parameter of AWS contains no account.
        "arn": found.get("ARN") or aws.arn("ssm", f"parameter/{name.removeprefix('/')}"),
        "id": found["Name"],
        "insecureValue": None if found["Type"] == "SecureString" else found["Value"],
        "name": found["Name"],
        "type": found["Type"],
        "value": found["Value"],
        "version": found["Version"],
        "withDecryption": given["withDecryption"],
    }


FUNCTIONS = (
    Function(
        name="aws:ssm/getParameter:getParameter",
        service="ssm",
        inputs={"name": text(required=True), "withDecryption": flag(default=True)},
        calls=("GetParameter",),
        run=_get_parameter,
    ),
)
