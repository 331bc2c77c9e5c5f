/* SPDX-License-Identifier: BSD-2-Clause */
/* vsnprintf for the freestanding images: the conversions listed in lib/include/stdio.h. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sink {
	char *buf;
	size_t size, len;
};

struct spec {
	bool left, zero;
	int width, precision; /* precision -1: not given */
	int longs;            /* 1: l, z; 2: ll; negative: h, hh */
};

static void put_char(struct sink *s, char c)
{
	if (s->len + 1 < s->size)
		s->buf[s->len] = c;
	s->len++;
}

static void put_field(struct sink *s, const struct spec *sp, const char *text, size_t n)
{
	size_t pad = sp->width > 0 && (size_t)sp->width > n ? (size_t)sp->width - n : 0;
	bool sign_first = sp->zero && n && text[0] == '-';

	if (sign_first) {
		put_char(s, *text++);
		n--;
	}
	for (; !sp->left && pad; pad--)
		put_char(s, sp->zero ? '0' : ' ');
	for (; n; n--)
		put_char(s, *text++);
	for (; pad; pad--)
		put_char(s, ' ');
}

static void put_number(struct sink *s, struct spec *sp, uint64_t v, unsigned base, bool upper,
                       bool negative)
{
	char tmp[24];
	size_t i = sizeof tmp;
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int min = sp->precision < 0 ? 1 : sp->precision;

	for (; v || min > 0; v /= base, min--)
		tmp[--i] = digits[v % base];
	if (negative)
		tmp[--i] = '-';
	if (sp->left || sp->precision >= 0)
		sp->zero = false;
	put_field(s, sp, tmp + i, sizeof tmp - i);
}

static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){.precision = -1};
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->zero = true;
		else
			break;
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		f++;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->width = sp->width * 10 + *f - '0';
	if (*f == '.') {
		sp->precision = 0;
		if (*++f == '*') {
			sp->precision = va_arg(*ap, int);
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			sp->precision = sp->precision * 10 + *f - '0';
	}
	for (;; f++) {
		if (*f == 'l')
			sp->longs++;
		else if (*f == 'z' || *f == 'j' || *f == 't')
			sp->longs = 1;
		else if (*f == 'h')
			sp->longs--;
		else
			return f;
	}
}

static void put_string(struct sink *s, struct spec *sp, const char *text)
{
	if (!text)
		text = "(null)";
	sp->zero = false;
	put_field(s, sp, text, strnlen(text, sp->precision < 0 ? SIZE_MAX : (size_t)sp->precision));
}

static void put_conversion(struct sink *s, char conv, struct spec *sp, va_list *ap)
{
	char c;
	int64_t d;

	switch (conv) {
	case 'd':
	case 'i':
		d = sp->longs > 0 ? va_arg(*ap, long) : va_arg(*ap, int);
		put_number(s, sp, d < 0 ? -(uint64_t)d : (uint64_t)d, 10, false, d < 0);
		break;
	case 'u':
	case 'x':
	case 'X':
		put_number(s, sp,
		           sp->longs > 0 ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned),
		           conv == 'u' ? 10 : 16, conv == 'X', false);
		break;
	case 'p':
		put_char(s, '0');
		put_char(s, 'x');
		put_number(s, sp, (uintptr_t)va_arg(*ap, void *), 16, false, false);
		break;
	case 's':
		put_string(s, sp, va_arg(*ap, const char *));
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_field(s, sp, &c, 1);
		break;
	default:
		put_char(s, conv);
		break;
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap_in)
{
	struct sink s = {.buf = buf, .size = size};
	va_list ap;

	va_copy(ap, ap_in);
	for (; *fmt; fmt++) {
		struct spec sp;

		if (*fmt != '%') {
			put_char(&s, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp, &ap);
		if (!*fmt)
			break;
		put_conversion(&s, *fmt, &sp, &ap);
	}
	va_end(ap);
	if (size)
		s.buf[s.len < size ? s.len : size - 1] = 0;
	return (int)s.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
