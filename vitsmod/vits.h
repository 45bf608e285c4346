/* SPDX-License-Identifier: MIT */
/*
 * vits: a model of the GICv3 Interrupt Translation Service (ITS).
 *
 * Rests on the Arm Generic Interrupt Controller Architecture Specification
 * (IHI 0069), chapter 5 (the ITS and its commands) and section 12.18 (the
 * GITS_* registers). The layout of the table entries in guest memory is the
 * one that Linux documents as ITS table ABI revision 0
 * (Documentation/virt/kvm/devices/arm-vgic-its.rst).
 *
 * The model has the guest on one side, through vits_mmio_read() and
 * vits_mmio_write(), and the world on the other, through struct vits_ops:
 * guest memory, and a backend that makes interrupts pending at vCPUs. It
 * knows of no hypervisor, no device and no operating system.
 *
 * The tables live in guest memory and are never trusted. Beside them stands a
 * private shadow for the functions that are named at vits_create(): the only
 * ones that can send an MSI. vits_translate() reads the shadow alone.
 */
#ifndef VITSMOD_VITS_H
#define VITSMOD_VITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vits;

/* The first LPI INTID. */
#define VITS_LPI_BASE 8192u

/* Caps on what a configuration may ask for. */
#define VITS_MAX_VCPUS	      512u
#define VITS_MAX_FUNCTIONS    256u
#define VITS_MAX_DEVID_BITS   32u
#define VITS_MAX_EVENTID_BITS 16u
#define VITS_MAX_LPIS	      (65536u - VITS_LPI_BASE)

/* How a guest's command ended. Never an error of ours. */
enum vits_result {
	VITS_DONE,  /* took effect */
	VITS_SKIP,  /* a mistake of the guest's: counted, no effect */
	VITS_STALL, /* the queue stopped at this command (GITS_CREADR.Stalled) */
};

/* What a command does below the model, one LPI update each. */
enum vits_lpi_op {
	VITS_LPI_MAP,	 /* (devid, eventid) delivers intid to vcpu from now on */
	VITS_LPI_UNMAP,	 /* the event delivers nothing any more; its pending state goes (DISCARD) */
	VITS_LPI_DETACH, /* as UNMAP, but the pending state stays (MAPC without a target) */
	VITS_LPI_MOVE,	 /* the event's LPI goes to vcpu, pending state included (MOVI) */
	VITS_LPI_CLEAR,	 /* the pending state goes (CLEAR) */
	VITS_LPI_INV,	 /* re-read the LPI's configuration byte (INV) */
	VITS_LPI_RAISE,	 /* make the LPI pending (INT) */
	VITS_INVALL,	 /* re-read the configuration of all LPIs of vcpu (INVALL) */
	VITS_MOVALL,	 /* all LPIs of vcpu_from go to vcpu, assigned events included (MOVALL) */
};

struct vits_lpi_update {
	enum vits_lpi_op op;
	/*
	 * True: the event is in the shadow, so a function may signal it, and the
	 * backend holds it from MAP to UNMAP or DETACH. False: the update is
	 * complete in itself, is never a MAP or a DETACH, and the backend holds
	 * no event with the same intid: the event belongs to no function, or
	 * the backend let go of it at DETACH and what stayed pending is to go
	 * (CLEAR).
	 */
	bool assigned;
	uint32_t function; /* assigned: whose event it is, as an index into config.functions */
	uint32_t devid;	   /* not assigned: the device */
	uint32_t eventid;
	uint32_t intid;
	uint32_t vcpu;	    /* index of the target, below nr_vcpus */
	uint32_t vcpu_from; /* VITS_MOVALL only */
};

struct vits_ops {
	/*
	 * Copy between guest physical memory and buf. 0, or -EFAULT where any
	 * byte of [gpa, gpa + len) is not RAM of the guest's; then nothing was
	 * written. Any thread.
	 */
	int (*mem_read)(void *ctx, uint64_t gpa, void *buf, size_t len);
	int (*mem_write)(void *ctx, uint64_t gpa, const void *buf, size_t len);

	/*
	 * Take one LPI update. They arrive in order, from one thread at a time, and
	 * need not have happened before commit() returns. An LPI update cannot fail as
	 * far as the model is concerned: it was checked before.
	 */
	void (*update)(void *ctx, const struct vits_lpi_update *update);
	/*
	 * All LPI updates so far have happened when this returns. GITS_CREADR moves
	 * after it. Also called when there was no LPI update.
	 */
	void (*commit)(void *ctx);

	/*
	 * Both or neither, for a machine with several ITSs: an LPI is one assigned
	 * event's of one of them. claim: true if the LPI is this ITS's from now
	 * on, false if another one has it. release: it is nobody's again. From
	 * one thread at a time for each ITS.
	 */
	bool (*claim)(void *ctx, uint32_t intid);
	void (*release)(void *ctx, uint32_t intid);

	/*
	 * Commands are left in the queue after a bounded batch: have
	 * vits_run() called soon by a thread that is not in vits. Any thread.
	 */
	void (*more)(void *ctx);

	/*
	 * Optional (NULL): each command as it was read, and how it ended. code
	 * is as in struct vits_failure. One thread at a time.
	 */
	void (*trace)(void *ctx, const uint64_t cmd[4], enum vits_result result, uint32_t code);
};

/* A function that can send MSIs. */
struct vits_function {
	uint32_t devid;	    /* its DeviceID (requester ID); unique, < 2^devid_bits */
	uint32_t nr_events; /* EventIDs 0..nr_events-1 are in the shadow; 1..2^eventid_bits */
};

enum vits_on_error {
	VITS_ON_ERROR_SKIP,  /* IHI 0069 5.3: ignore the command, go on */
	VITS_ON_ERROR_STALL, /* stop at it until CWRITER.Retry */
};

struct vits_config {
	uint32_t nr_vcpus;   /* 1..VITS_MAX_VCPUS; RDbase is an index below it (GITS_TYPER.PTA 0) */
	uint32_t devid_bits; /* 1..VITS_MAX_DEVID_BITS */
	uint32_t eventid_bits; /* 1..VITS_MAX_EVENTID_BITS */
	uint32_t nr_lpis;      /* INTIDs 8192..8192+nr_lpis-1; 1..VITS_MAX_LPIS */
	enum vits_on_error on_error;
	const struct vits_function *functions; /* copied */
	size_t nr_functions;		       /* 0..VITS_MAX_FUNCTIONS */
};

/*
 * Make an ITS in its reset state. ops and ctx are borrowed and must outlive it.
 * All memory that it will ever use is allocated here.
 * 0, -EINVAL (config out of range, or two functions with one DeviceID), -ENOMEM.
 */
int vits_create(const struct vits_config *config, const struct vits_ops *ops, void *ctx,
		struct vits **ret_vits) __attribute__((warn_unused_result));
/* NULL is allowed. No other thread may be inside. */
void vits_destroy(struct vits *v);

/*
 * Back to the reset state, as when the machine reboots. Assigned events are
 * unmapped below; counters stay. No vCPU may run. A thread that is in
 * vits_run() is stopped after the command that it is at, and waited for. Not bounded.
 */
void vits_reset(struct vits *v);

/*
 * A guest access of size 1, 2, 4 or 8 bytes at an offset below GITS_FRAME_SZ,
 * in the byte order of the host's integers. Any vCPU's thread, several at a
 * time. Offsets and widths without a register read as zero and ignore writes.
 * A write that makes commands runnable does a bounded amount of work on them before
 * it returns (cmdq.h), unless another thread is at it already, which then takes them
 * over.
 */
uint64_t vits_mmio_read(struct vits *v, uint64_t offset, unsigned size);
void vits_mmio_write(struct vits *v, uint64_t offset, unsigned size, uint64_t value);

/* A register that software can read, for those who show an ITS to people. */
struct vits_register {
	char name[16];	 /* "GITS_BASER1" */
	uint32_t offset; /* in the control frame */
	unsigned size;	 /* in bytes: what vits_mmio_read() takes */
};

/*
 * Number n of the registers whose values say something of an ITS, which those do
 * not that are the same for all (identification, and what is not implemented).
 * Ascending by offset; reading one changes nothing. False: there are n of them.
 */
bool vits_register_get(size_t n, struct vits_register *ret_register);

/* GITS_CTLR.Enabled: while it is clear no MSI is translated. Any thread. */
bool vits_enabled(const struct vits *v);
/*
 * How often that bit has changed since the ITS was made. Any thread; who sees a number
 * sees the bit as that change left it, or a later one.
 */
uint64_t vits_nr_switches(const struct vits *v);

/* Run commands that an earlier batch left: as many as a write may, then more() again. Any thread.
 */
void vits_run(struct vits *v);

/* Why a signalled event is delivered, or not. Each outcome is counted. */
enum vits_msi {
	VITS_MSI_DELIVER,	/* ret_lpi is set */
	VITS_MSI_DISABLED,	/* GITS_CTLR.Enabled is 0 */
	VITS_MSI_BEYOND_SHADOW, /* EventID >= the function's nr_events */
	VITS_MSI_UNMAPPED,	/* no device mapping, event mapping or collection mapping */
	VITS_MSI_OUTCOMES
};

struct vits_lpi {
	uint32_t intid;
	uint32_t vcpu;
};

/*
 * Translate an MSI of the function with this index in config.functions, IHI
 * 0069 5.2. Any thread; takes no lock, allocates nothing, reads no guest memory.
 * ret_lpi is written for VITS_MSI_DELIVER only.
 */
enum vits_msi vits_translate(struct vits *v, size_t function, uint32_t eventid,
			     struct vits_lpi *ret_lpi);

/* A command that did not end as VITS_DONE. */
struct vits_failure {
	uint64_t serial; /* counts failures from 1 */
	uint32_t code;	 /* the architecture's error number (0x01 op err), 0: none is defined */
	uint32_t creadr; /* queue offset of the command */
	uint64_t cmd[4]; /* as it was read */
	enum vits_result result;
};

#define VITS_KEPT_FAILURES 16u

struct vits_stats {
	struct {
		uint64_t done, skipped, stalled;
	} cmd[256];		 /* by opcode */
	uint64_t cmd_unreadable; /* queue entries that are not in RAM */
	uint64_t msi[VITS_MSI_OUTCOMES];
	uint64_t mmio_ignored;	 /* accesses without a register, or of a wrong width */
	uint64_t shadow_differs; /* table entries found to differ from the shadow */
	struct vits_failure last[VITS_KEPT_FAILURES]; /* newest first */
	size_t nr_last;
};

/* A consistent enough copy of the counters. Any thread. */
void vits_stats_get(struct vits *v, struct vits_stats *ret_stats);

/* What the shadow knows of a named function's event. */
struct vits_event {
	bool mapped;	 /* it has an ITE: intid and icid are set */
	bool delivering; /* its collection has a target: vcpu is set */
	uint32_t intid;
	uint32_t icid;
	uint32_t vcpu;
};

/*
 * Look at an event of the function with this index in config.functions, below
 * its nr_events. Any thread.
 */
void vits_event_get(struct vits *v, size_t function, uint32_t eventid,
		    struct vits_event *ret_event);

/* An entry of a guest's table that is not what the shadow says it should be. */
struct vits_difference {
	enum { VITS_DIFFERENT_DTE, VITS_DIFFERENT_ITE, VITS_DIFFERENT_CTE } kind;
	uint32_t devid;	  /* of a DTE or an ITE */
	uint32_t eventid; /* of an ITE */
	uint32_t icid;	  /* of a CTE */
	bool readable;	  /* the table reaches so far, and lies in RAM: gpa and table are set */
	uint64_t gpa;
	uint64_t table;
	uint64_t shadow;
};

/*
 * Compare the guest's tables with the whole shadow; report is called for each
 * difference, and must not call into v. Commands wait meanwhile. Any thread
 * but one that is in vits. 0, or -EBUSY while commands run: try again.
 */
int vits_audit(struct vits *v, void (*report)(void *arg, const struct vits_difference *difference),
	       void *arg) __attribute__((warn_unused_result));

/*
 * State, for a snapshot. What an ITS knows is in the guest's tables and in its
 * registers, laid out as ITS table ABI revision 0, and vits_save() sees to it
 * that the tables say what the shadow says. The rest, which no table has room
 * for, is in struct vits_state.
 *
 * Not here: which LPIs are pending. That is in the pending tables of the
 * redistributors, which are the backend's: it saves them after vits_save(), and
 * has them back before vits_restore(), so that VITS_LPI_MAP finds an LPI's
 * pending state at the vCPU of the LPI update. Counters and kept failures are no state.
 */

/* Where the backend has, or had, an event's LPI, if not where the tables say. */
struct vits_place {
	uint32_t function; /* index in config.functions */
	uint32_t eventid;
	/*
	 * An event whose collection has a target: its vCPU since a MOVALL. One
	 * whose collection has none: where its LPI may have stayed pending.
	 */
	uint32_t vcpu;
};

struct vits_state {
	/* The registers, as software reads them; GITS_CTLR without Quiescent. */
	uint32_t ctlr;
	uint32_t iidr; /* names the revision of the table ABI */
	uint64_t typer;
	uint64_t cbaser;
	uint64_t cwriter;
	uint64_t creadr; /* with Stalled */
	uint64_t baser[2];

	/* What the tables hold of the named functions. */
	uint32_t nr_devices;	/* functions that are mapped */
	uint32_t nr_events;	/* their assigned events that are mapped */
	uint32_t nr_delivering; /* and whose collection has a target */

	/* Ascending by function and eventid, each once; owned. Mostly there are none. */
	struct vits_place *places;
	size_t nr_places;
};

/*
 * Save the state. Writes each table entry of the guest's that differs from the
 * shadow, and nothing else; commands that wait in the queue stay there, but one
 * that is half done (MAPC, MAPD, MOVALL) comes to its end first. No vCPU and no
 * vits_run() may run until the guest's memory has been copied, or the copy is of
 * another state.
 * 0, and ret_state is for vits_state_fini(). -EBUSY while commands run.
 * -EFAULT where an entry cannot be written, or two of them are at one place:
 * vits_audit() lists them, and the ITS goes on as before. -ENOMEM.
 */
int vits_save(struct vits *v, struct vits_state *ret_state) __attribute__((warn_unused_result));
/* Free what vits_save() allocated. A state of zeroes is allowed. */
void vits_state_fini(struct vits_state *state);

/*
 * Take a saved state into an ITS in its reset state, with the same configuration
 * (on_error may differ) and with the guest's memory and pending tables as they
 * were. Neither the state nor the tables are trusted. MAP updates go to the
 * backend, in one commit(), then the ITS is enabled if it was; commands in the
 * queue wait for vits_run(), of which vits_ops.more() tells. No vCPU may run.
 * 0; -EBUSY if the ITS is not in its reset state, or a thread is in it: nothing
 * was done. -EINVAL: the state is not one of such an ITS. -EFAULT: the tables do
 * not hold what was saved. After both the ITS is in its reset state, and the
 * backend was told nothing.
 */
int vits_restore(struct vits *v, const struct vits_state *state)
	__attribute__((warn_unused_result));

/* "MAPTI" for 0x0a; NULL for an opcode that is not a GICv3 command. */
const char *vits_command_name(uint8_t opcode);
/* "MAPTI_ID_OOR" for 0x010a05; NULL where the architecture defines none. */
const char *vits_error_name(uint32_t code);

#endif
