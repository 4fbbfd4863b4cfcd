// Failures that were kept, each as a story.

function failureOf(one) {
  if (one.kind === "damaged") return note(one.error, "bad");
  const demonstration = one.kind === "demonstration"
    ? note(`No failure is on record: no failure file lies in \`${facts.failures.folder}\`. As a demonstration, this is what a wrong version that was planted on purpose looks like.`) : null;
  const about = h("dl", {}, entry("client", h("code", {}, one.note.client)), entry("profile", one.note.profile), entry("rule that it broke", link("map", one.note.clause)),
    entry("what happened", one.note.explanation), entry("the client's last lines", list(one.note.errors.map((line) => h("code", {}, line)))));
  return h("div", {}, demonstration, about, storyOf(one));
}

view("failures", "Failures", () => {
  const { rows, more, folder } = facts.failures;
  const title = h("h2", {}, "Failures, step by step");
  if (!rows.length) return [title, note(`No failure file lies in \`${folder}\`, and no seeded bug is on record to show what one would look like.`)];
  const body = h("div");
  const pick = h("select", { "aria-label": "Failure", onchange: () => body.replaceChildren(failureOf(rows[pick.value])) },
    rows.map((one, index) => h("option", { value: index }, one.kind === "failure" ? `${one.title}: ${one.note.clause}` : `${one.title} (${one.kind})`)));
  body.append(failureOf(rows[0]));
  return [title, h("div", { class: "tools" }, pick, more ? h("span", { class: "dim" }, `${more} older ones lie in ${folder}`) : null), body];
});
