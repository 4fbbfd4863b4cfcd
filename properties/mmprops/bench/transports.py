"""What a way to reach a client costs: the example clients over each transport, beside one in this very process.

Each carries out the same allocations and frees, one request and one reply at a time. What counts is the time on the clock, since
a pipe costs waiting; the median of the turns. The allocator behind it is the example's: in Python in this process and behind
``python:``, in C behind ``exec:`` and ``lib:``. Nobody set a target: the rows say what to expect.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from mmimpl.physical.buddy.batch import ALLOC
from mmprops.bench.programs import program
from mmprops.bench.row import Effort, Finding, Left, Row
from mmprops.clients.base import Client
from mmprops.clients.inside import InsideClient
from mmprops.clients.registry import open_client
from mmprops.examples.build import TOOLCHAINS, build
from mmprops.examples.python.mybuddy import Lowest
from mmspec.errors import MmspecError

PAGES = 1 << 12
OPERATIONS = 4_000
IN_A_BATCH = 250
"""Requests in a line: below 64 KiB."""

CONFIG = {"start_pfn": "0x0", "end_pfn": hex(PAGES), "max_order": 10}
ANCHOR = "in this process"
PYTHON = "python:mmprops.examples.python.mybuddy:Lowest"

Step = tuple[int, int | None]
"""An order, and the step whose block is given back; None: a block is asked for."""
Carry = Callable[[Client, Sequence[Step]], None]


def steps(count: int) -> list[Step]:
    """Return ``count`` operations that fill the zone to one half and keep it there."""
    rows = program(PAGES, "random", count)
    offset = len(rows.filling)
    every = [*rows.filling.tolist(), *rows.traffic.tolist()][: offset + count]
    return [(argument & 255, None if code == ALLOC else operand) for code, argument, operand in every]


def one_by_one(client: Client, work: Sequence[Step]) -> None:
    """Carry operations out, each with a request of its own."""
    blocks: list[str | None] = []
    for order, freed in work:
        blocks.append(None)
        if freed is None:
            blocks[-1] = block_of(client.apply("alloc", {"order": order}))
        elif blocks[freed] is not None:
            demand_done(client.apply("free", {"pfn": blocks[freed], "order": order}))


def in_batches(client: Client, work: Sequence[Step]) -> None:
    """Carry operations out, many in a request; what the same batch handed out is freed by reference."""
    blocks: dict[int, str | None] = {}
    for first in range(0, len(work), IN_A_BATCH):
        asked: list[tuple[str, dict[str, Any]]] = []
        here: dict[int, int] = {}  # by step: its place in this batch
        for at, (order, freed) in enumerate(work[first : first + IN_A_BATCH], first):
            if freed is None:
                here[at] = len(asked)
                asked.append(("alloc", {"order": order}))
            elif freed in here:
                asked.append(("free", {"pfn": {"ref": here[freed]}, "order": order}))
            elif blocks[freed] is not None:
                asked.append(("free", {"pfn": blocks[freed], "order": order}))
        replies = client.batch(asked)
        blocks |= {at: block_of(replies[place]) for at, place in here.items()}


def block_of(reply: dict[str, Any]) -> str | None:
    """Return the block of a reply, None for a refusal (MmspecError: it is neither)."""
    if reply == {"error": "ENOMEM"}:
        return None
    demand_done(reply)
    pfn: str = reply["result"]["pfn"]
    return pfn


def demand_done(reply: dict[str, Any]) -> None:
    """Raise MmspecError where a lawful request was refused."""
    if "result" not in reply:
        raise MmspecError(f"nothing to compare: an example client answers {reply}")


def measure(effort: Effort) -> Iterator[Finding]:
    """Let the transports take turns."""
    work = steps(min(OPERATIONS, effort.operations))
    with tempfile.TemporaryDirectory(prefix="mmspec-") as folder, ExitStack() as opened:
        client: Client = InsideClient(Lowest)
        ways: dict[str, tuple[Client, Carry]] = {ANCHOR: (client, one_by_one)}
        ways["python:"] = (opened.enter_context(closing(open_client(PYTHON))), one_by_one)
        for name, language in (("exec:", "c"), ("lib:", "lib")):
            if shutil.which(TOOLCHAINS[language].program) is None:
                yield Left(f"transport {name}", TOOLCHAINS[language].program)
                continue
            page = Path(folder) / language
            page.mkdir()
            client = opened.enter_context(closing(open_client(build("buddy", language, page))))
            ways[name] = (client, one_by_one)
            if name == "exec:":
                ways["exec:, in batches"] = (client, in_batches)
        speeds: dict[str, list[float]] = {name: [] for name in ways}
        for client, _ in ways.values():
            client.hello()
        for _ in range(effort.turns):
            for name, (client, carry) in ways.items():
                speeds[name].append(speed(client, carry, work))
    median = {name: statistics.median(found) for name, found in speeds.items()}
    for name in list(ways)[1:]:
        yield Row(f"transport {name}", "operations/s", median[name], {ANCHOR: median[ANCHOR]}, at_least=True)


def speed(client: Client, carry: Carry, work: Sequence[Step]) -> float:
    """Return how many operations a second a client carries out, from a fresh zone on."""
    if client.reset("buddy", CONFIG) != {"ok": True}:
        raise MmspecError("an example client refuses the zone of the benchmark")
    began = time.perf_counter()
    carry(client, work)
    return len(work) / (time.perf_counter() - began)
