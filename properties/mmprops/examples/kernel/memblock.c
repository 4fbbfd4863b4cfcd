/*
 * A client of mmspec for the machine "memblock" over the kernel's own mm/memblock.c (v6.12), which is compiled here, not
 * copied: what it wants of the kernel is in the first part, the protocol in the second. mmprops/clients/kernel_memblock.py
 * builds it:
 *
 *     mmspec conform memblock --client kernel-memblock --profile linux
 *
 * As a kernel with CONFIG_NUMA of 64 nodes on a 64-bit machine. Physical memory is nowhere: only the arrays that are doubled
 * get memory, of this process. Where the kernel would stop (panic, BUG_ON) the answer is PANIC until the next reset.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the kernel would bring ---------------------------------------------------------------------------------- */

typedef uint32_t u32;
typedef uint64_t u64, phys_addr_t;

#define CONFIG_NUMA 1
#define CONFIG_ARCH_KEEP_MEMBLOCK 1
#define IS_ENABLED(option) 0
#define MAX_NUMNODES 64
#define NUMA_NO_NODE (-1)
#define MAX_NR_ZONES 1
#define MAX_PAGE_ORDER 10
#define SMP_CACHE_BYTES 64
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PHYS_ADDR_MAX UINT64_MAX
#define U64_MAX UINT64_MAX

#define __init
#define __initdata
#define __refdata
#define __meminit
#undef __always_inline
#define __always_inline inline
#define EXPORT_SYMBOL(name) extern int no_symbol
#define EXPORT_SYMBOL_GPL(name) extern int no_symbol
#define early_param(text, function) static int (*const on_parameter)(char *) = function
#define __setup(text, function) static int (*const on_setup)(char *) = function
#define _RET_IP_ 0UL

#define min(a, b) ({ __auto_type x_ = (a); __auto_type y_ = (b); x_ < y_ ? x_ : y_; })
#define max(a, b) ({ __auto_type x_ = (a); __auto_type y_ = (b); x_ > y_ ? x_ : y_; })
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp(value, low, high) min((__typeof__(value))max(value, low), high)
#define round_down(value, size) ((value) & ~((__typeof__(value))(size) - 1))
#define round_up(value, size) round_down((value) + ((__typeof__(value))(size) - 1), size)
#define ALIGN(value, size) round_up(value, size)
#define PAGE_ALIGN(value) round_up(value, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(value) round_down(value, PAGE_SIZE)
#define PFN_UP(addr) (((addr) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(addr) ((addr) >> PAGE_SHIFT)
#define PFN_PHYS(pfn) ((phys_addr_t)(pfn) << PAGE_SHIFT)
#define PHYS_PFN(addr) ((unsigned long)((addr) >> PAGE_SHIFT))
#define pageblock_start_pfn(pfn) round_down(pfn, 512UL)
#define pageblock_align(pfn) round_up(pfn, 512UL)
#define __ffs(word) __builtin_ctzl(word)

#define BUG_ON(condition) after_check((condition) ? true : false, #condition)
#define WARN_ON(condition) ((condition) ? true : false)
#define WARN_ON_ONCE(condition) WARN_ON(condition)
#define panic(...) stop_kernel()
#define dump_stack() ((void)0)
#define pr_info(...) overhear(__VA_ARGS__)
#define pr_err(...) ((void)0)
#define pr_warn(...) ((void)0)
#define pr_warn_ratelimited(...) ((void)0)

#define GFP_KERNEL 0
#define GFP_NOWAIT 0
#define slab_is_available() false
#define kmalloc(size, flags) malloc(size)
#define kzalloc_node(size, flags, nid) calloc(1, size)
#define kfree(object) free(object)
#define virt_to_phys(pointer) ((phys_addr_t)(uintptr_t)(pointer))
#define phys_to_virt(addr) ((void *)(uintptr_t)(addr))
#define kmemleak_alloc_phys(addr, size, flags) ((void)0)
#define kmemleak_free_part_phys(addr, size) freeing(addr, size)
#define __va(addr) memory_at(addr)
#define __pa(pointer) address_of(pointer)

struct page { char nothing; };
struct zone { int managed_pages; };
typedef struct { struct zone node_zones[MAX_NR_ZONES]; } pg_data_t;
#define pfn_to_page(pfn) ((struct page *)(uintptr_t)(pfn))
#define for_each_online_pgdat(node) for (node = NULL; node;)
#define atomic_long_set(counter, value) ((void)(counter))
#define totalram_pages_inc() ((void)0)
#define totalram_pages_add(count) ((void)(count))
#define early_pfn_to_nid(pfn) 0
#define reserve_bootmem_region(start, end, nid) ((void)(nid))
#define memparse(text, end) strtoull(text, end, 0)
#define strscpy(to, from) snprintf(to, sizeof(to), "%s", from)

static bool movable_node, mirrored_kernelcore;
#define movable_node_is_enabled() movable_node
#define numa_valid_node(nid) ((nid) >= 0 && (nid) < MAX_NUMNODES)

static void stop_kernel(void);
static void after_check(bool failed, const char *condition);
static void overhear(const char *format, ...);
static void freeing(phys_addr_t base, phys_addr_t size);
static void accept_memory(phys_addr_t addr, phys_addr_t size);
static void *memory_at(phys_addr_t addr);
static phys_addr_t address_of(const void *pointer);
static void memblock_free_pages(struct page *page, unsigned long pfn, unsigned int order);

#include <linux/memblock.h>
#include "mm/memblock.c"

/* ---- what the arrays take and give back --------------------------------------------------------------------------- */

#define MOVES 256
#define DEPTH 8
#define BUFFERS 256
#define BLOCKS (1 << 16)

static jmp_buf stopped_at;
static bool stopped;
static struct { const char *what; phys_addr_t base, size; } moves[MOVES];
static struct { bool memory, gives; phys_addr_t addr, size, old, old_size; } doubling[DEPTH];   /* innermost last */
static struct { phys_addr_t addr; void *memory; } buffers[BUFFERS];
static struct { unsigned long pfn; unsigned int order; } blocks[BLOCKS];
static int moved, depth, buffered, handed_over;
static phys_addr_t accepted;

static void stop_kernel(void)
{
	stopped = true;
	longjmp(stopped_at, 1);
}

static void note(const char *what, phys_addr_t base, phys_addr_t size)
{
	if (moved == MOVES)
		abort();
	moves[moved].what = what;
	moves[moved].base = base;
	moves[moved++].size = size;
}

/* The new array is reserved inside a BUG_ON, the last thing that doubling does. */
static void after_check(bool failed, const char *condition)
{
	if (failed)
		stop_kernel();
	if (strcmp(condition, "memblock_reserve(addr, new_alloc_size)") == 0) {
		depth--;
		note(doubling[depth].memory ? "MEMORY" : "RESERVED", doubling[depth].addr, doubling[depth].size);
	}
}

/* Doubling says so before it frees the old array; reserving the new one says so after that. */
static void overhear(const char *format, ...)
{
	va_list arguments;
	const char *first;

	va_start(arguments, format);
	first = va_arg(arguments, const char *);
	if (strncmp(format, "memblock: %s is doubled", 23) == 0) {
		if (depth == DEPTH)
			abort();
		va_arg(arguments, unsigned long);
		doubling[depth].memory = strcmp(first, "memory") == 0;
		doubling[depth].addr = *va_arg(arguments, phys_addr_t *);
		doubling[depth].size = accepted;
		doubling[depth++].gives = false;
	} else if (depth && strncmp(format, "%s:", 3) == 0 && strcmp(first, "memblock_reserve") == 0) {
		if (doubling[depth - 1].gives &&
		    !memblock_is_region_reserved(doubling[depth - 1].old, doubling[depth - 1].old_size))
			note(doubling[depth - 1].memory ? "MEMORY_GIVEN" : "RESERVED_GIVEN", doubling[depth - 1].old, doubling[depth - 1].old_size);
		doubling[depth - 1].gives = false;
	}
	va_end(arguments);
}

static void freeing(phys_addr_t base, phys_addr_t size)
{
	if (depth) {
		doubling[depth - 1].gives = true;
		doubling[depth - 1].old = base;
		doubling[depth - 1].old_size = size;
	}
}

static void accept_memory(phys_addr_t addr, phys_addr_t size)
{
	accepted = size;
}

static void *memory_at(phys_addr_t addr)
{
	if (buffered == BUFFERS)
		abort();
	buffers[buffered].addr = addr;
	buffers[buffered].memory = calloc(1, accepted);
	return buffers[buffered++].memory;
}

static phys_addr_t address_of(const void *pointer)
{
	for (int i = 0; i < buffered; i++)
		if (buffers[i].memory == pointer)
			return buffers[i].addr;
	return (phys_addr_t)(uintptr_t)pointer;
}

static void memblock_free_pages(struct page *page, unsigned long pfn, unsigned int order)
{
	if (handed_over < BLOCKS) {
		blocks[handed_over].pfn = pfn;
		blocks[handed_over].order = order;
	}
	handed_over++;
}

/* ---- the client --------------------------------------------------------------------------------------------------- */

#define ARRAY 128

static long nodes;

static uint64_t field(const char *request, const char *key)
{
	const char *at = strstr(request, key);

	if (!at)
		return 0;
	at += strlen(key);
	if (strncmp(at, "true", 4) == 0)
		return 1;
	return strtoull(at + (*at == '"'), NULL, 0);
}

#define FIELD(name) field(request, "\"" name "\":")

static struct memblock_type *array_of(const char *request)
{
	return strstr(request, "\"type\":\"reserved\"") ? &memblock.reserved : &memblock.memory;
}

static void begin_array(struct memblock_type *type, struct memblock_region *regions, uint64_t max)
{
	memset(regions, 0, ARRAY * sizeof(*regions));
	regions[0].nid = MAX_NUMNODES;
	type->regions = regions;
	type->cnt = 0;
	type->max = max && max <= ARRAY ? max : ARRAY;
	type->total_size = 0;
}

static void answer_reset(const char *request)
{
	while (buffered)
		free(buffers[--buffered].memory);
	begin_array(&memblock.memory, memblock_memory_init_regions, FIELD("memory_max"));
	begin_array(&memblock.reserved, memblock_reserved_init_regions, FIELD("reserved_max"));
	memblock.bottom_up = false;
	memblock.current_limit = MEMBLOCK_ALLOC_ANYWHERE;
	system_has_some_mirror = false;
	memblock_debug = 1;
	memblock_can_resize = FIELD("resize");
	mirrored_kernelcore = FIELD("mirrored");
	movable_node = FIELD("movable_node");
	max_low_pfn = 0;
	nodes = FIELD("nodes");
	stopped = false;
	depth = moved = 0;
	puts("{\"ok\":true}");
}

static void print_moves(void)
{
	printf("\"moved\":[");
	for (int i = 0; i < moved; i++)
		printf("%s[\"%s\",\"0x%" PRIx64 "\",\"0x%" PRIx64 "\"]", i ? "," : "", moves[i].what, moves[i].base,
		       moves[i].size);
	printf("]");
}

static void answer_change(int error)
{
	if (error && !moved) {
		puts("{\"error\":\"ENOMEM\"}");
		return;
	}
	printf("{\"result\":{\"done\":%s,", error ? "false" : "true");
	print_moves();
	puts("}}");
}

static void answer_alloc(const char *request)
{
	uint64_t size = FIELD("size"), align = FIELD("align"), start = FIELD("start"), end = FIELD("end"), addr;
	int nid = (int)FIELD("nid");
	bool exact = FIELD("exact");

	if (!FIELD("soft"))
		addr = memblock_alloc_range_nid(size, align, start, end, nid, exact);
	else if (exact)
		addr = (uintptr_t)memblock_alloc_exact_nid_raw(size, align, start, end, nid);
	else
		addr = (uintptr_t)memblock_alloc_try_nid_raw(size, align, start, end, nid);
	if (!addr && !moved) {
		puts("{\"error\":\"ENOMEM\"}");
		return;
	}
	printf("{\"result\":{\"addr\":\"0x%" PRIx64 "\",", addr);
	print_moves();
	puts("}}");
}

static void answer_regions(const struct memblock_type *type)
{
	printf("{\"result\":{\"regions\":[");
	for (unsigned long i = 0, next; i < type->cnt; i = next) {
		const struct memblock_region *r = &type->regions[i];
		phys_addr_t end = r->base + r->size;

		for (next = i + 1; next < type->cnt && type->regions[next].base == end && type->regions[next].nid == r->nid &&
				   type->regions[next].flags == r->flags; next++)
			end += type->regions[next].size;
		printf("%s[\"0x%" PRIx64 "\",\"0x%" PRIx64 "\",%d,%u]", i ? "," : "", r->base, end - r->base,
		       r->nid == MAX_NUMNODES ? NUMA_NO_NODE : r->nid, r->flags);
	}
	puts("]}}");
}

static void answer_query(uint64_t base, uint64_t size)
{
#define TRUTH(name, value) printf("\"" name "\":%s,", (value) ? "true" : "false")
	int at = memblock_search(&memblock.memory, base);
	int nid = at == -1 ? NUMA_NO_NODE : memblock.memory.regions[at].nid;

	printf("{\"result\":{");
	TRUTH("memory", memblock_is_memory(base));
	TRUTH("reserved", memblock_is_reserved(base));
	TRUTH("mapped", memblock_is_map_memory(base));
	TRUTH("region_memory", memblock_is_region_memory(base, size));
	TRUTH("region_reserved", memblock_is_region_reserved(base, size));
	printf("\"nid\":%d}}\n", nid == MAX_NUMNODES ? NUMA_NO_NODE : nid);
}

static void answer_free_all(void)
{
	handed_over = 0;
	memblock_free_all();
	if (handed_over > BLOCKS)
		abort();
	printf("{\"result\":{\"blocks\":[");
	for (int i = 0; i < handed_over; i++)
		printf("%s[\"0x%lx\",%u]", i ? "," : "", blocks[i].pfn, blocks[i].order);
	printf("],");
	print_moves();
	puts("}}");
}

/* What the kernel does not check and the protocol refuses. */
static bool refused(const char *request, const char *op)
{
	uint64_t flag = FIELD("flag"), align = FIELD("align");
	bool on = FIELD("on"), memory = array_of(request) == &memblock.memory;
	long nid = (int)FIELD("nid");

	if (!strcmp(op, "add") || !strcmp(op, "alloc") || !strcmp(op, "set_node"))
		if (nid < -1 || nid >= nodes)
			return true;
	if (!strcmp(op, "add"))
		return FIELD("flags") & ~(MEMBLOCK_HOTPLUG | MEMBLOCK_MIRROR | MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED);
	if (!strcmp(op, "alloc"))
		return align & (align - 1);
	if (!strcmp(op, "trim"))
		return !align || align & (align - 1);
	if (!strcmp(op, "cap"))
		return FIELD("size") > PHYS_ADDR_MAX - FIELD("base");
	if (!strcmp(op, "mark"))
		return memory ? flag != MEMBLOCK_HOTPLUG && flag != MEMBLOCK_NOMAP && !(flag == MEMBLOCK_MIRROR && on) :
				flag != MEMBLOCK_RSRV_NOINIT || !on;
	return false;
}

static int mark(const char *request, uint64_t base, uint64_t size)
{
	bool on = FIELD("on");

	switch (FIELD("flag")) {
	case MEMBLOCK_HOTPLUG:
		return on ? memblock_mark_hotplug(base, size) : memblock_clear_hotplug(base, size);
	case MEMBLOCK_NOMAP:
		return on ? memblock_mark_nomap(base, size) : memblock_clear_nomap(base, size);
	case MEMBLOCK_MIRROR:
		return memblock_mark_mirror(base, size);
	default:
		return memblock_reserved_mark_noinit(base, size);
	}
}

/* Trimming wraps where a region begins above the last multiple of the alignment (docs/questions.md). */
static bool wraps(uint64_t align)
{
	return memblock.memory.cnt &&
	       round_up(memblock.memory.regions[memblock.memory.cnt - 1].base, align) <
		       memblock.memory.regions[memblock.memory.cnt - 1].base;
}

/* So does the hand-over, of free memory that begins in the last page of the address space. */
static bool ends_in_last_page(void)
{
	phys_addr_t start, end;
	u64 i;

	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_HOTPLUG, &start, &end, NULL)
		if (PFN_UP(start) < PFN_DOWN(start))
			return true;
	return false;
}

static void answer(const char *request, const char *op)
{
	uint64_t base = FIELD("base"), size = FIELD("size");
	int nid = (int)FIELD("nid"), error = 0;

	if (nid == -1 && strcmp(op, "alloc"))
		nid = MAX_NUMNODES;
	moved = depth = 0;
	if (stopped || setjmp(stopped_at)) {
		puts("{\"error\":\"PANIC\"}");
		return;
	}
	if (refused(request, op)) {
		puts("{\"error\":\"EINVAL\"}");
	} else if (!strcmp(op, "alloc")) {
		answer_alloc(request);
	} else if (!strcmp(op, "regions")) {
		answer_regions(array_of(request));
	} else if (!strcmp(op, "query")) {
		answer_query(base, size);
	} else if (!strcmp(op, "free_all") && ends_in_last_page()) {
		puts("{\"unsupported\":\"a hand-over at the top of the address space\"}");
	} else if (!strcmp(op, "free_all")) {
		max_low_pfn = FIELD("max_low_pfn");
		answer_free_all();
	} else if (!strcmp(op, "set_limit") || !strcmp(op, "direction")) {
		if (*op == 's')
			memblock_set_current_limit(FIELD("limit"));
		else
			memblock_set_bottom_up(FIELD("bottom_up"));
		puts("{\"result\":{}}");
	} else if (!strcmp(op, "trim") && wraps(FIELD("align"))) {
		puts("{\"unsupported\":\"trimming at the top of the address space\"}");
	} else {
		if (!strcmp(op, "add"))
			error = memblock_add_node(base, size, nid, FIELD("flags"));
		else if (!strcmp(op, "remove"))
			error = memblock_remove(base, size);
		else if (!strcmp(op, "reserve"))
			error = memblock_reserve(base, size);
		else if (!strcmp(op, "free"))
			error = memblock_phys_free(base, size);
		else if (!strcmp(op, "mark"))
			error = mark(request, base, size);
		else if (!strcmp(op, "set_node"))
			error = memblock_set_node(base, size, array_of(request), nid);
		else if (!strcmp(op, "trim"))
			memblock_trim_memory(FIELD("align"));
		else if (!strcmp(op, "enforce"))
			memblock_enforce_memory_limit(FIELD("limit"));
		else if (!strcmp(op, "cap"))
			memblock_cap_memory_range(base, size);
		else if (!strcmp(op, "limit_map"))
			memblock_mem_limit_remove_map(FIELD("limit"));
		else {
			puts("{\"unsupported\":\"unknown operation\"}");
			return;
		}
		answer_change(error);
	}
}

int main(void)
{
	static char line[(1 << 16) + 1];
	static char op[32];

	while (fgets(line, sizeof(line), stdin)) {
		if (strstr(line, "\"do\":\"hello\"")) {
			puts("{\"protocol\":1,\"name\":\"mm/memblock.c\",\"machines\":[\"memblock\"],\"capabilities\":"
			     "{\"query\":true,\"kinds\":true,\"limits\":true,\"resize\":true,\"free_all\":true,\"checked\":true,\"regions\":128}}");
		} else if (strstr(line, "\"do\":\"reset\"")) {
			answer_reset(line);
		} else if (strstr(line, "\"do\":\"bye\"")) {
			break;
		} else if (sscanf(line, "{\"do\":\"op\",\"op\":\"%31[a-z_]\"", op) == 1) {
			answer(line, op);
		} else {
			puts("{\"unsupported\":\"unknown request\"}");
		}
		fflush(stdout);
	}
	return 0;
}
