"""Dumps of page tables: small ones made here on three architectures, damaged ones, and the full captures where they are."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmprops.traces.archive import CaptureError, open_capture
from mmprops.traces.pagetables import compare, leaves, read_dump, steps
from mmspec.virtual.page_table.ops import FETCH, READ, WRITE
from mmspec_cli.output import run
from mmspec_cli.program import cli

Members = dict[str, str | bytes]

KERNEL = 0xFFFF_8000_0000_0000


def tables(entries: dict[int, int], size: int = 4096) -> tuple[list[str], bytes]:
    """Return the addresses and the bytes of the tables that hold some entries, by their addresses."""
    starts = sorted({at & -size for at in entries})
    data = bytearray(size * len(starts))
    for at, value in entries.items():
        struct.pack_into("<Q", data, size * starts.index(at & -size) + at % size, value)
    return [hex(start) for start in starts], bytes(data)


def x86() -> Members:
    """A 2-MiB page of a user, read-only and not executable, and a page of the kernel, with what QEMU's monitor would say."""
    entries = {
        0x1000: 0x2007, 0x2000: 0x3007, 0x3000 + 8: 0x8000_0000_0020_00E5,
        0x1000 + 8 * 256: 0x4003, 0x4000: 0x5003, 0x5000: 0x6003, 0x6000 + 8 * 3: 0x0000_0000_1234_5163,
    }  # fmt: skip
    addresses, data = tables(entries)
    meta = {"cr0": "0x80010033", "cr3": "0x1000", "cr4": "0x20", "efer": "0xd01", "la57": False, "table_pa": addresses}
    return {
        "meta.json": json.dumps(meta),
        "tables.bin": data,
        "qemu_info_tlb.csv": f"va,pa,flags\n0x200000,0x200000,X-PDA--U-\n{KERNEL + 0x3000:#x},0x12345000,-G-DA---W\n",
        "truth.csv": f"va,pa\n0x2abcde,0x2abcde\n0x400000,\n{KERNEL + 0x3008:#x},0x12345008\n0x1000000000000,\n",
    }


def arm(**changes: Any) -> Members:
    """A page of each half under a 16K granule, 47 bits; the user's has AF clear."""
    entries = {
        0x10000 + 8 * 2: 0x14003, 0x14000: 0x18003, 0x18000 + 8: 0x0060_0000_4000_0043,
        0x20000 + 8 * 2047: 0x24003, 0x24000: 0x28003, 0x28000: 0x0060_0000_8000_0703,
    }  # fmt: skip
    addresses, data = tables(entries, 16384)
    meta = {
        "arch": "aarch64", "ttbr0_el1": "0x10000", "ttbr1_el1": "0x20000", "sctlr": "0x1", "table_pa": addresses,
        "tcr_el1": hex(17 | 17 << 16 | 2 << 14 | 1 << 30 | 5 << 32), "id_aa64mmfr0_el1": "0x5", "id_aa64mmfr1_el1": "0x0",
        "id_aa64mmfr2_el1": "0x0", "table_bytes": [16384] * len(addresses), "leaves": 2,
    } | changes  # fmt: skip
    return {
        "meta.json": json.dumps(meta),
        "tables.bin": data,
        # 2 << 36 | 1 << 14; the access flag is AT's to ask for
        "truth.csv": "va,pa\n0x2000004010,0x40000010\n0xfffffff000000000,0x80000000\n",
        "truth_user.csv": "va,pa\n0x2000004010,0x40000010\n0xfffffff000000000,\n",
        "truth_at.csv": "va,par_s1e1r,par_s1e1w,par_s1e0r,par_s1e0w\n0x2000004010,0x817,0x817,0x817,0x817\n"
        "0xfffffff000000000,0xff00000080000b80,0xff00000080000b80,0x81f,0x81f\n",
    }


def riscv() -> Members:
    """Sv39: a gigabyte of the kernel, and a user's page that can be executed only."""
    entries = {0x1000: 0x801, 0x2000: 0xC01, 0x3000 + 8: 0x1234_0459, 0x1000 + 8 * 256: 0x2000_00CF}
    addresses, data = tables(entries)
    meta = {"arch": "riscv64", "satp": "0x8000000000000001", "levels": 3, "table_pa": addresses, "leaves": 2}
    return {
        "meta.json": json.dumps(meta),
        "tables.bin": data,
        "truth.csv": "va,pa\n0x1000,\n0xffffffc000123456,0x80123456\n0x4000000000,\n",
        "truth_user.csv": "va,pa\n0x1000,\n0xffffffc000123456,\n",
    }


def written(folder: Path, members: Members) -> Path:
    """Write a capture as a folder."""
    for name, content in members.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.mark.parametrize(("make", "counts"), [(x86, (2, 2, 2, 4)), (arm, (0, 0, 2, 12)), (riscv, (0, 0, 2, 5))])
def test_a_small_dump_is_equal(tmp_path: Path, make: Callable[[], Members], counts: tuple[int, ...]) -> None:
    """Every leaf, its flags, and every answer of a dump are the specification's."""
    capture = open_capture(written(tmp_path, make()))
    found = compare(capture, read_dump(capture))
    assert found.differences == ()
    assert (found.leaves, found.leaves_equal, found.counted, found.queries) == counts
    assert found.queries_equal == found.queries


@pytest.mark.parametrize(
    ("member", "old", "new", "says"),
    [
        ("qemu_info_tlb.csv", "X-PDA--U-", "--PDA--U-", "leaf 0x200000: QEMU has 0x200000 --PDA--U-"),
        ("qemu_info_tlb.csv", "0x200000,0x200000", "0x200000,0x400000", "leaf 0x200000"),
        ("qemu_info_tlb.csv", "0x200000,0x200000,X-PDA--U-\n", "", "QEMU none"),
        ("truth.csv", "0x2abcde,0x2abcde", "0x2abcde,", "truth.csv:2: 0x2abcde: the machine faults"),
        ("truth.csv", "0x400000,\n", "0x400000,0x0\n", "the machine has 0x0, the specification faults at level 2"),
    ],
)
def test_one_wrong_answer_is_seen(tmp_path: Path, member: str, old: str, new: str, says: str) -> None:
    """A single flag, address or fault that differs is told, and nothing else is."""
    members = x86()
    text = members[member]
    assert isinstance(text, str)
    assert text.count(old) == 1
    capture = open_capture(written(tmp_path, members | {member: text.replace(old, new)}))
    (difference,) = compare(capture, read_dump(capture)).differences
    assert says in difference


def test_a_wrong_status_code_is_seen(tmp_path: Path) -> None:
    """``AT`` must fault with the very class and level."""
    members = arm()
    text = str(members["truth_at.csv"]).replace("0x817,0x817,0x817,0x817", "0x817,0x815,0x817,0x817")
    capture = open_capture(written(tmp_path, members | {"truth_at.csv": text}))
    (difference,) = compare(capture, read_dump(capture)).differences
    assert "faults with status 0xa, the specification faults at level 3 with code 0xb (PAGE-TABLE-ARM-AF" in difference


def test_a_leaf_too_many_is_seen(tmp_path: Path) -> None:
    """The number of leaves that a dump announces is compared, too."""
    capture = open_capture(written(tmp_path, arm(leaves=3)))
    assert compare(capture, read_dump(capture)).differences == (
        "the dump says that there are 3 leaves, the specification reaches 2",
    )


def changed_meta(members: Members, **changes: Any) -> Members:
    """Return members in whose meta.json some keys are changed; None: taken away."""
    meta = json.loads(members["meta.json"]) | changes
    return members | {"meta.json": json.dumps({key: value for key, value in meta.items() if value is not None})}


DAMAGED: dict[str, tuple[Callable[[], Members], str]] = {
    "no cr0": (lambda: changed_meta(x86(), cr0=None), "does not say what CR0 is"),
    "no paging": (lambda: changed_meta(x86(), cr0="0x33"), "has no 64-bit paging"),
    "la57 contradicts": (lambda: changed_meta(x86(), la57=True), "la57 is True, but CR4.LA57 is 0"),
    "cr3 is text": (lambda: changed_meta(x86(), cr3="here"), "cr3 is 'here', no 64-bit number"),
    "unknown arch": (lambda: changed_meta(x86(), arch="sparc"), "arch is 'sparc'"),
    "a table is missing": (
        lambda: changed_meta(x86(), table_pa=["0x1000", "0x2000", "0x3000", "0x4000", "0x5000", "0x7000"]),
        "point to one at 0x6000, which is not in the dump",
    ),
    "too few bytes": (lambda: x86() | {"tables.bin": b"\0" * 4096}, "has 4096 bytes"),
    "a table twice": (lambda: changed_meta(x86(), table_pa=["0x1000"] * 6), "listed twice"),
    "sizes do not fit": (lambda: changed_meta(x86(), table_bytes=[4096]), "table_bytes does not give"),
    "not JSON": (lambda: x86() | {"meta.json": "{"}, "is not JSON"),
    "other columns": (lambda: x86() | {"truth.csv": "a,b\n"}, "does not begin with va,pa"),
    "a row is short": (lambda: x86() | {"truth.csv": "va,pa\n0x1\n"}, "truth.csv:2: is no row of 2 columns"),
    "no number": (lambda: x86() | {"truth.csv": "va,pa\nfoo,0x1\n"}, "'foo' is no 64-bit number"),
    "MMU off": (lambda: arm(sctlr="0x0"), "SCTLR.M is 0"),
    "reserved granule": (lambda: arm(tcr_el1="0x51110d411"), "TCR.TG0 is 3, which is reserved"),
    "walk contradicts": (lambda: arm(walk={"0": {"va_bits": 48}}), "walk says otherwise than TCR of half 0"),
    "bare": (lambda: changed_meta(riscv(), satp="0x1"), "satp.MODE is 0"),
    "levels contradict": (lambda: changed_meta(riscv(), levels=4), "levels is 4, but satp says 3"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_wrong_with_a_dump_is_named(tmp_path: Path, name: str) -> None:
    """Nothing is guessed: what is missing or contradicts itself is an error that says so."""
    make, says = DAMAGED[name]
    capture = open_capture(written(tmp_path, make()))
    with pytest.raises(CaptureError, match=re.escape(says)):
        compare(capture, read_dump(capture))


def test_the_steps_of_a_walk(tmp_path: Path) -> None:
    """One address's walk names each entry with its level, and the rule that ends it."""
    dump = read_dump(open_capture(written(tmp_path, x86())))
    assert [(s.level, s.pa, s.entry) for s in steps(dump, 0x2ABCDE, READ, True)[:-1]] == [
        (4, 0x1000, 0x2007), (3, 0x2000, 0x3007), (2, 0x3008, 0x8000_0000_0020_00E5)
    ]  # fmt: skip
    assert steps(dump, 0x2ABCDE, READ, True)[-1].text == "has 0x2abcde"
    assert "PAGE-TABLE-X86-WRITE" in steps(dump, 0x2ABCDE, WRITE, True)[-1].text
    assert "PAGE-TABLE-X86-XD" in steps(dump, 0x2ABCDE, FETCH, True)[-1].text


def test_leaves_of_self_mapped_tables_end(tmp_path: Path) -> None:
    """A root that maps itself at every level is gone through once for each path, and that ends."""
    entries = {0x1000: 0x1007, 0x1008: 0x1007}
    addresses, data = tables(entries)
    meta = json.loads(x86()["meta.json"]) | {"table_pa": addresses}
    dump = read_dump(open_capture(written(tmp_path, {"meta.json": json.dumps(meta), "tables.bin": data})))
    assert len(list(leaves(dump))) == 16


# --- the command -----------------------------------------------------------------------------------------------------------


def test_the_command_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The fields are those of the interface."""
    assert run(cli, ["walk", str(written(tmp_path, x86())), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["arch"], said["mode"]) == ("pass", "x86_64", "la48")
    assert (said["leaves"], said["leaves_equal"], said["queries"], said["queries_equal"]) == (2, 2, 4, 4)


def test_the_command_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A difference is a failure, and is told."""
    assert run(cli, ["walk", str(written(tmp_path, x86() | {"truth.csv": "va,pa\n0x2abcde,\n"}))]) == 1
    assert "truth.csv:2: 0x2abcde: the machine faults" in capsys.readouterr().out


def test_the_command_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dump that says of nothing what is right decides nothing."""
    members = {name: content for name, content in x86().items() if name in ("meta.json", "tables.bin")}
    assert run(cli, ["walk", str(written(tmp_path, members))]) == 3
    assert "--va" in capsys.readouterr().out


def test_the_command_shows_a_walk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With an address, it shows the entries on the way."""
    assert run(cli, ["walk", str(written(tmp_path, x86())), "--va", "0x2abcde", "--user"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  level  4  0x000000001000  0x0000000000002007",
        "  level  3  0x000000002000  0x0000000000003007",
        "  level  2  0x000000003008  0x80000000002000e5",
        "  has 0x2abcde",
    ]


def test_the_command_names_a_damaged_dump(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong with it is an error of the file, an address that is none one of the use."""
    folder = str(written(tmp_path, x86() | {"meta.json": "{"}))
    assert run(cli, ["walk", folder]) == 4
    assert "is not JSON" in capsys.readouterr().err
    assert run(cli, ["walk", folder, "--va", "here"]) == 2


# --- the captures ------------------------------------------------------------------------------------------------------------


@pytest.mark.needs_captures
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("A-pt-4level-256M", (12_117, 12_117, 12_117, 6_000)),
        ("G-pt-arm64-4k48-512M", (0, 0, 138_175, 22_000)),
        ("H-pt-riscv64-sv57-320M", (0, 0, 5_289, 10_000)),
    ],
)
def test_captures_are_equal(captures: Path, name: str, counts: tuple[int, ...]) -> None:
    """Every leaf and every answer of a real machine's MMU is the specification's."""
    capture = open_capture(captures / name)
    found = compare(capture, read_dump(capture))
    assert found.differences == ()
    assert (found.leaves, found.leaves_equal, found.counted, found.queries) == counts
    assert found.queries_equal == found.queries
