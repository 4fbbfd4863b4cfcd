"""The steps of x86-64's walk: at every level, for every word, the optimised walker's are the law's.

The walker keeps the rights of the levels above as bits of an entry, and the control bits as masks and a table that are made
once: the goals make these from the law's regime, with the functions that the walker's owner makes them with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmimpl.virtual.page_table import x86_64 as ours
from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.virtual.page_table.indices import based, is_table
from mmspec.clause import Clause
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table import x86_64 as law
from mmspec.virtual.page_table.ops import DEFAULTS, X86_64, Entry, Kind, Level, Pa, Va


def signed(word: Entry) -> Any:
    """Return a word as the implementation's cell holds it."""
    return word - ((word >> 63) << 64)


def controls(regime: law.Regime) -> dict[str, Any]:
    """Return the control bits by name."""
    return {name: getattr(regime, name) for name in DEFAULTS[X86_64]}


def kept(rights: law.Combined) -> Any:
    """Return rights as the walker keeps them."""
    return ours.RW * rights.write + ours.US * rights.user + (rights.execute == False)  # noqa: E712


# --- given -----------------------------------------------------------------------------------------------------------------


def phys_bits(regime: law.Regime) -> bool:
    """MAXPHYADDR is 52 at most."""
    return regime.phys_bits <= 52


def opens_all(regime: law.Regime, entry: Entry) -> bool:
    """The PML5 entry is present, writable, user and not NX, and nothing in it is reserved."""
    granting = law.PRESENT | law.WRITABLE | law.USER
    sound = ((entry & law.FRAME) >> regime.phys_bits == 0) & (entry & law.PAGE_SIZE == 0)
    return (entry & granting == granting) & (entry & law.EXECUTE_DISABLE == 0) & sound & (regime.phys_bits <= 52)


def lower(va: Va) -> bool:
    """The address is a canonical lower one of 48 bits."""
    return va >> 47 == 0


def upper(va: Va) -> bool:
    """The address is a canonical upper one of 48 bits."""
    return va >> 47 == (1 << 17) - 1


# --- goals -----------------------------------------------------------------------------------------------------------------


def sorted_alike(regime: law.Regime, level: Level, entry: Entry, after: tuple[bool, Clause]) -> bool:
    """The walker takes an entry for absent, wrong, a table's or a leaf where the law does."""
    cells = [0] * ours.REGIME
    made = ours.reserved(level, regime.phys_bits, controls(regime))
    cells[ours.TABLE_RESERVED + level], cells[ours.LEAF_RESERVED + level] = made
    sort = ours.sort_of(cells, level, signed(entry))
    if entry & law.PRESENT == 0:
        return sort == ours.ABSENT
    if after[0]:
        return sort == ours.WRONG
    return sort == (ours.LEAF if law.is_leaf(level, entry) else ours.TABLE)


def names_table(regime: law.Regime, level: Level, entry: Entry, after: tuple[bool, Clause]) -> bool:
    """What is no leaf and has no reserved bit names a table in memory, aligned; at level 1 there is nothing but leaves."""
    named = entry & law.FRAME
    lies = (named & 4095 == 0) & (named >> regime.phys_bits == 0)
    return after[0] or (law.is_leaf(level, entry) if level == 1 else True) & lies


def kept_alike(above: law.Combined, entry: Entry, after: law.Combined) -> bool:
    """What the walker keeps of the rights below an entry is what the law says."""
    mine: bool = ours.below(kept(above), signed(entry)) & 7 == kept(after)
    return mine


def only_taken(above: law.Combined, entry: Entry, after: law.Combined) -> bool:
    """No level grants what one above it does not, and each takes what it does not grant itself."""
    write = after.write == (above.write & (entry & law.WRITABLE != 0))
    user = after.user == (above.user & (entry & law.USER != 0))
    return write & user & (after.execute == (above.execute & (entry >> 63 == 0)))


def denied_alike(
    regime: law.Regime, granted: law.Combined, kind: Kind, user: bool, leaf: Entry, after: tuple[bool, Clause]
) -> bool:  # fmt: skip
    """At a leaf the walker forbids what the law forbids, and blames the key where the law does."""
    cells, named = [0] * ours.REGIME, controls(regime)
    cells[ours.KEYS], cells[ours.PKRU], cells[ours.WP] = regime.pke, regime.pkru, regime.wp
    for rights in range(8):
        cells[ours.ALLOWED + 8 * (2 * kind + user) + rights] = ours.allows(kind, user, rights, named)
    code = ours.denial(cells, kept(granted), signed(leaf), kind, user)
    by_key, _ = law.key_denies(regime, granted, leaf, kind, user)
    if by_key:
        return code == 33
    return code == (1 if after[0] else 0)


def opens_nothing(va: Va, table: Pa, after: Pa) -> bool:
    """The lower half of 48-bit addresses is what entry 0 of the PML5 maps, and lies below in five levels as in four."""
    return (after == table) & law.is_canonical(va, 57) & law.is_canonical(va, 48)


def closes_nothing(va: Va, table: Pa, after: Pa) -> bool:
    """The upper half of 48-bit addresses is what entry 511 of the PML5 maps, and lies above in five levels as in four."""
    return (after == table + 511 * 8) & law.is_canonical(va, 57) & law.is_canonical(va, 48)


def takes_nothing(above: law.Combined, entry: Entry, after: law.Combined) -> bool:
    """Below it the rights are those above it."""
    return (after.write == above.write) & (after.user == above.user) & (after.execute == above.execute)


def goes_on(regime: law.Regime, level: Level, entry: Entry, after: tuple[bool, Clause]) -> bool:
    """It is no leaf and has no reserved bit, so that the walk goes on to the PML4 that it names, which is one in memory."""
    named = entry & law.FRAME
    return (not after[0]) and (not law.is_leaf(level, entry)) and named >> regime.phys_bits == 0


def same_below(regime: law.Regime, level: Level, entry: Entry, after: tuple[bool, Clause]) -> bool:
    """What is reserved at a level is the same with four levels and with five."""
    four, _ = law.reserved(attrs.evolve(regime, va_bits=48), level, entry)
    return after[0] == four


def same_rights(
    regime: law.Regime, granted: law.Combined, kind: Kind, user: bool, leaf: Entry, after: tuple[bool, Clause]
) -> bool:  # fmt: skip
    """What a leaf forbids, and the error code, are the same with four levels and with five."""
    four = attrs.evolve(regime, va_bits=48)
    forbidden, _ = law.denied(four, granted, kind, user)
    by_key, _ = law.key_denies(regime, granted, leaf, kind, user)
    four_key, _ = law.key_denies(four, granted, leaf, kind, user)
    code = law.error_code(four, True, kind, user) == law.error_code(regime, True, kind, user)
    return (after[0] == forbidden) & (by_key == four_key) & code


# --- obligations -------------------------------------------------------------------------------------------------------------


def _step(
    name: str, subject: Callable[..., Any], goal: Predicate, clauses: tuple[Clause, ...], *given: Predicate, **more: Any
) -> Obligation:
    return Obligation(
        f"PAGE-TABLE-X86-{name}", clauses, (function_of(goal).__doc__ or "").strip(), subject, goal, given=given,
        operation="step x86_64", invariant=name.lower(), **more,
    )  # fmt: skip


RESERVED = (c.X86_PRESENT, c.X86_RESERVED_ADDRESS, c.X86_RESERVED_XD, c.X86_RESERVED_PS, c.X86_RESERVED_1G, c.X86_RESERVED_LARGE)
RIGHTS = (c.X86_USER, c.X86_WRITE, c.X86_XD, c.X86_SMEP, c.X86_SMAP, c.X86_PKEY_AD, c.X86_PKEY_WD)
KINDS: dict[str, tuple[int, ...]] = {"kind": (0, 1, 2), "user": (False, True)}
LEVELS: dict[str, tuple[int, ...]] = {"level": (1, 2, 3, 4, 5)}
LEAF = {"leaf": Entry}
FIVE = {"regime.va_bits": 57}

OBLIGATIONS = (
    _step("SORT", law.reserved, sorted_alike, (*RESERVED, c.X86_LEAF), phys_bits, each=LEVELS),
    _step("NAMES-TABLE", law.reserved, names_table, (c.X86_RESERVED_ADDRESS, c.X86_LEAF, c.FRAME), phys_bits, each=LEVELS),
    _step("KEPT", law.combine, kept_alike, (c.X86_RIGHTS,), straight=True),
    _step("TAKES", law.combine, only_taken, (c.X86_RIGHTS,), straight=True),
    _step("DENIED", law.denied, denied_alike, RIGHTS, each=KINDS, beside=LEAF),
    *based(
        _step("PML5-LOWER", law.entry_at, opens_nothing, (c.X86_CANONICAL,), lower, each={"level": (5,)}, straight=True),
        is_table,
    ),
    *based(
        _step("PML5-UPPER", law.entry_at, closes_nothing, (c.X86_CANONICAL,), upper, each={"level": (5,)}, straight=True),
        is_table,
    ),
    _step(
        "PML5-RIGHTS", law.combine, takes_nothing, (c.X86_RIGHTS,), opens_all, beside={"regime": law.Regime}, straight=True
    ),
    _step(
        "PML5-GOES-ON", law.reserved, goes_on, (c.X86_RESERVED_ADDRESS, c.X86_RESERVED_PS), opens_all, each={"level": (5,)},
        choices=FIVE, straight=True,
    ),
    _step("PML5-BELOW", law.reserved, same_below, RESERVED, phys_bits, each={"level": (1, 2, 3, 4)}, choices=FIVE),
    _step("PML5-LEAF", law.denied, same_rights, (*RIGHTS, c.X86_CODE_P), each=KINDS, beside=LEAF, choices=FIVE),
)  # fmt: skip
