// SPDX-License-Identifier: MIT
/*
 * The guest's console.
 *
 * A terminal that is stopped (Ctrl-s), or a pipe that nobody reads, holds the vCPU
 * that writes, as a slow serial line would; but console_stop() ends that at once.
 *
 * No locks of its own: the UART has one.
 */
#include "vmm/dev/console.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/dev/uart.h"
#include "vmm/kvm/layout.h"

struct console {
	struct console_config cfg;
	struct uart *uart;
	int stop; /* eventfd: readable from console_stop() on */
};

/* ---- what the UART asks ---------------------------------------------------------- */

static void transmit(void *ctx, uint8_t byte)
{
	const struct console *c = ctx;
	struct pollfd fds[] = {
		{ .fd = c->cfg.out, .events = POLLOUT },
		{ .fd = c->stop, .events = POLLIN },
	};
	int r;

	do {
		r = poll(fds, ARRAY_SIZE(fds), -1);
	} while (r < 0 && errno == EINTR);
	if (fds[1].revents)
		return;
	/* Nobody listens any more, or the disk is full: a serial line cannot tell. */
	if (write(c->cfg.out, &byte, 1) < 0)
		return;
}

static void interrupt(void *ctx, bool level)
{
	const struct console *c = ctx;
	int r = vm_irq_line(c->cfg.vm, LAYOUT_UART_INTID, level);

	assert(!r); /* the interrupt controller has this line */
}

static void receive_ready(void *ctx)
{
	const struct console *c = ctx;

	c->cfg.wake_up(c->cfg.ctx);
}

static const struct uart_ops uart_ops = {
	.transmit = transmit,
	.interrupt = interrupt,
	.receive_ready = receive_ready,
};

/* ---- what the guest does --------------------------------------------------------- */

static uint64_t read_register(void *ctx, uint64_t offset, unsigned len)
{
	const struct console *c = ctx;

	return uart_read(c->uart, offset, len);
}

static void write_register(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	const struct console *c = ctx;

	uart_write(c->uart, offset, len, value);
}

int console_add_to_bus(struct console *c, struct bus *bus)
{
	const struct bus_region region = {
		.name = "UART",
		.base = LAYOUT_UART,
		.size = LAYOUT_UART_SZ,
		.read = read_register,
		.write = write_register,
		.ctx = c,
	};

	return bus_add(bus, &region);
}

/* ---- what we do ------------------------------------------------------------------ */

static void console_destroyp(struct console **c)
{
	console_destroy(*c);
}

int console_create(const struct console_config *config, struct console **ret_console)
{
	_cleanup_(console_destroyp) struct console *c = calloc(1, sizeof(*c));
	int r;

	assert(config->wake_up);

	if (!c)
		return -ENOMEM;
	c->cfg = *config;
	c->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->stop < 0)
		return -errno;
	r = uart_create(&uart_ops, c, &c->uart);
	if (r < 0)
		return r;
	*ret_console = TAKE_PTR(c);
	return 0;
}

void console_destroy(struct console *c)
{
	if (!c)
		return;
	uart_destroy(c->uart);
	cleanup_fd(&c->stop);
	free(c);
}

size_t console_type(struct console *c, const uint8_t *bytes, size_t nr)
{
	return !nr || !uart_listens(c->uart) ? 0 : uart_receive(c->uart, bytes, nr);
}

void console_stop(struct console *c)
{
	(void)eventfd_write(c->stop, 1);
}
