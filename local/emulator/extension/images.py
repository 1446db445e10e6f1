"""Amazon Machine Images: Windows, with the public parameters that name the latest images, and one of Linux.

Sources:
    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html
    https://docs.aws.amazon.com/ec2/latest/windows-ami-reference/windows-ami-versions.html (names; 30 GiB root volumes)
"""

import hashlib
from typing import Any

from moto.ec2.models.amis import Ami, AmiBackend
from moto.ssm.models import Parameter, ParameterDict

from local.emulator.fixtures import LINUX_IMAGE

PATH = "/aws/service/ami-windows-latest/"
NAMES = tuple(
    f"Windows_Server-{year}-English-{edition}-Base"
    for year in ("2016", "2019", "2022", "2025")
    for edition in ("Core", "Full")
)
RELEASE = "2025.10.15"
OWNER = "801119661308"
"""Amazon's account for Windows images."""
ROOT_GIB = 30


class LocalImage(Ami):
    """Windows image with the size of its actual root volume."""

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        """API_DescribeImages, blockDeviceMapping."""
        volume = {
            "SnapshotId": self.ebs_snapshot.id,
            "VolumeSize": ROOT_GIB,
            "DeleteOnTermination": True,
            "VolumeType": "gp2",
            "Encrypted": False,
        }
        return [{"DeviceName": self.root_device_name, "Ebs": volume}]


def image_id(region: str, name: str) -> str:
    """Return the ID of an image, which differs by Region and is always the same."""
    return f"ami-{hashlib.sha256(f'{region}/{name}'.encode()).hexdigest()[:17]}"


def add_images() -> None:
    """Add the images to every Region."""
    backend: Any = AmiBackend
    moto_load = backend._load_amis  # noqa: SLF001

    def load(self: Any) -> None:
        moto_load(self)
        for name in NAMES:
            made = _image(self, name)
            self.amis[made.id] = made
        self.amis[LINUX_IMAGE] = _linux_image(self)

    backend._load_amis = load  # noqa: SLF001


def add_parameters() -> None:
    """Add the parameters to every Region, when one of them is first read."""
    parameters: Any = ParameterDict
    moto_check = parameters._check_loading_status  # noqa: SLF001
    loaded = "windows_images_loaded"

    def check(self: Any, key: str) -> None:
        moto_check(self, key)
        if str(key or "").startswith(PATH) and not getattr(self, loaded, False):
            setattr(self, loaded, True)
            for name in NAMES:
                self[PATH + name].append(_parameter(self, name))

    parameters._check_loading_status = check  # noqa: SLF001


def _image(backend: Any, name: str) -> LocalImage:
    make: Any = LocalImage
    image = make(
        backend,
        image_id(backend.region_name, name),
        name=f"{name}-{RELEASE}",
        description=f"Microsoft {name.replace('_', ' ').replace('-', ' ')} AMI provided by Amazon",
        owner_id=OWNER,
        owner_alias="amazon",
        public=True,
        virtualization_type="hvm",
        architecture="x86_64",
        platform="windows",
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name="/dev/sda1",
    )
    image.ebs_snapshot.volume.size = ROOT_GIB
    return image


def _linux_image(backend: Any) -> Ami:
    make: Any = Ami
    return make(
        backend,
        LINUX_IMAGE,
        name="al2023-ami-2023-x86_64",
        description="Amazon Linux 2023 AMI",
        owner_id="137112412989",
        owner_alias="amazon",
        public=True,
        virtualization_type="hvm",
        architecture="x86_64",
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name="/dev/xvda",
    )


def _parameter(parameters: Any, name: str) -> Parameter:
    make: Any = Parameter
    return make(
        account_id=parameters.account_id,
        name=PATH + name,
        value=image_id(parameters.region_name, name),
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=1760486400.0,
        version=1,
        data_type="aws:ec2:image",
    )
