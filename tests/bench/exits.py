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
different lives.  The other cores sleep meanwhile, so all instructions are the guest's core's own.
"""

from icount import CPU, emulator, growth, snapshot
from node import Node, guest

LIVES = (("hypercall", "cpuid", "in", "rdmsr", "read"), ("out", "wrmsr", "write"))
KIND = {"hypercall": "hypercall", "cpuid": "cpuid", "in": "io", "out": "io", "rdmsr": "msr",
        "wrmsr": "msr", "read": "memory", "write": "memory"}
ROUNDS = (1000, 2000)
MACHINES = {"svm": {"icount": True, "cpu": CPU}}
PEER = "from the exit to the next instruction; read and write: the xAPIC page, emulated"


def life(machine, words, rounds):
    """One life of the guest: ({operation: its ticks}, {kind: [exits, ticks of the generic part]}).

    Nothing is typed before its end: a core that answers would count.
    """
    conf = ("guest exits memory 32M debug-exit kernel exits.elf "
            f'cmdline "n={rounds} {" ".join(words)}"\n')
    with Node(conf, [guest("exits")], cores=2, memory=256, **machine) as node:
        node.expect(r"guest exits ended: .*, status 0\r*\n")
        node.enter("exits")
        ticks = {w: int(node.expect(rf"\b{w} 0*{rounds} (\d+)\r*\n").group(1)) for w in words}
        return ticks, snapshot(node)


def cost(machine, rounds=ROUNDS):
    """{operation: (exits, instructions in all, those of the generic part)}, each per round."""
    out, units = {}, rounds[1] - rounds[0]
    for words in LIVES:
        (few, short), (many, long) = (life(machine, words, n) for n in rounds)
        found = growth(short, long, units)
        for word in words:
            exits, generic = found[KIND[word]]
            out[word] = exits, (many[word] - few[word]) / units, generic
    return out


def figures(target, exits, total, generic):
    """A target's part of a row."""
    return {f"{target}_exits": exits, f"{target}_insn": round(total),
            f"{target}_generic": round(generic), f"{target}_vendor": round(total) - round(generic)}


def run(_nodes):
    """One row for each operation, all targets side by side."""
    costs = {target: cost(machine) for target, machine in MACHINES.items()}
    conditions = {"rounds": ROUNDS, "emulator": emulator(), "cpu": CPU,
                  "icount": "shift=0,sleep=off", "boot": "-kernel", "cores": 2}
    return [{"exit": word, "kind": kind, "conditions": conditions}
            | {k: v for t in costs for k, v in figures(t, *costs[t][word]).items()}
            for word, kind in KIND.items()]


def judge(_row):
    return []


def where(_row):
    return None


LABEL = ("exit",)
COLUMNS = ("exit", "svm_insn", "svm_generic", "svm_vendor")
