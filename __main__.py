"""Shell Access: governed shell access to EC2 for one AWS account. See README.md."""

# ruff: noqa: E402 -- the process is prepared before the imports, half of its work before the first resource

from components.startup import prepare_process

prepare_process()

import sys
from typing import Final

import pulumi
import pulumi_aws
from pulumi.runtime.config import CONFIG

from common.aws.failures import MalformedAnswerError
from common.problems import SettingsError
from components.adoption.dynamic_provider import this_stack
from components.secret_marking import marked, program_secrets
from components.settings import Settings
from components.stack import build

ERROR_IS_LOGGED: Final = 32
"""Exit code with which the language host does not log the error again, as it is logged already."""

try:
    # Only the complete map reveals unknown keys, such as mistyped ones.
    settings = Settings.load({**CONFIG.get(), "aws:region": pulumi_aws.config.region})
    for warning in settings.warnings():
        pulumi.log.warn(str(warning))
    outputs = build(settings, this_stack())
except SettingsError as problem:
    pulumi.log.error(str(program_secrets().without_values(problem)))
    sys.exit(ERROR_IS_LOGGED)
except (MalformedAnswerError, pulumi.RunError) as problem:
    pulumi.log.error(program_secrets().without(str(problem)))
    sys.exit(ERROR_IS_LOGGED)

for name, value in outputs.items():
    pulumi.export(name, marked(value))
