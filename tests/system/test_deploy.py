# SPDX-License-Identifier: BSD-2-Clause
"""tools/deploy: machines boot from the ISO image and the netboot tree alone."""

import functools
import http.server
import subprocess
import threading

import pytest

from patio import qemu
from patio.emulator import Emulator
from patio.hardware import ROOT, Machine
from machine import TINY, images, only_on

pytestmark = only_on("qemu-svm", "its machines boot from disks, CDs and networks")
TEMPLATE = f"""guest ${{name}} kernel hello.elf cmdline "hello=1" {TINY}
idle exit-with ${{name}}
"""
TABLE = """node paris mac 52:54:00:00:00:01
node tokyo mac 52:54:00:00:00:02
"""


class Booted(Emulator):
    """A machine with these arguments of QEMU, and no -kernel."""

    def __init__(self, *arguments, firmware="bios"):
        super().__init__()
        m = Machine(cores=2, memory=256, single=True)
        flash = "if=pflash,format=raw,file=/usr/share/OVMF/OVMF"
        uefi = ["-drive", f"{flash}_CODE_4M.fd,unit=0,readonly=on",
                "-drive", f"{flash}_VARS_4M.fd,unit=1,snapshot=on"]
        self.start([qemu.BINARY, *qemu.pc(m), "-cpu", qemu.TCG_CPU, *qemu.tcg_clock(m),
                    *(uefi if firmware == "uefi" else []), *arguments])


def deploy(folder, kind, out, modules=None, options="", **changed):
    """Runs tools/deploy with the table and the template, or other texts; (status, its output)."""
    texts = {"conf": TEMPLATE, "nodes": TABLE} | changed
    command = ["tools/deploy", kind, f"--options={options}", str(folder / out),
               *(images("hello") if modules is None else modules)]
    for name, text in texts.items():
        if text is not None:
            (folder / name).write_text(text)
            command += [f"--{name}", str(folder / name)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_named_module(tmp_path):
    """PATH=NAME: NAME is what patio.conf calls the module."""
    status, text = deploy(tmp_path, "netboot", "tree", [f"{images('hello')[0]}=vmlinuz"],
                          conf=TEMPLATE.replace("hello.elf", "vmlinuz"))
    assert status == 0 and (tmp_path / "tree/boot/vmlinuz").exists(), text


def runs(machine, name):
    """The node of that name boots, and ends with its guest's status, 0."""
    machine.expect(f"guest {name} started")
    machine.expect(f"guest {name} ended: debug exit, status 0")
    machine.expect(r"patio: ends with status 0\r*\n")


@pytest.fixture(name="iso", scope="module")
def the_iso(tmp_path_factory):
    folder = tmp_path_factory.mktemp("iso")
    status, text = deploy(folder, "iso", "patio.iso", nodes=None,
                          conf=TEMPLATE.replace("${name}", "alone"))
    assert status == 0, text
    return str(folder / "patio.iso")


@pytest.mark.parametrize("medium,firmware", [("cdrom", "bios"), ("disk", "bios"), ("disk", "uefi")])
def test_iso(iso, medium, firmware):
    """The same image boots as a CD and as a disk, by BIOS and by UEFI."""
    drive = {"cdrom": ["-cdrom", iso], "disk": ["-drive", f"file={iso},format=raw,snapshot=on"]}
    with Booted(*drive[medium], firmware=firmware) as m:
        runs(m, "alone")


@pytest.fixture(name="tree", scope="module")
def the_tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("net")
    status, text = deploy(folder, "netboot", "tree")
    assert status == 0, text
    return str(folder / "tree")


def by_network(tree, bootfile, mac, hostname=None, nic="virtio-net-pci", **machine):
    name = f",hostname={hostname}" if hostname else ""
    return Booted("-netdev", f"user,id=n,tftp={tree},bootfile={bootfile}{name}",
                  "-device", f"{nic},netdev=n,mac={mac}", "-boot", "n", **machine)


@pytest.mark.parametrize("bootfile,firmware", [
    ("boot.ipxe", "bios"), ("grub/i386-pc/core.0", "bios"), ("grub/x86_64-efi/core.efi", "uefi")])
def test_netboot_by_mac(tree, bootfile, firmware):
    """By iPXE, by GRUB and under UEFI each machine gets the configuration of its MAC."""
    with by_network(tree, bootfile, "52:54:00:00:00:02", firmware=firmware) as m:
        runs(m, "tokyo")


@pytest.fixture(name="asked", scope="module")
def the_http_server(tree):
    """Serves the tree by HTTP on a loopback port: (its URL in QEMU's user network, the list of requested
    paths)."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        """Records the requests instead of printing them."""

        def log_message(self, *args):  # pylint: disable=arguments-differ
            asked.append(self.path)

    handler = functools.partial(Handler, directory=tree)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://10.0.2.2:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("firmware,what", [
    ("bios", ["/boot.ipxe", "/boot/patio.elf", "/nodes/tokyo/patio.conf", "/boot/hello.elf"]),
    ("uefi", ["/boot.ipxe", "/grub/x86_64-efi/core.efi"])])
def test_netboot_by_http(tree, asked, firmware, what):
    """iPXE by HTTP: under BIOS it loads everything; under UEFI it chain-loads GRUB, which loads the rest by
    TFTP.  OVMF has no driver for this NIC, so the machine boots by the NIC's own iPXE."""
    url, paths = asked
    paths.clear()
    with by_network(tree, f"{url}/boot.ipxe", "52:54:00:00:00:02", nic="e1000", firmware=firmware) as m:
        runs(m, "tokyo")
    assert paths == what


def test_netboot_by_name(tree):
    """A machine whose MAC is not in the table, but whose host name from DHCP is."""
    with by_network(tree, "boot.ipxe", "52:54:00:00:00:09", "paris") as m:
        runs(m, "paris")


def test_netboot_of_a_stranger(tree):
    """A machine that is not in the table gets no guests, but a monitor."""
    with by_network(tree, "boot.ipxe", "52:54:00:00:00:09") as m:
        m.expect("patio> ")
        m.child.send("show guests\r")
        m.expect("guest +state[^\n]*\n")
        m.child.send("poweroff\r")
        m.expect(r"patio: ends with status 0\r*\n")


@pytest.mark.parametrize("changed,message", [
    ({"nodes": "node a\n"}, "nodes:1: a node needs its mac"),
    ({"conf": "guest ${nam}\n"}, 'conf:1: unknown variable "nam"'),
    ({"conf": None}, "--conf: the nodes' patio.conf is needed"),
    ({"conf": "\nguest a kernl b\n"}, 'conf:2:9: unknown word "kernl"'),
    ({"modules": []}, "guest paris: no boot module is called hello.elf"),
    ({"options": "log=debug; halt"}, '--options: "log=debug; halt" has a character'),
])
def test_refused(tmp_path, changed, message):
    """From a wrong description nothing is made; the error has its place."""
    status, text = deploy(tmp_path, "netboot", "tree", **changed)
    assert status == 1 and message in text and not (tmp_path / "tree").exists(), text
