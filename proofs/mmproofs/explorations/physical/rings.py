"""The rings of free lists, after every short sequence of insertions and removals: what the walk from a head meets.

That one link is right is proved (``obligations.physical.lists``); that a walk meets the right elements in the right order is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mmimpl.physical.buddy import lists, memory
from mmproofs.exploration import Exploration
from mmspec import linked
from mmspec.physical.buddy import clauses as c
from mmspec.pmap import CopyOnWrite

KEYS, NUMBERS = 4, 2
"""How many elements and lists there are."""

Walks = tuple[list[list[int]], list[list[int]]]
"""The elements of each list, forwards and backwards."""


def four_steps(first: int, second: int, third: int, fourth: int) -> bool:
    """Each step is a key below 4 and, times 4, the number of a list below 2 and, times 8, whether to put it last."""
    return all((step >= 0) & (step < 16) for step in (first, second, third, fourth))


def by_python(first: int, second: int, third: int, fourth: int) -> Walks:
    """Python's lists after the steps. A step removes its key where it is on a list, and puts it on the step's list otherwise."""
    found: list[list[int]] = [[] for _ in range(NUMBERS)]
    for step in (first, second, third, fourth):
        key, number, tail = step & 3, step >> 2 & 1, step >= 8
        at = [members for members in found if key in members]
        if at:
            at[0].remove(key)
        else:
            found[number].insert(len(found[number]) if tail else 0, key)
    return found, [members[::-1] for members in found]


def by_law(first: int, second: int, third: int, fourth: int) -> Walks:
    """The law's rings after the steps."""
    links = linked.Links(CopyOnWrite(), CopyOnWrite())
    for step in (first, second, third, fourth):
        key, number, tail = step & 3, step >> 2 & 1, step >= 8
        if key in links.next:
            links = linked.remove(links, key)
        else:
            push = linked.push_tail if tail else linked.push_head
            links = push(links, number, key)
    forwards, backwards = ([some(linked.members(way, number)) for number in range(NUMBERS)] for way in (links, mirrored(links)))
    return forwards, backwards


def mirrored(links: linked.Links) -> linked.Links:
    """Return the rings as they are met backwards."""
    return linked.Links(links.prev, links.next)


def some(elements: Iterator[int]) -> list[int]:
    """Return as many elements as there are and one more: a walk along broken rings may have no end."""
    return list(islice(elements, KEYS + 1))


def by_implementation(first: int, second: int, third: int, fourth: int) -> Walks:
    """The implementation's rings after the steps."""
    links = [list(range(KEYS + NUMBERS)) for _ in range(2)]
    page, types, frames = [memory.NONE] * KEYS, [0] * KEYS, [0] * 6
    zone = memory.Zone(page, links[0], links[1], types, frames, KEYS, 0, KEYS, 2, 1, 612)
    for step in (first, second, third, fourth):
        key, number, tail = step & 3, step >> 2 & 1, step >= 8
        if page[key] != memory.NONE:
            lists.delist(zone, key)
        else:
            enlist = lists.enlist_last if tail else lists.enlist_first
            enlist(zone, key, number)
    forwards, backwards = ([some(walk(cells, KEYS + number)) for number in range(NUMBERS)] for cells in links)
    return forwards, backwards


def walk(cells: list[int], head: int) -> Iterator[int]:
    """Follow links from a head until it comes round."""
    at = cells[head]
    while at != head:
        yield at
        at = cells[at]


_DOMAIN = "four steps with four elements and two lists"

EXPLORATIONS = (
    Exploration(
        "EXPLORE-RINGS-LAW",
        (c.BUDDY_5,),
        "the law's rings hold, both ways round, what Python's lists hold after the same steps",
        _DOMAIN,
        by_law,
        four_steps,
        by_python,
    ),
    Exploration(
        "EXPLORE-RINGS-IMPLEMENTATION",
        (c.BUDDY_5,),
        "the implementation's rings hold, both ways round, what Python's lists hold after the same steps",
        _DOMAIN,
        by_implementation,
        four_steps,
        by_python,
    ),
)
