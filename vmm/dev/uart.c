// SPDX-License-Identifier: MIT
/*
 * An ns16550a.
 *
 * Document: PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs
 * (National Semiconductor, June 1995), section 8, "DS" below.
 *
 * A byte is gone when the write of THR returns, also one that a real UART would have had
 * no room for. The receiver has its 16 bytes of FIFO.
 *
 * Choice: bytes arrive at 1.5 Mbaud, the highest speed that the part has ("DC to 1.5M baud",
 * DS 1.0), whatever divisor is programmed: a FIFO in 107 us. With no speed at all a FIFO is
 * full again before the guest's handler has looked for the next byte, and the guest's CPU does
 * not come out of its interrupt (60 KB held one for 47 s).
 *
 * Choice: after a FIFO the line rests, for the time of a FIFO or for as long as the guest
 * took for it, if that is longer. So a guest on a slow host (an exit takes 60 us where the
 * host is emulated) comes out of its handler too, and has half of its CPU for other things.
 * A line that has been silent brings its first bytes at once.
 *
 * Choice: the transmitter takes 1 KiB at once and rests then, for 107 us, or longer where
 * the guest is slow: as one of the fastest UARTs that there are (25 Mbaud, FIFOs of 256 bytes).
 * A guest that floods comes out of its handler too, and one that powers off at once after its
 * last words has sent them: what waits in buffers of its own then is lost, at 1.5 Mbaud 2 KB.
 *
 * Lock: one mutex, held over each access and over the callbacks, but for the
 * receive_ready that tells who found the mutex taken to come again.
 *
 * Deliberately not here: line errors (parity, framing, break), since there is no
 * line; the effect of the divisor (see above); modem inputs that move: a cable is
 * always plugged in.
 */
#include "vmm/dev/uart.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#define UART_REGS 8u
#define FIFO_SZ	  16u

/* A byte has 10 bits on the line, with start and stop. */
#define BYTE_NS	     UINT64_C(6667)
#define FIFO_NS	     (FIFO_SZ * BYTE_NS)
#define REST_MAX_NS  UINT64_C(20000000) /* however long a vCPU was away meanwhile */
#define SENT_AT_ONCE 1024u
#define SILENCE_NS   UINT64_C(5000000) /* of the guest, after which it may send so much anew */

/* Register offsets. */
#define R_DATA	  UART_DATA /* RBR, THR; DLL with DLAB */
#define R_IER	  UART_IER  /* DLM with DLAB */
#define R_IIR_FCR UART_FCR
#define R_LCR	  3u
#define R_MCR	  4u
#define R_LSR	  UART_LSR
#define R_MSR	  6u
#define R_SCR	  7u

#define IER_RDA	  UART_IER_RECEIVED
#define IER_THRE  UART_IER_SENT
#define IER_RLS	  0x04u
#define IER_MODEM 0x08u
#define IER_BITS  0x0fu

#define IIR_NONE    0x01u
#define IIR_MODEM   0x00u
#define IIR_THRE    0x02u
#define IIR_RDA	    0x04u
#define IIR_RLS	    0x06u
#define IIR_TIMEOUT 0x0cu
#define IIR_FIFO    0xc0u

#define FCR_ENABLE	  UART_FCR_ENABLE
#define FCR_CLEAR_RX	  0x02u
#define FCR_TRIGGER_SHIFT 6u
#define FCR_BITS	  0xc9u /* what stays: trigger, DMA mode, enable */

#define LCR_DLAB 0x80u

#define MCR_DTR	 0x01u
#define MCR_RTS	 0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u
#define MCR_LOOP 0x10u
#define MCR_BITS 0x1fu

#define LSR_DR	 UART_LSR_RECEIVED
#define LSR_OE	 0x02u
#define LSR_THRE UART_LSR_SENT
#define LSR_TEMT 0x40u

#define MSR_CTS		0x10u
#define MSR_DSR		0x20u
#define MSR_RI		0x40u
#define MSR_DCD		0x80u
#define MSR_DELTA_SHIFT 4u
#define MSR_DELTAS	0x0fu
#define MSR_TERI	0x04u

/* So many reads of LSR with nothing in between are somebody waiting for a byte. */
#define POLLING_READS 16u

#define NEVER UINT64_MAX

struct uart {
	/* Set by uart_create(), constant afterwards. */
	const struct uart_ops *ops; /* borrowed, as is ctx */
	void *ctx;

	/* Guarded by lock. */
	pthread_mutex_t lock;
	uint8_t ier, fcr, lcr, mcr, msr, scr, dll, dlm;
	bool thre_pending; /* the transmitter emptied and the guest was not told yet */
	bool overrun;
	bool level;   /* of the interrupt line, as it was last told */
	bool refused; /* a byte from outside did not fit: receive_ready is to be called */
	uint8_t fifo[FIFO_SZ];
	unsigned head, count;
	unsigned lsr_reads; /* in a row */
	bool polls;	    /* the guest has waited for a byte that way */

	uint64_t now_ns;	 /* of the access */
	unsigned nr_sent;	 /* since the transmitter had nothing to do for a while */
	uint64_t sending_ns;	 /* since the first of them */
	uint64_t last_ns;	 /* since the last */
	uint64_t sent_ns;	 /* when it shows that all is sent */
	uint64_t thre_ns;	 /* when it tells that it is empty; NEVER: it has */
	unsigned burst;		 /* bytes that may still arrive before the FIFO is empty */
	bool emptying;		 /* the guest has read one of them, */
	uint64_t emptying_ns;	 /* then */
	uint64_t rested_ns;	 /* from when on bytes arrive again */
	bool rest_is_waited_for; /* somebody has bytes */
	uint64_t told_ns;	 /* when uart_service() will be called; NEVER: nobody knows */

	/* Any thread: uart_receive() found the lock taken, and receive_ready is to be called. */
	atomic_bool turned_away;
};

static unsigned fifo_depth(const struct uart *u)
{
	return u->fcr & FCR_ENABLE ? FIFO_SZ : 1;
}

/* Received bytes that make a data interrupt rather than a timeout. DS 8.5. */
static unsigned fifo_trigger(const struct uart *u)
{
	static const uint8_t triggers[] = { 1, 4, 8, 14 };

	return u->fcr & FCR_ENABLE ? triggers[u->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

static bool fifo_push(struct uart *u, uint8_t byte)
{
	if (u->count >= fifo_depth(u))
		return false;
	u->fifo[(u->head + u->count) % FIFO_SZ] = byte;
	u->count++;
	return true;
}

/* The source that IIR tells of, by priority. DS table V. */
static uint8_t interrupt_source(const struct uart *u)
{
	if ((u->ier & IER_RLS) && u->overrun)
		return IIR_RLS;
	if ((u->ier & IER_RDA) && u->count >= fifo_trigger(u))
		return IIR_RDA;
	/*
	 * Choice: the timeout of four characters has always passed. Bytes below
	 * the trigger level interrupt at once; a guest cannot tell the difference
	 * from a line that is slow.
	 */
	if ((u->ier & IER_RDA) && u->count)
		return IIR_TIMEOUT;
	if ((u->ier & IER_THRE) && u->thre_pending)
		return IIR_THRE;
	if ((u->ier & IER_MODEM) && (u->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

static void update_line(struct uart *u)
{
	bool level = interrupt_source(u) != IIR_NONE;

	if (level == u->level)
		return;
	u->level = level;
	u->ops->interrupt(u->ctx, level);
}

/* In loopback nothing reaches the receiver from outside. DS 8.7. */
static bool receiver_has_room(const struct uart *u)
{
	return !(u->mcr & MCR_LOOP) && u->count < fifo_depth(u);
}

/* How long the line rests where a slow guest is to have so much. */
static uint64_t rest_ns(uint64_t took)
{
	return took < FIFO_NS ? FIFO_NS : took > REST_MAX_NS ? REST_MAX_NS : took;
}

static void receiver_is_empty(struct uart *u)
{
	u->head = 0;
	u->count = 0;
	u->burst = 0;
	u->emptying = false;
}

/* How many bytes may arrive. */
static unsigned receiver_takes(struct uart *u)
{
	unsigned room = receiver_has_room(u) ? fifo_depth(u) - u->count : 0;

	if (!u->count && u->now_ns >= u->rested_ns)
		u->burst = FIFO_SZ;
	return room < u->burst ? room : u->burst;
}

static void tell_room(struct uart *u)
{
	if (!u->refused || !receiver_has_room(u) || (u->count && !u->burst))
		return;
	u->refused = false;
	u->ops->receive_ready(u->ctx);
}

static uint8_t read_rbr(struct uart *u)
{
	uint8_t byte;

	if (!u->count)
		return 0;
	if (!u->emptying)
		u->emptying_ns = u->now_ns;
	u->emptying = true;
	byte = u->fifo[u->head];
	u->head = (u->head + 1) % FIFO_SZ;
	u->count--;
	if (!u->count) {
		u->rested_ns = u->now_ns + rest_ns(u->now_ns - u->emptying_ns);
		receiver_is_empty(u);
	}
	return byte;
}

static uint8_t read_iir(struct uart *u)
{
	uint8_t source = interrupt_source(u);

	/* DS table V: reading IIR resets THRE, if that is what it tells of. */
	if (source == IIR_THRE)
		u->thre_pending = false;
	return (uint8_t)(source | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0));
}

static bool is_sent(const struct uart *u)
{
	return u->now_ns >= u->sent_ns;
}

static uint8_t read_lsr(struct uart *u)
{
	uint8_t v = is_sent(u) ? LSR_THRE | LSR_TEMT : 0;

	/* Who waits for the transmitter does not wait for a byte. */
	if (is_sent(u) && ++u->lsr_reads == POLLING_READS && !u->polls) {
		u->polls = true;
		u->ops->receive_ready(u->ctx);
	}
	if (u->count)
		v |= LSR_DR;
	if (u->overrun)
		v |= LSR_OE;
	u->overrun = false;
	return v;
}

static uint8_t read_msr(struct uart *u)
{
	uint8_t v = u->msr;

	u->msr = (uint8_t)(v & ~MSR_DELTAS);
	return v;
}

/* Loading THR resets the interrupt, and unless the line rests it is empty again at once. */
static void begin_sending(struct uart *u)
{
	u->thre_pending = false;
	if (!is_sent(u))
		return;
	if (u->now_ns - u->last_ns >= SILENCE_NS)
		u->nr_sent = 0;
	if (!u->nr_sent)
		u->sending_ns = u->now_ns;
	u->last_ns = u->now_ns;
	u->thre_pending = true;
	if (++u->nr_sent < SENT_AT_ONCE)
		return;
	/* Long enough for some accesses, of which there were more than one for each byte. */
	u->sent_ns = u->now_ns + rest_ns((u->now_ns - u->sending_ns) / (SENT_AT_ONCE / 4));
	u->thre_ns = u->sent_ns;
	u->thre_pending = false;
	u->nr_sent = 0;
}

static void write_thr(struct uart *u, uint8_t v)
{
	if (u->mcr & MCR_LOOP) {
		if (!fifo_push(u, v)) {
			u->overrun = true;
			/* DS 8.4: without FIFOs the byte in RBR is destroyed. */
			if (fifo_depth(u) == 1)
				u->fifo[u->head] = v;
		}
	} else {
		u->ops->transmit(u->ctx, v);
	}
	begin_sending(u);
}

static void write_ier(struct uart *u, uint8_t v)
{
	/* Enabling it while THR is empty interrupts: drivers start sending with that. */
	if ((v & IER_THRE) && !(u->ier & IER_THRE) && is_sent(u)) {
		u->thre_pending = true;
		u->thre_ns = NEVER;
	}
	if ((v & IER_RDA) && !(u->ier & IER_RDA))
		u->ops->receive_ready(u->ctx);
	u->ier = v & IER_BITS;
}

/*
 * DS 8.5: switching the FIFOs on or off empties them. Choice: a byte that is there
 * when they are switched on stays, for it lies in RBR and not in a FIFO. Linux
 * enables the interrupt first and the FIFOs then: the first key would be lost.
 */
static void write_fcr(struct uart *u, uint8_t v)
{
	bool off = (u->fcr & FCR_ENABLE) && !(v & FCR_ENABLE);

	if (off || ((v & FCR_ENABLE) && (v & FCR_CLEAR_RX)))
		receiver_is_empty(u);
	/* DS 8.5: the other bits are programmed only together with the enable bit. */
	u->fcr = v & FCR_ENABLE ? v & FCR_BITS : 0;
}

/* The modem inputs: a plugged cable, or in loopback our own outputs. DS 8.7. */
static uint8_t modem_inputs(const struct uart *u)
{
	uint8_t v = 0;

	if (!(u->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (u->mcr & MCR_RTS)
		v |= MSR_CTS;
	if (u->mcr & MCR_DTR)
		v |= MSR_DSR;
	if (u->mcr & MCR_OUT1)
		v |= MSR_RI;
	if (u->mcr & MCR_OUT2)
		v |= MSR_DCD;
	return v;
}

static void write_mcr(struct uart *u, uint8_t v)
{
	uint8_t was = (uint8_t)(u->msr & ~MSR_DELTAS), now, changed;

	u->mcr = v & MCR_BITS;
	now = modem_inputs(u);
	changed = (uint8_t)((was ^ now) >> MSR_DELTA_SHIFT);
	/* RI tells of its trailing edge only. DS 8.8. */
	if (now & MSR_RI)
		changed &= (uint8_t)~MSR_TERI;
	u->msr = (uint8_t)(now | (u->msr & MSR_DELTAS) | changed);
}

static uint8_t read_data(struct uart *u)
{
	return u->lcr & LCR_DLAB ? u->dll : read_rbr(u);
}

static uint8_t read_ier(struct uart *u)
{
	return u->lcr & LCR_DLAB ? u->dlm : u->ier;
}

static uint8_t read_lcr(struct uart *u)
{
	return u->lcr;
}

static uint8_t read_mcr(struct uart *u)
{
	return u->mcr;
}

static uint8_t read_scr(struct uart *u)
{
	return u->scr;
}

static void write_data(struct uart *u, uint8_t v)
{
	if (u->lcr & LCR_DLAB)
		u->dll = v;
	else
		write_thr(u, v);
}

static void write_ier_dlm(struct uart *u, uint8_t v)
{
	if (u->lcr & LCR_DLAB)
		u->dlm = v;
	else
		write_ier(u, v);
}

static void write_lcr(struct uart *u, uint8_t v)
{
	u->lcr = v;
}

static void write_scr(struct uart *u, uint8_t v)
{
	u->scr = v;
}

static const struct uart_reg {
	uint8_t (*read)(struct uart *u);
	void (*write)(struct uart *u, uint8_t v); /* NULL: write-ignored */
} uart_regs[UART_REGS] = {
	[R_DATA] = { read_data, write_data },  [R_IER] = { read_ier, write_ier_dlm },
	[R_IIR_FCR] = { read_iir, write_fcr }, [R_LCR] = { read_lcr, write_lcr },
	[R_MCR] = { read_mcr, write_mcr },     [R_LSR] = { read_lsr, NULL },
	[R_MSR] = { read_msr, NULL },	       [R_SCR] = { read_scr, write_scr },
};

/* With the lock: what time alone has brought. */
static void look_at_the_clock(struct uart *u)
{
	u->now_ns = u->ops->now_ns(u->ctx);
	if (u->now_ns < u->thre_ns)
		return;
	u->thre_ns = NEVER;
	u->thre_pending = true;
}

/* When uart_service() has something to do. */
static uint64_t due_ns(const struct uart *u)
{
	uint64_t due = u->ier & IER_THRE ? u->thre_ns : NEVER;

	return u->rest_is_waited_for && u->rested_ns < due ? u->rested_ns : due;
}

static void tell_time(struct uart *u)
{
	uint64_t due = due_ns(u);

	if (due >= u->told_ns)
		return;
	u->told_ns = due;
	u->ops->timed(u->ctx);
}

static void lock(struct uart *u)
{
	int r = pthread_mutex_lock(&u->lock);

	assert(r == 0);
	look_at_the_clock(u);
}

static void unlock(struct uart *u)
{
	int r;

	update_line(u);
	tell_room(u);
	tell_time(u);
	r = pthread_mutex_unlock(&u->lock);
	assert(r == 0);
	/* Ordered against try_lock(): it sees the lock free, or we see turned_away. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_exchange(&u->turned_away, false))
		u->ops->receive_ready(u->ctx);
}

/*
 * A vCPU that holds the lock may be waiting for the reader of its output, and the
 * thread that brings keys must not wait for that vCPU. Where the lock is taken, the
 * thread gets receive_ready as soon as the vCPU has let go.
 */
static bool try_lock(struct uart *u)
{
	if (pthread_mutex_trylock(&u->lock) != 0) {
		atomic_store(&u->turned_away, true);
		atomic_thread_fence(memory_order_seq_cst);
		if (pthread_mutex_trylock(&u->lock) != 0)
			return false;
	}
	look_at_the_clock(u);
	return true;
}

int uart_create(const struct uart_ops *ops, void *ctx, struct uart **ret_uart)
{
	_cleanup_free_ struct uart *u = NULL;
	int r;

	assert(ops);
	assert(ret_uart);

	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->ops = ops;
	u->ctx = ctx;
	r = pthread_mutex_init(&u->lock, NULL);
	if (r)
		return -r;
	u->msr = modem_inputs(u);
	u->thre_ns = NEVER;
	u->told_ns = NEVER;
	*ret_uart = TAKE_PTR(u);
	return 0;
}

void uart_destroy(struct uart *uart)
{
	if (!uart)
		return;
	(void)pthread_mutex_destroy(&uart->lock);
	free(uart);
}

/*
 * Choice: wider accesses than a byte reach the addressed register alone; the
 * upper bytes read as zero and are not written. Accesses beyond the eight
 * registers read as zero and write nothing.
 */
uint64_t uart_read(struct uart *uart, uint64_t offset, unsigned size)
{
	uint8_t v;

	(void)size;
	if (offset >= UART_REGS)
		return 0;
	lock(uart);
	if (offset != R_LSR)
		uart->lsr_reads = 0;
	v = uart_regs[offset].read(uart);
	unlock(uart);
	return v;
}

void uart_write(struct uart *uart, uint64_t offset, unsigned size, uint64_t value)
{
	(void)size;
	if (offset >= UART_REGS || !uart_regs[offset].write)
		return;
	lock(uart);
	uart->lsr_reads = 0;
	uart_regs[offset].write(uart, (uint8_t)value);
	unlock(uart);
}

size_t uart_receive(struct uart *uart, const uint8_t *bytes, size_t nr)
{
	size_t taken;

	if (!try_lock(uart))
		return 0;
	taken = receiver_takes(uart);
	if (taken > nr)
		taken = nr;
	for (size_t i = 0; i < taken; i++)
		(void)fifo_push(uart, bytes[i]);
	uart->burst -= (unsigned)taken;
	/* Of a rest the clock tells, of room the guest. */
	uart->rest_is_waited_for = taken < nr && !uart->count && receiver_has_room(uart);
	uart->refused = !uart->rest_is_waited_for && (taken < nr || !receiver_takes(uart));
	unlock(uart);
	return taken;
}

uint64_t uart_service(struct uart *uart)
{
	uint64_t ns = UINT64_MAX;

	if (!try_lock(uart))
		return ns;
	uart->told_ns = due_ns(uart);
	if (uart->told_ns != NEVER)
		ns = uart->told_ns > uart->now_ns ? uart->told_ns - uart->now_ns : 0;
	/* Told once: whoever has bytes tries, or the guest does not listen any more. */
	if (uart->now_ns >= uart->rested_ns)
		uart->rest_is_waited_for = false;
	unlock(uart);
	return ns;
}

enum uart_listening uart_listens(struct uart *uart)
{
	enum uart_listening listens = UART_IS_DEAF;

	if (!try_lock(uart))
		return listens;
	if (uart->ier & IER_RDA)
		listens = UART_INTERRUPTS;
	else if (uart->polls)
		listens = UART_IS_POLLED;
	unlock(uart);
	return listens;
}

unsigned uart_waiting(struct uart *uart)
{
	unsigned waiting;

	lock(uart);
	waiting = (uart->count ? IER_RDA : 0) | (uart->thre_pending ? IER_THRE : 0);
	unlock(uart);
	return waiting;
}

void uart_sent_is_known(struct uart *uart)
{
	lock(uart);
	uart->thre_pending = false;
	unlock(uart);
}
