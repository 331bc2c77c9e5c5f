/* SPDX-License-Identifier: BSD-2-Clause */
/* The NIC's statistics (8254x 13.7, 82574 10.2.8): 32 bits each, cleared by reading. */
#include "drivers/e1000/e1000.h"

static const struct {
	uint16_t reg;
	const char *name;
} stats[] = {
    {0x4000, "crc_errors"},        {0x4004, "alignment_errors"},    {0x4008, "symbol_errors"},
    {0x400c, "rx_data_errors"},    {0x4010, "missed_frames"},       {0x4014, "single_collisions"},
    {0x4018, "excess_collisions"}, {0x4020, "late_collisions"},     {0x4030, "deferred"},
    {0x4040, "length_errors"},     {0x4074, "good_rx_frames"},      {0x4078, "broadcast_rx"},
    {0x407c, "multicast_rx"},      {0x4080, "good_tx_frames"},      {0x40a0, "no_rx_buffer"},
    {0x40a4, "undersize_rx"},      {0x40a8, "fragments_rx"},        {0x40ac, "oversize_rx"},
    {0x40b0, "jabber_rx"},         {0x40d0, "total_rx_frames"},     {0x40d4, "total_tx_frames"},
    {0x40f8, "tso_contexts"},      {0x40fc, "tso_contexts_failed"},
};

const char *e1000_stat(struct e1000 *n, unsigned i, uint32_t *value)
{
	if (i >= sizeof stats / sizeof *stats)
		return NULL;
	*value = n->ops->read(n->ctx, stats[i].reg);
	return stats[i].name;
}
