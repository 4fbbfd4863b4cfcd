// The assurance map: every rule, what it says, where it was read, and all that is known of it.

function reference(evidence) {
  const known = { proved: "matrix", bounded: "matrix" }[evidence.kind];
  const references = [evidence.ref].flat().filter(Boolean).map(String);
  return joined(references.map((one) => {
    if (known && facts.obligations.some((obligation) => obligation.id === one)) return link("matrix", one);
    if (facts.bugs.rows?.some((kill) => kill.id === one)) return link("bugs", one);
    return h("span", { class: "id" }, one);
  }));
}

function evidenceItem(one) {
  const scope = typeof one.scope === "string" ? one.scope : JSON.stringify(one.scope);
  return [badge(one.kind), " ", prose(scope ?? ""), one.ref && one.ref.length ? [h("span", { class: "dim" }, " by "), reference(one)] : null];
}

function clauseRow(clause) {
  const row = h("details", { class: "row", id: `clause-${clause.id}` },
    h("summary", {}, badge(strongest(clause)), h("span", { class: "id" }, clause.id), h("span", { class: "sentence" }, prose(clause.statement), isSeen(clause) ? [" ", h("span", { class: "badge predicted" }, "seen on Linux")] : null)));
  row.addEventListener("toggle", () => {
    if (!row.open || row.childElementCount > 1) return;
    row.append(h("div", {}, h("dl", {},
      entry("source", h("code", {}, clause.source)),
      entry("evidence", list(clause.evidence.map(evidenceItem)) ?? "none on record"),
      entry("planted bugs that it caught", joined(clause.kills.map((id) => link("bugs", id)))))));
  });
  return row;
}

view("map", "Assurance map", () => {
  const clauses = facts.assurance.clauses;
  if (!clauses) return note(facts.assurance.missing);
  const rows = clauses.map((clause) => [clause, clauseRow(clause)]);
  const kinds = Object.keys(KINDS).filter((kind) => clauses.some((clause) => strongest(clause) === kind));
  const wanted = new Set(kinds);
  const shown = h("p", { class: "dim" });
  let looked = "";
  const refilter = () => {
    let number = 0;
    for (const [clause, row] of rows) {
      const text = [clause.id, clause.statement, clause.source].join(" ").toLowerCase();
      row.hidden = !(wanted.has(strongest(clause)) && text.includes(looked));
      number += !row.hidden;
    }
    shown.textContent = `${number} of ${counted(clauses.length, "rule")}`;
    say(shown.textContent);
  };
  const boxes = kinds.map((kind) => h("label", {}, h("input", { type: "checkbox", checked: true, name: kind,
    onchange: (event) => { wanted[event.target.checked ? "add" : "delete"](kind); refilter(); } }), " ", badge(kind)));
  const tools = h("div", { class: "tools" }, search("Filter by id, words or source", (text) => { looked = text; refilter(); }),
    h("fieldset", {}, h("legend", { class: "unseen" }, "Strongest evidence"), boxes));
  refilter();
  return [h("h2", {}, "Rules and what is known of them"), tools, shown, h("div", {}, rows.map(([, row]) => row))];
}, (id, panel) => {
  const row = panel.querySelector(`#${CSS.escape(`clause-${id}`)}`);
  if (!row) return;
  row.hidden = false;
  row.open = true;
  row.scrollIntoView({ block: "center" });
  row.querySelector("summary").focus({ preventScroll: true });
});
