"""Components with their defaults; their keys are not known in the first preview."""

from components.account import Account
from components.session_manager.component import RegionalPreferences, RegionalPreferencesArgs
from components.session_manager.settings import SessionManagerSettings

RegionalPreferences(
    "preferences",
    RegionalPreferencesArgs(
        region="eu-west-1", settings=SessionManagerSettings(), account=Account(id="123456789012", partition="aws")
    ),
)
