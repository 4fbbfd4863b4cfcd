"""Captures of real kernels: opening them, decoding their traces, reading their snapshots, and what both say.

| module | subject |
|---|---|
| `archive` | a capture as named members and raw pages, from archives or a directory |
| `ringbuffer` | raw ftrace ring-buffer pages to batches of events, merged over the CPUs |
| `btf` | the size of struct page, from the kernel's type information |
| `formats` | the capture's own event formats; typed records of events |
| `snapshot` | what the kernel said of itself (/proc), and what its RAM said (`lists.TAG.json`) |
| `zones` | which zone a frame belongs to |
| `checks` | whether the views within one snapshot agree |
| `blocks` | the event stream as operations on the free blocks of the zones, by which rules and why |
| `exact` | what may be known of an allocation in advance, and what a model tells |
| `compaction` | compactions under way: what they keep, and how they turn the free lists |
| `search` | one search of compaction for a free block, worked out on the lists |
| `foretell` | a model that tells every allocation in advance, and every ordered list compared with RAM |
| `replay` | a model driven by these operations and compared with RAM at every pause |
"""
