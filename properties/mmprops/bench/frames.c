/*
 * The yardstick for mmimpl's batches of frames and pages: the same arrays and the same words in plain C.
 *
 * Functions have the names and the arguments of impl/mmimpl/physical/memory_model/batch.py, which says what they do; frames.py
 * compares what they write. Nothing is multiplied or divided by the size of a page, as in the kernel, where that is a constant:
 * pages of 32 and 64 bytes, the only ones that are measured, are shifted by.
 */
#include <stdint.h>

enum { ROOT_SHIFT = 8 };

static inline int shift_of(int64_t size) { return __builtin_ctzll(size); }

void pages_from(const int64_t *pfns, int64_t *pages, int64_t length, int64_t origin, int64_t size, int64_t mask)
{
    int shift = shift_of(size);
    for (int64_t i = 0; i < length; i++)
        pages[i] = (origin + (pfns[i] << shift)) & mask;
}

void frames_from(const int64_t *pages, int64_t *pfns, int64_t length, int64_t origin, int64_t size, int64_t mask)
{
    int shift = shift_of(size);
    for (int64_t i = 0; i < length; i++)
        pfns[i] = ((pages[i] - origin) & mask) >> shift;
}

static inline int64_t mem_map(const int32_t *directory, const int64_t *words, int64_t section, int64_t flags)
{
    return words[((int64_t)directory[section >> ROOT_SHIFT] << ROOT_SHIFT) + (section & 255)] & ~flags;
}

void pages_by_section(const int64_t *pfns, int64_t *pages, const int32_t *directory, const int64_t *words, int64_t length,
                      int64_t section_shift, int64_t flags, int64_t size, int64_t mask)
{
    int shift = shift_of(size);
    for (int64_t i = 0; i < length; i++)
        pages[i] = (mem_map(directory, words, pfns[i] >> section_shift, flags) + (pfns[i] << shift)) & mask;
}

void frames_by_section(const int64_t *pages, const int64_t *sections, int64_t *pfns, const int32_t *directory,
                       const int64_t *words, int64_t length, int64_t flags, int64_t size, int64_t mask)
{
    int shift = shift_of(size);
    for (int64_t i = 0; i < length; i++)
        pfns[i] = ((pages[i] - mem_map(directory, words, sections[i], flags)) & mask) >> shift;
}
