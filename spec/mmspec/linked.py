"""Ordered lists over two persistent maps, as ``struct list_head`` is (include/linux/list.h, v6.12).

Every list is a ring through a head of its own. Elements are keys below ``HEADS``; the head of list ``i`` is the key
``HEADS + i``. An empty list needs no entry: an absent head points to itself. All operations are O(1) and have one path.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from mmspec.pmap import PMap, pmap
from mmspec.words import Link, ListNumber

HEADS = 1 << 56
"""The first key that is a list's head; far above every page frame number."""


@attrs.frozen
class Links:
    """The rings: for each linked key its successor and its predecessor."""

    next: PMap[Link, Link] = attrs.field(factory=pmap)
    prev: PMap[Link, Link] = attrs.field(factory=pmap)


def list_head(number: ListNumber) -> Link:
    """Return the key of a list's head."""
    return HEADS + number


def first(links: Links, number: ListNumber) -> Link:
    """Return the first element of a list, or the list's head if it is empty."""
    head = list_head(number)
    return links.next.get(head, head)


def is_empty(links: Links, number: ListNumber) -> bool:
    """Tell whether a list has no element."""
    return first(links, number) == list_head(number)


def insert(links: Links, key: Link, before: Link, after: Link) -> Links:
    """Return the rings with ``key`` between two neighbours (include/linux/list.h:__list_add)."""
    return Links(
        links.next.set(before, key).set(key, after),
        links.prev.set(after, key).set(key, before),
    )


def push_head(links: Links, number: ListNumber, key: Link) -> Links:
    """Return the rings with ``key``, which is on no list, first on a list."""
    head = list_head(number)
    return insert(links, key, head, links.next.get(head, head))


def push_tail(links: Links, number: ListNumber, key: Link) -> Links:
    """Return the rings with ``key``, which is on no list, last on a list."""
    head = list_head(number)
    return insert(links, key, links.prev.get(head, head), head)


def remove(links: Links, key: Link) -> Links:
    """Return the rings without ``key``, which is on a list."""
    before, after = links.prev[key], links.next[key]
    return Links(
        links.next.set(before, after).delete(key),
        links.prev.set(after, before).delete(key),
    )


def members(links: Links, number: ListNumber) -> Iterator[Link]:
    """Walk a list from its head: for recounts, generators and pictures only."""
    head = list_head(number)
    key = links.next.get(head, head)
    while key != head:
        yield key
        key = links.next[key]
