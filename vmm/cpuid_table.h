/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpuid_table.h: every known feature bit of CPUID, and whether a guest sees it.
 *
 * One row for each bit: X(bit, name, verdict, why).  SHOWN: as the CPU has it; HIDDEN: 0, whatever
 * the CPU has; MADE: computed by cpuid_policy.c.  A bit without a row is hidden, because it is not
 * known what of the host the feature uses.  docs/cpuid.md is generated from these rows
 * (tests/unit/test_cpuid.c).  Names are Linux's (/proc/cpuinfo), or the manual's if it has none.
 */
#ifndef VMM_CPUID_TABLE_H
#define VMM_CPUID_TABLE_H

/* clang-format off */
#define CPUID_WORDS(X) \
	X(0x1, 0, ECX, CPUID_1_ECX) \
	X(0x1, 0, EDX, CPUID_1_EDX) \
	X(0x6, 0, EAX, CPUID_6_EAX) \
	X(0x7, 0, EBX, CPUID_7_EBX) \
	X(0x7, 0, ECX, CPUID_7_ECX) \
	X(0x7, 0, EDX, CPUID_7_EDX) \
	X(0x7, 1, EAX, CPUID_7_1_EAX) \
	X(0x7, 1, EDX, CPUID_7_1_EDX) \
	X(0x7, 2, EDX, CPUID_7_2_EDX) \
	X(0xd, 1, EAX, CPUID_D_1_EAX) \
	X(0x80000001, 0, ECX, CPUID_X1_ECX) \
	X(0x80000001, 0, EDX, CPUID_X1_EDX) \
	X(0x80000007, 0, EDX, CPUID_X7_EDX) \
	X(0x80000008, 0, EBX, CPUID_X8_EBX) \
	X(0x80000021, 0, EAX, CPUID_X21_EAX)

#define CPUID_1_ECX(X) \
	X(0, "pni", SHOWN, "") \
	X(1, "pclmulqdq", SHOWN, "") \
	X(2, "dtes64", HIDDEN, "with ds") \
	X(3, "monitor", HIDDEN, "a vCPU waits by HLT; the instruction is #UD") \
	X(4, "ds_cpl", HIDDEN, "with ds") \
	X(5, "vmx", HIDDEN, "the host's") \
	X(6, "smx", HIDDEN, "the machine's start") \
	X(7, "est", HIDDEN, "frequency is the host's") \
	X(8, "tm2", HIDDEN, "heat is the host's") \
	X(9, "ssse3", SHOWN, "") \
	X(10, "cid", HIDDEN, "a mode that the firmware chooses") \
	X(11, "sdbg", HIDDEN, "IA32_DEBUG_INTERFACE reaches beyond the guest") \
	X(12, "fma", SHOWN, "") \
	X(13, "cx16", SHOWN, "") \
	X(14, "xtpr", HIDDEN, "a bit of MISC_ENABLE, which is the host's") \
	X(15, "pdcm", HIDDEN, "performance counters are the host's") \
	X(17, "pcid", SHOWN, "") \
	X(18, "dca", HIDDEN, "devices' writes into the caches of all cores") \
	X(19, "sse4_1", SHOWN, "") \
	X(20, "sse4_2", SHOWN, "") \
	X(21, "x2apic", SHOWN, "the core's own") \
	X(22, "movbe", SHOWN, "") \
	X(23, "popcnt", SHOWN, "") \
	X(24, "tsc_deadline_timer", HIDDEN, "counts without the guest's TSC offset: each write would exit") \
	X(25, "aes", SHOWN, "") \
	X(26, "xsave", SHOWN, "") \
	X(27, "osxsave", MADE, "the guest's CR4") \
	X(28, "avx", SHOWN, "") \
	X(29, "f16c", SHOWN, "") \
	X(30, "rdrand", SHOWN, "") \
	X(31, "hypervisor", MADE, "always there")

#define CPUID_1_EDX(X) \
	X(0, "fpu", SHOWN, "") \
	X(1, "vme", SHOWN, "") \
	X(2, "de", SHOWN, "") \
	X(3, "pse", SHOWN, "") \
	X(4, "tsc", SHOWN, "") \
	X(5, "msr", SHOWN, "") \
	X(6, "pae", SHOWN, "") \
	X(7, "mce", SHOWN, "of no banks: machine checks are the host's") \
	X(8, "cx8", SHOWN, "") \
	X(9, "apic", MADE, "not while the guest has disabled it") \
	X(11, "sep", SHOWN, "") \
	X(12, "mtrr", SHOWN, "of no ranges, all memory write-back; without it Linux maps BARs and pmem uncached") \
	X(13, "pge", SHOWN, "") \
	X(14, "mca", SHOWN, "of no banks: machine checks are the host's") \
	X(15, "cmov", SHOWN, "") \
	X(16, "pat", SHOWN, "") \
	X(17, "pse36", SHOWN, "") \
	X(18, "pn", HIDDEN, "the machine's serial number") \
	X(19, "clflush", SHOWN, "") \
	X(21, "dts", HIDDEN, "debug store: the host's MSRs") \
	X(22, "acpi", HIDDEN, "heat is the host's") \
	X(23, "mmx", SHOWN, "") \
	X(24, "fxsr", SHOWN, "") \
	X(25, "sse", SHOWN, "") \
	X(26, "sse2", SHOWN, "") \
	X(27, "ss", SHOWN, "") \
	X(28, "ht", MADE, "more than one vCPU") \
	X(29, "tm", HIDDEN, "heat is the host's") \
	X(31, "pbe", HIDDEN, "a pin of the machine's")

#define CPUID_6_EAX(X) \
	X(0, "dtherm", HIDDEN, "heat is the host's") \
	X(1, "ida", HIDDEN, "frequency is the host's") \
	X(2, "arat", SHOWN, "the APIC's timer is the core's own") \
	X(4, "pln", HIDDEN, "power is the host's") \
	X(6, "pts", HIDDEN, "heat is the host's") \
	X(7, "hwp", HIDDEN, "frequency is the host's")

#define CPUID_7_EBX(X) \
	X(0, "fsgsbase", SHOWN, "") \
	X(1, "tsc_adjust", HIDDEN, "would move the core's own counter; writing the TSC moves the guest's") \
	X(2, "sgx", HIDDEN, "memory that only the machine's firmware sets aside") \
	X(3, "bmi1", SHOWN, "") \
	X(4, "hle", SHOWN, "") \
	X(5, "avx2", SHOWN, "") \
	X(6, "fdp_excptn_only", SHOWN, "") \
	X(7, "smep", SHOWN, "") \
	X(8, "bmi2", SHOWN, "") \
	X(9, "erms", SHOWN, "not where the firmware has switched fast strings off") \
	X(10, "invpcid", SHOWN, "where VT-x lets a guest have it") \
	X(11, "rtm", SHOWN, "") \
	X(12, "cqm", HIDDEN, "measures neighbours") \
	X(13, "zero_fcs_fds", SHOWN, "") \
	X(14, "mpx", HIDDEN, "a supervisor register that no world switch carries; gone from CPUs") \
	X(15, "rdt_a", HIDDEN, "shares of caches are the host's to give") \
	X(16, "avx512f", SHOWN, "") \
	X(17, "avx512dq", SHOWN, "") \
	X(18, "rdseed", SHOWN, "") \
	X(19, "adx", SHOWN, "") \
	X(20, "smap", SHOWN, "") \
	X(21, "avx512ifma", SHOWN, "") \
	X(23, "clflushopt", SHOWN, "") \
	X(24, "clwb", SHOWN, "") \
	X(25, "intel_pt", HIDDEN, "traces the host too") \
	X(26, "avx512pf", SHOWN, "") \
	X(27, "avx512er", SHOWN, "") \
	X(28, "avx512cd", SHOWN, "") \
	X(29, "sha_ni", SHOWN, "") \
	X(30, "avx512bw", SHOWN, "") \
	X(31, "avx512vl", SHOWN, "")

#define CPUID_7_ECX(X) \
	X(0, "prefetchwt1", SHOWN, "") \
	X(1, "avx512vbmi", SHOWN, "") \
	X(2, "umip", SHOWN, "") \
	X(3, "pku", SHOWN, "") \
	X(4, "ospke", MADE, "the guest's CR4") \
	X(5, "waitpkg", HIDDEN, "IA32_UMWAIT_CONTROL, which no world switch carries") \
	X(6, "avx512_vbmi2", SHOWN, "") \
	X(7, "shstk", HIDDEN, "supervisor registers that no world switch carries") \
	X(8, "gfni", SHOWN, "") \
	X(9, "vaes", SHOWN, "") \
	X(10, "vpclmulqdq", SHOWN, "") \
	X(11, "avx512_vnni", SHOWN, "") \
	X(12, "avx512_bitalg", SHOWN, "") \
	X(13, "tme", HIDDEN, "the machine's memory encryption") \
	X(14, "avx512_vpopcntdq", SHOWN, "") \
	X(16, "la57", HIDDEN, "the VMM's walk of a guest's tables has four levels") \
	X(22, "rdpid", SHOWN, "where VT-x lets a guest have it") \
	X(23, "kl", HIDDEN, "a key register that no world switch carries") \
	X(24, "bus_lock_detect", HIDDEN, "bus locks are counted by the host") \
	X(25, "cldemote", SHOWN, "") \
	X(27, "movdiri", SHOWN, "") \
	X(28, "movdir64b", SHOWN, "") \
	X(29, "enqcmd", HIDDEN, "needs an IOMMU with process address spaces") \
	X(30, "sgx_lc", HIDDEN, "with sgx") \
	X(31, "pks", HIDDEN, "IA32_PKRS, which no world switch carries")

#define CPUID_7_EDX(X) \
	X(1, "sgx_keys", HIDDEN, "with sgx") \
	X(2, "avx512_4vnniw", SHOWN, "") \
	X(3, "avx512_4fmaps", SHOWN, "") \
	X(4, "fsrm", SHOWN, "as erms") \
	X(5, "uintr", HIDDEN, "supervisor registers that no world switch carries") \
	X(8, "avx512_vp2intersect", SHOWN, "") \
	X(9, "srbds_ctrl", HIDDEN, "IA32_MCU_OPT_CTRL is the host's") \
	X(10, "md_clear", SHOWN, "VERW, on the own core") \
	X(11, "rtm_always_abort", SHOWN, "") \
	X(13, "tsx_force_abort", HIDDEN, "an MSR of the host's") \
	X(14, "serialize", SHOWN, "") \
	X(15, "hybrid_cpu", HIDDEN, "all vCPUs are one kind") \
	X(16, "tsxldtrk", SHOWN, "") \
	X(18, "pconfig", HIDDEN, "the machine's memory encryption") \
	X(19, "arch_lbr", HIDDEN, "records the host too") \
	X(20, "ibt", HIDDEN, "supervisor registers that no world switch carries") \
	X(22, "amx_bf16", SHOWN, "with all of AMX: XFD is the guest's own") \
	X(23, "avx512_fp16", SHOWN, "") \
	X(24, "amx_tile", SHOWN, "with all of AMX") \
	X(25, "amx_int8", SHOWN, "with all of AMX") \
	X(26, "ibrs_ibpb", SHOWN, "SPEC_CTRL and PRED_CMD are the guest's own") \
	X(27, "stibp", SHOWN, "SPEC_CTRL") \
	X(28, "flush_l1d", HIDDEN, "the L1 cache is a sibling's too where the node says `smt share`") \
	X(29, "arch_capabilities", SHOWN, "read only: what the CPU is not vulnerable to") \
	X(30, "core_capabilities", HIDDEN, "reports of TEST_CTL, which is the host's") \
	X(31, "ssbd", SHOWN, "SPEC_CTRL")

#define CPUID_7_1_EAX(X) \
	X(0, "sha512", SHOWN, "") \
	X(1, "sm3", SHOWN, "") \
	X(2, "sm4", SHOWN, "") \
	X(3, "rao_int", SHOWN, "") \
	X(4, "avx_vnni", SHOWN, "") \
	X(5, "avx512_bf16", SHOWN, "") \
	X(6, "lass", HIDDEN, "a bit of CR4 that the VMM's own accesses for a guest do not know") \
	X(7, "cmpccxadd", SHOWN, "") \
	X(8, "arch_perfmon_ext", HIDDEN, "performance counters are the host's") \
	X(10, "fzrm", SHOWN, "as erms") \
	X(11, "fsrs", SHOWN, "as erms") \
	X(12, "fsrc", SHOWN, "as erms") \
	X(17, "fred", HIDDEN, "registers that no world switch carries") \
	X(18, "lkgs", SHOWN, "") \
	X(19, "wrmsrns", HIDDEN, "would exit, with a length that SVM does not tell") \
	X(20, "nmi_src", HIDDEN, "with fred") \
	X(21, "amx_fp16", SHOWN, "with all of AMX") \
	X(22, "hreset", HIDDEN, "an MSR of the host's") \
	X(23, "avx_ifma", SHOWN, "") \
	X(26, "lam", HIDDEN, "the VMM's walk of a guest's tables knows no untranslated bits") \
	X(27, "msrlist", HIDDEN, "exits that are not handled") \
	X(31, "movrs", SHOWN, "")

#define CPUID_7_1_EDX(X) \
	X(4, "avx_vnni_int8", SHOWN, "") \
	X(5, "avx_ne_convert", SHOWN, "") \
	X(8, "amx_complex", SHOWN, "with all of AMX") \
	X(10, "avx_vnni_int16", SHOWN, "") \
	X(14, "prefetchiti", SHOWN, "") \
	X(15, "user_msr", HIDDEN, "an MSR that no world switch carries") \
	X(18, "cet_sss", HIDDEN, "with shstk") \
	X(19, "avx10", HIDDEN, "described by leaf 24h") \
	X(21, "apx", HIDDEN, "registers that the world switch does not save")

#define CPUID_7_2_EDX(X) \
	X(0, "psfd", SHOWN, "SPEC_CTRL") \
	X(1, "ipred_ctrl", SHOWN, "SPEC_CTRL") \
	X(2, "rrsba_ctrl", SHOWN, "SPEC_CTRL") \
	X(3, "ddpd_u", SHOWN, "SPEC_CTRL") \
	X(4, "bhi_ctrl", SHOWN, "SPEC_CTRL") \
	X(5, "mcdt_no", SHOWN, "")

#define CPUID_D_1_EAX(X) \
	X(0, "xsaveopt", SHOWN, "") \
	X(1, "xsavec", SHOWN, "") \
	X(2, "xgetbv1", SHOWN, "") \
	X(3, "xsaves", SHOWN, "where VT-x lets a guest have it; IA32_XSS takes 0, as all its bits are hidden") \
	X(4, "xfd", SHOWN, "IA32_XFD and XFD_ERR are the guest's own")

#define CPUID_X1_ECX(X) \
	X(0, "lahf_lm", SHOWN, "") \
	X(1, "cmp_legacy", MADE, "AMD, more than one vCPU: they are cores, not threads") \
	X(2, "svm", HIDDEN, "the host's") \
	X(3, "extapic", HIDDEN, "registers of the APIC's page that are not there") \
	X(4, "cr8_legacy", SHOWN, "") \
	X(5, "abm", SHOWN, "") \
	X(6, "sse4a", SHOWN, "") \
	X(7, "misalignsse", SHOWN, "") \
	X(8, "3dnowprefetch", SHOWN, "") \
	X(9, "osvw", HIDDEN, "MSRs of the firmware's") \
	X(10, "ibs", HIDDEN, "samples the host too") \
	X(11, "xop", SHOWN, "") \
	X(12, "skinit", HIDDEN, "the machine's start") \
	X(13, "wdt", HIDDEN, "the machine's watchdog") \
	X(15, "lwp", HIDDEN, "an MSR that no world switch carries") \
	X(16, "fma4", SHOWN, "") \
	X(17, "tce", HIDDEN, "a bit of EFER that is not offered") \
	X(19, "nodeid_msr", HIDDEN, "the machine's topology") \
	X(21, "tbm", SHOWN, "") \
	X(22, "topoext", SHOWN, "") \
	X(23, "perfctr_core", HIDDEN, "performance counters are the host's") \
	X(24, "perfctr_nb", HIDDEN, "performance counters are the host's") \
	X(26, "bpext", HIDDEN, "breakpoint masks that no world switch carries") \
	X(27, "ptsc", HIDDEN, "performance counters are the host's") \
	X(28, "perfctr_llc", HIDDEN, "performance counters are the host's") \
	X(29, "mwaitx", HIDDEN, "as monitor") \
	X(30, "addr_mask_ext", HIDDEN, "with bpext")

#define CPUID_X1_EDX(X) \
	X(0, "fpu", SHOWN, "") \
	X(1, "vme", SHOWN, "") \
	X(2, "de", SHOWN, "") \
	X(3, "pse", SHOWN, "") \
	X(4, "tsc", SHOWN, "") \
	X(5, "msr", SHOWN, "") \
	X(6, "pae", SHOWN, "") \
	X(7, "mce", SHOWN, "of no banks: machine checks are the host's") \
	X(8, "cx8", SHOWN, "") \
	X(9, "apic", MADE, "not while the guest has disabled it") \
	X(11, "syscall", SHOWN, "") \
	X(12, "mtrr", SHOWN, "of no ranges") \
	X(13, "pge", SHOWN, "") \
	X(14, "mca", SHOWN, "of no banks: machine checks are the host's") \
	X(15, "cmov", SHOWN, "") \
	X(16, "pat", SHOWN, "") \
	X(17, "pse36", SHOWN, "") \
	X(19, "mp", HIDDEN, "not a feature: an old name of a model") \
	X(20, "nx", SHOWN, "") \
	X(22, "mmxext", SHOWN, "") \
	X(23, "mmx", SHOWN, "") \
	X(24, "fxsr", SHOWN, "") \
	X(25, "fxsr_opt", SHOWN, "") \
	X(26, "pdpe1gb", SHOWN, "") \
	X(27, "rdtscp", SHOWN, "where VT-x lets a guest have it") \
	X(29, "lm", SHOWN, "") \
	X(30, "3dnowext", SHOWN, "") \
	X(31, "3dnow", SHOWN, "")

#define CPUID_X7_EDX(X) \
	X(0, "ts", HIDDEN, "heat is the host's") \
	X(3, "ttp", HIDDEN, "heat is the host's") \
	X(7, "hw_pstate", HIDDEN, "frequency is the host's") \
	X(8, "constant_tsc", SHOWN, "") \
	X(9, "cpb", HIDDEN, "frequency is the host's") \
	X(12, "acc_power", HIDDEN, "power is the host's")

#define CPUID_X8_EBX(X) \
	X(0, "clzero", SHOWN, "") \
	X(1, "irperf", HIDDEN, "a counter that no world switch carries") \
	X(2, "xsaveerptr", SHOWN, "") \
	X(3, "invlpgb", HIDDEN, "reaches other cores; #UD") \
	X(4, "rdpru", HIDDEN, "frequency counters of the host's; #UD") \
	X(6, "mba", HIDDEN, "shares of memory bandwidth are the host's to give") \
	X(8, "mcommit", HIDDEN, "reports errors of the machine's; #UD") \
	X(9, "wbnoinvd", SHOWN, "stepped over, as WBINVD") \
	X(12, "ibpb", SHOWN, "PRED_CMD") \
	X(13, "int_wbinvd", HIDDEN, "WBINVD is stepped over") \
	X(14, "ibrs", SHOWN, "SPEC_CTRL") \
	X(15, "stibp", SHOWN, "SPEC_CTRL") \
	X(16, "ibrs_always_on", SHOWN, "") \
	X(17, "stibp_always_on", SHOWN, "") \
	X(18, "ibrs_preferred", SHOWN, "") \
	X(19, "ibrs_same_mode", SHOWN, "") \
	X(20, "no_efer_lmsle", SHOWN, "") \
	X(21, "invlpgb_nested", HIDDEN, "with invlpgb") \
	X(23, "amd_ppin", HIDDEN, "the machine's serial number") \
	X(24, "amd_ssbd", SHOWN, "SPEC_CTRL") \
	X(25, "virt_ssbd", HIDDEN, "an MSR of a hypervisor's, which Patio is not asked to be") \
	X(26, "ssb_no", SHOWN, "") \
	X(27, "cppc", HIDDEN, "frequency is the host's") \
	X(28, "amd_psfd", SHOWN, "SPEC_CTRL") \
	X(29, "btc_no", SHOWN, "") \
	X(30, "ibpb_ret", SHOWN, "")

#define CPUID_X21_EAX(X) \
	X(0, "no_nested_data_bp", SHOWN, "") \
	X(1, "fsgs_non_serializing", SHOWN, "") \
	X(2, "lfence_rdtsc", SHOWN, "") \
	X(5, "verw_clear", SHOWN, "VERW, on the own core") \
	X(6, "null_sel_clr_base", SHOWN, "") \
	X(7, "uai", HIDDEN, "the VMM's walk of a guest's tables knows no untranslated bits") \
	X(8, "autoibrs", SHOWN, "a bit of EFER, which the world switch carries") \
	X(10, "fsrs", SHOWN, "") \
	X(11, "fsrc", SHOWN, "") \
	X(13, "prefetch_ctl", HIDDEN, "an MSR of the host's") \
	X(17, "cpuid_user_dis", HIDDEN, "CPUID exits as it is") \
	X(18, "epsf", SHOWN, "") \
	X(20, "prefetchi", SHOWN, "") \
	X(27, "sbpb", SHOWN, "PRED_CMD") \
	X(28, "ibpb_brtype", SHOWN, "") \
	X(29, "srso_no", SHOWN, "") \
	X(30, "srso_user_kernel_no", SHOWN, "") \
	X(31, "srso_msr_fix", HIDDEN, "an MSR of the host's")
/* clang-format on */
#endif
