/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_pci_regs.c: the registers of the transport (virtio 1.2, 4.1.4), in one I/O BAR. */
#include "drivers/virtio/virtio_pci_regs.h"

/* The common configuration structure (4.1.4.3): offset and width of each field.  The driver
 * accesses a field with its own width, the 64-bit ones as two halves (4.1.3.1). */
enum common {
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	CONFIG_VECTOR = 0x10,
	NUM_QUEUES = 0x12,
	STATUS = 0x14,
	CONFIG_GENERATION = 0x15,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_DRIVER = 0x28,
	QUEUE_DEVICE = 0x30,
};

/* The selected queue, or NULL when the driver selected one that does not exist. */
static struct virtio_queue *selected_queue(struct virtio_pci *v)
{
	return v->queue_select < v->nqueues ? &v->queue[v->queue_select] : NULL;
}

static uint32_t half_of(uint64_t word, unsigned n)
{
	return n < 2 ? (uint32_t)(word >> (32 * n)) : 0;
}

static void set_half(uint64_t *word, bool high, uint32_t val)
{
	unsigned shift = high ? 32 : 0;

	*word = (*word & ~(0xffffffffull << shift)) | (uint64_t)val << shift;
}

static uint32_t read_dword(struct virtio_pci *v, uint32_t off)
{
	struct virtio_queue *q = selected_queue(v);
	unsigned high = off & 4 ? 1 : 0;

	switch (off) {
	case DEVICE_FEATURE_SELECT:
		return v->device_feature_select;
	case DEVICE_FEATURE:
		return half_of(v->offered, v->device_feature_select);
	case DRIVER_FEATURE_SELECT:
		return v->driver_feature_select;
	case DRIVER_FEATURE:
		return half_of(v->driver_features, v->driver_feature_select);
	case QUEUE_DESC:
	case QUEUE_DESC + 4:
		return q ? half_of(q->desc, high) : 0;
	case QUEUE_DRIVER:
	case QUEUE_DRIVER + 4:
		return q ? half_of(q->driver, high) : 0;
	case QUEUE_DEVICE:
	case QUEUE_DEVICE + 4:
		return q ? half_of(q->device, high) : 0;
	}
	virtio_pci_count(v, VIRTIO_COUNT_bad_access);
	return ~0u;
}

static uint32_t read_word(struct virtio_pci *v, uint32_t off)
{
	struct virtio_queue *q = selected_queue(v);

	switch (off) {
	case CONFIG_VECTOR:
		return v->config_vector;
	case NUM_QUEUES:
		return v->nqueues;
	case QUEUE_SELECT:
		return v->queue_select;
	case QUEUE_SIZE: /* 0: there is no such queue (4.1.4.3.1) */
		return q ? q->num : 0;
	case QUEUE_VECTOR:
		return q ? q->vector : VPCI_NO_VECTOR;
	case QUEUE_ENABLE:
		return q ? q->enabled : 0;
	case QUEUE_NOTIFY_OFF:
		return q ? v->queue_select : 0;
	}
	virtio_pci_count(v, VIRTIO_COUNT_bad_access);
	return ~0u;
}

static uint32_t read_byte(struct virtio_pci *v, uint32_t off)
{
	if (off == STATUS)
		return atomic_load(&v->status);
	if (off == CONFIG_GENERATION)
		return 0; /* no configuration changes under a running driver (4.1.4.3.1) */
	virtio_pci_count(v, VIRTIO_COUNT_bad_access);
	return ~0u;
}

static uint32_t read_common(struct virtio_pci *v, uint32_t off, unsigned size)
{
	return size == 4 ? read_dword(v, off) : size == 2 ? read_word(v, off) : read_byte(v, off);
}

/* The driver may change features until FEATURES_OK (3.1.1). */
static void write_driver_feature(struct virtio_pci *v, uint32_t val)
{
	if ((atomic_load(&v->status) & VIRTIO_FEATURES_OK) || v->driver_feature_select > 1)
		virtio_pci_count(v, VIRTIO_COUNT_bad_access);
	else
		set_half(&v->driver_features, v->driver_feature_select, val);
}

static void write_dword(struct virtio_pci *v, uint32_t off, uint32_t val)
{
	struct virtio_queue *q = selected_queue(v);

	if (off == DEVICE_FEATURE_SELECT)
		v->device_feature_select = val;
	else if (off == DRIVER_FEATURE_SELECT)
		v->driver_feature_select = val;
	else if (off == DRIVER_FEATURE)
		write_driver_feature(v, val);
	else if (!q || q->enabled) /* an enabled queue must not change (4.1.4.3.2) */
		virtio_pci_count(v, VIRTIO_COUNT_bad_access);
	else if ((off & ~4u) == QUEUE_DESC)
		set_half(&q->desc, off & 4, val);
	else if ((off & ~4u) == QUEUE_DRIVER)
		set_half(&q->driver, off & 4, val);
	else if ((off & ~4u) == QUEUE_DEVICE)
		set_half(&q->device, off & 4, val);
	else
		virtio_pci_count(v, VIRTIO_COUNT_bad_access);
}

/* A vector that does not exist reads back as NO_VECTOR (4.1.5.1.2.1). */
static uint16_t checked_vector(const struct virtio_pci *v, uint16_t vector)
{
	return vector < v->pci.msix_n ? vector : VPCI_NO_VECTOR;
}

/* Translates the ring's areas once.  Invalid areas break the device at once. */
static void enable_queue(struct virtio_pci *v, struct virtio_queue *q)
{
	enum vring_error e = VRING_E_queue_size;

	if (q->num <= q->max)
		e = vring_enable(&q->ring, v->mem, q->num, q->desc, q->driver, q->device,
		                 v->features & VIRTIO_F_EVENT_IDX,
		                 v->features & VIRTIO_F_INDIRECT_DESC);
	if (e)
		virtio_pci_break(v, e);
	else
		q->enabled = true;
}

static void write_queue_word(struct virtio_pci *v, struct virtio_queue *q, uint32_t off,
                             uint16_t val)
{
	uint8_t status = atomic_load(&v->status);

	if (off == QUEUE_VECTOR)
		atomic_store(&q->vector, checked_vector(v, val));
	else if (off == QUEUE_SIZE && !q->enabled)
		q->num = val;
	else if (off == QUEUE_ENABLE && val == 1 && !q->enabled && (status & VIRTIO_FEATURES_OK) &&
	         !(status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET)))
		enable_queue(v, q);
	else
		virtio_pci_count(v, VIRTIO_COUNT_bad_access);
}

static void write_word(struct virtio_pci *v, uint32_t off, uint16_t val)
{
	struct virtio_queue *q = selected_queue(v);

	if (off == CONFIG_VECTOR)
		atomic_store(&v->config_vector, checked_vector(v, val));
	else if (off == QUEUE_SELECT)
		v->queue_select = val;
	else if (q)
		write_queue_word(v, q, off, val);
	else
		virtio_pci_count(v, VIRTIO_COUNT_bad_access);
}

/* Whether the device supports the driver's choice of features. */
static bool features_fit(const struct virtio_pci *v)
{
	uint64_t f = v->driver_features;

	return !(f & ~v->offered) && (f & VIRTIO_F_VERSION_1) &&
	       (!v->ops->features_fit || v->ops->features_fit(f));
}

/* The status register (2.1, 3.1.1).  Returns true when the device has just started. */
static bool write_status(struct virtio_pci *v, uint8_t val)
{
	uint8_t old = atomic_load(&v->status);
	uint8_t set = val & ~old &
	              (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK | VIRTIO_FEATURES_OK |
	               VIRTIO_FAILED);

	if (val == 0) {
		virtio_pci_count(v, VIRTIO_COUNT_resets);
		virtio_pci_reset(v);
		return false;
	}
	if ((set & VIRTIO_FEATURES_OK) && !features_fit(v)) {
		virtio_pci_count(v, VIRTIO_COUNT_bad_features);
		set &= ~VIRTIO_FEATURES_OK;
	} else if (set & VIRTIO_FEATURES_OK)
		v->features = v->driver_features;
	if ((set & VIRTIO_DRIVER_OK) && !((old | set) & VIRTIO_FEATURES_OK)) {
		virtio_pci_count(v, VIRTIO_COUNT_bad_features);
		set &= ~VIRTIO_DRIVER_OK;
	}
	atomic_fetch_or(&v->status, set); /* only a reset clears bits */
	if (set & VIRTIO_DRIVER_OK)
		virtio_pci_resume(v);
	return set & VIRTIO_DRIVER_OK;
}

static void write_common(struct virtio_pci *v, uint32_t off, unsigned size, uint32_t val)
{
	bool started = false;

	spin_lock(&v->lock);
	if (size == 4)
		write_dword(v, off, val);
	else if (size == 2)
		write_word(v, off, (uint16_t)val);
	else if (size == 1 && off == STATUS)
		started = write_status(v, (uint8_t)val);
	else
		virtio_pci_count(v, VIRTIO_COUNT_bad_access);
	spin_unlock(&v->lock);
	if (started)
		virtio_pci_first_look(v);
}

static uint32_t read_register(struct virtio_pci *v, uint32_t off, unsigned size)
{
	uint32_t val = ~0u;

	spin_lock(&v->lock);
	if (off < VIRTIO_IO_COMMON_SIZE)
		val = read_common(v, off, size);
	else if (off == VIRTIO_IO_ISR && size == 1)
		val = atomic_exchange(&v->isr, 0);
	else if (off >= VIRTIO_IO_DEVICE && off - VIRTIO_IO_DEVICE + size <= v->config_size)
		val = vpci_get(v->config, off - VIRTIO_IO_DEVICE, size);
	else
		virtio_pci_count(v, VIRTIO_COUNT_bad_access);
	spin_unlock(&v->lock);
	return val;
}

/* A kick: the fast path from the exit to the device.  Counted after it, when the frames are on
 * their way. */
static void notify_queue(struct virtio_pci *v, uint32_t off)
{
	unsigned q = (off - VIRTIO_IO_NOTIFY) / VIRTIO_NOTIFY_STEP;
	enum virtio_counter c = VIRTIO_COUNT_early_kicks;

	if (q < v->nqueues && virtio_pci_running(v) && v->queue[q].enabled) {
		v->ops->kick(v, q);
		c = VIRTIO_COUNT_kicks;
	}
	virtio_pci_count(v, c);
}

/* Any access but a kick. */
static __attribute__((noinline)) void access_register(struct vpci_dev *d, unsigned bar,
                                                      uint32_t off, unsigned size, bool write,
                                                      uint64_t *val)
{
	struct virtio_pci *v = (struct virtio_pci *)d;

	(void)bar; /* the only one: the bus handles the MSI-X BAR */
	if (!write)
		*val = read_register(v, off, size);
	else if (off < VIRTIO_IO_COMMON_SIZE)
		write_common(v, off, size, (uint32_t)*val);
	else
		virtio_pci_count(v, VIRTIO_COUNT_bad_access);
}

void virtio_pci_bar(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
                    uint64_t *val)
{
	if (write && off >= VIRTIO_IO_NOTIFY)
		notify_queue((struct virtio_pci *)d, off);
	else
		access_register(d, bar, off, size, write, val);
}

/*
 * VIRTIO_PCI_CAP_PCI_CFG (4.1.4.9): access to the registers through configuration space, for a
 * driver that cannot reach the BAR.  Returns the window's target; false: no such register.
 */
static bool window_target(const struct virtio_pci *v, uint32_t *off, unsigned *size)
{
	const uint8_t *cap = &v->pci.cfg[v->window_cap];

	*off = vpci_get(cap, 8, 4);
	*size = vpci_get(cap, 12, 4);
	return cap[4] == VIRTIO_IO_BAR && (*size == 1 || *size == 2 || *size == 4) &&
	       *off < VPCI_IO_SIZE && *off + *size <= VPCI_IO_SIZE;
}

bool virtio_pci_window_read(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t *val)
{
	struct virtio_pci *v = (struct virtio_pci *)d;
	uint32_t target;
	unsigned width;

	if (off != v->window_cap + 16 || !window_target(v, &target, &width) || width != size)
		return false;
	*val = read_register(v, target, size);
	return true;
}

bool virtio_pci_window_write(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val)
{
	struct virtio_pci *v = (struct virtio_pci *)d;
	uint64_t wide = val;
	uint32_t target;
	unsigned width;

	if (off != v->window_cap + 16 || !window_target(v, &target, &width) || width != size)
		return false;
	virtio_pci_bar(d, VIRTIO_IO_BAR, target, size, true, &wide);
	return true;
}
