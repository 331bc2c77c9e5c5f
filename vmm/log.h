/* log.h: the VMM's log on the serial port, with levels. */
#ifndef VMM_LOG_H
#define VMM_LOG_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
extern enum log_level log_level;

/* True: the log goes to an emulator's debug port, and the serial port carries only what guests and
 * the monitor say.  Boot option `log-to=debugcon`. */
extern bool log_apart;

/* One line: a time stamp, the core, the level and the text; nothing when `level` is above
 * log_level.  Lines of different cores do not mix. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Text that is part of the log, as it is: without the lock, for a panic. */
void log_put(const char *s, size_t n);

/* The same, whole, not mixed with another core's. */
void log_text(const char *s, size_t n);

/* Raw text to the serial port, whole, not mixed with another core's. */
void log_raw(const char *s, size_t n);

/* Between the two, only this core's text comes: an answer in many pieces stays whole. */
void log_hold(void);
void log_release(void);
#endif
