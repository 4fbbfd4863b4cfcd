"""A predicate says of any place what it seems to say of any place."""

from __future__ import annotations

import attrs

from mmproofs.obligation import Obligation, bound
from mmproofs.obligations import by_id
from mmproofs.reading import read_both_ways, readings
from mmproofs.solve import explain
from mmspec.pmap import PMap
from mmspec.words import Order, Pfn


def put(marks: PMap[Pfn, Order], pfn: Pfn) -> PMap[Pfn, Order]:
    """Mark a place."""
    return marks.set(pfn, 1)


def put_there(marks: PMap[Pfn, Order], place: Pfn) -> PMap[Pfn, Order]:
    """Mark a place that has another name."""
    return marks.set(place, 1)


def is_small(marks: PMap[Pfn, Order], pfn: Pfn) -> bool:
    """What is marked is small, at any place: that is what its author meant."""
    return marks.get(pfn, 0) <= 1


PUT = Obligation("PUT", (), "", put, bound(is_small, marks="after"))
PUT_THERE = attrs.evolve(PUT, id="PUT-THERE", subject=put_there)


def test_a_place_that_is_an_argument_elsewhere_is_refused() -> None:
    """The one predicate would say less in the one obligation than in the other, and nobody would notice."""
    assert read_both_ways([PUT_THERE]) == read_both_ways([PUT]) == ""
    assert "pfn of is_small is the argument of that name in PUT and any place in PUT-THERE" in read_both_ways([PUT, PUT_THERE])
    assert "in PUT and any place in PUT-THERE" in read_both_ways([PUT_THERE, PUT])


def test_a_place_that_is_bound_to_an_argument_is_meant() -> None:
    """Who names the argument means it."""
    meant = attrs.evolve(PUT, goal=bound(is_small, marks="after", pfn="pfn"))
    assert read_both_ways([meant, PUT_THERE]) == ""


def test_the_list_reads_each_predicate_one_way() -> None:
    """No predicate of the project's obligations has its place taken by an argument in one of them."""
    assert read_both_ways(by_id().values()) == ""


def test_a_reading_tells_arguments_from_places() -> None:
    """What a predicate's parameters are is said for each."""
    assert readings(PUT) == ["goal is_small(marks=after, pfn)"]
    assert readings(PUT_THERE) == ["goal is_small(marks=after, any pfn)"]


def test_explain_has_the_readings() -> None:
    """They are part of all that is known about an obligation."""
    read = explain("BUDDY-MERGE-STEP")["predicates"]
    assert read
    assert all(line.startswith("holds ") for line in read)
    assert "invariant owned_once(zone, no lists, any frame)" in explain("BUDDY-FREE-OWNED")["predicates"]
