"""Names that are the same in every account: others, outside this stack, go by them."""

from typing import Final

DATA_KEY_ALIAS: Final = "alias/session-manager/data"
LOGS_KEY_ALIAS: Final = "alias/session-manager/logs"

DATA_KEY_PARAMETER: Final = "/session-manager/session-data-key"
"""Where the ID of the data key is kept, as in the post, for those who need it and are not of this stack."""

INSTANCE_POLICY_NAME: Final = "ShellAccessSessionManagerNode"
