"""Wrong versions of the rules of RISC-V's walk."""

from __future__ import annotations

from mmprops.bugs.virtual.page_table.places import OUR_RISCV, RISCV, SV, bug

_WALK, _SORT, _PERMITS, _REGIME = (f"{OUR_RISCV}.{name}" for name in ("walk", "sort_of", "permits", "regime"))

BUGS = (
    bug(
        "BUG-RISCV-CANONICAL",
        "PAGE-TABLE-RISCV-CANONICAL",
        "bits above an address's width are ignored",
        SV,
        {_WALK: ("if sign * (sign + 1) != 0:", "if sign * (sign + 1) < 0:")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-MEMORY",
        "PAGE-TABLE-RISCV-MEMORY",
        "a page where there is no memory is reached",
        SV,
        {_WALK: ("if pa >> regime[PHYS_BITS]:", "if pa < 0:")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-VALID",
        "PAGE-TABLE-RISCV-VALID",
        "a leaf with R needs no V",
        SV,
        {_SORT: ("if pte & V == 0 or", "if pte & (V | R) == 0 or")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-WRITE-ONLY",
        "PAGE-TABLE-RISCV-RESERVED",
        "W without R is a page that can be written only",
        "linux/virtual.md 1.7, 9",
        {
            _SORT: ("or (pte & W and pte & R == 0):", "or (pte & W and pte & R == 0 and pte & X == 0):"),
        },
        profile="any",
    ),
    bug(
        "BUG-RISCV-RESERVED-BITS",
        "PAGE-TABLE-RISCV-RESERVED-BITS",
        "bits 60 to 54 are ignored",
        SV,
        {_REGIME: ("0x7F << 54 | ", "")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-PBMT",
        "PAGE-TABLE-RISCV-PBMT",
        "PBMT 3 is taken in a leaf",
        'RISC-V Privileged ISA, "Svpbmt"',
        {_PERMITS: ("if pte & PBMT == PBMT or pte", "if pte")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-NAPOT",
        "PAGE-TABLE-RISCV-NAPOT",
        "any page number is taken with N",
        'RISC-V Privileged ISA, "Svnapot"',
        {_PERMITS: ("level > 0 or (frame >> 12) & 15 != 8", "level > 0")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-NAPOT-FRAME",
        "PAGE-TABLE-RISCV-NAPOT-FRAME",
        "a leaf with N maps 4 KiB",
        'RISC-V Privileged ISA, "Svnapot"',
        {
            _WALK: ("1 << (16 if pte < 0 else 12 + 9 * i)", "1 << (12 + 9 * i)"),
            f"{RISCV}.size_of": ("1 << NAPOT_SIZE", "1 << 12"),
        },
    ),
    bug(
        "BUG-RISCV-POINTER",
        "PAGE-TABLE-RISCV-POINTER",
        "an entry that points to a table may have U, A and D",
        SV,
        {_SORT: ("pte & (U | A | D | PBMT)", "pte & PBMT")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-DEPTH",
        "PAGE-TABLE-RISCV-DEPTH",
        "a pointer at level 0 gives what the access before came to",
        SV,
        {_SORT: ("WRONG if level == 0 or pte & (U", "WRONG if pte & (U")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-USER",
        "PAGE-TABLE-RISCV-USER",
        "a user may fetch from pages without U",
        SV,
        {_PERMITS: ("if pte & U == 0:", "if pte & U == 0 and kind != FETCH:")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-SUM",
        "PAGE-TABLE-RISCV-SUM",
        "SUM is needed for stores alone",
        SV,
        {_PERMITS: ("not regime[SUM])", "(kind == WRITE and not regime[SUM]))")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-FETCH-USER",
        "PAGE-TABLE-RISCV-FETCH-USER",
        "with SUM a supervisor may fetch from a user's page",
        SV,
        {_PERMITS: ("(kind == FETCH or not regime[SUM])", "not regime[SUM]")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-LOAD",
        "PAGE-TABLE-RISCV-LOAD",
        "a load needs R or X whatever MXR is",
        SV,
        {_REGIME: ('R | X if controls["mxr"] else R', "R | X")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-STORE",
        "PAGE-TABLE-RISCV-STORE",
        "a page that can be read can be written",
        SV,
        {_REGIME: ("else R, W, X]", "else R, R, X]")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-FETCH",
        "PAGE-TABLE-RISCV-FETCH",
        "a page that can be read can be executed",
        SV,
        {_REGIME: ("else R, W, X]", "else R, W, R]")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-ALIGNED",
        "PAGE-TABLE-RISCV-ALIGNED",
        "the low bits of a superpage's number are ignored",
        SV,
        {_PERMITS: ("elif frame & ((1 << (12 + 9 * level)) - 1):", "elif frame < 0:")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-SVADE",
        "PAGE-TABLE-RISCV-SVADE",
        "without ADUE a store to a page with D clear is carried out",
        SV,
        {_PERMITS: ("or pte & wanted == wanted", "or pte & A != 0")},
        profile="any",
    ),
    bug(
        "BUG-RISCV-SVADU",
        "PAGE-TABLE-RISCV-SVADU",
        "hardware marks a leaf at a store, never at a load or a fetch",
        SV,
        {
            _WALK: (
                "        if pte & A == 0:\n            out[COUNT] = 1\n            out[FIRST] = at\n",
                "        if kind != WRITE:\n            return\n        if pte & A == 0:\n            out[COUNT] = 1\n"
                "            out[FIRST] = at\n",
            ),
            f"{RISCV}.leaf_reached": (
                "set_bits(memory, used[-1:], A)",
                "set_bits(memory, used[-1:] if kind == WRITE else (), A)",
            ),
        },
    ),
    bug(
        "BUG-RISCV-CAUSE",
        "PAGE-TABLE-RISCV-CAUSE",
        "a fault of a fetch is reported as one of a load",
        SV,
        {
            _REGIME: ("[13, 15, 12, 5, 7, 1]", "[13, 15, 13, 5, 7, 5]"),
            f"{RISCV}.cause": ("return page + (fault == ACCESS_FAULT)", "return 13 if page else 5 * (fault == ACCESS_FAULT)"),
        },
    ),
)
