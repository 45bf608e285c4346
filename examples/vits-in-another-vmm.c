// SPDX-License-Identifier: MIT
/*
 * A host of libvits that is as small as one can be: guest memory is an array, one PCI function has
 * four MSI-X vectors, and two vCPUs have a bit for each LPI. It plays the guest's driver, too, so
 * that there is something to see. docs/porting-the-vits.md explains it.
 *
 *     cc -o vits-in-another-vmm vits-in-another-vmm.c $(pkg-config --cflags --libs libvits)
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <vits/gits.h>
#include <vits/vits.h>

#define RAM_BASE 0x40000000u
#define RAM_SZ	 0x40000u
#define NR_VCPUS 2u
#define NR_LPIS	 16u

/* Where the guest's driver puts what the ITS wants to have memory for. */
#define QUEUE	    (RAM_BASE + 0x10000u)
#define DEVICES	    (RAM_BASE + 0x20000u)
#define COLLECTIONS (RAM_BASE + 0x21000u)
#define ITT	    (RAM_BASE + 0x30000u)

struct machine {
	struct vits *its;
	uint8_t ram[RAM_SZ];
	bool pending[NR_VCPUS][NR_LPIS]; /* what redistributors have in their pending tables */
	atomic_bool more;		 /* the ITS has commands left */
	uint32_t cwriter;		 /* the driver's: where its next command goes */
};

/* ---- what the library asks of its host: struct vits_ops ---- */

static bool is_ram(uint64_t gpa, size_t len)
{
	return gpa >= RAM_BASE && gpa - RAM_BASE < RAM_SZ && len <= RAM_SZ - (gpa - RAM_BASE);
}

static int mem_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	struct machine *m = ctx;

	if (!is_ram(gpa, len))
		return -EFAULT;
	memcpy(buf, m->ram + (gpa - RAM_BASE), len);
	return 0;
}

static int mem_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	struct machine *m = ctx;

	if (!is_ram(gpa, len))
		return -EFAULT;
	memcpy(m->ram + (gpa - RAM_BASE), buf, len);
	return 0;
}

/* The backend. A MAP asks nothing of this one, for vits_translate() says where each LPI goes. */
static void update(void *ctx, const struct vits_lpi_update *u)
{
	struct machine *m = ctx;
	uint32_t n = u->intid - VITS_LPI_BASE; /* not of an INVALL or a MOVALL */

	if (u->op == VITS_MOVALL) {
		for (n = 0; n < NR_LPIS; n++) {
			m->pending[u->vcpu][n] |= m->pending[u->vcpu_from][n];
			m->pending[u->vcpu_from][n] = false;
		}
	} else if (u->op == VITS_LPI_RAISE) {
		m->pending[u->vcpu][n] = true;
	} else if (u->op == VITS_LPI_CLEAR || u->op == VITS_LPI_UNMAP) {
		m->pending[u->vcpu][n] = false;
	} else if (u->op == VITS_LPI_MOVE) {
		bool was_pending = false;

		for (uint32_t vcpu = 0; vcpu < NR_VCPUS; vcpu++) {
			was_pending |= m->pending[vcpu][n];
			m->pending[vcpu][n] = false;
		}
		m->pending[u->vcpu][n] = was_pending;
	}
	/* INV and INVALL: a backend with LPI configuration tables reads those bytes again. */
}

static void commit(void *ctx)
{
	(void)ctx; /* update() has done it all */
}

static void more(void *ctx)
{
	struct machine *m = ctx;

	atomic_store(&m->more, true); /* wake a thread up, in a VMM that has more than one */
}

static void trace(void *ctx, const uint64_t cmd[4], enum vits_result result, uint32_t code)
{
	static const char *const words[] = { "done", "skipped", "stalled" };
	const char *name = vits_command_name(cmd_opcode(cmd));
	const char *error = vits_error_name(code);

	(void)ctx;
	printf("  %-7s %s%s%s\n", name ? name : "?", words[result], error ? ", " : "",
	       error ? error : "");
}

static const struct vits_ops ops = {
	.mem_read = mem_read,
	.mem_write = mem_write,
	.update = update,
	.commit = commit,
	.more = more,
	.trace = trace,
};

/* ---- the device's side: function 0 writes this EventID to GITS_TRANSLATER ---- */

static void signal_msi(struct machine *m, uint32_t eventid)
{
	static const char *const lost[] = {
		[VITS_MSI_DISABLED] = "the ITS is off",
		[VITS_MSI_BEYOND_SHADOW] = "the function has no such vector",
		[VITS_MSI_UNMAPPED] = "the guest has not mapped it",
	};
	struct vits_lpi lpi;
	enum vits_msi outcome = vits_translate(m->its, 0, eventid, &lpi);

	if (outcome != VITS_MSI_DELIVER) {
		printf("EventID %" PRIu32 ": dropped, %s\n", eventid, lost[outcome]);
		return;
	}
	m->pending[lpi.vcpu][lpi.intid - VITS_LPI_BASE] = true;
	printf("EventID %" PRIu32 ": LPI %" PRIu32 " is pending at vCPU %" PRIu32 "\n", eventid,
	       lpi.intid, lpi.vcpu);
}

/* ---- the guest's side: what a driver does; a VMM has these accesses from its vCPUs ---- */

static void set_up(struct machine *m)
{
	static const uint64_t tables[8] = {
		[GITS_TABLE_DEVICES] = DEVICES,
		[GITS_TABLE_COLLECTIONS] = COLLECTIONS,
	};

	for (unsigned n = 0; n < GITS_NR_BASERS; n++) {
		uint64_t type =
			FIELD_GET(GITS_BASER_TYPE, vits_mmio_read(m->its, GITS_BASER(n), 8));

		if (tables[type]) /* one page of 4K */
			vits_mmio_write(m->its, GITS_BASER(n), 8, GITS_BASER_VALID | tables[type]);
	}
	vits_mmio_write(m->its, GITS_CBASER, 8, GITS_CBASER_VALID | QUEUE); /* one page, too */
	vits_mmio_write(m->its, GITS_CTLR, 4, GITS_CTLR_ENABLED);
}

static void command(struct machine *m, const struct gits_cmd *cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(cmd, words);
	for (unsigned i = 0; i < GITS_CMD_NR_WORDS; i++)
		words[i] = htole64(words[i]);
	memcpy(m->ram + (QUEUE - RAM_BASE) + m->cwriter, words, sizeof(words));
	m->cwriter = (m->cwriter + GITS_CMD_SZ) % GITS_CBASER_PAGE_SZ;
	vits_mmio_write(m->its, GITS_CWRITER, 8, m->cwriter);
	while (atomic_exchange(&m->more, false))
		vits_run(m->its);
}

int main(void)
{
	static const struct vits_function nic = { .devid = 0x10, .nr_events = 4 }; /* 00:02.0 */
	static const struct vits_config config = {
		.nr_vcpus = NR_VCPUS,
		.devid_bits = 8,
		.eventid_bits = 5,
		.nr_lpis = NR_LPIS,
		.functions = &nic,
		.nr_functions = 1,
	};
	static struct machine m;

	if (vits_create(&config, &ops, &m, &m.its) < 0)
		return 1;
	signal_msi(&m, 0);
	set_up(&m);
	command(&m, &(struct gits_cmd){ GITS_CMD_MAPC, .icid = 7, .rdbase = 1, .valid = true });
	command(&m, &(struct gits_cmd){ GITS_CMD_MAPD, .devid = 0x10, .size = 1, .itt = ITT,
					.valid = true });
	command(&m, &(struct gits_cmd){ GITS_CMD_MAPTI, .devid = 0x10, .eventid = 2, .pintid = 8195,
					.icid = 7 });
	command(&m, &(struct gits_cmd){ GITS_CMD_SYNC, .rdbase = 1 });
	signal_msi(&m, 2);
	signal_msi(&m, 3);
	signal_msi(&m, 4);
	/* A mistake of the guest's: vCPU 5 is not there. It is counted, and changes nothing. */
	command(&m, &(struct gits_cmd){ GITS_CMD_MAPC, .icid = 8, .rdbase = 5, .valid = true });
	command(&m, &(struct gits_cmd){ GITS_CMD_DISCARD, .devid = 0x10, .eventid = 2 });
	signal_msi(&m, 2);
	vits_destroy(m.its);
	return 0;
}
