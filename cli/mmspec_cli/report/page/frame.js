// The frame of the page: tabs, the address that names a view and a thing in it, and the light.

const views = [];

/** Add a view: its name in the address, its title, what builds it, and what shows one thing of it. */
function view(name, title, build, show = () => {}) {
  views.push({ name, title, build, show, built: false });
}

/** Return a link to a thing in a view. */
function link(name, thing, ...text) {
  return h("a", { href: `#${name}/${encodeURIComponent(thing)}` }, text.length ? text : h("span", { class: "id" }, thing));
}

function select(wanted) {
  for (const one of views) {
    const chosen = one === wanted;
    one.tab.setAttribute("aria-selected", String(chosen));
    one.tab.tabIndex = chosen ? 0 : -1;
    one.panel.hidden = !chosen;
    if (chosen) one.tab.scrollIntoView({ block: "nearest", inline: "center" });
  }
  if (!wanted.built) {
    wanted.panel.append(...[wanted.build(facts)].flat(Infinity).filter(Boolean));
    wanted.built = true;
  }
}

let leaving = false; // whether the dialog closes because the address has changed, and not because somebody closed it

function follow() {
  const [name, thing] = location.hash.slice(1).split("/");
  const wanted = views.find((one) => one.name === name) ?? views[0];
  const dialog = document.getElementById("dialog");
  leaving = dialog.open;
  if (leaving) dialog.close();
  select(wanted);
  if (thing) wanted.show(decodeURIComponent(thing), wanted.panel);
}

function tabKeys(event) {
  const at = views.findIndex((one) => one.tab === event.target);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: views.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  const wanted = views[(to + views.length) % views.length];
  location.hash = wanted.name;
  wanted.tab.focus();
}

function raise() {
  const tabs = document.getElementById("tabs");
  const main = document.getElementById("main");
  for (const one of views) {
    one.tab = h("button", { type: "button", role: "tab", id: `tab-${one.name}`, "aria-controls": `view-${one.name}`, onclick: () => { location.hash = one.name; } }, one.title);
    one.panel = h("section", { role: "tabpanel", id: `view-${one.name}`, "aria-labelledby": `tab-${one.name}`, tabindex: "0" });
    tabs.append(one.tab);
    main.append(one.panel);
  }
  tabs.addEventListener("keydown", tabKeys);
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
  document.getElementById("dialog-close").addEventListener("click", () => document.getElementById("dialog").close());
  document.getElementById("dialog").addEventListener("click", (event) => { if (event.target === event.currentTarget) event.target.close(); });
  document.getElementById("dialog").addEventListener("close", () => {
    const [name, thing] = location.hash.slice(1).split("/");
    if (thing && !leaving) history.replaceState(null, "", `#${name}`);
    leaving = false;
  });
  addEventListener("hashchange", follow);
  follow();
}

const LIGHTS = ["auto", "light", "dark"];

function light(wanted) {
  if (wanted === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
  document.getElementById("theme").textContent = `Theme: ${wanted}`;
  try { localStorage.setItem("mmspec-light", wanted); } catch { /* a page of a file may have no storage */ }
}

function lights() {
  let now = "auto";
  try { now = localStorage.getItem("mmspec-light") ?? "auto"; } catch { /* as above */ }
  if (!LIGHTS.includes(now)) now = "auto";
  light(now);
  document.getElementById("theme").addEventListener("click", () => {
    now = LIGHTS[(LIGHTS.indexOf(now) + 1) % LIGHTS.length];
    light(now);
  });
}
