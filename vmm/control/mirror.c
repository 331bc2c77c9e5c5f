/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mirror.c: mirrors as the description says.
 *
 * The window's part `capture` has a ring for each core.  It is made with the first mirror and
 * removed with the last; in between, mirrors come and go without losing what others have copied.
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/core.h"
#include "arch/x86_64/rtc.h"
#include "arch/x86_64/tsc.h"
#include "lib/count.h"
#include "vmm/control/control.h"
#include "vmm/control/mirror.h"
#include "vmm/control/network.h"
#include "vmm/window.h"

#define RING_MAX (1ull << 20) /* bytes of a core's ring; less where the window is small */
#define RING_MIN (1ull << 16)
#define NS       1000000000ull

static struct capture *capture;
static bool running;
static struct capture_ring *rings[CORES_MAX];

static bool wanted(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		if (n->mirror[i].name[0])
			return true;
	return false;
}

static uint64_t bytes_of(uint64_t ring)
{
	return CAPTURE_PAGE + ncores * (sizeof(struct capture_ring) + ring);
}

/* The time when the TSC was 0, by the machine's clock. */
static uint64_t start_ns(void)
{
	uint64_t ticks = __builtin_ia32_rdtsc();

	return rtc_read() * NS - ticks / tsc_khz * 1000000 - ticks % tsc_khz * 1000000 / tsc_khz;
}

static void make_rings(uint64_t ring)
{
	uint8_t *at = (uint8_t *)capture + CAPTURE_PAGE;

	capture->rings = ncores;
	capture->ring_bytes = sizeof(struct capture_ring) + ring;
	capture->tsc_khz = tsc_khz;
	capture->unix_ns = start_ns();
	for (unsigned i = 0; i < ncores; i++) {
		rings[i] = (struct capture_ring *)(at + i * capture->ring_bytes);
		capture_ring_init(rings[i], ring);
	}
	__atomic_store_n(&capture->magic, CAPTURE_MAGIC, __ATOMIC_RELEASE);
}

bool control_mirror_build(const struct node_config *n, char *why, size_t size)
{
	uint64_t ring = RING_MAX;

	if (capture || !wanted(n))
		return true;
	while (!capture && ring >= RING_MIN) {
		capture = window_add(WINDOW_capture, 0, "capture", bytes_of(ring));
		if (capture)
			make_rings(ring);
		ring /= 2;
	}
	if (!capture)
		snprintf(why, size, "no room in the observation window for a mirror");
	return capture;
}

static void list_mirror(const struct node_config *n, unsigned i)
{
	const struct mirror_config *m = &n->mirror[i];
	struct capture_mirror *shown = &capture->mirror[i];

	if (!strcmp(shown->name, m->name))
		return;
	memset(shown, 0, sizeof *shown);
	for (unsigned c = 0; c < ncores; c++)
		rings[c]->frames[i] = 0;
	if (!m->name[0])
		return;
	snprintf(shown->text, sizeof shown->text, "%s %s",
	         config_word_of(config_object_words, m->kind), config_mirror_object(n, m));
	shown->cut = m->cut ? m->cut : CAPTURE_WHOLE;
	shown->since = __builtin_ia32_rdtsc();
	snprintf(shown->name, sizeof shown->name, "%s", m->name);
}

/* The most that any mirror wants of a frame; a reader cuts its own. */
static uint32_t longest_cut(const struct node_config *n)
{
	uint32_t cut = 0;

	for (unsigned i = 0; i < CONFIG_MIRRORS; i++) {
		const struct mirror_config *m = &n->mirror[i];

		if (m->name[0] && (!m->cut || m->cut > cut))
			cut = m->cut ? m->cut : CAPTURE_WHOLE;
	}
	return cut;
}

static uint8_t mirrors_of(const struct node_config *n, unsigned slot)
{
	uint8_t mirrors = 0;

	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		if (config_mirror_sees(n, &n->mirror[i], slot))
			mirrors |= (uint8_t)(1u << i);
	return mirrors;
}

static void set_ports(const struct node_config *n)
{
	for (unsigned i = 0; i < n->ports; i++) {
		struct vnet_port *port = control_port(i);

		if (port)
			vnet_port_set_mirrors(port, vnet_this_core(), mirrors_of(n, i));
	}
}

void control_mirror_unbuild(const struct node_config *n)
{
	if (!wanted(n))
		control_mirror_follow(n);
}

void control_mirror_follow(const struct node_config *n)
{
	if (!capture)
		return;
	if (!wanted(n)) {
		vnet_capture_stop(node_vnet);
		running = false;
		set_ports(n);
		window_remove(capture);
		capture = NULL;
		return;
	}
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		list_mirror(n, i);
	vnet_capture_start(node_vnet, vnet_this_core(), rings, longest_cut(n));
	if (running)
		vnet_capture_changed(vnet_this_core());
	running = true;
	set_ports(n);
}

uint64_t control_mirror_frames(unsigned i)
{
	uint64_t sum = 0;

	for (unsigned c = 0; capture && c < ncores; c++)
		sum += count_read(&rings[c]->frames[i]);
	return sum;
}

void control_mirror_short(uint64_t *left_out, uint64_t *cut)
{
	*left_out = *cut = 0;
	for (unsigned c = 0; capture && c < ncores; c++) {
		*left_out += atomic_load(&rings[c]->left_out);
		*cut += atomic_load(&rings[c]->cut);
	}
}
