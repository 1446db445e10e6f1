"""Shell Access: governed shell access to EC2 for one AWS account. See README.md."""

import pulumi
import pulumi_aws
from pulumi.runtime.config import CONFIG

from components.owner import this_stack
from components.problems import SettingsError
from components.settings import Settings
from components.stack import build

try:
    # Only the whole map shows keys that nobody asks for, such as mistyped ones.
    settings = Settings.load({**CONFIG.get(), "aws:region": pulumi_aws.config.region})
    outputs = build(settings, this_stack())
except SettingsError as problem:
    raise pulumi.RunError(str(problem)) from None

for name, value in outputs.items():
    pulumi.export(name, value)
