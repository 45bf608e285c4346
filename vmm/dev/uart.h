/* SPDX-License-Identifier: MIT */
/*
 * An ns16550a: the guest's console. Registers as in the PC16550D data sheet,
 * one byte each, at consecutive addresses. With other registers in front of it it is
 * another UART (pl011.h).
 */
#ifndef VMM_DEV_UART_H
#define VMM_DEV_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

struct uart;

/* What others than the guest access: offsets of registers, and bits in them. */
#define UART_DATA	  0u /* what arrived; what is to be sent */
#define UART_IER	  1u
#define UART_IER_RECEIVED 0x01u
#define UART_IER_SENT	  0x02u
#define UART_FCR	  2u
#define UART_FCR_ENABLE	  0x01u
#define UART_LSR	  5u
#define UART_LSR_RECEIVED 0x01u
#define UART_LSR_SENT	  0x20u

struct uart_ops {
	/* CLOCK_MONOTONIC. */
	uint64_t (*now_ns)(void *ctx);
	void (*transmit)(void *ctx, uint8_t byte);
	/* The level of the interrupt line; called only when it changes. */
	void (*interrupt)(void *ctx, bool level);
	/*
	 * uart_receive() may take more than the last time: there is room again, the
	 * guest began to listen, or the vCPU that was inside has left.
	 */
	void (*receive_ready)(void *ctx);
	/* uart_service() is to be called: there is something to wait for. */
	void (*timed)(void *ctx);
};

/*
 * In the state after power-on. ops and ctx are borrowed. Callbacks must not call the UART:
 * they run with its lock held. 0, -ENOMEM, or what the mutex failed with.
 */
int uart_create(const struct uart_ops *ops, void *ctx, struct uart **ret_uart) _must_check_;
void uart_destroy(struct uart *uart);

/* Guest accesses; offset below 0x1000, size 1..8; any thread. */
uint64_t uart_read(struct uart *uart, uint64_t offset, unsigned size);
void uart_write(struct uart *uart, uint64_t offset, unsigned size, uint64_t value);

/*
 * Bytes that arrive. Returns how many were taken: those that fit into the
 * receiver's FIFO, or none while the line rests or a vCPU is inside the UART;
 * receive_ready or uart_service() tells when to try again. Never waits. Any thread.
 */
size_t uart_receive(struct uart *uart, const uint8_t *bytes, size_t nr);

/*
 * What comes by time alone: the transmitter's interrupt, and the end of a rest of the
 * line. Returns after how many nanoseconds it wants to be called, or uart_receive() may
 * take more; UINT64_MAX: a callback will tell. Never waits. One thread.
 */
uint64_t uart_service(struct uart *uart);

/*
 * Does the guest look at its receiver: by polling LSR, or by interrupt? Before,
 * what arrives is lost when a driver clears the FIFOs. Any thread.
 */
enum uart_listening { UART_IS_DEAF, UART_IS_POLLED, UART_INTERRUPTS };
enum uart_listening uart_listens(struct uart *uart);

/*
 * What would interrupt if the guest had enabled it: UART_IER_RECEIVED, a byte is there;
 * UART_IER_SENT, the transmitter emptied and the guest was not told yet; or that the guest was
 * told of this. Any thread.
 */
unsigned uart_waiting(struct uart *uart);
void uart_sent_is_known(struct uart *uart);

#endif
