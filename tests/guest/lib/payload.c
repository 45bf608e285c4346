// SPDX-License-Identifier: MIT
/*
 * A payload's beginning, words and end. The console is an ns16550a (PC16550D
 * data sheet) or a PL011 that is on already (Arm DDI 0183), polled.
 */
#include "lib/payload.h"

#include <stdarg.h>

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/platform.h"

/* A console's registers, by their offsets, and bits of its status. */
static const struct console {
	uint8_t data, status;
	uint8_t room, key; /* bits: a character can be written; one can be read */
	uint8_t inverted;  /* of these, those that are 0 where that is so */
} consoles[] = {
	/* RBR and THR; LSR: THRE, DR */
	[PLATFORM_NS16550A] = { 0x00, 0x05, 0x20, 0x01, 0x00 },
	/* UARTDR; UARTFR: TXFF, RXFE */
	[PLATFORM_PL011] = { 0x00, 0x18, 0x20, 0x10, 0x30 },
};

/* The empty asm keeps the compiler from turning these loops into calls of themselves. */
void *memset(void *to, int byte, size_t len)
{
	uint64_t word = (unsigned char)byte * UINT64_C(0x0101010101010101);
	char *p = to;

	while (len && (uint64_t)p % 8) {
		*p++ = (char)byte;
		len--;
	}
	for (; len >= 8; len -= 8, p += 8) {
		*(uint64_t *)(void *)p = word;
		__asm__ volatile("" : : : "memory");
	}
	while (len--) {
		*p++ = (char)byte;
		__asm__ volatile("" : : : "memory");
	}
	return to;
}

void *memcpy(void *to, const void *from, size_t len)
{
	char *p = to;
	const char *q = from;

	for (size_t i = 0; i < len; i++) {
		p[i] = q[i];
		__asm__ volatile("" : : : "memory");
	}
	return to;
}

static uint64_t console_at(uint8_t offset)
{
	return platform()->uart + offset;
}

static bool console_says(const struct console *console, uint8_t bit)
{
	return (read8(console_at(console->status)) ^ console->inverted) & bit;
}

static void put(char c)
{
	const struct console *console = &consoles[platform()->console];

	while (!console_says(console, console->room))
		;
	write8(console_at(console->data), (uint8_t)c);
}

/* PC16550D 8: IER lies below DLAB, so it is written with DLAB off, too. */
void console_in_order(void)
{
	static const struct {
		uint8_t offset, value;
	} registers[] = {
		{ 1, 0 },    /* IER */
		{ 3, 0x03 }, /* LCR: 8 bits, DLAB off */
		{ 1, 0 },    /* IER */
		{ 2, 0x01 }, /* FCR: on; what waits there stays */
		{ 4, 0 },    /* MCR: no loopback */
	};

	if (platform()->console != PLATFORM_NS16550A)
		return;
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		write8(console_at(registers[i].offset), registers[i].value);
}

bool heard(char *ret_key)
{
	const struct console *console = &consoles[platform()->console];

	if (!console_says(console, console->key))
		return false;
	*ret_key = (char)read8(console_at(console->data));
	return true;
}

static void put_string(const char *s)
{
	while (*s)
		put(*s++);
}

static void put_number(uint64_t value, unsigned base)
{
	char digits[20];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(digits[--n]);
}

static void put_signed(int64_t value)
{
	if (value < 0)
		put('-');
	put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

/* One conversion; *format is at the character behind '%'. */
static void put_conversion(const char **format, va_list *ap)
{
	bool is_long = **format == 'l';

	while (**format == 'l')
		(*format)++;
	switch (*(*format)++) {
	case 's':
		put_string(va_arg(*ap, const char *));
		break;
	case 'c':
		put((char)va_arg(*ap, int));
		break;
	case 'd':
		put_signed(is_long ? va_arg(*ap, long) : va_arg(*ap, int));
		break;
	case 'u':
		put_number(is_long ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned), 10);
		break;
	case 'x':
		put_number(is_long ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned), 16);
		break;
	default:
		put('%');
	}
}

static void say_list(const char *format, va_list *ap)
{
	while (*format) {
		char c = *format++;

		if (c == '%')
			put_conversion(&format, ap);
		else
			put(c);
	}
}

void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_list(format, &ap);
	va_end(ap);
	put('\n');
}

void fact(const char *key, uint64_t value)
{
	say("%s %lu", key, value);
}

void pass(void)
{
	say("payload %s: PASS", payload_name);
	power_off();
}

void fail(const char *format, ...)
{
	va_list ap;

	irqs_off();
	console_in_order();
	put_string("payload ");
	put_string(payload_name);
	put_string(": FAIL ");
	va_start(ap, format);
	say_list(format, &ap);
	va_end(ap);
	put('\n');
	power_off();
}

static uint64_t entered_at;

uint64_t payload_entered_at(void)
{
	return entered_at;
}

void payload_start(uint64_t fdt, uint64_t now)
{
	entered_at = now;
	platform_learn(fdt);
	payload_main(fdt);
	pass();
}
