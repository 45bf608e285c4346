// SPDX-License-Identifier: MIT
/*
 * The guest's console.
 *
 * A terminal that is stopped (Ctrl-s), or a pipe that nobody reads, holds the vCPU
 * that writes, as a slow serial line would; but console_stop() ends that at once.
 *
 * Output goes out in lines, by the vCPU that ends one; the end of it that is none (a prompt), a
 * moment later by console_service(). So a flood of the guest's is written by the guest's own
 * threads, and whoever reads it is woken for lines and not for bytes.
 *
 * Choice: where there is firmware, the guest has a PL011 and a 16550A at one line. U-Boot of
 * Debian's has a driver for the first alone, and a disk that was installed elsewhere names either
 * in its kernel's command line. What both say comes out, and keys go to the one that is looked at.
 *
 * Lock: one mutex, over what is not out yet. A vCPU has it while it waits for the reader;
 * console_service() does not wait for it.
 */
#include "vmm/dev/console.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/clock.h"
#include "vmm/dev/pl011.h"
#include "vmm/dev/uart.h"
#include "vmm/kvm/layout.h"

#define LINE_MAX_SZ 256u /* a longer one goes out in pieces */
#define PROMPT_NS   UINT64_C(2000000)

/* Where keys go first. */
enum { LINE_PL011, LINE_UART, NR_LINES };

struct console_line {
	struct console *console;
	struct uart *uart; /* NULL: there is none */
	unsigned intid;
};

struct console {
	struct console_config cfg;
	struct console_line lines[NR_LINES];
	struct pl011 *pl011;	  /* the registers of that line */
	int stop;		  /* eventfd: readable from console_stop() on */
	struct console_port *own; /* owned: where cfg.port was not given */

	/* Guarded by lock. */
	pthread_mutex_t lock;
	uint8_t line[LINE_MAX_SZ];
	size_t nr, logged; /* how many, and how many of them the log has */
	uint64_t since_ns; /* since when the first of them waits */
	bool told;	   /* console_service() knows that there are some */
};

/* ---- what goes out -------------------------------------------------------------------- */

static void lock(struct console *c)
{
	int r = pthread_mutex_lock(&c->lock);

	assert(r == 0);
}

static void unlock(struct console *c)
{
	int r = pthread_mutex_unlock(&c->lock);

	assert(r == 0);
}

/* With the lock. Where it is not to be waited for, what the reader does not take stays. */
static void write_line(struct console *c, bool wait)
{
	size_t done;

	console_port_log(c->cfg.port, c->line + c->logged, c->nr - c->logged);
	done = console_port_write(c->cfg.port, c->line, c->nr, wait, c->stop);
	if (wait)
		done = c->nr; /* all is out, or nobody is to wait any more */
	c->nr -= done;
	c->logged = c->nr;
	memmove(c->line, c->line + done, c->nr);
}

/* ---- what the UART asks ---------------------------------------------------------- */

static uint64_t now_ns(void *ctx)
{
	(void)ctx;
	return clock_ns();
}

static void transmit(void *ctx, uint8_t byte)
{
	struct console *c = ((const struct console_line *)ctx)->console;
	bool tell = false;

	lock(c);
	if (!c->nr)
		c->since_ns = clock_ns();
	c->line[c->nr++] = byte;
	if (byte == '\n' || c->nr == sizeof(c->line))
		write_line(c, true);
	else
		tell = !c->told;
	c->told = c->told || tell;
	unlock(c);
	if (tell)
		c->cfg.wake_up(c->cfg.ctx);
}

static void interrupt(void *ctx, bool level)
{
	const struct console_line *line = ctx;
	int r = vm_irq_line(line->console->cfg.vm, line->intid, level);

	assert(!r); /* the interrupt controller has this line */
}

static void wake_up(void *ctx)
{
	const struct console *c = ((const struct console_line *)ctx)->console;

	c->cfg.wake_up(c->cfg.ctx);
}

static const struct uart_ops uart_ops = {
	.now_ns = now_ns,
	.transmit = transmit,
	.interrupt = interrupt,
	.receive_ready = wake_up,
	.timed = wake_up,
};

/* ---- what the guest does --------------------------------------------------------- */

static uint64_t read_uart(void *ctx, uint64_t offset, unsigned len)
{
	return uart_read(ctx, offset, len);
}

static void write_uart(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	uart_write(ctx, offset, len, value);
}

/* Wide or narrow, an access is one to the register that lies there, of its low bits. */
static uint64_t read_pl011(void *ctx, uint64_t offset, unsigned len)
{
	(void)len;
	return pl011_read(ctx, offset);
}

static void write_pl011(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	(void)len;
	pl011_write(ctx, offset, (uint32_t)value);
}

int console_add_to_bus(struct console *c, struct bus *bus)
{
	const struct bus_region uart = {
		.name = "UART",
		.base = LAYOUT_UART,
		.size = LAYOUT_UART_SZ,
		.read = read_uart,
		.write = write_uart,
		.ctx = c->lines[LINE_UART].uart,
	};
	const struct bus_region pl011 = {
		.name = "PL011",
		.base = LAYOUT_PL011,
		.size = LAYOUT_PL011_SZ,
		.read = read_pl011,
		.write = write_pl011,
		.ctx = c->pl011,
	};
	int r = bus_add(bus, &uart);

	return r || !c->pl011 ? r : bus_add(bus, &pl011);
}

/* ---- what we do ------------------------------------------------------------------ */

static void console_destroyp(struct console **c)
{
	console_destroy(*c);
}

static int add_line(struct console *c, size_t line, unsigned intid)
{
	struct console_line *l = &c->lines[line];

	l->console = c;
	l->intid = intid;
	return uart_create(&uart_ops, l, &l->uart);
}

static int add_lines(struct console *c)
{
	int r = add_line(c, LINE_UART, LAYOUT_UART_INTID);

	if (r || !c->cfg.has_pl011)
		return r;
	r = add_line(c, LINE_PL011, LAYOUT_PL011_INTID);
	return r ? r : pl011_create(c->lines[LINE_PL011].uart, &c->pl011);
}

int console_create(const struct console_config *config, struct console **ret_console)
{
	_cleanup_(console_destroyp) struct console *c = calloc(1, sizeof(*c));
	int r;

	assert(config->wake_up);

	if (!c)
		return -ENOMEM;
	c->cfg = *config;
	c->stop = -1;
	r = pthread_mutex_init(&c->lock, NULL);
	if (r)
		return -r;
	if (!c->cfg.port)
		r = console_port_of(STDOUT_FILENO, &c->own);
	if (r < 0)
		return r;
	if (!c->cfg.port)
		c->cfg.port = c->own;
	c->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->stop < 0)
		return -errno;
	r = add_lines(c);
	if (r < 0)
		return r;
	*ret_console = TAKE_PTR(c);
	return 0;
}

void console_destroy(struct console *c)
{
	if (!c)
		return;
	if (c->nr)
		write_line(c, false);
	console_port_destroy(c->own, false);
	pl011_destroy(c->pl011);
	for (size_t i = 0; i < NR_LINES; i++)
		uart_destroy(c->lines[i].uart);
	(void)pthread_mutex_destroy(&c->lock);
	cleanup_fd(&c->stop);
	free(c);
}

size_t console_type(struct console *c, const uint8_t *bytes, size_t nr)
{
	enum uart_listening best = UART_IS_DEAF;
	struct uart *to = NULL;

	for (size_t i = 0; nr && i < NR_LINES; i++) {
		struct uart *uart = c->lines[i].uart;
		enum uart_listening listening = uart ? uart_listens(uart) : UART_IS_DEAF;

		if (listening > best)
			to = uart;
		if (listening > best)
			best = listening;
	}
	return to ? uart_receive(to, bytes, nr) : 0;
}

/* After how long the end of the output is to go out; UINT64_MAX: there is none. */
static uint64_t write_prompt(struct console *c)
{
	uint64_t waited_ns = clock_ns() - c->since_ns;

	if (c->nr && waited_ns < PROMPT_NS)
		return PROMPT_NS - waited_ns;
	if (c->nr)
		write_line(c, false);
	c->told = c->nr > 0;
	return c->nr ? PROMPT_NS : UINT64_MAX;
}

uint64_t console_service(struct console *c)
{
	uint64_t soonest_ns = UINT64_MAX, prompt_ns = PROMPT_NS;

	for (size_t i = 0; i < NR_LINES; i++) {
		struct uart *uart = c->lines[i].uart;
		uint64_t uart_ns = uart ? uart_service(uart) : UINT64_MAX;

		soonest_ns = uart_ns < soonest_ns ? uart_ns : soonest_ns;
	}
	/* Whoever has it writes, or waits for the reader: look again. */
	if (pthread_mutex_trylock(&c->lock) == 0) {
		prompt_ns = write_prompt(c);
		unlock(c);
	}
	return soonest_ns < prompt_ns ? soonest_ns : prompt_ns;
}

void console_flush(struct console *c)
{
	lock(c);
	write_line(c, true);
	unlock(c);
}

void console_stop(struct console *c)
{
	(void)eventfd_write(c->stop, 1);
}
