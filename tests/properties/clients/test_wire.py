"""The protocol's values are exactly those of INTERFACES.md, and a reply that is not is told apart and explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmprops.clients import wire
from mmprops.clients.base import RANGE, RUBBISH, ClientError, Hello, Rubbish
from mmprops.clients.wire import Misfit, Ref, Unsupported
from mmspec.component import Operation
from mmspec.errors import Error, InputError
from mmspec.physical.buddy.ops import (
    MOVABLE,
    RECLAIMABLE,
    UNMOVABLE,
    Alloc,
    Blocks,
    Config,
    Done,
    Frames,
    Free,
    FreeBlocks,
    FreeCount,
    Page,
)
from mmspec.words import Migratetype, Order, Pfn, Word, word_of


def operation(name: str, request: type, result: type, errors: tuple[str, ...] = (), main: str | None = None) -> Operation:
    """An operation as the protocol sees it."""
    return Operation(name, request, result, errors, lambda *_: None, lambda s, *_: s, lambda *_: (None, None), main=main)


ALLOC = operation("alloc", Alloc, Page, ("ENOMEM", "EINVAL"), "pfn")
FREE = operation("free", Free, Done, ("EINVAL",))
FREE_COUNT = operation("free_count", FreeCount, Frames)
FREE_BLOCKS = operation("free_blocks", FreeBlocks, Blocks)
OPERATIONS = {o.name: o for o in (ALLOC, FREE, FREE_COUNT, FREE_BLOCKS)}


@attrs.frozen
class Everything:
    """A record with every kind of field that the protocol has a form for."""

    pfn: Pfn
    kind: Literal["read", "write"]
    user: bool
    name: str
    migratetype: Migratetype
    pair: tuple[Pfn, Order]
    page: Page
    pages: tuple[Page, ...] = ()
    order: Order | None = None


# --- the canonical form ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"do": "hello", "protocol": 1}, b'{"do":"hello","protocol":1}\n'),
        (
            {
                "do": "reset",
                "machine": "buddy",
                "config": wire.to_wire(Config(0x100, 0x500), ("start_pfn", "end_pfn", "max_order")),
            },
            b'{"do":"reset","machine":"buddy","config":{"start_pfn":"0x100","end_pfn":"0x500","max_order":10}}\n',
        ),
        (
            {"do": "op", "op": "alloc", "args": wire.to_wire(Alloc(3), ("order",))},
            b'{"do":"op","op":"alloc","args":{"order":3}}\n',
        ),
        (
            {"do": "op", "op": "free", "args": wire.to_wire(Free(0x108, 3))},
            b'{"do":"op","op":"free","args":{"pfn":"0x108","order":3}}\n',
        ),
        (
            {"do": "ops", "ops": wire.to_program([("alloc", Alloc(0)), ("free", Free(Ref(0), 0))], {"alloc": ["order"]})},
            b'{"do":"ops","ops":[["alloc",{"order":0}],["free",{"pfn":{"ref":0},"order":0}]]}\n',
        ),
        ({"do": "bye"}, b'{"do":"bye"}\n'),
    ],
)
def test_requests_are_written_as_the_interface_shows_them(message: dict[str, Any], line: bytes) -> None:
    """Byte for byte."""
    assert wire.encode(message) == line


def test_other_characters_are_escaped() -> None:
    """A line is ASCII."""
    assert wire.encode({"name": "Größe", "n": 1}) == b'{"name":"Gr\\u00f6\\u00dfe","n":1}\n'


@pytest.mark.parametrize("excess", [0, 1])
def test_a_request_is_at_most_64_kibibytes(excess: int) -> None:
    """The newline counts."""
    text = "x" * ((1 << 16) - len('{"a":""}\n') + excess)
    if excess:
        with pytest.raises(ValueError, match="65537 bytes"):
            wire.encode({"a": text})
    else:
        assert len(wire.encode({"a": text})) == 1 << 16


def test_holes_and_types_are_written_in_their_form() -> None:
    """Ranges are pairs of hexadecimal strings; a migratetype is its name."""
    config = Config(0, 1 << 52, 10, ((0x200, 0x210), (0xABC, 0xABD)))
    assert wire.to_wire(config)["holes"] == [["0x200", "0x210"], ["0xabc", "0xabd"]]
    assert wire.to_wire(Alloc(0, RECLAIMABLE), ("order", "migratetype")) == {"order": 0, "migratetype": "RECLAIMABLE"}


def test_what_is_none_or_default_is_left_out_if_asked() -> None:
    """The protocol has no null."""
    assert "pageblock_order" not in wire.to_wire(Config(0, 4))
    assert wire.to_wire(Config(0, 4, 10, ()), defaults=False) == {"start_pfn": "0x0", "end_pfn": "0x4"}
    assert wire.to_wire(Config(0, 4, pageblock_order=2), defaults=False)["pageblock_order"] == 2


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """The values of a field's type."""
    word = word_of(annotation)
    if word is not None:
        return st.sampled_from([word.lo, word.hi]) | st.integers(word.lo, word.hi)
    if attrs.has(annotation):
        return records_of(annotation)
    origin, items = get_origin(annotation), get_args(annotation)
    if origin is tuple and items[-1] is Ellipsis:
        return st.lists(values_of(items[0]), max_size=4).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, items))
    if origin is Literal:
        return st.sampled_from(items)
    if items:
        return st.none() | values_of(items[0])
    return {bool: st.booleans(), str: st.text()}[annotation]


def records_of(cls: Any) -> st.SearchStrategy[Any]:
    """The records of a class."""
    fields = attrs.fields(attrs.resolve_types(cls, include_extras=True))
    return st.builds(cls, **{field.name: values_of(field.type) for field in fields})


@given(st.one_of([records_of(cls) for cls in (Config, Alloc, Free, Page, Frames, Blocks, Done, Everything)]))
def test_a_record_survives_the_wire(record: Any) -> None:
    """What is written is JSON, and reads back as it was."""
    line = wire.encode(wire.to_wire(record))
    assert wire.from_wire(type(record), json.loads(line)) == record
    assert wire.from_wire(type(record), wire.decode_line(line)) == record


@given(records_of(Blocks))
def test_replies_may_be_spelled_otherwise(blocks: Blocks) -> None:
    """Upper-case digits, leading zeros, whole numbers with a point, keys nobody asked for."""
    spelled = [[f"0X00{pfn:X}", float(order)] for pfn, order in blocks.blocks]
    assert wire.decode_reply(FREE_BLOCKS, {"result": {"blocks": spelled, "extra": None}, "time": 3}) == blocks


# --- replies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ({"result": {"pfn": "0x108"}}, Page(0x108)),
        ({"error": "ENOMEM"}, Error("ENOMEM")),
        ({"unsupported": "why"}, Unsupported("why")),
    ],
)
def test_a_good_reply_is_one_of_three(reply: dict[str, Any], result: Any) -> None:
    """A result, an error that the operation lists, or a refusal."""
    assert wire.decode_reply(ALLOC, reply) == result


def test_an_object_may_return_anything() -> None:
    """What is no JSON is shown as Python has it."""
    circle: dict[Any, Any] = {}
    circle["self"] = circle
    for reply in ({(1, 2): 3}, circle, {"error": object()}):
        with pytest.raises(Rubbish):
            wire.decode_reply(ALLOC, reply)


def test_an_error_of_a_batch_may_be_allowed() -> None:
    """EREF is known where the caller says so."""
    assert wire.decode_reply(FREE, {"error": "EREF"}, more_errors=("EREF",)) == Error("EREF")


BAD_REPLIES = [
    (ALLOC, {}, RUBBISH, "exactly one of"),
    (ALLOC, [], RUBBISH, "must be an object, not []"),
    (ALLOC, {"result": {"pfn": "0x1"}, "error": "ENOMEM"}, RUBBISH, "exactly one of"),
    (ALLOC, {"ok": True}, RUBBISH, "exactly one of"),
    (ALLOC, {"error": "EREF"}, RUBBISH, 'alloc has no error "EREF": it lists ENOMEM, EINVAL'),
    (ALLOC, {"error": 12}, RUBBISH, "must be a string"),
    (ALLOC, {"unsupported": None}, RUBBISH, "must be a string"),
    (ALLOC, {"result": None}, RUBBISH, "result must be an object, not null"),
    (ALLOC, {"result": {}}, RUBBISH, "result.pfn is missing"),
    (ALLOC, {"result": {"pfn": 264}}, RUBBISH, 'result.pfn must be a string "0x...", not 264'),
    (ALLOC, {"result": {"pfn": "264"}}, RUBBISH, 'result.pfn must be a string "0x...", not "264"'),
    (ALLOC, {"result": {"pfn": "0x1_0"}}, RUBBISH, "must be a string"),
    (ALLOC, {"result": {"pfn": " 0x1"}}, RUBBISH, "must be a string"),
    (ALLOC, {"result": {"pfn": "0x"}}, RUBBISH, "must be a string"),
    (ALLOC, {"result": {"pfn": "-0x1"}}, RUBBISH, "must be a string"),
    (ALLOC, {"result": {"pfn": None}}, RUBBISH, "must be a string"),
    (ALLOC, {"result": {"pfn": "0x10000000000000"}}, RANGE, "result.pfn is out of the range of pfn, 0x0 to 0xfffffffffffff"),
    (ALLOC, {"result": {"pfn": "0x" + "f" * 5000}}, RANGE, "out of the range"),
    (FREE, {"result": []}, RUBBISH, "must be an object"),
    (FREE, {"result": True}, RUBBISH, "must be an object"),
    (FREE_COUNT, {"result": {"count": "5"}}, RUBBISH, 'must be a whole number, not "5"'),
    (FREE_COUNT, {"result": {"count": 5.5}}, RUBBISH, "must be a whole number"),
    (FREE_COUNT, {"result": {"count": True}}, RUBBISH, "must be a whole number, not true"),
    (FREE_COUNT, {"result": {"count": -1}}, RANGE, "out of the range of count"),
    (FREE_COUNT, {"result": {"count": 1e300}}, RANGE, "out of the range of count"),
    (FREE_BLOCKS, {"result": {"blocks": {"0x1": 2}}}, RUBBISH, "result.blocks must be an array"),
    (FREE_BLOCKS, {"result": {"blocks": "0x1"}}, RUBBISH, "result.blocks must be an array"),
    (FREE_BLOCKS, {"result": {"blocks": [["0x1", 0], ["0x2"]]}}, RUBBISH, "result.blocks[1] must be an array of 2"),
    (FREE_BLOCKS, {"result": {"blocks": [["0x1", 0], ["0x2", -1]]}}, RANGE, "result.blocks[1][1] is out of the range of order"),
]


@pytest.mark.parametrize(("which", "reply", "clause", "words"), BAD_REPLIES)
def test_a_bad_reply_is_explained(which: Operation, reply: Any, clause: str, words: str) -> None:
    """The clause tells a wrong form from a wrong number; the words say where it is and how it must be."""
    with pytest.raises(Rubbish) as caught:
        wire.decode_reply(which, reply)
    assert caught.value.clause == clause
    assert words in caught.value.explanation


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["0x1", "ENOMEM", "MOVABLE"]),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["result", "error", "unsupported", "pfn", "count", "blocks", "x"]), inner)
    ),
    max_leaves=8,
)


def rubbish_or(read: Callable[[], Any]) -> Any:
    """What is read, or the explanation why it is rubbish, if that is fit to be printed."""
    try:
        return read()
    except Rubbish as rubbish:
        fit = rubbish.clause in (RUBBISH, RANGE) and rubbish.explanation.isascii() and rubbish.explanation.isprintable()
        return rubbish.explanation if fit else rubbish


@given(st.sampled_from(list(OPERATIONS.values())), JSON_VALUES)
def test_no_reply_is_an_accident(which: Operation, reply: Any) -> None:
    """Whatever a client answers is a result of the operation's record, a listed error, a refusal, or Rubbish."""
    result = rubbish_or(lambda: wire.decode_reply(which, reply))
    assert isinstance(result, which.result | Error | Unsupported | str)


@given(st.binary())
def test_no_line_is_an_accident(line: bytes) -> None:
    """Whatever a client writes is a JSON object or Rubbish, shown in printable ASCII."""
    assert isinstance(rubbish_or(lambda: wire.decode_line(line)), dict | str)


ODD = [b"1e999", b"-1e999", b"1" * 900_000, b"-" + b"1" * 5000, b"1" * 5000 + b".5", rb'"\ud800"', rb'{"\udfff":[1e999]}']
"""JSON all the same: numbers that no word holds, and strings with half a surrogate pair."""


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_an_unknown_key_may_hold_any_json(odd: bytes) -> None:
    """The reply is what its known keys say."""
    reply = wire.decode_line(b'{"result":{"pfn":"0x10","why":' + odd + b'},"more":' + odd + b"}")
    assert wire.decode_reply(ALLOC, reply) == Page(0x10)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize(
    ("which", "before", "after"),
    [
        (ALLOC, b'{"result":{"pfn":', b"}}"),
        (FREE_COUNT, b'{"result":{"count":', b"}}"),
        (FREE_BLOCKS, b'{"result":{"blocks":[["0x10",', b"]]}}"),
        (ALLOC, b'{"error":', b"}"),
        (ALLOC, b'{"unsupported":', b"}"),
        (ALLOC, b'{"result":', b"}"),
    ],
)
def test_a_known_key_holds_what_it_must(which: Operation, before: bytes, after: bytes, odd: bytes) -> None:
    """And nothing else that is JSON."""
    with pytest.raises(Rubbish) as caught:
        wire.decode_reply(which, wire.decode_line(before + odd + after))
    assert len(caught.value.what) < 300


def test_a_number_larger_than_any_is_out_of_range() -> None:
    """It is a number, and no word's."""
    with pytest.raises(Rubbish, match=r"result.count is larger than any number") as caught:
        wire.decode_reply(FREE_COUNT, wire.decode_line(b'{"result":{"count":1e999}}'))
    assert caught.value.clause == RANGE


@pytest.mark.parametrize(
    "token", [b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b"'x'", b'"\t"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf1"]
)
def test_an_unknown_key_holds_json(token: bytes) -> None:
    """What is not JSON is none in any key."""
    with pytest.raises(Rubbish, match="not JSON"):
        wire.decode_line(b'{"result":{"pfn":"0x10"},"more":' + token + b"}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"a":"\xff"}', "not JSON"),
        (b"{'a': 1}", "{'a': 1}"),
        (b"[" * 100_000, "[[[["),
        (b'{"a":1} trailing', "trailing"),
        (b"3", "not a JSON object: 3"),
    ],
)
def test_a_line_that_is_no_object_is_shown(line: bytes, words: str) -> None:
    """With its beginning."""
    with pytest.raises(Rubbish) as caught:
        wire.decode_line(line)
    assert words in caught.value.explanation
    assert len(caught.value.what) < 300


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({}, "exactly one"),
        ({"ok": False}, "must be true"),
        ({"ok": 1}, "must be true"),
        ({"ok": True, "unsupported": "x"}, "exactly"),
    ],
)
def test_a_bad_answer_to_a_reset_is_rubbish(reply: dict[str, Any], words: str) -> None:
    """It says ok or unsupported."""
    with pytest.raises(Rubbish, match=words):
        wire.decode_reset(reply)


def test_a_good_answer_to_a_reset() -> None:
    """None, or the reason."""
    assert wire.decode_reset({"ok": True}) is None
    assert wire.decode_reset({"unsupported": "zone must be a power of two"}) == Unsupported("zone must be a power of two")


HELLO = {"protocol": 1, "name": "mybuddy 1.2", "machines": ["buddy"], "capabilities": {"checked_free": True}}


def test_a_good_hello() -> None:
    """Unknown keys are ignored, and no capabilities are the default ones."""
    hello = wire.decode_hello(HELLO | {"vendor": "x"})
    assert hello == Hello(1, "mybuddy 1.2", ("buddy",), {"checked_free": True})
    assert wire.decode_hello({k: v for k, v in HELLO.items() if k != "capabilities"}).capabilities == {}


def test_a_hello_may_spell_its_numbers_as_fractions() -> None:
    """What is read may be any JSON; true and false are no numbers all the same, and stay what they are."""
    named = {"max_order": 4.0, "reserved": 0.5, "checked_free": True}
    capabilities = wire.decode_hello(HELLO | {"protocol": 1.0, "capabilities": named}).capabilities
    assert {name: (type(value), value) for name, value in capabilities.items()} == {
        "max_order": (int, 4),
        "reserved": (float, 0.5),
        "checked_free": (bool, True),
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protocol": 2}, "speaks protocol 2"),
        ({"protocol": "1"}, 'speaks protocol "1"'),
        ({"protocol": True}, "speaks protocol true"),
        ({"protocol": float("inf")}, "speaks protocol Infinity"),
        ({"name": None}, "no name"),
        ({"name": "\ud800"}, "no name"),
        ({"machines": ["\ud800"]}, "does not list machines"),
        ({"machines": "buddy"}, "does not list machines"),
        ({"machines": [1]}, "does not list machines"),
        ({"capabilities": ["observe"]}, "capabilities are not an object"),
    ],
)
def test_a_bad_hello_is_an_error(change: dict[str, Any], words: str) -> None:
    """There is no client to judge."""
    with pytest.raises(ClientError, match=words):
        wire.decode_hello(HELLO | change)


# --- programs ----------------------------------------------------------------------------------------------------------

STEPS = [
    ("alloc", Alloc(0, UNMOVABLE)),
    ("alloc", Alloc(3)),
    ("free", Free(Ref(1), 3)),
    ("free", Free(0x10, 2)),
    ("free_count", FreeCount()),
]


def test_a_program_survives_the_wire() -> None:
    """With its references."""
    program = json.loads(json.dumps(wire.to_program(STEPS)))
    assert program[2] == ["free", {"pfn": {"ref": 1}, "order": 3}]
    assert wire.from_program(OPERATIONS, program) == STEPS


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ({}, "a program must be an array"),
        ([["alloc"]], "operation 0 is"),
        ([["alloc", {"order": 0}], ["steal", {}]], 'operation 1: unknown operation "steal"'),
        ([["alloc", {"order": "0"}]], r"operation 0: alloc\.order must be a whole number"),
        ([["alloc", {"order": 16}]], r"operation 0: alloc\.order is out of the range"),
        ([["alloc", 5]], "operation 0: alloc must be an object"),
        ([["free", {"pfn": {"ref": 0}, "order": 0}]], "operation 0: ref 0 names no earlier operation"),
        ([["free_count", {}], ["free", {"pfn": {"ref": 0}, "order": 0}]], "operation 1: ref 0 names no earlier operation"),
        ([["free", {"pfn": {"ref": 1}, "order": 0}], ["alloc", {"order": 0}]], "operation 0: ref 1 names no earlier operation"),
        ([["free", {"pfn": {"ref": 9}, "order": 0}]], "operation 0: ref 9 names no earlier operation"),
        ([["free", {"pfn": {"ref": -1}, "order": 0}]], "counts from 0"),
        ([["free", {"pfn": {"rf": 0}, "order": 0}]], "must be a value or"),
    ],
)
def test_a_bad_program_is_explained(program: Any, words: str) -> None:
    """The error names the operation."""
    with pytest.raises(InputError, match=words):
        wire.from_program(OPERATIONS, program)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"start_pfn": "0x0"}, r"config\.end_pfn is missing"),
        ([], "config must be an object"),
        ({"start_pfn": 0}, r"config\.start_pfn"),
    ],
)
def test_a_bad_configuration_is_explained(config: Any, words: str) -> None:
    """The error names the field."""
    with pytest.raises(InputError, match=words):
        wire.config_from_wire(Config, config)


# --- schemas -----------------------------------------------------------------------------------------------------------


def test_a_schema_says_what_the_reader_takes() -> None:
    """Every kind of field has its form."""
    schema = wire.schema(Everything)
    assert schema["required"] == ["pfn", "kind", "user", "name", "migratetype", "pair", "page"]
    properties = schema["properties"]
    assert properties["pfn"]["type"] == "string"
    assert properties["kind"] == {"enum": ["read", "write"]}
    assert properties["user"] == {"type": "boolean"}
    assert properties["name"] == {"type": "string"}
    assert properties["migratetype"]["enum"][MOVABLE] == "MOVABLE"
    assert [p["type"] for p in properties["pair"]["prefixItems"]] == ["string", "integer"]
    assert properties["page"]["properties"].keys() == {"pfn"}
    assert properties["pages"]["items"]["properties"].keys() == {"pfn"}
    assert (properties["order"]["minimum"], properties["order"]["maximum"]) == (0, 15)


def test_a_schema_may_be_of_some_fields() -> None:
    """Of those that a client is sent, with their defaults as JSON values."""
    schema = wire.schema(Alloc, ("order", "migratetype"))
    assert list(schema["properties"]) == ["order", "migratetype"]
    assert schema["properties"]["migratetype"]["default"] == "MOVABLE"
    assert schema["required"] == ["order"]


def test_a_field_without_a_form_is_a_defect() -> None:
    """It is not written as something else."""

    @attrs.frozen
    class Odd:
        weight: float

    with pytest.raises(TypeError, match="no form"):
        wire.schema(Odd)


def test_a_word_without_range_would_be_noticed() -> None:
    """The limits that a schema prints are those that a reply is held to."""
    for annotation in (Pfn, Order):
        word = word_of(annotation)
        assert isinstance(word, Word)
        record = attrs.make_class("Record", {"value": attrs.field(type=annotation)}, frozen=True)
        for value, good in ((word.hi, True), (word.hi + 1, False)):
            written = hex(value) if word.hexadecimal else value
            if good:
                assert wire.from_wire(record, {"value": written}) == record(value)
            else:
                with pytest.raises(Misfit):
                    wire.from_wire(record, {"value": written})
