/*
 * A client of mmspec for the machine "page_table" (protocol 1): a walker of x86-64's four levels, and the page that connects it.
 *
 *     gcc -O2 -o mypage_table mypage_table.c && mmspec conform page_table --client exec:./mypage_table
 *
 * Put your own walker in place of the first part; keep the second. Requests are canonical (keys in a fixed order, no
 * spaces), so strstr and strtoull are enough to read them. Replies go to stdout, flushed; anything else goes to stderr.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the walker: physical memory is a hash table of words, and the processor has no TLB --------------------------- */

#define WORDS 65536
#define P 0x1
#define RW 0x2
#define US 0x4
#define A 0x20
#define D 0x40
#define PS 0x80
#define XD (UINT64_C(1) << 63)
#define ADDRESS UINT64_C(0xffffffffff000)

enum kind { READ, WRITE, FETCH };

static struct { uint64_t pa, value; } words[WORDS];     /* pa + 1, or 0 in a slot that is free */
static int used;
static int phys_bits, wp, smep, smap, nxe, pke, ac, gbpages;
static uint64_t pkru;

struct reached {
	uint64_t pa, size, accessed[4], dirty;
	int accesses, dirties;
	const char *fault;                      /* NULL: the byte was reached */
	int level, code;
};

/* Return the word at an address; one that was never written reads 0, unless it is to be made. */
static uint64_t *word(uint64_t pa, int make)
{
	static uint64_t nothing;
	unsigned slot = (pa >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 48;

	while (words[slot].pa != pa + 1) {
		if (words[slot].pa == 0) {
			if (!make || used == WORDS - 1)
				return make ? NULL : &nothing;
			used++;
			words[slot].pa = pa + 1;
			break;
		}
		slot = (slot + 1) % WORDS;
	}
	return &words[slot].value;
}

static int is_word(uint64_t pa)
{
	return pa % 8 == 0 && pa >> phys_bits == 0;
}

/* Return the bits that must be clear in a present entry. */
static uint64_t reserved(uint64_t entry, int level, int leaf)
{
	uint64_t bits = (UINT64_C(1) << 52) - (UINT64_C(1) << phys_bits);

	if (!nxe)
		bits |= XD;
	if (level == 4 || (level == 3 && !gbpages))
		bits |= PS;
	if (leaf && level > 1)
		bits |= (UINT64_C(1) << (9 * level + 3)) - (1 << 13);   /* bit 12 is PAT */
	return entry & bits;
}

/* Return what the error code says of a leaf that forbids an access, or 0; rights are those of all levels together. */
static int denial(uint64_t leaf, uint64_t rights, enum kind kind, int user)
{
	int key = pkru >> 2 * (leaf >> 59 & 15) & 3, is_user_page = (rights & US) != 0;

	if (pke && is_user_page && kind != FETCH && (key & 1 || (key & 2 && kind == WRITE && (user || wp))))
		return 0x21;
	if (user ? !is_user_page : is_user_page && (kind == FETCH ? smep : smap && !ac))
		return 0x1;
	if (kind == FETCH && rights & XD)
		return 0x1;
	return kind == WRITE && !(rights & RW) && (user || wp);
}

static struct reached fault(const char *kind, int level, int code)
{
	return (struct reached){ .fault = kind, .level = level, .code = code };
}

static struct reached walk(uint64_t root, uint64_t va, enum kind kind, int user)
{
	int code = (kind == WRITE ? 0x2 : 0) | (user ? 0x4 : 0) | (kind == FETCH && (smep || nxe) ? 0x10 : 0);
	uint64_t table = root, rights = RW | US, at[4], entry;
	struct reached reached = { 0 };

	if ((int64_t)(va << 16) >> 16 != (int64_t)va)
		return fault("general_protection", 4, 0);
	for (int level = 4; ; level--) {
		int shift = 9 * level + 3, leaf;

		at[4 - level] = table + (va >> shift & 511) * 8;
		entry = *word(at[4 - level], 0);
		leaf = level == 1 || (entry & PS && level < 4);
		if (!(entry & P))
			return fault("page_fault", level, code);
		if (reserved(entry, level, leaf))
			return fault("page_fault", level, code | 0x9);
		rights = (rights & entry & (RW | US)) | ((rights | entry) & XD);
		if (!leaf) {
			table = entry & ADDRESS;
			continue;
		}
		if (denial(entry, rights, kind, user))
			return fault("page_fault", level, code | denial(entry, rights, kind, user));
		reached.size = UINT64_C(1) << shift;
		reached.pa = (entry & ADDRESS & -reached.size) | (va & (reached.size - 1));
		for (int i = 0; i <= 4 - level; i++) {
			if (!(*word(at[i], 0) & A))
				reached.accessed[reached.accesses++] = at[i];
			*word(at[i], 0) |= A;
		}
		if (kind == WRITE && !(entry & D)) {
			*word(at[4 - level], 0) |= D;
			reached.dirty = at[4 - level];
			reached.dirties = 1;
		}
		return reached;
	}
}

/* ---- the adapter: one JSON request in, one JSON reply out --------------------------------------------------------- */

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

/* Return the number, "0x..." string, true or false after a key. */
static uint64_t field(const char *request, const char *key)
{
	const char *at = strstr(request, key) + strlen(key);

	return *at == 't' ? 1 : strtoull(at + (*at == '"'), NULL, 0);
}

static void answer_access(const char *args, struct reply *reply)
{
	const char *kind = strstr(args, "\"kind\":\"") + strlen("\"kind\":\"");
	uint64_t root = field(args, "\"root\":");
	struct reached reached;

	if (root % 4096 || !is_word(root)) {
		put(reply, "{\"error\":\"EINVAL\"}");
		return;
	}
	reached = walk(root, field(args, "\"va\":"), *kind == 'r' ? READ : *kind == 'w' ? WRITE : FETCH, field(args, "\"user\":"));
	if (reached.fault) {
		put(reply, "{\"result\":{\"fault\":{\"kind\":\"%s\",\"level\":%d,\"code\":%d}}}",
		    reached.fault, reached.level, reached.code);
		return;
	}
	put(reply, "{\"result\":{\"pa\":\"0x%" PRIx64 "\",\"size\":\"0x%" PRIx64 "\",\"accessed_set\":[", reached.pa, reached.size);
	for (int i = 0; i < reached.accesses; i++)
		put(reply, "%s\"0x%" PRIx64 "\"", i ? "," : "", reached.accessed[i]);
	put(reply, reached.dirties ? "],\"dirty_set\":[\"0x%" PRIx64 "\"]}}" : "],\"dirty_set\":[]}}", reached.dirty);
}

static void answer_write(const char *args, struct reply *reply)
{
	uint64_t pa = field(args, "\"pa\":"), *at;

	if (!is_word(pa)) {
		put(reply, "{\"error\":\"EINVAL\"}");
		return;
	}
	at = word(pa, 1);
	if (at)
		*at = field(args, "\"value\":");
	put(reply, at ? "{\"result\":{}}" : "{\"unsupported\":\"more than %d words\"}", WORDS);
}

static void answer_read(const char *args, struct reply *reply)
{
	uint64_t pa = field(args, "\"pa\":");

	if (is_word(pa))
		put(reply, "{\"result\":{\"value\":\"0x%" PRIx64 "\"}}", *word(pa, 0));
	else
		put(reply, "{\"error\":\"EINVAL\"}");
}

/* Answer one operation: `name` begins with its name, `args` with its arguments. */
static void answer_op(const char *name, const char *args, struct reply *reply)
{
	if (strncmp(name, "write\"", 6) == 0)
		answer_write(args, reply);
	else if (strncmp(name, "read\"", 5) == 0)
		answer_read(args, reply);
	else if (strncmp(name, "access\"", 7) == 0)
		answer_access(args, reply);
	else if (strncmp(name, "flush\"", 6) == 0)
		put(reply, "{\"result\":{}}");          /* nothing is cached */
	else
		put(reply, "{\"unsupported\":\"unknown operation\"}");
}

/* [["write",{"pa":"0x1000","value":"0x2027"}],["flush",{}]] */
static void answer_ops(const char *ops, struct reply *reply)
{
	const char *comma = "";

	put(reply, "{\"replies\":[");
	for (ops = strstr(ops, "[\""); ops; ops = strstr(ops + 2, "[\"")) {
		put(reply, "%s", comma);
		answer_op(ops + 2, strchr(ops, '{'), reply);
		comma = ",";
	}
	put(reply, "]}");
}

static void answer_reset(const char *config, struct reply *reply)
{
	if (!strstr(config, "\"mode\":\"la48\"")) {
		put(reply, "{\"unsupported\":\"four levels of x86-64 only\"}");
		return;
	}
	phys_bits = field(config, "\"phys_bits\":");
	wp = field(config, "\"wp\":");
	smep = field(config, "\"smep\":");
	smap = field(config, "\"smap\":");
	nxe = field(config, "\"nxe\":");
	pke = field(config, "\"pke\":");
	ac = field(config, "\"ac\":");
	pkru = field(config, "\"pkru\":");
	gbpages = field(config, "\"gbpages\":");
	memset(words, 0, sizeof(words));
	used = 0;
	put(reply, "{\"ok\":true}");
}

int mmspec_call(const char *request, char *text, size_t size)
{
	struct reply reply = { text, size, 0 };
	const char *does = request + strlen("{\"do\":\"");

	if (strncmp(does, "hello\"", 6) == 0)
		put(&reply, "{\"protocol\":1,\"name\":\"mypage_table 1.0\",\"machines\":[\"page_table\"],\"capabilities\":"
			"{\"mode\":\"la48\",\"uncached\":true,\"checked_write\":true,\"checked_read\":true,"
			"\"checked_access\":true,\"batch\":true}}");
	else if (strncmp(does, "reset\"", 6) == 0)
		answer_reset(strstr(request, "\"config\":"), &reply);
	else if (strncmp(does, "ops\"", 4) == 0)
		answer_ops(strstr(request, "\"ops\":["), &reply);
	else if (strncmp(does, "op\"", 3) == 0)
		answer_op(strstr(request, "\"op\":\"") + 6, strstr(request, "\"args\":"), &reply);
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
