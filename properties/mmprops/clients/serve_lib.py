"""Serve the client protocol for a shared library: ``python -m mmprops.clients.serve_lib ./libfoo.so``.

The library exports ``int mmspec_call(const char *request, char *reply, size_t size)``: JSON text in, JSON text out, both
NUL-terminated; it returns the reply's length, or -1. What it prints goes to standard error.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

from mmprops.clients.serve_python import take_streams, write_line

REPLY_SIZE = (1 << 20) + 1
"""Room for the longest line that the harness reads, and the NUL."""


def load(path: str) -> Callable[[bytes, ctypes.Array[ctypes.c_char], int], int]:
    """Return a library's ``mmspec_call``."""
    try:
        call = ctypes.CDLL(os.path.abspath(path)).mmspec_call
    except (OSError, AttributeError) as error:
        sys.exit(f"cannot load {path}: {error}")
    call.argtypes, call.restype = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t), ctypes.c_int
    return call


def main() -> None:
    """Serve the library that the first argument names."""
    requests, replies = take_streams()
    call, reply = load(sys.argv[1]), ctypes.create_string_buffer(REPLY_SIZE)
    for line in requests:
        length = call(line.rstrip(b"\n"), reply, REPLY_SIZE)
        if line.startswith(b'{"do":"bye"'):
            return
        good = 0 <= length < REPLY_SIZE
        write_line(replies, ctypes.string_at(reply, length) if good else b"mmspec_call returned %d" % length)


if __name__ == "__main__":
    main()
