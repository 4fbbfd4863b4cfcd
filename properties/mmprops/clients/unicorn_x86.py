"""The clients ``unicorn:x86_64`` and ``unicorn:x86_64-la57``: loads, stores and fetches executed by QEMU's processor core (Unicorn 2).

The instruction that makes an access is itself fetched through tables, and the root under test need not map it. So it is executed
once through tables of the client's own, which leaves it in the TLB; a saved context then changes CR3 without the flush that a write
to it would bring, and the access is the first thing that walks the tables under test. What the instruction's own pages translate to
cannot be asked. Memory accesses are seen with their physical address; a store is undone, bits that the walk set stay.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import struct
from functools import partial
from typing import Any

import attrs

from mmprops.clients.base import Client, Limits
from mmprops.clients.process import python_client

NAMES = {"unicorn:x86_64": "la48", "unicorn:x86_64-la57": "la57"}

PHYS_BITS = 40
"""MAXPHYADDR of Unicorn's processor."""

PRIVATE = 0x5A_5A00_0000
"""Where the client's own tables and code lie: a physical address at which programs have no tables."""

CODE = 0x2A5A_5A5A_5000
"""Where its instructions lie for the supervisor; for a user they lie a page above."""

NOP, LOAD, STORE, SYSRET = 0, 1, 3, 5
INSTRUCTIONS = b"\x90\x8a\x03\x88\x03\x48\x0f\x07"
"""nop; mov al,[rbx]; mov [rbx],al; sysretq: each at the offset above."""

PAGE = 4096
GENERAL_PROTECTION, PAGE_FAULT = 13, 14
MSR_EFER, MSR_STAR = 0xC000_0080, 0xC000_0081
TLB_FLUSH = 1 << 30
"""What makes a control of Unicorn one that writes."""


@attrs.frozen
class Gap:
    """What Unicorn is known not to do: in configurations with ``control``, by what the manual says it should."""

    control: str
    what: str
    manual: str
    vector: tuple[int, int, str]
    """The bits of a leaf, PKRU, and a supervisor's kind of access that the manual forbids there and Unicorn carries out."""


GAPS = (
    Gap("smap", "SMAP is not enforced", 'Intel SDM 3A, "Access rights"', (7, 0, "read")),
    Gap("pke", "protection keys are not enforced", 'Intel SDM 3A, "Protection Keys"', (7, 3, "read")),
)


def missing() -> str | None:
    """Return what these clients lack here, or None."""
    return None if importlib.util.find_spec("unicorn") else "mmspec[clients]"


def open_unicorn(mode: str, limits: Limits) -> Client:
    """Start the client in a process of its own."""
    return python_client(f"mmprops.clients.unicorn_x86:{mode}", limits)


class Processor:
    """One processor with its memory."""

    def __init__(self, mode: str) -> None:
        self.uc_module: Any = importlib.import_module("unicorn")
        self.x86: Any = importlib.import_module("unicorn.x86_const")
        self.library: Any = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib
        self.five = mode == "la57"
        u = self.uc_module
        self.uc: Any = u.Uc(u.UC_ARCH_X86, u.UC_MODE_64)
        self.uc.ctl_set_tlb_mode(u.UC_TLB_CPU)
        self.mapped: set[int] = set()
        self.words: dict[int, bytes] = {}  # each page that entries were written to, as it was seen last
        self.contexts: dict[tuple[int, bool], tuple[Any, Any]] = {}
        self.faults: list[int] = []
        self.reached: list[int] = []
        self.undo: list[tuple[int, bytes]] = []
        self.expected = -1  # the address at which the code hook lets an instruction run
        self._watch()

    # --- memory ------------------------------------------------------------------------------------------------------------

    def write(self, pa: int, value: int) -> None:
        """Store a word."""
        page = pa & -PAGE
        if page not in self.mapped:
            self.uc.mem_map(page, PAGE)
            self.mapped.add(page)
        self.uc.mem_write(pa, struct.pack("<Q", value))
        self.words[page] = bytes(self.uc.mem_read(page, PAGE))

    def read(self, pa: int) -> int:
        """Load a word; what is not mapped reads 0."""
        if pa & -PAGE not in self.mapped:
            return 0
        value: int = struct.unpack("<Q", self.uc.mem_read(pa, 8))[0]
        return value

    def changed(self, bit: int) -> list[int]:
        """Return the entries in which a bit was set since they were seen last."""
        found = []
        for page, before in self.words.items():
            now = bytes(self.uc.mem_read(page, PAGE))
            if now != before:
                pairs = zip(struct.unpack("<512Q", before), struct.unpack("<512Q", now), strict=True)
                found += [page + 8 * i for i, (old, new) in enumerate(pairs) if new & ~old & bit]
        return found

    def look(self) -> None:
        """Remember what is in memory now."""
        self.words = {page: bytes(self.uc.mem_read(page, PAGE)) for page in self.words}

    # --- control registers ---------------------------------------------------------------------------------------------------

    def boot(self, controls: dict[str, Any]) -> None:
        """Switch paging on with the client's own tables."""
        x86, reg = self.x86, self.uc.reg_write
        self.uc.mem_map(PRIVATE, 16 * PAGE)
        tables = [PRIVATE + n * PAGE for n in range(5)]
        levels = range(5 if self.five else 4, 0, -1)
        for number, level in enumerate(levels):
            for page in (0, 1):
                index = (CODE + page * PAGE) >> (9 * level + 3) & 511
                user = 4 if page or level > 1 else 0
                target = tables[number + 1] if level > 1 else PRIVATE + (8 + page) * PAGE
                self.uc.mem_write(tables[number] + 8 * index, struct.pack("<Q", target | 3 | user))
        for page in (8, 9):
            self.uc.mem_write(PRIVATE + page * PAGE, INSTRUCTIONS)
        cr4 = 0x20 | (controls.get("smep", False) << 20) | (self.five << 12)
        reg(x86.UC_X86_REG_CR4, cr4)
        reg(x86.UC_X86_REG_MSR, (MSR_EFER, 0x501 | (controls.get("nxe", True) << 11)))
        reg(x86.UC_X86_REG_MSR, (MSR_STAR, 0x0013_0008 << 32))
        reg(x86.UC_X86_REG_CR3, PRIVATE)
        reg(x86.UC_X86_REG_CR0, 0x8000_0033 | (controls.get("wp", True) << 16))
        self.supervisor = self.uc.context_save()
        reg(x86.UC_X86_REG_RCX, CODE + PAGE)
        reg(x86.UC_X86_REG_R11, 2)
        self.execute(CODE + SYSRET)
        self.user = self.uc.context_save()

    def pair(self, root: int, user: bool) -> tuple[Any, Any]:
        """Return the contexts in which the client's own tables are in use, and those below a root."""
        if (root, user) not in self.contexts:
            own = self.user if user else self.supervisor
            self.uc.context_restore(own)
            self.uc.reg_write(self.x86.UC_X86_REG_CR3, root)
            self.contexts[root, user] = own, self.uc.context_save()
        return self.contexts[root, user]

    # --- accesses ------------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        u = self.uc_module

        def interrupt(uc: Any, number: int, _: Any) -> None:
            self.faults.append(number)
            uc.emu_stop()

        def memory(uc: Any, kind: int, pa: int, size: int, value: int, _: Any) -> None:
            self.reached.append(pa)
            if kind == u.UC_MEM_WRITE and pa & -PAGE in self.mapped:
                self.undo.append((pa, bytes(uc.mem_read(pa, 1))))

        def absent(uc: Any, kind: int, pa: int, size: int, value: int, _: Any) -> bool:
            self.reached.append(pa)
            return False

        def code(uc: Any, address: int, size: int, _: Any) -> None:
            if address != self.expected:
                self.reached.append(address)
                uc.emu_stop()

        self.uc.hook_add(u.UC_HOOK_INTR, interrupt)
        self.uc.hook_add(u.UC_HOOK_MEM_READ | u.UC_HOOK_MEM_WRITE, memory)
        self.uc.hook_add(u.UC_HOOK_MEM_UNMAPPED, absent)
        self.uc.hook_add(u.UC_HOOK_CODE, code)

    def execute(self, address: int, *, stop: bool = False) -> None:
        """Execute one instruction of the client's own, or ``stop`` before the first one at an address."""
        self.faults.clear()
        self.reached.clear()
        self.undo.clear()
        self.expected = -1 if stop else address
        try:
            self.uc.emu_start(address, 0, count=1)
        except self.uc_module.UcError:
            if not self.reached and not self.faults:
                raise

    def access(self, root: int, va: int, kind: str, user: bool) -> dict[str, Any]:
        """Execute one access, and return where it went or how it faulted."""
        here = CODE + (PAGE if user else 0)
        if va & -PAGE in (CODE, CODE + PAGE):
            return {"unsupported": "the client's own instructions lie there"}
        own, under_test = self.pair(root, user)
        self.uc.context_restore(own)
        self.library.uc_ctl(self.uc._uch, self.uc_module.unicorn_const.UC_CTL_TLB_FLUSH | TLB_FLUSH)
        self.execute(here + NOP)
        self.uc.context_restore(under_test)
        if kind == "fetch":
            return self.fetched(va)
        self.uc.reg_write(self.x86.UC_X86_REG_RBX, va)
        self.execute(here + (LOAD if kind == "read" else STORE))
        if self.faults:
            return self.fault()
        for pa, byte in self.undo:
            self.uc.mem_write(pa, byte)
        return self.answer(self.reached[0])

    def fetched(self, va: int) -> dict[str, Any]:
        """Begin to execute at an address's page, which is where its first instruction may be as long as it likes."""
        page = va & -PAGE
        self.execute(page, stop=True)
        if self.faults:
            return self.fault()
        pa = ctypes.c_uint64()
        failed = self.library.uc_vmem_translate(
            self.uc._uch, ctypes.c_uint64(page), self.uc_module.UC_PROT_EXEC, ctypes.byref(pa)
        )
        if failed:
            return {"unsupported": "the address was fetched from, and does not translate"}
        return self.answer(pa.value + va - page)

    def fault(self) -> dict[str, Any]:
        """Return the fault that was raised."""
        self.look()
        number = self.faults[0]
        kinds = {GENERAL_PROTECTION: "general_protection", PAGE_FAULT: "page_fault"}
        return {"result": {"fault": {"kind": kinds[number]}}} if number in kinds else {"unsupported": f"exception {number}"}

    def answer(self, pa: int) -> dict[str, Any]:
        """Return a translation, and what it marked."""
        accessed, dirty = self.changed(1 << 5), self.changed(1 << 6)
        self.look()
        return {"result": {"pa": hex(pa), "accessed_set": [hex(at) for at in accessed], "dirty_set": [hex(at) for at in dirty]}}


class Unicorn:
    """The client: a processor for each reset."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.processor: Processor
        for gap in GAPS:
            self.still_there(gap)

    def still_there(self, gap: Gap) -> None:
        """Carry out a gap's vector (RuntimeError: Unicorn does what the manual says, so that the gap must go)."""
        bits, _, kind = gap.vector
        processor = Processor(self.mode)
        processor.boot({})
        cr4 = {"smap": 1 << 21, "pke": 1 << 22}[gap.control]
        for context in ("supervisor",):
            processor.uc.context_restore(getattr(processor, context))
            register = processor.x86.UC_X86_REG_CR4
            processor.uc.reg_write(register, processor.uc.reg_read(register) | cr4)
            processor.supervisor = processor.uc.context_save()
        for level in range(5 if self.mode == "la57" else 4, 0, -1):
            processor.write(0x10000 * level, (0x10000 * (level - 1) if level > 1 else 0x80000) | bits)
        reply = processor.access(0x10000 * (5 if self.mode == "la57" else 4), 0, kind, False)
        if "fault" in reply.get("result", {"fault": 0}):
            raise RuntimeError(f"{gap.what}: not so any more ({reply}); take the gap out")

    def hello(self) -> dict[str, Any]:
        """Introduce Unicorn."""
        version = importlib.import_module("unicorn").__version__
        capabilities = {
            "mode": self.mode, "phys_bits": PHYS_BITS, "fault_code": False, "fault_level": False, "page_size": False,
        }  # fmt: skip
        name = f"Unicorn {version} x86-64 {self.mode}"
        return {"protocol": 1, "name": name, "machines": ["page_table"], "capabilities": capabilities}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin with a new processor; what it is known not to do is not asked of it."""
        controls = config["controls"]
        for gap in GAPS:
            if controls.get(gap.control):
                return {"unsupported": f"{gap.what} ({gap.manual})"}
        if not controls.get("gbpages", True):
            return {"unsupported": "its processor has 1-GiB pages"}
        self.processor = Processor(self.mode)
        self.processor.boot(controls)
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out an operation."""
        if op == "write":
            self.processor.write(int(args["pa"], 16), int(args["value"], 16))
            return {"result": {}}
        if op == "read":
            return {"result": {"value": hex(self.processor.read(int(args["pa"], 16)))}}
        if op == "flush":
            return {"result": {}}  # each access begins with an empty TLB
        return self.processor.access(int(args["root"], 16), int(args["va"], 16), args["kind"], args["user"])

    def close(self) -> None:
        """Nothing is left behind."""


la48, la57 = partial(Unicorn, "la48"), partial(Unicorn, "la57")
