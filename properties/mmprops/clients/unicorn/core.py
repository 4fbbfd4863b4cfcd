"""A processor that executes single accesses through the tables under test, and the client around it.

The instruction that makes an access is itself fetched through tables, and the root under test need not map it. So one beside it
is executed through tables of the client's own, which leaves the page in the TLB; a saved context then changes the root without
the flush that a write to the register would bring, and the access is the first thing that walks the tables under test. What the
instructions' own pages translate to cannot be asked. Memory accesses are seen with their physical address; a store is undone,
bits that the walk set stay.
"""

from __future__ import annotations

import ctypes
import importlib
import struct
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from mmprops.clients.wire import config_from_wire
from mmspec.clause import Clause
from mmspec.virtual.page_table import core as law
from mmspec.virtual.page_table.ops import KINDS, NO_FAULT, Access, Config
from mmspec.virtual.page_table.state import Tables, initial
from mmspec.virtual.page_table.walk import Walk

PRIVATE = 0x5A_5A00_0000
"""Where the client's own tables and code lie: physical addresses at which programs have no tables."""

CODE, APART = 0x25_5A5A_0000, 0x10000
"""Where its instructions lie for the supervisor; for a user they lie the largest small page above."""

PAGE = 4096
TLB_FLUSH = 1 << 30
"""What makes a control of Unicorn one that writes."""


@attrs.frozen
class Gap:
    """What Unicorn is known not to do: the rule, what it does instead, where the manual says it, and the least that shows it.

    ``vector`` is a configuration's control bits, entries from the root down (each at index 0 of its table), and an access.
    """

    clause: Clause
    what: str
    manual: str
    vector: tuple[dict[str, bool], tuple[int, ...], tuple[str, bool]]
    applies: Callable[[Walk], bool] | None = None
    """Whether a walk is one that Unicorn gets wrong; None: every one that the rule ends."""

    def holds(self, walk: Walk) -> bool:
        """Tell whether an access falls into the gap."""
        return walk.why is self.clause if self.applies is None else self.applies(walk)


class Processor:
    """One processor with its memory, for one configuration."""

    offsets: dict[str, int]
    """Where the instructions lie in the page of code: ``nop``, ``read`` and ``write``."""
    accessed: int
    dirty: int
    undefined = -1
    """The exception of what is no instruction, where it is raised before the code hook is asked: then it was fetched."""

    def __init__(self, architecture: int, mode: int) -> None:
        self.unicorn: Any = importlib.import_module("unicorn")
        self.library: Any = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib
        self.uc: Any = self.unicorn.Uc(architecture, mode)
        self.uc.ctl_set_tlb_mode(self.unicorn.UC_TLB_CPU)
        self.mapped: set[int] = set()
        self.pages: dict[int, bytes] = {}  # each page that entries were written to, as it was seen last
        self.contexts: dict[tuple[int, bool, int], tuple[Any, Any]] = {}
        self.faults: list[int] = []
        self.reached: list[int] = []
        self.undo: list[tuple[int, bytes]] = []
        self.stop = False  # whether the code hook stops before an instruction
        self._watch()

    # --- what each architecture does its own way -----------------------------------------------------------------------------

    @abstractmethod
    def boot(self, config: Config) -> None:
        """Set the processor up with the client's own tables."""

    @abstractmethod
    def context(self, root: int | None, user: bool, half: int) -> Any:
        """Return a context in which a root (None: the client's own) is in use."""

    @abstractmethod
    def point_at(self, va: int) -> None:
        """Load the address register."""

    @abstractmethod
    def fault(self) -> dict[str, Any]:
        """Return the fault that was raised."""

    # --- memory --------------------------------------------------------------------------------------------------------------

    def own(self, entries: dict[int, int], instructions: bytes, pages: Sequence[int]) -> None:
        """Write the client's own tables and code."""
        self.uc.mem_map(PRIVATE, 64 * PAGE)
        for at, value in entries.items():
            self.uc.mem_write(at, struct.pack("<Q", value))
        for page in pages:
            self.uc.mem_write(page, instructions)

    def write(self, pa: int, value: int) -> None:
        """Store a word."""
        page = pa & -PAGE
        self.have(page)
        self.uc.mem_write(pa, struct.pack("<Q", value))
        self.pages[page] = bytes(self.uc.mem_read(page, PAGE))

    def have(self, page: int) -> None:
        """Let there be memory at a page."""
        if page not in self.mapped and page >> 24 != PRIVATE >> 24:
            self.uc.mem_map(page, PAGE)
            self.mapped.add(page)

    def read(self, pa: int) -> int:
        """Load a word; what is not mapped reads 0."""
        if pa & -PAGE not in self.mapped:
            return 0
        value: int = struct.unpack("<Q", self.uc.mem_read(pa, 8))[0]
        return value

    def changes(self) -> tuple[list[str], list[str]]:
        """Return the entries in which the accessed and the dirty bit were set since they were seen last, and see them now."""
        marked: tuple[list[str], list[str]] = [], []
        for page, before in self.pages.items():
            now = bytes(self.uc.mem_read(page, PAGE))
            if now != before:
                self.pages[page] = now
                pairs = zip(struct.unpack("<512Q", before), struct.unpack("<512Q", now), strict=True)
                for index, (old, new) in enumerate(pairs):
                    for which, bit in enumerate((self.accessed, self.dirty)):
                        if new & ~old & bit:
                            marked[which].append(hex(page + 8 * index))
        return marked

    # --- accesses ------------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        u = self.unicorn

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
            if self.stop:
                self.reached.append(address)
                uc.emu_stop()

        self.uc.hook_add(u.UC_HOOK_INTR, interrupt)
        self.uc.hook_add(u.UC_HOOK_MEM_READ | u.UC_HOOK_MEM_WRITE, memory)
        self.uc.hook_add(u.UC_HOOK_MEM_UNMAPPED, absent)
        self.uc.hook_add(u.UC_HOOK_CODE, code)

    def execute(self, address: int, *, stop: bool = False) -> None:
        """Execute the instruction at an address, or ``stop`` before it is carried out."""
        self.faults.clear()
        self.reached.clear()
        self.undo.clear()
        self.stop = stop
        try:
            self.uc.emu_start(address, 0, count=1)
        except self.unicorn.UcError:
            if not self.reached and not self.faults:
                raise

    def access(self, root: int, va: int, kind: str, user: bool) -> dict[str, Any]:
        """Execute one access, and return where it went or how it faulted."""
        if va & -APART in (CODE, CODE + APART):
            return {"unsupported": "the client's own instructions lie there"}
        half = va >> 55 & 1
        if (root, user, half) not in self.contexts:
            self.contexts[root, user, half] = self.context(None, user, half), self.context(root, user, half)
        own, under_test = self.contexts[root, user, half]
        here = CODE + (APART if user else 0)
        self.uc.context_restore(own)
        self.library.uc_ctl(self.uc._uch, self.unicorn.unicorn_const.UC_CTL_TLB_FLUSH | TLB_FLUSH)
        self.execute(here + self.offsets["nop"])
        self.uc.context_restore(under_test)
        if kind == "fetch":
            return self.fetched(va)
        self.point_at(va)
        self.execute(here + self.offsets[kind])
        if self.faults:
            return self.faulted()
        for pa, byte in self.undo:
            self.uc.mem_write(pa, byte)
        return self.answer(self.reached[0])

    def fetched(self, va: int) -> dict[str, Any]:
        """Begin to execute in the middle of an address's page, where an instruction may be as long as it likes."""
        page = va & -PAGE
        self.execute(page + PAGE // 2, stop=True)
        if self.faults and self.faults[0] != self.undefined:
            return self.faulted()
        pa = ctypes.c_uint64()
        fetching = self.unicorn.UC_PROT_EXEC
        if self.library.uc_vmem_translate(self.uc._uch, ctypes.c_uint64(page), fetching, ctypes.byref(pa)):
            return {"unsupported": "what was fetched does not translate"}
        return self.answer(pa.value + va - page)

    def faulted(self) -> dict[str, Any]:
        """Return the fault that was raised; what the walk has marked all the same is seen when it is read."""
        self.changes()
        return self.fault()

    def answer(self, pa: int) -> dict[str, Any]:
        """Return a translation, and what it marked."""
        accessed, dirty = self.changes()
        return {"result": {"pa": hex(pa), "accessed_set": accessed, "dirty_set": dirty}}


class Live:
    """The law's view of a processor's memory: it is read as it is, and what a walk would mark is forgotten."""

    def __init__(self, processor: Processor) -> None:
        self.processor = processor

    def get(self, pa: int, default: int) -> int:
        """Read a word."""
        return self.processor.read(pa)

    def set(self, pa: int, value: int) -> Live:
        """Forget what is written."""
        return self


class Unicorn:
    """The client: a processor for each reset, and the law's view of its memory to tell what falls into a gap."""

    mode: str
    phys_bits: int
    gaps: tuple[Gap, ...]
    promises: dict[str, Any]

    def __init__(self) -> None:
        self.processor: Processor
        self.tables: Tables
        for gap in self.gaps:
            self.check(gap)

    @abstractmethod
    def processor_for(self, config: Config) -> Processor:
        """Return a processor for a configuration."""

    @abstractmethod
    def refused(self, config: Config) -> str | None:
        """Return what of a configuration the processor does not have, or None."""

    @abstractmethod
    def plain(self) -> dict[str, Any]:
        """Return the least configuration, as the protocol has it."""

    def hello(self) -> dict[str, Any]:
        """Introduce Unicorn."""
        version = importlib.import_module("unicorn").__version__
        capabilities = {"mode": self.mode, "phys_bits": self.phys_bits, "page_size": False, **self.promises}
        name = f"Unicorn {version} {type(self).__name__} {self.mode}"
        return {"protocol": 1, "name": name, "machines": ["page_table"], "capabilities": capabilities}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin with a new processor."""
        wanted = config_from_wire(Config, config)
        reason = self.refused(wanted)
        if reason is not None:
            return {"unsupported": reason}
        self.tables = initial(wanted)
        self.processor = self.processor_for(wanted)
        self.processor.boot(wanted)
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out an operation; what falls into a gap is not asked of Unicorn."""
        if op == "write":
            self.processor.write(int(args["pa"], 16), int(args["value"], 16))
            return {"result": {}}
        if op == "read":
            return {"result": {"value": hex(self.processor.read(int(args["pa"], 16)))}}
        if op == "flush":
            return {"result": {}}  # each access begins with an empty TLB
        root, va, kind, user = int(args["root"], 16), int(args["va"], 16), args["kind"], args["user"]
        walk = self.walk(root, va, kind, user)
        gap = next((gap for gap in self.gaps if gap.holds(walk)), None)
        if gap is not None:
            return {"unsupported": f"{gap.clause.id}: {gap.what} ({gap.manual})"}
        if walk.fault == NO_FAULT and kind == "fetch":  # a fetch from no memory faults in ways of its own
            self.processor.have(walk.pa & -PAGE)
        return self.processor.access(root, va, kind, user)

    def walk(self, root: int, va: int, kind: str, user: bool) -> Walk:
        """Return what the law says of an access."""
        memory: Any = Live(self.processor)
        return law.walk_of(attrs.evolve(self.tables, memory=memory), Access(root, va, KINDS.index(kind), user))

    def check(self, gap: Gap) -> None:
        """Carry out a gap's vector (RuntimeError: Unicorn does what the manual says, so that the gap must go)."""
        controls, entries, (kind, user) = gap.vector
        config = self.plain()
        self.reset("page_table", config | {"controls": config["controls"] | controls})
        for number, entry in enumerate(entries):
            self.processor.write(0x10_0000 + number * 0x10000, entry)
        lawful = self.walk(0x10_0000, 0, kind, user)
        reply = self.processor.access(0x10_0000, 0, kind, user)
        wrong = reply["result"].get("pa") not in (None, hex(lawful.pa) if lawful.fault == NO_FAULT else None)
        if not gap.holds(lawful) or not (wrong or self.strayed(entries, lawful)):
            raise RuntimeError(f"{gap.clause.id}: {gap.what}: not so any more ({reply}); take the gap out")

    def strayed(self, entries: tuple[int, ...], lawful: Walk) -> bool:
        """Tell whether an access that the law lets fault marked one of a gap's entries that it must not."""
        places = {0x10_0000 + number * 0x10000: entry for number, entry in enumerate(entries)}
        found = {at: self.processor.read(at) & ~entry for at, entry in places.items()}
        may = dict.fromkeys(lawful.touched, lawful.may_set)
        return lawful.fault != NO_FAULT and any(marks & ~may.get(at, 0) for at, marks in found.items())

    def close(self) -> None:
        """Nothing is left behind."""
