// SPDX-License-Identifier: MIT
/*
 * The host's own counts of a function's interrupts.
 *
 * sysfs lists the numbers of a function's interrupts in msi_irqs/. Which vector one
 * belongs to stands in /sys/kernel/irq/N/actions, as vfio-pci calls its handlers:
 * vfio-msix[3](0000:01:00.0), linux drivers/vfio/pci/vfio_pci_intrs.c. A counter's file is
 * opened when it is first read, if not all were before, and stays open: of a function with
 * thousands of vectors a guest uses a few, and the kernel keeps a page for each file that was read.
 *
 * No locks.
 */
#include "vfio/irq_count.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/fail.h"
#include "vfio/hostfs.h"

/* A counter of ten digits and a comma for each of many CPUs. */
#define COUNTS_MAX 8192u

struct host_irq {
	uint32_t number;
	bool known;
	int fd; /* per_cpu_count; -1: not read yet */
};

struct vfio_irq_counts {
	struct pci_host_fs fs;
	char bdf[PCI_BDF_STRLEN];
	unsigned nr_vectors;
	struct host_irq irqs[]; /* [nr_vectors] */
};

/* Which vector of the function an interrupt's handlers are for; -1: none of it. */
static long vector_of(const struct vfio_irq_counts *counts, const char *actions)
{
	static const char *const kinds[] = { "vfio-msix[", "vfio-msi[" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *at = strstr(actions, kinds[i]);
		unsigned long vector;
		char *end;

		if (!at)
			continue;
		errno = 0;
		vector = strtoul(at + strlen(kinds[i]), &end, 10);
		if (errno || strncmp(end, "](", 2) != 0 || vector >= counts->nr_vectors)
			continue;
		if (strncmp(end + 2, counts->bdf, strlen(counts->bdf)) == 0 &&
		    end[2 + strlen(counts->bdf)] == ')')
			return (long)vector;
	}
	return -1;
}

static long vector_of_irq(const struct vfio_irq_counts *counts, uint32_t number)
{
	struct host_path path;
	char actions[256];

	if (host_path(&path, &counts->fs, "/sys/kernel/irq/%" PRIu32 "/actions", number) < 0 ||
	    host_read_text(path.text, actions, sizeof(actions)) < 0)
		return -1;
	return vector_of(counts, actions);
}

/* An interrupt that goes meanwhile, or is somebody else's, is passed over. */
static int look_at(void *ctx, const char *irq)
{
	struct vfio_irq_counts *counts = ctx;
	unsigned long number;
	long vector;
	char *end;

	errno = 0;
	number = strtoul(irq, &end, 10);
	if (errno || *end || number > UINT32_MAX)
		return 0;
	vector = vector_of_irq(counts, (uint32_t)number);
	if (vector >= 0) {
		counts->irqs[vector].number = (uint32_t)number;
		counts->irqs[vector].known = true;
	}
	return 0;
}

static int open_counter(struct vfio_irq_counts *counts, struct host_irq *irq)
{
	struct host_path path;
	int r = host_path(&path, &counts->fs, "/sys/kernel/irq/%" PRIu32 "/per_cpu_count",
			  irq->number);

	if (r < 0)
		return r;
	irq->fd = open(path.text, O_RDONLY | O_CLOEXEC);
	return irq->fd < 0 ? -errno : 0;
}

static void closep(struct vfio_irq_counts **counts)
{
	vfio_irq_counts_close(*counts);
}

int vfio_irq_counts_none(unsigned nr_vectors, struct vfio_irq_counts **ret_counts)
{
	struct vfio_irq_counts *counts =
		calloc(1, sizeof(*counts) + nr_vectors * sizeof(counts->irqs[0]));

	if (!counts)
		return -ENOMEM;
	counts->nr_vectors = nr_vectors;
	for (unsigned v = 0; v < nr_vectors; v++)
		counts->irqs[v].fd = -1;
	*ret_counts = counts;
	return 0;
}

int vfio_irq_counts_open(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			 unsigned nr_vectors, struct vfio_irq_counts **ret_counts,
			 struct vfio_failure *ret_failure)
{
	_cleanup_(closep) struct vfio_irq_counts *counts = NULL;
	struct host_path path;
	int r = vfio_irq_counts_none(nr_vectors, &counts);

	if (r < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, r, "msi_irqs");
	counts->fs = *fs;
	(void)pci_bdf_format(bdf, counts->bdf);
	r = host_path(&path, fs, "/sys/bus/pci/devices/%s/msi_irqs", counts->bdf);
	if (r == 0)
		r = host_each_entry(path.text, look_at, counts);
	if (r < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, r, "%s/msi_irqs", counts->bdf);
	*ret_counts = TAKE_PTR(counts);
	return 0;
}

void vfio_irq_counts_close(struct vfio_irq_counts *counts)
{
	if (!counts)
		return;
	for (unsigned v = 0; v < counts->nr_vectors; v++)
		cleanup_fd(&counts->irqs[v].fd);
	free(counts);
}

void vfio_irq_counts_open_all(struct vfio_irq_counts *counts)
{
	for (unsigned v = 0; v < counts->nr_vectors; v++) {
		struct host_irq *irq = &counts->irqs[v];

		if (irq->known && irq->fd < 0 && open_counter(counts, irq) < 0)
			irq->known = false;
	}
}

int vfio_irq_counts_take(struct vfio_irq_counts *counts, unsigned vector)
{
	struct host_irq *irq = &counts->irqs[vector];
	int r;

	assert(vector < counts->nr_vectors);

	if (!irq->known)
		return -ENOENT;
	r = irq->fd < 0 ? open_counter(counts, irq) : 0;
	if (r < 0)
		return r;
	/* The number may have become another one's before its counter was opened. */
	if (vector_of_irq(counts, irq->number) != (long)vector) {
		cleanup_fd(&irq->fd);
		return -ENOENT;
	}
	irq->known = false;
	return TAKE_FD(irq->fd);
}

void vfio_irq_counts_put(struct vfio_irq_counts *counts, unsigned vector, int fd)
{
	if (vector >= counts->nr_vectors || counts->irqs[vector].known) {
		cleanup_fd(&fd);
		return;
	}
	counts->irqs[vector].known = true;
	counts->irqs[vector].fd = fd;
}

bool vfio_irq_counts_has(const struct vfio_irq_counts *counts, unsigned vector)
{
	assert(vector < counts->nr_vectors);

	return counts->irqs[vector].known;
}

/* "12,0,7": a number for each CPU. */
static int sum_of(const char *text, uint32_t *ret_sum)
{
	uint32_t sum = 0;
	char *end;

	for (;; text = end + 1) {
		sum += (uint32_t)strtoul(text, &end, 10);
		if (end == text)
			return -EINVAL;
		if (*end != ',')
			break;
	}
	*ret_sum = sum;
	return 0;
}

int vfio_irq_counts_read(struct vfio_irq_counts *counts, unsigned vector, uint32_t *ret_count)
{
	struct host_irq *irq = &counts->irqs[vector];
	char text[COUNTS_MAX];
	ssize_t nr;
	int r;

	assert(vector < counts->nr_vectors);

	if (!irq->known)
		return -ENOENT;
	r = irq->fd < 0 ? open_counter(counts, irq) : 0;
	if (r < 0)
		return r;
	nr = pread(irq->fd, text, sizeof(text) - 1, 0);
	if (nr < 0)
		return -errno;
	text[nr] = '\0';
	return sum_of(text, ret_count);
}

/* ---- GICv4 ------------------------------------------------------------------------- */

bool vfio_gicv4_is_asked_for(const char *cmdline)
{
	static const char key[] = "kvm-arm.vgic_v4_enable";
	bool asked = false;

	for (const char *p = cmdline; (p = strstr(p, key)) != NULL;) {
		p += sizeof(key) - 1;
		if (*p == '=')
			asked = p[1] == '1' || p[1] == 'y' || p[1] == 'Y' ||
				((p[1] == 'o' || p[1] == 'O') && (p[2] == 'n' || p[2] == 'N'));
	}
	return asked;
}

/* "GICv4-vpe", "GICv4.1-vpe": linux drivers/irqchip/irq-gic-v3-its.c. 1: it is one. */
static int look_for_vpe(void *ctx, const char *irq)
{
	const struct pci_host_fs *fs = ctx;
	struct host_path path;
	char name[64];

	if (host_path(&path, fs, "/sys/kernel/irq/%s/chip_name", irq) < 0 ||
	    host_read_text(path.text, name, sizeof(name)) < 0)
		return 0;
	return strncmp(name, "GICv4", 5) == 0 && strstr(name, "-vpe");
}

bool vfio_host_delivers_directly(const struct pci_host_fs *fs)
{
	struct pci_host_fs host = *fs;
	struct host_path path;
	char cmdline[4096];

	if (host_path(&path, fs, "/proc/cmdline") < 0 ||
	    host_read_text(path.text, cmdline, sizeof(cmdline)) < 0 ||
	    !vfio_gicv4_is_asked_for(cmdline) || host_path(&path, fs, "/sys/kernel/irq") < 0)
		return false;
	return host_each_entry(path.text, look_for_vpe, &host) == 1;
}
