/* SPDX-License-Identifier: BSD-2-Clause */
/* vpit.c: the counters of an 8254 (data sheet 231164); see vpit.h. */
#include <string.h>
#include "lib/rate.h"
#include "vmm/devices/vpit.h"

#define CONTROL       3 /* the register of control words */
#define ACCESS_BOTH   3
#define READ_BACK     3 /* counter number of a read-back command */
#define NO_COUNT      0x20
#define NO_STATUS     0x10
#define STATUS_OUT    0x80
#define STATUS_NULL   0x40
#define GATE_2        0x01
#define GATE_WRITABLE 0x0f
#define GATE_REFRESH  0x10
#define GATE_OUT_2    0x20
#define REFRESH_TICKS 18 /* 15.1 us: period of the refresh bit, which programs use for delays */

/* Counts only after a rising edge of its gate. */
static bool is_triggered_mode(const struct vpit_counter *c)
{
	return c->mode == 1 || c->mode == 5;
}

static bool is_periodic(const struct vpit_counter *c)
{
	return c->mode == 2 || c->mode == 3;
}

static uint32_t modulus(const struct vpit_counter *c)
{
	return c->bcd ? 10000 : 65536;
}

static bool is_counting(const struct vpit_counter *c)
{
	return c->loaded && (c->triggered || !is_triggered_mode(c));
}

/* Ticks since the counter began to count. */
static uint64_t elapsed(const struct vpit *p, const struct vpit_counter *c, uint64_t now)
{
	bool stopped = !c->gate && !is_triggered_mode(c);
	/* another core's time stamp may be a little behind */
	uint64_t tsc = stopped ? c->held : now > c->start ? now - c->start : 0;

	return rate_ticks(tsc, p->tsc_hz, PIT_HZ);
}

static uint32_t current_count(const struct vpit *p, const struct vpit_counter *c, uint64_t now)
{
	uint64_t ticks = elapsed(p, c, now);

	if (!is_counting(c))
		return c->loaded ? c->reload % modulus(c) : 0;
	if (c->mode == 2)
		ticks %= c->count;
	if (c->mode == 3)
		ticks = 2 * ticks % c->count;
	return (uint32_t)((c->count + modulus(c) - ticks % modulus(c)) % modulus(c));
}

static bool output_level(const struct vpit *p, const struct vpit_counter *c, uint64_t now)
{
	uint64_t ticks = elapsed(p, c, now);

	if (!is_counting(c) || (is_periodic(c) && !c->gate))
		return c->mode != 0;
	switch (c->mode) {
	case 0:
	case 1:
		return ticks >= c->count;
	case 2:
		return ticks % c->count != c->count - 1;
	case 3:
		return ticks % c->count < (c->count + 1) / 2;
	default: /* modes 4 and 5: low for one tick */
		return ticks != c->count;
	}
}

/* --- what the guest reads --------------------------------------------------------------------- */

static uint16_t to_bcd(uint32_t n)
{
	return (uint16_t)(n / 1000 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10);
}

static uint16_t visible_count(const struct vpit *p, const struct vpit_counter *c, uint64_t now)
{
	uint32_t n = current_count(p, c, now);

	return c->bcd ? to_bcd(n) : (uint16_t)n;
}

static void latch_count(const struct vpit *p, struct vpit_counter *c, uint64_t now)
{
	if (!c->latched)
		c->latch = visible_count(p, c, now);
	c->latched = true;
}

static void latch_status(const struct vpit *p, struct vpit_counter *c, uint64_t now)
{
	if (!c->status_latched)
		c->status = (uint8_t)((output_level(p, c, now) ? STATUS_OUT : 0) |
		                      (c->loaded ? 0 : STATUS_NULL) | c->access << 4 |
		                      c->mode << 1 | c->bcd);
	c->status_latched = true;
}

static uint8_t read_counter(const struct vpit *p, struct vpit_counter *c, uint64_t now)
{
	uint16_t n;
	bool high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	n = c->latched ? c->latch : visible_count(p, c, now);
	high = c->access == 2 || (c->access == ACCESS_BOTH && c->read_high);
	c->read_high = c->access == ACCESS_BOTH && !c->read_high;
	c->latched = c->latched && c->read_high;
	return (uint8_t)(high ? n >> 8 : n);
}

/* --- what the guest writes -------------------------------------------------------------------- */

static void restart_count(struct vpit_counter *c, uint64_t now)
{
	c->count = c->reload;
	c->start = now;
	c->held = 0;
}

static uint32_t from_bcd(uint16_t n)
{
	return (n >> 12) * 1000u + (n >> 8 & 15) * 100u + (n >> 4 & 15) * 10u + (n & 15);
}

static void load_count(struct vpit_counter *c, uint16_t n, uint64_t now)
{
	c->reload = c->bcd ? from_bcd(n) % 10000 : n;
	if (!c->reload)
		c->reload = modulus(c);
	c->loaded = true;
	if (!is_triggered_mode(c))
		restart_count(c, now);
}

static void write_counter(struct vpit_counter *c, uint8_t byte, uint64_t now)
{
	uint16_t low;

	if (c->access == ACCESS_BOTH && !c->write_high) {
		c->low = byte;
		c->write_high = true;
		return;
	}
	c->write_high = false;
	low = c->access == ACCESS_BOTH ? c->low : c->access == 1 ? byte : 0;
	load_count(c, c->access == 1 ? low : (uint16_t)(byte << 8 | low), now);
}

static void set_mode(struct vpit_counter *c, uint8_t word)
{
	uint8_t mode = word >> 1 & 7;

	*c = (struct vpit_counter){.mode = mode > 5 ? mode - 4 : mode,
	                           .access = word >> 4 & 3,
	                           .bcd = word & 1,
	                           .gate = c->gate,
	                           .reload = 1,
	                           .count = 1};
}

static void read_back(struct vpit *p, uint8_t word, uint64_t now)
{
	for (unsigned i = 0; i < 3; i++) {
		if (!(word & 2u << i))
			continue;
		if (!(word & NO_COUNT))
			latch_count(p, &p->counter[i], now);
		if (!(word & NO_STATUS))
			latch_status(p, &p->counter[i], now);
	}
}

static void write_control_word(struct vpit *p, uint8_t word, uint64_t now)
{
	unsigned i = word >> 6;

	if (i == READ_BACK)
		read_back(p, word, now);
	else if (!(word >> 4 & 3))
		latch_count(p, &p->counter[i], now);
	else
		set_mode(&p->counter[i], word);
}

static void set_gate(struct vpit_counter *c, bool gate, uint64_t now)
{
	bool rises = gate && !c->gate, falls = !gate && c->gate;

	if (falls)
		c->held = now > c->start ? now - c->start : 0;
	if (rises && is_triggered_mode(c)) {
		c->triggered = c->loaded;
		restart_count(c, now);
	} else if (rises && is_periodic(c)) {
		restart_count(c, now);
	} else if (rises) {
		c->start = now - c->held;
	}
	c->gate = gate;
}

/* --- the I/O ports ---------------------------------------------------------------------------- */

/* Counter 0 divides by 65536, counter 1 times a refresh, counter 2 is the speaker's (gate off). */
void vpit_init(struct vpit *p, uint64_t tsc_hz, uint64_t now)
{
	memset(p, 0, sizeof *p);
	p->tsc_hz = tsc_hz;
	for (unsigned i = 0; i < 3; i++) {
		set_mode(&p->counter[i], i == 1 ? 0x14 : 0x36);
		p->counter[i].gate = i != 2;
		load_count(&p->counter[i], i == 1 ? REFRESH_TICKS : 0, now);
	}
}

uint8_t vpit_read(struct vpit *p, unsigned reg, uint64_t now)
{
	uint8_t byte;

	spin_lock(&p->lock);
	byte = reg == CONTROL ? 0 : read_counter(p, &p->counter[reg], now);
	spin_unlock(&p->lock);
	return byte;
}

void vpit_write(struct vpit *p, unsigned reg, uint8_t byte, uint64_t now)
{
	spin_lock(&p->lock);
	if (reg == CONTROL)
		write_control_word(p, byte, now);
	else
		write_counter(&p->counter[reg], byte, now);
	spin_unlock(&p->lock);
}

uint8_t vpit_read_gate(struct vpit *p, uint64_t now)
{
	bool refresh;
	uint8_t byte;

	spin_lock(&p->lock);
	refresh = rate_ticks(now, p->tsc_hz, PIT_HZ) / REFRESH_TICKS & 1;
	byte = (uint8_t)(p->gate | (refresh ? GATE_REFRESH : 0) |
	                 (output_level(p, &p->counter[2], now) ? GATE_OUT_2 : 0));
	spin_unlock(&p->lock);
	return byte;
}

void vpit_write_gate(struct vpit *p, uint8_t byte, uint64_t now)
{
	spin_lock(&p->lock);
	p->gate = byte & GATE_WRITABLE;
	set_gate(&p->counter[2], byte & GATE_2, now);
	spin_unlock(&p->lock);
}
