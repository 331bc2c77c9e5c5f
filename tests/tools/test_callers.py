# SPDX-License-Identifier: BSD-2-Clause
"""tests/check-callers: which names it says have no user, of objects and headers made for it."""

import importlib.machinery
import importlib.util
import subprocess
from pathlib import Path

import pytest

PATH = str(Path(__file__).resolve().parents[1] / "check-callers")
SPEC = importlib.util.spec_from_loader("callers", importlib.machinery.SourceFileLoader("callers", PATH))
callers = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(callers)

A = """
int shared(void); int from_assembler(void); int alone(void); int inside(void);
int table[2] = {1, 2};
int shared(void) { return 1; }
int from_assembler(void) { return 2; }
int alone(void) { return 3; }
__attribute__((noinline)) int inside(void) { return table[0]; }
static int own(void) { return inside(); }
int (*kept)(void) = own;
"""
B = "int shared(void); extern int (*kept)(void);\nint main(void) { return shared() + kept(); }\n"
ASSEMBLER = "bits 64\nextern somewhere, from_assembler\n  call from_assembler\n"


@pytest.fixture(name="found")
def built(tmp_path):
    found = {}
    for name, text in (("a.c", A), ("b.c", B)):
        (tmp_path / name).write_text(text)
        found[tmp_path / f"{name}.o"] = name
        subprocess.run(["gcc", "-O1", "-c", "-o", f"{name}.o", name], cwd=tmp_path, check=True)
    return found


def test_objects(found):
    assert sorted(callers.unused(found, ASSEMBLER)) == [
        ("a.c", "alone"), ("a.c", "inside"), ("a.c", "table")]
    assert ("a.c", "from_assembler") in callers.unused(found, "")
    assert ("a.c", "alone") not in callers.unused(found, "", "int main(void) { return alone(); }")


def test_headers():
    texts = {"x.h": "static inline int used(void)\n{\n}\n\nstatic inline unsigned *unused(int i)\n{\n}\n"
                    "static inline int commented(void)\n{\n}\n",
             "x.c": "/* commented() */\nint f(void)\n{\n\treturn used();\n}\n"}
    assert list(callers.unused_inline(texts)) == [("x.h", "unused"), ("x.h", "commented")]


def test_objects_of_another_tree(tmp_path):
    for name in ("vmm/lib/mem.c.o", "vmm/lib/gone.c.o", "check/lib/mem.o", "guests/lib/string.c.o",
                 "other/lib/mem.o"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(callers.objects(tmp_path).values()) == ["lib/mem.c", "lib/mem.c", "lib/string.c"]
