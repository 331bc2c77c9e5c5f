"""A Patio node in an emulator, driven over its serial line: for make run, tests and benches."""

import json
import os
import re
import shutil
import subprocess
import tempfile

import pexpect

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
IMAGE = os.path.join(BUILD, "patio.elf")
PROMPT = "patio> "
CTRL_A = "\x01"
ICOUNT = ["-icount", "shift=0,sleep=off"]


class NodeError(Exception):
    """The node did not do what was expected of it; the text ends with its last output."""


def guest(name):
    """The path of one of our own guests' images."""
    return os.path.join(BUILD, "guests", name + ".elf")


LINUX = [os.path.join(BUILD, "linux", f) for f in ("vmlinuz", "initrd.cpio.gz")]


def make_iso(folder, conf, modules, protocol, options):
    """Writes patio.iso: GRUB loads the image by `protocol`, "multiboot" or "multiboot2"."""
    tree = os.path.join(folder, "iso")
    os.makedirs(os.path.join(tree, "boot/grub"))
    files = [conf] + list(modules)
    module = "module2" if protocol == "multiboot2" else "module"
    lines = ["set timeout=0", "set default=0", 'menuentry "Patio" {',
             f"  {protocol} /boot/patio.elf {options}"]
    shutil.copy(IMAGE, os.path.join(tree, "boot/patio.elf"))
    for f in files:
        name = os.path.basename(f)
        shutil.copy(f, os.path.join(tree, "boot", name))
        lines.append(f"  {module} /boot/{name} {name}")
    lines += ["  boot", "}", ""]
    with open(os.path.join(tree, "boot/grub/grub.cfg"), "w", encoding="ascii") as f:
        f.write("\n".join(lines))
    iso = os.path.join(folder, "patio.iso")
    subprocess.run(["grub-mkrescue", "-o", iso, tree], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return iso


def have_kvm():
    """True when KVM can run SVM guests inside the machine: nested virtualization on AMD."""
    try:
        with open("/proc/cpuinfo", encoding="ascii") as f:
            svm = re.search(r"^flags\s*:.*\bsvm\b", f.read(), re.M)
        with open("/sys/module/kvm_amd/parameters/nested", encoding="ascii") as f:
            nested = f.read().strip() in ("1", "Y")
        return bool(svm) and nested and os.access("/dev/kvm", os.R_OK | os.W_OK)
    except OSError:
        return False


def qemu_command(conf, modules, *, cores=3, memory=1024, machine="pc", boot="kernel", options="",
                 cpu=None, icount=False, single=False, nic=(), extra=(), folder=None,
                 image=IMAGE):
    """The emulator's command line for one node.  `nic`: arguments of the NIC and its back end."""
    kvm = have_kvm() and not icount and cpu is None
    cmd = ["qemu-system-x86_64", "-M", machine, "-m", str(memory), "-smp", str(cores),
           "-nodefaults", "-display", "none", "-no-reboot",
           "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
           "-cpu", "host" if kvm else cpu or "EPYC,+x2apic"]
    cmd += ["-accel", "kvm"] if kvm else ["-accel", "tcg,thread=single"] if single else []
    if icount:
        cmd += ICOUNT
    if boot == "kernel":
        files = ",".join(f.replace(",", ",,") for f in [conf, *modules])
        cmd += ["-kernel", image, "-initrd", files]
        if options:
            cmd += ["-append", options]
    else:
        cmd += ["-cdrom", make_iso(folder, conf, modules, boot, options), "-boot", "d"]
    return cmd + list(nic) + list(extra)


class Node:
    """One emulated machine that runs Patio with the given patio.conf text and boot modules."""

    def __init__(self, conf, modules=(), *, timeout=120, log=None, **machine):
        self.folder = tempfile.mkdtemp(prefix="patio-")
        path = os.path.join(self.folder, "patio.conf")
        if conf is not None:
            with open(path, "w", encoding="utf-8") as f:
                f.write(conf)
        first = [path] if conf is not None else []
        files = first + list(modules)
        self.command = qemu_command(files[0], files[1:], folder=self.folder, **machine)
        with open(os.path.join(self.folder, "qemu.err"), "wb") as err:
            self.child = pexpect.spawn(
                "/bin/sh", ["-c", 'exec "$@" 2>"$0"', err.name] + self.command,
                timeout=timeout, encoding="utf-8", codec_errors="replace", echo=False,
                maxread=65536)
        self.child.delaybeforesend = None
        self.child.logfile_read = log
        self.where = None  # whose console the terminal shows; None: the monitor

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Ends the emulator, whatever it does."""
        self.child.close(force=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def fail(self, what):
        """Raises NodeError with the last output."""
        text = (self.child.before or "")[-4000:] if isinstance(self.child.before, str) else ""
        with open(os.path.join(self.folder, "qemu.err"), encoding="utf-8", errors="replace") as f:
            err = "".join(l for l in f if "TCG doesn't support" not in l)
        raise NodeError(f"{what}\n--- last output\n{text}\n--- emulator\n{err}")

    def expect(self, pattern, timeout=-1):
        """Waits for a regular expression (or the first of a list); returns the match."""
        try:
            self.child.expect(pattern, timeout=timeout)
            return self.child.match
        except pexpect.TIMEOUT:
            return self.fail(f"timed out waiting for {pattern!r}")
        except pexpect.EOF:
            return self.fail(f"the node ended while {pattern!r} was awaited")

    def ready(self):
        """Waits for the monitor's first prompt."""
        self.expect(re.escape(PROMPT))
        return self

    def wait_end(self, timeout=120):
        """Waits until the node has ended itself; returns (status, all its output)."""
        try:
            self.child.expect(pexpect.EOF, timeout=timeout)
        except pexpect.TIMEOUT:
            self.fail("the node did not end")
        text = self.child.before
        self.child.close()
        code = self.child.exitstatus
        return (code >> 1 if code is not None and code & 1 else None), text

    # --- the monitor

    def leave(self):
        """Leaves a guest's console, if one is shown, for the monitor."""
        if self.where is not None:
            self.child.send(CTRL_A)
            self.expect(re.escape(PROMPT))
            self.where = None

    def monitor(self, line, timeout=60):
        """One line of the monitor; its answer as text."""
        self.leave()
        self.child.send(line + "\r")
        self.expect(r"\r*\n")
        self.expect(r"(?:^|\n)" + re.escape(PROMPT), timeout)
        return self.child.before.replace("\r", "")

    def show(self, what):
        """`show WHAT json`, decoded."""
        text = self.monitor(f"show {what} json")
        for line in text.splitlines():
            if line.startswith("{"):
                return json.loads(line)
        return self.fail(f"show {what}: no JSON in {text!r}")

    def counter(self, port, name):
        """A port's counter by name; 0 when it never moved."""
        rows = self.show(f"counters {port}")["counters"]
        return sum(r["value"] for r in rows if r["counter"] == name)

    def exits(self, name):
        """{kind: count} of a guest's exits, all vCPUs together."""
        out = {}
        for r in self.show(f"exits {name}")["exits"]:
            out[r["exit"]] = out.get(r["exit"], 0) + r["count"]
        return out

    # --- guests' consoles

    def enter(self, name):
        """Puts the guest's console on the terminal."""
        if self.where == name:
            return
        self.leave()
        self.child.send(f"console {name}\r")
        self.expect(r"\r*\n")
        self.where = name

    def shell(self, name, command, timeout=120):
        """A command in a Linux guest's shell: (exit status, output)."""
        self.enter(name)
        mark = f"@@{os.urandom(4).hex()}"
        split = f"{mark[:4]}''{mark[4:]}"  # so that the line's own echo does not look like it
        self.child.send(f"echo {split}; {command}; echo {split} $?\n")
        self.expect(re.escape(mark) + r" (\d+)\r*\n", timeout)
        status = int(self.child.match.group(1))
        text = self.child.before.replace("\r", "")
        return status, text.split(mark + "\n", 1)[-1]
