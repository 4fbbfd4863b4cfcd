// The matrix: what is proved of each operation, and of the functions and loops that it is made of.

/** What a cell may be: its sign, its colour, and what it says to somebody who cannot see it. */
const CELLS = {
  proved: ["✓", "proved", "proved for all sizes"], bounded: ["✓ᵇ", "bounded", "proved within bounds or under an assumption"],
  open: ["?", "none", "open"], unwritten: ["○", "explored", "not proved: nobody has written it"], unasked: ["–", "manual", "not asked"],
};

function standing(text) {
  if (/^PROVED\b/.test(text)) return text === "PROVED" ? "proved" : "bounded";
  if (/^(UNKNOWN|REFUTED|ERROR)\b/.test(text)) return "open";
  return text.startsWith("not proved") ? "unwritten" : "unasked";
}

function obligationCard(one) {
  const bounds = Object.entries(one.scope.bounds).map(([name, limit]) => `${name} ${limit}`);
  const apart = one.assumptions.filter((what) => what.startsWith("proved apart: ")).map((what) => what.slice("proved apart: ".length));
  const assumed = one.assumptions.filter((what) => !what.startsWith("proved apart: "));
  const subject = one.subject.map((number) => facts.functions[number]);
  const functions = subject.map((part) => [h("code", {}, part.name), h("span", { class: "dim" }, ` ${part.file}:${part.line}`)]);
  const solvers = one.solvers.map((solver) => [`${solver.name} ${solver.version}: `, verdict(solver.verdict)]);
  const effort = one.cached || one.paths ? `${counted(one.paths, "path")}, ${figure(one.seconds)} s` : null;
  return h("article", {}, h("h3", {}, h("span", { class: "id" }, one.id), " ", verdict(one.verdict)), h("p", {}, prose(one.statement)),
    h("dl", {}, entry("scope", one.scope.kind === "all" ? "states of every size" : joined(bounds)), entry("assumed", list(assumed.map(prose))),
      entry("why not", one.reason ? prose(one.reason) : null), entry("rules", joined(one.clauses.map((id) => link("map", id)))),
      entry("about", list(functions)), entry("solvers", list(solvers)), entry("effort", effort),
      entry("counterexample", one.counterexample ? h("code", {}, JSON.stringify(one.counterexample)) : null),
      entry("notes", list(one.flags.map(prose))),
      entry("proved apart", apart.length ? h("details", {}, h("summary", {}, counted(apart.length, "theorem")), list(apart.map((id) => link("matrix", id)))) : null),
      entry("hypotheses", one.hypotheses.length ? h("details", {}, h("summary", {}, counted(one.hypotheses.length, "hypothesis used", "hypotheses used")), list(one.hypotheses.map((name) => h("code", {}, name)))) : null)));
}

function theorems(row, column) {
  return facts.obligations.filter((one) => one.row === row && one.column === column);
}

function openCell(row, column) {
  const text = facts.matrix[row][column];
  const its = theorems(row, column);
  openDialog(`${row}: ${column}`, its.length ? its.map(obligationCard) : note(text));
}

function cell(row, column, word = "") {
  const text = facts.matrix[row][column];
  if (text === undefined) return null;
  const [sign, kind, meaning] = CELLS[standing(text)];
  return h("button", { type: "button", class: kind, title: text, "aria-label": `${row}, ${column}: ${meaning}`, onclick: () => openCell(row, column) }, word ? `${sign} ${word}` : sign);
}

/** Return the rows in groups that have the same columns, in their order. */
function grouped() {
  const groups = new Map();
  for (const [row, cells] of Object.entries(facts.matrix)) {
    const columns = Object.keys(cells);
    const key = JSON.stringify([...columns].sort());
    if (!groups.has(key)) groups.set(key, { columns, rows: [] });
    groups.get(key).rows.push(row);
  }
  return [...groups.values()];
}

function shortest(rows) {
  const component = rows[0].split(" ")[0];
  return rows.every((row) => row.startsWith(`${component} `)) ? component : "";
}

function crossTable(group) {
  const component = shortest(group.rows);
  const heads = group.rows.map((row) => h("th", { scope: "col" }, row.slice(component ? component.length + 1 : 0)));
  const body = group.columns.map((column) => h("tr", { "data-text": matrixText(group.rows, [column]) }, h("th", { scope: "row" }, column), group.rows.map((row) => h("td", {}, cell(row, column)))));
  const caption = `${component || "all"}: ${counted(group.columns.length, "property", "properties")} of ${counted(group.rows.length, "operation")}`;
  return h("div", { class: "scroll matrix", role: "region", tabindex: "0", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, h("td"), heads)), h("tbody", {}, body)));
}

function matrixText(rows, columns) {
  const words = rows.flatMap((row) => columns.flatMap((column) => [row, column, ...theorems(row, column).flatMap((one) => [one.id, one.statement])]));
  return words.join(" ").toLowerCase();
}

function part(row) {
  const columns = Object.keys(facts.matrix[row]);
  return h("section", { "data-text": matrixText([row], columns) }, h("h3", {}, row), columns.map((column) => cell(row, column, column)));
}

view("matrix", "Proofs", () => {
  const groups = grouped();
  const crossed = groups.filter((group) => group.rows.length > 2 && group.columns.length > 4);
  const parts = groups.filter((group) => !crossed.includes(group)).flatMap((group) => group.rows);
  const legend = Object.values(CELLS).map(([sign, kind, meaning]) => h("li", { class: kind }, h("b", {}, sign), ` ${meaning}`));
  const body = h("div", {}, crossed.map(crossTable), parts.length ? [h("h2", {}, "The functions and loops that they are made of"), h("div", { class: "parts" }, parts.map(part))] : null);
  const shown = h("p", { class: "dim" });
  const refilter = (text) => {
    const rows = [...body.querySelectorAll("[data-text]")];
    for (const row of rows) row.hidden = !row.dataset.text.includes(text);
    shown.textContent = `${rows.filter((row) => !row.hidden).length} of ${counted(rows.length, "row")}`;
    say(shown.textContent);
  };
  refilter("");
  return [h("h2", {}, "What is proved of which operation"), h("p", {}, "Choose a cell to see what it states, of which functions, for which sizes, and who decided it."),
    h("ul", { class: "legend" }, legend), h("div", { class: "tools" }, search("Filter by property, function or theorem", refilter)), shown, body];
}, (id) => {
  const one = facts.obligations.find((obligation) => obligation.id === id);
  if (one) openDialog(`${one.row}: ${one.column}`, obligationCard(one));
});
