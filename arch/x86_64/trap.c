/* Exceptions and NMIs of the host; the panic that ends the node. */
#include <stdarg.h>
#include <stdio.h>
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/mce.h"
#include "arch/x86_64/platform.h"
#include "lib/ksym.h"
#include "vmm/last_panic.h"
#include "lib/log.h"

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

void trap_handle(struct trap_frame *f);

extern const char image_start[], text_end[], image_end[];

/* Code that looks at `attention` and then waits or enters a guest: an interrupt between the two
 * would be seen too late, so it continues at `resume`. */
extern const struct resume_point {
	uint64_t from, to, resume;
} resume_points[]; /* from the assembly files; linker.ld ends it with a 0 */

static bool panicking; /* what is said is kept over the reset */

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	if (panicking)
		last_panic_add(buf);
	for (const char *p = buf; *p; p++)
		log_put(p, 1);
	log_put("\r\n", 2);
}

static bool is_stack(uint64_t p)
{
	return p >= (uint64_t)image_start && p % 8 == 0 && holds_ram_at(p);
}

static void say_frame(unsigned i, uint64_t rip)
{
	uint64_t off;
	const char *name = ksym_find(rip, &off);
	say("  #%-2u %016lx %s+0x%lx", i, rip, name ? name : "?", name ? off : 0);
}

/* Frames are linked through RBP; anything that does not look like one ends the walk. */
static void backtrace(uint64_t rip, uint64_t rbp)
{
	if (rip)
		say_frame(0, rip);
	for (unsigned i = 1; i < 24 && is_stack(rbp); i++) {
		uint64_t *frame = (uint64_t *)rbp;
		if (frame[1] < (uint64_t)image_start || frame[1] >= (uint64_t)text_end)
			break;
		say_frame(i, frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

/* The first core that panics speaks.  Another one that panics meanwhile only stops, and the first
 * one, when it comes back from a fault in its own report, ends the node. */
static void begin_panic(void)
{
	if (!stop_all_others() && panicking)
		node_panicked();
	log_end("", 0, true); /* what was queued comes first */
	last_panic_begin();
	panicking = true;
}

static void say_registers(const struct trap_frame *f)
{
	say("  rip %016lx rflags %08lx cr2 %016lx cr3 %08lx", f->rip, f->rflags, read_cr2(),
	    read_cr3());
	say("  rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
	say("  rsi %016lx rdi %016lx rbp %016lx rsp %016lx", f->rsi, f->rdi, f->rbp, f->rsp);
	say("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx", f->r8, f->r9, f->r10, f->r11);
	say("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx", f->r12, f->r13, f->r14, f->r15);
}

void panic(const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	begin_panic();
	say("patio: panic on core %u: %s", this_core()->index, buf);
	backtrace(0, (uint64_t)__builtin_frame_address(0));
	node_panicked();
}

static void trap_panic(const struct trap_frame *f, const char *why)
{
	begin_panic();
	say("patio: panic on core %u: exception %lu, error code %lx%s", this_core()->index,
	    f->vector, f->error, why);
	const char *wall = paging_explain(f->vector, f->error, read_cr2());
	if (wall)
		say("  %s", wall);
	say_registers(f);
	backtrace(f->rip, f->rbp);
	node_panicked();
}

static void handle_nmi(struct core *c)
{
	atomic_store(&c->attention, true);
	stop_if_wanted(c);
}

static void resume(struct trap_frame *f)
{
	for (const struct resume_point *p = resume_points; p->from; p++)
		if (f->rip >= p->from && f->rip < p->to) {
			f->rip = p->resume;
			return;
		}
}

/* One that the host survives is told without the log's lock, which this core may hold. */
static void handle_machine_check(const struct trap_frame *f)
{
	char text[160] = ": ";
	if (mce_handle(false, text + 2, sizeof text - 2) != MCE_GO_ON)
		trap_panic(f, text);
	say("patio: core %u goes on after a %s", this_core()->index, text + 2);
}

void trap_handle(struct trap_frame *f)
{
	struct core *c = this_core();
	if (f->vector == VECTOR_MC)
		handle_machine_check(f);
	else if (f->vector == VECTOR_NMI)
		handle_nmi(c);
	else
		trap_panic(f, "");
	resume(f);
}
