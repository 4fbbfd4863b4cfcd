// Elements out of data. Text is always text: nothing on this page is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";
const facts = JSON.parse(document.getElementById("data").textContent);

function filled(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return a new element with attributes, listeners (onclick) and children. */
function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** Return a new SVG element. */
function svg(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

/** Return text in which what stands between backquotes is code. */
function prose(text) {
  return String(text).split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** Return a paragraph that says what is not known here, and how to find out. */
function note(text, kind = "") {
  return h("p", { class: `note ${kind}` }, prose(text));
}

/** Return a term and what is to be said of it, or nothing if there is nothing. */
function entry(term, ...what) {
  const said = what.flat(Infinity).filter((part) => part !== null && part !== undefined && part !== "" && part !== false);
  return said.length ? [h("dt", {}, term), h("dd", {}, said)] : [];
}

/** Return items as a list, or nothing if there are none. */
function list(items) {
  return items.length ? h("ul", {}, items.map((item) => h("li", {}, item))) : null;
}

/** Return things with something between them. */
function joined(parts, between = ", ") {
  return parts.flatMap((part, index) => (index ? [between, part] : [part]));
}

/** Return a number of things: "1 rule", "2 rules". */
function counted(number, thing, things = `${thing}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? thing : things}`;
}

/** Return a number with three significant digits at least. */
function figure(number) {
  if (number === null || number === undefined) return "–";
  return Math.abs(number) >= 1000 ? Math.round(number).toLocaleString("en") : String(Number(number.toPrecision(3)));
}

/** Return the class of a verdict's colour. */
function colour(verdict) {
  return { pass: "good", PROVED: "good", fail: "bad", error: "bad", REFUTED: "bad", ERROR: "bad" }[verdict] ?? "unsure";
}

/** Return a verdict in its colour. */
function verdict(word) {
  return h("b", { class: colour(word) }, word);
}

/** Tell somebody who listens to the page. */
function say(text) {
  document.getElementById("said").textContent = text;
}

/** Return a table that can be scrolled; a column is [heading, cell(row), number?]. Narrow screens show a row as a card. */
function table(caption, columns, rows, properties = {}) {
  const heads = columns.map(([name, , number]) => h("th", { scope: "col", role: "columnheader", class: number ? "number" : null }, name));
  const cells = (row) => columns.map(([name, cell, number], index) => (index === 0
    ? h("th", { scope: "row", role: "rowheader" }, cell(row))
    : h("td", { role: "cell", "data-label": name, class: number ? "number" : null }, cell(row))));
  return h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption, ...properties },
    h("table", { class: "stack", role: "table" },
      h("caption", {}, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
      h("tbody", { role: "rowgroup" }, rows.map((row) => h("tr", { role: "row" }, cells(row))))));
}

/** Return a search field that calls back with what is looked for, in lower case. */
function search(label, found) {
  return h("input", { type: "search", placeholder: label, "aria-label": label, oninput: (event) => found(event.target.value.trim().toLowerCase()) });
}

/** Show something in the one dialog; it closes with Escape, its button, or a click beside it. */
function openDialog(title, ...content) {
  const dialog = document.getElementById("dialog");
  document.getElementById("dialog-title").replaceChildren(title);
  document.getElementById("dialog-body").replaceChildren(...content.flat(Infinity).filter(Boolean));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}
