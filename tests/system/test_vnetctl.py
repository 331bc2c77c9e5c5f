# SPDX-License-Identifier: BSD-2-Clause
"""The control language from inside a Linux guest: vnetctl on the guest's control console."""

import base64
import contextlib
import gzip
import json
import re

import pytest

import prometheus
from linux import answered, beside, boot, linux, run
from machine import TINY, judge, only_on, passes, said, until

PING, ECHO = "52:54:00:00:00:01", "52:54:00:00:00:02"
ROUNDS = 500  # in one run of the guest that pings
CHANGES = 1000
CONF = f"""node paris
{linux("dom0", "10.0.0.1", "control")}
{linux("alice", "10.0.0.2")}
network lab mode route
guest ping kernel ping.elf cmdline "peer={ECHO} n={ROUNDS} poll=1" {TINY} autostart no
guest echo kernel echo.elf {TINY}
port dom0 guest dom0
port alice.0 guest alice
port ping guest ping network lab mac {PING}
port echo guest echo network lab mac {ECHO}
route network lab src any dst {ECHO} to port echo
route network lab src any dst {PING} to port ping
"""
# Two routes that send the same frames to the same port; a text replaces one by the other.
WAYS = [f"network lab src any dst {ECHO} to port echo",
        f"network lab src {PING} dst {ECHO} from ping to port echo"]
VNETCTL = "vnetctl -t 3600"  # seconds: answers may be late on a busy machine
# Writes to the control console without vnetctl, and reads no answer.
RAW = "(stty raw -echo; printf '%s' >&0) <>/dev/hvc1"

pytestmark = only_on("qemu-svm", "two Linux guests")


@pytest.fixture(name="n", scope="module")
def the_node():
    with boot(CONF, ["dom0", "alice"], ["ping", "echo"], cores=5, memory=1024) as n:
        yield n


def vnetctl(n, words):
    """Runs vnetctl in Dom0, which must succeed; returns its output."""
    return run(n, "dom0", f"{VNETCTL} {words}").strip()


def refused(n, words, status=1):
    """Runs vnetctl in Dom0, which must fail without output; returns its error."""
    got, text = n.shell("dom0", f"{VNETCTL} {words} 2>&1 >/dev/null")
    assert got == status, (words, got, text)
    return text.strip()


def routes(n):
    return [(r["src"], r["dst"], r["to"]) for r in n.show("routes")["routes"]]


def write(n, path, text):
    """Writes a file in Dom0."""
    lines = " ".join(f"'{line}'" for line in text.split("\n"))
    run(n, "dom0", f"printf '%s\\n' {lines} >{path}")


def test_show(n):
    """Text answers equal the monitor's, JSON can be parsed, and answers may be long."""
    assert vnetctl(n, "show networks") == n.monitor("show networks").strip()
    both = json.loads(vnetctl(n, "show ports json")), n.show("ports")
    assert [[p["port"] for p in b["ports"]] for b in both] == [["dom0", "alice.0", "ping", "echo"]] * 2
    everything = json.loads(vnetctl(n, "show all json"))
    assert len(everything["guests"]) == 4 and everything["memory"]["total"] > 0
    assert "declare a virtual machine" in vnetctl(n, "help")


def metrics(n, words=""):
    """What `vnetctl metrics` printed in Dom0; packed, because a console has no room for all of it."""
    run(n, "dom0", f"{VNETCTL} metrics {words} >/tmp/metrics")
    return gzip.decompress(base64.b64decode(run(n, "dom0", "gzip -c /tmp/metrics | base64"))).decode()


@contextlib.contextmanager
def measuring(n):
    """With histograms, which have five frames to Dom0 and to Alice."""
    vnetctl(n, "histogram on")
    try:
        assert answered(lambda command: run(n, "dom0", command), "10.0.0.2") is None
        yield
    finally:
        vnetctl(n, "histogram off")


def of_all(rows, **words):
    """The count and the sum of the row with these values."""
    [row] = [r for r in rows if words.items() <= r.items()]
    return row["count"], row["sum"]


def check_histograms(n, hz):
    """With 24 buckets and one of all; the numbers are between those that `show histogram` has before and after."""
    before = n.show("histogram")
    found = prometheus.families(metrics(n), "openmetrics")
    after = n.show("histogram")
    values = prometheus.samples(found)
    bounds = {s.labels["le"] for s in found["patio_port_delivery_seconds"].samples if "le" in s.labels}
    assert bounds == {s.labels["le"] for s in found["patio_vcpu_exit_time_seconds"].samples if "le" in s.labels}
    assert {round(float(le) * hz).bit_length() for le in bounds - {"+Inf"}} == set(range(8, 32)), (bounds, hz)
    assert len(bounds) == 25
    for family, labels, table, words in (
            ("patio_port_delivery_seconds", {"port": "alice.0"}, "port_times", {"port": "alice.0", "core": None}),
            ("patio_vcpu_exit_time_seconds", {"guest": "dom0", "vcpu": "0"}, "exit_times",
             {"guest": "dom0", "vcpu": 0, "exit": None})):
        count, seconds = (values[(family + part, *labels.items())] for part in ("_count", "_sum"))
        least, most = (of_all(text[table], **words) for text in (before, after))
        assert 5 <= least[0] <= count <= most[0], (family, least, count, most)
        assert least[1] / hz - 1e-9 <= seconds <= most[1] / hz, (family, least, seconds, most, hz)


def test_metrics(n):
    """A strict reader of OpenMetrics takes them, and they are what `show` says."""
    vnetctl(n, "show networks")
    requests = n.counter("dom0", "control.requests")
    text = metrics(n)
    found = prometheus.families(text, "openmetrics")
    values = prometheus.samples(found)
    assert text.endswith("\n# EOF\n")
    assert {"info", "gauge", "counter", "stateset", "histogram"} == {f.type for f in found.values()}
    assert found["patio_port_in_bytes"].unit == "bytes" and found["patio_port_in_bytes"].documentation
    machine = n.show("machine")["machine"]
    node = found["patio"].samples[0].labels
    assert (node["node"], node["vendor"], node["tsc_hz"]) == \
        ("paris", machine["vendor"], str(1000 * machine["tsc_khz"]))
    for g in n.show("guests")["guests"]:
        guest = ("guest", g["guest"])
        assert values["patio_guest_state", guest, ("patio_guest_state", g["state"])] == 1
        assert values["patio_guest_memory_bytes", guest] == g["memory"]
        assert values["patio_guest_starts_total", guest] == g["starts"]
    port = next(p for p in n.show("ports")["ports"] if p["port"] == "echo")
    for name in "in_frames", "in_bytes", "out_frames", "out_bytes":
        assert values[f"patio_port_{name}_total", ("port", "echo")] == port[name]
    assert values["patio_control_requests_total", ("guest", "dom0")] == requests > 0
    assert not found["patio_port_delivery_seconds"].samples
    with measuring(n):
        check_histograms(n, 1000 * machine["tsc_khz"])
    assert "control:1:14: " in refused(n, "metrics json")


def test_metrics_for_the_node_exporter(n, tmp_path):
    """promtool has nothing to say, the textfile collector passes each sample on with its type; the other
    form they refuse."""
    prometheus.fetch()
    with measuring(n):
        text, other = metrics(n, "prometheus"), metrics(n, "openmetrics")
    assert prometheus.promtool(text) == ""
    assert 'unknown metric type "info"' in prometheus.promtool(other)
    file = tmp_path / "patio.prom"
    file.write_text(text, encoding="utf-8")
    with prometheus.node_exporter(tmp_path) as scrape:
        found = scrape()
        assert prometheus.samples(found)[("node_textfile_scrape_error",)] == 0
        ours = prometheus.families(text)
        full = {name: f for name, f in ours.items() if f.samples}
        served = {name: f for name, f in found.items() if name.startswith("patio")}
        assert prometheus.samples(served) == prometheus.samples(full)
        assert served["patio_port_delivery_seconds"].type == "histogram"
        assert {n: (f.type, f.documentation) for n, f in served.items()} == \
            {n: (f.type, f.documentation) for n, f in full.items()}
        file.write_text(other, encoding="utf-8")
        assert prometheus.samples(scrape())[("node_textfile_scrape_error",)] == 1


def test_change(n):
    """A route is added, explained and removed; guest and monitor show the same."""
    before = routes(n)
    vnetctl(n, f"route network lab src {PING} dst any to port echo")
    assert routes(n) == before + [(PING, "any", "echo")]
    row = json.loads(vnetctl(n, f"explain {PING} 52:54:00:00:00:09 ping json"))["explain"]
    assert [(r["route"], r["wins"], r["port"]) for r in row] == [(2, True, "echo")]
    vnetctl(n, f"remove route network lab src {PING} dst any to port echo")
    assert routes(n) == before


def test_refused(n):
    """An error is on standard error with its place, the status is 1, and nothing changes."""
    before = routes(n)
    assert refused(n, "frobnicate") == \
        'vnetctl: control:1:1: unknown statement "frobnicate"; `help` lists them'
    assert "control:1:7: " in refused(n, "route nosuch")
    assert "works at the serial terminal only" in refused(n, "console alice")
    assert "is not running" in refused(n, "stop ping")
    assert "usage: vnetctl" in refused(n, "-x", 2)
    assert "instead of `load`" in refused(n, "load", 2)
    assert routes(n) == before


def test_words(n):
    """Quotes that the shell has removed are added again."""
    error = refused(n, """guest g kernel 'no "such" kernel' cmdline 'a b#c'""")
    assert 'no boot module is called no "such" kernel' in error, error


def test_file(n):
    """A file takes effect whole or not at all; an error has the file's line."""
    before = routes(n)
    write(n, "/tmp/good", "# two\nnetwork red mode route\nport red guest ping \\\n    network red\n"
                          "remove port red\nremove network red")
    assert "place" not in vnetctl(n, "-f /tmp/good")
    write(n, "/tmp/bad", f"network red mode route\nremove route {WAYS[0]}\nroute src any to port x")
    assert refused(n, "-f /tmp/bad").startswith("vnetctl: /tmp/bad:3:")
    assert routes(n) == before and len(n.show("networks")["networks"]) == 2
    write(n, "/tmp/end", "network red\nend\npoweroff")
    assert refused(n, "-f /tmp/end") == "vnetctl: /tmp/end:2:1: `end` ends a text; it cannot stand in it"
    assert "No such file" in refused(n, "-f /tmp/none", 2)
    assert vnetctl(n, "-f - </dev/null") == ""


def test_lines(n):
    """Lines from standard input: each is a request, `load` to `end` is one; others follow a refused one."""
    write(n, "/tmp/half", "load\nnetwork half")
    write(n, "/tmp/lines", "network blue\nfrob\n\nload\nnetwork green\nnetwork blue\nend\n"
                           "remove network blue\nshow networks json")
    status, text = n.shell("dom0", f"{VNETCTL} </tmp/lines 2>/tmp/errors")
    assert status == 1 and [x["network"] for x in json.loads(text)["networks"]] == ["default", "lab"]
    errors = run(n, "dom0", "cat /tmp/errors").splitlines()
    assert len(errors) == 2 and "frob" in errors[0] and 'control:2:9: network "blue"' in errors[1]
    assert "no `end`" in refused(n, "</tmp/half")


def test_after_a_killed_one(n):
    """Half a request and unread answers do not disturb the next program; nothing is echoed."""
    run(n, "dom0", RAW % "show ports\\nload\\nnetwork half\\nshow al")
    assert json.loads(vnetctl(n, "show networks json"))
    requests = lambda: n.counter("dom0", "control.requests")
    before = requests()
    run(n, "dom0", "for i in 1 2 3 4 5 6 7 8; do printf 'show all\\nhelp\\n' >/dev/hvc1; done")
    # Linux's driver holds some of them while the answers are not read
    until("the requests were carried out", lambda: before < requests() and len({requests() for _ in range(10)}) == 1)
    assert json.loads(vnetctl(n, "show networks json"))
    # killed while it has the device open and locked
    run(n, "dom0", beside("sleep 100000 | vnetctl"))
    run(n, "dom0", "until ls -l /proc/$(pidof vnetctl)/fd 2>&1 | grep -q hvc1; do usleep 1000; done; "
                   "killall -9 vnetctl sleep; true")
    assert [x["network"] for x in json.loads(vnetctl(n, "show networks json"))["networks"]] == \
        ["default", "lab"]
    rows = {r["counter"]: r["value"] for r in n.show("counters dom0")["counters"]}
    assert "control.input_lost" not in rows, rows
    # a port of the same name does not hide the guest's rows
    assert {"control.requests", "in_frames"} <= rows.keys()


def test_one_at_a_time(n):
    """Two programs at the same time take turns."""
    both = f"for i in 1 2 3 4 5 6 7 8 9; do {VNETCTL} show ports json >>/tmp/%s || echo no; done"
    run(n, "dom0", f"({both % 'a'}) & ({both % 'b'}); wait")
    for name in "ab":
        lines = run(n, "dom0", f"cat /tmp/{name}").splitlines()
        assert len(lines) == 9 and all(json.loads(line) for line in lines)


def test_without_control(n):
    """A guest that was not declared with `control` has no such device."""
    status, text = n.shell("alice", "vnetctl show ports 2>&1")
    assert status == 3 and "has this guest a control console?" in text
    count = "grep -l 0x0003 /sys/bus/virtio/devices/*/device | wc -l"
    assert (run(n, "alice", count).strip(), run(n, "dom0", count).strip()) == ("1", "2")


def frames(n):
    """The frames that the switch took from, and delivered to, each of the two guests that ping."""
    ports = {p["port"]: p for p in n.show("ports")["ports"]}
    return [ports[p][way] for p in ("ping", "echo") for way in ("in_frames", "out_frames")]


def test_traffic_while_routes_change(n):
    """While routes change 1000 times, no numbered frame is lost or duplicated."""
    for i, (old, new) in enumerate((WAYS, WAYS[::-1])):
        write(n, f"/tmp/way{i}", f"remove route {old}\nroute {new}")
    before = frames(n)
    change = (f"for i in $(seq {CHANGES // 2}); do "
              f"{VNETCTL} -f /tmp/way0 && {VNETCTL} -f /tmp/way1 || exit 1; done")
    run(n, "dom0", "rm -f /tmp/rc; "
        + beside(f"({change}; echo changed >/tmp/rc) >/tmp/out 2>&1"))
    lives = 0
    while not lives or "changed" not in n.shell("dom0", "cat /tmp/rc /tmp/out 2>&1")[1]:
        n.monitor("start ping")
        assert f"rtt n={ROUNDS} lost=0" in " ".join(judge(n, "ping"))
        lives += 1
        assert "vnetctl" not in n.shell("dom0", "cat /tmp/out")[1]
    total = [b - a for a, b in zip(before, frames(n))]
    assert total == [lives * ROUNDS] * 4, (lives, total)
    assert n.counter("dom0", "control.requests") >= CHANGES


def memory_exits(n):
    return sum(e["count"] for e in n.show("exits dom0")["exits"] if e["exit"] == "memory")


def test_the_window(n):
    """The trace is read in the guest without an exit, and nothing that it writes there stays."""
    vnetctl(n, "trace on port ping")
    passes(n, "ping")
    before = memory_exits(n)
    found = json.loads(run(n, "dom0", "patio-trace --json"))
    assert memory_exits(n) == before
    # Of the oldest walk in a ring the first records may be overwritten.
    trip = max((t for t in found["round_trips"] if t["from"] == "ping"), key=lambda t: t["count"])
    assert trip["to"] == "echo" and trip["whole"]["p50"] > 0 and found["lost"]
    device = "$(dirname $(grep -l 0x10f0 /sys/bus/pci/devices/*/device))"
    address = run(n, "dom0", f"head -n1 {device}/resource").split()[0]
    magic = run(n, "dom0", f"devmem {address} 64")
    run(n, "dom0", f"devmem {address} 64 0")
    assert run(n, "dom0", f"devmem {address} 64") == magic and int(magic, 16)
    assert memory_exits(n) == before + 1
    vnetctl(n, "trace off")
    assert "no window" in n.shell("alice", "patio-trace 2>&1")[1]


def test_reset_guest(n):
    """After a restart the guest's control console has no input or answers from before."""
    run(n, "dom0", RAW % "load\\nnetwork half\\n")
    run(n, "dom0", "echo @@before")
    n.enter("dom0")
    n.child.send("vnetctl restart dom0\n")
    there = re.compile(r"@@before(?!.*@@before).*@@up name=dom0 .*dom0# ", re.S)
    until("the shell is there again", lambda: there.search(said(n, "dom0")))
    n.shell("dom0", "stty -echo")
    assert json.loads(vnetctl(n, "show networks json"))


def test_ends_the_node(n):
    """`poweroff` is allowed."""
    n.enter("dom0")
    n.child.send("vnetctl poweroff\n")
    assert n.wait_end()[0] == 0
