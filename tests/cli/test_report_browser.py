"""The report in a real browser: its frame works by mouse and by keyboard, and no text on it is believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.browser import Browser, focused, number, text
from tests.cli.report_facts import HOSTILE

pytestmark = pytest.mark.needs_chromium

VIEWS = ("overview", "map", "matrix", "failures", "bench", "bugs")


@pytest.mark.parametrize("view", VIEWS)
def test_each_tab_shows_its_view_alone(browser: Browser, page: Path, view: str) -> None:
    """By a click; the address names it, and roles and states agree."""
    browser.open(page, "bugs" if view == "overview" else "")
    browser.click(f"#tab-{view}")
    browser.until(f"!document.querySelector('#view-{view}').hidden")
    assert browser.run("location.hash") == f"#{view}"
    assert number(browser, "[role=tabpanel]") == number(browser, "[role=tab][aria-selected=true]") == 1
    assert browser.run(f"document.querySelector('#tab-{view}').getAttribute('aria-controls')") == f"view-{view}"
    assert len(text(browser, f"#view-{view}")) > 40


def test_arrow_keys_go_from_tab_to_tab(browser: Browser, page: Path) -> None:
    """Around the ends, and with Home and End; only the tab that is chosen is reached by Tab."""
    browser.open(page)
    browser.run("document.querySelector('#tab-overview').focus()")
    seen = []
    for key in ("ArrowRight", "ArrowLeft", "ArrowLeft", "Home", "End"):
        browser.key(key)
        browser.until("document.activeElement.getAttribute('aria-selected') === 'true'")
        seen.append(focused(browser, "id"))
    assert seen == ["tab-map", "tab-overview", "tab-bugs", "tab-overview", "tab-bugs"]
    assert browser.run("[...document.querySelectorAll('[role=tab]')].filter((tab) => tab.tabIndex === 0).length") == 1


def test_the_way_back_is_the_browser_s(browser: Browser, page: Path) -> None:
    """Views are addresses."""
    browser.open(page)
    browser.click("#tab-bench")
    browser.until("!document.querySelector('#view-bench').hidden")
    browser.run("history.back()")
    browser.until("!document.querySelector('#view-overview').hidden")


def test_the_skip_link_leads_to_the_content(browser: Browser, page: Path) -> None:
    """It is the first thing that Tab reaches."""
    browser.open(page)
    browser.key("Tab")
    assert focused(browser, "id") == "skip"
    browser.key("Enter")
    assert focused(browser, "id") == "main"


def test_the_theme_goes_from_auto_to_light_to_dark(browser: Browser, page: Path) -> None:
    """Auto is what the system prefers; the other two are whatever it prefers."""
    browser.open(page)
    browser.run("try { localStorage.clear() } catch {}")
    browser.open(page)
    colours = {}
    for choice in ("auto", "light", "dark"):
        assert text(browser, "#theme") == f"Theme: {choice}"
        for system in ("light", "dark"):
            browser.prefer(system)
            colours[choice, system] = browser.run("getComputedStyle(document.body).backgroundColor")
        browser.click("#theme")
    light, dark = colours["auto", "light"], colours["auto", "dark"]
    assert light != dark
    assert [colours[c, s] for c in ("light", "dark") for s in ("light", "dark")] == [light, light, dark, dark]
    assert text(browser, "#theme") == "Theme: auto"


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_fits_a_narrow_screen(browser: Browser, page: Path, view: str) -> None:
    """Of 360 pixels; what is wider scrolls within itself."""
    browser.size(360)
    browser.open(page, view)
    assert browser.run("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(browser: Browser, colourful: Path, view: str, scheme: str) -> None:
    """With a contrast of at least 4.5 (WCAG 2, AA), in both lights."""
    browser.prefer(scheme)
    browser.open(colourful, view)
    browser.run("for (const fold of document.querySelectorAll('[role=tabpanel]:not([hidden]) details')) fold.open = true")
    assert browser.run(FAINT) == []


FAINT = """(() => {
  const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const parsed = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parsed(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest(":disabled, svg, .unseen, .skip, script, style")) continue;
    const [one, two] = [luminance(parsed(getComputedStyle(node).color)), luminance(behind(node))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) faint.push(`${node.textContent.slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return faint;
})()"""


@pytest.mark.parametrize("view", VIEWS)
def test_every_control_has_a_name(browser: Browser, page: Path, view: str) -> None:
    """For those who cannot see it."""
    browser.open(page, view)
    nameless = (
        "[...document.querySelectorAll('button, input, select, summary, [role=img], [role=region]')]"
        ".filter((one) => one.checkVisibility() && !(one.ariaLabel || one.labels?.[0]?.textContent || one.textContent).trim())"
        ".map((one) => one.outerHTML.slice(0, 120))"
    )
    assert browser.run(nameless) == []


# --- what is on it is not believed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [*VIEWS, "map/RULE-2", "matrix/T-STEP", "bugs/BUG-A"])
def test_text_stays_text(browser: Browser, page: Path, view: str) -> None:
    """No markup in a statement, a client's name or its last words becomes part of the page, and none of it runs."""
    browser.open(page, view)
    assert browser.run("document.title") == "mmspec report"
    assert browser.run("document.querySelectorAll('script').length") == 2
    assert browser.run("document.querySelectorAll('main b[title]').length") == 0


@pytest.mark.parametrize(
    ("view", "where"),
    [("map", "#clause-RULE-2"), ("failures", "#view-failures"), ("matrix/T-STEP", "#dialog-body")],
)
def test_hostile_text_is_shown_as_it_is(browser: Browser, page: Path, view: str, where: str) -> None:
    """Character by character, but for the backquotes of code."""
    browser.open(page, view)
    shown = browser.run(f"document.querySelector('{where}').textContent")
    assert HOSTILE.partition("`")[0] in shown


def test_a_script_that_is_not_ours_does_not_run(browser: Browser, page: Path) -> None:
    """The page's own policy lets only the one that it was made with."""
    browser.open(page)
    browser.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = 1'}))")
    assert browser.run("document.title") == "mmspec report"
    browser.until("true")
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)
    browser.complaints.clear()
