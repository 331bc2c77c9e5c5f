/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.h: virtual machines and virtual CPUs.
 *
 * A vCPU is pinned: it has a core of its own from start to stop.  Only that core accesses the
 * vCPU's registers; others use vcpu->requests and core_call().
 */
#ifndef VMM_VM_H
#define VMM_VM_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/hvm/hvm_vcpu.h"
#include "drivers/virtio/virtio_console.h"
#include "lib/spinlock.h"
#include "vmm/devices/absent.h"
#include "vmm/config/config.h"
#include "vmm/devices/console.h"
#include "drivers/bus/gpa.h"
#include "vmm/devices/io.h"
#include "vmm/devices/irqchip.h"
#include "vmm/devices/vapic.h"
#include "vmm/devices/vioapic.h"
#include "drivers/bus/vpci.h"
#include "vmm/devices/vpit.h"
#include "vmm/devices/vuart.h"

#define VM_VCPUS_MAX CONFIG_CPUS

struct vm;
struct core;
struct passthrough;
struct iommu_domain;
struct exit_times;
struct group_member;

enum vcpu_state {
	VCPU_OFF,       /* no core runs it */
	VCPU_LOAD,      /* first vCPU only: its core prepares the VM (vm_load_step()) */
	VCPU_WAIT_SIPI, /* on its core, waiting for a start-up IPI */
	VCPU_RUN,
	VCPU_LEFT, /* stopped; does not run again before the next vm_start() */
};

enum vcpu_request {
	VCPU_REQ_STOP = 1,
	VCPU_REQ_INIT = 2,
	VCPU_REQ_SIPI = 4, /* vector in vcpu->sipi_vector */
	VCPU_REQ_NMI = 8,
	VCPU_REQ_START = 16,
	VCPU_REQ_SERVICE = 32, /* call vm->service */
	VCPU_REQ_LOAD = 64,    /* prepare the VM, then start its vCPUs */
	VCPU_REQ_FLUSH = 256,  /* the VM's nested page table has lost an entry */
	VCPU_REQ_WORK = 128,   /* continue the work of the guest's devices: vpci_schedule_work() */
};

struct exit_stat {
	uint64_t count;
	uint64_t ticks; /* TSC ticks from this kind of exit to the next entry */
};

struct vcpu {
	struct hvm_vcpu cpu; /* first member: each exit uses it */
	struct vm *vm;
	unsigned id; /* also its APIC ID as the guest sees it */
	_Atomic enum vcpu_state state;
	_Atomic uint32_t requests; /* enum vcpu_request */
	uint8_t sipi_vector;
	bool nmi_pending;
	struct vapic apic;
	const struct irqchip_ops *irqchip; /* implementation of its local APIC */
	uint64_t masked_lvts;   /* writes of a local vector table mode that is kept masked */
	uint64_t refused_bases; /* refused APIC base addresses: memory or a device is there */
	uint64_t pvclock_msr;   /* as the guest wrote it */
	uint64_t mtrr_def_type; /* the guest's MTRRdefType */
	uint64_t tsc_offset;
	uint64_t bus_lock_tsc; /* TSC when it went on after its last bus lock */
	struct exit_stat exits[VMEXIT_COUNT];
	_Atomic(struct exit_times *) times; /* see exit_times.h; NULL: not measured */
	struct spinlock times_lock;
};

/* The MSRs that the guest accesses without an exit: a set of enum hvm_own. */
static inline unsigned vcpu_own_msrs(const struct vcpu *v)
{
	return (vapic_is_x2(&v->apic) ? HVM_OWN_X2APIC : 0u) |
	       (v->cpu.spec_ctrl.own ? HVM_OWN_SPEC_CTRL : 0u);
}

enum vm_state {
	VM_OFF,
	VM_STARTING, /* has its cores; the first one prepares it */
	VM_RUNNING,
	VM_STOPPING,
	VM_STOPPED, /* no vCPU is left: the boot core is to reap it */
};

/* A service that the VMM gives a guest, other than a device: its requests are served on the guest's
 * own cores, by the vCPU that gets VCPU_REQ_SERVICE. */
struct vm_service {
	void (*serve)(void *ctx); /* one request, in bounded time; asks again for the rest */
	void (*reset)(void *ctx); /* the guest restarts; none of its vCPUs runs */
	void *ctx;
};

struct vm {
	const struct guest_config *config; /* in the live description */
	char name[CONFIG_NAME];
	unsigned slot; /* index of `config`, and of the VM in vms[] */
	_Atomic enum vm_state state;
	char reason[256]; /* why it stopped */
	bool ended;       /* it ended itself, with exit_status */
	bool unfit;       /* its images could not be loaded */
	uint8_t exit_status;
	_Atomic unsigned running_vcpus;
	unsigned nvcpus;
	struct vcpu vcpu[VM_VCPUS_MAX];
	struct cpu_entry entry; /* start state of its vCPUs, from its image */
	struct gmem mem;
	bool identity;              /* its memory is identity-mapped: vm_memory.h */
	uint64_t mem_hpa, mem_size; /* the one contiguous allocation behind `mem` */
	uint64_t npt_root;
	struct io_space io;
	struct vpci pci;
	struct vioapic ioapic;
	struct vuart uart;
	struct vpit pit;
	struct console console;
	struct virtio_console hvc;
	const struct vm_service *service; /* NULL: none; owned by whoever set it */
	struct passthrough *passthrough;  /* its first physical device; NULL: none */
	struct iommu_domain *dma;         /* what its devices reach; NULL: no IOMMU confines them */
	bool reset_asked;                 /* by the guest itself */
	bool restart_once;                /* restart it once it has stopped */
	bool stay_off;                    /* stopped by command: `restart always` does not apply */
	uint64_t starts;
	struct guest_config load;         /* a copy: the live description may change */
	uint64_t load_from;               /* earliest TSC value at which it is loaded */
	uint64_t load_cleared;            /* bytes of memory cleared so far */
	uint64_t restart_paid;            /* see control/lifecycle.c */
	_Atomic uint64_t lost_interrupts; /* see vapic_lost() */
	struct absent absent;
	struct group_member
	    *joined[CONFIG_JOINED]; /* the groups that it is in; NULL: a free entry */
};
#endif
