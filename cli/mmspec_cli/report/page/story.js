// A program step by step: what was asked and answered, what the specification says, and the state before and after.

function place(picture, offset) {
  return `0x${(BigInt(picture.start) + BigInt(offset)).toString(16)}`;
}

function same(strips, label) {
  const strip = strips.find((one) => one.label === label);
  return new Set((strip?.scale === 1 ? strip.runs : []).map(String));
}

/** Return a run as a rectangle: apart from its neighbours where there is room to see that, and never too narrow to be seen. */
function rectangle(picture, [first, count], kind) {
  const room = count / picture.places;
  const width = Math.max(count, picture.places / 250);
  return svg("rect", { x: Math.min(first, picture.places - width), y: 0, width, height: 1, class: `${kind} ${room > 1 / 100 ? "apart" : ""}` }, svg("title", {}, `${place(picture, first)} to ${place(picture, first + count)}`));
}

function stripRow(picture, strip, other, changed) {
  const elsewhere = other && strip.scale === 1 ? same(other.strips, strip.label) : null;
  const rects = strip.runs.map(([first, count]) => {
    const fresh = elsewhere && !elsewhere.has(String([first, count]));
    return rectangle(picture, [first, count], fresh ? changed : strip.filled ? "" : "plain");
  });
  const said = strip.runs.slice(0, 40).map(([first, count]) => `${place(picture, first)} to ${place(picture, first + count)}`).join(", ");
  return h("div", { class: "strip" }, h("span", {}, strip.label),
    svg("svg", { viewBox: `0 0 ${picture.places} 1`, preserveAspectRatio: "none", role: "img", "aria-label": `${strip.label}: ${said}` }, rects),
    h("span", { class: "count", title: strip.scale > 1 ? "drawn coarser: some are joined" : null }, strip.scale > 1 ? `~${strip.count}` : strip.count));
}

function listRows(picture, other, changed) {
  const rows = picture.lists.map((one) => {
    const theirs = new Set(other?.lists.find((two) => two.name === one.name)?.members ?? []);
    const members = one.members.map((member) => h("span", { class: other && !theirs.has(member) ? changed : null }, member));
    return [h("dt", {}, one.name), h("dd", { class: "id" }, joined(members, " → "), one.more ? ` and ${one.more} more` : null)];
  });
  return rows.length ? h("details", { class: "lists", open: picture.lists.length <= 6 }, h("summary", {}, "Ordered lists, head first"), h("dl", {}, rows)) : null;
}

function markRow(picture, marks) {
  const shown = [...new Set(marks)];
  if (!shown.length) return null;
  const needles = shown.map((mark) => rectangle(picture, [mark, 1], "needle"));
  const names = shown.map((mark) => place(picture, mark)).join(", ");
  return h("div", { class: "strip" }, h("span", {}, "named here"), svg("svg", { viewBox: `0 0 ${picture.places} 1`, preserveAspectRatio: "none", role: "img", "aria-label": names }, needles), h("span"));
}

/** Return a picture; what is not in the other one is drawn in the colour of what changed, and what the step names is marked. */
function pictureOf(title, picture, other, changed, marks) {
  return h("figure", {}, h("figcaption", {}, title),
    markRow(picture, marks), picture.strips.map((strip) => stripRow(picture, strip, other, changed)),
    h("div", { class: "strip axis" }, h("span", {}, `${picture.unit}s`), h("span", { class: "ends id" }, h("span", {}, picture.start), h("span", {}, picture.end)), h("span")),
    listRows(picture, other, changed));
}

function lawSays(scene) {
  const clause = facts.assurance.clauses?.find((one) => one.id === scene.broken);
  const met = scene.met.length ? h("p", { class: "dim" }, "Rules that decided here: ", joined(scene.met.map((id) => link("map", id)))) : null;
  if (scene.broken) {
    return h("div", { class: "verdict bad" }, h("p", {}, h("b", { class: "bad" }, "The specification says no: "), link("map", scene.broken), clause ? [" ", prose(clause.statement)] : null), h("p", {}, scene.says), met);
  }
  const said = scene.reply === null ? "There was no reply to judge." : scene.reply.unsupported ? "The client does not carry this out; nothing is judged." : "The specification says yes: this answer is lawful.";
  return h("div", { class: "verdict" }, h("p", {}, said), met);
}

function sceneOf(story, scene) {
  const [before, after] = [story.pictures[scene.before], story.pictures[scene.after]];
  const pictures = scene.broken
    ? [pictureOf("Before: the state that the wrong answer met", before, null, "", scene.marks)]
    : [pictureOf("Before", before, after, "went", scene.marks), pictureOf("After", after, before, "came", scene.marks)];
  return [h("h3", {}, `Step ${scene.step}: `, h("code", {}, scene.asked)), h("p", {}, "was answered ", h("code", {}, scene.answered)),
    lawSays(scene), h("div", { class: "pictures" }, pictures)];
}

/** Return what a configuration sets, a word each. */
function configured(config) {
  const set = Object.entries(config).filter(([, value]) => !(Array.isArray(value) && !value.length));
  return joined(set.map(([name, value]) => h("code", {}, `${name}\u00a0${typeof value === "object" ? JSON.stringify(value) : value}`)), " ");
}

/** Return a story with its controls: previous, next, a slider, the list of steps, and the arrow keys. */
function storyOf(story) {
  if (!story.scenes?.length) {
    const steps = (story.steps ?? []).map(([name, args]) => h("code", {}, `${name} ${JSON.stringify(args)}`));
    return h("div", {}, note(story.missing ?? "It broke before the first step."), list(steps));
  }
  const last = story.scenes.length - 1;
  let at = 0;
  const now = h("div", { class: "now" });
  const scene = h("div", { class: "scene" });
  const slider = h("input", { type: "range", min: 0, max: last, step: 1, value: 0, "aria-label": "Step", oninput: () => go(Number(slider.value)) });
  const previous = h("button", { type: "button", onclick: () => go(at - 1) }, "◂ Previous");
  const next = h("button", { type: "button", onclick: () => go(at + 1) }, "Next ▸");
  const steps = story.scenes.map((one, index) => h("button", { type: "button", class: one.broken ? "broken" : null, onclick: () => go(index) },
    `${one.broken ? "✗" : one.reply === null ? "·" : "✓"} ${one.step} ${one.asked} = ${one.answered}`));
  const go = (wanted) => {
    at = Math.min(Math.max(wanted, 0), last);
    slider.value = at;
    slider.setAttribute("aria-valuetext", `step ${story.scenes[at].step}: ${story.scenes[at].asked}`);
    previous.disabled = at === 0;
    next.disabled = at === last;
    steps.forEach((step, index) => (index === at ? step.setAttribute("aria-current", "step") : step.removeAttribute("aria-current")));
    scene.replaceChildren(...sceneOf(story, story.scenes[at]));
    say(`Step ${story.scenes[at].step}: ${story.scenes[at].asked} was answered ${story.scenes[at].answered}${story.scenes[at].broken ? `, which breaks ${story.scenes[at].broken}` : ""}`);
  };
  const keys = (event) => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined || event.target === slider || event.target.matches(".scroll")) return;
    event.preventDefault();
    go(to);
  };
  now.append(h("div", { class: "moves" }, previous, slider, next), scene);
  const earlier = story.skipped ? note(`The first ${counted(story.skipped, "step")} of the program are not shown.`) : null;
  const whole = h("div", { class: "story", tabindex: "0", role: "group", "aria-label": "Program, step by step: arrow keys go back and forth", onkeydown: keys },
    h("div", {}, earlier, h("p", { class: "dim" }, "on ", configured(story.config)), h("ol", { class: "steps" }, steps.map((step) => h("li", {}, step)))), now);
  go(last);
  return whole;
}
