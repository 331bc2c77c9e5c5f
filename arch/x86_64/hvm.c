/* Which vendor half drives this CPU. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/hvm.h"

const struct hvm_ops *hvm;

bool hvm_select(char *why, size_t size)
{
	static const struct hvm_ops *const halves[] = {&svm_ops};
	for (unsigned i = 0; i < sizeof halves / sizeof halves[0]; i++) {
		if (halves[i]->probe(why, size)) {
			hvm = halves[i];
			return true;
		}
	}
	return false;
}
