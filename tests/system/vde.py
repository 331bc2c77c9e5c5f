# SPDX-License-Identifier: BSD-2-Clause
"""A port of tools/hub, by vde's protocol 3, as an emulator's NIC has one."""

import os
import socket
import struct
import tempfile

PATH = 108  # bytes
SOCKADDR = struct.Struct(f"=H{PATH}s")
REQUEST = struct.Struct("=III")
MAGIC, VERSION, NEW = 0xFEEDFACE, 3, 0
LONGEST = 1 << 16


class VdePort:
    """A port, from its creation to close(); `limit`: seconds to wait for a frame.

    `connected`: its socket is connected to the hub's, as libvdeplug's (QEMU); else it has an abstract name
    and is not connected, as Bochs's, and holds at most net.unix.max_dgram_qlen datagrams.
    """

    def __init__(self, hub, limit, connected=True):
        self.folder = tempfile.TemporaryDirectory(prefix="patio-port-")
        path = os.path.join(self.folder.name, "data").encode()
        if not connected:
            path = (b"\0" + path).ljust(PATH, b"\0")
        self.data = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.data.bind(path)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        for end in self.control, self.data:
            end.settimeout(limit)
        self.control.connect(os.path.join(hub, "ctl"))
        self.control.sendall(REQUEST.pack(MAGIC, VERSION, NEW) + SOCKADDR.pack(socket.AF_UNIX, path))
        answer = self.control.recv(SOCKADDR.size, socket.MSG_WAITALL)
        self.hub = SOCKADDR.unpack(answer)[1].split(b"\0")[0]
        if connected:
            self.data.connect(self.hub)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.control.close()
        self.data.close()
        self.folder.cleanup()

    def send(self, frame):
        self.data.sendto(frame, self.hub)

    def receive(self):
        """The next frame; TimeoutError when none came within the limit."""
        return self.data.recv(LONGEST)

    def waits(self):
        """Whether a frame has arrived."""
        self.data.setblocking(False)
        try:
            return bool(self.data.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.data.setblocking(True)
