# SPDX-License-Identifier: BSD-2-Clause
"""A host on the wire of a node's NIC, outside of the node; the wire is a UDP socket.

It answers ARP, pings and datagrams to its UDP echo port, and sends such requests to others.
"""

import queue
import random
import socket
import struct
import threading

from patio.hardware import wire_ports

ETH_IP, ETH_ARP = 0x0800, 0x0806
ICMP, UDP = 1, 17
ECHO_PORT = 7
LONGEST = 65536
ETH = struct.Struct("!6s6sH")
ARP = struct.Struct("!HHBBH6s4s6s4s")
IP = struct.Struct("!BBHHHBBH4s4s")
PORTS = struct.Struct("!HHHH")


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1]))
    total += data[-1] << 8 if len(data) & 1 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icmp(kind, rest):
    """An echo request (8) or reply (0); `rest`: identifier, sequence number, data."""
    return struct.pack("!BBH", kind, 0, checksum(struct.pack("!HH", kind << 8, 0) + rest)) + rest


def ipv4(protocol, source, destination, payload):
    fields = [0x45, 0, IP.size + len(payload), 0, 0, 64, protocol, 0, source, destination]
    fields[7] = checksum(IP.pack(*fields))
    return IP.pack(*fields) + payload


class Peer:
    """The host, between __enter__ and __exit__; `wire` is what the node's machine is given.

    `seen` counts, by protocol, the requests that it answered; `frames` has all received frames, in order.
    """

    def __init__(self, ip, mac="52:54:00:00:00:fe"):
        self.ip, self.mac = socket.inet_aton(ip), bytes.fromhex(mac.replace(":", ""))
        self.socket, self.node, self.wire = self.plug()
        self.seen = {ICMP: 0, UDP: 0}
        self.frames, self.known, self.replies = [], {}, queue.Queue()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def plug(self):
        """(This host's end of a wire with two free UDP ports, the node's end, the wire.)"""
        while True:
            wire = random.randrange(20000, 60000, 2)
            here, there = wire_ports(wire)
            ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
                    theirs.bind(("127.0.0.1", here))
                    ours.bind(("127.0.0.1", there))
                return ours, ("127.0.0.1", here), wire
            except OSError:
                ours.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        ours = self.socket.getsockname()
        self.socket.sendto(b"", ours)  # an empty datagram ends the thread
        self.thread.join()
        self.socket.close()

    def serve(self):
        while frame := self.socket.recv(LONGEST):
            self.frames.append(frame)
            destination, _, kind = ETH.unpack_from(frame)
            if destination in (self.mac, b"\xff" * 6):
                {ETH_ARP: self.arp, ETH_IP: self.ipv4}.get(kind, lambda _: None)(frame[ETH.size:])

    def send(self, mac, kind, payload):
        frame = ETH.pack(mac, self.mac, kind) + payload
        self.socket.sendto(frame.ljust(60, b"\0"), self.node)

    def arp(self, packet):
        _, _, _, _, operation, mac, ip, _, wanted = ARP.unpack_from(packet)
        if wanted != self.ip:
            return
        self.known[ip] = mac
        if operation == 1:
            self.send(mac, ETH_ARP, ARP.pack(1, ETH_IP, 6, 4, 2, self.mac, self.ip, mac, ip))
        else:
            self.replies.put(mac)

    def ipv4(self, packet):
        _, _, size, _, _, _, protocol, _, source, destination = IP.unpack_from(packet)
        data = packet[IP.size:size]
        if destination != self.ip or len(data) < 8:
            return
        answer = {ICMP: self.icmp, UDP: self.udp}.get(protocol, lambda _: None)(data)
        if answer and source in self.known:
            self.seen[protocol] += 1
            self.send(self.known[source], ETH_IP, ipv4(protocol, self.ip, source, answer))

    def icmp(self, message):
        """The reply to an echo request; an echo reply is recorded as the answer to our own request."""
        if message[0] == 8:
            return icmp(0, message[4:])
        if message[0] == 0:
            self.replies.put(message[4:])
        return None

    def udp(self, datagram):
        source, destination, size, _ = PORTS.unpack_from(datagram)
        if destination == ECHO_PORT:
            return PORTS.pack(destination, source, size, 0) + datagram[8:size]
        self.replies.put(datagram[8:size])
        return None

    def ask(self, ip, protocol, payload, expected, limit):
        """Sends a packet every second until it is answered; False: it was not within `limit` seconds."""
        for _ in range(int(limit)):
            self.send(self.known[ip], ETH_IP, ipv4(protocol, self.ip, ip, payload))
            try:
                while self.replies.get(timeout=1) != expected:
                    pass
                return True
            except queue.Empty:
                pass
        return False

    def resolve(self, ip, limit):
        for _ in range(int(limit)):
            if ip in self.known:
                return True
            self.send(b"\xff" * 6, ETH_ARP,
                      ARP.pack(1, ETH_IP, 6, 4, 1, self.mac, self.ip, b"\0" * 6, ip))
            try:
                self.replies.get(timeout=1)
            except queue.Empty:
                pass
        return False

    def pings(self, address, count, limit, size=56):
        """Whether the address answers so many pings."""
        ip = socket.inet_aton(address)
        each = [struct.pack("!HH", 1, n) + bytes(size) for n in range(count)]
        return self.resolve(ip, limit) and all(
            self.ask(ip, ICMP, icmp(8, rest), rest, limit) for rest in each)

    def echoes(self, address, payload, limit):
        """Whether the address sends a UDP payload back as it was."""
        ip = socket.inet_aton(address)
        datagram = PORTS.pack(4000, ECHO_PORT, 8 + len(payload), 0) + payload
        return self.resolve(ip, limit) and self.ask(ip, UDP, datagram, payload, limit)
