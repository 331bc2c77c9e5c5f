# SPDX-License-Identifier: BSD-2-Clause
"""tools/patio/cpio.py: archives for Linux's initramfs."""

import subprocess

from patio import cpio


def test_cpio_reads_it(tmp_path):
    data = tmp_path / "data"
    data.write_bytes(b"of a file")
    whole = cpio.archive({"a/b/c": b"hello", "a/e": str(data), "empty": b""})
    assert len(whole) % 4 == 0
    subprocess.run(["cpio", "-id", "--quiet"], input=whole, cwd=tmp_path, check=True)
    assert (tmp_path / "a/b/c").read_bytes() == b"hello"
    assert (tmp_path / "a/e").read_bytes() == b"of a file"
    assert (tmp_path / "empty").read_bytes() == b""
    assert (tmp_path / "a/b/c").stat().st_mode & 0o777 == 0o755


def test_folders_come_before_what_is_in_them():
    whole = cpio.archive({"z/y/x": b"1", "z/y/w": b"2"})
    listed = subprocess.run(["cpio", "-it", "--quiet"], input=whole, capture_output=True, check=True)
    assert listed.stdout.decode().split() == ["z", "z/y", "z/y/w", "z/y/x"]


def test_the_same_files_give_the_same_bytes(tmp_path):
    assert cpio.archive({"b": b"1", "a": b"2"}) == cpio.archive({"a": b"2", "b": b"1"})


def test_parts_are_written_in_order(tmp_path):
    first = tmp_path / "first"
    first.write_bytes(b"one")
    out = tmp_path / "out"
    cpio.write(str(out), str(first), b"two")
    assert out.read_bytes() == b"onetwo"
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith("out")] == ["out"]
