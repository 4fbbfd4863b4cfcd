"""The clients ``unicorn:*``: loads, stores and fetches executed by QEMU's processor cores, as the library Unicorn has them.

``core`` is what all processors share; ``x86``, ``arm`` and ``riscv`` set their registers and read their faults.
"""

from __future__ import annotations

import importlib.util

from mmprops.clients.base import Client, Limits
from mmprops.clients.process import python_client

FACTORIES = {
    "unicorn:x86_64": "x86:la48",
    "unicorn:x86_64-la57": "x86:la57",
    "unicorn:aarch64-4k": "arm:granule_4k",
    "unicorn:aarch64-16k": "arm:granule_16k",
    "unicorn:aarch64-64k": "arm:granule_64k",
    "unicorn:riscv64-sv39": "riscv:sv39",
    "unicorn:riscv64-sv48": "riscv:sv48",
    "unicorn:riscv64-sv57": "riscv:sv57",
}
"""The clients by name: the module here, and the function that makes one."""


def missing() -> str | None:
    """Return what these clients lack here, or None."""
    return None if importlib.util.find_spec("unicorn") else "mmspec[clients]"


def open_unicorn(factory: str, limits: Limits) -> Client:
    """Start a client in a process of its own."""
    return python_client(f"mmprops.clients.unicorn.{factory}", limits)
