# SPDX-License-Identifier: BSD-2-Clause
"""Archives for Linux's initramfs: cpio in the "newc" format (Documentation/driver-api/early-userspace/
buffer-format.rst), without compression.  The same files give the same bytes."""

import os

TRAILER = "TRAILER!!!"
DIRECTORY, FILE = 0o040755, 0o100755


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def _entry(number, name, mode, data=b""):
    """One member: a header of 13 numbers, its name, its bytes; both padded to 4 bytes."""
    links = 2 if mode == DIRECTORY else 1
    fields = [number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    header = "070701" + "".join(f"{f:08x}" for f in fields)
    return _padded(header.encode() + name.encode() + b"\0") + _padded(data)


def archive(files):
    """The bytes of an archive: files {name: bytes, or the path of a file}, all of them executable,
    and the folders that they are in."""
    folders = {"/".join(parts[:i]) for parts in (name.split("/") for name in files)
               for i in range(1, len(parts))}
    out, number = [], 0
    for name in sorted([*folders, *files]):
        number += 1
        data = files.get(name)
        if isinstance(data, str):
            with open(data, "rb") as file:
                data = file.read()
        out.append(_entry(number, name, DIRECTORY) if data is None
                   else _entry(number, name, FILE, data))
    return b"".join([*out, _entry(0, TRAILER, 0)])


def write(path, *parts):
    """Writes the parts, bytes or paths of files, one after the other.  Whoever reads the file
    meanwhile has the old one whole."""
    new = f"{path}.{os.getpid()}"
    with open(new, "wb") as out:
        for part in parts:
            if isinstance(part, str):
                with open(part, "rb") as file:
                    part = file.read()
            out.write(part)
    os.replace(new, path)
