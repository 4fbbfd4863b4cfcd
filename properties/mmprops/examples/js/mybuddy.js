// A client of mmspec for the machine "buddy" (protocol 1): a small binary buddy allocator, and what connects it.
//
//     mmspec conform buddy --client "exec:node mybuddy.js"
//
// Put your own allocator in place of class Buddy; keep the rest. Replies go to stdout, one line each; console.log would
// get between them, so write anything else with console.error. Frame numbers need 52 bits: no |, & or << on them.
"use strict";

class Buddy {
  // The zone [start, end): blocks of 2**order frames, aligned to their size counted from frame 0.
  constructor(start, end, maxOrder) {
    this.maxOrder = maxOrder;
    this.free = Array.from({ length: maxOrder + 1 }, () => new Set()); // by order: heads of free blocks
    this.live = new Map(); // heads of blocks that are handed out: their order
    for (let pfn = start; pfn < end; pfn++) this.give(pfn, 0);
  }

  // Make a block free, joined with its buddy as long as that one is free as a whole.
  give(pfn, order) {
    for (; order < this.maxOrder; order++) {
      const size = 2 ** order;
      const isUpper = Math.floor(pfn / size) % 2 === 1;
      const buddy = isUpper ? pfn - size : pfn + size;
      if (!this.free[order].delete(buddy)) break;
      if (isUpper) pfn = buddy;
    }
    this.free[order].add(pfn);
  }

  // Hand out a block: its first frame, or null if there is none.
  alloc(order) {
    let have = order;
    while (have <= this.maxOrder && this.free[have].size === 0) have++;
    if (have > this.maxOrder) return null;
    const [pfn] = this.free[have];
    this.free[have].delete(pfn);
    while (have-- > order) this.free[have].add(pfn + 2 ** have);
    this.live.set(pfn, order);
    return pfn;
  }

  // Take a block back; false, and nothing changes, if it is not one that was handed out.
  release(pfn, order) {
    if (this.live.get(pfn) !== order) return false;
    this.live.delete(pfn);
    this.give(pfn, order);
    return true;
  }

  blocks() {
    return this.free.flatMap((heads, order) => [...heads].map((pfn) => [pfn, order]));
  }
}

const hex = (pfn) => "0x" + pfn.toString(16);
let buddy = null;

const operations = {
  alloc({ order }) {
    if (order > buddy.maxOrder) return { error: "EINVAL" };
    const pfn = buddy.alloc(order);
    return pfn === null ? { error: "ENOMEM" } : { result: { pfn: hex(pfn) } };
  },
  free({ pfn, order }) {
    return buddy.release(Number(pfn), order) ? { result: {} } : { error: "EINVAL" };
  },
  free_count() {
    return { result: { count: buddy.blocks().reduce((sum, [, order]) => sum + 2 ** order, 0) } };
  },
  free_blocks() {
    return { result: { blocks: buddy.blocks().map(([pfn, order]) => [hex(pfn), order]) } };
  },
};

const perform = (op, args) => (operations[op] ? operations[op](args) : { unsupported: `unknown operation ${op}` });

// In a batch {"ref": k} is the frame that reply k gave.
function performAll(ops) {
  const replies = [];
  for (const [op, args] of ops) {
    const { pfn } = args;
    const named = pfn && pfn.ref !== undefined ? replies[pfn.ref].result : { pfn };
    replies.push(named ? perform(op, { ...args, pfn: named.pfn }) : { error: "EREF" });
  }
  return { replies };
}

const answer = {
  hello: () => ({
    protocol: 1,
    name: "mybuddy.js 1.0",
    machines: ["buddy"],
    capabilities: { checked_free: true, checked_alloc: true, observe: true, batch: true },
  }),
  reset({ config }) {
    buddy = new Buddy(Number(config.start_pfn), Number(config.end_pfn), config.max_order);
    return { ok: true };
  },
  op: ({ op, args }) => perform(op, args),
  ops: ({ ops }) => performAll(ops),
};

const lines = require("node:readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const request = JSON.parse(line);
  if (request.do === "bye") process.exit(0);
  process.stdout.write(JSON.stringify(answer[request.do](request)) + "\n");
});
