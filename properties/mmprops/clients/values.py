"""Between the records of an operation and JSON values.

One definition of an operation, its attrs records, says everything: cattrs walks the record, the ``Word`` of each field says
whether it is written as a hexadecimal string, a number or a name. Nothing here knows any one machine.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeGuard, TypeVar, Union, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from mmspec.component import Operation
from mmspec.errors import InputError
from mmspec.words import Word, word_of

R = TypeVar("R")
Hook = Callable[[Any, Any], Any]


@attrs.frozen
class Ref:
    """In a program, stands for the main value of the reply to an earlier step, counted from 0."""

    step: int


class Misfit(Exception):
    """A JSON value is not what a record wants. ``path`` leads to it from the record."""

    def __init__(self, explanation: str, *, out_of_range: bool = False, path: str = "") -> None:
        super().__init__(explanation)
        self.explanation, self.out_of_range, self.path = explanation, out_of_range, path

    def under(self, step: str) -> Misfit:
        """Return the same misfit, seen from one level further out."""
        return Misfit(self.explanation, out_of_range=self.out_of_range, path=step + self.path)


def is_text(value: Any) -> TypeGuard[str]:
    """Tell whether a value is a string that can be written: JSON also has strings with half a surrogate pair."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def show_text(text: str, width: int = 80) -> str:
    """Return the beginning of what a client wrote, in ASCII without control characters."""
    shown = text[: width + 1].encode("ascii", "backslashreplace").decode()
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
    return shown if len(shown) <= width else shown[:width] + "..."


def show(value: Any) -> str:
    """Return the beginning of a value that a client sent, as JSON if it is."""
    try:
        return show_text(json.dumps(value, default=repr))
    except (TypeError, ValueError, RecursionError):  # an object in this process may return anything
        return show_text(repr(value))


# --- records to values -----------------------------------------------------------------------------------------------


def _word_writer(word: Word) -> Callable[[int], Any]:
    if word.names:
        return word.names.__getitem__
    return hex if word.hexadecimal else int


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _is_tuple(annotation: Any) -> bool:
    return get_origin(annotation) in (tuple,)


def _is_literal(annotation: Any) -> bool:
    return get_origin(annotation) in (Literal,)


def _tuple_writer(converter: Converter, annotation: Any) -> Callable[[Any], list[Any]]:
    items = get_args(annotation)
    if items[-1] is Ellipsis:
        write = converter.get_unstructure_hook(items[0])
        return lambda value: [write(item) for item in value]
    writers = [converter.get_unstructure_hook(item) for item in items]
    return lambda value: [write(item) for write, item in zip(writers, value, strict=True)]


def _with_refs(write: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: {"ref": value.step} if isinstance(value, Ref) else write(value)


def _writing(*, refs: bool) -> Converter:
    """Return a converter from records to values; with ``refs`` any word may be a ``Ref``."""
    converter = Converter()

    def word_hook(annotation: Any) -> Callable[[Any], Any]:
        word = word_of(annotation)
        assert word is not None
        return _with_refs(_word_writer(word)) if refs else _word_writer(word)

    def record_hook(cls: Any) -> Callable[[Any], dict[str, Any]]:
        overrides = {field.name: override(omit_if_default=True) for field in attrs.fields(cls) if field.default is None}
        return make_dict_unstructure_fn(cls, converter, **overrides)  # type: ignore[arg-type]

    converter.register_unstructure_hook_factory(attrs.has, record_hook)
    converter.register_unstructure_hook_factory(lambda a: word_of(a) is not None, word_hook)
    converter.register_unstructure_hook_factory(_is_tuple, lambda a: _tuple_writer(converter, a))
    return converter


_PLAIN, _PROGRAM = _writing(refs=False), _writing(refs=True)


@cache
def _record_writer(cls: Any, fields: frozenset[str] | None, refs: bool, defaults: bool) -> Callable[[Any], dict[str, Any]]:
    converter = _PROGRAM if refs else _PLAIN
    overrides = {
        field.name: override(
            omit=fields is not None and field.name not in fields,
            omit_if_default=not defaults or field.default is None,
        )
        for field in attrs.fields(cls)
    }
    return make_dict_unstructure_fn(cls, converter, **overrides)  # type: ignore[arg-type]


def to_wire(record: Any, fields: Collection[str] | None = None, *, defaults: bool = True) -> dict[str, Any]:
    """Return a record as the protocol's JSON object, its keys in the order of its fields.

    With ``fields`` only those are written; without ``defaults`` no field that has its default value; never one that is None
    by default. A ``Ref`` in place of a word needs ``to_program``.
    """
    chosen = None if fields is None else frozenset(fields)
    cls: Any = type(record)
    return _record_writer(cls, chosen, False, defaults)(record)


def to_program(steps: Sequence[tuple[str, Any]], fields: Mapping[str, Collection[str]] | None = None) -> list[list[Any]]:
    """Return steps, each an operation's name and its request with ``Ref`` where it likes, as the protocol's ``ops`` list.

    ``fields`` gives the arguments to write for an operation that is not to be written whole.
    """
    program = []
    for name, request in steps:
        chosen = None if fields is None or name not in fields else frozenset(fields[name])
        cls: Any = type(request)
        program.append([name, _record_writer(cls, chosen, True, True)(request)])
    return program


# --- values to records -----------------------------------------------------------------------------------------------

_HEX = re.compile(r"0[xX][0-9a-fA-F]+")


def _whole(value: Any) -> int:
    """Return a JSON number that is a whole one; ``5.0`` is the same number as ``5``."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float) and math.isinf(value):
        raise Misfit("is larger than any number", out_of_range=True)
    raise Misfit(f"must be a whole number, not {show(value)}")


def _word_reader(word: Word) -> Hook:
    if word.names:
        numbers = {name: number for number, name in enumerate(word.names)}

        def read_name(value: Any, _: Any) -> int:
            if not isinstance(value, str) or value not in numbers:
                raise Misfit(f"must be one of {', '.join(numbers)}, not {show(value)}")
            return numbers[value]

        return read_name

    lo, hi = word.lo, word.hi
    limits = f"{lo:#x} to {hi:#x}" if word.hexadecimal else f"{lo} to {hi}"

    def checked(number: int, value: Any) -> int:
        if lo <= number <= hi:
            return number
        raise Misfit(f"is out of the range of {word.name}, {limits}: {show(value)}", out_of_range=True)

    def read_hexadecimal(value: Any, _: Any) -> int:
        if not isinstance(value, str) or not _HEX.fullmatch(value):
            raise Misfit(f'must be a string "0x...", not {show(value)}')
        return checked(int(value, 16), value)

    return read_hexadecimal if word.hexadecimal else lambda value, _: checked(_whole(value), value)


def _or_ref(read: Hook) -> Hook:
    def read_or_ref(value: Any, annotation: Any) -> Any:
        if isinstance(value, dict):
            if set(value) != {"ref"}:
                raise Misfit(f'must be a value or {{"ref": k}}, not {show(value)}')
            step = _whole(value["ref"])
            if step < 0:
                raise Misfit("a ref counts from 0")
            return Ref(step)
        return read(value, annotation)

    return read_or_ref


def _typed_reader(fits: Callable[[Any], bool], name: str) -> Hook:
    def read(value: Any, _: Any) -> Any:
        if fits(value):
            return value
        raise Misfit(f"must be {name}, not {show(value)}")

    return read


def _literal_reader(converter: Converter, annotation: Any) -> Hook:
    def read(value: Any, _: Any) -> Any:
        if isinstance(value, str) and value in get_args(annotation):
            return value
        raise Misfit(f"must be one of {', '.join(get_args(annotation))}, not {show(value)}")

    return read


def _read_each(readers: Sequence[Hook], value: Sequence[Any]) -> tuple[Any, ...]:
    out = []
    for index, (read, item) in enumerate(zip(readers, value, strict=True)):
        try:
            out.append(read(item, None))
        except Misfit as misfit:
            raise misfit.under(f"[{index}]") from None
    return tuple(out)


def _tuple_reader(converter: Converter, annotation: Any) -> Hook:
    items = get_args(annotation)
    many = items[-1] is Ellipsis
    readers = [converter.get_structure_hook(item) for item in (items[:1] if many else items)]

    def read(value: Any, _: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise Misfit(f"must be an array, not {show(value)}")
        if not many and len(value) != len(readers):
            raise Misfit(f"must be an array of {len(readers)}, not {show(value)}")
        return _read_each(readers * len(value) if many else readers, value)

    return read


def _optional_reader(converter: Converter, annotation: Any) -> Hook:
    (some,) = (item for item in get_args(annotation) if item is not NoneType)
    read = converter.get_structure_hook(some)
    return lambda value, _: None if value is None else read(value, some)


def _record_reader(converter: Converter, cls: Any) -> Hook:
    read_all = make_dict_structure_fn(cls, converter, _cattrs_detailed_validation=False)

    def read(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise Misfit(f"must be an object, not {show(value)}")
        try:
            return read_all(value, cls)
        except (KeyError, Misfit):
            raise _blame(converter, cls, value) from None

    return read


def _blame(converter: Converter, cls: Any, value: Mapping[str, Any]) -> Misfit:
    """Return what is wrong with an object that could not be read: the quick reader does not say which field it was."""
    for field in attrs.fields(cls):
        if field.name in value:
            try:
                converter.get_structure_hook(field.type)(value[field.name], field.type)
            except Misfit as misfit:
                return misfit.under(f".{field.name}")
        elif field.default is attrs.NOTHING:
            return Misfit("is missing", path=f".{field.name}")
    raise AssertionError(f"{cls.__name__} reads field by field but not as a whole: {value}")


def _reading(*, refs: bool) -> Converter:
    """Return a strict converter from values to records; with ``refs`` any word may be ``{"ref": k}``."""
    converter = Converter(detailed_validation=False)

    def word_hook(annotation: Any) -> Hook:
        word = word_of(annotation)
        assert word is not None
        return _or_ref(_word_reader(word)) if refs else _word_reader(word)

    register = converter.register_structure_hook_factory
    register(attrs.has, lambda a: _record_reader(converter, a))
    register(lambda a: a is bool, lambda a: _typed_reader(lambda value: isinstance(value, bool), "true or false"))
    register(lambda a: a is str, lambda a: _typed_reader(is_text, "a string"))
    register(_is_literal, lambda a: _literal_reader(converter, a))
    register(_is_tuple, lambda a: _tuple_reader(converter, a))
    register(_is_union, lambda a: _optional_reader(converter, a))
    register(lambda a: word_of(a) is not None, word_hook)
    return converter


_REPLIES, _PROGRAMS = _reading(refs=False), _reading(refs=True)


def from_wire(cls: type[R], value: Any) -> R:
    """Return the record that a JSON object says, unknown keys ignored (Misfit: it does not say one)."""
    return _REPLIES.get_structure_hook(cls)(value, cls)  # type: ignore[no-any-return]


def config_from_wire(cls: type[R], value: Any) -> R:
    """Return a machine's configuration from a file (InputError: which field is wrong)."""
    try:
        return from_wire(cls, value)
    except Misfit as misfit:
        raise InputError(f"config{misfit.path} {misfit.explanation}") from None


def from_program(operations: Mapping[str, Operation], program: Any) -> list[tuple[str, Any]]:
    """Return the steps of an ``ops`` list from a file (InputError: which operation is wrong, and how it must be)."""
    if not isinstance(program, list):
        raise InputError("a program must be an array of operations", hint='[["alloc",{"order":0}],...]')
    steps = []
    for index, entry in enumerate(program):
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
            raise InputError(f"operation {index} is {show(entry)}", hint='["NAME",{...}]')
        name, args = entry
        if name not in operations:
            raise InputError(f"operation {index}: unknown operation {show(name)}", hint=f"one of {', '.join(operations)}")
        try:
            request = _PROGRAMS.get_structure_hook(operations[name].request)(args, operations[name].request)
        except Misfit as misfit:
            raise InputError(f"operation {index}: {name}{misfit.path} {misfit.explanation}") from None
        for ref in (v for v in attrs.astuple(request, recurse=False) if isinstance(v, Ref)):
            if ref.step >= index or operations[program[ref.step][0]].main is None:
                raise InputError(f"operation {index}: ref {ref.step} names no earlier operation that gives a value")
        steps.append((name, request))
    return steps


# --- schemas ---------------------------------------------------------------------------------------------------------


def _word_schema(word: Word) -> dict[str, Any]:
    if word.names:
        return {"enum": list(word.names)}
    if word.hexadecimal:
        limits = f"{word.name}, 0x{word.lo:x} to 0x{word.hi:x}"
        return {"type": "string", "pattern": "^0[xX][0-9a-fA-F]+$", "description": limits}
    return {"type": "integer", "description": word.name, "minimum": word.lo, "maximum": word.hi}


def _type_schema(annotation: Any) -> dict[str, Any]:
    word = word_of(annotation)
    if word is not None:
        return _word_schema(word)
    if annotation in (bool, str):
        return {"type": "boolean" if annotation is bool else "string"}
    if attrs.has(annotation):
        return schema(annotation)
    origin, items = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_schema(items[0])
    if origin is Literal:
        return {"enum": list(items)}
    if _is_union(annotation):
        (some,) = (item for item in items if item is not NoneType)
        return _type_schema(some)
    if origin is not tuple:
        raise TypeError(f"the protocol has no form for {annotation}")
    if items[-1] is Ellipsis:
        return {"type": "array", "items": _type_schema(items[0])}
    forms = [_type_schema(item) for item in items]
    return {"type": "array", "prefixItems": forms, "items": False, "minItems": len(forms)}


def schema(cls: Any, fields: Collection[str] | None = None) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a record, or of those of its ``fields`` that the protocol knows."""
    resolved = attrs.fields(attrs.resolve_types(cls, include_extras=True))
    chosen = [field for field in resolved if fields is None or field.name in fields]
    defaults = _defaults(cls)
    properties = {
        field.name: _type_schema(field.type) | ({"default": defaults[field.name]} if field.name in defaults else {})
        for field in chosen
    }
    required = [field.name for field in chosen if field.default is attrs.NOTHING]
    return {"type": "object", "properties": properties, "required": required}


def _defaults(cls: Any) -> dict[str, Any]:
    """Return what each field of a record is when it is left out, as JSON values; without those that are then absent."""
    return {
        field.name: _PLAIN.unstructure(field.default, field.type)
        for field in attrs.fields(attrs.resolve_types(cls, include_extras=True))
        if field.default is not attrs.NOTHING and field.default is not None
    }
