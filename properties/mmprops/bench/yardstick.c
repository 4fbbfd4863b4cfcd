/*
 * The yardstick for mmimpl's batch replay of the buddy allocator: the same arrays, cell types and rules in plain C.
 *
 * Linux 6.12, one zone, `alloc` without flags and `free`. The arrays and the meaning of a cell are those of
 * impl/mmimpl/physical/buddy/memory.py, the program and its results those of batch.py beside it; buddy_batch.py compares
 * results and arrays after every run. A rule that changes there changes here. Functions are named after their twins in
 * lists.py, fallback.py and operations.py, which cite the kernel; what is a helper there is inline here, so that both
 * compilers are told the same.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

enum { UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC };
enum { NONE = 0xFF, ALLOCATED = 0x80, MIGRATABLE = 0x10, LISTED_ORDER = 0x8F, TYPE = 0x70 };
enum { ALLOC = 1, REFERENCE = 16 };

static const int64_t DONE = INT64_C(1) << 60, EREF = INT64_C(1) << 16, PFN_MASK = (INT64_C(1) << 52) - 1;

/* The fields of mmimpl's Arrays, in order, without the version of the kernel. */
struct zone {
    uint8_t *page;
    uint32_t *after, *before;
    uint8_t *types;
    int64_t *frames;
    int64_t heads, start, end, max_order, pageblock_order;
};

static inline int64_t size_of(int64_t order) { return INT64_C(1) << order; }

/* --- lists ------------------------------------------------------------------------------------------------------- */

static inline void enlist_first(struct zone *z, int64_t pfn, int number)
{
    int64_t head = z->heads + number, first = z->after[head];
    z->page[pfn] = number;
    z->after[pfn] = first;
    z->before[pfn] = head;
    z->after[head] = pfn;
    z->before[first] = pfn;
}

static inline void enlist_last(struct zone *z, int64_t pfn, int number)
{
    int64_t head = z->heads + number, last = z->before[head];
    z->page[pfn] = number;
    z->after[pfn] = head;
    z->before[pfn] = last;
    z->before[head] = pfn;
    z->after[last] = pfn;
}

static inline void delist(struct zone *z, int64_t pfn)
{
    int64_t last = z->before[pfn], first = z->after[pfn];
    z->page[pfn] = NONE;
    z->after[last] = first;
    z->before[first] = last;
}

static inline int64_t smallest(struct zone *z, int order, int type)
{
    for (int k = order; k <= z->max_order; k++) {
        int64_t pfn = z->after[z->heads + (type << 4 | k)];
        if (pfn < z->heads)
            return pfn;
    }
    return z->heads;
}

/* --- types and counts -------------------------------------------------------------------------------------------- */

static inline int kind_of(int type) { return type >= HIGHATOMIC ? type : 0; }

static inline void count_block(struct zone *z, int64_t pfn, int order, int sign)
{
    int step = order < z->pageblock_order ? order : z->pageblock_order;
    for (int64_t i = 0; i < size_of(order - step); i++)
        z->frames[kind_of(z->types[(pfn >> z->pageblock_order) + i])] += sign * size_of(step);
}

static inline void set_types(struct zone *z, int64_t pfn, int order, int type)
{
    int above = order > z->pageblock_order ? order - z->pageblock_order : 0;
    for (int64_t i = 0; i < size_of(above); i++)
        z->types[(pfn >> z->pageblock_order) + i] = type;
}

/* --- free -------------------------------------------------------------------------------------------------------- */

static inline bool merges(struct zone *z, int64_t buddy, int order, int type)
{
    if ((z->page[buddy] & LISTED_ORDER) != order)
        return false;
    if (order < z->pageblock_order)
        return true;
    int theirs = z->types[buddy >> z->pageblock_order];
    return theirs == type || (theirs <= RECLAIMABLE && type <= RECLAIMABLE);
}

static inline bool merge_likely(struct zone *z, int64_t pfn, int order)
{
    int64_t parent = pfn & ~size_of(order);
    return order + 1 < z->max_order && parent >= z->start && (z->page[parent ^ size_of(order + 1)] & LISTED_ORDER) == order + 1;
}

static inline void free_one(struct zone *z, int64_t pfn, int order, int type)
{
    for (; order < z->max_order; order++) {
        int64_t buddy = pfn ^ size_of(order);
        if (!merges(z, buddy, order, type))
            break;
        delist(z, buddy);
        if (order >= z->pageblock_order)
            set_types(z, buddy, order, type);
        pfn &= buddy;
    }
    if (merge_likely(z, pfn, order))
        enlist_last(z, pfn, type << 4 | order);
    else
        enlist_first(z, pfn, type << 4 | order);
}

static inline int zone_free(struct zone *z, int64_t pfn, int order)
{
    if (pfn >= z->end || order > z->max_order || (z->page[pfn] & ~MIGRATABLE) != (ALLOCATED | order))
        return EINVAL;
    z->page[pfn] = NONE;
    count_block(z, pfn, order, 1);
    int step = order < z->pageblock_order ? order : z->pageblock_order;
    for (int64_t i = 0; i < size_of(order - step); i++) {
        int64_t piece = pfn + (i << step);
        free_one(z, piece, step, z->types[piece >> z->pageblock_order]);
    }
    return 0;
}

/* --- alloc ------------------------------------------------------------------------------------------------------- */

static inline int64_t frames_at(int cell) { return cell <= (ALLOCATED | MIGRATABLE | 15) ? size_of(cell & 15) : 1; }

static inline int64_t find_fallback(struct zone *z, int order, int type)
{
    int first = type == RECLAIMABLE ? UNMOVABLE : RECLAIMABLE, second = type == MOVABLE ? UNMOVABLE : MOVABLE;
    int64_t pfn = z->after[z->heads + (first << 4 | order)];
    if (pfn < z->heads)
        return pfn;
    pfn = z->after[z->heads + (second << 4 | order)];
    return pfn < z->heads ? pfn : z->heads;
}

static bool enough_alike(struct zone *z, int64_t pfn, int64_t end, int theirs, int type)
{
    int64_t size = size_of(z->pageblock_order), free = 0, movable = 0, alike = 0;
    while (pfn < end) {
        int cell = z->page[pfn];
        if (cell < ALLOCATED)
            free += frames_at(cell);
        else if (cell != NONE && cell & MIGRATABLE)
            movable += frames_at(cell);
        pfn += frames_at(cell);
    }
    if (type == MOVABLE)
        alike = movable;
    else if (theirs == MOVABLE)
        alike = size - (free + movable);
    return free + alike >= size >> 1;
}

static void move_pageblock(struct zone *z, int64_t pfn, int type)
{
    int64_t at = pfn >> z->pageblock_order << z->pageblock_order, end = at + size_of(z->pageblock_order);
    while (at < end) {
        int cell = z->page[at];
        if (cell < ALLOCATED) {
            delist(z, at);
            enlist_last(z, at, type << 4 | (cell & 15));
        }
        at += frames_at(cell);
    }
    z->types[pfn >> z->pageblock_order] = type;
}

static int64_t claim(struct zone *z, int order, int type)
{
    for (int k = z->max_order; k >= order; k--) {
        int64_t pfn = find_fallback(z, k, type);
        if (pfn == z->heads)
            continue;
        if (k < z->pageblock_order / 2 && type == MOVABLE)
            return z->heads;
        if (k >= z->pageblock_order) {
            set_types(z, pfn, k, type);
            z->page[pfn] = type << 4 | k;
            return pfn;
        }
        int theirs = z->types[pfn >> z->pageblock_order];
        int64_t first = pfn >> z->pageblock_order << z->pageblock_order, end = first + size_of(z->pageblock_order);
        if (theirs == HIGHATOMIC || first < z->start || end > z->end)
            continue;
        if (enough_alike(z, first, end, theirs, type)) {
            move_pageblock(z, pfn, type);
            return smallest(z, order, type);
        }
    }
    return z->heads;
}

static int64_t steal(struct zone *z, int order, int type)
{
    for (int k = order; k <= z->max_order; k++) {
        int64_t pfn = find_fallback(z, k, type);
        if (pfn < z->heads)
            return pfn;
    }
    return z->heads;
}

static inline int64_t zone_alloc(struct zone *z, int order, int type)
{
    if (order > z->max_order || type > RECLAIMABLE)
        return z->heads + EINVAL;
    int64_t pfn = smallest(z, order, type);
    if (pfn == z->heads)
        pfn = claim(z, order, type);
    if (pfn == z->heads)
        pfn = steal(z, order, type);
    if (pfn == z->heads)
        return z->heads + ENOMEM;
    int number = z->page[pfn];
    delist(z, pfn);
    for (int half = (number & 15) - 1; half >= order; half--)
        enlist_first(z, pfn + size_of(half), (number & TYPE) | half);
    z->page[pfn] = type == MOVABLE ? ALLOCATED | MIGRATABLE | order : ALLOCATED | order;
    count_block(z, pfn, order, -1);
    return pfn;
}

/* --- a whole program ----------------------------------------------------------------------------------------------- */

/* The program holds ALLOC without flags, FREE and FREE | REFERENCE only. */
void replay(struct zone *z, int64_t base, const int64_t *program, int64_t *results, int64_t length)
{
    for (int64_t i = 0; i < length; i++) {
        int64_t code = program[3 * i], argument = program[3 * i + 1], operand = program[3 * i + 2];
        if (code & REFERENCE) {
            code &= ~REFERENCE;
            if (operand < 0 || operand >= i || results[operand] < 0 || results[operand] >= DONE) {
                results[i] = -EREF;
                continue;
            }
            operand = results[operand] & PFN_MASK;
        }
        int64_t pfn = operand - base;
        if (pfn < 0 || pfn > z->heads)
            pfn = z->heads;
        if (code == ALLOC) {
            int64_t block = zone_alloc(z, argument & 255, argument >> 8 & 255);
            results[i] = block < z->heads ? base + block : z->heads - block;
        } else {
            int refused = zone_free(z, pfn, argument & 255);
            results[i] = refused ? -refused : DONE;
        }
    }
}
