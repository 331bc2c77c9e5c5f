/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_pci.c: start, stop, reset, configuration and counters of a device; see virtio_pci.h. */
#include <stdio.h>
#include <string.h>
#include "drivers/virtio/virtio_pci.h"
#include "drivers/virtio/virtio_pci_regs.h"

static const char *const counter_name[VIRTIO_COUNTER_COUNT] = {
#define X(name, help) #name,
    VIRTIO_COUNTERS(X)
#undef X
};

static void notify_config(struct virtio_pci *v)
{
	atomic_fetch_or(&v->isr, VIRTIO_ISR_CONFIG);
	vpci_msix_send(&v->pci, atomic_load_explicit(&v->config_vector, memory_order_relaxed));
}

void virtio_pci_break(struct virtio_pci *v, enum vring_error why)
{
	uint8_t old = atomic_fetch_or(&v->status, VIRTIO_NEEDS_RESET);

	/* NEEDS_RESET before `running`, so that virtio_pci_resume() never finds both clear. */
	atomic_store(&v->running, false);
	atomic_fetch_add_explicit(&v->violation[why], 1, memory_order_relaxed);
	if (!(old & VIRTIO_NEEDS_RESET))
		notify_config(v);
}

void virtio_pci_resume(struct virtio_pci *v)
{
	uint8_t status;

	if (atomic_load(&v->running) || !vpci_enabled(&v->pci, VPCI_CMD_MASTER))
		return;

	status = atomic_load(&v->status);

	if (!(status & VIRTIO_DRIVER_OK) || (status & VIRTIO_NEEDS_RESET))
		return;
	/* `running` before start(), so that a violation found at once is not overwritten. */
	atomic_store(&v->running, true);
	v->ops->start(v);
	virtio_pci_count(v, VIRTIO_COUNT_starts);
}

/* v->lock held.  On return no core uses the rings. */
static void suspend(struct virtio_pci *v)
{
	atomic_store(&v->running, false);
	v->ops->stop(v);
}

void virtio_pci_first_look(struct virtio_pci *v)
{
	for (unsigned q = 0; q < v->nqueues; q++)
		if (virtio_pci_running(v) && v->queue[q].enabled)
			v->ops->kick(v, q);
}

void virtio_pci_schedule_work(struct virtio_pci *v, unsigned q)
{
	atomic_fetch_or(&v->left, (uint8_t)(1u << q));
	vpci_schedule_work(&v->pci);
}

static void bus_work(struct vpci_dev *d)
{
	struct virtio_pci *v = (struct virtio_pci *)d;
	uint8_t left = atomic_exchange(&v->left, 0);

	for (unsigned q = 0; q < v->nqueues; q++)
		if (left & 1u << q && virtio_pci_running(v) && v->queue[q].enabled) {
			virtio_pci_count(v, VIRTIO_COUNT_visits);
			v->ops->kick(v, q);
		}
}

void virtio_pci_reset(struct virtio_pci *v)
{
	suspend(v);
	atomic_store(&v->left, 0);
	vpci_msix_forget(&v->pci);
	v->queue_select = 0;
	v->device_feature_select = v->driver_feature_select = 0;
	v->driver_features = v->features = 0;
	atomic_store(&v->config_vector, VPCI_NO_VECTOR);
	atomic_store(&v->isr, 0);
	for (unsigned q = 0; q < v->nqueues; q++) {
		struct virtio_queue *vq = &v->queue[q];

		vq->num = vq->max;
		vq->enabled = false;
		vq->desc = vq->driver = vq->device = 0;
		atomic_store(&vq->vector, VPCI_NO_VECTOR);
	}
	atomic_store(&v->status, 0);
}

/* A bus reset acts like a status write of 0. */
static void bus_reset(struct vpci_dev *d)
{
	struct virtio_pci *v = (struct virtio_pci *)d;

	spin_lock(&v->lock);
	virtio_pci_reset(v);
	spin_unlock(&v->lock);
}

/*
 * Bus mastering was turned off under a running device.  The driver that turns it on again may not
 * be the one that set up the rings: Linux turns it off before kexec, and the new kernel turns it on
 * before it resets the device, when the memory of the old rings and buffers is used otherwise.  So
 * the device stays off until it is reset (2.1.2).
 */
static void stop_until_reset(struct virtio_pci *v)
{
	bool ran = virtio_pci_running(v);

	suspend(v);
	if (ran) {
		virtio_pci_count(v, VIRTIO_COUNT_master_off);
		atomic_fetch_or(&v->status, VIRTIO_NEEDS_RESET);
	}
	if (atomic_load(&v->status) & VIRTIO_NEEDS_RESET)
		vpci_msix_forget(&v->pci);
}

/* Without bus mastering the device must not touch guest memory. */
static void bus_command(struct vpci_dev *d, uint16_t command)
{
	struct virtio_pci *v = (struct virtio_pci *)d;

	spin_lock(&v->lock);
	if (command & VPCI_CMD_MASTER)
		virtio_pci_resume(v);
	else
		stop_until_reset(v);
	spin_unlock(&v->lock);
	virtio_pci_first_look(v);
}

/* Adds a vendor capability that locates a structure (4.1.4), followed by `extra_size` bytes. */
static unsigned add_cap(struct virtio_pci *v, uint8_t type, uint32_t off, uint32_t len,
                        uint32_t extra, unsigned extra_size, const uint8_t *mask)
{
	uint8_t body[20] = {0x09, 0, (uint8_t)(16 + extra_size), type, VIRTIO_IO_BAR};

	vpci_put(body, 8, 4, off);
	vpci_put(body, 12, 4, len);
	vpci_put(body, 16, 4, extra);
	return vpci_cap_add(&v->pci, body, mask, 16 + extra_size);
}

static void add_caps(struct virtio_pci *v)
{
	static const uint8_t window_mask[20] = {[4] = 0xff, [8] = 0xff, 0xff, 0xff, 0xff,
	                                        0xff,       0xff,       0xff, 0xff, 0xff,
	                                        0xff,       0xff,       0xff};

	add_cap(v, 1, VIRTIO_IO_COMMON, VIRTIO_IO_COMMON_SIZE, 0, 0, NULL);
	add_cap(v, 2, VIRTIO_IO_NOTIFY, v->nqueues * VIRTIO_NOTIFY_STEP, VIRTIO_NOTIFY_STEP, 4,
	        NULL);
	add_cap(v, 3, VIRTIO_IO_ISR, 1, 0, 0, NULL);
	if (v->config_size)
		add_cap(v, 4, VIRTIO_IO_DEVICE, v->config_size, 0, 0, NULL);
	v->window_cap = add_cap(v, 5, 0, 0, 0, 4, window_mask);
	vpci_msix_init(&v->pci, VIRTIO_MSIX_BAR, v->nqueues + 1);
}

static const struct vpci_ops bus_ops = {
    .bar = virtio_pci_bar,
    .cfg_read = virtio_pci_window_read,
    .cfg_write = virtio_pci_window_write,
    .command = bus_command,
    .reset = bus_reset,
    .work = bus_work,
};

void virtio_pci_init(struct virtio_pci *v, const char *name, const struct virtio_ops *ops,
                     const struct gmem *mem, const uint16_t *queue_max, unsigned nqueues,
                     uint64_t offered, const uint8_t *config, unsigned config_size)
{
	memset(v, 0, sizeof *v);
	/* 4.1.2.1: device ID 0x1040 + type, revision 1 or higher, subsystem 0x40 or higher. */
	vpci_dev_init(&v->pci, name, &bus_ops, 0x1af4, (uint16_t)(0x1040 + ops->id),
	              ops->class_code, 1);
	vpci_put(v->pci.cfg, 0x2c, 2, 0x1af4);
	vpci_put(v->pci.cfg, 0x2e, 2, 0x1100);
	vpci_bar_init(&v->pci, VIRTIO_IO_BAR, VPCI_BAR_IO, VPCI_IO_SIZE);
	v->ops = ops;
	v->mem = mem;
	v->nqueues = nqueues;
	v->offered = offered | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC;
	v->config = config;
	v->config_size = config_size;
	for (unsigned q = 0; q < nqueues; q++)
		v->queue[q].max = queue_max[q];
	add_caps(v);
	virtio_pci_reset(v);
}

/* The i-th counter's group, name and value; false when i is past the end. */
static bool count_of(const struct virtio_pci *v, unsigned i, const char **group, const char **name,
                     uint64_t *value)
{
	*group = "";
	if (i < VIRTIO_COUNTER_COUNT) {
		*name = counter_name[i];
		*value = atomic_load(&v->count[i]);
		return true;
	}
	i -= VIRTIO_COUNTER_COUNT;
	if (i < VPCI_MSIX_COUNTER_COUNT) {
		*name = vpci_msix_counter_name[i];
		*value = count_read(&v->pci.msix_count[i]);
		return true;
	}
	i -= VPCI_MSIX_COUNTER_COUNT;
	if (i == 0) {
		*name = "suppressed";
		*value = 0;
		for (unsigned q = 0; q < v->nqueues; q++)
			*value += count_read(&v->queue[q].ring.suppressed);
		return true;
	}
	if (i >= VRING_ERROR_COUNT)
		return false;
	*group = "violation.";
	*name = vring_error_name[i];
	*value = atomic_load(&v->violation[i]);
	return true;
}

bool virtio_pci_counter(const struct virtio_pci *v, unsigned i, char *name, size_t size,
                        uint64_t *value)
{
	const char *group, *base;

	if (!count_of(v, i, &group, &base, value))
		return false;
	snprintf(name, size, "%s%s", group, base);
	return true;
}
