"""Shell Access: governed shell access to EC2 for one AWS account. See README.md."""

import pulumi
import pulumi_aws
from pulumi.runtime.config import CONFIG

from components.problems import SettingsError
from components.settings import Settings
from components.stack import build

OWNER = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"

try:
    # Only the whole map shows keys that nobody asks for, such as mistyped ones.
    settings = Settings.load({**CONFIG.get(), "aws:region": pulumi_aws.config.region})
    outputs = build(settings, OWNER)
except SettingsError as problem:
    raise pulumi.RunError(str(problem)) from None

for name, value in outputs.items():
    pulumi.export(name, value)
