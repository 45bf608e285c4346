// SPDX-License-Identifier: MIT
/*
 * The list of differences. KVM's ways: linux arch/arm64/kvm/vgic/vgic-its.c and
 * vgic-v3.c, as of 6.1, 6.12 and 7.3.
 */
#include "tests/oracle/rules.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Collection 0 is mapped to vCPU 0, device 8 is a function and has 16 EventIDs. */
#define CONFIG                                                                       \
	"config vcpus=4 devid-bits=16 eventid-bits=16 lpis=8192 batch=100 group=1\n" \
	"function dev=8 events=4\n"
#define REGISTERS                                 \
	"queue v=1 pages=1\n"                     \
	"devices v=1 pages=1 page=2\n"            \
	"collections area=1 v=1 pages=1 page=2\n" \
	"ctlr value=1\n"
#define COMMANDS                        \
	"mapd dev=8 size=3 itt=1 v=1\n" \
	"mapc v=1\n"

/* clang-format off */
const struct rule_row rule_rows[NR_RULES] = {
	[RULE_OTHERS_IN_MEMORY] = { "others-in-memory", RULE_IS_VITS,
		"an event of no function is what the guest's table says",
		"the host's memory is bounded by its functions, whatever a guest maps",
		CONFIG REGISTERS COMMANDS
		"mapd dev=9 size=3 itt=2 v=1\n"
		"mapti dev=9 intid=8192\n"
		"zero itt=2\n" },
	[RULE_BEYOND_SHADOW] = { "beyond-shadow", RULE_IS_VITS,
		"an EventID that a function does not have is not delivered",
		"it has no vector there, and hence no place in the shadow",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 event=4 intid=8192\n"
		"msi dev=8 event=4\n" },
	[RULE_NEXT_IS_ONE] = { "next-is-one", RULE_IS_VITS,
		"the next offset in a table's entry is 1, but for the last that there can be",
		"readers go on from there; the distance would mean to rewrite other entries as well",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 event=0 intid=8192\n"
		"mapti dev=8 event=2 intid=8193\n" },
	[RULE_MOVALL_LEAVES_STRANDED] = { "movall-leaves-stranded", RULE_IS_SEALED,
		"MOVALL leaves what MAPC V=0 left pending where it is",
		"KVM moves mapped LPIs only; it stays pending, and drivers move events before they unmap",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 intid=8192\n"
		"msi dev=8\n"
		"mapc\n"
		"movall rd2=1\n" },
	[RULE_MAPC_OFF_LOSES_EVENTS] = { "mapc-off-loses-events", RULE_IS_KVM,
		"MAPC V=0: the collection's events are wedged until MAPD",
		"a bug of KVM's: ITEs keep their ICID (IHI 0069 5.3)",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 intid=8192\n"
		"mapc\n"
		"mapc v=1\n"
		"msi dev=8\n" },
	[RULE_MAPC_OFF_CHECKS_RDBASE] = { "mapc-off-checks-rdbase", RULE_IS_KVM,
		"MAPC V=0 with an RDbase out of range is refused",
		"a bug of KVM's: RDbase has no meaning there",
		CONFIG REGISTERS COMMANDS
		"mapc rd=4\n" },
	[RULE_RDBASE_32_BITS] = { "rdbase-32-bits", RULE_IS_KVM,
		"RDbase is bits 47:16, and bits 50:48 are ignored",
		"a bug of KVM's: the field is 50:16, and such a PE does not exist",
		CONFIG REGISTERS COMMANDS
		"mapc rd=0x100000001 v=1\n" },
	[RULE_DISCARD_NEEDS_TARGET] = { "discard-needs-target", RULE_IS_KVM,
		"DISCARD is refused while the event's collection is not mapped",
		"a bug of KVM's: the event can be removed all the same",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 intid=8192 icid=1\n"
		"discard dev=8\n" },
	[RULE_CLEAR_INV_WITHOUT_TARGET] = { "clear-inv-without-target", RULE_IS_KVM,
		"CLEAR and INV act while the event's collection is not mapped",
		"an LPI without a target is not kept by vits; it is read when it gets one",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 intid=8192 icid=1\n"
		"byte intid=8192 value=1\n"
		"inv dev=8\n"
		"mapc icid=1 v=1\n"
		"msi dev=8\n"
		"discard dev=8\n" },
	[RULE_LPI_SHARED] = { "lpi-shared", RULE_IS_KVM,
		"a second event may map an LPI, and shares its state and target",
		"UNPREDICTABLE; vits refuses it, for two functions could not be told apart",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 event=0 intid=8192\n"
		"mapti dev=8 event=1 intid=8192\n" },
	[RULE_LISTED_LPI_STAYS] = { "listed-lpi-stays", RULE_IS_KVM,
		"an LPI that was pending and enabled outlives DISCARD and MAPD, target and all",
		"a bug of KVM's: DISCARD removes the pending state",
		CONFIG REGISTERS COMMANDS
		"byte intid=8192 value=1\n"
		"mapti dev=8 intid=8192\n"
		"msi dev=8\n"
		"discard dev=8\n" },
	[RULE_MAPTI_MOVES_LISTED] = { "mapti-moves-listed", RULE_IS_KVM,
		"an LPI that outlived DISCARD goes where MAPTI maps it, or nowhere, and so does a restored one",
		"right of what is still there, but it should not be there (listed-lpi-stays)",
		CONFIG REGISTERS COMMANDS
		"byte intid=8192 value=1\n"
		"mapti dev=8 intid=8192\n"
		"msi dev=8\n"
		"discard dev=8\n"
		"mapti dev=8 event=1 intid=8192 icid=1\n" },
	[RULE_BYTE_READ_AT_MAPTI] = { "byte-read-at-mapti", RULE_IS_KVM,
		"the configuration byte is read at MAPTI, and not when a target comes later",
		"both are right: until INV any copy will do",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 intid=8192 icid=1\n"
		"byte intid=8192 value=1\n"
		"mapc icid=1 v=1\n"
		"msi dev=8\n"
		"discard dev=8\n" },
	[RULE_MAPTI_NEEDS_PROPBASER] = { "mapti-needs-propbaser", RULE_IS_KVM,
		"MAPTI is refused while GICR_PROPBASER is not set up",
		"vits does not see GICR_PROPBASER; what is behind it does the mapping later",
		"config vcpus=4 devid-bits=16 eventid-bits=16 lpis=8192 batch=100 no-propbaser=1\n"
		"function dev=8 events=4\n"
		REGISTERS COMMANDS
		"mapti dev=8 intid=8192\n" },
	[RULE_MOVALL_MOVES_ALL] = { "movall-moves-all", RULE_IS_KVM,
		"MOVALL moves the LPIs of all vCPUs",
		"a bug of some versions of KVM: it is to move those of one",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 intid=8192\n"
		"movall rd=2 rd2=3\n"
		"msi dev=8\n" },
	[RULE_TABLE_CHANGE_KEEPS] = { "table-change-keeps", RULE_IS_KVM,
		"another valid GITS_BASER<n> keeps what was mapped",
		"UNPREDICTABLE; vits drops it, the new table says nothing of it",
		CONFIG REGISTERS COMMANDS
		"ctlr\n"
		"devices v=1 pages=2 page=2\n" },
	[RULE_PAGES_OF_64K] = { "pages-of-64k", RULE_IS_KVM,
		"the pages of tables are 64K, whatever is written",
		"allowed (IHI 0069 12.18); vits has all three sizes",
		CONFIG
		"devices v=1 pages=1\n" },
	[RULE_COLLECTIONS_FLAT] = { "collections-flat", RULE_IS_KVM,
		"the collection table is flat, whatever is written",
		"allowed (IHI 0069 12.18); vits can have both indirect",
		CONFIG
		"collections v=1 pages=1 page=2 indirect=1\n" },
	[RULE_QUIESCENT_MEANS_EMPTY] = { "quiescent-means-empty", RULE_IS_KVM,
		"GITS_CTLR.Quiescent is 0 while commands are queued and the ITS is off",
		"a bug of KVM's: nothing is going on",
		CONFIG REGISTERS
		"ctlr\n"
		"sync\n" },
	[RULE_NEXT_MAY_BE_LOST] = { "next-may-be-lost", RULE_IS_KVM,
		"the next offset may lead to an event that MAPC V=0 has wedged, whose entry is 0",
		"readers go on from there, entry by entry",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 event=0 intid=8192 icid=1\n"
		"mapti dev=8 event=1 intid=8193\n"
		"mapc\n" },
	[RULE_RESTORE_READS_ALL] = { "restore-reads-all", RULE_IS_KVM,
		"not saved: a table or an ITT outside RAM, two ITTs at one place, an ICID beyond its table",
		"KVM reads all entries that there can be, and fails; vits those that the shadow had",
		CONFIG REGISTERS
		"mapd dev=8 size=5 itt=8 v=1\n"
		"mapc v=1\n"
		"mapti dev=8 intid=8192\n"
		"byte intid=8192 value=1\n"
		"save\n"
		"msi dev=8\n"
		"discard dev=8\n" },
	[RULE_RESTORE_FORGETS_MOVALL] = { "restore-forgets-movall", RULE_IS_KVM,
		"restoring puts an LPI where its collection is, and it is not pending any more if it was not there",
		"KVM's tables have no place for it; vits_save() lists those",
		CONFIG REGISTERS COMMANDS
		"mapti dev=8 intid=8192\n"
		"movall rd=0 rd2=2\n"
		"msi dev=8\n"
		"save\n" },
};
/* clang-format on */

static uint64_t rules_of(enum rule_owner owner)
{
	uint64_t rules = 0;

	for (unsigned i = 0; i < NR_RULES; i++)
		rules |= rule_rows[i].owner == owner ? RULE_BIT(i) : 0;
	return rules;
}

uint64_t rules_of_vits(void)
{
	return rules_of(RULE_IS_VITS);
}

uint64_t rules_of_sealed(void)
{
	return rules_of_vits() | rules_of(RULE_IS_SEALED);
}

uint64_t rules_of_kvm(void)
{
	return rules_of(RULE_IS_KVM);
}

void rule_example(enum rule rule, struct script *ret_script)
{
	const char *text = rule_rows[rule].example;
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	unsigned line = 0;
	int r;

	assert(file);
	r = script_read(file, ret_script, &line);
	assert(r == 0);
	(void)r;
	fclose(file);
}
