# SPDX-License-Identifier: BSD-2-Clause
"""tools/patio/nodes.py: a table of nodes and a template of their patio.conf."""

import pytest

from patio.nodes import NodesError, expand, parse

TABLE = """# two nodes, and a row of three
node paris  mac 52:54:00:00:00:01 address 192.0.2.1/24 peer 192.0.2.2
node tokyo  mac 52:54:00:00:00:0A address 192.0.2.2/24 peer 192.0.2.1   # far away

nodes rack{08..10}-a mac 52:54:00:00:01:fe address 10.0.0.254/16 peer none
"""


def test_nodes_in_order():
    nodes = parse(TABLE)
    assert [n.name for n in nodes] == ["paris", "tokyo", "rack08-a", "rack09-a", "rack10-a"]
    assert [n.values["index"] for n in nodes] == ["1", "2", "3", "4", "5"]
    assert [n.line for n in nodes] == [2, 3, 5, 5, 5]


def test_a_row_counts_up():
    row = parse(TABLE)[2:]
    assert [n.mac for n in row] == ["52:54:00:00:01:fe", "52:54:00:00:01:ff", "52:54:00:00:02:00"]
    assert [n.values["address"] for n in row] == ["10.0.0.254/16", "10.0.0.255/16", "10.0.1.0/16"]
    assert {n.values["peer"] for n in row} == {"none"}


def test_template():
    text = "guest ${name} # number ${index}, ${mac} at ${address}\ncost $$5 $${name}\n"
    assert expand(text, parse(TABLE)[1]) == (
        "guest tokyo # number 2, 52:54:00:00:00:0a at 192.0.2.2/24\ncost $5 ${name}\n")


@pytest.mark.parametrize("text,message", [
    ("a\n${nam}\n", 'patio.conf:2: unknown variable "nam"; node paris has name, index, mac'),
    ("x\n\n a$b", "patio.conf:3: a $ that begins no ${name}"),
    ("${", "patio.conf:1: a $ that begins no ${name}"),
    ("${}", "patio.conf:1: a $ that begins no ${name}")])
def test_bad_template(text, message):
    with pytest.raises(NodesError) as error:
        expand(text, parse(TABLE)[0])
    assert str(error.value).startswith(message)


FIRST = "node a mac 52:54:00:00:00:01 address 192.0.2.1/24\n"


@pytest.mark.parametrize("text,message", [
    ("", "nodes.conf: no node in it"),
    ("nod a", 'nodes.conf:1: write "node NAME'),
    ("node", 'nodes.conf:1: write "node NAME'),
    ("node a", "nodes.conf:1: a node needs its mac"),
    ("node a mac", 'nodes.conf:1: "mac" has no value'),
    ("node a mac 52:54:00:00:00", 'nodes.conf:1: "52:54:00:00:00" is no MAC'),
    ("node a mac 01:00:5e:00:00:01", 'nodes.conf:1: "01:00:5e:00:00:01" is no MAC'),
    ("node a mac 00:00:00:00:00:00", 'nodes.conf:1: "00:00:00:00:00:00" is no MAC'),
    ("node a_b mac 52:54:00:00:00:02", 'nodes.conf:1: "a_b" is no host name'),
    ("node default mac 52:54:00:00:00:02", 'nodes.conf:1: "default" is'),
    ("node a mac 52:54:00:00:00:02 address 1.2.3.256", 'nodes.conf:1: "1.2.3.256" is no IPv4'),
    ("node a mac 52:54:00:00:00:02 name b", 'nodes.conf:1: "name" cannot be a variable'),
    ("node a mac 52:54:00:00:00:02 Core 3", 'nodes.conf:1: "Core" cannot be a variable'),
    ("node a mac 52:54:00:00:00:02 x 1 x 2", 'nodes.conf:1: "x" is there twice'),
    (FIRST + "node a mac 52:54:00:00:00:02", "nodes.conf:2: name a is already that of a node in line 1"),
    (FIRST + "node b mac 52:54:00:00:00:01", "nodes.conf:2: mac 52:54:00:00:00:01 is already"),
    (FIRST + "node b mac 52:54:00:00:00:02 address 192.0.2.1/16", "nodes.conf:2: address 192.0.2.1 is"),
    (FIRST + "nodes b{1..2} mac 52:54:00:00:00:00", "nodes.conf:2: mac 52:54:00:00:00:01 is already"),
    ("nodes a mac 52:54:00:00:00:01", 'nodes.conf:1: "a" is no row'),
    ("nodes a{2..1} mac 52:54:00:00:00:01", 'nodes.conf:1: "a{2..1}" is no row'),
    ("nodes a{1..2} mac 52:54:00:ff:ff:ff", "nodes.conf:1: the row's MACs run over"),
    ("nodes a{1..2} mac 52:54:00:00:00:01 address 192.0.2.255/24", "nodes.conf:1: the row's addresses run out"),
])
def test_bad_table(text, message):
    with pytest.raises(NodesError) as error:
        parse(text)
    assert str(error.value).startswith(message), error.value
