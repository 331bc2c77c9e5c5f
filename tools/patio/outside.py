# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP server outside of the node, which guests reach through Dom0's NIC and QEMU's user network.

It serves GET /file (a deterministic pseudo-random file), /file.sha256 and /hello on a loopback port.

    with Outside() as outside:
        outside.port, outside.sha256, outside.url      # the guest's view: http://10.0.2.2:PORT/file
        outside.requests                               # [(path, bytes sent), ...] so far
"""

import hashlib
import http.server
import sys
import threading

HOST_SEEN_BY_GUESTS = "10.0.2.2"  # QEMU's user network: the host's loopback
DEFAULT_MIB = 16
MAX_MIB = 1024


def content(mib):
    """The file: the same bytes on every machine and in every run."""
    return hashlib.shake_256(b"patio: the file outside").digest(mib << 20)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET requests for the server's pages only."""

    timeout = 600  # seconds; a guest that ends during a transfer must not hold a thread for ever

    def do_GET(self):
        page = self.server.pages.get(self.path)
        if page is None:
            self.server.note(self.path, 0)
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        sent = 0
        try:
            for start in range(0, len(page), 1 << 16):
                sent += self.wfile.write(page[start : start + (1 << 16)])
        except OSError as error:
            print(f"outside: {self.path}: {error} after {sent} bytes", file=sys.stderr)
        self.server.note(self.path, sent)

    def log_message(self, format, *args):
        """Prints nothing: requests are kept in Outside.requests."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, pages):
        super().__init__(("127.0.0.1", port), _Handler)
        self.pages = pages
        self.requests = []
        self._lock = threading.Lock()

    def note(self, path, sent):
        with self._lock:
            self.requests.append((path, sent))


class Outside:
    """The server, running between __enter__ and __exit__ (or start() and stop())."""

    def __init__(self, port=0, mib=DEFAULT_MIB):
        if not 1 <= mib <= MAX_MIB:
            raise ValueError(f"mib: 1 to {MAX_MIB}, not {mib}")
        data = content(mib)
        self.size = len(data)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._pages = {
            "/file": data,
            "/file.sha256": f"{self.sha256}  file\n".encode(),
            "/hello": b"hello from outside\n",
        }
        self._wanted_port = port
        self._server = None
        self._thread = None

    def start(self):
        self._server = _Server(self._wanted_port, self._pages)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def url(self):
        """Where a guest behind QEMU's user network finds the file."""
        return f"http://{HOST_SEEN_BY_GUESTS}:{self.port}/file"

    @property
    def requests(self):
        return list(self._server.requests)
