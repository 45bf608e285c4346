/* SPDX-License-Identifier: MIT */
/*
 * A model of KVM's ITS (Linux 6.1 to 6.18, arch/arm64/kvm/vgic/vgic-its.c), for the
 * fake KVM: it runs the queue when GITS_CWRITER is written, keeps devices,
 * collections, mappings and LPIs, and refuses without a word what KVM refuses so.
 *
 * The kernel ITS promises to send nothing that is refused, and none of what it
 * knows to do harm; the first promise that it breaks is told in `broken`.
 */
#ifndef TESTS_UNIT_ITS_KVM_ITS_MODEL_H
#define TESTS_UNIT_ITS_KVM_ITS_MODEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/kvm/fake_kvm.h"
#include "vitsmod/vits.h"

#define MODEL_ITES 16384u

struct model_ite {
	uint32_t devid, eventid, intid, icid;
};

/* KVM's struct vgic_irq: there while an ITE maps it or it is pending. */
struct model_lpi {
	uint16_t nr_ites;
	bool exists, pending, enabled;
	uint8_t priority;
	uint32_t vcpu;
};

struct model_device {
	bool exists;
	uint8_t id_bits;
	uint64_t itt;
};

struct kvm_its_model {
	struct fake_kvm *fake;
	pthread_mutex_t lock;
	bool enabled;
	uint64_t cbaser, baser[2];
	uint32_t creadr, cwriter;
	bool mapped[FAKE_KVM_VCPUS]; /* collections, by ICID */
	uint32_t target[FAKE_KVM_VCPUS];
	struct model_device *devices; /* [65536] */
	struct model_lpi *lpis;	      /* [VITS_MAX_LPIS] */
	struct model_ite *ites;	      /* [MODEL_ITES], the first nr_ites are there */
	uint32_t nr_ites, nr_commands, nr_batches;
	uint32_t most_commands; /* in one batch */
	char broken[96];	/* "": all promises were kept */
};

/* Plugs itself into the fake. */
void kvm_its_model_init(struct kvm_its_model *m, struct fake_kvm *fake);
void kvm_its_model_fini(struct kvm_its_model *m);

/* NULL: not mapped. */
const struct model_ite *kvm_its_model_find(const struct kvm_its_model *m, uint32_t devid,
					   uint32_t eventid);
const struct model_lpi *kvm_its_model_lpi(const struct kvm_its_model *m, uint32_t intid);

/* The guest turns a vCPU's LPIs on, or off, which forgets what is pending there. */
void kvm_its_model_enable_lpis(struct kvm_its_model *m, uint32_t vcpu, bool on);
/* The guest takes its next interrupt: the INTID, or 0. */
uint32_t kvm_its_model_take(struct kvm_its_model *m, uint32_t vcpu);

#endif
