# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make the image from which the virtual machine of the scenario nfs boots, unless it exists: build/virtual-machine.

The machine is user-mode-linux: a Linux kernel as an ordinary program, with an NFS client, which containers lack.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from . import debian
from .collection import BUILD, ROOT

MACHINE = BUILD / "virtual-machine"
FILES = ROOT / "molecule/machine/root"
MODULES = Path("/usr/lib/uml/modules")

HOST_PACKAGES = [
    "e2fsprogs",
    "iproute2",
    "mmdebstrap",
    "netcat-openbsd",
    "nfs-ganesha",
    "nfs-ganesha-vfs",
    "openssh-client",
    "user-mode-linux",
]
GUEST = "bookworm"
GUEST_PACKAGES = [
    "ca-certificates",
    "curl",
    "iproute2",
    "kmod",
    "nfs-common",
    "openssh-server",
    "procps",
    "python3",
    "python3-jmespath",
    "sudo",
    "systemd-sysv",
]
# In this order; "$1" is the root directory of the machine.
SETUP = [
    'chroot "$1" useradd --uid 1000 --create-home --shell /bin/bash ec2-user',
    'chroot "$1" install -d -o ec2-user -g ec2-user /home/ec2-user/SageMaker',
    f'cp -r "{FILES}/." "$1"',
    'chroot "$1" systemctl enable network.service',
    f'install -D --mode=0600 "{MACHINE}/key.pub" "$1/root/.ssh/authorized_keys"',
]


class VirtualMachineError(Exception):
    """The computer lacks something for the virtual machine; the message says how to get it."""


class ProcessorError(VirtualMachineError):
    """No installation helps: this computer cannot run the virtual machine."""


def check() -> None:
    """Raise VirtualMachineError unless the virtual machine can run here; with CI=true, install what is missing."""
    if platform.machine() != "x86_64" or not shutil.which("dpkg-query"):
        raise VirtualMachineError("user-mode-linux is needed, which Debian and Ubuntu have for x86-64")
    # With AMX the registers of a process are larger than the kernel of Debian 12 can set by ptrace: it panics at its
    # first process ("ptrace set fp regs failed, errno = 14"). Newer kernels ask for the size.
    if "amx_tile" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split():
        raise ProcessorError("this processor has AMX, with which user-mode-linux 6.1 does not boot")
    if os.geteuid() != 0:
        raise VirtualMachineError("root is needed for a network and a file server of its own: use sudo")
    if missing := missing_packages():
        if not debian.may_install():
            raise VirtualMachineError(f"packages are missing: apt-get install {' '.join(missing)}")
        debian.install(missing)
    if not Path("/dev/net/tun").exists():
        raise VirtualMachineError("/dev/net/tun is missing: modprobe tun, or give the device to this container")
    if subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode:
        raise VirtualMachineError("no network of its own is allowed here: give this container CAP_SYS_ADMIN")


def missing_packages() -> list[str]:
    """Return those of HOST_PACKAGES that are not installed."""
    command = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *HOST_PACKAGES]
    listed = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return [name for name in HOST_PACKAGES if f"{name} installed" not in listed.splitlines()]


def prepare() -> None:
    """Make the image and the key to log in with, unless they were made from the same inputs."""
    release = subprocess.run(["linux.uml", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    sources = [Path(__file__), *sorted(path for path in FILES.rglob("*") if path.is_file())]
    inputs = hashlib.sha256(b"".join([release.encode(), *(path.read_bytes() for path in sources)])).hexdigest()
    made_from = MACHINE / "inputs"
    if made_from.is_file() and made_from.read_text() == inputs:
        return
    shutil.rmtree(MACHINE, ignore_errors=True)
    MACHINE.mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", MACHINE / "key"], check=True)
    make_image(release)
    made_from.write_text(inputs)


def make_image(release: str) -> None:
    """Make the image of a small Debian with the user of a notebook instance."""
    root = MACHINE / "root"
    modules = f'mkdir -p "$1/usr/lib/modules" && cp -r "{MODULES}/{release}" "$1/usr/lib/modules/"'
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(GUEST_PACKAGES)}"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{unread}/*" for unread in ["doc", "locale", "man"]]
    command += [f"--customize-hook={hook}" for hook in [*SETUP, modules]]
    subprocess.run([*command, GUEST, root], check=True, stdout=sys.stderr)
    # Only the parts that are not empty are written: a third of the 1 GiB.
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, MACHINE / "root.ext4", "1G"], check=True)
    shutil.rmtree(root)


def main() -> None:
    """Check and prepare the virtual machine, as the scenario does first."""
    check()
    prepare()


if __name__ == "__main__":
    try:
        main()
    except VirtualMachineError as error:
        sys.exit(f"The virtual machine cannot run here: {error}")
