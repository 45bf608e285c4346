// SPDX-License-Identifier: MIT
/*
 * The commands of a GICv3 ITS. IHI 0069 5.3; the error numbers are those of
 * its command descriptions: 0x01, a number for the command, a number for the
 * error.
 *
 * The table at the end is the summary: each command, the checks it undergoes
 * in their order, and what it does. A check that fails ends the command before
 * it has changed anything.
 *
 * Choice: where several errors apply, the first of the table is reported; the
 * architecture fixes no order. Out of range comes before
 * unmapped, and a device before a collection before an event.
 *
 * Not here: commands of GICv4 (VMAPP, VMAPTI, ...). GITS_TYPER says that there
 * are none, and their opcodes count as unknown.
 */
#include "cmd.h"

#include <assert.h>
#include <stddef.h>

#include "lookup.h"
#include "tables.h"
#include "vits_priv.h"

/* How a check or an action ended. The architecture's numbers, and one of ours. */
enum cmd_error {
	OK = 0,
	DEVICE_OOR = 0x01,
	MOVALL_PROCNUM_OOR = 0x01,
	ITTSIZE_OOR = 0x02,
	PROCNUM_OOR = 0x02,
	COLLECTION_OOR = 0x03,
	UNMAPPED_DEVICE = 0x04,
	ID_OOR = 0x05,
	PHYSICALID_OOR = 0x06,
	UNMAPPED_INTERRUPT = 0x07,
	UNMAPPED_COLLECTION = 0x09,

	NO_NUMBER = 0x100, /* ignored, and the architecture has no number for it */
};

/* A command on its way: the checks fill in what the action works on. */
struct run {
	struct vits *v;
	const struct gits_cmd *cmd;
	struct its_device device;
	struct its_event event;
	uint32_t intid;			  /* MAPTI, MAPI */
	struct its_collection collection; /* that cmd->icid names */
	struct its_collection current;	  /* that event.icid names */
};

/*
 * Checks
 */

static enum cmd_error check_device_in_range(struct run *run)
{
	lookup_device(run->v, run->cmd->devid, &run->device);
	return run->device.has_slot || run->device.mapped ? OK : DEVICE_OOR;
}

static enum cmd_error check_collection_in_range(struct run *run)
{
	lookup_collection(run->v, run->cmd->icid, &run->collection);
	return run->collection.has_slot || run->collection.mapped ? OK : COLLECTION_OOR;
}

static enum cmd_error check_device_mapped(struct run *run)
{
	return run->device.mapped ? OK : UNMAPPED_DEVICE;
}

/* DISCARD has no number for an unmapped device: none of its events is mapped. */
static enum cmd_error check_device_has_events(struct run *run)
{
	return run->device.mapped ? OK : UNMAPPED_INTERRUPT;
}

/*
 * Choice: an EventID whose ITE is not in RAM is out of range. The architecture
 * lets software place the ITT where it likes and says nothing of one that is
 * not there; MAPD does not look at it.
 */
static enum cmd_error check_eventid_in_range(struct run *run)
{
	if (run->cmd->eventid >= BIT64(run->device.eventid_bits))
		return ID_OOR;
	lookup_event(run->v, &run->device, run->cmd->eventid, &run->event);
	return run->event.has_slot || run->event.mapped ? OK : ID_OOR;
}

static enum cmd_error check_event_mapped(struct run *run)
{
	return run->event.mapped ? OK : UNMAPPED_INTERRUPT;
}

static enum cmd_error check_pintid_in_range(struct run *run)
{
	run->intid = run->cmd->pintid;
	return vits_lpi_in_range(run->v, run->intid) ? OK : PHYSICALID_OOR;
}

/* MAPI has no number for its INTID, which is its EventID. */
static enum cmd_error check_eventid_is_lpi(struct run *run)
{
	run->intid = run->cmd->eventid;
	return vits_lpi_in_range(run->v, run->intid) ? OK : ID_OOR;
}

static enum cmd_error check_collection_mapped(struct run *run)
{
	return run->collection.mapped ? OK : UNMAPPED_COLLECTION;
}

/* After check_collection_mapped(): an entry is not read twice if it is the same one. */
static enum cmd_error check_current_collection_mapped(struct run *run)
{
	if (run->event.icid == run->cmd->icid)
		run->current = run->collection;
	else
		lookup_collection(run->v, run->event.icid, &run->current);
	return run->current.mapped ? OK : UNMAPPED_COLLECTION;
}

/* INT has no number for an unmapped collection: nobody can take the interrupt. */
static enum cmd_error check_event_has_target(struct run *run)
{
	lookup_collection(run->v, run->event.icid, &run->current);
	return run->current.mapped ? OK : UNMAPPED_INTERRUPT;
}

/*
 * Actions
 */

/* Write an entry of a table. What the shadow speaks for need not be writable. */
static bool write_entry(struct run *run, bool has_slot, uint64_t slot, uint64_t raw)
{
	return has_slot && table_write(run->v, slot, raw);
}

/*
 * Choice: MAPD does not look at the ITT. Software has to hand over a zeroed
 * one (IHI 0069 5.3); events of a named function start unmapped whatever it
 * holds, and those of other devices are what it says.
 */
static enum cmd_error do_mapd(struct run *run)
{
	const struct gits_cmd *cmd = run->cmd;
	struct its_device *device = &run->device;
	struct dte dte = { cmd->valid, cmd->size + 1, cmd->itt };

	if (cmd->valid && dte.eventid_bits > run->v->config.eventid_bits)
		return ITTSIZE_OOR;
	if (!write_entry(run, device->has_slot, device->slot, dte_pack(run->v, cmd->devid, &dte))) {
		/* An unmap of what the shadow knows cannot fail. */
		if (cmd->valid || !device->function || !device->mapped)
			return DEVICE_OOR;
	}
	if (device->function)
		shadow_remap_device(run->v, device->function, dte.itt,
				    cmd->valid ? dte.eventid_bits : 0);
	return OK;
}

/* RDbase counts only if V is 1. */
static enum cmd_error do_mapc(struct run *run)
{
	const struct gits_cmd *cmd = run->cmd;
	struct its_collection *collection = &run->collection;
	struct cte cte = { cmd->valid, (uint32_t)cmd->rdbase };

	if (cmd->valid && cmd->rdbase >= run->v->config.nr_vcpus)
		return PROCNUM_OOR;
	if (!write_entry(run, collection->has_slot, collection->slot, cte_pack(cmd->icid, &cte))) {
		if (cmd->valid || !collection->assigned)
			return COLLECTION_OOR;
	}
	if (cmd->valid)
		shadow_map_collection(run->v, cmd->icid, cte.vcpu);
	else
		shadow_unmap_collection(run->v, cmd->icid);
	return OK;
}

/* MAPTI and MAPI. refused is the error of an INTID that another event has. */
static enum cmd_error map_event(struct run *run, enum cmd_error refused)
{
	const struct gits_cmd *cmd = run->cmd;
	struct its_event *event = &run->event;
	struct ite ite = { true, run->intid, cmd->icid };
	struct shadow_collection to = {
		.mapped = run->collection.mapped,
		.vcpu = (uint16_t)run->collection.vcpu,
	};
	struct shadow_event other;

	/*
	 * Choice: an LPI that an assigned event has is refused to any other event.
	 * The architecture calls two events on one LPI UNPREDICTABLE; two
	 * functions could not be told apart below.
	 */
	if (shadow_owner(run->v, run->intid, &other) &&
	    !(event->assigned && other.function == event->shadow.function &&
	      other.eventid == cmd->eventid))
		return refused;
	/*
	 * Choice: MAPTI on a mapped event keeps the old mapping. The
	 * architecture calls it UNPREDICTABLE; software has to DISCARD first.
	 */
	if (event->mapped)
		return NO_NUMBER;
	/* Choice: so is one that an assigned event of another ITS of the machine has. */
	if (!shadow_claim(run->v, run->intid))
		return refused;
	if (!write_entry(run, event->has_slot, event->slot,
			 ite_pack(cmd->eventid, run->device.eventid_bits, &ite))) {
		shadow_release(run->v, run->intid);
		return ID_OOR;
	}
	if (!event->assigned) {
		shadow_release(run->v, run->intid);
		return OK;
	}
	event->shadow.intid = run->intid;
	event->shadow.icid = cmd->icid;
	shadow_map_event(run->v, &event->shadow, &to);
	return OK;
}

static enum cmd_error do_mapti(struct run *run)
{
	return map_event(run, PHYSICALID_OOR);
}

static enum cmd_error do_mapi(struct run *run)
{
	return map_event(run, ID_OOR);
}

/*
 * Have the backend do something to the LPI of an event that no function can
 * signal. The guest's table says which LPI that is; should an assigned event have
 * the same one, the LPI update is that event's.
 */
static void emit_for_table_event(struct run *run, enum vits_lpi_op op, uint32_t vcpu)
{
	struct shadow_event owner;

	if (shadow_owner(run->v, run->event.intid, &owner)) {
		/* A stray ITE of the guest's neither moves nor unmaps an assigned event. */
		if (op != VITS_LPI_MOVE && op != VITS_LPI_UNMAP && owner.targeted)
			shadow_emit(run->v, op, &owner);
		return;
	}
	vits_emit(run->v, &(struct vits_lpi_update){
				  .op = op,
				  .devid = run->cmd->devid,
				  .eventid = run->cmd->eventid,
				  .intid = run->event.intid,
				  .vcpu = vcpu,
			  });
}

/* INT, CLEAR and INV, on an event whose collection has a target. */
static void emit_for_event(struct run *run, enum vits_lpi_op op)
{
	if (!run->event.assigned) {
		emit_for_table_event(run, op, run->current.vcpu);
		return;
	}
	assert(run->event.shadow.targeted);
	shadow_emit(run->v, op, &run->event.shadow);
}

static enum cmd_error do_movi(struct run *run)
{
	const struct gits_cmd *cmd = run->cmd;
	struct its_event *event = &run->event;
	struct ite ite = { true, event->intid, cmd->icid };
	struct shadow_collection to = {
		.mapped = true,
		.vcpu = (uint16_t)run->collection.vcpu,
	};
	bool written = write_entry(run, event->has_slot, event->slot,
				   ite_pack(cmd->eventid, run->device.eventid_bits, &ite));

	if (event->assigned)
		shadow_move_event(run->v, &event->shadow, cmd->icid, &to);
	else if (!written)
		return ID_OOR;
	else /* only the backend knows where it has the LPI now */
		emit_for_table_event(run, VITS_LPI_MOVE, run->collection.vcpu);
	return OK;
}

static enum cmd_error do_discard(struct run *run)
{
	struct its_event *event = &run->event;
	bool written = write_entry(run, event->has_slot, event->slot, 0);

	if (event->assigned) {
		shadow_unmap_event(run->v, &event->shadow);
		return OK;
	}
	if (!written)
		return ID_OOR;
	/*
	 * Choice: DISCARD without a target (the event's collection is not
	 * mapped) removes the ITE and no more, if the event is no function's:
	 * the collection would have to say where the LPI is pending.
	 */
	lookup_collection(run->v, event->icid, &run->current);
	if (run->current.mapped)
		emit_for_table_event(run, VITS_LPI_UNMAP, run->current.vcpu);
	return OK;
}

static enum cmd_error do_int(struct run *run)
{
	emit_for_event(run, VITS_LPI_RAISE);
	return OK;
}

/*
 * Choice: CLEAR and INV without a target (the event's collection is not
 * mapped) are no errors. There is nothing to re-read; what stayed pending of a
 * assigned event is cleared where it was last.
 */
static enum cmd_error do_clear(struct run *run)
{
	lookup_collection(run->v, run->event.icid, &run->current);
	if (run->current.mapped)
		emit_for_event(run, VITS_LPI_CLEAR);
	else if (run->event.assigned && run->event.shadow.detached)
		shadow_clear_detached(run->v, &run->event.shadow);
	return OK;
}

static enum cmd_error do_inv(struct run *run)
{
	lookup_collection(run->v, run->event.icid, &run->current);
	if (run->current.mapped)
		emit_for_event(run, VITS_LPI_INV);
	return OK;
}

static enum cmd_error do_invall(struct run *run)
{
	vits_emit(run->v, &(struct vits_lpi_update){
				  .op = VITS_INVALL,
				  .vcpu = run->collection.vcpu,
			  });
	return OK;
}

/*
 * Neither ITEs nor collections change: software sends MAPC or MOVI as well.
 *
 * Choice: MOVALL takes assigned events along until MAPC or MOVI says where they
 * belong. Their next MSIs should go where the collection says, but a backend
 * that has one target for each LPI, as KVM's, cannot do one without the other.
 */
static enum cmd_error do_movall(struct run *run)
{
	const struct gits_cmd *cmd = run->cmd;
	uint32_t nr_vcpus = run->v->config.nr_vcpus;

	if (cmd->rdbase >= nr_vcpus || cmd->rdbase2 >= nr_vcpus)
		return MOVALL_PROCNUM_OOR;
	if (cmd->rdbase == cmd->rdbase2)
		return OK;
	vits_emit(run->v, &(struct vits_lpi_update){
				  .op = VITS_MOVALL,
				  .vcpu_from = (uint32_t)cmd->rdbase,
				  .vcpu = (uint32_t)cmd->rdbase2,
			  });
	shadow_move_all(run->v, (uint32_t)cmd->rdbase, (uint32_t)cmd->rdbase2);
	return OK;
}

/*
 * GITS_CREADR moves past a command when the backend has taken all LPI updates so far
 * (cmdq.c), so that there is nothing left to wait for, whatever RDbase says.
 */
static enum cmd_error do_sync(struct run *run)
{
	(void)run;
	return OK;
}

#define MAX_CHECKS 7u

struct command {
	const char *name;
	uint8_t number; /* in error codes; not the opcode for CLEAR */
	enum cmd_error (*checks[MAX_CHECKS])(struct run *run);
	enum cmd_error (*act)(struct run *run);
};

/* clang-format off */
static const struct command commands[256] = {
	[GITS_CMD_MAPD] = { "MAPD", 0x08, {
		check_device_in_range,
	}, do_mapd },
	[GITS_CMD_MAPC] = { "MAPC", 0x09, {
		check_collection_in_range,
	}, do_mapc },
	[GITS_CMD_MAPTI] = { "MAPTI", 0x0a, {
		check_device_in_range,
		check_collection_in_range,
		check_device_mapped,
		check_eventid_in_range,
		check_pintid_in_range,
	}, do_mapti },
	[GITS_CMD_MAPI] = { "MAPI", 0x0b, {
		check_device_in_range,
		check_collection_in_range,
		check_device_mapped,
		check_eventid_in_range,
		check_eventid_is_lpi,
	}, do_mapi },
	[GITS_CMD_MOVI] = { "MOVI", 0x01, {
		check_device_in_range,
		check_collection_in_range,
		check_device_mapped,
		check_eventid_in_range,
		check_event_mapped,
		check_collection_mapped,
		check_current_collection_mapped,
	}, do_movi },
	[GITS_CMD_DISCARD] = { "DISCARD", 0x0f, {
		check_device_in_range,
		check_device_has_events,
		check_eventid_in_range,
		check_event_mapped,
	}, do_discard },
	[GITS_CMD_INT] = { "INT", 0x03, {
		check_device_in_range,
		check_device_mapped,
		check_eventid_in_range,
		check_event_mapped,
		check_event_has_target,
	}, do_int },
	[GITS_CMD_CLEAR] = { "CLEAR", 0x05, {
		check_device_in_range,
		check_device_mapped,
		check_eventid_in_range,
		check_event_mapped,
	}, do_clear },
	[GITS_CMD_INV] = { "INV", 0x0c, {
		check_device_in_range,
		check_device_mapped,
		check_eventid_in_range,
		check_event_mapped,
	}, do_inv },
	[GITS_CMD_INVALL] = { "INVALL", 0x0d, {
		check_collection_in_range,
		check_collection_mapped,
	}, do_invall },
	[GITS_CMD_MOVALL] = { "MOVALL", 0x0e, { NULL }, do_movall },
	[GITS_CMD_SYNC] = { "SYNC", 0x05, { NULL }, do_sync },
};
/* clang-format on */

const char *vits_command_name(uint8_t opcode)
{
	return commands[opcode].name;
}

static enum cmd_error check_and_act(struct run *run, const struct command *command)
{
	for (size_t i = 0; i < MAX_CHECKS && command->checks[i]; i++) {
		enum cmd_error error = command->checks[i](run);

		if (error)
			return error;
	}
	return command->act(run);
}

enum vits_result vits_cmd_run(struct vits *v, const struct gits_cmd *cmd, uint32_t *ret_code)
{
	const struct command *command = &commands[cmd->opcode];
	struct run run = { .v = v, .cmd = cmd };
	enum cmd_error error;

	/* Choice: an opcode that is no command of GICv3 is ignored, and never stalls. */
	error = command->act ? check_and_act(&run, command) : NO_NUMBER;
	if (error == OK)
		return VITS_DONE;
	if (error == NO_NUMBER) {
		*ret_code = 0;
		return VITS_SKIP;
	}
	*ret_code = 0x010000u | (uint32_t)command->number << 8 | (uint32_t)error;
	return v->config.on_error == VITS_ON_ERROR_STALL ? VITS_STALL : VITS_SKIP;
}

/* clang-format off */
static const struct {
	uint32_t code;
	const char *name;
} errors[] = {
	{ 0x010101, "MOVI_DEVICE_OOR" },
	{ 0x010103, "MOVI_COLLECTION_OOR" },
	{ 0x010104, "MOVI_UNMAPPED_DEVICE" },
	{ 0x010105, "MOVI_ID_OOR" },
	{ 0x010107, "MOVI_UNMAPPED_INTERRUPT" },
	{ 0x010109, "MOVI_UNMAPPED_COLLECTION" },
	{ 0x010301, "INT_DEVICE_OOR" },
	{ 0x010304, "INT_UNMAPPED_DEVICE" },
	{ 0x010305, "INT_ID_OOR" },
	{ 0x010307, "INT_UNMAPPED_INTERRUPT" },
	{ 0x010501, "CLEAR_DEVICE_OOR" },
	{ 0x010504, "CLEAR_UNMAPPED_DEVICE" },
	{ 0x010505, "CLEAR_ID_OOR" },
	{ 0x010507, "CLEAR_UNMAPPED_INTERRUPT" },
	{ 0x010801, "MAPD_DEVICE_OOR" },
	{ 0x010802, "MAPD_ITTSIZE_OOR" },
	{ 0x010902, "MAPC_PROCNUM_OOR" },
	{ 0x010903, "MAPC_COLLECTION_OOR" },
	{ 0x010a01, "MAPTI_DEVICE_OOR" },
	{ 0x010a03, "MAPTI_COLLECTION_OOR" },
	{ 0x010a04, "MAPTI_UNMAPPED_DEVICE" },
	{ 0x010a05, "MAPTI_ID_OOR" },
	{ 0x010a06, "MAPTI_PHYSICALID_OOR" },
	{ 0x010b01, "MAPI_DEVICE_OOR" },
	{ 0x010b03, "MAPI_COLLECTION_OOR" },
	{ 0x010b04, "MAPI_UNMAPPED_DEVICE" },
	{ 0x010b05, "MAPI_ID_OOR" },
	{ 0x010c01, "INV_DEVICE_OOR" },
	{ 0x010c04, "INV_UNMAPPED_DEVICE" },
	{ 0x010c05, "INV_ID_OOR" },
	{ 0x010c07, "INV_UNMAPPED_INTERRUPT" },
	{ 0x010d03, "INVALL_COLLECTION_OOR" },
	{ 0x010d09, "INVALL_UNMAPPED_COLLECTION" },
	{ 0x010e01, "MOVALL_PROCNUM_OOR" },
	{ 0x010f01, "DISCARD_DEVICE_OOR" },
	{ 0x010f05, "DISCARD_ID_OOR" },
	{ 0x010f07, "DISCARD_UNMAPPED_INTERRUPT" },
};
/* clang-format on */

const char *vits_error_name(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].code == code)
			return errors[i].name;
	}
	return NULL;
}
