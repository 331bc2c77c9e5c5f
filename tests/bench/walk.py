# SPDX-License-Identifier: BSD-2-Clause
"""The walk of one frame through the source, from the sender's kick to the peer's interrupt: walk.json.

A tiny guest pings another one under QEMU, which for a while executes and logs one instruction at a
time.  A walk is what the VMM executes from vcpu_handle_exit(), behind which no code knows the CPU's
vendor, to the WRMSR of lapic_ipi(), where it passes virtio_net_egress(); of several the one that is
met most often is taken.
It is counted as one who reads it meets it: function after function in the order in which they are
entered, also those that the compiler has put in line, which the debug information names; each place
of a call once, for loops and the compiler's order of instructions are none of the reader's concern.
What is in lib/ is not counted: a lock or a counter is a word that the reader knows.
A change is from one function's file to that of the next; a return is one to a file that was left
before.  Indirect calls are those of the compiled code, tail calls among them.
"""

import collections
import itertools
import os
import re
import socket
import subprocess
import time

from patio.hardware import BUILD
from patio.node import Node, NodeError, guest
from patio.targets import target

COLUMNS = ["walk", "insn", "functions", "files", "changes", "returns", "indirect"]
LABEL = ["walk"]
UNIT = "instructions, functions, files; a change goes from one file to another, a return to one left before"
PEER = "aims: 20 files, 30 changes, 4 indirect calls"
AIMS = {"files": 20, "changes": 30, "indirect": 4}
ELF = os.path.join(BUILD, "patio.elf64")
SOURCE = re.compile(r"(?:.*/)?((?:arch|drivers|lib|vmm|vnet)/\S+):(\d+)")
MAC = "52:54:00:00:00:0e"
CONF = f"""
guest echo memory 32M kernel echo.elf
guest ping memory 32M kernel ping.elf cmdline "peer={MAC} n=10000" restart always autostart no
port echo guest echo mac {MAC}
port ping guest ping
"""
TRACE = re.compile(r"^Trace (\d+): \S+ \[[0-9a-f]+/([0-9a-f]+)/([0-9a-f]+)/")
IN_GUEST = 1 << 21  # QEMU's HF_GUEST_MASK
WALKS = 20  # at least, in the log
LIMIT = 60  # seconds; it only ends what hangs


def tool(*words, text=None):
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout


class Image:
    """The VMM's code: its instructions, and where they come from."""

    def __init__(self):
        self.code = {}  # address: instruction
        for line in tool("objdump", "-d", "--no-show-raw-insn", ELF).splitlines():
            at, _, insn = line.partition(":\t")
            if insn:
                self.code[int(at, 16)] = insn
        self.order = sorted(self.code)
        self.known = {}
        self.symbol = {name: int(at, 16) for at, _, name in
                       (line.split() for line in tool("nm", "--defined-only", ELF).splitlines())}
        self.entries = set(self.symbol.values())

    def behind(self, mnemonic):
        """The addresses behind all instructions of a kind."""
        return {b for a, b in zip(self.order, self.order[1:]) if self.code[a].split()[0] == mnemonic}

    def stacks(self, addresses):
        """Of each address its functions as [(function, file, line)], from the one that has code of
        its own to the innermost that is in line there."""
        new = sorted(set(addresses) - set(self.known))
        out = tool("addr2line", "-a", "-f", "-i", "-e", ELF, text="".join(f"{a:#x}\n" for a in new))
        for block in re.split(r"^0x", out, flags=re.M)[1:]:
            at, *lines = block.splitlines()
            self.known[int(at, 16)] = [(function, *place(function, where)) for function, where
                                       in zip(lines[::2], lines[1::2])][::-1]
        return [self.known[a] for a in addresses]

    def indirect(self, at, to):
        """Whether the instruction calls what a pointer says; a switch's table leads into the middle
        of a function."""
        words = self.code[at].replace("notrack ", "").split()
        return words[0] in ("call", "jmp") and words[1].startswith("*") and to in self.entries


def place(function, where):
    """File and line; of assembly, which has no debug information, the symbol."""
    found = SOURCE.match(where)
    return found.groups() if found else (function, "0")


def command(sock, line):
    sock.sendall(line.encode() + b"\n")
    time.sleep(0.2)


def until(end, holds):
    while not holds():
        if time.monotonic() > end:
            raise NodeError("the guests do not talk")
        time.sleep(0.2)


def record(log):
    """Lets the guests talk until enough was logged."""
    control = os.path.join(os.path.dirname(log), f"walk-{os.getpid()}.sock")
    extra = ["-monitor", f"unix:{control},server,nowait", "-D", log, "-dfilter", "0x100000..0x17ffff"]
    with Node(CONF, [guest("echo"), guest("ping")], target="qemu-svm", cores=3, memory=256, single=True,
              extra=extra) as node, socket.socket(socket.AF_UNIX) as sock:
        node.ready()
        sock.connect(control)
        end = time.monotonic() + LIMIT
        until(end, lambda: node.show("ports echo")["ports"][0]["up"])
        node.monitor("start ping")
        until(end, lambda: node.counter("ping", "out_frames"))
        command(sock, "one-insn-per-tb on")
        command(sock, "log exec,nochain")
        while os.path.getsize(log) < 40 << 20 and time.monotonic() < end:
            time.sleep(0.5)
        command(sock, "log none")


def walks(log, image):
    """The address lists of all walks in the log."""
    starts = image.behind("vmrun")
    egress = image.symbol["virtio_net_egress"]
    now = collections.defaultdict(list)
    with open(log, encoding="ascii", errors="replace") as lines:
        for line in lines:
            m = TRACE.match(line)
            if not m or int(m.group(3), 16) & IN_GUEST:
                continue
            cpu, at = m.group(1), int(m.group(2), 16)
            if at in starts:
                if egress in now[cpu]:
                    yield now[cpu]
                now[cpu] = []
            now[cpu].append(at)


def cut(walk, image):
    """The walk from the exit to the first interrupt; None: it sent none, or the frame was one that an
    earlier visit had left."""
    inside = [{stack[0][0], stack[-1][0]} for stack in image.stacks(walk)]
    start = next((i for i, names in enumerate(inside) if "vcpu_handle_exit" in names), None)
    sent = next((i for i, names in enumerate(inside) if "lapic_ipi" in names), None)
    if start is None or sent is None or sent < start:
        return None
    end = next((i for i in range(sent, len(walk)) if image.code[walk[i]].startswith("wrmsr")), None)
    return tuple(walk[start:end + 1]) if end else None


def entered(walk, image):
    """(function, file) of each place of a call, in the order in which they are come to."""
    seen, out = set(), []
    for stack in image.stacks(walk):
        for depth in range(1, len(stack) + 1):
            # a caller's line is where it has the next one in line
            path = tuple((f, line if i < depth - 1 else "") for i, (f, _, line) in
                         enumerate(stack[:depth]))
            if path not in seen:
                seen.add(path)
                out.append(stack[depth - 1][:2])
    return [(function, file) for function, file in out if not file.startswith("lib/")]


def figures(walk, image):
    calls = entered(walk, image)
    files = [file for file, _ in itertools.groupby(file for _, file in calls)]
    return {"insn": len(walk), "functions": len(set(calls)), "files": len(set(files)),
            "changes": len(files) - 1, "returns": len(files) - len(set(files)),
            "indirect": sum(image.indirect(a, b) for a, b in zip(walk, walk[1:])), "path": files,
            "in": [f"{file}: {function}()" for function, file in calls]}


def run(_nodes):
    image = Image()
    folder = os.path.join(BUILD, "bench")
    os.makedirs(folder, exist_ok=True)
    log = os.path.join(folder, "walk.log")
    open(log, "w", encoding="ascii").close()
    record(log)
    found = [w for w in (cut(w, image) for w in walks(log, image)) if w]
    if len(found) < WALKS:
        raise NodeError(f"only {len(found)} walks in the log")
    walk, times = collections.Counter(found).most_common(1)[0]
    os.unlink(log)
    return [{"walk": "kick", "met": times, "of": len(found), "emulator": target("qemu-svm").version()}
            | figures(walk, image)]


def judge(row):
    return [(what, row[what], aim, row[what] <= aim) for what, aim in AIMS.items()]


def where(row):
    return " > ".join(row["path"])
