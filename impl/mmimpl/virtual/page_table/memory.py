"""Physical memory as flat arrays: chunks of 4 KiB, found through a table of slots, and the numbers that a walk is told.

Cells are signed: bit 63 of a word makes it negative, so that Numba and the interpreter count alike.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import attrs
import numpy as np
from numpy.typing import NDArray

from mmimpl.engine import Cells, Shape, helper
from mmspec.words import Word

MAX_SLOTS = 1 << 24
EMPTY = -1
"""The key of a slot that holds no chunk."""

Signed = Annotated[int, Word("signed", bits=64, lo=-(1 << 63), hi=(1 << 63) - 1, signed=True)]
"""A 64-bit word or address, its bit 63 the sign."""

Address = Annotated[int, Word("address", bits=64, lo=0, hi=(1 << 56) - 1)]
"""A physical address."""

Slot = Annotated[int, Word("slot", bits=32, lo=0, hi=MAX_SLOTS - 1)]
Place = Annotated[int, Word("place", bits=64, lo=0, hi=(MAX_SLOTS << 9) + 511)]
"""The index of a word's cell."""


@attrs.frozen(eq=False)
class Memory:
    """Chunks of memory. ``Arrays`` has the same fields and holds NumPy arrays of the same memory.

    The slot of a chunk is the first, from the one that its number hashes to, that holds it; its words are those of chunk
    ``places[slot]``. Chunk 0 is always zero: it stands for whatever was never written.
    """

    keys: Annotated[Cells, Word("key", bits=64, lo=-1, hi=(1 << 44) - 1, signed=True), Shape(Slot, slots_of)]
    places: Annotated[Cells, Word("chunk", bits=32, lo=0, hi=MAX_SLOTS), Shape(Slot, slots_of)]
    words: Annotated[Cells, Word("signed", bits=64, lo=-(1 << 63), hi=(1 << 63) - 1, signed=True), Shape(Place, words_of)]
    slots: Annotated[int, Word("slots", bits=32, lo=1, hi=MAX_SLOTS)]  # a power of two
    chunks: Annotated[int, Word("chunks", bits=32, lo=1, hi=MAX_SLOTS)]


class Arrays(NamedTuple):
    """The same for Numba."""

    keys: NDArray[np.int64]
    places: NDArray[np.int32]
    words: NDArray[np.int64]
    slots: int
    chunks: int


def slots_of(memory: Memory) -> int:
    """Return the number of slots."""
    return memory.slots


def words_of(memory: Memory) -> int:
    """Return the number of words."""
    return memory.chunks << 9


@helper
def place_of(memory: Memory, pa: Address) -> Place:
    """Return the cell of a word; one of chunk 0 if nothing was ever written near it."""
    key = pa >> 12
    slot = (key ^ (key >> 11)) & (memory.slots - 1)
    for _ in range(memory.slots):
        found = memory.keys[slot]
        if found == key:
            return (memory.places[slot] << 9) | ((pa >> 3) & 511)
        if found == EMPTY:
            return (pa >> 3) & 511
        slot = (slot + 1) & (memory.slots - 1)
    return (pa >> 3) & 511


class Store:
    """Physical memory that grows. ``pages`` finds the words of a chunk by its address, for the interpreter."""

    def __init__(self) -> None:
        self.used = 1  # chunks, the zero one included
        self._set(np.full(64, EMPTY, np.int64), np.zeros(64, np.int32), np.zeros(16 << 9, np.int64))

    def _set(self, keys: NDArray[np.int64], places: NDArray[np.int32], words: NDArray[np.int64]) -> None:
        self.arrays = Arrays(keys, places, words, len(keys), len(words) >> 9)
        self.memory = Memory(keys.data, places.data, words.data, len(keys), len(words) >> 9)
        self.pages = {key << 12: self._page(place) for key, place in self._chunks()}

    def read(self, pa: int) -> int:
        """Return the word at a multiple of 8."""
        return self.memory.words[place_of(self.memory, pa)] & (1 << 64) - 1

    def write(self, pa: int, value: int) -> None:
        """Store a word at a multiple of 8."""
        slot = self._slot(pa >> 12)
        self.memory.words[(self.memory.places[slot] << 9) | (pa >> 3 & 511)] = signed(value)

    def _slot(self, key: int) -> int:
        slot = self._probe(key)
        if self.memory.keys[slot] == key:
            return slot
        if 2 * self.used >= self.arrays.slots:
            self._spread()
            slot = self._probe(key)
        if self.used == self.arrays.chunks:
            words = np.concatenate([self.arrays.words, np.zeros_like(self.arrays.words)])
            self._set(self.arrays.keys, self.arrays.places, words)
        self.memory.keys[slot], self.memory.places[slot] = key, self.used
        self.pages[key << 12] = self._page(self.used)
        self.used += 1
        return slot

    def _page(self, place: int) -> Any:
        words: Any = self.memory.words
        return words[place << 9 : (place + 1) << 9]

    def _probe(self, key: int) -> int:
        slot = (key ^ (key >> 11)) & (self.arrays.slots - 1)
        while self.memory.keys[slot] not in (key, EMPTY):
            slot = (slot + 1) & (self.arrays.slots - 1)
        return slot

    def _spread(self) -> None:
        """Make twice as many slots."""
        old = self._chunks()
        slots = 2 * self.arrays.slots
        self._set(np.full(slots, EMPTY, np.int64), np.zeros(slots, np.int32), self.arrays.words)
        for key, place in old:
            slot = self._probe(key)
            self.memory.keys[slot], self.memory.places[slot] = key, place

    def items(self) -> list[tuple[int, int]]:
        """Return every word that is not 0, with its address, ascending."""
        found: list[tuple[int, int]] = []
        for key, place in self._chunks():
            words = self.arrays.words[place << 9 : (place + 1) << 9]
            present = np.flatnonzero(words).tolist()
            found += [((key << 12) | index << 3, int(words[index]) & (1 << 64) - 1) for index in present]
        return sorted(found)

    def _chunks(self) -> list[tuple[int, int]]:
        keys, places = self.arrays.keys.tolist(), self.arrays.places.tolist()
        return [(key, place) for key, place in zip(keys, places, strict=True) if key != EMPTY]


def signed(value: int) -> int:
    """Return a 64-bit word as the number that its cell holds."""
    return value - (1 << 64) if value >> 63 else value


Row = Annotated[Cells, Word("signed", bits=64, lo=-(1 << 63), hi=(1 << 63) - 1, signed=True)]
"""What a walk is told of the control registers, or what it comes to."""

FAULT, PA, SIZE, DIRTY, COUNT, FIRST = range(6)
"""The cells of what a walk comes to: ``NO_FAULT`` or the kind of fault, with the level's low byte from bit 8 on and the code from
bit 16 on; the byte's address; the page's size; the entry that it made dirty or -1; how many entries it marked as accessed; and
the first of these."""

CELLS = FIRST + 5


@helper
def fail(out: Any, kind: int, level: int, code: int) -> None:
    """Write down a fault."""
    out[FAULT] = kind | (level & 255) << 8 | code << 16
    out[PA] = 0
    out[SIZE] = 0
    out[DIRTY] = -1
    out[COUNT] = 0


@helper
def succeed(out: Any, kind: int, level: int, pa: int, size: int) -> None:
    """Write down a translation that has marked nothing yet."""
    out[FAULT] = kind | (level & 255) << 8
    out[PA] = pa
    out[SIZE] = size
    out[DIRTY] = -1
    out[COUNT] = 0
