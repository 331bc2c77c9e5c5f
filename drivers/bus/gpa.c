/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory: regions, and copies across them; see gpa.h. */
#include <string.h>
#include "drivers/bus/gpa.h"

bool gmem_add(struct gmem *m, uint64_t gpa, uint64_t size, void *hva)
{
	if (m->n == GMEM_REGIONS || !size || gpa + size < gpa)
		return false;
	for (unsigned i = 0; i < m->n; i++) {
		const struct gmem_region *r = &m->region[i];

		if (gpa < r->gpa + r->size && r->gpa < gpa + size)
			return false;
	}
	m->region[m->n++] = (struct gmem_region){gpa, size, hva};
	return true;
}

bool gmem_add_common(struct gmem *m, uint64_t gpa, uint64_t size, void *hva)
{
	bool added = gmem_add(m, gpa, size, hva);

	m->common += added;
	return added;
}

void gmem_remove_common(struct gmem *m, uint64_t gpa)
{
	unsigned i = gmem_own(m);

	while (i < m->n && m->region[i].gpa != gpa)
		i++;
	if (i == m->n)
		return;
	m->n--;
	m->common--;
	memmove(&m->region[i], &m->region[i + 1], (m->n - i) * sizeof m->region[0]);
}

/* How many of `len` bytes at gpa lie in one region, and where; 0 when gpa is not guest memory. */
static size_t gmem_run(const struct gmem *m, uint64_t gpa, size_t len, uint8_t **at)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct gmem_region *r = &m->region[i];
		uint64_t off = gpa - r->gpa;

		if (off >= r->size)
			continue;
		*at = r->hva + off;
		return len < r->size - off ? len : (size_t)(r->size - off);
	}
	return 0;
}

bool gmem_read(const struct gmem *m, uint64_t gpa, void *dst, size_t len)
{
	uint8_t *d = dst, *at;

	for (size_t n; len; len -= n, gpa += n, d += n) {
		n = gmem_run(m, gpa, len, &at);
		if (!n)
			return false;
		memcpy(d, at, n);
	}
	return true;
}

bool gmem_write(const struct gmem *m, uint64_t gpa, const void *src, size_t len)
{
	const uint8_t *s = src;
	uint8_t *at;

	for (size_t n; len; len -= n, gpa += n, s += n) {
		n = gmem_run(m, gpa, len, &at);
		if (!n)
			return false;
		memcpy(at, s, n);
	}
	return true;
}
