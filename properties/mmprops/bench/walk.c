/*
 * The yardstick for mmimpl's batches of page-table walks: the same arrays, cells and rules in plain C.
 *
 * The chunks of memory and the table that finds them are those of impl/mmimpl/virtual/page_table/memory.py, a regime's cells
 * those of x86_64.py, aarch64.py and riscv64.py beside it, requests and results those of batch.py; walks.py compares results
 * and memory after every run. A rule that changes there changes here. Functions are named after their twins, with the
 * architecture before. An entry is looked up once and marked where it was found, as one writes it in C.
 */
#include <stdbool.h>
#include <stdint.h>

enum { READ, WRITE, FETCH };
enum { PAGE_FAULT, GENERAL_PROTECTION, TRANSLATION, ADDRESS_SIZE, ACCESS_FLAG, PERMISSION, ACCESS_FAULT, NO_FAULT };

struct memory {
    const int64_t *keys;
    const int32_t *places;
    int64_t *words;
    int64_t slots;
};

/* The four cells of a result. */
struct reached {
    int64_t fault, pa, size, marks;
};

static inline int64_t bit(int n) { return INT64_C(1) << n; }

/* The cell of a word; one of chunk 0 if nothing was ever written near it. */
static inline int64_t *place_of(const struct memory *m, int64_t pa)
{
    int64_t key = pa >> 12, slot = (key ^ key >> 11) & (m->slots - 1);
    for (int64_t i = 0; i < m->slots; i++, slot = (slot + 1) & (m->slots - 1)) {
        if (m->keys[slot] == key)
            return m->words + ((int64_t)m->places[slot] << 9 | (pa >> 3 & 511));
        if (m->keys[slot] == -1)
            break;
    }
    return m->words + (pa >> 3 & 511);
}

static inline struct reached fault(int kind, int level, int code)
{
    return (struct reached){kind | (level & 255) << 8 | code << 16, 0, 0, 0};
}

/* --- x86-64 --------------------------------------------------------------------------------------------------------- */

enum { LEVELS, FETCH_CODE, KEYS, PKRU, WP, ADDRESS, TABLE_RESERVED, LEAF_RESERVED = 12, ALLOWED = 18 };
enum { P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80 };

static inline int x86_64_denial(const int64_t *regime, int rights, int64_t entry, int kind, int user)
{
    if (regime[KEYS] && rights & US && kind != FETCH) {
        int key = regime[PKRU] >> 2 * (entry >> 59 & 15) & 3;
        if (key & 1 || (key & 2 && kind == WRITE && (user || regime[WP])))
            return 33;
    }
    return regime[ALLOWED + 8 * (2 * kind + user) + rights] ? 0 : 1;
}

static inline struct reached x86_64_walk(const struct memory *m, const int64_t *regime, int64_t root, int64_t va,
                                         int kind, int user)
{
    int levels = regime[LEVELS], code = (kind == WRITE ? 2 : 0) | (user ? 4 : 0) | (kind == FETCH ? regime[FETCH_CODE] : 0);
    int rights = RW | US, marks = 0;
    int64_t table = root, sign = va >> (9 * levels + 11), unused = 0, *used[5];
    if (sign != 0 && sign != -1)
        return fault(GENERAL_PROTECTION, levels, 0);
    for (int level = levels;; level--) {
        int shift = 9 * level + 3, depth = levels - level;
        int64_t *at = place_of(m, table + (va >> shift & 511) * 8), entry = *at;
        bool leaf = level == 1 || (entry & PS && level < 4);
        if (!(entry & P))
            return fault(PAGE_FAULT, level, code);
        if (entry & regime[(leaf ? LEAF_RESERVED : TABLE_RESERVED) + level])
            return fault(PAGE_FAULT, level, code | 9);
        rights = (rights & entry) | (rights & 1) | (entry < 0);
        unused |= ~entry;
        used[depth] = at;
        if (!leaf) {
            table = entry & regime[ADDRESS];
            continue;
        }
        int forbidden = x86_64_denial(regime, rights, entry, kind, user);
        if (forbidden)
            return fault(PAGE_FAULT, level, code | forbidden);
        for (int i = 0; unused & A && i <= depth; i++) {
            marks += !(*used[i] & A);
            *used[i] |= A;
        }
        if (kind == WRITE && !(entry & D)) {
            *at |= D;
            marks |= 256;
        }
        int64_t mask = bit(shift) - 1;
        return (struct reached){NO_FAULT | level << 8, (entry & regime[ADDRESS] & ~mask) | (va & mask), bit(shift), marks};
    }
}

/* --- AArch64 -------------------------------------------------------------------------------------------------------- */

enum { GRANULE, VA_BITS, PHYS_BITS, START, LOW_SHIFT, LOW_BITS, HIGH_SHIFT, HIGH_BITS, FIELD_SHIFT, BLOCKS };
enum { WXN = 10, PAN, EPAN, HARDWARE_AF, HARDWARE_DIRTY, TOP_DATA, TOP_FETCH, CLOSED, CLOSED_USER, HIERARCHY };

static const int64_t AP1 = 1 << 6, AP2 = 1 << 7, AF = 1 << 10;
static const int64_t DBM = INT64_C(1) << 51, PXN = INT64_C(1) << 53, UXN = INT64_C(1) << 54;

static inline struct reached aarch64_fault(int kind, int level)
{
    if (level < 0)
        return fault(kind, level, kind == ADDRESS_SIZE ? 0x29 : 0x2B);
    return fault(kind, level, level + (kind == TRANSLATION ? 4 : kind == ADDRESS_SIZE ? 0 : kind == ACCESS_FLAG ? 8 : 12));
}

static inline bool aarch64_permits(const int64_t *regime, int64_t leaf, int kind, int user)
{
    bool el0 = leaf & AP1, write = !(leaf & AP2);
    if (kind == FETCH && user)
        return !(leaf & UXN) && !(regime[WXN] && el0 && write);
    if (kind == FETCH)
        return !(leaf & PXN) && !(write && (el0 || regime[WXN]));
    if (user)
        return el0 && (write || kind != WRITE);
    if ((regime[PAN] && el0) || (regime[EPAN] && !(leaf & UXN)))
        return false;
    return write || kind != WRITE;
}

static inline struct reached aarch64_walk(const struct memory *m, const int64_t *regime, int64_t root, int64_t va,
                                         int kind, int user)
{
    int64_t top = bit(regime[kind == FETCH ? TOP_FETCH : TOP_DATA] - 1) * 2 - 1, low = bit(regime[LOW_BITS]) - 1;
    int64_t high = bit(regime[HIGH_BITS]) - 1, inside = va & (bit(regime[VA_BITS]) - 1), table = root, taken = 0;
    int stride = regime[GRANULE] - 3;
    if (((va & top) ^ (-(va >> 55 & 1) & top)) >> regime[VA_BITS] || regime[user ? CLOSED_USER : CLOSED])
        return aarch64_fault(TRANSLATION, 0);
    for (int level = regime[START];; level++) {
        int shift = stride * (4 - level) + 3;
        int64_t *at = place_of(m, table + (inside >> shift & (bit(stride) - 1)) * 8), entry = *at;
        bool leaf = level == 3 || !(entry & 2);
        if (!(entry & 1) || (!(entry & 2) && (level < 0 || level == 3 || !(regime[BLOCKS] >> level & 1))))
            return aarch64_fault(TRANSLATION, level);
        int aligned = leaf ? shift : regime[GRANULE];
        int64_t address = (entry & low) >> aligned << aligned | (entry >> regime[HIGH_SHIFT] & high) << regime[FIELD_SHIFT];
        if (address >> regime[PHYS_BITS])
            return aarch64_fault(ADDRESS_SIZE, level);
        if (!leaf) {
            if (regime[HIERARCHY])
                taken |= (entry >> 61 & 3) << 6 | (entry >> 59 & 3) << 53;
            table = address;
            continue;
        }
        if (!(entry & AF) && !regime[HARDWARE_AF])
            return aarch64_fault(ACCESS_FLAG, level);
        bool clean = regime[HARDWARE_DIRTY] && entry & DBM && entry & AP2;
        int64_t rights = ((clean ? entry & ~AP2 : entry) & ~(taken & AP1)) | (taken & (AP2 | PXN | UXN));
        if (!aarch64_permits(regime, rights, kind, user))
            return aarch64_fault(PERMISSION, level);
        int marks = entry & AF ? 0 : 1;
        if (clean && kind == WRITE) {
            marks |= 256;
            entry &= ~AP2;
        }
        *at = entry | AF;
        return (struct reached){NO_FAULT | (level & 255) << 8, address | (inside & (bit(shift) - 1)), bit(shift), marks};
    }
}

/* --- RISC-V --------------------------------------------------------------------------------------------------------- */

enum { RISCV_LEVELS, RISCV_PHYS_BITS, RESERVED, SUM, ADUE, NEEDS, CAUSES = 8 };
enum { V = 1, R = 2, W = 4, X = 8, U = 16, RISCV_A = 64, RISCV_D = 128 };

static const int64_t PAGE_NUMBER = ((INT64_C(1) << 44) - 1) << 10, PBMT = INT64_C(3) << 61;

static inline bool riscv64_permits(const int64_t *regime, int level, int64_t pte, int kind, int user)
{
    int64_t frame = (pte & PAGE_NUMBER) << 2, wanted = kind == WRITE ? RISCV_A | RISCV_D : RISCV_A;
    if ((pte & PBMT) == PBMT || !(pte & regime[NEEDS + kind]))
        return false;
    if (pte < 0 ? level > 0 || (frame >> 12 & 15) != 8 : frame & (bit(12 + 9 * level) - 1))
        return false;
    if (user ? !(pte & U) : pte & U && (kind == FETCH || !regime[SUM]))
        return false;
    return regime[ADUE] || (pte & wanted) == wanted;
}

static inline struct reached riscv64_walk(const struct memory *m, const int64_t *regime, int64_t root, int64_t va,
                                         int kind, int user)
{
    int levels = regime[RISCV_LEVELS], page_fault = regime[CAUSES + kind], access_fault = regime[CAUSES + 3 + kind];
    int64_t table = root, sign = va >> (9 * levels + 11);
    if (sign != 0 && sign != -1)
        return fault(PAGE_FAULT, levels - 1, page_fault);
    for (int i = levels - 1;; i--) {
        int64_t where = table + (va >> (12 + 9 * i) & 511) * 8;
        if (where >> regime[RISCV_PHYS_BITS])
            return fault(ACCESS_FAULT, i, access_fault);
        int64_t *at = place_of(m, where), pte = *at;
        if (!(pte & V) || pte & regime[RESERVED] || (pte & W && !(pte & R)))
            return fault(PAGE_FAULT, i, page_fault);
        if (!(pte & (R | X))) {
            if (i == 0 || pte & (U | RISCV_A | RISCV_D | PBMT) || pte < 0)
                return fault(PAGE_FAULT, i, page_fault);
            table = (pte & PAGE_NUMBER) << 2;
            continue;
        }
        if (!riscv64_permits(regime, i, pte, kind, user))
            return fault(PAGE_FAULT, i, page_fault);
        int64_t size = bit(pte < 0 ? 16 : 12 + 9 * i), pa = ((pte & PAGE_NUMBER) << 2 & ~(size - 1)) | (va & (size - 1));
        if (pa >> regime[RISCV_PHYS_BITS])
            return fault(ACCESS_FAULT, i, access_fault);
        int64_t wanted = kind == WRITE ? RISCV_A | RISCV_D : RISCV_A;
        int marks = (pte & RISCV_A ? 0 : 1) | (kind == WRITE && !(pte & RISCV_D) ? 256 : 0);
        if ((pte & wanted) != wanted)
            *at = pte | wanted;
        return (struct reached){NO_FAULT | i << 8, pa, size, marks};
    }
}

/* --- batches -------------------------------------------------------------------------------------------------------- */

/* A request is three cells: the root, the address, and kind | user << 8. */
#define BATCH(arch)                                                                                                            \
    void arch(const struct memory *m, const int64_t *regime, const int64_t *requests, struct reached *results, int64_t length) \
    {                                                                                                                          \
        for (int64_t i = 0; i < length; i++, requests += 3)                                                                    \
            results[i] = arch##_walk(m, regime, requests[0], requests[1], requests[2] & 255, requests[2] >> 8);                \
    }

BATCH(x86_64)
BATCH(aarch64)
BATCH(riscv64)
