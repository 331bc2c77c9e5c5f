/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/shm_nodes.h"
#include "drivers/shm/shm_parts.h"

struct shm_group *group;
uint8_t *region;
uint64_t region_bytes;
struct member member[MEMBERS];

mac_t member_mac_of(unsigned i)
{
	return mac_of(8 + i);
}

static void ring(void *ctx)
{
	struct member *m = ctx;

	guest_out(m->g, m->io + SHM_IO_DOORBELL, 2, 0);
}

void member_start(struct member *m)
{
	guest_out(m->g, m->io + SHM_IO_STATUS, 4, SHM_START);
	assert_null(netlib_open(&m->lib, m->shared, region, region_bytes, ring, m));
	assert_true(netlib_running(&m->lib));
}

void member_join(unsigned seat)
{
	static const char *const name[MEMBERS] = {"ann", "ben", "cat"};
	struct member *m = &member[seat];
	struct shm_member_config c = {.name = name[seat],
	                              .mac = member_mac_of(seat),
	                              .mtu = 1500,
	                              .region_at = 0x100000000,
	                              .region_bytes = region_bytes};

	m->g = guest_new();
	m->shared = aligned_alloc(4096, SHM_PRIVATE_BYTES);
	memset(m->shared, 0, SHM_PRIVATE_BYTES);
	m->device = aligned_alloc(64, (sizeof *m->device + 63) & ~63ul);
	memset(m->device, 0, sizeof *m->device);
	c.shared = m->shared;
	assert_true(shm_member_init(m->device, group, seat, &c));
	m->port = vnet_port_add(net, name[seat], 0, shm_nic.port, m->device, 0);
	assert_non_null(m->port);
	shm_member_attach(m->device, m->port);
	assert_true(vpci_add(&m->g->pci, &m->device->pci, 1));
	guest_cfg_set(m->g, 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	m->io = (uint16_t)(guest_cfg(m->g, 1, 0x10, 4) & ~3u);
	m->private_at = guest_cfg(m->g, 1, 0x18, 4) & ~15u;
	m->p = (struct probe){.slot = 1,
	                      .msix_cap = m->device->pci.msix_cap,
	                      .msix = guest_cfg(m->g, 1, 0x14, 4) & ~15u};
	msix_on(m->g, &m->p, 1, 0);
}

void member_leave(unsigned seat)
{
	struct member *m = &member[seat];

	assert_true(vnet_port_remove(m->port));
	shm_member_leave(m->device);
	guest_free(m->g);
	free(m->device);
	free(m->shared);
	memset(m, 0, sizeof *m);
}

int members_setup(void **state)
{
	nics_setup(state);
	if (!region_bytes)
		region_bytes = 2u << 20;
	region = aligned_alloc(4096, region_bytes);
	memset(region, 0, region_bytes);
	group = calloc(1, sizeof *group);
	assert_true(shm_group_init(group, region, region_bytes, MEMBERS));
	for (unsigned i = 0; i < MEMBERS; i++) {
		member_join(i);
		member_start(&member[i]);
	}
	return 0;
}

int members_teardown(void **state)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (member[i].device)
			member_leave(i);
	nics_teardown(state);
	free(region);
	free(group);
	return 0;
}

struct netlib_frame member_compose(struct member *m, mac_t dst, uint32_t length, uint8_t seed)
{
	struct netlib_frame f;

	assert_int_equal(netlib_take(&m->lib, &f, 1), 1);
	mac_write(f.data, dst);
	mac_write(f.data + 6, member_mac_of((unsigned)(m - member)));
	f.data[12] = 0x88;
	f.data[13] = 0xb5;
	for (uint32_t i = 14; i < length; i++)
		f.data[i] = (uint8_t)(seed + i);
	f.length = length;
	return f;
}

void member_send(struct member *m, mac_t dst, uint32_t length, uint8_t seed)
{
	struct netlib_frame f = member_compose(m, dst, length, seed);

	assert_int_equal(netlib_send(&m->lib, &f, 1), 1);
}

struct netlib_frame member_receive(struct member *m, uint32_t length, uint8_t seed)
{
	struct netlib_frame f;

	assert_int_equal(netlib_receive(&m->lib, &f, 1), 1);
	assert_int_equal(f.length, length);
	for (uint32_t i = 14; i < length; i++)
		assert_int_equal(f.data[i], (uint8_t)(seed + i));
	return f;
}

void member_drop(struct member *m, struct netlib_frame f)
{
	f.action = SHM_DROP;
	assert_int_equal(netlib_send(&m->lib, &f, 1), 1);
}

bool member_idle(struct member *m)
{
	return atomic_load(&m->shared->in.head) == m->lib.in_tail;
}

uint64_t member_counter(const struct member *m, const char *name)
{
	uint64_t value;
	char found[64];

	for (unsigned i = 0; shm_member_counter(m->device, i, found, sizeof found, &value); i++)
		if (strcmp(found, name) == 0)
			return value;
	fail_msg("no counter %s", name);
	return 0;
}

uint64_t member_drops(const struct member *m, enum vnet_drop why)
{
	struct vnet_port_stats s;

	vnet_port_stats(m->port, &s);
	return s.drop[why];
}

void member_write_out(struct member *m, struct shm_desc d)
{
	m->shared->out_ring[m->lib.out_head++ & m->lib.mask] = d;
	atomic_store(&m->shared->out.head, m->lib.out_head);
	ring(m);
}

void members_drain(void)
{
	struct netlib_frame f;

	for (unsigned i = 0; i < MEMBERS; i++)
		while (netlib_running(&member[i].lib) && netlib_receive(&member[i].lib, &f, 1))
			member_drop(&member[i], f);
	for (unsigned i = 0; i < GUESTS; i++)
		while (!nic_idle(&node[i]))
			nic_receive(&node[i], 60, 0);
}

void members_introduce(void)
{
	nics_up(FULL);
	nics_introduce();
	for (unsigned i = 0; i < MEMBERS; i++)
		member_send(&member[i], MAC_BROADCAST, 60, 0);
	members_drain();
	for (unsigned i = 0; i < MEMBERS; i++) {
		member[i].device->copied = 0;
		memset(member[i].device->count, 0, sizeof member[i].device->count);
	}
	for (unsigned i = 0; i < GUESTS; i++)
		node[i].nic->copied = 0;
	check_shares();
}

/* How many buffers a member has, itself or as spare ones. */
static unsigned count_share(unsigned seat, uint8_t *seen)
{
	const struct shm_member *m = atomic_load(&group->member[seat]);
	unsigned n = 0;

	for (unsigned i = 0; i < group->buffers; i++) {
		uint32_t owner = shm_owner(group, i);

		assert_false(owner & SHM_IN_WALK);
		if ((owner & ~SHM_KEPT) == seat + 1)
			n++, seen[i]++;
	}
	for (unsigned i = 0; m && i < m->nspare; i++) {
		assert_int_equal(shm_owner(group, m->spare[i]), SHM_OF_VMM);
		n++, seen[m->spare[i]]++;
	}
	return n;
}

void check_shares(void)
{
	uint8_t *seen = calloc(group->buffers, 1);

	for (unsigned i = 0; i < group->seats; i++)
		assert_int_equal(count_share(i, seen), group->share);
	for (unsigned i = 0; i < group->buffers; i++)
		assert_int_equal(seen[i], 1);
	free(seen);
}
