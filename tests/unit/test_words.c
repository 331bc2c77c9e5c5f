/* SPDX-License-Identifier: BSD-2-Clause */
/* The language's words: each list converts a word to its value and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "vmm/config/config.h"

static const struct config_word *const lists[] = {
    config_log_words,    config_move_words,     config_model_words,       config_smt_words,
    config_iommu_words,  config_idle_words,     config_panic_words,       config_restart_words,
    config_link_words,   config_path_mtu_words, config_classic_dst_words, config_classic_src_words,
    config_show_words,   config_mode_words,     config_link_local_words,  config_yes_words,
    config_absent_words, config_object_words,   config_metrics_words,
};

static void there_and_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		assert_non_null(lists[i][0].text);
		for (const struct config_word *w = lists[i]; w->text; w++) {
			assert_ptr_equal(config_word_find(lists[i], w->text), w);
			assert_ptr_equal(config_word_of(lists[i], w->value), w->text);
		}
	}
}

static void what_is_in_no_list(void **state)
{
	(void)state;
	assert_null(config_word_find(config_log_words, "warning"));
	assert_null(config_word_find(config_log_words, ""));
	assert_null(config_word_of(config_move_words, CONFIG_MOVE_NODE));
	assert_null(config_word_of(config_panic_words, CONFIG_PANIC_UNSET));
	assert_null(config_word_of(config_link_words, CONFIG_NIC));
	assert_null(config_word_of(config_classic_dst_words, CONFIG_CLASSIC_ANY));
	assert_string_equal(config_word_of(config_classic_src_words, CONFIG_CLASSIC_ANY), "any");
}

/* Words whose values are the switch's. */
static void values_from_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(config_word_find(config_mode_words, "learn")->value, VNET_LEARN);
	assert_int_equal(config_word_find(config_mode_words, "exact")->value, VNET_EXACT);
	assert_int_equal(config_word_find(config_link_local_words, "drop")->value,
	                 VNET_LINK_LOCAL_DROP);
	assert_int_equal(config_word_find(config_link_words, "vxlan")->value, CONFIG_VXLAN);
	assert_int_equal(config_word_find(config_yes_words, "yes")->value, true);
}

static void one_side_of_a_route(void **state)
{
	static const struct {
		struct vnet_qual qual;
		const char *text;
	} side[] = {{{VNET_MAC_IS, 0x0a0000005452}, "52:54:00:00:00:0a"},
	            {{VNET_MAC_NOT, 0x0a0000005452}, "not 52:54:00:00:00:0a"},
	            {{VNET_MAC_ANY, 0}, "any"},
	            {{VNET_MAC_NONE, 0}, "none"}};
	char text[24];

	(void)state;
	for (unsigned i = 0; i < sizeof side / sizeof side[0]; i++) {
		config_format_qual(&side[i].qual, text);
		assert_string_equal(text, side[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(what_is_in_no_list),
	    cmocka_unit_test(values_from_elsewhere),
	    cmocka_unit_test(one_side_of_a_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
