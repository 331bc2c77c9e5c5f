/* SPDX-License-Identifier: BSD-2-Clause */
/* vt_d_unit.c: see vt_d.h. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/iommu/pages.h"
#include "arch/x86_64/iommu/vt_d.h"
#include "arch/x86_64/tsc.h"
#include "lib/log.h"
#include "lib/mem.h"

/* Registers (11.4). */
#define CAP             0x08
#define ECAP            0x10
#define COMMAND         0x18
#define GLOBAL          0x1c /* status */
#define ROOT            0x20
#define FAULTS          0x34 /* status */
#define FAULT_CONTROL   0x38
#define PROTECTION      0x64 /* of memory, by firmware */
#define QUEUE_TAIL      0x88
#define QUEUE           0x90
#define INTERRUPT_TABLE 0xb8

#define TRANSLATE      (1u << 31) /* of COMMAND and GLOBAL */
#define SET_ROOT       (1u << 30)
#define FAULT_LOG      (1u << 28) /* in memory */
#define FLUSH_WRITES   (1u << 27)
#define USE_QUEUE      (1u << 26)
#define REMAP          (1u << 25)
#define SET_INTERRUPTS (1u << 24)
#define OLD_FORMAT     (1u << 23) /* interrupts that name no entry pass */
#define ONE_SHOT       (SET_ROOT | 1u << 29 | FLUSH_WRITES | SET_INTERRUPTS)
#define FAULTS_LOST    1u
#define FAULTS_PENDING 2u
#define PROTECTION_ON  (1u << 31)
#define PROTECTED      1u
#define FAULTS_MASKED  (1u << 31) /* no interrupt */
#define QUEUE_PAGES    1          /* log2: two pages, 512 entries */

#define CAP_WRITES      (1ul << 4) /* buffered: to be flushed after each change (6.8) */
#define CAP_PROTECTION  (3ul << 5) /* of low memory, of high memory */
#define CAP_DRAIN_WRITE (1ul << 54)
#define CAP_DRAIN_READ  (1ul << 55)
#define ECAP_COHERENT   1ul
#define ECAP_QUEUE      (1ul << 1)
#define ECAP_REMAP      (1ul << 3)
#define ECAP_EIM        (1ul << 4)
#define ECAP_SNOOP      (1ul << 7)

/* Invalidations. */
#define FORGET_CONTEXTS   1ul
#define FORGET_PAGES      2ul
#define FORGET_INTERRUPTS 4ul
#define WAIT              (5ul | 1ul << 5) /* and write the status */
#define OF_ALL            (1ul << 4)
#define OF_DOMAIN         (2ul << 4)
#define OF_DEVICE         (3ul << 4)
#define DRAIN_WRITES      (1ul << 6)
#define DRAIN_READS       (1ul << 7)

/* A fault record's upper quadword (11.4.14). */
#define RECORD              16
#define RECORD_VALID        (1ul << 63)
#define RECORD_READ         (1ul << 62)
#define RECORD_REASON       32
#define FIRST_OF_INTERRUPTS 0x20 /* reasons of interrupts, 0x20 to 0x2f */

_Static_assert(VT_D_COMMANDS > CORES_MAX * (VT_D_BATCH + 1), "the queue is never full");

static uint32_t read32(const struct vt_d_unit *u, unsigned at)
{
	return *(volatile uint32_t *)(u->registers + at);
}

static uint64_t read64(const struct vt_d_unit *u, unsigned at)
{
	return *(volatile uint64_t *)(u->registers + at);
}

static void write32(const struct vt_d_unit *u, unsigned at, uint32_t v)
{
	*(volatile uint32_t *)(u->registers + at) = v;
}

static void write64(const struct vt_d_unit *u, unsigned at, uint64_t v)
{
	*(volatile uint64_t *)(u->registers + at) = v;
}

/* --- what it can do ------------------------------------------------------------------------- */

bool vt_d_can_levels(const struct vt_d_unit *u, unsigned levels)
{
	return u->cap >> (8 + levels - 2) & 1;
}

bool vt_d_has_2mib(const struct vt_d_unit *u)
{
	return u->cap >> 34 & 1;
}

bool vt_d_has_1gib(const struct vt_d_unit *u)
{
	return u->cap >> 35 & 1;
}

bool vt_d_snoops(const struct vt_d_unit *u)
{
	return u->ecap & ECAP_SNOOP;
}

bool vt_d_is_coherent(const struct vt_d_unit *u)
{
	return u->ecap & ECAP_COHERENT;
}

bool vt_d_remaps(const struct vt_d_unit *u)
{
	return u->ecap & ECAP_REMAP;
}

bool vt_d_has_x2apic(const struct vt_d_unit *u)
{
	return u->ecap & ECAP_EIM;
}

unsigned vt_d_domains(const struct vt_d_unit *u)
{
	return (1u << (4 + 2 * (u->cap & 7))) - 1;
}

/* --- commands ------------------------------------------------------------------------------- */

static uint64_t drain(const struct vt_d_unit *u)
{
	return (u->cap & CAP_DRAIN_WRITE ? DRAIN_WRITES : 0) |
	       (u->cap & CAP_DRAIN_READ ? DRAIN_READS : 0);
}

static struct vt_d_command forget_contexts(void)
{
	return (struct vt_d_command){{FORGET_CONTEXTS | OF_ALL, 0}};
}

struct vt_d_command vt_d_forget_context(uint16_t function, uint16_t domain)
{
	return (struct vt_d_command){
	    {FORGET_CONTEXTS | OF_DEVICE | (uint64_t)domain << 16 | (uint64_t)function << 32, 0}};
}

static struct vt_d_command forget_all_pages(const struct vt_d_unit *u)
{
	return (struct vt_d_command){{FORGET_PAGES | OF_ALL | drain(u), 0}};
}

struct vt_d_command vt_d_forget_pages(const struct vt_d_unit *u, uint16_t domain)
{
	return (struct vt_d_command){
	    {FORGET_PAGES | OF_DOMAIN | drain(u) | (uint64_t)domain << 16, 0}};
}

struct vt_d_command vt_d_forget_interrupts(void)
{
	return (struct vt_d_command){{FORGET_INTERRUPTS, 0}};
}

static void put_command(struct vt_d_unit *u, struct vt_d_command c)
{
	u->queue[u->tail] = c;
	if (!vt_d_is_coherent(u))
		iommu_write_back(&u->queue[u->tail], sizeof c);
	u->tail = (u->tail + 1) % VT_D_COMMANDS;
}

bool vt_d_command(struct vt_d_unit *u, const struct vt_d_command *c, unsigned n)
{
	unsigned me = this_core()->index;
	uint32_t ticket = ++u->asked[me];
	uint64_t from = tsc_us();

	spin_lock(&u->lock);
	for (unsigned i = 0; i < n; i++)
		put_command(u, c[i]);
	put_command(u, (struct vt_d_command){
	                   {WAIT | (uint64_t)ticket << 32, (uint64_t)(uintptr_t)&u->finished[me]}});
	atomic_thread_fence(memory_order_seq_cst);
	write64(u, QUEUE_TAIL, u->tail * sizeof *c);
	spin_unlock(&u->lock);
	while (atomic_load(&u->finished[me]) != ticket) {
		if (tsc_us() - from > VT_D_PATIENCE_US) {
			log_error("VT-d: the IOMMU at %lx does not carry out a command: fault "
			          "status %x",
			          (uint64_t)(uintptr_t)u->registers, read32(u, FAULTS));
			return false;
		}
		core_pause();
	}
	return true;
}

/* --- enabling ------------------------------------------------------------------------------- */

/* Writes the global command, with the state as it is but for `on` and `off`, and waits until the
 * status says so. */
static bool set_global(struct vt_d_unit *u, uint32_t on, uint32_t off)
{
	uint32_t state = read32(u, GLOBAL) & ~ONE_SHOT & ~off;
	uint64_t from = tsc_us();

	write32(u, COMMAND, state | on);
	while ((read32(u, GLOBAL) & (on | off)) != on) {
		if (tsc_us() - from > VT_D_PATIENCE_US)
			return false;
		core_pause();
	}
	return true;
}

const char *vt_d_find(struct vt_d_unit *u, uint64_t registers)
{
	u->registers = (volatile uint8_t *)(uintptr_t)registers;
	u->cap = read64(u, CAP);
	u->ecap = read64(u, ECAP);
	if (u->cap == ~0ul)
		return "does not answer at the address of its registers";
	if (!(u->ecap & ECAP_QUEUE))
		return "has no invalidation queue";
	if (u->cap & CAP_WRITES)
		return "buffers writes to its tables";
	return NULL;
}

static bool start_queue(struct vt_d_unit *u)
{
	write64(u, QUEUE_TAIL, 0);
	write64(u, QUEUE, (uint64_t)(uintptr_t)u->queue | QUEUE_PAGES);
	u->tail = 0;
	return set_global(u, USE_QUEUE, 0);
}

static bool forget_all(struct vt_d_unit *u)
{
	const struct vt_d_command c[] = {forget_contexts(), forget_all_pages(u),
	                                 vt_d_forget_interrupts()};

	return vt_d_command(u, c, vt_d_remaps(u) ? 3 : 2);
}

static bool start_remapping(struct vt_d_unit *u, uint64_t interrupts)
{
	const struct vt_d_command c = vt_d_forget_interrupts();

	if (!interrupts)
		return true;
	write64(u, INTERRUPT_TABLE, interrupts);
	return set_global(u, SET_INTERRUPTS, 0) && vt_d_command(u, &c, 1) &&
	       set_global(u, REMAP, 0);
}

/* Firmware may have protected memory from all DMA; that holds beside the translation until it is
 * switched off (11.4.8.1). */
static bool end_protection(struct vt_d_unit *u)
{
	uint64_t from = tsc_us();

	if (!(u->cap & CAP_PROTECTION))
		return true;
	write32(u, PROTECTION, read32(u, PROTECTION) & ~PROTECTION_ON);
	while (read32(u, PROTECTION) & PROTECTED) {
		if (tsc_us() - from > VT_D_PATIENCE_US)
			return false;
		core_pause();
	}
	return true;
}

const char *vt_d_enable(struct vt_d_unit *u, const void *root, uint64_t interrupts)
{
	if (!u->queue)
		u->queue = mem_zalloc(VT_D_COMMANDS * sizeof *u->queue);
	if (!u->queue)
		return "no memory left for its queue";
	vt_d_disable(u);
	write32(u, FAULT_CONTROL, FAULTS_MASKED);
	write64(u, ROOT, (uint64_t)(uintptr_t)root);
	if (!set_global(u, SET_ROOT, 0) || !start_queue(u) || !forget_all(u) ||
	    !start_remapping(u, interrupts) || !set_global(u, TRANSLATE, 0) || !end_protection(u))
		return "does not carry out commands";
	return NULL;
}

/* One after the other, each only if it is on (11.4.4.1).  Also what a system before us may have
 * set: interrupts in the old format would pass beside the table, and faults be written to its
 * memory. */
void vt_d_disable(struct vt_d_unit *u)
{
	static const uint32_t order[] = {TRANSLATE, REMAP, OLD_FORMAT, FAULT_LOG, USE_QUEUE};

	for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++)
		if (read32(u, GLOBAL) & order[i])
			set_global(u, 0, order[i]);
}

/* --- faults --------------------------------------------------------------------------------- */

bool vt_d_has_faults(const struct vt_d_unit *u)
{
	return read32(u, FAULTS) & (FAULTS_LOST | FAULTS_PENDING);
}

static void report(uint64_t low, uint64_t high, void (*stopped)(const struct iommu_fault *f))
{
	unsigned reason = high >> RECORD_REASON & 0xff;
	const struct iommu_fault f = {.function = high & 0xffff,
	                              .interrupt = reason >= FIRST_OF_INTERRUPTS &&
	                                           reason < FIRST_OF_INTERRUPTS + 16,
	                              .write = !(high & RECORD_READ),
	                              .address = low};

	stopped(&f);
}

bool vt_d_read_faults(struct vt_d_unit *u, unsigned budget,
                      void (*stopped)(const struct iommu_fault *f))
{
	unsigned records = (u->cap >> 40 & 0xff) + 1, at = (u->cap >> 24 & 0x3ff) * RECORD;
	uint32_t lost = read32(u, FAULTS) & FAULTS_LOST;

	for (unsigned i = 0; i < records && budget; i++, at += RECORD) {
		uint64_t high = read64(u, at + 8);

		if (!(high & RECORD_VALID))
			continue;
		report(read64(u, at), high, stopped);
		write64(u, at + 8, RECORD_VALID); /* clears it */
		budget--;
	}
	if (lost)
		write32(u, FAULTS, lost);
	return lost;
}
