"""Program of the policy pack: `pulumi preview --policy-pack policies`. The rules are in catalog.py."""

import gc
import sys
from pathlib import Path

# As `serve` does, but before the imports, which create most objects of the process.
gc.disable()
# The engine runs this folder by its path, from any directory; `policies` and `components` are packages of the repository.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.serving import serve  # noqa: E402 -- see above

serve()
