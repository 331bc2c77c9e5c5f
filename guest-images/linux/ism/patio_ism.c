/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * patio_ism.c: SMC-D over Patio's ISM device, for Linux 6.1 (struct smcd_ops of include/net/smc.h).
 *
 * smc gives a message in pieces: up to four of data, then its header, all under the connection's
 * lock and with bottom halves off, so on one CPU.  The pieces are noted in that CPU's slot, and the
 * header submits them: one exit.  The data are not copied here: smc's send buffer is kmalloc()ed,
 * and the device reads it where it is.
 *
 * The device takes guest-physical addresses, as virtio devices do that have no IOMMU in front.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <net/smc.h>
#include "lib/ism_format.h"

/* Where struct smc_connection, which is smc's own, has peer_token: from the BTF of the smc.ko for
 * which this module is built (member-offset). */
#ifndef PEER_TOKEN_OFFSET
#error "PEER_TOKEN_OFFSET is not given"
#endif

#define WORDS      (ISM_DMBS / 64) /* of the area's bits of DMBs */
#define BUSY_TRIES 1000
#define LOOKS      1000 /* at a message under way, before the device is asked whether it is on */

struct patio_dmb {
	void *memory; /* NULL: none */
	u32 length;
	u64 peer;
};

/* What smc has given so far of a message, by CPU. */
struct patio_gather {
	u64 token; /* 0: nothing */
	unsigned int pieces;
	unsigned int dmb; /* where this CPU found the last connection */
};

/* Vector 0 is that of events; the DMBs of a word of the area's bits have one vector, so that its
 * handler looks at few words, in most cases at one. */
struct patio_vector {
	struct patio_ism *ism;
	unsigned int first, step; /* its words */
	bool events;
};

struct patio_ism {
	struct pci_dev *pdev;
	struct smcd_dev *smcd;
	unsigned long io;
	struct ism_area *area;
	unsigned int vectors;
	struct patio_vector vector[ISM_VECTORS];
	spinlock_t command_lock;
	struct work_struct read_events; /* on smc's queue of events */
	u32 events_lost;
	bool leaving;          /* it is not queued any more */
	struct mutex dmb_lock; /* the table below */
	struct patio_dmb dmb[ISM_DMBS];
	struct patio_gather gather[ISM_SLOTS];
};

static struct patio_ism *device_of(struct smcd_dev *smcd)
{
	return smcd->priv;
}

/* ---- commands ---- */

static u32 command(struct patio_ism *ism, struct ism_command *c)
{
	struct ism_command *there = &ism->area->command;
	unsigned long flags;

	c->status = ISM_PENDING; /* and it stays so if the device is off */
	spin_lock_irqsave(&ism->command_lock, flags);
	*there = *c;
	wmb(); /* the device reads it in the next instruction */
	outl(1, ism->io + ISM_REG_COMMAND);
	c->status = READ_ONCE(there->status);
	c->token = there->token;
	spin_unlock_irqrestore(&ism->command_lock, flags);
	return c->status;
}

static int patio_query_remote_gid(struct smcd_dev *smcd, u64 gid, u32 vid_valid, u32 vid)
{
	struct ism_command c = {.code = ISM_QUERY, .gid = gid};

	return command(device_of(smcd), &c) == ISM_OK ? 0 : -ENETUNREACH;
}

static int patio_signal_event(struct smcd_dev *smcd, u64 gid, u32 trigger_irq, u32 event_code,
                              u64 info)
{
	struct ism_command c = {.code = ISM_SIGNAL, .gid = gid, .event = event_code, .info = info};

	return command(device_of(smcd), &c) == ISM_OK ? 0 : -ENETUNREACH;
}

/* ---- buffers ---- */

static u16 vector_of(const struct patio_ism *ism, unsigned int word)
{
	return ism->vectors > 1 ? 1 + word % (ism->vectors - 1) : 0;
}

/* smc reads -ENOMEM as "try a smaller one", and -ENOSPC as "take TCP". */
static int new_dmb(struct patio_ism *ism, struct smcd_dmb *dmb, unsigned int index)
{
	const gfp_t flags =
	    GFP_KERNEL | __GFP_ZERO | __GFP_COMP | __GFP_NOWARN | __GFP_NOMEMALLOC | __GFP_NORETRY;
	struct ism_command c = {.code = ISM_REGISTER,
	                        .gid = dmb->rgid,
	                        .length = dmb->dmb_len,
	                        .index = index,
	                        .vector = vector_of(ism, index / 64),
	                        .flags = ISM_DMB_WINDOW};
	void *memory = (void *)__get_free_pages(flags, get_order(dmb->dmb_len));

	if (!memory)
		return -ENOMEM;
	c.gpa = virt_to_phys(memory);
	if (command(ism, &c) != ISM_OK) {
		free_pages((unsigned long)memory, get_order(dmb->dmb_len));
		return -ENOSPC;
	}
	ism->dmb[index] = (struct patio_dmb){memory, dmb->dmb_len, dmb->rgid};
	dmb->dmb_tok = c.token;
	dmb->sba_idx = index;
	dmb->cpu_addr = memory;
	dmb->dma_addr = c.gpa;
	return 0;
}

static int patio_register_dmb(struct smcd_dev *smcd, struct smcd_dmb *dmb)
{
	struct patio_ism *ism = device_of(smcd);
	unsigned int i = 0, index;
	int rc = -ENOSPC;

	mutex_lock(&ism->dmb_lock);
	/* One of each word in turn, so that all vectors are used. */
	do
		index = i % WORDS * 64 + i / WORDS;
	while (ism->dmb[index].memory && ++i < ISM_DMBS);
	if (i < ISM_DMBS)
		rc = new_dmb(ism, dmb, index);
	mutex_unlock(&ism->dmb_lock);
	return rc;
}

static int patio_unregister_dmb(struct smcd_dev *smcd, struct smcd_dmb *dmb)
{
	struct patio_ism *ism = device_of(smcd);
	struct ism_command c = {.code = ISM_UNREGISTER, .index = dmb->sba_idx};
	struct patio_dmb *d;

	if (dmb->sba_idx >= ISM_DMBS)
		return -EINVAL;
	d = &ism->dmb[dmb->sba_idx];
	mutex_lock(&ism->dmb_lock);
	if (d->memory) {
		command(ism, &c); /* from here on the device does not write there */
		free_pages((unsigned long)d->memory, get_order(d->length));
		d->memory = NULL;
	}
	mutex_unlock(&ism->dmb_lock);
	return 0;
}

/* ---- messages ---- */

static u64 peer_token(const struct smc_connection *conn)
{
	return READ_ONCE(*(const u64 *)((const char *)conn + PEER_TOKEN_OFFSET));
}

/* The buffer of the connection that sends to this token; smcd->lock held.  First where this CPU
 * found one last. */
static int find_dmb(struct patio_ism *ism, struct patio_gather *g, u64 token)
{
	struct smc_connection **conn = ism->smcd->conn;
	unsigned int i;

	if (conn[g->dmb] && peer_token(conn[g->dmb]) == token)
		return g->dmb;
	for (i = 0; i < ISM_DMBS; i++)
		if (conn[i] && peer_token(conn[i]) == token)
			return g->dmb = i;
	return -1;
}

/*
 * How far this side has read what the peer sends on the same connection, which the header tells the
 * peer, is noted for the device, too, in the header of that connection's own buffer.  The device
 * then refuses what a peer sends beyond that (ISM_DMB_WINDOW): smc itself does not look.
 */
static void note_what_was_read(struct patio_ism *ism, struct patio_gather *g, u64 token,
                               u64 consumed)
{
	unsigned long flags;
	int i;

	spin_lock_irqsave(&ism->smcd->lock, flags);
	i = find_dmb(ism, g, token);
	if (i >= 0 && ism->dmb[i].memory)
		WRITE_ONCE(((u64 *)ism->dmb[i].memory)[ISM_WORD_READ],
		           consumed & GENMASK_ULL(47, 0));
	spin_unlock_irqrestore(&ism->smcd->lock, flags);
}

/* In the direct mapping, below all others (Documentation/x86/x86_64/mm.rst): what is contiguous
 * there is so in guest-physical memory. */
static bool is_direct(const void *data)
{
	return (unsigned long)data < VMALLOC_START;
}

static int add_piece(struct patio_ism *ism, unsigned int number, u64 token, unsigned int offset,
                     void *data, unsigned int size)
{
	struct patio_gather *g = &ism->gather[number];
	struct ism_slot *slot = &ism->area->slot[number];

	if (g->token != token)
		g->pieces = 0;
	g->token = token;
	if (g->pieces == ISM_PIECES || size > ISM_DMB_MAX || !is_direct(data)) {
		g->token = 0;
		return -EINVAL;
	}
	slot->piece[g->pieces++] = (struct ism_piece){virt_to_phys(data), size, offset};
	return 0;
}

/* Large messages may be finished by another CPU's exit.  A device that was switched off, as by
 * power_off(), has ended those under way, and takes no other: one that is still pending then is
 * none. */
static u32 submit(struct patio_ism *ism, unsigned int number)
{
	u32 status;
	struct ism_slot *slot = &ism->area->slot[number];
	unsigned int looks = 0;

	WRITE_ONCE(slot->status, ISM_PENDING);
	wmb(); /* the device reads it in the next instruction */
	outl(number, ism->io + ISM_REG_SUBMIT);
	while ((status = smp_load_acquire(&slot->status)) == ISM_PENDING) {
		cpu_relax();
		if (++looks % LOOKS == 0 && !inl(ism->io + ISM_REG_ENABLE))
			return ISM_stopped;
	}
	return status;
}

/* A function of its own, so that pieces need no registers saved. */
static noinline int send(struct patio_ism *ism, unsigned int number, u64 token, const void *header)
{
	u32 status;
	struct patio_gather *g = &ism->gather[number];
	struct ism_slot *slot = &ism->area->slot[number];
	unsigned int tries = BUSY_TRIES;

	slot->token = token;
	slot->pieces = g->token == token ? g->pieces : 0;
	memcpy(slot->header, header, sizeof(slot->header));
	g->token = 0;
	note_what_was_read(ism, g, token, slot->header[ISM_WORD_CONSUMED]);
	do
		status = submit(ism, number);
	while (status == ISM_dmb_busy && --tries);
	/* To a connection that the peer has closed: as if it had arrived just before. */
	return status == ISM_OK || status == ISM_stale ? 0 : -EIO;
}

static int patio_move_data(struct smcd_dev *smcd, u64 token, unsigned int index, bool signal,
                           unsigned int offset, void *data, unsigned int size)
{
	struct patio_ism *ism = device_of(smcd);
	unsigned int cpu = smp_processor_id();

	if (!signal)
		return add_piece(ism, cpu, token, offset, data, size);
	if (size != ISM_HEADER || offset)
		return -EINVAL;
	return send(ism, cpu, token, data);
}

/* ---- what else smc asks ---- */

static int patio_vlan_id(struct smcd_dev *smcd, u64 vlan_id)
{
	return 0; /* the domain has no VLANs: each is carried */
}

static int patio_vlan_required(struct smcd_dev *smcd)
{
	return 0;
}

/* Not all zeros in the last eight: SMC version 2.  Outside of s390 it is not used to connect. */
static u8 *patio_system_eid(void)
{
	static u8 eid[] = "PATIO-ISM-SEID-000000000PATIO001";

	return eid;
}

static u16 patio_chid(struct smcd_dev *smcd)
{
	return inl(device_of(smcd)->io + ISM_REG_DOMAIN);
}

static const struct smcd_ops patio_ops = {
    .query_remote_gid = patio_query_remote_gid,
    .register_dmb = patio_register_dmb,
    .unregister_dmb = patio_unregister_dmb,
    .add_vlan_id = patio_vlan_id,
    .del_vlan_id = patio_vlan_id,
    .set_vlan_required = patio_vlan_required,
    .reset_vlan_required = patio_vlan_required,
    .signal_event = patio_signal_event,
    .move_data = patio_move_data,
    .get_system_eid = patio_system_eid,
    .get_chid = patio_chid,
};

/* ---- interrupts ---- */

static void give(struct patio_ism *ism, const struct ism_event *e)
{
	struct smcd_event event = {
	    .type = e->type == ISM_EVENT_GONE ? ISM_EVENT_GID : ISM_EVENT_SWR,
	    .code = e->code,
	    .tok = e->gid,
	    .info = e->info,
	};

	smcd_handle_event(ism->smcd, &event);
}

/* There was no room for an event: perhaps that a peer is gone. */
static void look_at_peers(struct patio_ism *ism)
{
	unsigned int i;

	mutex_lock(&ism->dmb_lock);
	for (i = 0; i < ISM_DMBS; i++) {
		struct ism_event e = {.type = ISM_EVENT_GONE, .gid = ism->dmb[i].peer};

		if (ism->dmb[i].memory && patio_query_remote_gid(ism->smcd, e.gid, 0, 0))
			give(ism, &e);
	}
	mutex_unlock(&ism->dmb_lock);
}

/*
 * smc has each event wait, in memory of its own, on a queue that handles one after another.  This
 * runs on the same queue, so it gives no more of them before the last ones were handled: a peer
 * that signals all the time fills the device's queue, and not this guest's memory.
 */
static void read_events(struct work_struct *work)
{
	struct patio_ism *ism = container_of(work, struct patio_ism, read_events);
	struct ism_area *a = ism->area;
	unsigned int n, lost;

	xchg(&a->event_flag, 0); /* from here on another event interrupts */
	/* Of those before, there are no more than the queue has. */
	for (n = 0; n < ISM_EVENTS && a->events_read != smp_load_acquire(&a->events); n++) {
		struct ism_event e = a->event[a->events_read % ISM_EVENTS];

		smp_store_release(&a->events_read, a->events_read + 1);
		give(ism, &e);
	}
	lost = READ_ONCE(a->events_lost);
	if (lost != ism->events_lost)
		look_at_peers(ism);
	ism->events_lost = lost;
}

static irqreturn_t patio_interrupt(int irq, void *data)
{
	const struct patio_vector *v = data;
	struct patio_ism *ism = v->ism;
	struct ism_area *a = ism->area;
	unsigned int i;

	for (i = v->first; i < WORDS; i += v->step) {
		u64 bits = xchg(&a->dmb_bits[i], 0);

		for (; bits; bits &= bits - 1)
			smcd_handle_irq(ism->smcd, 64 * i + __ffs64(bits), 0);
	}
	if (v->events && READ_ONCE(a->event_flag) && !READ_ONCE(ism->leaving))
		queue_work(ism->smcd->event_wq, &ism->read_events);
	return IRQ_HANDLED;
}

/* ---- the device ---- */

static void free_interrupts(struct patio_ism *ism, unsigned int n)
{
	while (n--)
		free_irq(pci_irq_vector(ism->pdev, n), &ism->vector[n]);
	pci_free_irq_vectors(ism->pdev);
}

/* Of n; as vector_of() has it. */
static struct patio_vector make_vector(struct patio_ism *ism, int i, int n)
{
	if (n == 1)
		return (struct patio_vector){ism, 0, 1, true};
	return (struct patio_vector){ism, i ? i - 1 : WORDS, n - 1, !i};
}

static int request_interrupts(struct patio_ism *ism)
{
	int n = pci_alloc_irq_vectors(ism->pdev, 1, ISM_VECTORS, PCI_IRQ_MSIX);
	int i, rc;

	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		ism->vector[i] = make_vector(ism, i, n);
		rc = request_irq(pci_irq_vector(ism->pdev, i), patio_interrupt, 0, "patio_ism",
		                 &ism->vector[i]);
		if (rc) {
			free_interrupts(ism, i);
			return rc;
		}
	}
	ism->vectors = n;
	return 0;
}

static u64 read_gid(struct patio_ism *ism)
{
	return (u64)inl(ism->io + ISM_REG_GID + 4) << 32 | inl(ism->io + ISM_REG_GID);
}

static int switch_on(struct patio_ism *ism)
{
	u64 area = virt_to_phys(ism->area);

	outl(0, ism->io + ISM_REG_ENABLE); /* a kernel that crashed has left it on */
	outl(lower_32_bits(area), ism->io + ISM_REG_AREA);
	outl(upper_32_bits(area), ism->io + ISM_REG_AREA + 4);
	outl(1, ism->io + ISM_REG_ENABLE);
	ism->smcd->local_gid = read_gid(ism);
	return ism->smcd->local_gid ? 0 : -EIO;
}

static int start(struct patio_ism *ism)
{
	int rc = request_interrupts(ism);

	if (rc)
		return rc;
	rc = switch_on(ism);
	if (!rc)
		rc = smcd_register_dev(ism->smcd);
	if (rc) {
		outl(0, ism->io + ISM_REG_ENABLE);
		free_interrupts(ism, ism->vectors);
		cancel_work_sync(&ism->read_events);
	}
	return rc;
}

/* A device that this driver knows, on this kernel. */
static int check(struct patio_ism *ism)
{
	if (inl(ism->io + ISM_REG_MAGIC) != ISM_MAGIC ||
	    inl(ism->io + ISM_REG_VERSION) != ISM_VERSION)
		return -ENODEV;
	return nr_cpu_ids > ISM_SLOTS ? -E2BIG : 0;
}

static int make(struct patio_ism *ism)
{
	ism->area = alloc_pages_exact(sizeof(*ism->area), GFP_KERNEL | __GFP_ZERO);
	if (!ism->area)
		return -ENOMEM;
	ism->smcd =
	    smcd_alloc_dev(&ism->pdev->dev, dev_name(&ism->pdev->dev), &patio_ops, ISM_DMBS);
	if (!ism->smcd) {
		free_pages_exact(ism->area, sizeof(*ism->area));
		return -ENOMEM;
	}
	ism->smcd->priv = ism;
	return 0;
}

static void unmake(struct patio_ism *ism)
{
	free_pages_exact(ism->area, sizeof(*ism->area));
	smcd_free_dev(ism->smcd);
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct patio_ism *ism = devm_kzalloc(&pdev->dev, sizeof(*ism), GFP_KERNEL);
	int rc;

	if (!ism)
		return -ENOMEM;
	ism->pdev = pdev;
	spin_lock_init(&ism->command_lock);
	mutex_init(&ism->dmb_lock);
	INIT_WORK(&ism->read_events, read_events);
	pci_set_drvdata(pdev, ism);
	rc = pcim_enable_device(pdev);
	if (!rc)
		rc = pci_request_region(pdev, 0, "patio_ism");
	if (rc)
		return rc;
	ism->io = pci_resource_start(pdev, 0);
	pci_set_master(pdev);
	rc = check(ism);
	if (!rc)
		rc = make(ism);
	if (rc)
		return rc;
	rc = start(ism);
	if (rc)
		unmake(ism);
	return rc;
}

/* Waits for interrupts under way. */
static void end_events(struct patio_ism *ism)
{
	unsigned int i;

	WRITE_ONCE(ism->leaving, true);
	for (i = 0; i < ism->vectors; i++)
		synchronize_irq(pci_irq_vector(ism->pdev, i));
}

/* smc first: it ends its connections, unregisters their buffers, and handles what is left on its
 * queue of events, which is gone then. */
static void unbind(struct pci_dev *pdev)
{
	struct patio_ism *ism = pci_get_drvdata(pdev);

	end_events(ism);
	smcd_unregister_dev(ism->smcd);
	outl(0, ism->io + ISM_REG_ENABLE);
	free_interrupts(ism, ism->vectors);
	unmake(ism);
}

/* The next kernel's memory is written no more; peers learn that this one is gone. */
static void power_off(struct pci_dev *pdev)
{
	struct patio_ism *ism = pci_get_drvdata(pdev);

	outl(0, ism->io + ISM_REG_ENABLE);
}

static const struct pci_device_id ids[] = {{PCI_DEVICE(ISM_PCI_VENDOR, ISM_PCI_DEVICE)}, {0}};

static struct pci_driver patio_driver = {
    .name = "patio_ism",
    .id_table = ids,
    .probe = probe,
    .remove = unbind,
    .shutdown = power_off,
};
module_pci_driver(patio_driver);

MODULE_DEVICE_TABLE(pci, ids);
MODULE_DESCRIPTION("SMC-D over Patio's ISM device");
MODULE_LICENSE("Dual BSD/GPL");
