/* SPDX-License-Identifier: MIT */
/*
 * How many interrupts of a function the host has taken, by vector.
 *
 * The kernel counts each of its interrupts by itself, whoever handles it:
 * /sys/kernel/irq/N/per_cpu_count (Documentation/ABI/testing/sysfs-kernel-irq). So
 * those that go from VFIO to KVM without a stop in between are counted as well. On a
 * host with GICv4 a message may reach the guest without being an interrupt of the
 * host's at all; then nobody counts it.
 */
#ifndef VFIO_IRQ_COUNT_H
#define VFIO_IRQ_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio/failure.h"
#include "vfio/pci.h"

struct vfio_irq_counts;

/*
 * Find the host's interrupts of a function whose vectors 0 to nr_vectors - 1 are
 * enabled; call it again after VFIO has enabled them anew, for the host then counts
 * from 0. fs is copied. 0, or negative errno where the kernel lists no interrupts of
 * the function at all.
 */
int vfio_irq_counts_open(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			 unsigned nr_vectors, struct vfio_irq_counts **ret_counts,
			 struct vfio_failure *ret_failure) _must_check_;
/* NULL is allowed. */
void vfio_irq_counts_close(struct vfio_irq_counts *counts);

/*
 * Open all counters now, for a process that can open nothing later. What cannot be opened is
 * not known from then on.
 */
void vfio_irq_counts_open_all(struct vfio_irq_counts *counts);

/*
 * Between two processes: the one that can open the counters takes one from its counts, and the
 * other one puts it into counts that were made without any.
 *
 * take: the counter's descriptor, the caller's, or negative errno; -ENOENT: the kernel shows none
 * for this vector, or shows it for somebody else by now.
 */
int vfio_irq_counts_take(struct vfio_irq_counts *counts, unsigned vector) _must_check_;
int vfio_irq_counts_none(unsigned nr_vectors, struct vfio_irq_counts **ret_counts) _must_check_;
/* Takes the descriptor, also of a vector beyond those of counts, which is passed over. */
void vfio_irq_counts_put(struct vfio_irq_counts *counts, unsigned vector, int fd);

/* Does the kernel show an interrupt for this vector? Any thread. */
bool vfio_irq_counts_has(const struct vfio_irq_counts *counts, unsigned vector);

/*
 * The interrupts of a vector since VFIO enabled it, of all CPUs together, modulo 2^32: the
 * kernel's own counters wrap there, so that differences hold. One system call but for the
 * first time, which opens the counter; nothing is allocated. One thread at a time.
 * -ENOENT: the host shows none for this vector; or what open(2) or read(2) answered.
 */
int vfio_irq_counts_read(struct vfio_irq_counts *counts, unsigned vector,
			 uint32_t *ret_count) _must_check_;

/*
 * Does KVM let a GICv4 of the host's deliver to guests by itself? Only known while a VM with
 * an ITS exists: the host has an interrupt then for each of its vCPUs. It is looked for where
 * the kernel's command line asks for it (kvm-arm.vgic_v4_enable), since KVM does not otherwise.
 */
bool vfio_host_delivers_directly(const struct pci_host_fs *fs);
/* Does that command line ask for it? As the kernel reads it: the last one counts. */
bool vfio_gicv4_is_asked_for(const char *cmdline);

#endif
