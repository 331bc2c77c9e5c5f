/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms are made and freed as the description says; see histogram.h. */
#include <stdio.h>
#include "vmm/control/control.h"
#include "vmm/control/histogram.h"
#include "vmm/exit_times.h"
#include "vmm/life.h"

bool control_histogram_guest(const struct node_config *n, struct vm *vm, char *why, size_t size)
{
	for (unsigned i = 0; n->histogram && i < vm->nvcpus; i++) {
		if (exit_times_make(&vm->vcpu[i]))
			continue;
		snprintf(why, size,
		         "guest %s: no memory left for the histograms of %u vCPUs: %llu KiB",
		         vm->name, vm->nvcpus,
		         (unsigned long long)(vm->nvcpus * exit_times_bytes()) >> 10);
		return false;
	}
	return true;
}

bool control_histogram_build(const struct node_config *n, char *why, size_t size)
{
	if (!n->histogram)
		return true;
	if (!vnet_measure_start(node_vnet, why, size))
		return false;
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		if (vms[i] && !control_histogram_guest(n, vms[i], why, size))
			return false;
	return true;
}

void control_histogram_follow(const struct node_config *n)
{
	if (n->histogram)
		return;
	vnet_measure_stop(node_vnet);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		for (unsigned c = 0; vms[i] && c < vms[i]->nvcpus; c++)
			exit_times_free(&vms[i]->vcpu[c]);
}
