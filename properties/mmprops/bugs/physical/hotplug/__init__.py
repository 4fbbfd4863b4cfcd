"""Wrong versions of the rules of memory hotplug and device memory."""

from __future__ import annotations

from mmprops.bugs.physical.hotplug import blocks, devices, spans, truths

BUGS = (*blocks.BUGS, *devices.BUGS, *spans.BUGS, *truths.BUGS)
"""The bugs of the component."""
