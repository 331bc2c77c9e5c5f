/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's CPUID leaves (cpuid_policy.h).  Layouts: Intel SDM vol. 2, CPUID; AMD APM vol. 3,
 * appendix E; the KVM leaves: Linux, Documentation/virt/kvm/x86/cpuid.rst.
 */
#include "vmm/cpuid_policy.h"
#include "arch/x86_64/hvm/hvm.h"
#include "vmm/cpuid_table.h"

#define MIN_BASIC    0xbu /* x2APIC comes with the topology leaf */
#define MAX_BASIC    0x1fu
#define MIN_EXTENDED 0x80000008u /* fewer leaves break guests' user space (linux-guest notes) */
#define MAX_EXTENDED 0x80000021u
#define MAX_SUB7     2u
#define KVM_BASE     0x40000000u
#define KVM_FEATURES 0x40000001u

#define KVM_FEATURE_CLOCKSOURCE2       (1u << 3)
#define KVM_FEATURE_CLOCKSOURCE_STABLE (1u << 24)

#define BIT(n)        (1u << (n))
#define AMD_EBX       0x68747541u /* "Auth" */
#define HYGON_EBX     0x6f677948u /* "Hygo" */
#define LINEAR_4LEVEL 48u
#define XCR0_AMX      0x60000ul
#define AMX_EDX       (BIT(22) | BIT(24) | BIT(25)) /* of leaf 7 */

/* --- the table ------------------------------------------------------------------------------ */

#define ROW(bit, name, verdict, why)  {bit, name, CPUID_##verdict, why},
#define MASK(bit, name, verdict, why) | (CPUID_##verdict == CPUID_SHOWN ? BIT(bit) : 0)
#define ROWS(leaf, sub, reg, list)    static const struct cpuid_feature rows_##list[] = {list(ROW)};
#define WORD(leaf, sub, reg, list)                                                                 \
	{leaf,         sub,         CPUID_##reg,                                                   \
	 0 list(MASK), rows_##list, sizeof rows_##list / sizeof rows_##list[0]},

CPUID_WORDS(ROWS)

const struct cpuid_word cpuid_words[] = {CPUID_WORDS(WORD)};
const unsigned cpuid_words_count = sizeof cpuid_words / sizeof cpuid_words[0];

static uint32_t *reg_of(struct cpuid *r, enum cpuid_register reg)
{
	switch (reg) {
	case CPUID_EAX:
		return &r->eax;
	case CPUID_EBX:
		return &r->ebx;
	case CPUID_ECX:
		return &r->ecx;
	default:
		return &r->edx;
	}
}

/* Clears hidden feature bits in the registers that consist of feature bits. */
static void mask_features(struct cpuid *r, uint32_t leaf, uint32_t sub)
{
	for (unsigned i = 0; i < cpuid_words_count; i++)
		if (cpuid_words[i].leaf == leaf && cpuid_words[i].sub == sub)
			*reg_of(r, cpuid_words[i].reg) &= cpuid_words[i].shown;
}

/* --- features that several leaves report ---------------------------------------------------- */

static const struct cpuid empty_leaf;

static bool is_amd(cpuid_ask *ask)
{
	uint32_t vendor = ask(0, 0).ebx;

	return vendor == AMD_EBX || vendor == HYGON_EBX;
}

static uint32_t top_basic(cpuid_ask *ask)
{
	return ask(0, 0).eax;
}

/* AMX is offered whole or not at all: the instructions, their XCR0 components, the leaves that
 * describe them, and XFD, by which an OS enables it per task. */
static bool has_amx(cpuid_ask *ask)
{
	return top_basic(ask) >= 0x1e && (ask(7, 0).edx & BIT(24)) &&
	       (ask(0xd, 0).eax & XCR0_AMX) == XCR0_AMX && (ask(0xd, 1).eax & BIT(4));
}

uint64_t cpuid_xcr0(cpuid_ask *ask)
{
	struct cpuid d = top_basic(ask) >= 0xd ? ask(0xd, 0) : empty_leaf;
	uint64_t have = ((uint64_t)d.edx << 32 | d.eax) & XCR0_KNOWN;

	return (have & XCR0_AMX) && !has_amx(ask) ? have & ~XCR0_AMX : have;
}

/* The bits of SPEC_CTRL that each feature bit enumerates. */
static const struct {
	uint32_t leaf, sub;
	enum cpuid_register reg;
	uint8_t bit;
	uint64_t spec_ctrl;
} spec_ctrl[] = {
    {7, 0, CPUID_EDX, 26, 1},          {7, 0, CPUID_EDX, 27, 2},
    {7, 0, CPUID_EDX, 31, 4},          {7, 2, CPUID_EDX, 0, 0x80},
    {7, 2, CPUID_EDX, 1, 0x18},        {7, 2, CPUID_EDX, 2, 0x60},
    {7, 2, CPUID_EDX, 3, 0x100},       {7, 2, CPUID_EDX, 4, 0x400},
    {0x80000008, 0, CPUID_EBX, 14, 1}, {0x80000008, 0, CPUID_EBX, 15, 2},
    {0x80000008, 0, CPUID_EBX, 24, 4}, {0x80000008, 0, CPUID_EBX, 28, 0x80},
};

uint64_t cpuid_spec_ctrl(cpuid_ask *ask)
{
	static const struct cpuid_view any = {.vcpus = 1, .apic = true};
	uint64_t bits = 0;

	for (unsigned i = 0; i < sizeof spec_ctrl / sizeof spec_ctrl[0]; i++) {
		struct cpuid r = cpuid_for_guest(ask, &any, spec_ctrl[i].leaf, spec_ctrl[i].sub);

		if (*reg_of(&r, spec_ctrl[i].reg) & BIT(spec_ctrl[i].bit))
			bits |= spec_ctrl[i].spec_ctrl;
	}
	return bits;
}

uint64_t cpuid_arch_capabilities(uint64_t cpu)
{
	/* RDCL_NO, IBRS_ALL, RSBA, SSB_NO, MDS_NO, PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO,
	 * PSDP_NO, FB_CLEAR, RRSBA, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, RFDS_CLEAR, ITS_NO */
	static const uint8_t shown[] = {0,  1,  2,  4,  5,  6,  8,  13, 14,
	                                15, 17, 19, 20, 24, 26, 27, 28, 62};
	uint64_t bits = 0;

	for (unsigned i = 0; i < sizeof shown; i++)
		bits |= cpu & 1ul << shown[i];
	return bits;
}

/* --- topology: one package, in which each vCPU is a core of one thread ---------------------- */

/* The number of APIC ID bits that tell the vCPUs apart. */
static unsigned id_bits(const struct cpuid_view *v)
{
	unsigned bits = 0;

	while (1u << bits < v->vcpus)
		bits++;
	return bits;
}

static struct cpuid leaf_topology(const struct cpuid_view *v, uint32_t sub)
{
	struct cpuid r = {.ecx = sub & 0xff, .edx = v->id};

	if (sub == 0) {
		r.ebx = 1;
		r.ecx |= 1 << 8;
	} else if (sub == 1) {
		r.eax = id_bits(v);
		r.ebx = v->vcpus;
		r.ecx |= 2 << 8;
	}
	return r;
}

/* Leaves 4 and 8000001Dh: level 1 and 2 caches are private to a core, further levels are shared by
 * all.  The fields count APIC IDs, minus one, rounded up to a power of two. */
static struct cpuid leaf_cache(const struct cpuid_view *v, struct cpuid r, bool cores)
{
	uint32_t others = BIT(id_bits(v)) - 1, level = r.eax >> 5 & 7;

	if (!(r.eax & 0x1f))
		return empty_leaf;
	r.eax &= 0x3fff;
	if (level > 2)
		r.eax |= (others & 0xfff) << 14;
	if (cores)
		r.eax |= (others & 0x3f) << 26;
	return r;
}

static struct cpuid leaf_amd_topology(const struct cpuid_view *v)
{
	return (struct cpuid){.eax = v->id, .ebx = v->id & 0xff};
}

/* --- basic leaves --------------------------------------------------------------------------- */

static void leaf1(const struct cpuid_view *v, struct cpuid *r, uint32_t cpu_edx)
{
	r->ebx = (r->ebx & 0xffff) | v->vcpus << 16 | v->id << 24;
	r->ecx |= BIT(31);
	if (v->cr4 & CR4_OSXSAVE)
		r->ecx |= BIT(27);
	if (v->apic)
		r->edx |= cpu_edx & BIT(9);
	if (v->vcpus > 1)
		r->edx |= BIT(28);
}

/* Hides ERMS and FSRM; FZRM, FSRS and FSRC.  If MISC_ENABLE disables fast strings, Linux ignores
 * ERMS but not FSRM, and then its memmove() of less than 32 bytes never ends
 * (emulator-traps.md). */
static void hide_fast_strings(struct cpuid *r, uint32_t sub)
{
	if (sub == 0) {
		r->ebx &= ~BIT(9);
		r->edx &= ~BIT(4);
	} else if (sub == 1) {
		r->eax &= ~(BIT(10) | BIT(11) | BIT(12));
	}
}

static struct cpuid leaf7(cpuid_ask *ask, const struct cpuid_view *v, uint32_t sub)
{
	struct cpuid cpu = ask(7, sub), r = cpu;
	uint32_t max_sub = sub ? ask(7, 0).eax : cpu.eax;

	if (sub > max_sub || sub > MAX_SUB7)
		return empty_leaf;
	mask_features(&r, 7, sub);
	if (v->slow_strings)
		hide_fast_strings(&r, sub);
	if (sub == 0) {
		r.eax = max_sub < MAX_SUB7 ? max_sub : MAX_SUB7;
		if ((r.ecx & BIT(3)) && (v->cr4 & CR4_PKE))
			r.ecx |= BIT(4);
		if (v->lacks & HVM_LACKS_INVPCID)
			r.ebx &= ~BIT(10);
		if (v->lacks & HVM_LACKS_RDTSCP)
			r.ecx &= ~BIT(22);
		if ((r.edx & AMX_EDX) && !has_amx(ask))
			r.edx &= ~AMX_EDX;
		return r;
	}
	if (sub == 1) {
		r.ebx = r.ecx = 0;
		if (!has_amx(ask)) {
			r.eax &= ~BIT(21);
			r.edx &= ~BIT(8);
		}
	} else {
		r.eax = r.ebx = r.ecx = 0;
	}
	return r;
}

/* The size of an XSAVE area with these components (SDM 1, 13.5). */
static uint32_t save_size(cpuid_ask *ask, uint64_t components)
{
	uint32_t size = 576; /* the x87 and SSE image, and the header */

	for (uint32_t i = 2; i < 32; i++)
		if (components >> i & 1) {
			struct cpuid c = ask(0xd, i);

			if (c.ebx + c.eax > size)
				size = c.ebx + c.eax;
		}
	return size;
}

/* The same in the compacted form, which XSAVEC and XSAVES write (SDM 1, 13.4.3). */
static uint32_t compacted_size(cpuid_ask *ask, uint64_t components)
{
	uint32_t size = 576;

	for (uint32_t i = 2; i < 32; i++)
		if (components >> i & 1) {
			struct cpuid c = ask(0xd, i);

			if (c.ecx & 2) /* aligned to 64 bytes */
				size = (size + 63) & ~63u;
			size += c.eax;
		}
	return size;
}

/* EBX of sub-leaf 0 is the size for the enabled components: read from the CPU, because the core's
 * XCR0 is the guest's.  EBX of sub-leaf 1 is computed, because Bochs's is wrong and XSS is 0
 * (emulator-traps.md). */
static struct cpuid leaf_xsave(cpuid_ask *ask, const struct cpuid_view *v, uint32_t sub)
{
	struct cpuid r = ask(0xd, sub);
	uint64_t components = cpuid_xcr0(ask);

	if (sub == 0) {
		if (((uint64_t)r.edx << 32 | r.eax) != components)
			r.ecx = save_size(ask, components);
		r.eax = (uint32_t)components;
		r.edx = (uint32_t)(components >> 32);
	} else if (sub == 1) {
		mask_features(&r, 0xd, 1);
		if (v->lacks & HVM_LACKS_XSAVES)
			r.eax &= ~BIT(3);
		if (!has_amx(ask))
			r.eax &= ~BIT(4);
		r.ebx = r.eax & (BIT(1) | BIT(3)) ? compacted_size(ask, v->xcr0 & components) : 0;
		r.ecx = r.edx = 0; /* no XSS bits are supported */
	} else if (sub > 63 || !(components >> sub & 1)) {
		return empty_leaf;
	}
	return r;
}

static uint32_t max_basic(cpuid_ask *ask)
{
	uint32_t top = top_basic(ask);

	return top < MIN_BASIC ? MIN_BASIC : top > MAX_BASIC ? MAX_BASIC : top;
}

static struct cpuid basic_leaf(cpuid_ask *ask, const struct cpuid_view *v, uint32_t leaf,
                               uint32_t sub)
{
	struct cpuid r = empty_leaf;

	if (leaf > max_basic(ask))
		return empty_leaf;
	switch (leaf) {
	case 0:
		r = ask(0, 0);
		r.eax = max_basic(ask);
		return r;
	case 1: {
		struct cpuid cpu = ask(1, 0);

		r = cpu;
		mask_features(&r, 1, 0);
		leaf1(v, &r, cpu.edx);
		return r;
	}
	case 2:
		return ask(2, 0);
	case 4:
		return leaf_cache(v, ask(4, sub), true);
	case 6:
		r.eax = ask(6, 0).eax;
		mask_features(&r, 6, 0);
		return r;
	case 7:
		return leaf7(ask, v, sub);
	case 0xb:
	case 0x1f:
		return leaf_topology(v, sub);
	case 0xd:
		return leaf_xsave(ask, v, sub);
	case 0x1d:
	case 0x1e:
		return has_amx(ask) ? ask(leaf, sub) : empty_leaf;
	default:
		return empty_leaf;
	}
}

/* --- extended leaves ------------------------------------------------------------------------ */

static uint32_t max_extended(cpuid_ask *ask)
{
	uint32_t top = ask(0x80000000, 0).eax;

	return top < MIN_EXTENDED ? MIN_EXTENDED : top > MAX_EXTENDED ? MAX_EXTENDED : top;
}

static void leaf_extended1(cpuid_ask *ask, const struct cpuid_view *v, struct cpuid *r)
{
	uint32_t apic = r->edx & BIT(9);

	mask_features(r, 0x80000001, 0);
	if (v->apic)
		r->edx |= apic;
	if (v->vcpus > 1 && is_amd(ask))
		r->ecx |= BIT(1);
	if (v->lacks & HVM_LACKS_RDTSCP)
		r->edx &= ~BIT(27);
}

/* Address widths: five-level paging is hidden, so the linear width is limited to 48 bits. */
static void leaf_extended8(cpuid_ask *ask, const struct cpuid_view *v, struct cpuid *r)
{
	uint32_t physical = r->eax & 0xff, linear = r->eax >> 8 & 0xff;

	mask_features(r, 0x80000008, 0);
	r->eax = physical | (linear > LINEAR_4LEVEL ? LINEAR_4LEVEL : linear) << 8;
	r->ecx = is_amd(ask) ? (v->vcpus - 1) | id_bits(v) << 12 : 0;
	r->edx = 0;
}

static bool has_topology_extension(cpuid_ask *ask)
{
	return ask(0x80000001, 0).ecx & BIT(22);
}

static struct cpuid extended_leaf(cpuid_ask *ask, const struct cpuid_view *v, uint32_t leaf,
                                  uint32_t sub)
{
	struct cpuid r;

	if (leaf > max_extended(ask))
		return empty_leaf;
	r = ask(leaf, sub);
	switch (leaf) {
	case 0x80000000:
		r.eax = max_extended(ask);
		return r;
	case 0x80000001:
		leaf_extended1(ask, v, &r);
		return r;
	case 0x80000002 ... 0x80000006: /* name and caches */
	case 0x80000019:                /* TLBs of 1 GiB pages */
	case 0x8000001a:                /* widths of the vector units */
		return r;
	case 0x80000007:
		r = (struct cpuid){.edx = r.edx};
		mask_features(&r, 0x80000007, 0);
		return r;
	case 0x80000008:
		leaf_extended8(ask, v, &r);
		return r;
	case 0x8000001d:
		return has_topology_extension(ask) ? leaf_cache(v, r, false) : empty_leaf;
	case 0x8000001e:
		return has_topology_extension(ask) ? leaf_amd_topology(v) : empty_leaf;
	case 0x80000021:
		r = (struct cpuid){.eax = r.eax};
		mask_features(&r, 0x80000021, 0);
		return r;
	default:
		return empty_leaf;
	}
}

/* --- the whole of CPUID --------------------------------------------------------------------- */

static struct cpuid leaf_kvm(uint32_t leaf)
{
	if (leaf == KVM_BASE)
		return (struct cpuid){KVM_FEATURES, 0x4b4d564b, 0x564b4d56, 0x4d};
	if (leaf == KVM_FEATURES)
		return (struct cpuid){.eax = KVM_FEATURE_CLOCKSOURCE2 |
		                             KVM_FEATURE_CLOCKSOURCE_STABLE};
	return empty_leaf;
}

struct cpuid cpuid_for_guest(cpuid_ask *ask, const struct cpuid_view *v, uint32_t leaf,
                             uint32_t sub)
{
	if (leaf >= 0x80000000)
		return extended_leaf(ask, v, leaf, sub);
	return leaf >= KVM_BASE ? leaf_kvm(leaf) : basic_leaf(ask, v, leaf, sub);
}
