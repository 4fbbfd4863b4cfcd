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
    h("p", {}, "A solver went through every path of the very functions that run, the specification's and the implementation's; nothing was typed again for it. A theorem states the rule or a part of it (the map names each), with every number in its declared range."),
    clauseList(found.proved, "Which rules"),
    found.bounded.length ? h("p", {}, h("b", {}, `${found.bounded.length} more `), "up to a size that the map names.") : null,
    clauseList(found.bounded, "Which rules, within bounds"),
    h("p", { class: "dim" }, counted(facts.obligations.length, "theorem"), ": ", joined(theorems.filter(([n]) => n).map(([n, what]) => `${n} ${what}`)), ". ",
      h("a", { href: "#matrix" }, "Proofs")));
}

function testedCard(found) {
  const only = ["tested", "agreed", "predicted", "explored"].flatMap((kind) => found[kind]);
  const bare = [...found.manual, ...found.none];
  const kills = facts.bugs.rows;
  return card("tested", "Only tested", [`${only.length} `, h("small", {}, only.length === 1 ? "rule" : "rules")],
    h("p", {}, "No theorem speaks of these. Generated programs and real systems found nothing wrong with them, and do find what is wrong in versions that were made wrong on purpose."),
    clauseList(only, "Which rules"),
    kills ? h("p", {}, `${kills.filter((kill) => kill.killed).length} of ${kills.length} wrong versions planted on purpose, of all rules, were found. `, h("a", { href: "#bugs" }, "Seeded bugs")) : note(facts.bugs.missing),
    bare.length ? [h("p", { class: "bad" }, `Shown by nothing yet: ${counted(bare.length, "rule")}.`), clauseList(bare, "Which rules, without evidence")] : h("p", {}, "No rule stands without evidence."));
}

function systemOf(one) {
  const size = one.memory_kib ? `${Math.round(one.memory_kib / 1024)} MiB` : null;
  const machine = [size, counted(one.cpus, "CPU"), counted(one.nodes, "node")].filter(Boolean).join(", ");
  const followed = one.replays.map((run) => h("li", {}, verdict(run.verdict), ` ${run.machine}, ${run.engine === "spec" ? "the specification" : "our implementation"}: `
    + `${counted(run.operations, "operation")} followed, read from ${counted(run.events, "trace event")}; ${run.predicted === null ? "" : `${run.predicted} of ${counted(run.allocations, "allocation")} foretold; `}${run.lists_equal} of ${run.lists_compared} ${run.predicted === null ? "sets of free blocks" : "ordered free lists"} equal those found in the machine's RAM`,
  run.first_miss ? h("span", { class: "bad" }, `; first difference: ${run.first_miss}`) : null));
  const good = one.checks.filter((check) => check.verdict === "pass").length;
  const rows = one.checks.map((check) => h("li", {}, verdict(check.verdict), ` ${check.tag} ${check.check}: ${check.detail}`));
  return h("li", {}, h("b", {}, `Linux ${one.kernel ?? "(version not recorded)"}`), ` (${machine}): `, verdict(one.verdict), h("ul", {}, followed),
    h("details", {}, h("summary", {}, `${good} of ${counted(one.checks.length, "check")} of its snapshots passed`), h("ul", {}, rows)));
}

/** Tell whether a rule was seen to hold on a real system. */
function isSeen(clause) {
  return clause.evidence.some((one) => one.kind === "agreed" || one.kind === "predicted");
}

function realCard() {
  if (facts.real.missing) return card("predicted", "Seen on real systems", null, note(facts.real.missing));
  const clauses = facts.assurance.clauses ?? [];
  const seen = clauses.filter(isSeen);
  const conformed = facts.steps.filter((step) => step.name.startsWith("conform "));
  return card("predicted", "Seen on real systems", [`${facts.real.length} `, h("small", {}, facts.real.length === 1 ? "recorded kernel" : "recorded kernels")],
    h("p", {}, "The raw trace of a stock kernel drove the specification, and what it foretold was held against the machine's memory."),
    seen.length ? [h("p", {}, h("b", {}, counted(seen.length, "rule")), seen.length === 1 ? " was" : " were", " seen to hold there. The recorded runs do not need the others, or could not show that one fails."), clauseList(seen, "Which rules, seen there")] : null,
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

/** Return in a line each what failed, which records are of another text, and what was not measured. */
function summary() {
  const failures = facts.failures.rows.filter((one) => one.kind !== "demonstration").length;
  const open = facts.obligations.filter((one) => one.verdict !== one.expected).length;
  const unfound = (facts.bugs.rows ?? []).filter((kill) => !kill.killed).length;
  const systems = facts.real.missing ? 0 : facts.real.filter((one) => one.verdict !== "pass").length;
  const steps = facts.steps.filter((step) => !["pass", "skipped"].includes(step.verdict)).length;
  const against = Object.values(facts.assurance.broken ?? {}).flat().length;
  const failed = [[failures, "kept failure"], [open, "theorem that is not as expected", "theorems that are not as expected"], [unfound, "planted bug that was not found", "planted bugs that were not found"],
    [systems, "recorded kernel that was not followed", "recorded kernels that were not followed"], [steps, "step of this run", "steps of this run"],
    [against, "record that speaks against a rule", "records that speak against a rule"]].filter(([number]) => number);
  const gone = Object.keys(facts.assurance.stale ?? {}).length + (facts.bugs.stale?.length ?? 0);
  const absent = Object.entries({ "the rules": facts.assurance, "planted bugs": facts.bugs, "real systems": facts.real, benchmarks: facts.bench }).filter(([, section]) => section.missing && !Array.isArray(section.missing)).map(([name]) => name);
  return h("ul", { class: "standing" },
    h("li", {}, "Failed: ", failed.length ? h("b", { class: "bad" }, joined(failed.map(([number, ...what]) => counted(number, ...what)))) : h("b", { class: "good" }, "nothing"), failed.length ? "" : " on this page: no theorem, no planted bug that was missed, no recorded kernel, no kept failure"),
    h("li", {}, "Out of date: ", gone ? h("b", { class: "bad" }, "some records, see below") : h("b", { class: "good" }, "nothing"), gone ? "" : ": every record is of the text as it is now"),
    h("li", {}, "Not measured: ", absent.length ? h("b", { class: "unsure" }, joined(absent)) : h("b", { class: "good" }, "nothing")));
}

view("overview", "Overview", () => {
  const clauses = facts.assurance.clauses;
  const found = byKind(clauses ?? []);
  const lead = clauses
    ? [h("p", {}, `mmspec is an executable specification of Linux's memory management (here: ${facts.machines.join(", ")}), and an optimised implementation of it. Each of its ${counted(clauses.length, "rule")} is one sentence with its place in the kernel's source, written once as a function that runs. Proofs and tests are about these functions, not about Linux's code in C; how far Linux itself keeps them is what its traces show. The strongest that is known of each rule:`), strength(found), amiss()]
    : note(facts.assurance.missing);
  const steps = facts.steps.length ? [h("h2", {}, "What this run did"), table("Steps", [["step", (step) => step.name], ["verdict", (step) => verdict(step.verdict)], ["seconds", (step) => figure(step.seconds), true], ["what came of it", (step) => step.detail]], facts.steps)] : null;
  return [h("h2", {}, "How far can one rely on it?"), summary(), lead, h("div", { class: "cards" }, clauses ? [provedCard(found, clauses), testedCard(found)] : null, realCard(), trustedCard()), steps];
});
