"""The size of a kernel structure, from the type information that a kernel carries of itself (BTF).

Format: `Documentation/bpf/btf.rst`, v6.12. Only what a size needs is read.
"""

from __future__ import annotations

import struct

from .archive import Capture, CaptureError

SIZE_MEMBER = "struct_page_size"
"""Member of a capture without BTF: the size of `struct page` in bytes, as decimal text."""

_HEADER = struct.Struct("<HBBIIIII")
_TYPE = struct.Struct("<III")
_MAGIC = 0xEB9F
_STRUCT = 4
# Bytes behind a type's common part, by kind: fixed, and for each of its `vlen` parts.
_EXTRA = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12), 17: (4, 0), 19: (0, 12)}
_LAST_KIND = 19


def struct_size(btf: bytes, name: str, where: object = "btf") -> int:
    """Return the size in bytes of `struct name`; raises `CaptureError`."""
    try:
        magic, _, _, header, type_at, type_size, text_at, text_size = _HEADER.unpack_from(btf)
        if magic != _MAGIC:
            raise CaptureError(where, "is not BTF")
        text = btf[header + text_at : header + text_at + text_size]
        at, end = header + type_at, header + type_at + type_size
        while at < end:
            name_at, info, size = _TYPE.unpack_from(btf, at)
            kind, count = info >> 24 & 31, info & 0xFFFF
            if not 1 <= kind <= _LAST_KIND:
                raise CaptureError(where, f"has an unknown kind of type at byte {at}")
            if kind == _STRUCT and text[name_at : text.find(b"\0", name_at)] == name.encode():
                return int(size)
            fixed, each = _EXTRA.get(kind, (0, 0))
            at += _TYPE.size + fixed + each * count
    except struct.error:
        raise CaptureError(where, "ends inside a type") from None
    raise CaptureError(where, f"has no struct {name}")


def struct_page_size(capture: Capture) -> int:
    """Return sizeof(struct page) of the captured kernel; raises `CaptureError`."""
    if capture.has(SIZE_MEMBER):
        text = capture.text(SIZE_MEMBER).strip()
        size = int(text) if text.isdecimal() and len(text) < 6 else 0
    else:
        size = struct_size(capture.read("btf"), "page", f"{capture.path} btf")
    if not 16 <= size <= 4096:
        raise CaptureError(f"{capture.path} {SIZE_MEMBER}", f"gives a struct page of {size} bytes, which no kernel has")
    return size
