/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated 82540EM or 82574L for the driver's tests: registers with their side effects, both
 * descriptor engines, the checksum unit and the segmentation unit (8254x 3.2 to 3.5).
 */
#ifndef TESTS_UNIT_RIG_NIC_SIM_H
#define TESTS_UNIT_RIG_NIC_SIM_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/regs.h"

#define SIM_BUS_KEY 0x0000a00000000000ull /* bus addresses differ from pointers */
#define SIM_FRAMES  8192
#define SIM_ROC     0x40ac /* frames received that were too long */

struct sim {
	uint16_t device;
	uint32_t reg[0x8000 / 4];
	uint16_t eeprom[64];
	bool reset_stuck, eeprom_dead, tx_stopped;
	unsigned resets, resets_unquiet, contexts;
	uint64_t delayed_us, reads;
	struct e1000_tx_desc context;
	uint8_t gather[VNET_FRAME_MAX + 1];
	uint32_t gathered;
	struct {
		uint8_t *data;
		uint32_t len;
	} out[SIM_FRAMES]; /* what went onto the wire */
	unsigned n_out;
};

/* A register, without its side effects. */
uint32_t *sim_reg(struct sim *s, uint32_t reg);

/* Sends what lies in the transmit ring, unless tx_stopped. */
void sim_transmit(struct sim *s);

/* Bytes of a receive buffer, as RCTL says (8254x 13.4.22). */
uint32_t sim_buffer(struct sim *s);

/* A frame from the wire into the next buffers; false when it is too long or there is none. */
bool sim_receive(struct sim *s, const uint8_t *f, uint32_t len, uint8_t errors);

extern const struct e1000_ops sim_ops; /* how the driver reaches it */

/* A NIC in the state that a dead Dom0 left: receiving and sending somewhere. */
struct sim *sim_new(uint16_t device);

/* Frees the frames that went onto the wire. */
void sim_forget(struct sim *s);

#endif
