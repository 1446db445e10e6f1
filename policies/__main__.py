"""The policy pack's program: `pulumi preview --policy-pack policies`. See catalogue.py for the rules."""

import sys
from pathlib import Path

# The engine runs this folder by its path, from anywhere; `policies` and `components` are found from the repository.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policies.catalogue import RULES

# Serves the engine and does not return.
PolicyPack("shell-access", [rule.policy() for rule in RULES])
