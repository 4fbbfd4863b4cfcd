/*
 * Programs of mmspec's benchmarks on the kernel's drivers/gpu/buddy.c (v6.12). This stands behind the text of the client
 * examples/kernel/gpu_buddy.c, which brings what the kernel would and includes the kernel's source; yardstick.py compiles both as
 * one library. A reference counts from the first row that was carried out after `begin`.
 */
enum { ALLOC_ROW = 1, ARGUMENT_ORDER = 255 };

static struct gpu_buddy zone;
static struct gpu_buddy_block **handed_out;
static int64_t carried_out;

/* Make every page of a new zone free; at most `rows` rows will follow. */
int begin(int64_t zone_pages, int64_t rows)
{
	static bool started;

	if (!started)
		module_start();
	started = true;
	carried_out = 0;
	handed_out = calloc(rows, sizeof(*handed_out));
	return !handed_out || gpu_buddy_init(&zone, zone_pages * PAGE, PAGE);
}

/* Carry out rows and return how many were refused. */
int64_t carry_out(const int64_t *program, int64_t rows)
{
	int64_t refused = 0;

	for (int64_t i = 0; i < rows; i++) {
		int64_t code = program[3 * i], argument = program[3 * i + 1], operand = program[3 * i + 2];

		if (code == ALLOC_ROW) {
			uint64_t size = PAGE << (argument & ARGUMENT_ORDER);
			LIST_HEAD(blocks);

			if (gpu_buddy_alloc_blocks(&zone, 0, zone.size, size, size, &blocks, 0))
				refused++;
			else
				handed_out[carried_out + i] = list_first_entry(&blocks, struct gpu_buddy_block, link);
		} else if (handed_out[operand]) {
			gpu_buddy_free_block(&zone, handed_out[operand]);
			handed_out[operand] = NULL;
		} else {
			refused++;
		}
	}
	carried_out += rows;
	return refused;
}

/* Give everything back and return how many pages were free before. */
int64_t end(void)
{
	int64_t free_pages = zone.avail / PAGE;

	for (int64_t i = 0; i < carried_out; i++)
		if (handed_out[i])
			gpu_buddy_free_block(&zone, handed_out[i]);
	gpu_buddy_fini(&zone);
	free(handed_out);
	return free_pages;
}
