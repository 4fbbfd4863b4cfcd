"""Operations of the machine ``pcp``, made from bytes while looking at the law's pages.

Requests that find nothing go on as Linux does: ask how many, refill, ask again. What goes back goes back block by block. Blocks
are freed in runs, after a request or from outside; limits are tiny, so that they are met, passed and moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmspec.physical.pcp.core import takes
from mmspec.physical.pcp.ops import (
    AGAIN,
    BELOW_HIGH,
    CHANGED,
    MOVABLE,
    RECLAIM_ACTIVE,
    REMOTE,
    Alloc,
    Bulk,
    Cacheinfo,
    Config,
    CountPages,
    Cpu,
    Decay,
    Disable,
    Drain,
    DrainAll,
    Enable,
    Expire,
    Free,
    HeldBlocks,
    Refill,
    Tune,
    Want,
)  # fmt: skip
from mmspec.physical.pcp.parameters import fraction_served
from mmspec.physical.pcp.state import Pages, cpu_holding, order_held
from mmspec.words import ABSENT, Count, Flags, Migratetype, Order, Pfn, head_of, size_of

Made = tuple[str, Any, Mapping[str, int]]
"""An operation's name, its request, and the steps that its fields refer to."""

MANAGED = (16384, 16384, 0, 32768, 8192, 12288, 131072, 1 << 20)
LOWS = (0, 5, 9, 13, 14, 15, 16, 20, 24, 40, 4096)
SHARERS = (1, 4095, 4095, 600, 170, 64, 2, 0)
FRACTIONS = (0, 0, 0, 0, 0, 8, 100, 1024, 7, 1)
LONGEST = 24
"""Most blocks of one refill: more would take the rest of a program."""


class Generator:
    """Makes operations on one zone's lists from records of eight bytes."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.capabilities = config, capabilities
        self.frames = config.end_pfn - config.start_pfn
        self.used = bytearray(self.frames)  # 1 where a frame is held, or handed out
        self.live: list[tuple[Pfn, Order, int]] = []  # blocks handed out, and the step that did it
        self.script: list[Made] = []  # what goes on from an earlier step, last first
        self.freeing = False
        self.run = (3, 8, 20, 60)[header[7] % 4]  # about so many operations go one way
        self.orders = self.order_table(header)
        self.types = (MOVABLE, MOVABLE, 0, 2) if capabilities["migratetypes"] else (MOVABLE,)
        self.kinds = (*self.types, *((3, 4, 5) if capabilities["migratetypes"] and header[8] & 1 else ()))
        self.zone_flags = self.flag_table(header)
        self.actions = self.action_tables(header)
        self.begun = header[9] % 8 == 0 or not capabilities["tuned"]  # else the limits are set first

    def order_table(self, header: bytes) -> list[Order]:
        """Return the orders to ask for: single frames, a favourite, and in every other program the others now and then."""
        kept = [0, 1, 2, 3, *([self.config.huge_order] if self.config.huge_order else [])]
        table = [0] * (1 + header[10] % 8) + [kept[header[11] % len(kept)]] * (header[12] % 6)
        table += kept if header[12] & 64 else []
        return [order for order in table if size_of(order) <= self.frames // 2] or [0]

    def flag_table(self, header: bytes) -> tuple[Flags, ...]:
        """Return the zone's flags to choose from."""
        if not self.capabilities["tuned"]:
            return (0,)
        choices = ((0,), (0, 0, 0, BELOW_HIGH, RECLAIM_ACTIVE), (0, BELOW_HIGH), (RECLAIM_ACTIVE, 0, 3))
        return choices[header[13] % len(choices)]

    def action_tables(self, header: bytes) -> tuple[list[Any], list[Any]]:
        """Return what to do while blocks are asked for, and while they are freed: swarm weights from the header."""
        rare: list[Any] = [self.bulk, self.refill]
        if self.capabilities["observe"]:
            rare += [self.count, self.blocks]
        if self.capabilities["checked"]:
            rare += [self.misuse] * (header[14] % 3)
        if self.capabilities["tuned"]:
            tuned = [self.want, self.drain_all, self.decay, self.expire, self.tune, self.disable, self.cacheinfo, self.enable]
            rare += [action for bit, action in enumerate(tuned) if header[15] >> bit & 1] * (1 + header[14] % 2)
        usual = 6 + 2 * len(rare)
        asking = [self.alloc] * usual + [self.free] * (usual // 6) + rare
        freeing = (
            [self.free] * (usual // 2) + [self.give] * (usual // 2) + [self.alloc] * (usual // 8 if header[8] & 2 else 0) + rare
        )
        return asking, freeing

    def request(self, record: bytes, pages: Pages) -> Made | None:
        """Return the operation that a record stands for in this state."""
        if not any(record):
            return None
        cpu = 0 if record[1] & 3 else (record[1] >> 2) % self.config.cpus
        if not self.begun:
            self.begun = True
            return self.tune(record, cpu, pages)
        if record[7] % 16:
            owing = next((other for other, owed in pages.owed.items() if owed), None)
            if owing is not None:
                return "drain", Drain(owing), {}
            while self.script:
                name, request, refs = self.script.pop()
                if name != "refill" or takes(pages, request.cpu, request.pfn, request.order):
                    return name, request, refs
        if record[6] % self.run == 0:
            self.freeing = not self.freeing
        table = self.actions[self.freeing]
        made: Made | None = table[(record[0] | record[7] << 8) % len(table)](record, cpu, pages)
        return made

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember which frames are held or handed out, and what is to follow."""
        if name == "alloc":
            self.noted_alloc(step, request, result)
        elif result.failed:
            return
        elif name == "want" and self.script and self.script[0][0] == "alloc":
            again = self.script[0][1]
            self.script += [("refill", again, {})] * min(result.count, LONGEST)
            self.fill_script(again)
        elif name in ("refill", "free"):
            self.mark(request.pfn, request.order, 1)
        elif name == "drain":
            self.mark(result.pfn, result.order, 0)
        elif name == "expire" and request.flags & CHANGED:
            self.script = [("expire", Expire(request.cpu, REMOTE), {})] * 3
        elif name in ("drain_all", "decay", "expire") and result.total:
            portions = min(4, -(-result.total // result.portion))
            self.script = [("bulk", Bulk(request.cpu, min(result.total, result.portion)), {})] * portions

    def noted_alloc(self, step: int, request: Alloc, result: Any) -> None:
        """Remember a block that was handed out; where there was none, ask for a refill and then again."""
        if not result.failed:
            self.live.append((result.pfn, request.order, step))
        elif result.name == "ENOENT" and not request.flags & AGAIN:
            again = Alloc(request.cpu, request.order, request.migratetype, AGAIN if self.capabilities["tuned"] else 0)
            self.script = [("alloc", again, {})]
            if self.capabilities["tuned"]:
                self.script.append(("want", Want(request.cpu, request.order, self.zone_flags[step % len(self.zone_flags)]), {}))
            else:
                self.script += [("refill", again, {})] * 3
                self.fill_script(again)

    def fill_script(self, again: Alloc) -> None:
        """Give each refill of the script a block that nobody has; leave out those for which there is none."""
        filled: list[Made] = []
        taken: list[Pfn] = []
        for name, request, refs in reversed(self.script):
            pfn = self.outside(again.order, len(self.live) * 5 + 3) if name == "refill" else None
            if pfn is not None:
                self.mark(pfn, again.order, 1)
                taken.append(pfn)
                filled.append((name, Refill(again.cpu, pfn, again.order, again.migratetype), refs))
            elif name != "refill":
                filled.append((name, request, refs))
        for pfn in taken:
            self.mark(pfn, again.order, 0)
        self.script = filled[::-1]

    def mark(self, pfn: Pfn, order: Order, used: int) -> None:
        """Remember whether somebody has a block."""
        first = pfn - self.config.start_pfn
        if first >= 0 and first + size_of(order) <= self.frames:
            self.used[first : first + size_of(order)] = bytes([used]) * size_of(order)

    def outside(self, order: Order, seed: int) -> Pfn | None:
        """Return a block that nobody has, or None after a few tries."""
        start, size = self.config.start_pfn, size_of(order)
        for k in range(8):
            pfn = head_of(start + (seed + k * 37 * size) % self.frames, order)
            first = pfn - start
            if first >= 0 and first + size <= self.frames and 1 not in self.used[first : first + size]:
                return pfn
        return None

    # --- requests ------------------------------------------------------------------------------------------------------

    def pick(self, record: bytes) -> tuple[Order, Migratetype, Flags]:
        """Return an order, a type and the zone's flags."""
        order = self.orders[record[2] % len(self.orders)]
        return order, self.types[record[3] % len(self.types)], self.zone_flags[record[4] % len(self.zone_flags)]

    def alloc(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Ask for a block, now and then as one of a bulk request."""
        order, migratetype, _ = self.pick(record)
        bulk = self.capabilities["tuned"] and record[5] % 8 == 1
        return "alloc", Alloc(cpu, order, migratetype, AGAIN if bulk else 0), {}

    def free(self, record: bytes, cpu: Cpu, pages: Pages) -> Made | None:
        """Free a block that was handed out, the newest more often."""
        if not self.live:
            return self.give(record, cpu, pages)
        back = record[2] % len(self.live) if record[5] & 1 else record[2] % min(4, len(self.live))
        pfn, order, step = self.live.pop(-1 - back)
        return "free", Free(cpu, pfn, order, self.kinds[record[3] % len(self.kinds)], self.pick(record)[2]), {"pfn": step}

    def give(self, record: bytes, cpu: Cpu, pages: Pages) -> Made | None:
        """Free a block that somebody got elsewhere; now and then of an order that is not kept."""
        order, _, flags = self.pick(record)
        if record[5] % 32 == 31:
            order = 4 + record[2] % 3
        pfn = self.outside(order, int.from_bytes(record[4:6], "little"))
        return None if pfn is None else ("free", Free(cpu, pfn, order, self.kinds[record[3] % len(self.kinds)], flags), {})

    def refill(self, record: bytes, cpu: Cpu, pages: Pages) -> Made | None:
        """Put a block in that nobody has asked for."""
        order, migratetype, _ = self.pick(record)
        pfn = self.outside(order, int.from_bytes(record[4:6], "little"))
        return None if pfn is None else ("refill", Refill(cpu, pfn, order, migratetype), {})

    def want(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Ask how many a refill takes."""
        order, _, flags = self.pick(record)
        return "want", Want(cpu, order, flags), {}

    def bulk(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Drain some, or as many as there are, or one more."""
        held: Count = pages.count.get(cpu, 0)
        return "bulk", Bulk(cpu, (held, held + 1, 1, 1 + record[2] % 8, 0)[record[3] % 5]), {}

    def drain_all(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Ask what draining everything takes."""
        return "drain_all", DrainAll(cpu), {}

    def decay(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Let the limit decay."""
        return "decay", Decay(cpu), {}

    def expire(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Refresh the statistics."""
        return "expire", Expire(cpu, (2, 2, 2, 2, 3, 3, 1, 0)[record[2] % 8]), {}

    def tune(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Compute the limits anew: tiny ones, so that they are met."""
        managed, low = MANAGED[record[2] % len(MANAGED)], LOWS[record[3] % len(LOWS)]
        sharers = SHARERS[record[4] % len(SHARERS)]
        fraction = FRACTIONS[record[5] % len(FRACTIONS)] if record[6] & 1 else 0
        low *= max(1, sharers) if record[6] & 2 else 1
        coming = record[6] >> 2 & 1
        local = sharers if record[6] & 8 else 0
        online = sharers or (record[6] >> 4 & 1)
        if not self.capabilities["checked"]:
            online, fraction = max(1, online), fraction if fraction_served(fraction) else 0
        return "tune", Tune(managed, low, local, coming, online, fraction), {}

    def disable(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Disable the lists, or enable them again."""
        return self.enable(record, cpu, pages) if pages.disabled else ("disable", Disable(), {})

    def enable(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Enable the lists."""
        return ("enable", Enable(), {}) if pages.disabled else self.tune(record, cpu, pages)

    def cacheinfo(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Tell of a small cache or a large one."""
        return "cacheinfo", Cacheinfo(cpu, (0, 3, 4, 9, 10, 21, 22, 4096)[record[2] % 8]), {}

    def count(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Look at a CPU's count."""
        return "count", CountPages(cpu), {}

    def blocks(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Look at a CPU's blocks."""
        return "blocks", HeldBlocks(cpu), {}

    def misuse(self, record: bytes, cpu: Cpu, pages: Pages) -> Made:
        """Ask for what is not served: a CPU, an order or a type that is not there, a block that is held or no block at all."""
        order, migratetype, _ = self.pick(record)
        held, holding = next(iter(pages.held.items()), (self.config.start_pfn, ABSENT))
        if holding != ABSENT:
            order, owner = order_held(holding), cpu_holding(holding)
        else:
            owner = cpu
        beyond = min(self.config.cpus, 4095)
        wrong = (
            ("free", Free(owner, held, order, migratetype)),
            ("refill", Refill(cpu, held, order, migratetype)),
            ("free", Free(cpu, self.config.start_pfn + 1 + 2 * (record[4] % 8), max(1, order), migratetype)),
            ("free", Free(cpu, self.config.end_pfn - 1 + record[4] % 2, 0, migratetype))
            if self.config.end_pfn < 1 << 52
            else ("free", Free(cpu, held, 14)),
            ("refill", Refill(cpu, head_of(self.config.start_pfn + 16, 4), 6 if self.config.huge_order != 6 else 7, migratetype)),
            ("alloc", Alloc(beyond, 0, migratetype)),
            ("alloc", Alloc(cpu, 6 if self.config.huge_order != 6 else 7, migratetype)),
            ("drain", Drain(cpu if record[4] % 2 else beyond)),
            ("bulk", Bulk(beyond, 1)),
            ("count", CountPages(beyond)) if self.capabilities["observe"] else ("bulk", Bulk(beyond, 1)),
            ("blocks", HeldBlocks(beyond)) if self.capabilities["observe"] else ("bulk", Bulk(beyond, 1)),
        )
        tuned = (
            ("want", Want(beyond, 0)),
            ("want", Want(cpu, 6 if self.config.huge_order != 6 else 7)),
            ("decay", Decay(beyond)),
            ("expire", Expire(beyond)),
            ("drain_all", DrainAll(beyond)),
            ("cacheinfo", Cacheinfo(beyond, 4)),
            ("tune", Tune(16384, 0, 0, 0, 0)),
            ("tune", Tune(16384, 0, 1, 0, 1, 1 + record[4] % 7)),
            ("enable", Enable()),
            ("disable", Disable()),
        )
        typed = (("refill", Refill(cpu, self.config.start_pfn, 0, 3)), ("alloc", Alloc(cpu, 0, 3 + record[4] % 3)))
        choices = wrong + (typed if self.capabilities["migratetypes"] else ()) + (tuned if self.capabilities["tuned"] else ())
        name, request = choices[record[5] % len(choices)]
        return name, request, {}
