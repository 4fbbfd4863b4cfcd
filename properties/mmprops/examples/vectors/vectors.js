// Replays vectors of mmspec against a client that speaks its line protocol (protocol 1). Needs nothing but Node.
//
//     node vectors.js any.jsonl [MORE.jsonl ...] -- ./mybuddy [ARGUMENTS ...]
//
// One line for each vector that is not met, and a last line that counts. A vector is skipped where the client does not promise
// what it needs, or names another value of what it assumes. Exit code: 0 all that were replayed are met, 1 one was not,
// 2 nothing was judged: a wrong command line, a damaged file, a client that does not start, or one that no vector is for.
"use strict";

const { readFileSync } = require("node:fs");
const { spawn } = require("node:child_process");

const HELLO_SECONDS = 10, REPLY_SECONDS = 5, LONGEST_LINE = 2 ** 20;

class Trouble extends Error {} // nothing can be judged
class Gone extends Error {} // the client died, hung or wrote rubbish

class Client {
  constructor([program, ...args]) {
    this.child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.read = "";
    this.wake = () => {};
    this.over = null; // why it answers no more
    const end = (why) => {
      this.over = this.over || why;
      this.wake();
    };
    this.child.on("error", (error) => end(`does not start: ${error.message}`));
    this.child.on("close", (code, signal) => end(`died (${signal || `exit code ${code}`})`));
    this.child.stdin.on("error", () => {}); // "close" says it
    this.child.stdout.setEncoding("utf8").on("data", (text) => {
      this.read += text;
      if (this.read.includes("\n")) this.wake();
      else if (this.read.length > LONGEST_LINE) end("wrote a line of more than 1 MiB");
    });
  }

  async ask(request, seconds = REPLY_SECONDS) {
    if (this.over === null) this.child.stdin.write(JSON.stringify(request) + "\n");
    if (this.over === null && !this.read.includes("\n"))
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, seconds * 1000);
        this.wake = () => (clearTimeout(timer), resolve());
      });
    const end = this.read.indexOf("\n");
    if (end < 0) throw new Gone(this.over || `did not answer within ${seconds} s`);
    const line = this.read.slice(0, end);
    this.read = this.read.slice(end + 1);
    const reply = parsed(line);
    if (!isObject(reply)) throw new Gone(`wrote a line that is no JSON object: ${line.slice(0, 80)}`);
    return reply;
  }

  async hello() {
    const { protocol, machines, capabilities } = await this.ask({ do: "hello", protocol: 1 }, HELLO_SECONDS);
    if (protocol !== 1 || !Array.isArray(machines)) throw new Gone("does not speak protocol 1");
    return { machines, promised: capabilities || {} };
  }

  close() {
    this.child.stdin.end('{"do":"bye"}\n');
    setTimeout(() => this.child.kill("SIGKILL"), 2000).unref(); // what runs on keeps its pipe open, and so this alive
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isHex = (value) => typeof value === "string" && /^0x[0-9a-f]+$/i.test(value);
const range = (start, length) => Array.from({ length }, (_, i) => Number(start) + i); // frame numbers fit in 53 bits

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function read(path) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Trouble(`cannot read ${path}: ${error.code}`);
  }
  if (!text.endsWith("\n")) throw new Trouble(`${path}: it does not end with a whole line: the file was cut off`);
  return text.slice(0, -1).split("\n").map((line, index) => {
    const vector = parsed(line);
    const whole = isObject(vector) && vector.schema === 1 && isObject(vector.config) && Array.isArray(vector.steps);
    if (!whole) throw new Trouble(`${path}:${index + 1}: no vector of schema 1`);
    return vector;
  });
}

// Keys that a reply has beyond the expected ones are nobody's business, and a hexadecimal number may be written in several ways.
function same(expected, got) {
  if (isHex(expected)) return isHex(got) && BigInt(got) === BigInt(expected);
  if (Array.isArray(expected))
    return Array.isArray(got) && got.length === expected.length && expected.every((item, i) => same(item, got[i]));
  if (isObject(expected)) return isObject(got) && Object.keys(expected).every((key) => same(expected[key], got[key]));
  return expected === got;
}

// The bitmap: which frames are free.
class Memory {
  constructor({ start_pfn: start, end_pfn: end, holes = [] }) {
    this.free = new Set(range(start, Number(end) - Number(start)));
    for (const [from, to] of holes) range(from, Number(to) - Number(from)).forEach((frame) => this.free.delete(frame));
  }

  freeAligned(pfn, order) {
    const size = 2 ** order;
    return isHex(pfn) && Number(pfn) % size === 0 && range(pfn, size).every((frame) => this.free.has(frame));
  }

  note(op, args, result) {
    if (op === "alloc") range(result.pfn, 2 ** args.order).forEach((frame) => this.free.delete(frame));
    if (op === "free" || op === "putback") range(args.pfn, 2 ** args.order).forEach((frame) => this.free.add(frame));
  }
}

// Replays a vector; returns null, {unsupported: what} or {miss: what was wrong}.
async function replay(client, vector) {
  const ask = (request, asked) => client.ask(request).catch((error) => {
    throw error instanceof Gone ? new Gone(`${asked}, got nothing: the client ${error.message}`) : error;
  });
  const start = 'reset: expected {"ok":true}';
  const begun = await ask({ do: "reset", machine: vector.machine, config: vector.config }, start);
  if ("unsupported" in begun) return { unsupported: begun.unsupported };
  if (begun.ok !== true) return { miss: `${start}, got ${JSON.stringify(begun)}` };
  const memory = new Memory(vector.config), results = [];
  for (const [step, { op, args: written, expect }] of vector.steps.entries()) {
    const args = {}; // a reference stands for the value of its own name in the answer to an earlier step
    for (const [key, arg] of Object.entries(written)) args[key] = isObject(arg) ? results[arg.ref][key] : arg;
    const asked = `step ${step} ${op} ${JSON.stringify(args)}: expected ${JSON.stringify(expect)}`;
    const reply = await ask({ do: "op", op, args }, asked);
    if ("unsupported" in reply) return { unsupported: `${op}: ${reply.unsupported}` };
    const block = isObject(reply.result) && memory.freeAligned(reply.result.pfn, expect.free_aligned);
    const right = "equals" in expect ? same(expect.equals, reply) : block;
    if (!right || ("error" in reply && "result" in reply)) return { miss: `${asked}, got ${JSON.stringify(reply)}` };
    results.push(reply.result);
    if (reply.result) memory.note(op, args, reply.result);
  }
  return null;
}

// Why a vector is not for a client, or null.
function unfit(vector, { machines, promised }) {
  if (!machines.includes(vector.machine)) return `does not offer ${vector.machine}`;
  const needed = Object.entries(vector.needs || {}).find(([name, value]) => promised[name] !== value);
  if (needed) return `does not promise ${needed[0]}`;
  const assumed = Object.entries(vector.assumes || {}).find(([name, value]) => name in promised && !same(value, promised[name]));
  return assumed ? `names another ${assumed[0]}` : null;
}

let client = null, missed = 0;

async function main(words) {
  const dashes = words.indexOf("--");
  const files = words.slice(0, dashes), command = words.slice(dashes + 1);
  if (dashes < 1 || !command.length) throw new Trouble("which files and which client? node vectors.js FILE.jsonl -- COMMAND");
  const vectors = files.flatMap(read), skipped = {};
  let met = 0;
  client = new Client(command);
  const hello = await client.hello();
  for (const vector of vectors) {
    const why = unfit(vector, hello);
    const outcome = why ? { why } : await replay(client, vector).catch((error) => ({ error, miss: error.message }));
    if (outcome === null) met++;
    else if (outcome.miss) {
      missed++;
      console.log(`fail ${vector.id} ${outcome.miss}`);
    } else {
      const reason = why || `does not support ${outcome.unsupported}`;
      skipped[reason] = (skipped[reason] || 0) + 1;
    }
    if (outcome && outcome.error) {
      if (!(outcome.error instanceof Gone)) throw outcome.error;
      client.child.kill("SIGKILL");
      client = new Client(command);
      await client.hello();
    }
  }
  client.close();
  const left = Object.entries(skipped).map(([why, count]) => `\n  ${count} skipped: the client ${why}`).join("");
  if (!met && !missed) throw new Trouble(`none of ${vectors.length} vectors was replayed${left}`);
  console.log(`${missed ? "fail" : "pass"} ${met} of ${met + missed} vectors met${left}`);
  return missed ? 1 : 0;
}

process.stdout.on("error", () => process.exit(missed ? 1 : 2)); // nobody reads on
main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error) => {
    if (client) client.child.kill("SIGKILL");
    if (!(error instanceof Trouble || error instanceof Gone)) throw error;
    console.error(`vectors.js: ${error instanceof Gone ? "the client " : ""}${error.message}`);
    process.exitCode = missed ? 1 : 2;
  },
);
