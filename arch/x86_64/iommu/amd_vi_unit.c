/* SPDX-License-Identifier: BSD-2-Clause */
/* amd_vi_unit.c: see amd_vi.h. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/iommu/amd_vi.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/iommu/tables.h"
#include "arch/x86_64/tsc.h"
#include "lib/log.h"
#include "lib/mem.h"

/* Registers (3.4). */
#define DEVICE_TABLE  0x00
#define QUEUE_BASE    0x08
#define LOG_BASE      0x10
#define CONTROL       0x18
#define EXCLUSION     0x20
#define FEATURES      0x30
#define QUEUE_HEAD    0x2000
#define QUEUE_TAIL    0x2008
#define LOG_HEAD      0x2010
#define LOG_TAIL      0x2018
#define STATUS        0x2020
#define LENGTH        56         /* of queue and log, in their base: log2 of the entries */
#define FEATURE_ALL   (1ul << 6) /* INVALIDATE_IOMMU_ALL */
#define CONTROL_ON    1ul
#define CONTROL_HT    (1ul << 1)
#define CONTROL_LOG   (1ul << 2)
#define CONTROL_PASS  (1ul << 8)
#define CONTROL_RPASS (1ul << 9)
#define CONTROL_COH   (1ul << 10)
#define CONTROL_ISOC  (1ul << 11)
#define CONTROL_QUEUE (1ul << 12)
#define STATUS_LOST   1ul /* the log is full */

/* Commands: the operation is in the upper four bits. */
#define OP(n)         ((uint64_t)(n) << 60)
#define OP_WAIT       OP(1)
#define OP_DEVICE     OP(2)
#define OP_PAGES      OP(3)
#define OP_INTERRUPTS OP(5)
#define OP_ALL        OP(8)
#define WAIT_STORE    1ul
#define PAGES_ALL     (0x7ffffffffffff000ul | 3) /* of any size, with the tables above them */

/* Events (2.5). */
#define EVENT_FUNCTION       0xffffu
#define EVENT_INTERRUPT      (1ul << 51)
#define EVENT_WRITE          (1ul << 53)
#define EVENT_CODE           60
#define CODE_ILLEGAL_COMMAND 5
#define CODE_COMMAND_ERROR   6
#define CODE_TIMEOUT         7

_Static_assert(AMD_VI_COMMANDS > CORES_MAX * (AMD_VI_BATCH + 1), "the queue is never full");

static uint64_t read_register(const struct amd_vi_unit *u, unsigned at)
{
	return *(volatile uint64_t *)(u->registers + at);
}

static void write_register(const struct amd_vi_unit *u, unsigned at, uint64_t v)
{
	*(volatile uint64_t *)(u->registers + at) = v;
}

/* --- commands ------------------------------------------------------------------------------- */

struct amd_vi_command amd_vi_forget_device(uint16_t function)
{
	return (struct amd_vi_command){{OP_DEVICE | function, 0}};
}

struct amd_vi_command amd_vi_forget_pages(uint16_t domain)
{
	return (struct amd_vi_command){{OP_PAGES | (uint64_t)domain << 32, PAGES_ALL}};
}

struct amd_vi_command amd_vi_forget_interrupts(uint16_t function)
{
	return (struct amd_vi_command){{OP_INTERRUPTS | function, 0}};
}

static void put_command(struct amd_vi_unit *u, struct amd_vi_command c)
{
	u->queue[u->tail] = c;
	u->tail = (u->tail + 1) % AMD_VI_COMMANDS;
}

bool amd_vi_command(struct amd_vi_unit *u, const struct amd_vi_command *c, unsigned n)
{
	unsigned me = this_core()->index;
	uint64_t ticket = ++u->asked[me], from = tsc_us();

	spin_lock(&u->lock);
	for (unsigned i = 0; i < n; i++)
		put_command(u, c[i]);
	put_command(u, (struct amd_vi_command){
	                   {OP_WAIT | WAIT_STORE | (uint64_t)(uintptr_t)&u->finished[me], ticket}});
	atomic_thread_fence(memory_order_seq_cst);
	write_register(u, QUEUE_TAIL, u->tail * sizeof *c);
	spin_unlock(&u->lock);
	while (atomic_load(&u->finished[me]) != ticket) {
		if (tsc_us() - from > AMD_VI_PATIENCE_US) {
			log_error("AMD-Vi: the IOMMU at %lx does not carry out a command",
			          (uint64_t)(uintptr_t)u->registers);
			return false;
		}
		core_pause();
	}
	return true;
}

/* --- enabling ------------------------------------------------------------------------------- */

/* The settings that firmware wants (5.2.2.1: bits 0 to 3 and 5 of the block's flags). */
static uint64_t control_word(uint8_t flags)
{
	return CONTROL_COH | (flags & 1 ? CONTROL_HT : 0) | (flags & 2 ? CONTROL_PASS : 0) |
	       (flags & 4 ? CONTROL_RPASS : 0) | (flags & 8 ? CONTROL_ISOC : 0);
}

static bool allocate(struct amd_vi_unit *u)
{
	if (!u->queue)
		u->queue = mem_zalloc(AMD_VI_COMMANDS * sizeof *u->queue);
	if (!u->log)
		u->log = mem_zalloc(AMD_VI_EVENTS * sizeof *u->log);
	return u->queue && u->log;
}

static uint64_t base(const void *at, unsigned entries)
{
	return (uint64_t)(uintptr_t)at | (uint64_t)__builtin_ctz(entries) << LENGTH;
}

/* What a unit cached for the firmware.  Without INVALIDATE_IOMMU_ALL one by one. */
static bool forget_all(struct amd_vi_unit *u)
{
	const struct amd_vi_command all = {{OP_ALL, 0}};

	if (read_register(u, FEATURES) & FEATURE_ALL)
		return amd_vi_command(u, &all, 1);
	for (unsigned i = 0; i < 0x10000; i++) {
		const struct amd_vi_command c[] = {amd_vi_forget_device((uint16_t)i),
		                                   amd_vi_forget_pages((uint16_t)i),
		                                   amd_vi_forget_interrupts((uint16_t)i)};

		if (!amd_vi_command(u, c, AMD_VI_BATCH))
			return false;
	}
	return true;
}

const char *amd_vi_enable(struct amd_vi_unit *u, const struct iommu_unit *where, const void *table,
                          size_t bytes)
{
	uint64_t control = control_word(where->flags);

	u->registers = (volatile uint8_t *)(uintptr_t)where->registers;
	if (read_register(u, CONTROL) == ~0ul)
		return "does not answer at the address of its registers";
	if (!allocate(u))
		return "no memory left for its queues";
	write_register(u, CONTROL, 0);
	/* A range that a system before us let pass untranslated, for all devices. */
	write_register(u, EXCLUSION, 0);
	write_register(u, DEVICE_TABLE, (uint64_t)(uintptr_t)table | (bytes / PAGE_SIZE - 1));
	write_register(u, QUEUE_BASE, base(u->queue, AMD_VI_COMMANDS));
	write_register(u, LOG_BASE, base(u->log, AMD_VI_EVENTS));
	write_register(u, QUEUE_HEAD, 0);
	write_register(u, QUEUE_TAIL, 0);
	write_register(u, LOG_HEAD, 0);
	write_register(u, LOG_TAIL, 0);
	write_register(u, STATUS, STATUS_LOST);
	u->tail = u->next = 0;
	write_register(u, CONTROL, control | CONTROL_LOG | CONTROL_QUEUE | CONTROL_ON);
	return forget_all(u) ? NULL : "does not carry out commands";
}

void amd_vi_disable(struct amd_vi_unit *u)
{
	if (u->registers)
		write_register(u, CONTROL, 0);
}

/* --- events --------------------------------------------------------------------------------- */

/* What was read is cleared, so that an event shows itself: the tail register may be ahead of what
 * the unit has written to memory, and reading it takes long. */
bool amd_vi_has_events(const struct amd_vi_unit *u)
{
	return __atomic_load_n(&u->log[u->next][0], __ATOMIC_ACQUIRE);
}

/* Else it is about the commands. */
static bool is_fault(uint64_t word)
{
	unsigned code = word >> EVENT_CODE;

	return code != CODE_ILLEGAL_COMMAND && code != CODE_COMMAND_ERROR && code != CODE_TIMEOUT;
}

static void report(const uint64_t event[2], void (*stopped)(const struct iommu_fault *f))
{
	const struct iommu_fault f = {.function = event[0] & EVENT_FUNCTION,
	                              .interrupt = event[0] & EVENT_INTERRUPT,
	                              .write = event[0] & EVENT_WRITE,
	                              .address = event[1]};

	if (is_fault(event[0]))
		stopped(&f);
	else
		log_error("AMD-Vi: event %016lx %016lx", event[0], event[1]);
}

/* The log was full: it begins anew (2.5.1). */
static void restart_log(struct amd_vi_unit *u)
{
	uint64_t control = read_register(u, CONTROL);

	write_register(u, CONTROL, control & ~CONTROL_LOG);
	for (unsigned i = 0; i < AMD_VI_EVENTS; i++)
		u->log[i][0] = 0;
	u->next = 0;
	write_register(u, LOG_HEAD, 0);
	write_register(u, LOG_TAIL, 0);
	write_register(u, STATUS, STATUS_LOST);
	write_register(u, CONTROL, control);
}

bool amd_vi_read_events(struct amd_vi_unit *u, unsigned budget,
                        void (*stopped)(const struct iommu_fault *f))
{
	bool any = false;

	for (; budget && amd_vi_has_events(u); budget--, any = true) {
		uint64_t *event = u->log[u->next];

		report(event, stopped);
		event[1] = 0;
		__atomic_store_n(&event[0], 0, __ATOMIC_RELEASE);
		u->next = (u->next + 1) % AMD_VI_EVENTS;
	}
	if (any)
		write_register(u, LOG_HEAD, u->next * sizeof *u->log);
	if (!(read_register(u, STATUS) & STATUS_LOST) || amd_vi_has_events(u))
		return false;
	restart_log(u);
	return true;
}
