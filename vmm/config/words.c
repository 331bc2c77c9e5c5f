/* SPDX-License-Identifier: BSD-2-Clause */
/* The lists of words, and conversions between a word and its value; see words.h. */
#include <string.h>
#include "vmm/config/words.h"

#define ROW(value, text) {text, value},
#define WORDS(list)                                                                                \
	{                                                                                          \
		list(ROW)                                                                          \
		{                                                                                  \
			NULL, 0                                                                    \
		}                                                                                  \
	}
/* The source of a route may be any port, its destination may not. */
#define CLASSIC_SRC_WORDS(X) CONFIG_CLASSIC_WORDS(X) X(CONFIG_CLASSIC_ANY, "any")

const struct config_word config_log_words[] = WORDS(CONFIG_LOG_WORDS);
const struct config_word config_move_words[] = WORDS(CONFIG_MOVE_WORDS);
const struct config_word config_model_words[] = WORDS(CONFIG_MODEL_WORDS);
const struct config_word config_smt_words[] = WORDS(CONFIG_SMT_WORDS);
const struct config_word config_iommu_words[] = WORDS(CONFIG_IOMMU_WORDS);
const struct config_word config_idle_words[] = WORDS(CONFIG_IDLE_WORDS);
const struct config_word config_panic_words[] = WORDS(CONFIG_PANIC_WORDS);
const struct config_word config_restart_words[] = WORDS(CONFIG_RESTART_WORDS);
const struct config_word config_link_words[] = WORDS(CONFIG_LINK_WORDS);
const struct config_word config_path_mtu_words[] = WORDS(CONFIG_PATH_MTU_WORDS);
const struct config_word config_classic_dst_words[] = WORDS(CONFIG_CLASSIC_WORDS);
const struct config_word config_classic_src_words[] = WORDS(CLASSIC_SRC_WORDS);
const struct config_word config_metrics_words[] = WORDS(CONFIG_METRICS_WORDS);
const struct config_word config_show_words[] = WORDS(CONFIG_SHOW_WORDS);
const struct config_word config_mode_words[] = WORDS(CONFIG_MODE_WORDS);
const struct config_word config_link_local_words[] = WORDS(CONFIG_LINK_LOCAL_WORDS);
const struct config_word config_yes_words[] = WORDS(CONFIG_YES_WORDS);
const struct config_word config_switch_words[] = WORDS(CONFIG_SWITCH_WORDS);
const struct config_word config_absent_words[] = WORDS(CONFIG_ABSENT_WORDS);
const struct config_word config_object_words[] = WORDS(CONFIG_OBJECT_WORDS);
const struct config_word config_fail_words[] = WORDS(CONFIG_FAIL_WORDS);
const struct config_word config_protocol_words[] = WORDS(CONFIG_PROTOCOL_WORDS);

const char *config_word_of(const struct config_word *words, unsigned value)
{
	for (; words->text; words++)
		if (words->value == value)
			return words->text;
	return NULL;
}

const struct config_word *config_word_find(const struct config_word *words, const char *text)
{
	for (; words->text; words++)
		if (strcmp(words->text, text) == 0)
			return words;
	return NULL;
}
