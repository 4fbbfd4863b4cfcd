"""Wrong versions of the rules of AArch64's walk."""

from __future__ import annotations

from mmprops.bugs.virtual.page_table.places import ARM, OUR, OUR_ARM, VMSA, bug

_WALK, _SORT, _TAKES, _REGIME, _PERMITS = (f"{OUR_ARM}.{name}" for name in ("walk", "sort_of", "takes", "regime", "permits"))

BUGS = (
    bug(
        "BUG-ARM-TAG-STRIPPED",
        "PAGE-TABLE-ARM-RANGE",
        "the top byte of an address is ignored whatever TBI is",
        "linux/bugs.md PT-23",
        {_REGIME: ('cells[TOP_DATA] = 56 if controls["tbi"] else 64', "cells[TOP_DATA] = 56")},
        profile="any",
    ),
    bug(
        "BUG-ARM-EPD",
        "PAGE-TABLE-ARM-EPD",
        "a half that EPD closes is walked",
        VMSA,
        {
            _REGIME: (
                'cells[CLOSED], cells[CLOSED_USER] = controls["epd"], controls["epd"] or controls["e0pd"]',
                'cells[CLOSED_USER] = controls["e0pd"]',
            )
        },
        profile="any",
    ),
    bug(
        "BUG-ARM-E0PD",
        "PAGE-TABLE-ARM-E0PD",
        "a half that E0PD closes is walked for EL0",
        VMSA,
        {_REGIME: ('controls["epd"] or controls["e0pd"]', 'controls["epd"]')},
        profile="any",
    ),
    bug(
        "BUG-ARM-TBID",
        "PAGE-TABLE-ARM-TBID",
        "TBID is not heeded: the top byte is ignored for fetches",
        VMSA,
        {
            _REGIME: ('56 if controls["tbi"] and not controls["tbid"] else 64', '56 if controls["tbi"] else 64'),
            f"{ARM}.ignores_top_byte": ("return False", "return True"),
        },
    ),
    bug(
        "BUG-ARM-START",
        "PAGE-TABLE-ARM-START",
        "a root of one entry more than a table gets no level of its own",
        VMSA,
        {
            _REGIME: ("cells[START] = 4 - levels", "cells[START] = 4 - levels + ((va_bits - granule) % (granule - 3) == 1)"),
            f"{ARM}.start_level": (
                "(regime.va_bits - regime.granule - 1) // (regime.granule - 3)",
                "(regime.va_bits - regime.granule - 1) // (regime.granule - 3)"
                " + ((regime.va_bits - regime.granule) % (regime.granule - 3) == 1)",
            ),
        },
    ),
    bug(
        "BUG-ARM-VALID",
        "PAGE-TABLE-ARM-VALID",
        "a descriptor with bit 1 set needs no bit 0",
        VMSA,
        {_SORT: ("if entry & 1 == 0:", "if entry & 3 == 0:")},
        profile="any",
    ),
    bug(
        "BUG-ARM-BLOCK",
        "PAGE-TABLE-ARM-BLOCK",
        "a block at level 1 is taken with every granule",
        VMSA,
        {_REGIME: ("14: 0b100 | ds << 1, 16: 0b100 | lpa << 1", "14: 0b110, 16: 0b110")},
        profile="any",
    ),
    bug(
        "BUG-ARM-SIZE",
        "PAGE-TABLE-ARM-SIZE",
        "an address above the output size is reached by a leaf",
        VMSA,
        {_WALK: ("if address >> regime[PHYS_BITS]:", "if address >> regime[PHYS_BITS] and sort == TABLE:")},
        profile="any",
    ),
    bug(
        "BUG-ARM-LPA",
        "PAGE-TABLE-ARM-LPA",
        "bits 51 to 48 of an address are not looked for in 64K descriptors",
        VMSA,
        {
            _REGIME: ("elif lpa:", "elif lpa and va_bits < 0:"),
            f"{ARM}.address_in": ("| ((entry >> 12) & 15) << 48", "| ((entry >> 12) & 0) << 48"),
        },
    ),
    bug(
        "BUG-ARM-AF",
        "PAGE-TABLE-ARM-AF",
        "hardware sets AF although HA is 0",
        VMSA,
        {
            _REGIME: (
                'cells[HARDWARE_AF], cells[HARDWARE_DIRTY] = controls["ha"],',
                "cells[HARDWARE_AF], cells[HARDWARE_DIRTY] = 1,",
            )
        },
        profile="any",
    ),
    bug(
        "BUG-ARM-HIERARCHY",
        "PAGE-TABLE-ARM-HIERARCHY",
        "HPD is not heeded",
        VMSA,
        {
            _REGIME: ('cells[HIERARCHY] = not controls["hpd"]', "cells[HIERARCHY] = True"),
            f"{ARM}.limit": ("if regime.hpd:", "if False:"),
        },
    ),
    bug(
        "BUG-ARM-EL0",
        "PAGE-TABLE-ARM-EL0",
        "EL0 may read what is the kernel's",
        VMSA,
        {_PERMITS: ("return el0 and (write or kind != WRITE)", "return kind != WRITE or (el0 and write)")},
        profile="any",
    ),
    bug(
        "BUG-ARM-WRITE",
        "PAGE-TABLE-ARM-WRITE",
        "EL1 writes what is read-only",
        VMSA,
        {_PERMITS: ("        return False\n    return write or kind != WRITE", "        return False\n    return True")},
        profile="any",
    ),
    bug(
        "BUG-ARM-DBM",
        "PAGE-TABLE-ARM-DBM",
        "a leaf with DBM is read-only until software clears AP[2]",
        VMSA,
        {
            _WALK: ("clean = regime[HARDWARE_DIRTY] and", "clean = False and regime[HARDWARE_DIRTY] and"),
            f"{ARM}.becomes_dirty": ("regime.ha & regime.hd", "regime.ha & (not regime.ha) & regime.hd"),
        },
    ),
    bug(
        "BUG-ARM-DBM-STAYS",
        "PAGE-TABLE-DIRTY",
        "a write to a clean leaf leaves AP[2] set",
        VMSA,
        {_WALK: ("            out[DIRTY] = at\n            entry &= ~AP2", "            entry |= AF")},
        profile="any",
    ),
    bug(
        "BUG-ARM-PAN",
        "PAGE-TABLE-ARM-PAN",
        "PAN forbids nothing",
        VMSA,
        {_PERMITS: ("if regime[PAN] and el0:", "if regime[PAN] and el0 and user:")},
        profile="any",
    ),
    bug(
        "BUG-ARM-EPAN",
        "PAGE-TABLE-ARM-EPAN",
        "EPAN forbids nothing more",
        VMSA,
        {_REGIME: ('controls["pan"] and controls["epan"]', "False")},
        profile="any",
    ),
    bug(
        "BUG-ARM-UXN",
        "PAGE-TABLE-ARM-UXN",
        "UXNTable of tables above is not heeded",
        VMSA,
        {_TAKES: ("((entry >> 59) & 3) << 53", "((entry >> 59) & 1) << 53")},
        profile="any",
    ),
    bug(
        "BUG-ARM-PXN",
        "PAGE-TABLE-ARM-PXN",
        "PXN is not heeded",
        VMSA,
        {_PERMITS: ("return leaf & PXN == 0 and not (write", "return not (write")},
        profile="any",
    ),
    bug(
        "BUG-ARM-PXN-IMPLIED",
        "PAGE-TABLE-ARM-PXN-IMPLIED",
        "EL1 fetches what EL0 may write",
        VMSA,
        {_PERMITS: ("(el0 or regime[WXN])", "regime[WXN]")},
        profile="any",
    ),
    bug(
        "BUG-ARM-WXN",
        "PAGE-TABLE-ARM-WXN",
        "WXN holds for EL1 alone",
        VMSA,
        {_PERMITS: (" and not (regime[WXN] and el0 and write)", "")},
        profile="any",
    ),
    bug(
        "BUG-ARM-FSC",
        "PAGE-TABLE-ARM-FSC",
        "a translation fault of level -1 is reported as one of level 0",
        VMSA,
        {
            f"{OUR_ARM}.status": ("else 0x2B", "else 4"),
            f"{ARM}.status_code": ("else 0x2B", "else 0x04"),
        },
    ),
    bug(
        "BUG-ARM-CONTIGUOUS",
        "PAGE-TABLE-ARM-CONTIGUOUS",
        "an entry of a contiguous run gives the run's first frame",
        VMSA,
        {
            _WALK: (
                "address | (inside & ((1 << shift) - 1)), 1",
                "(address & ~(((entry >> 52) & 1) * (15 << shift))) | (inside & ((1 << shift) - 1)), 1",
            ),
            f"{OUR}.single.aarch64_rung": (
                "beyond | clean | aarch64.AF | 3, leaf)",
                "beyond | clean | 1 << 52 | aarch64.AF | 3, leaf)",
            ),
            f"{ARM}.leaf_reached": ("pa=address | (inside", "pa=(address & ~(((leaf >> 52) & 1) * (15 * size))) | (inside"),
        },
    ),
)
