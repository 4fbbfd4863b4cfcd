"""The machine ``hotplug``: its picture. What holds of every drawn machine is in ``test_drawn_machines``."""

from __future__ import annotations

from mmprops.machines import machine_named
from mmprops.machines.physical.hotplug import picture
from mmspec.physical.hotplug.ops import Config

MACHINE = machine_named("hotplug")


def test_a_picture_shows_blocks() -> None:
    """Online in kernel zones and in MOVABLE, apart."""
    drawn = picture(MACHINE.component.initial(Config(((0, 0, 2, 0, 0), (1, 0, 2, 0, 0), (4, 0, 4, 0, 0)))), None)
    assert [(strip.label, strip.runs) for strip in drawn.strips] == [("kernel", ((0, 2),)), ("movable", ((4, 1),))]
