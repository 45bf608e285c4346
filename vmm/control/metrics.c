// SPDX-License-Identifier: MIT
/*
 * Metrics, itsy(1). No locks.
 *
 * All samples of a metric stand together behind its HELP and TYPE, names of counters end in
 * _total, and units are seconds and bytes: Prometheus, "Exposition formats" and "Metric and label
 * naming".
 */
#include "vmm/control/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

#include "vmm/base/bits.h"
#include "vmm/control/json_member.h"
#include "vmm/control/machine_counters.h"
#include "vmm/irq/counters.h"

#define PREFIX "itsy_"
#define NS     UINT64_C(1000000000) /* in a second */

struct metrics {
	const json_t *reply;
	const struct irq_sample *vectors;
	const char *guest;
	FILE *out;
};

static void begin(const struct metrics *m, const char *name, const char *suffix, const char *type,
		  const char *help)
{
	(void)fprintf(m->out, "# HELP " PREFIX "%s%s %s\n", name, suffix, help);
	(void)fprintf(m->out, "# TYPE " PREFIX "%s%s %s\n", name, suffix, type);
}

/* The value of a label: only these three have to be escaped. */
static void put_label(const struct metrics *m, const char *before, const char *name,
		      const char *value)
{
	(void)fprintf(m->out, "%s%s=\"", before, name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			(void)fputc('\\', m->out);
		(void)fputs(*value == '\n' ? "\\n" : (const char[]){ *value, '\0' }, m->out);
	}
	(void)fputc('"', m->out);
}

static void begin_sample(const struct metrics *m, const char *name, const char *suffix)
{
	(void)fprintf(m->out, PREFIX "%s%s", name, suffix);
	put_label(m, "{", "guest", m->guest);
}

static void end_sample(const struct metrics *m, uint64_t value)
{
	(void)fprintf(m->out, "} %" PRIu64 "\n", value);
}

/* ---- of the guest ------------------------------------------------------------------ */

static const struct {
	const char *member, *name, *type, *help;
	bool is_time; /* in nanoseconds, printed in seconds */
} of_guest[] = {
	{ "boots", "boots_total", "counter", "Times that the guest was started", false },
	{ "uptime_ns", "uptime_seconds", "gauge", "Time since the guest's last boot", true },
	{ "paused", "paused", "gauge", "Whether the guest is paused", false },
	{ "vcpus", "vcpus", "gauge", "The guest's vCPUs", false },
	{ "memory_bytes", "memory_bytes", "gauge", "The guest's memory", false },
};

static void print_guest(const struct metrics *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_guest); i++) {
		const json_t *value = json_object_get(m->reply, of_guest[i].member);
		uint64_t n = json_is_true(value) ? 1 : (uint64_t)json_integer_value(value);

		if (!value)
			continue;
		begin(m, of_guest[i].name, "", of_guest[i].type, of_guest[i].help);
		begin_sample(m, of_guest[i].name, "");
		if (of_guest[i].is_time)
			(void)fprintf(m->out, "} %" PRIu64 ".%09" PRIu64 "\n", n / NS, n % NS);
		else
			end_sample(m, n);
	}
}

/* ---- of the machine ---------------------------------------------------------------- */

static void print_machine(const struct metrics *m)
{
	const json_t *counters = json_object_get(m->reply, "counters");
	char name[MACHINE_COUNTER_NAME_SZ];

	for (size_t i = 0; i < nr_machine_counters; i++) {
		const json_t *value = json_object_get(counters, machine_counter_name(i, name));

		if (!value)
			continue;
		begin(m, name, "_total", "counter", machine_counters[i].help);
		begin_sample(m, name, "_total");
		end_sample(m, (uint64_t)json_integer_value(value));
	}
}

static void print_commands(const struct metrics *m)
{
	static const char name[] = "its_commands";
	static const char *const results[] = { "done", "skipped", "stalled" };
	json_t *commands = json_object_get(m->reply, "commands"), *one;
	const char *command;

	if (!json_object_size(commands))
		return;
	begin(m, name, "_total", "counter", "Commands that the guest gave its ITSs");
	json_object_foreach(commands, command, one)
	{
		for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
			begin_sample(m, name, "_total");
			put_label(m, ",", "command", command);
			put_label(m, ",", "result", results[i]);
			end_sample(m, (uint64_t)member_number(one, results[i]));
		}
	}
}

/* ---- of vectors ---------------------------------------------------------------------- */

static void put_vector(const struct metrics *m, const struct irq_row *row)
{
	char vector[24];

	(void)snprintf(vector, sizeof(vector), "%" PRIu64, row->vector);
	put_label(m, ",", "device", row->device);
	put_label(m, ",", "vector", vector);
}

static void print_counter(const struct metrics *m, unsigned counter)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "vector_%s", vector_counters[counter].name);
	begin(m, name, "_total", "counter", vector_counters[counter].help);
	for (size_t i = 0; i < m->vectors->nr; i++) {
		const struct irq_row *row = &m->vectors->rows[i];

		if (row->counts[counter] == IRQVIEW_NONE)
			continue;
		begin_sample(m, name, "_total");
		put_vector(m, row);
		end_sample(m, row->counts[counter]);
	}
}

/* Who adds up what was taken wants to know where it is not all. */
static void print_exact(const struct metrics *m)
{
	static const char name[] = "vector_tied_exact";

	begin(m, name, "", "gauge", "Whether it is known how many KVM took by itself");
	for (size_t i = 0; i < m->vectors->nr; i++) {
		begin_sample(m, name, "");
		put_vector(m, &m->vectors->rows[i]);
		end_sample(m, !m->vectors->rows[i].tied_is[0]);
	}
}

int metrics_print(const json_t *reply, const struct irq_sample *vectors, FILE *out)
{
	const struct metrics m = {
		.reply = reply,
		.vectors = vectors,
		.guest = json_string_value(json_object_get(reply, "name")),
		.out = out,
	};

	if (!m.guest || !json_is_object(json_object_get(reply, "counters")))
		return -EPROTO;
	print_guest(&m);
	print_machine(&m);
	print_commands(&m);
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS && vectors->nr; i++)
		print_counter(&m, i);
	if (vectors->nr)
		print_exact(&m);
	return 0;
}
