# SPDX-License-Identifier: BSD-2-Clause
"""A wire between the NICs of two nodes that can record and change each frame."""

import socket
import threading

from patio.linux_machine import far, free_wire

LONGEST = 65536


class Relay:
    """The wire, between __enter__ and __exit__; `ends`: for each of the two NICs (the UDP port at which it
    receives, the port to which it sends).

    `frames` has all frames in order, unchanged; `change(frame)` returns the frame to pass on.
    """

    def __init__(self):
        wires = [free_wire(), free_wire()]
        self.ends = [far(w)[::-1] for w in wires]
        self.sockets = [self.plug(end) for end in self.ends]
        self.frames, self.change = [], bytes
        self.threads = [threading.Thread(target=self.carry, args=(i,), daemon=True) for i in (0, 1)]

    @staticmethod
    def plug(end):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", end[1]))
        return s

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for s, thread in zip(self.sockets, self.threads):
            s.sendto(b"", s.getsockname())  # an empty datagram ends the thread
            thread.join()
        for s in self.sockets:
            s.close()

    def carry(self, number):
        """Passes frames from one end to the other."""
        to = self.sockets[1 - number], ("127.0.0.1", self.ends[1 - number][0])
        while frame := self.sockets[number].recv(LONGEST):
            self.frames.append(frame)
            to[0].sendto(self.change(frame), to[1])
