/*
 * A client of mmspec for the machine "pcp" over the kernel's own functions of mm/page_alloc.c (v6.12), which are taken from its
 * source and compiled here, not copied: what they want of the kernel is in the first part, the protocol in the second.
 * mmprops/clients/kernel_pcp.py builds it; PART_1 and PART_2 are the files that the functions are in:
 *
 *     mmspec conform pcp --client kernel-pcp --profile linux
 *
 * A drain of the kernel gives its blocks back at once; here they wait in a queue until each is asked for. What a drain that
 * nobody's free causes would give back is found out with draining switched off. Refusals are the protocol's, not the kernel's.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the kernel would bring ---------------------------------------------------------------------------------- */

typedef unsigned char u8;

static int huge_order, scale_max;

#define CONFIG_MMU
#define CONFIG_TRANSPARENT_HUGEPAGE
#define CONFIG_PCP_BATCH_SCALE_MAX scale_max
#define HPAGE_PMD_ORDER huge_order
#define PAGE_ALLOC_COSTLY_ORDER 3
#define MIGRATE_PCPTYPES 3
#define NR_LOWORDER_PCP_LISTS 12
#define NR_PCP_LISTS 14
#define MIN_PERCPU_PAGELIST_HIGH_FRACTION 8
#define PAGE_SHIFT 12
#define PAGE_SIZE (1L << PAGE_SHIFT)
#define SZ_1M 0x100000L
#define PCPF_PREV_FREE_HIGH_ORDER 1
#define PCPF_FREE_HIGH_BATCH 2
#define __maybe_unused __attribute__((unused))
#define unlikely(condition) (condition)
#define READ_ONCE(place) (place)
#define WRITE_ONCE(place, value) ((place) = (value))
#define VM_BUG_ON(condition) ((condition) ? abort() : (void)0)

#define min(a, b) ({ __auto_type a_ = (a); __typeof__(a_) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b) ({ __auto_type c_ = (a); __typeof__(c_) d_ = (b); c_ > d_ ? c_ : d_; })
#define max_t(type, a, b) max((type)(a), (type)(b))
#define max3(a, b, c) max(max(a, b), c)
#define clamp(value, lo, hi) ({ long v_ = (value), l_ = (lo), h_ = (hi); v_ >= h_ ? h_ : v_ <= l_ ? l_ : v_; })
#define clamp_t(type, value, lo, hi) ((type)clamp(value, lo, hi))
#define rounddown_pow_of_two(n) (1L << (63 - __builtin_clzl(n)))

struct list_head { struct list_head *next, *prev; };
struct page { struct list_head pcp_list; };
struct per_cpu_pages {
	int lock, count, high, high_min, high_max, batch;
	u8 flags, alloc_factor, expire;
	short free_count;
	struct list_head lists[NR_PCP_LISTS];
};
struct zone {
	int lock;
	unsigned long flags, managed, low;
	int pageset_high_min, pageset_high_max, pageset_batch;
	struct per_cpu_pages *per_cpu_pageset;
};
struct cpu_cacheinfo { unsigned long per_cpu_data_slice_size; };

#define list_entry(at, type, member) ((type *)((char *)(at) - __builtin_offsetof(type, member)))
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_empty(head) ((head)->next == (head))
#define list_add(entry, head) link_between(entry, head, (head)->next)
#define list_add_tail(entry, head) link_between(entry, (head)->prev, head)

static void link_between(struct list_head *entry, struct list_head *before, struct list_head *after)
{
	*entry = (struct list_head){ after, before };
	before->next = after->prev = entry;
}

static void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

#define spin_lock_irqsave(lock, flags) ((void)(flags))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags))
#define pcp_spin_lock_maybe_irqsave(pcp, flags) ((void)(flags))
#define pcp_spin_unlock_maybe_irqrestore(pcp, flags) ((void)(flags))
#define per_cpu_ptr(pointer, cpu) (&(pointer)[cpu])
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < cpus; (cpu)++)
#define cpumask_of_node(node) local_cpus
#define cpumask_weight(count) (count)
#define zone_to_nid(zone) 0
#define num_online_cpus() online_cpus
#define zone_managed_pages(zone) ((zone)->managed)
#define low_wmark_pages(zone) ((zone)->low)
#define high_wmark_pages(zone) 0
#define zone_watermark_ok(zone, order, mark, highest, flags) false
#define test_bit(bit, word) (*(word) >> (bit) & 1)
#define clear_bit(bit, word) (*(word) &= ~(1UL << (bit)))
#define get_cpu_cacheinfo(cpu) (&cacheinfo)
#define get_pfnblock_migratetype(page, pfn) MIGRATE_MOVABLE
#define page_to_pfn(page) ((unsigned long)((page) - pages))
#define __free_one_page(page, pfn, zone, order, type, flags) come_back(pfn)
#define trace_mm_page_pcpu_drain(page, order, type) ((void)(order))
#define __count_vm_events(event, count) ((void)0)

enum { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_HIGHATOMIC, MIGRATE_CMA, MIGRATE_ISOLATE };
enum { ZONE_BELOW_HIGH, ZONE_RECLAIM_ACTIVE };
enum { ZONE_MOVABLE = 3 };

#define MAX_PAGES 65536
#define MAX_CPUS 4095
#define NONE (-1)

static int cpus, local_cpus, online_cpus, percpu_pagelist_high_fraction;
static struct cpu_cacheinfo cacheinfo;
static struct page pages[MAX_PAGES];
static struct zone zone;
static struct per_cpu_pages pagesets[MAX_CPUS];

static int owner[MAX_PAGES], order_of[MAX_PAGES], behind[MAX_PAGES];	/* of a held block; the next that waits to go back */
static int first_back[MAX_CPUS], last_back[MAX_CPUS], frames_back[MAX_CPUS];
static bool planning;
static long total, portion, owed;

static void come_back(unsigned long pfn)
{
	int cpu = owner[pfn];

	behind[pfn] = NONE;
	if (first_back[cpu] == NONE)
		first_back[cpu] = pfn;
	else
		behind[last_back[cpu]] = pfn;
	last_back[cpu] = pfn;
	frames_back[cpu] += 1 << order_of[pfn];
}

#define free_pcppages_bulk kernel_free_pcppages_bulk
#include PART_1
#undef free_pcppages_bulk

static void free_pcppages_bulk(struct zone *zone, int count, struct per_cpu_pages *pcp, int pindex)
{
	owed = min(pcp->count, count);
	if (!planning) {
		kernel_free_pcppages_bulk(zone, count, pcp, pindex);
		return;
	}
	if (total == 0)
		portion = owed;
	total += owed;
	pcp->count -= owed;
}

#include PART_2

/* ---- the client --------------------------------------------------------------------------------------------------- */

static uint64_t start_pfn, frames;
static bool disabled;

static uint64_t field(const char *request, const char *key)
{
	const char *at = strstr(request, key);

	if (at == NULL)
		return 0;
	at += strlen(key);
	return strtoull(at + (*at == '"'), NULL, 0);
}

static int migratetype(const char *request)
{
	static const char letters[] = "UMRHCI";
	const char *at = strstr(request, "\"migratetype\":\"");

	return at ? strchr(letters, at[15]) - letters : MIGRATE_MOVABLE;
}

static void answer_error(const char *name)
{
	printf("{\"error\":\"%s\"}\n", name);
}

static void answer_count(long count)
{
	printf("{\"result\":{\"count\":%ld}}\n", count);
}

static void answer_reset(const char *request)
{
	uint64_t start = field(request, "\"start_pfn\":"), end = field(request, "\"end_pfn\":");

	if (end - start > MAX_PAGES) {
		printf("{\"unsupported\":\"at most %d pages\"}\n", MAX_PAGES);
		return;
	}
	start_pfn = start;
	frames = end - start;
	cpus = field(request, "\"cpus\":");
	huge_order = field(request, "\"huge_order\":");
	scale_max = field(request, "\"scale_max\":");
	memset(&zone, 0, sizeof(zone));
	zone.per_cpu_pageset = pagesets;
	zone.pageset_batch = 1;
	memset(pagesets, 0, sizeof(*pagesets) * cpus);
	for (int cpu = 0; cpu < cpus; cpu++) {
		pagesets[cpu].batch = 1;
		first_back[cpu] = NONE;
		frames_back[cpu] = 0;
		for (int index = 0; index < NR_PCP_LISTS; index++)
			pagesets[cpu].lists[index] = (struct list_head){ &pagesets[cpu].lists[index], &pagesets[cpu].lists[index] };
	}
	memset(owner, NONE, sizeof(owner));
	percpu_pagelist_high_fraction = 0;
	disabled = false;
	puts("{\"ok\":true}");
}

static bool keeps(uint64_t order)
{
	return order <= PAGE_ALLOC_COSTLY_ORDER || (huge_order && order == (uint64_t)huge_order);
}

/* Tell whether a block can come in: aligned, inside the zone, and not held already. */
static bool takes(uint64_t pfn, uint64_t order)
{
	return order <= 13 && pfn % (1ULL << order) == 0 && pfn >= start_pfn && pfn + (1ULL << order) <= start_pfn + frames &&
	       owner[pfn - start_pfn] == NONE;
}

static void answer_alloc(struct per_cpu_pages *pcp, uint64_t order, int type, bool again)
{
	struct list_head *list = &pcp->lists[order_to_pindex(type, order)];
	struct page *page;

	if (!again)
		pcp->free_count >>= 1;
	if (list_empty(list)) {
		answer_error("ENOENT");
		return;
	}
	page = list_first_entry(list, struct page, pcp_list);
	list_del(&page->pcp_list);
	pcp->count -= 1 << order;
	owner[page_to_pfn(page)] = NONE;
	printf("{\"result\":{\"pfn\":\"0x%" PRIx64 "\"}}\n", start_pfn + page_to_pfn(page));
}

static void hold(int cpu, uint64_t at, int order)
{
	owner[at] = cpu;
	order_of[at] = order;
}

static void answer_drain(int cpu)
{
	int at = first_back[cpu];

	if (at == NONE) {
		answer_error("ENOENT");
		return;
	}
	first_back[cpu] = behind[at];
	frames_back[cpu] -= 1 << order_of[at];
	owner[at] = NONE;
	printf("{\"result\":{\"pfn\":\"0x%" PRIx64 "\",\"order\":%d}}\n", start_pfn + at, order_of[at]);
}

static void answer_plan(int cpu, bool decays)
{
	planning = true;
	total = portion = 0;
	if (decays)
		decay_pcp_high(&zone, &pagesets[cpu]);
	else
		drain_pages_zone(cpu, &zone);
	planning = false;
	pagesets[cpu].count += total;
	printf("{\"result\":{\"total\":%ld,\"portion\":%ld}}\n", total, portion);
}

static void answer_tune(const char *request)
{
	uint64_t fraction = field(request, "\"fraction\":"), coming = field(request, "\"coming\":");

	local_cpus = field(request, "\"local\":");
	online_cpus = field(request, "\"online\":");
	if (local_cpus + coming + online_cpus == 0 || (fraction && fraction < MIN_PERCPU_PAGELIST_HIGH_FRACTION)) {
		answer_error("EINVAL");
		return;
	}
	if (disabled) {
		answer_error("EBUSY");
		return;
	}
	percpu_pagelist_high_fraction = fraction;
	zone.managed = field(request, "\"managed\":");
	zone.low = field(request, "\"low\":");
	zone_set_pageset_high_and_batch(&zone, coming);
	printf("{\"result\":{\"batch\":%d,\"high_min\":%d,\"high_max\":%d}}\n", pagesets->batch, pagesets->high_min, pagesets->high_max);
}

static void answer_blocks(int cpu)
{
	const char *comma = "";

	printf("{\"result\":{\"blocks\":[");
	for (uint64_t at = 0; at < frames; at++)
		if (owner[at] == cpu) {
			printf("%s[\"0x%" PRIx64 "\",%d]", comma, start_pfn + at, order_of[at]);
			comma = ",";
		}
	puts("]}}");
}

static void answer(const char *request, const char *op)
{
	uint64_t cpu = field(request, "\"cpu\":"), pfn = field(request, "\"pfn\":"), order = field(request, "\"order\":");
	bool frees = !strcmp(op, "free"), refills = !strcmp(op, "refill"), allocs = !strcmp(op, "alloc"), wants = !strcmp(op, "want");
	int type = migratetype(request), flags = field(request, "\"flags\":");
	struct per_cpu_pages *pcp = &pagesets[cpu < MAX_CPUS ? cpu : 0];

	if (!strcmp(op, "tune")) {
		answer_tune(request);
	} else if (!strcmp(op, "disable") || !strcmp(op, "enable")) {
		bool off = !strcmp(op, "disable");

		if (disabled == off) {
			answer_error(off ? "EBUSY" : "EINVAL");
			return;
		}
		disabled = off;
		if (off)
			__zone_set_pageset_high_and_batch(&zone, 0, 0, 1);
		else
			__zone_set_pageset_high_and_batch(&zone, zone.pageset_high_min, zone.pageset_high_max, zone.pageset_batch);
		puts("{\"result\":{}}");
	} else if (cpu >= (uint64_t)cpus || ((frees || refills) && !takes(pfn, order)) ||
		   ((refills || allocs || wants) && !keeps(order)) || ((refills || allocs) && type > MIGRATE_RECLAIMABLE)) {
		answer_error("EINVAL");
	} else if (!strcmp(op, "drain")) {
		answer_drain(cpu);
	} else if (!strcmp(op, "count")) {
		answer_count(pcp->count + frames_back[cpu]);
	} else if (!strcmp(op, "blocks")) {
		answer_blocks(cpu);
	} else if (first_back[cpu] != NONE || (frees && (!keeps(order) || type == MIGRATE_ISOLATE))) {
		answer_error("EBUSY");
	} else if (allocs) {
		answer_alloc(pcp, order, type, flags & 1);
	} else if (wants) {
		zone.flags = flags;
		answer_count(nr_pcp_alloc(pcp, &zone, order));
	} else if (refills) {
		hold(cpu, pfn - start_pfn, order);
		list_add_tail(&pages[pfn - start_pfn].pcp_list, &pcp->lists[order_to_pindex(type, order)]);
		pcp->count += 1 << order;
		puts("{\"result\":{}}");
	} else if (frees) {
		hold(cpu, pfn - start_pfn, order);
		zone.flags = flags;
		owed = 0;
		free_unref_page_commit(&zone, pcp, &pages[pfn - start_pfn], type > MIGRATE_RECLAIMABLE ? MIGRATE_MOVABLE : type, order);
		answer_count(owed);
	} else if (!strcmp(op, "bulk")) {
		free_pcppages_bulk(&zone, min(field(request, "\"count\":"), (uint64_t)MAX_PAGES), pcp, 0);
		answer_count(owed);
	} else if (!strcmp(op, "decay") || !strcmp(op, "drain_all")) {
		answer_plan(cpu, op[1] == 'e');
	} else if (!strcmp(op, "cacheinfo")) {
		cacheinfo.per_cpu_data_slice_size = field(request, "\"frames\":") << PAGE_SHIFT;
		zone_pcp_update_cacheinfo(&zone, cpu);
		puts("{\"result\":{}}");
	} else {
		puts("{\"unsupported\":\"mm/vmstat.c is not part of this client\"}");
	}
}

int main(void)
{
	static char line[(1 << 16) + 1], op[32];

	while (fgets(line, sizeof(line), stdin)) {
		const char *at = strstr(line, "\"op\":\"");

		if (strstr(line, "\"do\":\"hello\""))
			puts("{\"protocol\":1,\"name\":\"mm/page_alloc.c\",\"machines\":[\"pcp\"],\"capabilities\":{\"checked\":true,"
			     "\"observe\":true,\"migratetypes\":true,\"huge\":true,\"tuned\":true}}");
		else if (strstr(line, "\"do\":\"reset\""))
			answer_reset(line);
		else if (strstr(line, "\"do\":\"bye\""))
			break;
		else if (at && sscanf(at + 6, "%31[a-z_]", op) == 1)
			answer(line, op);
		else
			puts("{\"unsupported\":\"unknown operation\"}");
		fflush(stdout);
	}
	return 0;
}
