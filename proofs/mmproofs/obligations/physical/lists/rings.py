"""The rings that Linux's free lists are: local linkage, for lists of any length.

Only the rings: what the lists' blocks cover, and which of them Linux takes, is not proved (docs/trusted.md).
"""

from __future__ import annotations

from mmproofs.obligation import Bound, Obligation, Predicate, bound
from mmspec import linked
from mmspec.linked import HEADS, Links
from mmspec.physical.buddy import clauses as c
from mmspec.words import Link, ListNumber


def linked_back(links: Links, place: Link) -> bool:
    """The successor's predecessor and the predecessor's successor are the place itself; what is on no list points to itself."""
    after, before = links.next.get(place, place), links.prev.get(place, place)
    return (links.prev.get(after, after) == place) & (links.next.get(before, before) == place)


def on_no_list(links: Links, key: Link) -> bool:
    """The key is an element and on no list."""
    return (key < HEADS) & (links.next.get(key, key) == key)


def on_a_list(links: Links, key: Link) -> bool:
    """The key is an element and on a list."""
    return (key < HEADS) & (links.next.get(key, key) != key)


def pushed_first(links: Links, number: ListNumber, key: Link, after: Links, place: Link) -> bool:
    """The key is first, what was first comes second, and every other successor stays."""
    head = linked.list_head(number)
    second = after.next.get(key, key) == linked.first(links, number)
    others = (place == head) | (place == key) | (after.next.get(place, place) == links.next.get(place, place))
    return (linked.first(after, number) == key) & second & others


def pushed_last(links: Links, number: ListNumber, key: Link, after: Links, place: Link) -> bool:
    """The key is last, what was last comes before it, and every other predecessor stays."""
    head = linked.list_head(number)
    last = after.prev.get(head, head) == key
    before = after.prev.get(key, key) == links.prev.get(head, head)
    others = (place == head) | (place == key) | (after.prev.get(place, place) == links.prev.get(place, place))
    return last & before & others


def removed(links: Links, key: Link, after: Links, place: Link) -> bool:
    """The key is on no list, its neighbours are each other's, and every other successor stays."""
    before, behind = links.prev.get(key, key), links.next.get(key, key)
    gone = after.next.get(key, key) == key
    others = (place == key) | (place == before) | (after.next.get(place, place) == links.next.get(place, place))
    return gone & (after.next.get(before, before) == behind) & others


def _ring(operation: str, column: str, subject: object, goal: Predicate | None, given: Predicate) -> Obligation:
    assert callable(subject)
    function = goal.function if isinstance(goal, Bound) else goal
    name = f"BUDDY-RING-{operation.upper().replace('_', '-')}"
    claims = "every key that is asked for is there, and every link fits"
    return Obligation(
        id=f"{name}-{column.upper()}",
        clauses=(c.BUDDY_5,),
        statement=f"{operation}: {(function.__doc__ or '').strip() if function is not None else claims}",
        subject=subject,
        goal=goal,
        given=(given,),
        invariants=(linked_back,),
        types={"number": ListNumber},
        rests_on=() if goal is None else (f"{name}-DEFINED",),
        operation=operation,
        invariant=column,
        unaided=goal in (pushed_first, pushed_last) or (goal is None and operation.startswith("push")),
    )


KEPT = bound(linked_back, links="after")

OBLIGATIONS = (
    _ring("push_head", "defined", linked.push_head, None, on_no_list),
    _ring("push_head", "linked", linked.push_head, KEPT, on_no_list),
    _ring("push_head", "placed", linked.push_head, pushed_first, on_no_list),
    _ring("push_tail", "defined", linked.push_tail, None, on_no_list),
    _ring("push_tail", "linked", linked.push_tail, KEPT, on_no_list),
    _ring("push_tail", "placed", linked.push_tail, pushed_last, on_no_list),
    _ring("remove", "defined", linked.remove, None, on_a_list),
    _ring("remove", "linked", linked.remove, KEPT, on_a_list),
    _ring("remove", "placed", linked.remove, removed, on_a_list),
)
