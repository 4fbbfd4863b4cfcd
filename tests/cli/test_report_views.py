"""The views of the report in a real browser: every control does what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.browser import Browser, focused, number, text
from tests.cli.report_facts import facts

from mmspec_cli.report.assemble import write

pytestmark = pytest.mark.needs_chromium

# --- overview --------------------------------------------------------------------------------------------------------------


def test_the_overview_answers_the_four_questions(browser: Browser, page: Path) -> None:
    """What is proved, what only tested, on which real systems it was seen to hold, what is trusted."""
    browser.open(page)
    cards = {
        title: text(browser, f"#view-overview .card:nth-child({place})")
        for place, title in enumerate(("Proved", "Only tested", "Seen on real systems", "Trusted"), start=1)
    }
    assert all(card.startswith(title) for title, card in cards.items())
    assert "1 of 3 rules" in cards["Proved"]
    assert "1 of 2 wrong versions" in cards["Only tested"]
    assert "Shown by nothing yet: 1 rule." in cards["Only tested"]
    assert "Linux 6.12.0 (512 MiB, 1 CPU, 1 node): pass" in cards["Seen on real systems"]
    assert "1 rule was seen to hold there" in cards["Seen on real systems"]
    assert "that it is fast" in cards["Trusted"]


def test_the_overview_begins_with_what_failed(browser: Browser, page: Path) -> None:
    """Failures that are kept, a theorem that is open, a bug that was missed; records of another text; what is not there."""
    browser.open(page)
    shown = text(browser, "#view-overview .standing")
    assert "Failed: 3 kept failures, 1 theorem that is not as expected, 1 planted bug that was not found" in shown
    assert "1 record that speaks against a rule" in shown
    assert "Out of date: some records" in shown
    assert "Not measured: nothing" in shown


def test_the_overview_says_that_nothing_failed(browser: Browser, tmp_path: Path) -> None:
    """In so many words, and what was not measured."""
    path, found = tmp_path / "report.html", facts()
    sound = {
        "obligations": found["obligations"][:3],
        "bugs": found["bugs"] | {"rows": found["bugs"]["rows"][:1]},
        "failures": found["failures"] | {"rows": []},
        "assurance": found["assurance"] | {"stale": {}, "broken": {}},
        "bench": {"missing": "run `mmspec bench`"},
    }
    write(found | sound, path)
    browser.open(path)
    shown = text(browser, "#view-overview .standing")
    assert "Failed: nothing" in shown
    assert "Out of date: nothing" in shown
    assert "Not measured: benchmarks" in shown


def test_the_map_marks_what_was_seen_on_linux(browser: Browser, page: Path) -> None:
    """A rule that a real kernel was seen to keep says so beside its strongest evidence."""
    browser.open(page, "map")
    assert "seen on Linux" in text(browser, "#clause-RULE-1 summary")
    assert "seen on Linux" not in text(browser, "#clause-RULE-2 summary")


@pytest.mark.parametrize("said", ["proofs: T-X is REFUTED", "since the text has changed: 2 of the kills", "no log is here"])
def test_the_overview_says_what_is_amiss_with_the_records(browser: Browser, page: Path, said: str) -> None:
    """What speaks against a rule, what counts no more, and what is not there."""
    browser.open(page)
    assert said in text(browser, "#view-overview")


def test_the_overview_leads_to_the_rules_that_it_counts(browser: Browser, page: Path) -> None:
    """Unfolded, and one click on."""
    browser.open(page)
    browser.click("#view-overview .card:nth-child(1) summary")
    browser.click("#view-overview .card:nth-child(1) details a")
    browser.until("document.querySelector('#clause-RULE-1')?.open === true")


# --- assurance map ---------------------------------------------------------------------------------------------------------


def test_the_map_is_filtered_by_words(browser: Browser, page: Path) -> None:
    """Whatever the case, in ids, statements and sources; how many are left is said."""
    browser.open(page, "map")
    assert number(browser, "details.row") == 3
    browser.click("#view-map input[type=search]")
    browser.type("rule-3")
    assert number(browser, "details.row") == 1
    assert "1 of 3 rules" in text(browser, "#view-map")
    assert text(browser, "#said") == "1 of 3 rules"


def test_the_map_is_filtered_by_evidence(browser: Browser, page: Path) -> None:
    """A box for each kind that is anybody's strongest."""
    browser.open(page, "map")
    assert browser.run("[...document.querySelectorAll('#view-map input[type=checkbox]')].map((box) => box.name)") == [
        "proved", "tested", "manual",
    ]  # fmt: skip
    browser.click("#view-map input[name=proved]")
    assert number(browser, "#clause-RULE-1") == 0
    browser.click("#view-map input[name=proved]")
    assert number(browser, "#clause-RULE-1") == 1


def test_a_rule_unfolds_to_its_source_and_evidence(browser: Browser, page: Path) -> None:
    """By the keyboard too; what proves it is a click away."""
    browser.open(page, "map")
    browser.run("document.querySelector('#clause-RULE-1 summary').focus()")
    browser.key("Enter")
    browser.until("document.querySelector('#clause-RULE-1 dl') !== null")
    assert "mm/page_alloc.c:f, v6.12" in text(browser, "#clause-RULE-1")
    browser.click("#clause-RULE-1 a[href='#matrix/T-STEP']")
    browser.until("document.querySelector('#dialog').open")
    assert "T-STEP" in text(browser, "#dialog-body")


def test_a_rule_names_the_bugs_that_it_caught(browser: Browser, page: Path) -> None:
    """And leads to them."""
    browser.open(page, "map/RULE-2")
    browser.click("#clause-RULE-2 a[href='#bugs/BUG-A']")
    browser.until("document.querySelector('#dialog').open")
    assert text(browser, "#dialog-title") == "BUG-A"


# --- matrix ------------------------------------------------------------------------------------------------------------------


def test_operations_that_share_their_properties_are_one_table(browser: Browser, page: Path) -> None:
    """The others stand apart, with what was asked of them."""
    browser.open(page, "matrix")
    assert number(browser, "#view-matrix thead th") == 3
    assert number(browser, "#view-matrix tbody tr") == 5
    assert number(browser, "#view-matrix .parts button") == 2


@pytest.mark.parametrize(
    ("label", "sign"),
    [
        ("m free, owned: proved for all sizes", "✓"),
        ("m take, counted: not asked", "\N{EN DASH}"),
        ("m alloc, counted: not proved: nobody has written it", "○"),
        ("m loop, step: proved within bounds or under an assumption", "✓ᵇ step"),
        ("m loop, bound: open", "? bound"),
    ],
)
def test_a_cell_says_what_it_stands_for(browser: Browser, page: Path, label: str, sign: str) -> None:
    """By a sign, and in words."""
    browser.open(page, "matrix")
    assert browser.run(f"document.querySelector({json.dumps(f'button[aria-label={json.dumps(label)}]')}).textContent") == sign


def test_a_cell_opens_its_theorem(browser: Browser, page: Path) -> None:
    """With statement, functions, scope and solvers; Escape leads back to the cell."""
    browser.open(page, "matrix")
    browser.click('button[aria-label^="m free, owned"]')
    shown = text(browser, "#dialog")
    for part in ("m free: owned", "T-FREE-OWNED", "free keeps owned", "states of every size", "mmspec/f.py:7", "z3 1: PROVED"):
        assert part in shown
    browser.key("Escape")
    browser.until("!document.querySelector('#dialog').open")
    assert focused(browser, "ariaLabel").startswith("m free, owned")


def test_a_cell_without_a_theorem_says_why(browser: Browser, page: Path) -> None:
    """And the button closes it."""
    browser.open(page, "matrix")
    browser.click('button[aria-label^="m take, counted"]')
    assert "it changes no count" in text(browser, "#dialog-body")
    browser.click("#dialog-close")
    assert not browser.run("document.querySelector('#dialog').open")


def test_a_click_beside_the_dialog_closes_it(browser: Browser, page: Path) -> None:
    """As people expect."""
    browser.open(page, "matrix/T-STEP")
    assert browser.run("document.querySelector('#dialog').open")
    for kind in ("mousePressed", "mouseReleased"):
        browser.send("Input.dispatchMouseEvent", type=kind, x=3, y=600, button="left", clickCount=1)
    browser.until("!document.querySelector('#dialog').open")


def test_from_one_theorem_to_the_next(browser: Browser, page: Path) -> None:
    """Those that it rests on are links."""
    browser.open(page, "matrix/T-STEP")
    browser.click("#dialog-body details summary")
    browser.click("#dialog-body a[href='#matrix/T-FREE-OWNED']")
    browser.until("document.querySelector('#dialog-body').textContent.includes('free keeps owned')")
    assert browser.run("document.querySelector('#dialog').open")


def test_the_matrix_is_filtered(browser: Browser, page: Path) -> None:
    """By property, function or theorem."""
    browser.open(page, "matrix")
    browser.click("#view-matrix input[type=search]")
    browser.type("t-take-merged")
    assert number(browser, "#view-matrix tbody tr") == 1
    assert number(browser, "#view-matrix .parts section") == 0
    assert "1 of 6 rows" in text(browser, "#view-matrix")


# --- stories -----------------------------------------------------------------------------------------------------------------


def step(browser: Browser) -> str:
    """Return the title of the step that is shown."""
    return text(browser, ".scene h3").strip()


def test_a_failure_begins_at_its_broken_step(browser: Browser, page: Path) -> None:
    """With the reply, and what the specification says of it."""
    browser.open(page, "failures")
    assert step(browser) == "Step 3: Alloc(order=0)"
    shown = text(browser, ".scene")
    assert "was answered Page(pfn=0x102)" in shown
    assert "The specification says no: BUDDY-ALLOC-FREE" in shown
    assert number(browser, ".scene figure") == 1


def test_previous_and_next_step_through(browser: Browser, page: Path) -> None:
    """And end at the ends."""
    browser.open(page, "failures")
    browser.click(".moves button:first-child")
    assert step(browser).startswith("Step 2: Free(")
    browser.click(".moves button:last-child")
    assert step(browser).startswith("Step 3:")
    assert browser.run("document.querySelector('.moves button:last-child').disabled")


def test_the_slider_goes_anywhere(browser: Browser, page: Path) -> None:
    """By its own keys, one step each."""
    browser.open(page, "failures")
    browser.run("document.querySelector('.moves input').focus()")
    browser.key("Home")
    assert step(browser).startswith("Step 0:")
    browser.key("ArrowRight")
    assert step(browser).startswith("Step 1:")
    assert browser.run("document.querySelector('.moves input').getAttribute('aria-valuetext')") == "step 1: Alloc(order=0)"


def test_arrow_keys_step_through_from_anywhere_in_the_story(browser: Browser, page: Path) -> None:
    """Once the story has the focus."""
    browser.open(page, "failures")
    browser.run("document.querySelector('.story').focus()")
    seen = []
    for key in ("ArrowLeft", "Home", "ArrowRight", "End"):
        browser.key(key)
        seen.append(step(browser)[:6])
    assert seen == ["Step 2", "Step 0", "Step 1", "Step 3"]


def test_a_step_is_chosen_in_the_list(browser: Browser, page: Path) -> None:
    """And marked there; what is shown is said."""
    browser.open(page, "failures")
    browser.click(".steps li:nth-child(2) button")
    assert step(browser).startswith("Step 1:")
    assert browser.run("document.querySelector('[aria-current=step]').textContent").startswith("✓ 1 Alloc")
    assert text(browser, "#said").startswith("Step 1: Alloc(order=0) was answered Page(pfn=0x102)")


def test_pictures_show_what_changed(browser: Browser, page: Path) -> None:
    """Blocks that went are marked before, those that came after; each strip says what is in it."""
    browser.open(page, "failures")
    browser.click(".steps li:nth-child(1) button")
    assert number(browser, ".scene figure") == 2
    before = browser.run("[...document.querySelectorAll('figure:nth-child(1) [role=img]')].map((one) => one.ariaLabel)")
    assert "order 3: 0x100 to 0x108, 0x108 to 0x110" in before
    after = browser.run("[...document.querySelectorAll('figure:nth-child(2) [role=img]')].map((one) => one.ariaLabel)")
    assert "handed out: 0x100 to 0x102" in after
    assert browser.run("document.querySelectorAll('figure:nth-child(1) rect.went').length") == 1
    assert browser.run("document.querySelectorAll('figure:nth-child(2) rect.came').length") == 3


def test_a_strip_s_blocks_lie_where_they_are(browser: Browser, page: Path) -> None:
    """To the pixel: the second half of sixteen frames is the right half of the strip."""
    browser.open(page, "failures")
    browser.click(".steps li:nth-child(2) button")
    script = """(() => {
      const strip = [...document.querySelectorAll('figure:nth-child(1) svg')].find((one) => one.ariaLabel.startsWith('order 3'));
      const [all, block] = [strip.getBoundingClientRect(), strip.querySelector('rect').getBoundingClientRect()];
      return [(block.left - all.left) / all.width, (block.right - all.left) / all.width];
    })()"""
    left, right = browser.run(script)
    assert (round(left, 2), round(right, 2)) == (0.5, 1.0)


def test_another_failure_is_chosen(browser: Browser, page: Path) -> None:
    """A damaged file says what is wrong with it."""
    browser.open(page, "failures")
    for index, shown in ((1, "The specification says yes"), (2, "owned")):
        choice = f"document.querySelector('#view-failures select').value = '{index}'"
        browser.run(f"{choice}; document.querySelector('#view-failures select').dispatchEvent(new Event('change'))")
        assert shown in text(browser, "#view-failures")


# --- benchmarks and bugs -----------------------------------------------------------------------------------------------------


def test_the_plot_has_a_curve_for_each_side(browser: Browser, page: Path) -> None:
    """Over three sizes, evenly apart: both scales are logarithmic."""
    browser.open(page, "bench")
    browser.until("document.querySelectorAll('.plot path').length === 2")
    places = browser.run("[...document.querySelectorAll('.plot circle.side-0')].map((dot) => Number(dot.getAttribute('cx')))")
    assert len(places) == 3
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.5)
    assert "ours: 2^10 30, 2^14 34, 2^18 38; C: 2^10 28" in browser.run("document.querySelector('.plot svg').ariaLabel")


def test_the_plot_is_drawn_anew_for_its_width(browser: Browser, page: Path) -> None:
    """So that its text stays readable."""
    browser.open(page, "bench")
    browser.until("document.querySelector('.plot svg') !== null")
    wide = browser.run("document.querySelector('.plot svg').viewBox.baseVal.width")
    browser.size(360)
    browser.until(f"document.querySelector('.plot svg').viewBox.baseVal.width < {wide / 1.4}")


def test_rows_say_whether_they_meet_their_target(browser: Browser, page: Path) -> None:
    """In words."""
    browser.open(page, "bench")
    assert browser.run("[...document.querySelectorAll('#view-bench tbody tr')].map((row) => row.lastChild.textContent)") == [
        "met", "met", "met", "missed",
    ]  # fmt: skip


def test_what_was_not_measured_is_listed(browser: Browser, page: Path) -> None:
    """With what it needs."""
    browser.open(page, "bench")
    assert "a compiler: needs gcc" in text(browser, "#view-bench")


def test_bugs_are_filtered(browser: Browser, page: Path) -> None:
    """By id, rule or words."""
    browser.open(page, "bugs")
    assert "1 of 2 were found" in text(browser, "#view-bugs")
    browser.click("#view-bugs input[type=search]")
    browser.type("count is lost")
    assert number(browser, "#view-bugs tbody tr") == 1
    assert "alive" in text(browser, "#view-bugs tbody")


def test_a_bug_opens_its_story(browser: Browser, page: Path) -> None:
    """With the arrow keys at work in it."""
    browser.open(page, "bugs")
    browser.click("#view-bugs tbody button")
    browser.until("document.querySelector('#dialog').open")
    assert "a block is kept" in text(browser, "#dialog-body")
    browser.run("document.querySelector('#dialog .story').focus()")
    browser.key("Home")
    assert step(browser).startswith("Step 0:")


def test_what_cannot_be_expressed_yet_is_listed(browser: Browser, page: Path) -> None:
    """With what it lacks."""
    browser.open(page, "bugs")
    browser.click("#view-bugs > details summary")
    assert "a swap: BUD-99" in text(browser, "#view-bugs > details")


# --- where something is missing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "view"),
    [("assurance", "overview"), ("assurance", "map"), ("bugs", "bugs"), ("bench", "bench"), ("real", "overview")],
)
def test_a_section_without_a_source_says_what_to_run(browser: Browser, tmp_path: Path, section: str, view: str) -> None:
    """Instead of an empty table."""
    bare = tmp_path / "bare.html"
    write(facts() | {section: {"missing": "not measured here: run `mmspec thing`"}}, bare)
    browser.open(bare, view)
    assert "not measured here: run mmspec thing" in text(browser, f"#view-{view}")


def test_a_story_without_replies_lists_its_steps(browser: Browser, tmp_path: Path) -> None:
    """And says how to get them."""
    bare = tmp_path / "bare.html"
    untold = {"title": "old", "kind": "failure", "note": facts()["failures"]["rows"][0]["note"], "config": {}}
    untold |= {"missing": "the replies were not recorded", "steps": [["alloc", {"order": 1}]]}
    write(facts() | {"failures": {"folder": "f", "more": 3, "rows": [untold]}}, bare)
    browser.open(bare, "failures")
    shown = text(browser, "#view-failures")
    assert "the replies were not recorded" in shown
    assert 'alloc {"order":1}' in shown
    assert "3 older ones lie in f" in shown
