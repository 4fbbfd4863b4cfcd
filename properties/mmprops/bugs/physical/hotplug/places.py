"""Where the bugs of hotplug edit, and the two kinds of bugs there are."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

LAW = "mmspec.physical.hotplug"
CORE, ONLINING, DEVICES = f"{LAW}.core", f"{LAW}.onlining", f"{LAW}.devices"
SPANS, LINUX = f"{LAW}.spans", f"{LAW}.linux"
OUR = "mmimpl.physical.hotplug.Memory"
OURS = "INTERFACES 1, Other machines"
HOTPLUG = "mm/memory_hotplug.c"
REMAP = "mm/memremap.c"
ISOLATION = "mm/page_isolation.c"

bug = partial(Bug, component="hotplug")
core = partial(Bug, component="hotplug", profile="any")
"""A bug that breaks what every implementation must keep."""
