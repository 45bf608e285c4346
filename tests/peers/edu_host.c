// SPDX-License-Identifier: MIT
/*
 * edu_host - the round trip of an edu device without any guest: the floor that no
 * VMM can be below.
 *
 * usage: edu_host BDF [rounds=N] [gap_us=N]
 *
 * There is no kernel driver for edu: this is a driver of the host's own, in a
 * process, by VFIO. It binds the function to vfio-pci, does what
 * tests/guest/roundtrip.c does (write the raise register, wait for the interrupt,
 * acknowledge), by a read() of the interrupt's eventfd that blocks, says the same
 * facts in the same units, and gives the function back: also when a signal ends it.
 *
 * No locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/lib/samples.h"
#include "vfio/bind.h"
#include "vfio/device.h"

#define EDU_ID	   0x11e81234u
#define EDU_RAISE  0x60u
#define EDU_ACK	   0x64u
#define ROUNDS	   1000u
#define MAX_ROUNDS 100000u
#define GAP_US	   200u
#define MAX_GAP_US 1000000u
#define WARM_UP	   10u /* as tests/guest/roundtrip.c */
#define PATIENCE_S 20u /* for an interrupt */
#define NS_PER_S   UINT64_C(1000000000)
#define US_PER_S   UINT64_C(1000000)

struct driver {
	struct vfio_container *container;
	struct vfio_device *dev;
	volatile uint8_t *bar;
	int eventfd; /* borrowed; blocking */
	uint64_t rounds, gap_us;
	uint64_t *samples;
};

/* The signal that told us to end; SIGALRM: an interrupt did not come in time. */
static volatile sig_atomic_t ended_by;

static void end(int signal)
{
	ended_by = signal;
}

static void catch_signals(void)
{
	/* Without SA_RESTART: they end a read(). */
	const struct sigaction action = { .sa_handler = end };
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGALRM };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &action, NULL);
}

static uint64_t counter(void)
{
	uint64_t now;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now) : : "memory");
	return now;
}

static uint64_t frequency(void)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

static void write_register(const struct driver *d, unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(d->bar + offset) = value;
}

static int complain(const struct vfio_failure *failure, int r)
{
	(void)fprintf(stderr, "edu_host: error: %s: %s (fault %d)\n", failure->object, strerror(-r),
		      (int)failure->code);
	return r;
}

static int refuse(const char *what, int r)
{
	(void)fprintf(stderr, "edu_host: error: %s\n", what);
	return r;
}

static int open_edu(struct driver *d, const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	struct vfio_failure failure = { 0 };
	struct vfio_bar bar;
	int r;

	r = vfio_container_create(VFIO_IOMMU_TYPE1, &d->container, &failure);
	if (r == 0)
		r = vfio_device_create(d->container, fs, bdf, &d->dev, &failure);
	if (r < 0)
		return complain(&failure, r);
	if (vfio_cfgspace_read(d->dev, PCI_VENDOR_ID, 4) != EDU_ID)
		return refuse("it is no edu device", -ENODEV);
	vfio_cfgspace_write(d->dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	vfio_device_bar(d->dev, 0, &bar);
	if (!bar.present || !bar.nr_pieces || !bar.pieces[0].map || bar.pieces[0].size <= EDU_ACK)
		return refuse("its BAR 0 cannot be mapped", -ENODEV);
	d->bar = bar.pieces[0].map;
	d->eventfd = vfio_vector_eventfd(d->dev, 0);
	/* Ours to read, and nobody else's: a reader that sleeps in it. */
	if (fcntl(d->eventfd, F_SETFL, 0) < 0)
		return refuse("its eventfd cannot be made to block", -errno);
	write_register(d, EDU_ACK, ~0u);
	return 0;
}

/* 0, or -EINTR. */
static int round_trip(const struct driver *d, uint64_t *ret_ticks)
{
	const struct timespec gap = { .tv_sec = (time_t)(d->gap_us / US_PER_S),
				      .tv_nsec = (long)(d->gap_us % US_PER_S * 1000) };
	uint64_t count, raised_at, taken_at;
	ssize_t n;

	(void)alarm(PATIENCE_S);
	(void)nanosleep(&gap, NULL);
	raised_at = counter();
	write_register(d, EDU_RAISE, 1);
	n = read(d->eventfd, &count, sizeof(count));
	taken_at = counter();
	write_register(d, EDU_ACK, ~0u);
	if (n != sizeof(count) || ended_by)
		return -EINTR;
	*ret_ticks = taken_at - raised_at;
	return 0;
}

static int measure(const struct driver *d)
{
	uint64_t warm_up;
	int r = 0;

	for (unsigned i = 0; i < WARM_UP && r == 0; i++)
		r = round_trip(d, &warm_up);
	for (uint64_t i = 0; i < d->rounds && r == 0; i++)
		r = round_trip(d, &d->samples[i]);
	(void)alarm(0);
	if (r < 0 && ended_by == SIGALRM)
		return refuse("interrupts do not come", -ETIMEDOUT);
	return r;
}

static void report(struct driver *d)
{
	uint64_t hz = frequency();

	samples_sort(d->samples, d->rounds);
	(void)printf("frequency %" PRIu64 "\nedu_count %" PRIu64 "\n", hz, d->rounds);
	for (size_t i = 0; i < sizeof(samples_facts) / sizeof(samples_facts[0]); i++) {
		uint64_t ticks;

		if (!samples_has(d->rounds, samples_facts[i].percent))
			continue;
		ticks = samples_at(d->samples, d->rounds, samples_facts[i].percent);
		(void)printf("edu_%s %" PRIu64 "\n", samples_facts[i].name,
			     ticks / hz * NS_PER_S + ticks % hz * NS_PER_S / hz);
	}
}

static bool parse_number(const char *word, const char *key, uint64_t max, uint64_t *ret_value)
{
	size_t len = strlen(key);
	char *rest;

	if (strncmp(word, key, len) != 0 || word[len] < '0' || word[len] > '9')
		return false;
	*ret_value = strtoull(word + len, &rest, 10);
	return !*rest && *ret_value <= max;
}

static bool parse(int argc, char **argv, struct pci_bdf *ret_bdf, struct driver *d)
{
	if (argc < 2 || pci_bdf_parse(argv[1], ret_bdf) < 0)
		return false;
	for (int i = 2; i < argc; i++)
		if (!parse_number(argv[i], "rounds=", MAX_ROUNDS, &d->rounds) &&
		    !parse_number(argv[i], "gap_us=", MAX_GAP_US, &d->gap_us))
			return false;
	return d->rounds > 0;
}

static int drive(struct driver *d, const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	int r = -ENOMEM;

	d->samples = calloc(d->rounds, sizeof(*d->samples));
	if (d->samples)
		r = open_edu(d, fs, bdf);
	if (r == 0)
		r = measure(d);
	if (r == 0)
		report(d);
	vfio_device_destroy(d->dev);
	vfio_container_destroy(d->container);
	free(d->samples);
	return r;
}

int main(int argc, char **argv)
{
	struct driver d = { .rounds = ROUNDS, .gap_us = GAP_US };
	const struct pci_host_fs fs = { "" };
	struct vfio_failure failure = { 0 };
	struct pci_bdf bdf;
	int bound, r;

	if (!parse(argc, argv, &bdf, &d)) {
		(void)fprintf(stderr, "usage: edu_host BDF [rounds=N] [gap_us=N]\n");
		return 2;
	}
	catch_signals();
	bound = vfio_bind(&fs, &bdf, 0, &failure);
	if (bound < 0) {
		(void)complain(&failure, bound);
		return 1;
	}
	r = drive(&d, &fs, &bdf);
	/* What was bound before stays so. */
	if (bound && vfio_release(&fs, &bdf, &failure) < 0)
		r = complain(&failure, -failure.error);
	if (ended_by && ended_by != SIGALRM)
		return 128 + ended_by;
	return r < 0 ? 1 : 0;
}
