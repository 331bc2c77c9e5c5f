# SPDX-License-Identifier: BSD-2-Clause
"""One description for many nodes: a table of nodes, and a template of their patio.conf.

Each line of the table, such as nodes.conf, is a node, or a row of consecutively numbered nodes:

    node  paris     mac 52:54:00:00:00:01 address 192.0.2.1/24
    nodes rack{1..4} mac 52:54:00:00:01:01 address 192.0.2.11/24 uplink 00:03.0

`mac` is that of the NIC from which the node boots.  After the name stand variables, each with its
value; in the template ${word} stands for the value, ${name} for the node's name, ${index} for its
number in the table, from 1, and $$ for a dollar sign.  In a row the MAC and the address increase by
one from node to node; other values are the same for all.
"""

import ipaddress
import re
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # a host name's label
ROW = re.compile(r"([A-Za-z0-9-]*)\{(\d{1,4})\.\.(\d{1,4})\}([A-Za-z0-9-]*)")
VARIABLE = re.compile(r"[a-z][a-z0-9_]*")
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
OWN = ("name", "index")  # variables that every node has by itself
UNIQUE = ("name", "mac", "address")


class NodesError(Exception):
    """The table or the template was refused; the text names file and line."""


@dataclass
class NodeEntry:
    """A node of the table: its line, and its variables with their values."""

    line: int
    values: dict

    @property
    def name(self):
        return self.values["name"]

    @property
    def mac(self):
        return self.values["mac"]


def _check(values, fail):
    """Normalises the values that have a fixed form; refuses malformed ones."""
    mac = values.get("mac", "").lower()
    if not mac:
        fail("a node needs its mac")
    if not MAC.fullmatch(mac) or int(mac[:2], 16) & 1 or not int(mac.replace(":", ""), 16):
        fail(f'"{values["mac"]}" is no MAC of a NIC')
    if "address" in values:
        try:
            ipaddress.IPv4Interface(values["address"])
        except ValueError:
            fail(f'"{values["address"]}" is no IPv4 address, with or without /length')
    return values | {"mac": mac}


def _counted(values, n, fail):
    """The values of node n of a row, counted from 0."""
    out = dict(values)
    number = int(values["mac"].replace(":", ""), 16) + n
    if number >> 24 != int(values["mac"].replace(":", "")[:6], 16):
        fail("the row's MACs run over into another maker's")
    out["mac"] = ":".join(f"{number >> s & 255:02x}" for s in range(40, -1, -8))
    if "address" in values:
        first = ipaddress.IPv4Interface(values["address"])
        address, slash, length = values["address"].partition("/")
        address = ipaddress.IPv4Address(address) + n
        if slash and address not in first.network:
            fail(f"the row's addresses run out of {first.network}")
        out["address"] = f"{address}{slash}{length}"
    return out


def _variables(words, fail):
    if len(words) % 2:
        fail(f'"{words[-1]}" has no value')
    values = {}
    for key, value in zip(words[::2], words[1::2]):
        if not VARIABLE.fullmatch(key) or key in OWN:
            fail(f'"{key}" cannot be a variable')
        if key in values:
            fail(f'"{key}" is there twice')
        values[key] = value
    return _check(values, fail)


def _names(statement, word, fail):
    if statement == "node":
        names = [word]
    else:
        row = ROW.fullmatch(word)
        if not row or int(row[2]) > int(row[3]):
            fail(f'"{word}" is no row of names, such as rack{{1..16}}')
        width = len(row[2]) if row[2].startswith("0") else 1
        names = [f"{row[1]}{i:0{width}}{row[4]}" for i in range(int(row[2]), int(row[3]) + 1)]
    for name in names:
        if not NAME.fullmatch(name):
            fail(f'"{name}" is no host name')
        if name == "default":
            fail('"default" is what a node gets that is not in the table')
    return names


def parse(text, file="nodes.conf"):
    """The nodes of a table, in its order; NodesError when anything in it is wrong."""
    nodes, seen = [], {}
    for line, content in enumerate(text.splitlines(), 1):
        def fail(why, at=line):
            raise NodesError(f"{file}:{at}: {why}")

        words = content.split("#", 1)[0].split()
        if not words:
            continue
        if words[0] not in ("node", "nodes") or len(words) < 2:
            fail('write "node NAME mac MAC ..." or "nodes NAME{1..N} mac MAC ..."')
        values = _variables(words[2:], fail)
        for n, name in enumerate(_names(words[0], words[1], fail)):
            own = {"name": name, "index": str(len(nodes) + 1)}
            entry = NodeEntry(line, own | _counted(values, n, fail))
            for key in UNIQUE:
                value = entry.values.get(key, "").partition("/")[0]
                if (key, value) in seen:
                    fail(f"{key} {value} is already that of a node in line {seen[key, value]}")
                if value:
                    seen[key, value] = line
            nodes.append(entry)
    if not nodes:
        raise NodesError(f"{file}: no node in it")
    return nodes


def expand(template, entry, file="patio.conf"):
    """The template with a node's values; NodesError for an unknown variable."""
    def value(match):
        line = template.count("\n", 0, match.start()) + 1
        if match[0] == "$$":
            return "$"
        if match[1] not in entry.values:
            what = f'unknown variable "{match[1]}"' if match[1] else "a $ that begins no ${name}"
            raise NodesError(f"{file}:{line}: {what}; node {entry.name} has "
                             f"{', '.join(entry.values)}; $$ is a dollar sign")
        return entry.values[match[1]]

    return re.sub(r"\$\$|\$\{([^}\n]*)\}|\$", value, template)
