/*
 * A client of mmspec for the machine "buddy" over the kernel's own drivers/gpu/buddy.c (v6.12), which is compiled here, not
 * copied: what it wants of the kernel is in the first part, the protocol in the second. mmprops/clients/kernel_buddy.py
 * builds it:
 *
 *     mmspec conform buddy --client gpu-buddy
 *
 * That allocator counts offsets from its own start (capability "align": "zone"), joins blocks beyond any max_order (they
 * are reported in pieces), and keeps cleared blocks apart from dirty ones. With "clear" as its argument every second block is
 * given back as cleared, so that unlike buddies meet and have to be joined by force.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/rbtree.h>

/* ---- what the kernel would bring ---------------------------------------------------------------------------------- */

#undef BUG_ON
#undef WARN_ON
#define COMPLAIN(what, condition) (fprintf(stderr, "%s(%s)\n", what, condition), abort())
#define BUG_ON(condition) ((condition) ? COMPLAIN("BUG_ON", #condition) : (void)0)
#define WARN_ON(condition) ((condition) ? (COMPLAIN("WARN_ON", #condition), true) : false)
#define kunit_fail_current_test(text) COMPLAIN("kunit", text)

#define KMEM_CACHE(type, flags) ((struct kmem_cache *)sizeof(struct type))
#define kmem_cache_zalloc(cache, flags) calloc(1, (size_t)(cache))
#define kmem_cache_free(cache, object) free(object)
#define kmem_cache_destroy(cache) ((void)(cache))
#define kmalloc_array(n, size, flags) calloc(n, size)
#define kfree(object) free(object)
#define kmemleak_update_trace(object) ((void)(object))

#define IS_ALIGNED(value, size) (((value) & ((size) - 1)) == 0)
#define range_overflows(start, size, max) ((start) >= (max) || (size) > (max) - (start))
#define pr_info(format, ...) ((void)(0, ##__VA_ARGS__))
#define cond_resched() ((void)0)

unsigned long __sw_hweight64(__u64 word)
{
	return __builtin_popcountll(word);
}

#define __init
#define EXPORT_SYMBOL(name) extern int no_symbol
#define MODULE_DESCRIPTION(text) extern int no_symbol
#define MODULE_LICENSE(text) extern int no_symbol
#define module_init(function) static int (*const module_start)(void) = function
#define module_exit(function) void (*const module_end)(void) = function

#include "tools/lib/rbtree.c"
#include "drivers/gpu/buddy.c"

/* ---- the client --------------------------------------------------------------------------------------------------- */

#define PAGE 4096ULL
#define MAX_PAGES 65536
#define NONE (-1)

static struct gpu_buddy mm;
static bool running, clearing;
static uint64_t start_pfn, pages, frees;
static int max_order;
static struct list_head live[MAX_PAGES];        /* by frame: the blocks handed out there together */
static signed char live_order[MAX_PAGES], free_order[MAX_PAGES];

static uint64_t field(const char *request, const char *key)
{
	const char *at = strstr(request, key) + strlen(key);

	return strtoull(at + (*at == '"'), NULL, 0);
}

static void give(uint64_t frame)
{
	live_order[frame] = NONE;
	gpu_buddy_free_list(&mm, &live[frame], clearing && frees++ % 2 ? GPU_BUDDY_CLEARED : 0);
}

static void answer_reset(const char *request)
{
	uint64_t start = field(request, "\"start_pfn\":"), end = field(request, "\"end_pfn\":");

	if (end - start > MAX_PAGES) {
		printf("{\"unsupported\":\"at most %d pages\"}\n", MAX_PAGES);
		return;
	}
	for (uint64_t frame = 0; running && frame < pages; frame++)
		if (live_order[frame] != NONE)
			give(frame);
	if (running)
		gpu_buddy_fini(&mm);
	start_pfn = start;
	pages = end - start;
	max_order = field(request, "\"max_order\":");
	frees = 0;
	memset(live_order, NONE, sizeof(live_order));
	if (gpu_buddy_init(&mm, pages * PAGE, PAGE))
		COMPLAIN("gpu_buddy_init", "failed");
	running = true;
	puts("{\"ok\":true}");
}

static void answer_alloc(uint64_t order)
{
	uint64_t size = PAGE << order, frame;
	LIST_HEAD(blocks);

	if (order > (uint64_t)max_order) {
		puts("{\"error\":\"EINVAL\"}");
	} else if (gpu_buddy_alloc_blocks(&mm, 0, mm.size, size, size, &blocks, 0)) {
		puts("{\"error\":\"ENOMEM\"}");
	} else {
		frame = gpu_buddy_block_offset(list_first_entry(&blocks, struct gpu_buddy_block, link)) / PAGE;
		INIT_LIST_HEAD(&live[frame]);
		list_splice_tail(&blocks, &live[frame]);
		live_order[frame] = order;
		printf("{\"result\":{\"pfn\":\"0x%" PRIx64 "\"}}\n", start_pfn + frame);
	}
}

static void answer_free(uint64_t pfn, uint64_t order)
{
	if (pfn < start_pfn || pfn - start_pfn >= pages || live_order[pfn - start_pfn] != (int64_t)order) {
		puts("{\"error\":\"EINVAL\"}");
	} else {
		give(pfn - start_pfn);
		puts("{\"result\":{}}");
	}
}

/* Note a free block; a cleared and a dirty buddy, which the allocator keeps apart, count as one. */
static void note(uint64_t frame, int order)
{
	for (; clearing && order < max_order && free_order[frame ^ 1 << order] == order; order++) {
		free_order[frame ^ 1 << order] = NONE;
		frame &= ~(1ULL << order);
	}
	free_order[frame] = order;
}

static void answer_blocks(void)
{
	struct gpu_buddy_block *block, *next;
	const char *comma = "";

	memset(free_order, NONE, sizeof(free_order));
	for (int tree = 0; tree < GPU_BUDDY_MAX_FREE_TREES; tree++)
		for (int order = 0; order <= (int)mm.max_order; order++)
			rbtree_postorder_for_each_entry_safe(block, next, &mm.free_trees[tree][order], rb) {
				uint64_t frame = gpu_buddy_block_offset(block) / PAGE;
				int piece = order < max_order ? order : max_order;

				for (uint64_t at = 0; at < 1ULL << order; at += 1ULL << piece)
					note(frame + at, piece);
			}
	printf("{\"result\":{\"blocks\":[");
	for (uint64_t frame = 0; frame < pages; frame++)
		if (free_order[frame] != NONE) {
			printf("%s[\"0x%" PRIx64 "\",%d]", comma, start_pfn + frame, free_order[frame]);
			comma = ",";
		}
	puts("]}}");
}

int main(int argc, char **argv)
{
	static char line[(1 << 16) + 1];

	clearing = argc > 1 && strcmp(argv[1], "clear") == 0;
	module_start();
	while (fgets(line, sizeof(line), stdin)) {
		if (strstr(line, "\"do\":\"hello\""))
			printf("{\"protocol\":1,\"name\":\"drivers/gpu/buddy.c%s\",\"machines\":[\"buddy\"],\"capabilities\":"
			       "{\"checked_free\":true,\"checked_alloc\":true,\"observe\":true,\"align\":\"zone\"}}\n",
			       clearing ? ", half cleared" : "");
		else if (strstr(line, "\"do\":\"reset\""))
			answer_reset(line);
		else if (strstr(line, "\"op\":\"alloc\""))
			answer_alloc(field(line, "\"order\":"));
		else if (strstr(line, "\"op\":\"free\""))
			answer_free(field(line, "\"pfn\":"), field(line, "\"order\":"));
		else if (strstr(line, "\"op\":\"free_count\""))
			printf("{\"result\":{\"count\":%" PRIu64 "}}\n", (uint64_t)(mm.avail / PAGE));
		else if (strstr(line, "\"op\":\"free_blocks\""))
			answer_blocks();
		else if (strstr(line, "\"do\":\"bye\""))
			break;
		else
			puts("{\"unsupported\":\"unknown operation\"}");
		fflush(stdout);
	}
	return 0;
}
