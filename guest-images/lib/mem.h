/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for rings and buffers: never freed. */
#ifndef GUEST_MEM_H
#define GUEST_MEM_H
#include <stddef.h>
#include <stdint.h>

#define MEM_DMA_FLOOR (16ull << 20) /* Patio identity-maps Dom0's memory only above this */

/*
 * Finds the largest range of RAM in the memory map above `floor`, this image and the modules.
 * Returns its size in bytes, 0 when there is none.
 */
uint64_t mem_init(uint64_t floor);

/* `size` zeroed bytes; `align` a power of two. NULL when memory is used up. */
void *mem_alloc(size_t size, size_t align);
#endif
