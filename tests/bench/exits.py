# SPDX-License-Identifier: BSD-2-Clause
"""What an exit costs on each target, from the guest's instruction to its next one: exits.json.

A guest times rounds of a loop with an instruction that exits, less the same loop without it.  That
is the total.  Of it

* the generic part is what struct exit_stat counts (vmm/vcpu.c): from the time stamp that the run
  loop takes behind hvm->run() to the one that it takes when the exit is handled.  In it are the
  handlers of vmm/, the look at the switch's clock (tick()), and what these ask of the vendor by
  hvm->get() and hvm->set(): on VT-x each of those is a VMREAD or a VMWRITE;
* the vendor part is the rest: the exiting instruction, the world switch both ways, translation and
  re-injection; besides, the run loop outside its two time stamps, which are 23 instructions of the
  same C code for every kind and target (gcc 12): booking, the look for requests, the call.  One of
  the two RDTSCs falls into either part.

Both are growths from a short life of the guest to a long one, for each round that it had more: what
its start and its printing cost is taken off.  Operations that count as one kind of exit are in
different lives.  The node has one core, so that nothing else is counted; and Bochs's clock of more
than one CPU does not count instructions.
"""

from icount import CPU, growth, snapshot
from patio.node import Node, guest
from patio.targets import target

LIVES = (("hypercall", "cpuid", "in", "rdmsr", "read"), ("out", "wrmsr", "write"))
KIND = {"hypercall": "hypercall", "cpuid": "cpuid", "in": "io", "out": "io", "rdmsr": "msr",
        "wrmsr": "msr", "read": "memory", "write": "memory"}
ROUNDS = (1000, 2000)
MACHINES = {"qemu-svm": {"icount": True, "cpu": CPU, "boot": "kernel"},
            "bochs-vmx": {"boot": "multiboot"}}
COLUMN = {"qemu-svm": "svm", "bochs-vmx": "vmx"}
PEER = ("from the exit to the next instruction; read, write: the xAPIC page, emulated; "
        "vmx: on Bochs, one tick an instruction too")


def life(name, words, rounds):
    """One life of the guest: ({operation: its ticks}, {kind: [exits, ticks of the generic part]}).

    Nothing is typed before its end: the answer would count.
    """
    conf = ("guest exits memory 32M debug-exit kernel exits.elf "
            f'cmdline "n={rounds} {" ".join(words)}"\n')
    with Node(conf, [guest("exits")], target=name, cores=1, memory=256, **MACHINES[name]) as node:
        node.expect(r"guest exits ended: .*, status 0\r*\n")
        node.enter("exits")
        ticks = {w: int(node.expect(rf"\b{w} 0*{rounds} (\d+)\r*\n").group(1)) for w in words}
        return ticks, snapshot(node)


def cost(name, rounds=ROUNDS):
    """{operation: (exits, instructions in all, those of the generic part)}, each per round."""
    out, units = {}, rounds[1] - rounds[0]
    for words in LIVES:
        (few, short), (many, long) = (life(name, words, n) for n in rounds)
        found = growth(short, long, units)
        for word in words:
            exits, generic = found[KIND[word]]
            out[word] = exits, (many[word] - few[word]) / units, generic
    return out


def figures(name, exits, total, generic):
    """A target's part of a row."""
    total, generic = round(total), round(generic)
    return {f"{name}_exits": exits, f"{name}_insn": total, f"{name}_generic": generic,
            f"{name}_vendor": total - generic}


def run(_nodes):
    """One row for each operation, all targets side by side."""
    costs = {name: cost(name) for name in MACHINES}
    conditions = {COLUMN[name]: {"emulator": target(name).version(), "cores": 1, **machine}
                  for name, machine in MACHINES.items()}
    return [{"exit": word, "kind": kind, "rounds": ROUNDS, "conditions": conditions}
            | {k: v for name in costs for k, v in figures(COLUMN[name], *costs[name][word]).items()}
            for word, kind in KIND.items()]


def judge(_row):
    return []


def where(_row):
    return None


LABEL = ("exit",)
COLUMNS = ("exit", *(f"{name}_{part}" for part in ("insn", "generic", "vendor")
                     for name in COLUMN.values()))
