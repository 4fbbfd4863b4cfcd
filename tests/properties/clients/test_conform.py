"""Conformance tells right clients from wrong ones: no false alarm, no miss, a clause that fits, a short program."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mmprops.clients.base import DIED, FLOOD, HANG, RANGE, RUBBISH, ClientError
from mmprops.clients.wire import Ref
from mmprops.conform import ConformanceError, ConformRun, conform
from mmprops.examples.build import compiled, write
from mmprops.examples.python.mybuddy import Buddy, Highest, Lowest, Random
from mmprops.program import Program
from mmspec.errors import InputError, MmspecError
from mmspec.physical.buddy.ops import Alloc, Config, Free, FreeCount, Isolate

from .building import Builder
from .careful_clients import CAREFUL, Batching, Careful, Failing, ZoneAligned
from .wrong_clients import WRONG

EXAMPLES = (Lowest, Highest, Random)
HOSTILE = Path(__file__).with_name("hostile_client.py")


def named(client: type) -> str:
    """The name of a test's case."""
    return client.__name__


# --- right clients -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", EXAMPLES, ids=named)
def test_a_correct_client_passes(client: type[Buddy], seed: int) -> None:
    """Wherever it places its blocks."""
    run = conform("buddy", client, seed=seed)
    assert (run.verdict, run.violation) == ("pass", None)
    assert run.ops >= 20_000


@pytest.mark.nightly
@pytest.mark.parametrize("client", EXAMPLES, ids=named)
def test_a_correct_client_passes_a_million_operations(client: type[Buddy], seed: int) -> None:
    """A third of them each."""
    assert conform("buddy", client, ops=334_000, seed=seed).verdict == "pass"


@pytest.mark.parametrize("client", CAREFUL, ids=named)
def test_nothing_is_asked_that_was_not_promised(client: type[Careful], seed: int) -> None:
    """The client would die of it; and what its capabilities excuse is excused."""
    run = conform("buddy", client, ops=5_000, seed=seed)
    assert run.verdict == "pass"
    assert set(run.weakened) == {"may_fail"} & set(client.capabilities)
    assert not set(run.not_tested) & set(client.capabilities)


@pytest.mark.parametrize("client", CAREFUL, ids=named)
def test_nothing_is_asked_that_was_not_promised_while_a_failure_is_made_small(client: type[Careful], seed: int) -> None:
    """The client dies of its own mistake in the smallest program too, and not of a request that it need not serve."""

    class Mistaken(client):  # type: ignore[misc, valid-type]  # a base class that is a parameter
        def release(self, pfn: int, order: int) -> bool:
            if len(self.live) >= 3 and self.live.get(pfn) == order:
                raise RuntimeError("its own mistake")
            return super().release(pfn, order)  # type: ignore[no-any-return]  # of that base class

    with pytest.raises(ConformanceError) as caught:
        conform("buddy", Mistaken, seed=seed)
    assert caught.value.clause == DIED
    assert "its own mistake" in caught.value.explanation


@pytest.mark.parametrize(
    ("config", "step", "capabilities", "reason"),
    [
        (Config(0, 64, 4, holes=((3, 4),)), ("alloc", Alloc(0)), {}, "does not take holes"),
        (Config(0, 64, 4, pageblock_order=2), ("alloc", Alloc(0)), {}, "does not take a pageblock_order"),
        (Config(0, 64, 4), ("alloc", Alloc(0)), {"max_pages": 63}, "more than 63 frames"),
        (Config(0, 64, 4), ("alloc", Alloc(0)), {"max_pfn": "0x3e"}, "frames above 0x3e"),
        (Config(0, 63, 4), ("alloc", Alloc(0)), {"power_of_two": True}, "no power of two"),
        (Config(0, 64, 4), ("alloc", Alloc(0)), {"max_order": 3}, "a max_order above 3"),
        (Config(0, 64, 4), ("alloc", Alloc(5)), {}, "an order above max_order"),
        (Config(0, 64, 4), ("alloc", Alloc(1)), {"min_order": 2}, "an order that it does not serve"),
        (Config(0, 64, 4), ("alloc", Alloc(0, 0)), {}, "a migratetype"),
        (Config(0, 64, 4), ("alloc", Alloc(0, flags=1)), {}, "flags"),
        (Config(0, 64, 4), ("free", Free(0, 0)), {}, "a free of anything but a live allocation"),
        (Config(0, 64, 4), ("isolate", Isolate(0)), {}, "isolate needs the capability pageblocks"),
        (Config(0, 64, 4), ("free_count", FreeCount()), {}, "free_count needs the capability observe"),
    ],
)
def test_a_program_of_somebody_else_asks_nothing_that_was_not_promised(
    config: Config, step: Any, capabilities: dict[str, Any], reason: str
) -> None:
    """The verdict is unknown and says what was missing: the client is not to blame."""

    class Modest(Careful):
        asked: ClassVar[list[str]] = []

        def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
            self.asked.append(op)
            return super().apply(op, args)

    Modest.capabilities = capabilities
    run = conform("buddy", Modest, program=Program("buddy", config, (step,)))
    assert (run.verdict, Modest.asked) == ("unknown", [])
    assert reason in run.reason


class SinglePages(Careful):
    """Carries out nothing above order 0, which it did not say before."""

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"unsupported": "single pages only"} if op == "alloc" and args["order"] else super().apply(op, args)


def ran(client: type, *steps: Any) -> ConformRun:
    """Carry out steps on a zone of 64 frames."""
    return conform("buddy", client, program=Program("buddy", Config(0, 64, 4), steps))


SINGLE, PAIR = ("alloc", Alloc(0)), ("alloc", Alloc(1))


@pytest.mark.parametrize(("singles", "verdict"), [(9, "pass"), (8, "unknown")])
def test_nine_in_ten_of_a_program_are_enough(singles: int, verdict: str) -> None:
    """One in ten may be unsupported."""
    run = ran(SinglePages, *[SINGLE] * singles, PAIR)
    assert (run.verdict, run.ops) == (verdict, singles)


def test_what_refers_to_an_unsupported_step_is_unsupported() -> None:
    """And what refers to that: it was the program's, and nobody has judged it."""
    run = ran(SinglePages, *[SINGLE] * 12, PAIR, ("free", Free(Ref(12), 1)))
    assert (run.verdict, run.ops) == ("unknown", 12)
    assert "2 operations were not carried out" in run.reason


def test_what_refers_to_an_error_does_not_count() -> None:
    """There was nothing to ask."""
    run = ran(Careful, ("alloc", Alloc(4)), *[("alloc", Alloc(4))] * 4, ("free", Free(Ref(4), 4)), ("free", Free(Ref(4), 4)))
    assert (run.verdict, run.ops) == ("pass", 5)


def test_a_program_without_operations_shows_nothing() -> None:
    """Nothing was judged."""
    assert ran(Careful).verdict == "unknown"


class UnobservedBatching(Batching):
    """Takes batches, and cannot be looked at."""

    capabilities: ClassVar = {"batch": True}


def test_what_was_not_promised_counts_where_there_are_batches_too() -> None:
    """They are not sent it."""
    run = ran(UnobservedBatching, *[SINGLE] * 4, *[("free_count", FreeCount())] * 5)
    assert (run.verdict, run.ops) == ("unknown", 4)
    assert "5 operations were not carried out" in run.reason


def test_each_operation_of_a_program_counts_once() -> None:
    """Looking at the client, too, although no batch does that."""
    run = ran(Batching, SINGLE, ("free_count", FreeCount()))
    assert (run.verdict, run.ops) == ("pass", 2)


def test_what_is_unsupported_in_batches_alone_counts() -> None:
    """There it was not carried out."""

    class Singly(Batching):
        def batch(self, ops: Any) -> list[dict[str, Any]]:
            return [{"unsupported": "later"}] * len(ops)

    assert ran(Singly, *[SINGLE] * 10).verdict == "unknown"


def test_what_is_unsupported_singly_and_in_batches_counts_once() -> None:
    """One in ten is one in ten."""

    class Both(Batching):
        def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
            return {"unsupported": "no pairs"} if args.get("order") == 1 else super().apply(op, args)

    assert ran(Both, *[SINGLE] * 9, PAIR).verdict == "pass"


@pytest.mark.parametrize("profile", ["any", "linux", "kernel-6.12", "kernel-6.1"])
def test_a_run_keeps_its_profile_s_name(profile: str) -> None:
    """As it was asked for: linux is another name of one kernel's."""
    assert conform("buddy", "impl", profile, ops=10).profile == profile


def test_alignment_counts_from_the_zone_wherever_it_begins(seed: int) -> None:
    """The client that counts from there is met with zones that begin at no multiple of a block, and none is held against it."""
    ZoneAligned.unaligned.clear()
    assert conform("buddy", ZoneAligned, seed=seed).verdict == "pass"
    assert len(ZoneAligned.unaligned) > 5


def test_a_failure_that_was_not_announced_is_one(seed: int) -> None:
    """The client that fails now and then passes only because it says so."""

    class Silent(Failing):
        capabilities = {"observe": True}  # noqa: RUF012  # a ClassVar in the parent

    with pytest.raises(ConformanceError) as caught:
        conform("buddy", Silent, seed=seed)
    assert caught.value.clause == "BUDDY-ALLOC-ENOMEM"


def test_batches_are_sent_to_those_that_take_them(seed: int) -> None:
    """And their references are the client's to resolve."""
    Batching.batches = 0
    assert conform("buddy", Batching, ops=5_000, seed=seed).verdict == "pass"
    assert Batching.batches > 0


def test_a_batch_that_goes_wrong_is_caught(seed: int) -> None:
    """Also where the same operations one by one go right."""

    class Confused(Batching):
        def batch(self, ops: Any) -> list[dict[str, Any]]:
            replies = super().batch(ops)
            return [{"error": "EINVAL"} if r == {"error": "EREF"} else r for r in replies[:-1]] + [{"error": "EINVAL"}]

    with pytest.raises(ConformanceError):
        conform("buddy", Confused, seed=seed)


# --- wrong clients -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shrunk() -> dict[str, int]:
    """How long the shrunk program of each wrong client was."""
    return {}


@pytest.mark.parametrize("client", WRONG, ids=named)
def test_a_wrong_client_is_caught(client: Any, seed: int, shrunk: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    """At the default number of operations, with a clause that fits the mistake."""
    with pytest.raises(ConformanceError) as caught:
        conform("buddy", client, seed=seed)
    shrunk[client.__name__] = len(caught.value.program.steps)
    with capsys.disabled():
        print(f"\n{client.__name__}: {caught.value.clause}, {shrunk[client.__name__]} operations", end="")
    assert caught.value.clause in client.clauses


def test_programs_are_short(shrunk: dict[str, int], seed: int) -> None:
    """The shrunk programs have at most ten operations in the median."""
    for client in WRONG:
        if client.__name__ not in shrunk:  # another worker had it
            with pytest.raises(ConformanceError) as caught:
                conform("buddy", client, seed=seed)
            shrunk[client.__name__] = len(caught.value.program.steps)
    assert statistics.median(shrunk.values()) <= 10


# --- hostile clients ---------------------------------------------------------------------------------------------------


def hostile(behaviour: str) -> str:
    """The name of a hostile client on the command line."""
    return f"exec:{sys.executable} -S -E '{HOSTILE}' {behaviour}"


@pytest.mark.parametrize(
    ("behaviour", "clause"),
    [
        ("exit", DIED),
        ("crash", DIED),
        ("debug", RUBBISH),
        ("utf8", RUBBISH),
        ("flood", FLOOD),
        ("out-of-range", RANGE),
        ("close-output", DIED),
    ],
)
def test_a_client_that_misbehaves_fails(behaviour: str, clause: str, seed: int) -> None:
    """With the clause of what it did, after a good hello."""
    with pytest.raises(ConformanceError) as caught:
        conform("buddy", hostile(behaviour), ops=1_000, seed=seed, timeout=60)
    assert caught.value.clause == clause
    assert len(caught.value.program.steps) == 1


def test_a_client_that_hangs_fails(seed: int) -> None:
    """After the time limit that was given."""
    with pytest.raises(ConformanceError) as caught:
        conform("buddy", hostile("hang"), ops=1_000, seed=seed, timeout=0.1)
    assert caught.value.clause == HANG


@pytest.mark.parametrize("behaviour", ["hello-exit", "hello-debug", "hello-protocol-2", "hello-nothing", "hello-flood"])
def test_a_client_without_a_good_hello_is_an_error(behaviour: str) -> None:
    """There is nothing to judge."""
    with pytest.raises(ClientError):
        conform("buddy", hostile(behaviour))


def test_a_client_that_refuses_everything_is_unknown(seed: int) -> None:
    """Nothing was carried out, so nothing passed."""
    assert conform("buddy", hostile("unsupported"), ops=1_000, seed=seed).verdict == "unknown"


class RefusingOperations(Lowest):
    """Takes every zone, and then refuses what is asked."""

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"unsupported": "not today"}


def test_a_client_that_refuses_operations_is_unknown(seed: int) -> None:
    """A configuration accepted is not an operation judged."""
    assert conform("buddy", RefusingOperations, ops=1_000, seed=seed).verdict == "unknown"


@pytest.mark.parametrize("client", ["mybuddy", "exec:", "exec: ", "python:nothing", "python:a b:c", "lib:./no.so", "libx.so", ""])
def test_a_name_of_no_client_is_an_input_error(client: str) -> None:
    """It is told apart from a client that does not work."""
    with pytest.raises(InputError) as caught:
        conform("buddy", client)
    assert caught.value.hint


# --- the examples in other languages -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], str]:
    """Build an example, its source changed or not, and return its name on the command line."""
    return Builder(tmp_path_factory).client


NEEDS = {
    "c": pytest.mark.needs_gcc,
    "lib": pytest.mark.needs_gcc,
    "js": pytest.mark.needs_node,
    "rust": pytest.mark.needs_rust,
    "go": pytest.mark.needs_go,
}


@pytest.mark.parametrize("language", [pytest.param(language, marks=mark) for language, mark in NEEDS.items()])
def test_an_example_conforms(built: Callable[..., str], language: str, seed: int) -> None:
    """It is what somebody starts from."""
    run = conform("buddy", built(language), ops=10_000, seed=seed)
    assert run.verdict == "pass"
    assert not {"observe", "checked_free", "checked_alloc"} & set(run.not_tested)


@pytest.mark.needs_gcc
def test_an_example_that_does_not_compile_says_why(tmp_path: Path) -> None:
    """With the compiler's first error."""
    page = write("buddy", "c", tmp_path)
    page.write_text(page.read_text() + "\nint nonsense = ;\n")
    with pytest.raises(MmspecError, match=r"gcc does not compile mybuddy\.c: .*error: "):
        compiled("c", page)


SLIPS = [
    ("c", "pfn &= ~(UINT64_C(1) << order);", "pfn &= ~(UINT64_C(1) << order) | 8;"),
    ("c", 'order > (uint64_t)max_order ? "EINVAL"', 'order > (uint64_t)max_order + 1 ? "EINVAL"'),
    ("c", "live_order[pfn - start_pfn] = NONE;", ""),
    ("c", "while (have-- > order)", "while (--have > order)"),
    ("c", "buddy = pfn ^ (UINT64_C(1) << order);", "buddy = start_pfn + ((pfn - start_pfn) ^ (UINT64_C(1) << order));"),
    ("c", "return has_ref[k];", "return 1;"),
    ("js", "if (isUpper) pfn = buddy;", ""),
    ("js", "this.live.delete(pfn);", ""),
]


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [pytest.param(*slip, marks=NEEDS[slip[0]]) for slip in SLIPS],
)
def test_a_slip_in_an_example_is_caught(built: Callable[..., str], language: str, before: str, after: str, seed: int) -> None:
    """One line changed is enough."""
    with pytest.raises(ConformanceError):
        conform("buddy", built(language, before, after), seed=seed)
