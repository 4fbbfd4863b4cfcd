/*
 * A client of mmspec for the machine "buddy" (protocol 1): a small binary buddy allocator, and the page that connects it.
 *
 *     gcc -O2 -o mybuddy mybuddy.c && mmspec conform buddy --client exec:./mybuddy
 *
 * Put your own allocator in place of the first part; keep the second. Requests are canonical (keys in a fixed order, no
 * spaces), so strstr and strtoull are enough to read them. Replies go to stdout, flushed; anything else goes to stderr.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the allocator: one list of free blocks for each order ------------------------------------------------------- */

#define MAX_PAGES 65536
#define MAX_ORDER 10
#define NONE (-1)

static uint64_t start_pfn, end_pfn;             /* the zone is [start_pfn, end_pfn) */
static int max_order;                           /* of this zone; at most MAX_ORDER */
static signed char free_order[MAX_PAGES];       /* by frame: the order of the free block that begins there, or NONE */
static signed char live_order[MAX_PAGES];       /* the same for blocks that are handed out */
static int next[MAX_PAGES], prev[MAX_PAGES], head[MAX_ORDER + 1];

static void list_add(int frame, int order)
{
	free_order[frame] = order;
	prev[frame] = NONE;
	next[frame] = head[order];
	if (head[order] != NONE)
		prev[head[order]] = frame;
	head[order] = frame;
}

static void list_del(int frame)
{
	if (prev[frame] == NONE)
		head[free_order[frame]] = next[frame];
	else
		next[prev[frame]] = next[frame];
	if (next[frame] != NONE)
		prev[next[frame]] = prev[frame];
	free_order[frame] = NONE;
}

/* Give back a block, joined with its buddy as long as that one is free as a whole. Alignment counts from PFN 0. */
static void release(uint64_t pfn, int order)
{
	for (; order < max_order; order++) {
		uint64_t buddy = pfn ^ (UINT64_C(1) << order);

		if (buddy < start_pfn || buddy >= end_pfn || free_order[buddy - start_pfn] != order)
			break;
		list_del(buddy - start_pfn);
		pfn &= ~(UINT64_C(1) << order);
	}
	list_add(pfn - start_pfn, order);
}

/* Return a frame of the zone, counted from its start, or NONE. */
static int take(int order)
{
	int have = order, frame;

	while (have <= max_order && head[have] == NONE)
		have++;
	if (have > max_order)
		return NONE;
	frame = head[have];
	list_del(frame);
	while (have-- > order)
		list_add(frame + (1 << have), have);
	live_order[frame] = order;
	return frame;
}

static void reset(void)
{
	memset(free_order, NONE, sizeof(free_order));
	memset(live_order, NONE, sizeof(live_order));
	for (int order = 0; order <= MAX_ORDER; order++)
		head[order] = NONE;
	for (uint64_t pfn = start_pfn; pfn < end_pfn; pfn++)
		release(pfn, 0);
}

/* ---- the adapter: one JSON request in, one JSON reply out --------------------------------------------------------- */

static uint64_t ref[65536];                     /* the main value of each reply of a batch; an errored one has none */
static char has_ref[65536];

struct reply {
	char *text;
	size_t size, length;
};

static void put(struct reply *reply, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (reply->length < reply->size)
		reply->length += vsnprintf(reply->text + reply->length, reply->size - reply->length, format, args);
	va_end(args);
}

/* Read the number, "0x..." string or {"ref":k} after a key; return 0 where the ref names an error. */
static int field(const char *request, const char *key, uint64_t *value)
{
	const char *at = strstr(request, key) + strlen(key);

	if (strncmp(at, "{\"ref\":", 7) == 0) {
		unsigned long k = strtoul(at + 7, NULL, 10);

		*value = ref[k];
		return has_ref[k];
	}
	*value = strtoull(at + (*at == '"'), NULL, 0);
	return 1;
}

static void answer_alloc(const char *args, struct reply *reply, int k)
{
	uint64_t order;
	int frame;

	field(args, "\"order\":", &order);
	frame = order > (uint64_t)max_order ? NONE : take(order);
	if (frame == NONE) {
		put(reply, "{\"error\":\"%s\"}", order > (uint64_t)max_order ? "EINVAL" : "ENOMEM");
		return;
	}
	ref[k] = start_pfn + frame;
	has_ref[k] = 1;
	put(reply, "{\"result\":{\"pfn\":\"0x%" PRIx64 "\"}}", ref[k]);
}

static void answer_free(const char *args, struct reply *reply)
{
	uint64_t pfn, order;

	if (!field(args, "\"pfn\":", &pfn) || !field(args, "\"order\":", &order)) {
		put(reply, "{\"error\":\"EREF\"}");
	} else if (pfn < start_pfn || pfn >= end_pfn || order > (uint64_t)max_order ||
		   live_order[pfn - start_pfn] != (int)order) {
		put(reply, "{\"error\":\"EINVAL\"}");
	} else {
		live_order[pfn - start_pfn] = NONE;
		release(pfn, order);
		put(reply, "{\"result\":{}}");
	}
}

static void answer_look(int blocks, struct reply *reply)
{
	const char *comma = "";
	uint64_t count = 0;

	if (blocks)
		put(reply, "{\"result\":{\"blocks\":[");
	for (uint64_t pfn = start_pfn; pfn < end_pfn; pfn++) {
		int order = free_order[pfn - start_pfn];

		if (order == NONE)
			continue;
		count += UINT64_C(1) << order;
		if (blocks)
			put(reply, "%s[\"0x%" PRIx64 "\",%d]", comma, pfn, order);
		comma = ",";
	}
	put(reply, blocks ? "]}}" : "{\"result\":{\"count\":%" PRIu64 "}}", count);
}

/* Answer operation k of a batch: `name` begins with its name, `args` with its arguments. */
static void answer_op(const char *name, const char *args, struct reply *reply, int k)
{
	has_ref[k] = 0;
	if (strncmp(name, "alloc\"", 6) == 0)
		answer_alloc(args, reply, k);
	else if (strncmp(name, "free\"", 5) == 0)
		answer_free(args, reply);
	else if (strncmp(name, "free_count\"", 11) == 0)
		answer_look(0, reply);
	else if (strncmp(name, "free_blocks\"", 12) == 0)
		answer_look(1, reply);
	else
		put(reply, "{\"unsupported\":\"unknown operation\"}");
}

/* [["alloc",{"order":0}],["free",{"pfn":{"ref":0},"order":0}]] */
static void answer_ops(const char *ops, struct reply *reply)
{
	int k = 0;

	put(reply, "{\"replies\":[");
	for (ops = strstr(ops, "[\""); ops; ops = strstr(ops + 2, "[\"")) {
		put(reply, k ? "," : "");
		answer_op(ops + 2, strchr(ops, '{'), reply, k++);
	}
	put(reply, "]}");
}

static void answer_reset(const char *config, struct reply *reply)
{
	uint64_t order;

	field(config, "\"start_pfn\":", &start_pfn);
	field(config, "\"end_pfn\":", &end_pfn);
	field(config, "\"max_order\":", &order);
	if (end_pfn - start_pfn > MAX_PAGES || order > MAX_ORDER) {
		put(reply, "{\"unsupported\":\"at most %d pages of max_order %d\"}", MAX_PAGES, MAX_ORDER);
		return;
	}
	max_order = order;
	reset();
	put(reply, "{\"ok\":true}");
}

int mmspec_call(const char *request, char *text, size_t size)
{
	struct reply reply = { text, size, 0 };
	const char *does = request + strlen("{\"do\":\"");

	if (strncmp(does, "hello\"", 6) == 0)
		put(&reply, "{\"protocol\":1,\"name\":\"mybuddy 1.0\",\"machines\":[\"buddy\"],\"capabilities\":"
			"{\"checked_free\":true,\"checked_alloc\":true,\"observe\":true,\"batch\":true}}");
	else if (strncmp(does, "reset\"", 6) == 0)
		answer_reset(strstr(request, "\"config\":"), &reply);
	else if (strncmp(does, "ops\"", 4) == 0)
		answer_ops(strstr(request, "\"ops\":["), &reply);
	else if (strncmp(does, "op\"", 3) == 0)
		answer_op(strstr(request, "\"op\":\"") + 6, strstr(request, "\"args\":"), &reply, 0);
	else
		return -1;
	return reply.length < size ? (int)reply.length : -1;
}

#ifndef MMSPEC_LIBRARY
int main(void)
{
	static char request[(1 << 16) + 1], reply[1 << 20];

	while (fgets(request, sizeof(request), stdin)) {
		int length = mmspec_call(request, reply, sizeof(reply) - 1);

		if (length < 0)
			break;                  /* bye, or a reply that does not fit */
		reply[length] = '\n';
		fwrite(reply, 1, length + 1, stdout);
		fflush(stdout);
	}
	return 0;
}
#endif
