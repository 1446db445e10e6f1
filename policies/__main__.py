"""The policy pack's program: `pulumi preview --policy-pack policies`. See catalogue.py for the rules."""

import sys
from pathlib import Path

# The engine runs this folder by its path, from anywhere; `policies` and `components` are found from the repository.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.serving import serve

serve()
