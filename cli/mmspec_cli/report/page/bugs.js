// Seeded bugs: wrong versions of the rules, what found each, and the shrunk program as a story.

function killOf(kill) {
  return [h("dl", {}, entry("what was planted", kill.what), entry("reference", kill.reference), entry("rule", link("map", kill.expected || kill.clause)),
    entry("found by", kill.by), entry("profile", kill.profile), entry("what it showed", kill.explanation), entry("why it does not count", kill.reason)),
  kill.story ? storyOf(kill.story) : null];
}

view("bugs", "Seeded bugs", () => {
  const title = h("h2", {}, "Bugs that were planted on purpose");
  if (facts.bugs.missing) return [title, note(facts.bugs.missing)];
  const { rows, medians, unexpressed } = facts.bugs;
  const killed = rows.filter((kill) => kill.killed).length;
  const open = (kill) => openDialog(kill.id, killOf(kill));
  const columns = [["bug", (kill) => h("button", { type: "button", class: "link id", onclick: () => open(kill) }, kill.id)],
    ["what was planted", (kill) => kill.what ?? kill.explanation], ["rule", (kill) => link("map", kill.clause ?? kill.expected)],
    ["found by", (kill) => (kill.killed ? [h("b", { class: "good" }, "✓\u00a0"), kill.by] : h("b", { class: "bad" }, "alive"))],
    ["operations", (kill) => figure(kill.ops), true], ["shrunk to", (kill) => figure(kill.shrunk_ops), true], ["seconds", (kill) => figure(kill.seconds), true]];
  const body = table("Choose a bug to step through the program that shows it", columns, rows);
  const shown = h("p", { class: "dim" });
  const lines = [...body.querySelectorAll("tbody tr")];
  const refilter = (text) => {
    for (const line of lines) line.hidden = !line.textContent.toLowerCase().includes(text);
    shown.textContent = `${lines.filter((line) => !line.hidden).length} of ${counted(rows.length, "bug")}`;
    say(shown.textContent);
  };
  refilter("");
  const missing = {};
  for (const [id, what] of Object.entries(unexpressed ?? {})) (missing[what] ??= []).push(id);
  const later = list(Object.entries(missing).map(([what, ids]) => [`${what}: `, h("span", { class: "id" }, ids.join(" "))]));
  return [title, h("p", {}, h("b", {}, `${killed} of ${rows.length} were found`), `. Median time to find one: ${figure(medians.seconds)} s; median length of the program that shows it: ${figure(medians.shrunk_ops)} operations. Each was planted in the specification's text, the implementation's, or both; ids with a number are bugs of Linux's history, and those that are not listed cannot be expressed yet (below).`),
    facts.bugs.stale?.length ? note(`Not counted, since the text has changed: ${facts.bugs.stale.join(" ")}`) : null,
    h("div", { class: "tools" }, search("Filter by bug, rule or words", refilter)), shown, body,
    later ? h("details", {}, h("summary", {}, `${counted(Object.keys(unexpressed).length, "known bug")} cannot be expressed yet`), later) : null];
}, (id) => {
  const kill = facts.bugs.rows?.find((one) => one.id === id);
  if (kill) openDialog(kill.id, killOf(kill));
});
