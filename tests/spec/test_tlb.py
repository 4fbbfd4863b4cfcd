"""What processors may use of what they have cached, and x86-64's generations and tags, step by step."""

from __future__ import annotations

from typing import Any

import pytest

from mmspec.errors import InputError
from mmspec.virtual.tlb import TLB
from mmspec.virtual.tlb.linux import ranges_for
from mmspec.virtual.tlb.ops import (
    AARCH64,
    BLOCK,
    DONE,
    EBUSY,
    EINVAL,
    EVERYTHING,
    KERNEL,
    LARGE,
    LEFT,
    NOTHING,
    PAGE,
    RISCV64,
    SMALL,
    SOME,
    SPACE,
    WHOLE,
    X86_64,
    Begin,
    Clear,
    Config,
    Count,
    Deliver,
    Delivered,
    End,
    Invalidate,
    Lazy,
    Link,
    LookGeneration,
    LookLocal,
    Plan,
    Protect,
    Set,
    Settled,
    Switch,
    Switched,
    Use,
    Used,
)  # fmt: skip

OPERATIONS = {operation.request: operation for operation in TLB.operations}
FAULT = Used(1)


class Run:
    """Linux's answers, one after another."""

    def __init__(self, arch: int = X86_64, cpus: int = 2, spaces: int = 2, **more: int) -> None:
        config = Config(arch, cpus, spaces, **more)
        self.tlb, self.tags = TLB.initial(config), TLB.initial_policy(config, "6.12")

    def do(self, request: Any, answer: Any = None) -> Any:
        """Carry out a request, with an answer that is not Linux's where one is given; return the answer."""
        operation = OPERATIONS[type(request)]
        chosen, self.tags = operation.choose(self.tlb, self.tags, request)
        answer = chosen if answer is None else answer
        assert operation.allowed(self.tlb, request, answer) is None
        self.tlb = operation.apply(self.tlb, request, answer)
        return answer

    def says(self, request: Any, answer: Any) -> str | None:
        """Return the id of the clause that an answer breaks."""
        broken = OPERATIONS[type(request)].allowed(self.tlb, request, answer)
        return None if broken is None else broken.id

    def flush(self, scope: int = PAGE, space: int = 1, page: int = 0, tables: int = 0) -> None:
        """Flush all processors, from beginning to end."""
        self.do(Begin(0, scope, space, page, tables))
        self.do(End(0))


def mapped(arch: int = X86_64, **more: int) -> Run:
    """Return a run of two processors that both run space 1, whose page 0 is mapped to frame 5."""
    run = Run(arch, **more)
    for request in (Switch(0, 1), Switch(1, 1), Link(1, 0), Set(1, SMALL, 0, 5, 1)):
        run.do(request)
    return run


READ, STORE = Use(1, 1, 0, 0), Use(1, 1, 0, 1)


def test_what_went_may_be_used_until_it_is_flushed() -> None:
    """And what is there may be used all the time."""
    run = mapped()
    assert run.says(READ, Used(0, 5)) is None
    run.do(Clear(1, SMALL, 0))
    assert (run.says(READ, Used(0, 5)), run.says(READ, FAULT)) == (None, None)
    run.flush()
    assert (run.says(READ, Used(0, 5)), run.says(READ, FAULT)) == ("TLB-CURRENT", None)


def test_a_flush_does_not_reach_what_goes_after_it_was_begun() -> None:
    """The next one does."""
    run = mapped()
    run.do(Begin(0, PAGE, 1, 0, 0))
    run.do(Clear(1, SMALL, 0))
    run.do(End(0))
    assert run.says(READ, Used(0, 5)) is None
    assert run.do(Settled(1, SMALL, 0)) == Count(0)
    run.flush()
    assert run.says(READ, Used(0, 5)) == "TLB-CURRENT"
    assert run.do(Settled(1, SMALL, 0)) == Count(1)


def test_a_processor_flushes_for_itself() -> None:
    """The other may use what went all the same, and the place is not settled."""
    run = mapped()
    run.do(Clear(1, SMALL, 0))
    run.do(Invalidate(0, PAGE, 1, 0))
    assert run.says(Use(0, 1, 0, 0), Used(0, 5)) == "TLB-CURRENT"
    assert run.says(READ, Used(0, 5)) is None
    assert run.do(Settled(1, SMALL, 0)) == Count(0)
    run.do(Invalidate(1, SPACE, 1, 0))
    assert run.do(Settled(1, SMALL, 0)) == Count(1)


def test_rights_that_were_taken_may_be_used_until_the_flush() -> None:
    """And a fault for rights that were given is a spurious one, once on x86-64."""
    run = mapped()
    run.do(Protect(1, SMALL, 0, 0))
    assert (run.says(STORE, Used(0, 5)), run.says(STORE, FAULT)) == (None, None)
    run.flush()
    assert run.says(STORE, Used(0, 5)) == "TLB-CURRENT"
    run.do(Protect(1, SMALL, 0, 1))
    run.do(STORE, FAULT)
    assert run.says(STORE, FAULT) == "TLB-FAULT"
    assert run.says(STORE, Used(0, 5)) is None


@pytest.mark.parametrize(("arch", "svvptc", "broken"), [(X86_64, 0, "TLB-NEGATIVE"), (AARCH64, 0, "TLB-NEGATIVE"),
                                                        (RISCV64, 0, None), (RISCV64, 1, "TLB-NEGATIVE")])  # fmt: skip
def test_absent_entries_are_cached_on_riscv_alone(arch: int, svvptc: int, broken: str | None) -> None:
    """And not where Svvptc says so."""
    run = mapped(arch, svvptc=svvptc)
    assert run.says(READ, FAULT) == broken
    run.flush()
    assert run.says(READ, FAULT) in ("TLB-NEGATIVE", "TLB-FAULT")


def test_the_kernels_pages_outlive_the_flushes_of_spaces() -> None:
    """Until they are flushed themselves, or everything is."""
    for last in (Invalidate(1, PAGE, KERNEL, 0), Invalidate(1, EVERYTHING, 1, 0)):
        run = mapped()
        for request in (Link(KERNEL, 0), Set(KERNEL, SMALL, 0, 9, 1), Clear(KERNEL, SMALL, 0), Invalidate(1, SPACE, 1, 0)):
            run.do(request)
        assert run.says(Use(1, KERNEL, 0, 0), Used(0, 9)) is None
        run.do(last)
        assert run.says(Use(1, KERNEL, 0, 0), Used(0, 9)) == "TLB-GLOBAL"


def test_a_table_that_went_is_found_until_pointers_are_flushed() -> None:
    """A flush of the pages alone does not do it, but on x86-64 a processor's own does."""
    for arch, own in ((X86_64, "TLB-TABLE"), (RISCV64, None)):
        run = mapped(arch)
        run.do(Clear(1, LARGE, 0))
        run.flush()
        assert run.says(READ, Used(0, 5)) is None
        assert run.do(Settled(1, LARGE, 0)) == Count(0)
        run.do(Invalidate(1, PAGE, 1, 0))
        assert run.says(READ, Used(0, 5)) == own
        run.flush(tables=1)
        assert run.says(READ, Used(0, 5)) == "TLB-TABLE"
        assert run.do(Settled(1, LARGE, 0)) == Count(1)


def test_a_large_page_is_dropped_by_a_flush_of_any_of_its_pages() -> None:
    """And pages of a block that became one are each flushed for themselves, or with the block."""
    run = mapped()
    run.do(Set(1, LARGE, 0, 512, 1))
    assert (run.says(READ, Used(0, 5)), run.says(READ, Used(0, 512))) == (None, None)
    run.flush(page=7)
    assert run.says(READ, Used(0, 5)) is None
    run.flush(BLOCK, page=7, tables=1)
    assert run.says(READ, Used(0, 5)) == "TLB-TABLE"
    run.do(Link(1, 0))
    assert run.says(Use(1, 1, 3, 0), Used(0, 515)) is None
    run.flush(page=7)
    assert run.says(Use(1, 1, 3, 0), Used(0, 515)) == "TLB-CURRENT"


def test_aarch64_breaks_before_it_makes() -> None:
    """Another frame, or another size, waits until nobody may use what stood there; rights do not."""
    run = mapped(AARCH64)
    assert run.do(Set(1, SMALL, 0, 6, 1)) == EBUSY
    assert run.do(Set(1, SMALL, 0, 5, 0)) == DONE
    run.do(Clear(1, SMALL, 0))
    assert run.do(Set(1, SMALL, 0, 6, 1)) == EBUSY
    assert run.says(Set(1, SMALL, 0, 6, 1), DONE) == "TLB-BREAK"
    run.flush()
    assert run.do(Set(1, SMALL, 0, 6, 1)) == DONE
    assert run.do(Set(1, LARGE, 0, 512, 1)) == EBUSY
    run.do(Clear(1, LARGE, 0))
    run.flush(tables=1)
    assert run.do(Set(1, LARGE, 0, 512, 1)) == EBUSY
    run.flush(BLOCK, tables=1)
    assert run.do(Set(1, LARGE, 0, 512, 1)) == DONE
    assert run.do(Link(1, 0)) == EBUSY
    assert mapped().do(Set(1, SMALL, 0, 6, 1)) == DONE


def test_what_is_not_there_is_refused() -> None:
    """Entries, processors, spaces and flushes."""
    run = mapped()
    wrong = (
        Set(1, SMALL, 512, 5, 1), Set(1, LARGE, 0, 5, 1), Set(3, LARGE, 0, 0, 1), Clear(1, SMALL, 1), Protect(1, LARGE, 0, 1),
        Link(1, 0), Use(0, 2, 0, 0), Use(2, 1, 0, 0), Switch(2, 1), Invalidate(2, PAGE, 1, 0), End(0), Deliver(0, 0), Plan(0),
        Begin(0, EVERYTHING, 1, 0, 0), LookGeneration(3), LookLocal(2), Settled(3, SMALL, 0), Link(3, 0),
    )  # fmt: skip
    for request in wrong:
        assert run.do(request) == EINVAL
        assert run.says(request, DONE) == "TLB-ARGS"
    assert run.says(Switch(0, 1), EINVAL) == "TLB-ACCEPTED"
    assert run.do(Lazy(0)) == DONE
    assert run.do(Use(0, 1, 0, 0)) == EINVAL


def test_generations() -> None:
    """One flush is made alone, of two the first that is heard of drops everything, and the second nothing."""
    run = mapped()
    for ticket in (0, 1):
        run.do(Begin(ticket, PAGE, 1, ticket, 0))
    assert run.do(LookGeneration(1)) == Count(2)
    assert [run.do(Deliver(ticket, 0)) for ticket in (1, 0)] == [Delivered(WHOLE), Delivered(NOTHING)]
    assert [run.do(Deliver(ticket, 1)) for ticket in (0, 1)] == [Delivered(WHOLE), Delivered(NOTHING)]
    run.do(End(0))
    run.do(Begin(0, PAGE, 1, 0, 0))
    assert run.do(Deliver(0, 0)) == Delivered(SOME)
    run.do(Begin(2, BLOCK, 1, 0, 0))
    assert run.do(Deliver(2, 0)) == Delivered(WHOLE)
    assert run.do(LookLocal(0)) == Count(4)
    run.do(Switch(1, 2))
    assert run.do(Deliver(2, 1)) == Delivered(NOTHING)
    assert run.do(Switch(1, 1)) == Switched(1, 1)


def test_lazy_processors() -> None:
    """They do not hear of a flush, unless tables are freed: then they leave; either way they make up for it later."""
    run = mapped()
    run.do(Lazy(1))
    run.do(Begin(0, PAGE, 1, 0, 0))
    assert run.do(Deliver(0, 1)) == Delivered(NOTHING)
    run.do(End(0))
    assert run.do(Switch(1, 1)) == Switched(1, 1)
    run.do(Lazy(1))
    assert run.do(Switch(1, 1)) == Switched(1, 0)
    run.do(Lazy(1))
    run.do(Begin(0, PAGE, 1, 0, 1))
    assert run.do(Deliver(0, 1)) == Delivered(LEFT)
    run.do(End(0))
    assert run.do(Switch(1, 1)) == Switched(1, 1)


def test_tags_are_given_in_turn() -> None:
    """Six of them, the first being the kernel's; the seventh space takes the first again."""
    run = Run(cpus=1, spaces=8)
    assert [run.do(Switch(0, space)) for space in (1, 2, 3, 4, 5, 6, 7)] == [Switched(tag, 1) for tag in (1, 2, 3, 4, 5, 0, 1)]
    assert run.do(Switch(0, 2)) == Switched(2, 0)
    assert run.do(Switch(0, 1)) == Switched(2, 1)
    untagged = Run(cpus=1, pcid=0)
    assert [untagged.do(Switch(0, space)) for space in (1, 2, 1)] == [Switched(0, 1)] * 3


def test_who_hears_elsewhere() -> None:
    """Nobody on AArch64; on RISC-V whoever ever ran the space, and everything is dropped where tables are freed."""
    run = mapped(AARCH64)
    run.do(Begin(0, PAGE, 1, 0, 0))
    assert run.do(Deliver(0, 0)) == Delivered(NOTHING)
    run = mapped(RISCV64)
    run.do(Switch(0, 2))
    run.do(Begin(0, PAGE, 1, 0, 0))
    run.do(Begin(1, PAGE, 1, 0, 1))
    assert [run.do(Deliver(ticket, 0)) for ticket in (0, 1)] == [Delivered(SOME), Delivered(WHOLE)]
    run.do(Begin(2, PAGE, 2, 0, 0))
    assert run.do(Deliver(2, 1)) == Delivered(NOTHING)


def test_how_many_instructions() -> None:
    """Up to the ceiling as many as there are pages, then none but one for all."""
    for run, most in ((Run(), 33), (Run(RISCV64), 64), (Run(AARCH64), 511)):
        assert [run.do(Plan(pages)) for pages in (1, most, most + 1)] == [Count(1), Count(most), Count(0)]
    run = Run(AARCH64, ranges=1)
    counts = {1: 1, 2: 1, 3: 2, 64: 1, 65: 2, 66: 2, (1 << 21) - 1: 5, 1 << 21: 1, (1 << 21) + 1: 0}
    assert {pages: run.do(Plan(pages)).count for pages in counts} == counts


def test_ranges_are_those_that_the_kernels_loop_makes() -> None:
    """The loop of __flush_tlb_range_op, written anew from its source, for many lengths."""
    for pages in (*range(1, 5000), *range(5000, 1 << 21, 997), 1 << 21):
        left, scale, count = pages, 3, 0
        while left > 0:
            if left == 1:
                left, count = 0, count + 1
                continue
            number = (min(left, 32 << 5 * scale + 1) >> 5 * scale + 1) - 1
            if number >= 0:
                left, count = left - (number + 1 << 5 * scale + 1), count + 1
            scale -= 1
        assert ranges_for(pages) == count


@pytest.mark.parametrize(
    "config",
    [
        Config(3, 1), Config(X86_64, 0), Config(X86_64, 5), Config(X86_64, 1, 0), Config(X86_64, 1, 16), Config(RISCV64, 1, 1, 0),
        Config(X86_64, 1, svvptc=1), Config(RISCV64, 1, ranges=1),
    ],
)  # fmt: skip
def test_what_is_no_configuration(config: Config) -> None:
    """It is named at the door."""
    with pytest.raises(InputError):
        TLB.initial(config)
