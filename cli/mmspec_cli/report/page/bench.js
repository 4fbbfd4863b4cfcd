// Benchmarks: cost over sizes, and every row beside its anchors and its target.

/** Return the powers of a base between two numbers, with some of their multiples. */
function ticks(low, high, multiples) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const multiple of multiples) {
      const tick = multiple * 10 ** power;
      if (tick >= low && tick <= high) found.push(tick);
    }
  }
  return found;
}

function scaleOf(values, from, to) {
  const [low, high] = [Math.min(...values) / 1.3, Math.max(...values) * 1.3];
  return { low, high, at: (value) => from + ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from) };
}

function drawing(curves, width) {
  const [left, right, top, bottom] = [58, width - 14, 12, 300];
  const points = curves.flatMap((curve) => curve.points);
  const x = scaleOf(points.map(([size]) => 2 ** size), left, right);
  const y = scaleOf(points.map(([, cost]) => cost), bottom, top);
  const sizes = [...new Set(points.map(([size]) => size))].sort((one, two) => one - two);
  const every = Math.ceil(sizes.length / Math.max(2, Math.floor((right - left) / 52)));
  const spread = y.high / y.low;
  const grid = ticks(y.low, y.high, spread > 100 ? [1] : spread > 8 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8]).map((tick) => [
    svg("line", { class: "grid", x1: left, x2: right, y1: y.at(tick), y2: y.at(tick) }),
    svg("text", { x: left - 6, y: y.at(tick) + 4, "text-anchor": "end" }, figure(tick))]);
  const feet = sizes.filter((_, index) => index % every === 0).map((size) => [
    svg("line", { class: "grid", x1: x.at(2 ** size), x2: x.at(2 ** size), y1: top, y2: bottom }),
    svg("text", { x: x.at(2 ** size), y: bottom + 18, "text-anchor": "middle" }, "2", svg("tspan", { dy: -5, "font-size": 9 }, size))]);
  const lines = curves.map((curve, index) => {
    const path = curve.points.map(([size, cost], place_) => `${place_ ? "L" : "M"}${x.at(2 ** size).toFixed(1)} ${y.at(cost).toFixed(1)}`).join("");
    const dots = curve.points.map(([size, cost]) => svg("circle", { class: `side-${index % 3}`, cx: x.at(2 ** size), cy: y.at(cost), r: 3.5 }, svg("title", {}, `${curve.side}, 2^${size}: ${figure(cost)} ${curve.unit}`)));
    return [svg("path", { class: `side-${index % 3}`, d: path }), dots];
  });
  const said = curves.map((curve) => `${curve.side}: ${curve.points.map(([size, cost]) => `2^${size} ${figure(cost)}`).join(", ")}`).join("; ");
  return svg("svg", { viewBox: `0 0 ${width} ${bottom + 42}`, height: bottom + 42, role: "img", "aria-label": `${curves[0].name}, ${curves[0].unit} over size; ${said}` },
    grid, feet, lines, svg("text", { x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle" }, "size (both scales logarithmic)"));
}

function plot(curves) {
  const room = h("div");
  const legend = h("ul", { class: "legend" }, curves.map((curve, index) => h("li", {}, h("i", { class: `side-${index % 3}` }), curve.side)));
  new ResizeObserver(() => { if (room.clientWidth) room.replaceChildren(drawing(curves, room.clientWidth)); }).observe(room);
  return h("figure", { class: "plot" }, h("figcaption", {}, `${curves[0].name}, ${curves[0].unit}`), legend, room);
}

function met(row) {
  if (row.met === true) return h("b", { class: "good" }, "met");
  return row.met === false ? h("b", { class: "bad" }, "missed") : h("span", { class: "dim" }, row.target === null || row.target === undefined ? "–" : "not decided here");
}

view("bench", "Benchmarks", () => {
  const title = h("h2", {}, "Speed and size, beside a yardstick in the same run");
  if (facts.bench.missing) return [title, note(facts.bench.missing)];
  const plots = new Map();
  for (const curve of facts.bench.curves) {
    const key = `${curve.name} ${curve.unit}`;
    plots.set(key, [...(plots.get(key) ?? []), curve]);
  }
  const columns = [["what", (row) => row.name], ["ours", (row) => figure(row.ours), true], ["unit", (row) => row.unit],
    ["beside", (row) => joined(Object.entries(row.anchors).map(([name, value]) => `${name} ${figure(value)}`))],
    ["ratio", (row) => figure(row.ratio), true], ["target", (row) => figure(row.target), true], ["", met]];
  return [title, h("div", { class: "cards" }, [...plots.values()].map(plot)), table("Every row; the ratio is ours to the first that stands beside it", columns, facts.bench.rows),
    facts.bench.left_out.length ? [h("h3", {}, "Left out"), list(facts.bench.left_out.map((one) => `${one.name}: needs ${one.needs}`))] : null];
});
