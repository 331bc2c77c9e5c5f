# SPDX-License-Identifier: BSD-2-Clause
"""Who reads metrics: Debian's promtool and node exporter, and the parsers of Prometheus's Python client."""

import contextlib
import os
import socket
import subprocess
import urllib.error
import urllib.request

import prometheus_client.openmetrics.parser
import prometheus_client.parser

from machine import until
from patio.hardware import BUILD, BUILD_NAME, ROOT

FOLDER = os.path.join(BUILD, "prometheus")


def fetch():
    """The two programs, downloaded once."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    subprocess.run(["make", "-s", f"B={BUILD_NAME}", "prometheus"], cwd=ROOT, env=env, check=True)


def families(text, form="prometheus"):
    """{name: family} of a text, by the parser of that form, which refuses what breaks its rules.  A
    counter's name is here without `_total`, in both forms."""
    parser = {"openmetrics": prometheus_client.openmetrics.parser, "prometheus": prometheus_client.parser}
    found = list(parser[form].text_string_to_metric_families(text))
    ours = [f.name for f in found if f.name.startswith("patio")]
    assert len(set(ours)) == len(ours), ours
    return {f.name: f for f in found}


def samples(found):
    """{(name, its labels): value} of all families."""
    return {(s.name, *sorted(s.labels.items())): s.value for f in found.values() for s in f.samples}


def promtool(text):
    """What promtool complains of, of format or names."""
    done = subprocess.run([os.path.join(FOLDER, "promtool"), "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert bool(done.returncode) == bool(done.stdout), done
    return done.stdout


@contextlib.contextmanager
def node_exporter(folder):
    """A node exporter with nothing but its textfile collector, for this folder: a function that
    scrapes it over HTTP, and returns the families."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    command = [os.path.join(FOLDER, "prometheus-node-exporter"), "--collector.disable-defaults",
               "--collector.textfile", f"--collector.textfile.directory={folder}",
               f"--web.listen-address={address}"]

    def scrape():
        with urllib.request.urlopen(f"http://{address}/metrics") as answer:
            return families(answer.read().decode())

    def listens():
        assert process.poll() is None, "the node exporter has ended"
        with contextlib.suppress(urllib.error.URLError):
            return scrape()

    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until("the node exporter listens", listens)
            yield scrape
        finally:
            process.terminate()
