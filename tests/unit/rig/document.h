/* SPDX-License-Identifier: BSD-2-Clause */
/* document.h: pages of docs/ that are made from tables in the code. */
#ifndef TESTS_UNIT_RIG_DOCUMENT_H
#define TESTS_UNIT_RIG_DOCUMENT_H

/* Fails the test unless the page is `should`, and says which command writes it.  Frees `should`. */
void document_check(const char *path, char *should, const char *command);

/* Makes the page `text`, and frees that; returns 0, or what fclose() does. */
int document_write(const char *path, char *text);

#endif
