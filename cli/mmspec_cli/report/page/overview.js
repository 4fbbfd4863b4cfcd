// What a stranger wants to know first: what is proved, what only tested, where it was seen to hold, what is trusted.

/** What the page calls the kinds of evidence, strongest first; the facts say what each means. */
const KINDS = { proved: "proved", bounded: "proved within bounds", tested: "tested", agreed: "agreed", predicted: "predicted",
  explored: "explored", manual: "cited only", none: "nothing" };

function meaning(kind) {
  return facts.assurance.kinds?.[kind] ?? "no evidence is on record";
}

function strongest(clause) {
  return clause.evidence.length ? clause.evidence[0].kind : "none";
}

function byKind(clauses) {
  const found = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]));
  for (const clause of clauses) (found[strongest(clause)] ??= []).push(clause);
  return found;
}

function kindName(kind) {
  return KINDS[kind] ?? kind;
}

function badge(kind) {
  return h("span", { class: `badge ${kind}` }, kindName(kind));
}

function strength(found) {
  const kinds = Object.entries(found).filter(([, clauses]) => clauses.length);
  const bar = h("div", { class: "stack-bar", role: "img", "aria-label": kinds.map(([kind, its]) => `${its.length} ${kindName(kind)}`).join(", ") });
  for (const [kind, its] of kinds) {
    const part = h("span", { class: kind });
    part.style.flexGrow = its.length;
    bar.append(part);
  }
  const legend = kinds.map(([kind, its]) => h("li", { class: kind }, h("i"), `${its.length} ${kindName(kind)}`, h("span", { class: "dim" }, `: ${meaning(kind)}`)));
  return [bar, h("ul", { class: "strength" }, legend)];
}

function card(kind, title, count, ...content) {
  return h("section", { class: `card ${kind}` }, h("h2", {}, title), count === null ? null : h("p", { class: "count" }, count), content);
}

function clauseList(clauses, label) {
  if (!clauses.length) return null;
  const items = clauses.map((clause) => [link("map", clause.id), " ", prose(clause.statement)]);
  return h("details", {}, h("summary", {}, label), list(items));
}

function provedCard(found, clauses) {
  const standing = {};
  for (const one of facts.obligations) {
    const word = one.verdict === "PROVED" ? one.scope.kind : "open";
    standing[word] = (standing[word] ?? 0) + 1;
  }
  const theorems = [[standing.all, "for all sizes"], [standing.bounded, "within stated bounds"], [standing.open, "open"]];
  return card("proved", "Proved", [`${found.proved.length} `, h("small", {}, `of ${counted(clauses.length, "rule")}, for states of every size`)],
    h("p", {}, "A solver went through every path of the very functions that run; nothing was typed again for it. A theorem states the rule or a part of it: the map names each."),
    clauseList(found.proved, "Which rules"),
    found.bounded.length ? h("p", {}, h("b", {}, `${found.bounded.length} more `), "up to a size that the map names.") : null,
    clauseList(found.bounded, "Which rules, within bounds"),
    h("p", { class: "dim" }, counted(facts.obligations.length, "theorem"), ": ", joined(theorems.filter(([n]) => n).map(([n, what]) => `${n} ${what}`)), ". ",
      h("a", { href: "#matrix" }, "Matrix")));
}

function testedCard(found) {
  const only = ["tested", "agreed", "predicted", "explored"].flatMap((kind) => found[kind]);
  const bare = [...found.manual, ...found.none];
  const kills = facts.bugs.rows;
  return card("tested", "Only tested", [`${only.length} `, h("small", {}, only.length === 1 ? "rule" : "rules")],
    h("p", {}, "Nothing is proved of these; generated programs or real systems found nothing wrong with them."),
    clauseList(only, "Which rules"),
    kills ? h("p", {}, `${kills.filter((kill) => kill.killed).length} of ${kills.length} wrong versions planted on purpose were found. `, h("a", { href: "#bugs" }, "Seeded bugs")) : note(facts.bugs.missing),
    bare.length ? [h("p", { class: "bad" }, `Shown by nothing yet: ${counted(bare.length, "rule")}.`), clauseList(bare, "Which rules, without evidence")] : h("p", {}, "No rule stands without evidence."));
}

function systemOf(one) {
  const size = one.memory_kib ? `${Math.round(one.memory_kib / 1024)} MiB` : null;
  const machine = [size, counted(one.cpus, "CPU"), counted(one.nodes, "node")].filter(Boolean).join(", ");
  const followed = one.replays.map((run) => h("li", {}, verdict(run.verdict), ` ${run.machine}, ${run.engine === "spec" ? "the specification" : "our implementation"}: `
    + `${counted(run.events, "event")}, ${counted(run.operations, "operation")} followed; ${run.lists_equal} of ${run.lists_compared} sets of free blocks equal those found in the machine's RAM`,
  run.first_miss ? h("span", { class: "bad" }, `; first difference: ${run.first_miss}`) : null));
  const good = one.checks.filter((check) => check.verdict === "pass").length;
  const rows = one.checks.map((check) => h("li", {}, verdict(check.verdict), ` ${check.tag} ${check.check}: ${check.detail}`));
  return h("li", {}, h("b", {}, `Linux ${one.kernel ?? "(version not recorded)"}`), ` (${machine}): `, verdict(one.verdict), h("ul", {}, followed),
    h("details", {}, h("summary", {}, `${good} of ${counted(one.checks.length, "check")} of its snapshots passed`), h("ul", {}, rows)));
}

function realCard() {
  if (facts.real.missing) return card("predicted", "Seen on real systems", null, note(facts.real.missing));
  const seen = (facts.assurance.clauses ?? []).filter((clause) => clause.evidence.some((one) => one.kind === "agreed" || one.kind === "predicted"));
  const conformed = facts.steps.filter((step) => step.name.startsWith("conform "));
  return card("predicted", "Seen on real systems", [`${facts.real.length} `, h("small", {}, facts.real.length === 1 ? "recorded kernel" : "recorded kernels")],
    h("p", {}, "The raw trace of a stock kernel drove the specification, and what it foretold was held against the machine's memory."),
    seen.length ? [h("p", {}, h("b", {}, counted(seen.length, "rule")), seen.length === 1 ? " was" : " were", " seen to hold there."), clauseList(seen, "Which rules, seen there")] : null,
    h("ul", {}, facts.real.map(systemOf)),
    conformed.length ? [h("p", {}, "Running implementations, held against it here:"), stepList(conformed)] : null);
}

/** Return what is amiss with the records that the rules' evidence is read from. */
function amiss() {
  const { broken = {}, stale = {}, missing = [] } = facts.assurance;
  const lines = [...Object.entries(broken).map(([name, what]) => [`${name}: ${what.join("; ")}`, "bad"]),
    ...Object.entries(stale).map(([name, what]) => [`Not counted, since the text has changed: ${what.length} of the ${name}.`, ""]), ...missing.map((what) => [what, ""])];
  return lines.map(([what, kind]) => note(what, kind));
}

function stepList(steps) {
  return h("ul", {}, steps.map((step) => h("li", {}, verdict(step.verdict), ` ${step.name}: ${step.detail}`)));
}

function trustedCard() {
  if (facts.trusted.missing) return card("manual", "Trusted", null, note(facts.trusted.missing));
  const assumed = new Map();
  for (const one of facts.obligations) {
    for (const what of one.assumptions) if (!what.startsWith("proved apart: ")) assumed.set(what, (assumed.get(what) ?? 0) + 1);
  }
  const whys = facts.trusted.rows.map((row) => [h("b", {}, prose(row.what)), ": ", prose(row.why)]);
  return card("manual", "Trusted", [`${facts.trusted.rows.length} `, h("small", {}, "things that a proof rests on")],
    h("p", {}, joined(facts.trusted.rows.map((row) => prose(row.what)), "; "), "."),
    h("details", {}, h("summary", {}, "Why, and what stands against a mistake"), list(whys)),
    assumed.size ? h("details", {}, h("summary", {}, `${counted(assumed.size, "assumption")} that theorems name`), list([...assumed].map(([what, number]) => [prose(what), h("span", { class: "dim" }, ` (${counted(number, "theorem")})`)]))) : null,
    h("h3", {}, "Known to be not proved"), list(facts.trusted.not_proved.map(prose)));
}

view("overview", "Overview", () => {
  const clauses = facts.assurance.clauses;
  const found = byKind(clauses ?? []);
  const lead = clauses
    ? [h("p", {}, `${counted(clauses.length, "rule")} (${facts.machines.join(", ")}): each is one sentence with its place in the kernel's source, written once as a function that runs. The strongest that is known of each:`), strength(found), amiss()]
    : note(facts.assurance.missing);
  const steps = facts.steps.length ? [h("h2", {}, "What this run did"), table("Steps", [["step", (step) => step.name], ["verdict", (step) => verdict(step.verdict)], ["seconds", (step) => figure(step.seconds), true], ["what came of it", (step) => step.detail]], facts.steps)] : null;
  return [h("h2", {}, "How far can one rely on it?"), lead, h("div", { class: "cards" }, clauses ? [provedCard(found, clauses), testedCard(found)] : null, realCard(), trustedCard()), steps];
});
