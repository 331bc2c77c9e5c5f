/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions on control registers that exit on SVM: which are carried out, and which fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "arch/x86_64/hvm/control_regs.c"
#include "arch/x86_64/hvm/svm_control.c"
#include "vmm/emulate_control.c"

#define CR0_LONG 0x80050033ul
#define LENGTH   3

static struct insn_sys decoded; /* what the guest's memory holds when the exit is looked at */
static unsigned injected, stored;

uint8_t emulate_sys_decode(struct vcpu *v, struct insn_sys *out)
{
	(void)v;
	*out = decoded;
	return LENGTH;
}

bool emulate_sys_word(struct vcpu *v, const struct insn_sys *in, bool write, uint16_t *word)
{
	(void)v;
	(void)in;
	(void)word;
	stored += write;
	return true;
}

uint64_t hvm_cr4_offered(void)
{
	return cr4_offered(0, 1u << 7 | 1u << 20, 0);
}

static void inject(struct hvm_vcpu *v, uint8_t vector, bool has_error, uint32_t error)
{
	(void)v;
	(void)error;
	assert_int_equal(vector, VECTOR_GP);
	assert_true(has_error);
	injected++;
}

static struct svm_vcpu svm;

static uint64_t get(const struct hvm_vcpu *v, enum hvm_state what)
{
	const struct vmcb *b = &svm.vmcb;

	(void)v;
	return what == HVM_CR0    ? svm_cr0(&svm)
	       : what == HVM_CR4  ? svm_cr4(&svm)
	       : what == HVM_CR3  ? b->cr3
	       : what == HVM_EFER ? b->efer
	                          : b->cpl;
}

static void get_seg(const struct hvm_vcpu *v, enum hvm_seg which, struct seg *out)
{
	(void)v;
	*out = (struct seg){.attr = seg_attr_unpacked(svm.vmcb.seg[which].attr)};
}

static bool set_control(struct hvm_vcpu *v, unsigned which, uint64_t value)
{
	(void)v;
	return svm_write_control(&svm, which, value);
}

static const struct hvm_ops ops = {
    .get = get, .get_seg = get_seg, .set_control = set_control, .inject_exception = inject};
const struct hvm_ops *hvm = &ops;
static struct vcpu vcpu;

/* A kernel in long mode with CR0.CD set, or a program of its. */
static int begin(void **state)
{
	(void)state;
	memset(&svm, 0, sizeof svm);
	svm.vmcb.efer = EFER_LME | EFER_LMA;
	svm.vmcb.seg[HVM_CS].attr = seg_attr_packed(SEG_CODE64);
	svm_control_reset(&svm, CR0_LONG | CR0_CD, CR4_PAE | CR4_SMEP);
	injected = stored = 0;
	return 0;
}

static uint8_t carries_out(struct insn_sys in, uint64_t value)
{
	decoded = in;
	vcpu.cpu.regs[in.gpr] = value;
	return emulate_control(&vcpu);
}

static void test_kernel(void **state)
{
	(void)state;
	assert_int_equal(carries_out((struct insn_sys){.kind = SYS_MOV_TO_CR, .creg = 0}, CR0_LONG),
	                 LENGTH);
	assert_int_equal(svm_cr0(&svm), CR0_LONG);
	assert_int_equal(carries_out((struct insn_sys){.kind = SYS_MOV_TO_CR, .creg = 4}, CR4_PAE),
	                 LENGTH);
	assert_int_equal(svm_cr4(&svm), CR4_PAE);
	assert_int_equal(injected, 0);
	assert_int_equal(carries_out((struct insn_sys){.kind = SYS_MOV_TO_CR, .creg = 4}, 0), 0);
	assert_int_equal(injected, 1);
	assert_int_equal(svm_cr4(&svm), CR4_PAE);
}

/* SMSW of a program exits; a second vCPU has put another instruction in its place meanwhile. */
static void test_program(void **state)
{
	static const struct insn_sys others[] = {
	    {.kind = SYS_MOV_TO_CR, .creg = 0},
	    {.kind = SYS_MOV_TO_CR, .creg = 4},
	    {.kind = SYS_MOV_FROM_CR, .creg = 3},
	    {.kind = SYS_CLTS},
	    {.kind = SYS_LMSW},
	};
	uint64_t cr0, cr4, value;

	(void)state;
	svm.vmcb.cpl = 3;
	svm.vmcb.cr0 |= CR0_TS;
	svm.vmcb.cr3 = 0x1000;
	cr0 = svm_cr0(&svm);
	cr4 = svm_cr4(&svm);
	value = CR0_LONG & ~1ul;
	for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_int_equal(carries_out(others[i], value), 0);
		assert_int_equal(vcpu.cpu.regs[0], value);
	}
	assert_int_equal(svm_cr0(&svm), cr0);
	assert_int_equal(svm_cr4(&svm), cr4);
	assert_int_equal(injected, 0); /* it is executed again, and faults by itself */
	assert_int_equal(carries_out((struct insn_sys){.kind = SYS_SMSW, .width = 8}, 0), LENGTH);
	assert_int_equal(vcpu.cpu.regs[0], cr0);
	assert_int_equal(carries_out((struct insn_sys){.kind = SYS_SMSW, .has_mem = true}, 0),
	                 LENGTH);
	assert_int_equal(stored, 1);
}

/* Paging on with EFER.LME set is a #GP while CS.L is set (SDM vol. 2, MOV to control registers). */
static void test_long_code_segment(void **state)
{
	(void)state;
	svm.vmcb.efer = EFER_LME;
	svm_control_reset(&svm, 0x11, CR4_PAE);
	assert_int_equal(carries_out((struct insn_sys){.kind = SYS_MOV_TO_CR}, CR0_LONG), 0);
	assert_int_equal(injected, 1);
	assert_int_equal(svm.vmcb.efer, EFER_LME);
	svm.vmcb.seg[HVM_CS].attr = seg_attr_packed(SEG_CODE32);
	assert_int_equal(carries_out((struct insn_sys){.kind = SYS_MOV_TO_CR}, CR0_LONG), LENGTH);
	assert_int_equal(svm.vmcb.efer, EFER_LME | EFER_LMA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_kernel, begin),
	    cmocka_unit_test_setup(test_program, begin),
	    cmocka_unit_test_setup(test_long_code_segment, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
