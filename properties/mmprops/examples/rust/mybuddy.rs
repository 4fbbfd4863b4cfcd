//! A client of mmspec for the machine "buddy" (protocol 1): a small binary buddy allocator, and what connects it.
//!
//!     rustc -O mybuddy.rs && mmspec conform buddy --client exec:./mybuddy
//!
//! Put your own allocator in place of `Buddy`; keep the rest. Requests are canonical (keys in a fixed order, no spaces), so
//! `find` is enough to read them. Replies go to stdout, flushed; anything else goes to stderr (eprintln).

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead, Write};

/// The zone [start, end): blocks of 2^order frames, aligned to their size counted from frame 0.
#[derive(Default)]
struct Buddy {
    max_order: usize,
    free: Vec<BTreeSet<u64>>,  // by order: heads of free blocks
    live: HashMap<u64, usize>, // heads of blocks that are handed out: their order
}

impl Buddy {
    fn new(start: u64, end: u64, max_order: usize) -> Buddy {
        let mut buddy = Buddy { max_order, free: vec![BTreeSet::new(); max_order + 1], live: HashMap::new() };
        for pfn in start..end {
            buddy.give(pfn, 0);
        }
        buddy
    }

    /// Make a block free, joined with its buddy as long as that one is free as a whole.
    fn give(&mut self, mut pfn: u64, mut order: usize) {
        while order < self.max_order && self.free[order].remove(&(pfn ^ (1 << order))) {
            pfn &= !(1 << order);
            order += 1;
        }
        self.free[order].insert(pfn);
    }

    /// Hand out a block: its first frame, or None if there is none.
    fn alloc(&mut self, order: usize) -> Option<u64> {
        let mut have = (order..=self.max_order).find(|&o| !self.free[o].is_empty())?;
        let pfn = self.free[have].pop_first()?;
        while have > order {
            have -= 1;
            self.free[have].insert(pfn + (1 << have));
        }
        self.live.insert(pfn, order);
        Some(pfn)
    }

    /// Take a block back; false, and nothing changes, if it is not one that was handed out.
    fn release(&mut self, pfn: u64, order: usize) -> bool {
        let known = self.live.get(&pfn) == Some(&order);
        if known {
            self.live.remove(&pfn);
            self.give(pfn, order);
        }
        known
    }

    fn blocks(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        self.free.iter().enumerate().flat_map(|(order, heads)| heads.iter().map(move |&pfn| (pfn, order)))
    }
}

/// The value after a key: a number, or a "0x..." string.
fn field(request: &str, key: &str) -> u64 {
    let pattern = format!("\"{key}\":");
    let start = request.find(&pattern).expect("the request has the key") + pattern.len();
    let value = &request[start..];
    let value = &value[..value.find([',', '}']).unwrap_or(value.len())];
    match value.trim_matches('"').strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).expect("a hexadecimal number"),
        None => value.parse().expect("a number"),
    }
}

fn perform(buddy: &mut Buddy, request: &str) -> String {
    let op = request.split('"').nth(7).unwrap_or("");
    match op {
        "alloc" => match field(request, "order") as usize {
            order if order > buddy.max_order => r#"{"error":"EINVAL"}"#.into(),
            order => match buddy.alloc(order) {
                Some(pfn) => format!(r#"{{"result":{{"pfn":"{pfn:#x}"}}}}"#),
                None => r#"{"error":"ENOMEM"}"#.into(),
            },
        },
        "free" if buddy.release(field(request, "pfn"), field(request, "order") as usize) => r#"{"result":{}}"#.into(),
        "free" => r#"{"error":"EINVAL"}"#.into(),
        "free_count" => {
            let count: u64 = buddy.blocks().map(|(_, order)| 1 << order).sum();
            format!(r#"{{"result":{{"count":{count}}}}}"#)
        }
        "free_blocks" => {
            let blocks: Vec<String> = buddy.blocks().map(|(pfn, order)| format!(r#"["{pfn:#x}",{order}]"#)).collect();
            format!(r#"{{"result":{{"blocks":[{}]}}}}"#, blocks.join(","))
        }
        _ => r#"{"unsupported":"unknown operation"}"#.into(),
    }
}

fn main() -> io::Result<()> {
    let mut buddy = Buddy::default();
    let mut stdout = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request = line?;
        let reply = match request.split('"').nth(3) {
            Some("hello") => concat!(
                r#"{"protocol":1,"name":"mybuddy.rs 1.0","machines":["buddy"],"#,
                r#""capabilities":{"checked_free":true,"checked_alloc":true,"observe":true}}"#
            )
            .into(),
            Some("reset") => {
                let (start, end) = (field(&request, "start_pfn"), field(&request, "end_pfn"));
                buddy = Buddy::new(start, end, field(&request, "max_order") as usize);
                r#"{"ok":true}"#.into()
            }
            Some("op") => perform(&mut buddy, &request),
            _ => break, // bye
        };
        writeln!(stdout, "{reply}")?;
        stdout.flush()?;
    }
    Ok(())
}
