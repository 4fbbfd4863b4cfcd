// A client of mmspec for the machine "buddy" (protocol 1): a small binary buddy allocator, and what connects it.
//
//	go build mybuddy.go && mmspec conform buddy --client exec:./mybuddy
//
// Put your own allocator in place of buddy; keep the rest. Replies go to stdout, one line each; anything else goes to stderr.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
)

// buddy is the zone [start, end): blocks of 2**order frames, aligned to their size counted from frame 0.
type buddy struct {
	maxOrder int
	free     []map[uint64]bool // by order: heads of free blocks
	live     map[uint64]int    // heads of blocks that are handed out: their order
}

func newBuddy(start, end uint64, maxOrder int) *buddy {
	b := &buddy{maxOrder: maxOrder, live: map[uint64]int{}}
	for order := 0; order <= maxOrder; order++ {
		b.free = append(b.free, map[uint64]bool{})
	}
	for pfn := start; pfn < end; pfn++ {
		b.give(pfn, 0)
	}
	return b
}

// give makes a block free, joined with its buddy as long as that one is free as a whole.
func (b *buddy) give(pfn uint64, order int) {
	for order < b.maxOrder && b.free[order][pfn^(1<<order)] {
		delete(b.free[order], pfn^(1<<order))
		pfn &^= 1 << order
		order++
	}
	b.free[order][pfn] = true
}

// lowest returns the lowest head of a non-empty set: a map's own order differs from run to run, and then no failure repeats.
func lowest(heads map[uint64]bool) uint64 {
	first := ^uint64(0)
	for pfn := range heads {
		if pfn < first {
			first = pfn
		}
	}
	return first
}

// alloc hands out a block: its first frame, and whether there is one.
func (b *buddy) alloc(order int) (uint64, bool) {
	have := order
	for have <= b.maxOrder && len(b.free[have]) == 0 {
		have++
	}
	if have > b.maxOrder {
		return 0, false
	}
	pfn := lowest(b.free[have])
	delete(b.free[have], pfn)
	for have > order {
		have--
		b.free[have][pfn+1<<have] = true
	}
	b.live[pfn] = order
	return pfn, true
}

// release takes a block back; false, and nothing changes, if it is not one that was handed out.
func (b *buddy) release(pfn uint64, order int) bool {
	if have, ok := b.live[pfn]; !ok || have != order {
		return false
	}
	delete(b.live, pfn)
	b.give(pfn, order)
	return true
}

func (b *buddy) blocks() (blocks [][]any, count uint64) {
	blocks = [][]any{}
	for order, heads := range b.free {
		for pfn := range heads {
			blocks = append(blocks, []any{hex(pfn), order})
			count += 1 << order
		}
	}
	return blocks, count
}

type object map[string]any

type request struct {
	Do, Op string
	Config struct {
		Start    string `json:"start_pfn"`
		End      string `json:"end_pfn"`
		MaxOrder int    `json:"max_order"`
	}
	Args struct {
		Pfn   string
		Order int
	}
}

func hex(pfn uint64) string { return fmt.Sprintf("%#x", pfn) }

func number(text string) uint64 {
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func (b *buddy) perform(r *request) object {
	switch r.Op {
	case "alloc":
		if r.Args.Order > b.maxOrder {
			return object{"error": "EINVAL"}
		}
		if pfn, ok := b.alloc(r.Args.Order); ok {
			return object{"result": object{"pfn": hex(pfn)}}
		}
		return object{"error": "ENOMEM"}
	case "free":
		if b.release(number(r.Args.Pfn), r.Args.Order) {
			return object{"result": object{}}
		}
		return object{"error": "EINVAL"}
	case "free_count":
		_, count := b.blocks()
		return object{"result": object{"count": count}}
	case "free_blocks":
		blocks, _ := b.blocks()
		return object{"result": object{"blocks": blocks}}
	}
	return object{"unsupported": "unknown operation " + r.Op}
}

func main() {
	var b *buddy
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<17)
	replies := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			panic(err)
		}
		switch r.Do {
		case "hello":
			capabilities := object{"checked_free": true, "checked_alloc": true, "observe": true}
			replies.Encode(object{"protocol": 1, "name": "mybuddy.go 1.0", "machines": []string{"buddy"}, "capabilities": capabilities})
		case "reset":
			b = newBuddy(number(r.Config.Start), number(r.Config.End), r.Config.MaxOrder)
			replies.Encode(object{"ok": true})
		case "op":
			replies.Encode(b.perform(&r))
		default: // bye
			return
		}
	}
}
