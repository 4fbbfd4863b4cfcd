"""Where the rules of the page-table walk are written: in the law and in the implementation."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

CORE = "mmspec.virtual.page_table.core"
X86, ARM, RISCV = (f"mmspec.virtual.page_table.{name}" for name in ("x86_64", "aarch64", "riscv64"))
OUR = "mmimpl.virtual.page_table"
OUR_X86, OUR_ARM, OUR_RISCV = (f"{OUR}.{name}" for name in ("x86_64", "aarch64", "riscv64"))

OURS = "INTERFACES 1, machine page_table"
PAGING = 'Intel SDM 3A, "4-level paging and 5-level paging"'
RIGHTS = 'Intel SDM 3A, "Access rights"'
ERRORS = 'Intel SDM 3A, "Page-fault exceptions"'
VMSA = 'Arm ARM DDI 0487, "The AArch64 Virtual Memory System Architecture"'
SV = 'RISC-V Privileged ISA, "Virtual Address Translation Process"'

bug = partial(Bug, component="page_table")
"""A bug of this component."""
