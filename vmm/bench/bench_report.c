// SPDX-License-Identifier: MIT
/*
 * What itsy bench found, for people and for programs: a table, JSON with fio's
 * names, HdrHistogram's percentile text, a plot. No locks.
 */
#include "vmm/bench/bench.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/output.h"
#include "vmm/base/table.h"
#include "vmm/base/version.h"

static const struct {
	double percent;
	const char *name;
} percentiles[] = {
	{ 50, "p50" }, { 90, "p90" }, { 99, "p99" }, { 99.9, "p99.9" }, { 99.99, "p99.99" },
};

const char *bench_unit(const struct bench_environment *env)
{
	return env->instructions ? "instructions" : "ns";
}

static bool measured(const struct bench_report *r, unsigned route)
{
	const struct bench_result *result = &r->results[route];

	return r->options->routes[route] &&
	       (hist_count(&result->hist) || result->lost || result->impossible);
}

/* ---- the table ------------------------------------------------------------------- */

static void add_percentile(struct table *t, const struct hist *h, double percent)
{
	if (hist_has_percentile(h, percent))
		table_add_number(t, hist_percentile(h, percent));
	else
		table_add(t, "-");
}

/* Of the medians, to irqfd's. */
static void add_ratio(struct table *t, const struct bench_report *r, const struct hist *h)
{
	const struct hist *irqfd = &r->results[ROUTE_IRQFD].hist;
	uint64_t base = hist_has_percentile(irqfd, 50) ? hist_percentile(irqfd, 50) : 0;
	char text[24] = "-";

	if (base && hist_has_percentile(h, 50))
		(void)snprintf(text, sizeof(text), "%.2f",
			       (double)hist_percentile(h, 50) / (double)base);
	table_add(t, text);
}

static void print_environment(const struct bench_environment *env, FILE *out)
{
	(void)fprintf(out, "itsy %s on Linux %s, %s, %u CPU%s%s%s%s%s%s%s%s%s\n", version_text(),
		      env->kernel, env->cpu, env->cpus, plural(env->cpus),
		      env->isolated[0] ? ", isolated " : "", env->isolated, env->gic[0] ? ", " : "",
		      env->gic, env->governor[0] ? ", governor " : "", env->governor,
		      env->machine[0] ? ", " : "", env->machine);
	if (env->instead)
		(void)fprintf(out, "This host has %s instead of io_uring for uring and spin.\n",
			      env->instead);
	if (env->instructions)
		(void)fputs("One instruction is one tick of this machine's clock: these are "
			    "instructions, not times.\n",
			    out);
	else if (env->emulated)
		(void)fputs("An emulated machine: these are not times of hardware, compare them "
			    "with each other only.\n",
			    out);
}

static void print_memory(const struct self_memory *m, FILE *out)
{
	char pss[TABLE_NUMBER_SZ], private[TABLE_NUMBER_SZ];

	(void)fprintf(out,
		      "itsy takes %s KiB beyond the guest's RAM, %s KiB of it for itself alone.\n",
		      table_number(m->pss / 1024, pss), table_number(m->private / 1024, private));
}

/* Beside an interrupt by uring, if that was measured, too. */
static void print_change(const struct bench_report *r, enum route route, const char *change,
			 const struct hist *h, FILE *out)
{
	const struct hist *uring = &r->results[ROUTE_URING].hist;
	char median[TABLE_NUMBER_SZ], more[TABLE_NUMBER_SZ];
	uint64_t p50, base;

	if (!hist_has_percentile(h, 50))
		return;
	p50 = hist_percentile(h, 50);
	(void)fprintf(out, "%s: a change %s and the interrupt behind it took %s at the median",
		      route_name(route), change, table_number(p50, median));
	base = hist_has_percentile(uring, 50) ? hist_percentile(uring, 50) : 0;
	if (base)
		(void)fprintf(out, ", %s %s than by uring alone",
			      table_number(p50 > base ? p50 - base : base - p50, more),
			      p50 < base ? "less" : "more");
	(void)fputs(".\n", out);
}

static void print_changes(const struct bench_report *r, FILE *out)
{
	for (unsigned i = 0; i < NR_ROUTES; i++) {
		char nr[TABLE_NUMBER_SZ];

		if (!r->results[i].changes)
			continue;
		(void)fprintf(out, "%s: its vectors changed their route %s times.\n",
			      route_name((enum route)i), table_number(r->results[i].changes, nr));
		print_change(r, (enum route)i, "to it", &r->results[i].to, out);
		print_change(r, (enum route)i, "to uring", &r->results[i].from, out);
	}
}

int bench_print(const struct bench_report *r, FILE *out)
{
	static const char *const headings[] = { "route",  "count", "lost",     "min",
						"p50",	  "p90",   "p99",      "p99.9",
						"p99.99", "max",   "p50/irqfd" };
	struct table t;
	int err;

	table_init(&t, headings, ARRAY_SIZE(headings));
	t.right = ((1u << ARRAY_SIZE(headings)) - 1) & ~1u; /* all but the route */
	t.narrow = true; /* so times of five digits fit into 80 columns */
	for (unsigned i = 0; i < NR_ROUTES; i++) {
		const struct hist *h = &r->results[i].hist;

		if (!measured(r, i))
			continue;
		table_add(&t, route_name((enum route)i));
		table_add_number(&t, hist_count(h));
		table_add_number(&t, r->results[i].lost);
		table_add_number(&t, hist_min(h));
		for (size_t p = 0; p < ARRAY_SIZE(percentiles); p++)
			add_percentile(&t, h, percentiles[p].percent);
		table_add_number(&t, hist_max(h));
		add_ratio(&t, r, h);
	}
	print_environment(r->env, out);
	if (r->env->instructions && r->kind->beside)
		(void)fputs("This device answers from another thread of the emulator, whose "
			    "instructions are not counted: the figures say nothing of it.\n",
			    out);
	(void)fprintf(out, "From %s to the guest's IAR read, in %s:\n", r->kind->from,
		      bench_unit(r->env));
	if (r->options->burst > 1)
		(void)fprintf(out, "(of bursts of %u, the time of the last one divided by %u)\n",
			      r->options->burst, r->options->burst);
	err = table_print(&t, out);
	table_fini(&t);
	print_changes(r, out);
	if (r->memory)
		print_memory(r->memory, out);
	return err;
}

/* ---- JSON --------------------------------------------------------------------------- */

static json_t *environment_json(const struct bench_environment *env)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:b, s:s}", "kernel",
			 env->kernel, "itsy commit", version_commit(), "gic", env->gic, "cpu",
			 env->cpu, "cpus", (int)env->cpus, "governor", env->governor, "isolcpus",
			 env->isolated, "machine", env->machine, "router",
			 env->instead ? env->instead : "io_uring", "emulated", env->emulated,
			 "unit", bench_unit(env));
}

static json_t *latency_json(const struct hist *h)
{
	json_t *bins = json_object(), *percentile = json_object();
	struct hist_bucket bucket;
	size_t at = 0;
	char name[32];

	while (hist_next(h, &at, &bucket)) {
		(void)snprintf(name, sizeof(name), "%" PRIu64, bucket.high);
		(void)json_object_set_new(bins, name, json_integer((json_int_t)bucket.count));
	}
	for (size_t p = 0; p < ARRAY_SIZE(percentiles); p++) {
		if (!hist_has_percentile(h, percentiles[p].percent))
			continue;
		(void)snprintf(name, sizeof(name), "%f", percentiles[p].percent);
		(void)json_object_set_new(
			percentile, name,
			json_integer((json_int_t)hist_percentile(h, percentiles[p].percent)));
	}
	return json_pack("{s:I, s:I, s:I, s:f, s:o, s:o}", "N", (json_int_t)hist_count(h), "min",
			 (json_int_t)hist_min(h), "max", (json_int_t)hist_max(h), "mean",
			 hist_mean(h), "percentile", percentile, "bins", bins);
}

static json_t *jobs_json(const struct bench_report *r)
{
	const char *unit = bench_unit(r->env);
	json_t *jobs = json_array();

	for (unsigned i = 0; i < NR_ROUTES; i++) {
		char key[32];

		if (!measured(r, i))
			continue;
		(void)snprintf(key, sizeof(key), "lat_%s", unit);
		(void)json_array_append_new(jobs,
					    json_pack("{s:s, s:I, s:I, s:o}", "jobname",
						      route_name((enum route)i), "lost",
						      (json_int_t)r->results[i].lost, "impossible",
						      (json_int_t)r->results[i].impossible, key,
						      latency_json(&r->results[i].hist)));
	}
	return jobs;
}

/* All of it beyond the guest's RAM, with proc(5)'s names. */
static json_t *memory_json(const struct self_memory *m)
{
	return m ? json_pack("{s:I, s:I, s:I}", "rss_bytes", (json_int_t)m->rss, "pss_bytes",
			     (json_int_t)m->pss, "private_bytes", (json_int_t)m->private)
		 : json_null();
}

static json_t *devices_json(const struct bench_options *o)
{
	json_t *devices = json_array();
	char bdf[PCI_BDF_STRLEN];

	for (uint32_t i = 0; i < o->nr_devices; i++)
		(void)json_array_append_new(devices,
					    json_string(pci_bdf_format(&o->devices[i], bdf)));
	return devices;
}

static json_t *cpu_json(int cpu)
{
	return cpu < 0 ? json_null() : json_integer(cpu);
}

/* What is needed to measure the same again. */
static json_t *options_json(const struct bench_options *o)
{
	return json_pack(
		"{s:o, s:i, s:i, s:i, s:i, s:b, s:I, s:i, s:i, s:I, s:I, s:o, s:o, s:o, s:o}",
		"devices", devices_json(o), "vectors", (int)o->vectors, "functions",
		(int)o->functions, "vcpus", (int)o->vcpus, "burst", (int)o->burst, "busy", o->busy,
		"rate", (json_int_t)o->rate, "gap_us", (int)o->gap_us, "changes_us",
		(int)o->changes_us, "count", (json_int_t)o->count, "hardlimit",
		(json_int_t)o->hardlimit, "router_cpu", cpu_json(o->router.cpu), "spin_cpu",
		cpu_json(o->spin.cpu), "vcpu_cpu", cpu_json(o->vcpu.cpu), "trigger_cpu",
		cpu_json(o->trigger_cpu));
}

int bench_write_json(const struct bench_report *r, const char *path)
{
	json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "schema", 1,
				 "itsy version", ITSY_VERSION, "bench", r->kind->bench, "from",
				 r->kind->name, "environment", environment_json(r->env),
				 "job options", options_json(r->options), "jobs", jobs_json(r),
				 "memory", memory_json(r->memory));
	int err;

	if (!root)
		return -ENOMEM;
	errno = 0;
	err = json_dump_file(root, path, JSON_INDENT(2)) < 0 ? (errno ? -errno : -EIO) : 0;
	json_decref(root);
	return err;
}

/* ---- HdrHistogram's text ---------------------------------------------------------------- */

static double deviation(const struct hist *h)
{
	double mean = hist_mean(h), sum = 0;
	struct hist_bucket bucket;
	size_t at = 0;

	while (hist_next(h, &at, &bucket)) {
		double off = ((double)bucket.low + (double)bucket.high) / 2 - mean;

		sum += off * off * (double)bucket.count;
	}
	return hist_count(h) ? sqrt(sum / (double)hist_count(h)) : 0;
}

/* Its line before the last is where hist_has_percentile() ends: the next one is the maximum. */
static void put_hgrm(const struct hist *h, FILE *out)
{
	uint64_t total = hist_count(h), so_far = 0;
	struct hist_bucket bucket;
	size_t at = 0;

	(void)fputs("       Value     Percentile TotalCount 1/(1-Percentile)\n\n", out);
	while (hist_next(h, &at, &bucket)) {
		double below;

		so_far += bucket.count;
		below = (double)so_far / (double)total;
		(void)fprintf(out, "%12.3f %2.12f %10" PRIu64, (double)bucket.high, below, so_far);
		if (so_far < total)
			(void)fprintf(out, " %14.2f\n", 1 / (1 - below));
		else
			(void)fputs("            inf\n", out);
	}
	(void)fprintf(out,
		      "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n"
		      "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n"
		      "#[Buckets = %12u, SubBuckets     = %12u]\n",
		      hist_mean(h), deviation(h), (double)hist_max(h), total,
		      HIST_MAX_BITS - HIST_SUB_BITS + 1, HIST_SUB);
}

/* 0 only where all that was written has arrived. */
static int finish(FILE *out)
{
	bool failed = ferror(out);

	if (fclose(out) == EOF)
		return -errno;
	return failed ? -EIO : 0;
}

static int write_one_hgrm(const struct hist *h, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return -errno;
	put_hgrm(h, out);
	return finish(out);
}

/* How much of a path stands before its ending, ".hgrm" or another one; all of it where there is
 * none. */
static int stem_len(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	return (int)(dot && dot > name ? dot - path : (ptrdiff_t)strlen(path));
}

/* By the routes that were asked for, also where a signal came before one was measured. */
static int name_hgrm(const struct bench_options *o, const char *path, unsigned route, char *name)
{
	int stem = stem_len(path), len;
	unsigned nr = 0;

	for (unsigned i = 0; i < NR_ROUTES; i++)
		nr += o->routes[i];
	len = nr == 1 ? snprintf(name, PATH_MAX, "%s", path)
		      : snprintf(name, PATH_MAX, "%.*s-%s%s", stem, path,
				 route_name((enum route)route), path + stem);
	return len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int bench_write_hgrm(const struct bench_report *r, const char *path)
{
	int err = 0;

	for (unsigned i = 0; i < NR_ROUTES && !err; i++) {
		char name[PATH_MAX];

		if (!measured(r, i))
			continue;
		err = name_hgrm(r->options, path, i, name);
		if (!err)
			err = write_one_hgrm(&r->results[i].hist, name);
	}
	return err;
}

/* ---- the plot -------------------------------------------------------------------------------- */

/* Up to the percentile of which there are values enough, hist_has_percentile(). */
static void put_curve(const struct hist *h, FILE *out)
{
	uint64_t total = hist_count(h), so_far = 0;
	struct hist_bucket bucket;
	size_t at = 0;

	while (hist_next(h, &at, &bucket)) {
		/* The share of those that take longer; the last point is the maximum's. */
		(void)fprintf(out, "%.9g %" PRIu64 "\n", (double)total / (double)(total - so_far),
			      bucket.high);
		so_far += bucket.count;
	}
	(void)fprintf(out, "%.9g %" PRIu64 "\ne\n", (double)total, hist_max(h));
}

/* In double quotes, gnuplot knows escapes; in single quotes, a quote is doubled. */
static void put_quoted(const char *text, FILE *out)
{
	(void)fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputc('\'', out);
		(void)fputc(*text, out);
	}
	(void)fputc('\'', out);
}

/* Past which devices are counted, not named: two fit in the title's line. */
#define NAMED_DEVICES 2u

static void describe_functions(const struct bench_options *o, char *text, size_t size)
{
	char first[PCI_BDF_STRLEN] = "", second[PCI_BDF_STRLEN] = "";

	if (o->nr_devices > NAMED_DEVICES)
		(void)snprintf(text, size, "%u devices", o->nr_devices);
	else if (o->nr_devices)
		(void)snprintf(text, size, "%s%s%s", pci_bdf_format(&o->devices[0], first),
			       o->nr_devices > 1 ? " and " : "",
			       o->nr_devices > 1 ? pci_bdf_format(&o->devices[1], second) : "");
	else
		(void)snprintf(text, size, "%u function%s with bare eventfds", o->functions,
			       plural(o->functions));
}

/* What was measured, and on which machine, as two lines. */
static void put_title(const struct bench_report *r, FILE *out)
{
	const struct bench_options *o = r->options;
	const struct bench_environment *env = r->env;
	char text[640], functions[64], routes[64] = "";
	size_t len = 0;

	for (unsigned i = 0; i < NR_ROUTES; i++)
		if (measured(r, i))
			len += (size_t)snprintf(routes + len, sizeof(routes) - len, "%s%s",
						len ? ", " : "", route_name((enum route)i));
	describe_functions(o, functions, sizeof(functions));
	(void)snprintf(text, sizeof(text), "itsy bench %s by %s: %u vector%s of %s", r->kind->bench,
		       routes, o->vectors, plural(o->vectors), functions);
	(void)fputs("set title ", out);
	put_quoted(text, out);
	(void)snprintf(text, sizeof(text), "Linux %s, %s%s", env->kernel,
		       env->emulated ? "emulated: " : "",
		       env->machine[0] ? env->machine : env->cpu);
	(void)fputs(".\"\\n\".", out);
	put_quoted(text, out);
	(void)fputc('\n', out);
}

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	return len > end_len && strcmp(path + len - end_len, end) == 0;
}

void bench_plot_script(const struct bench_report *r, const char *path, FILE *out)
{
	bool png = ends_with(path, ".png"), first = true;
	char label[80];

	(void)fprintf(out, "set terminal %s size 900,540 noenhanced\nset output ",
		      png ? "pngcairo" : "svg");
	put_quoted(path, out);
	(void)fputs("\nset logscale x\nset logscale y\nset grid\nset key top left\n"
		    "set xlabel 'percentile'\n"
		    "set xtics ('0' 1, '50' 2, '90' 10, '99' 100, '99.9' 1000, '99.99' 10000, "
		    "'99.999' 100000)\n",
		    out);
	(void)snprintf(label, sizeof(label), "%s, from %s to the guest", bench_unit(r->env),
		       r->kind->origin);
	(void)fputs("set ylabel ", out);
	put_quoted(label, out);
	(void)fputc('\n', out);
	put_title(r, out);
	(void)fputs("plot ", out);
	for (unsigned i = 0; i < NR_ROUTES; i++) {
		if (!measured(r, i))
			continue;
		(void)fprintf(out, "%s'-' with steps linewidth 2 title '%s'", first ? "" : ", ",
			      route_name((enum route)i));
		first = false;
	}
	(void)fputc('\n', out);
	for (unsigned i = 0; i < NR_ROUTES; i++)
		if (measured(r, i))
			put_curve(&r->results[i].hist, out);
}

/* For a gnuplot elsewhere, which draws FILE.svg. */
static int write_plot_script(const struct bench_report *r, const char *path)
{
	char picture[4096];
	FILE *out;

	if (snprintf(picture, sizeof(picture), "%.*s.svg", (int)(strlen(path) - strlen(".gp")),
		     path) >= (int)sizeof(picture))
		return -ENAMETOOLONG;
	out = fopen(path, "we");
	if (!out)
		return -errno;
	bench_plot_script(r, picture, out);
	return finish(out);
}

int bench_write_plot(const struct bench_report *r, const char *path)
{
	FILE *gnuplot;
	int status;

	if (ends_with(path, ".gp"))
		return write_plot_script(r, path);
	gnuplot = popen("exec gnuplot", "we");

	if (!gnuplot)
		return -errno;
	bench_plot_script(r, path, gnuplot);
	status = pclose(gnuplot);
	if (status < 0)
		return -errno;
	return status ? -EIO : 0;
}

/* ---- before all of it ---------------------------------------------------------------------- */

static int check_file(const char *path, struct failure *ret_failure)
{
	char dir[PATH_MAX];
	struct stat st;
	int error = 0;

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		error = ENAMETOOLONG;
	else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		error = EISDIR;
	else if (access(path, W_OK) < 0)
		error = errno;
	if (error == ENOENT)
		error = access(dirname(dir), W_OK | X_OK) < 0 ? errno : 0;
	return error ? output_failed(ret_failure, path, error) : 0;
}

static int check_hgrm(const struct bench_options *o, struct failure *ret_failure)
{
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < NR_ROUTES; i++) {
		char name[PATH_MAX];

		if (!o->routes[i])
			continue;
		r = name_hgrm(o, o->hgrm, i, name);
		r = r < 0 ? output_failed(ret_failure, o->hgrm, -r) : check_file(name, ret_failure);
	}
	return r;
}

static int check_plot(const char *path, struct failure *ret_failure)
{
	if (!ends_with(path, ".gp") && !ends_with(path, ".svg") && !ends_with(path, ".png"))
		return failure_set(ret_failure, ITSY_USAGE, EINVAL, path, NULL,
				   "--plot draws .svg and .png, and writes .gp");
	if (!ends_with(path, ".gp") && system("command -v gnuplot >/dev/null 2>&1") != 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOENT, path,
				   "install it, or name a file .gp, which gnuplot draws elsewhere",
				   "there is no gnuplot to draw it");
	return check_file(path, ret_failure);
}

int bench_check_files(const struct bench_options *o, struct failure *ret_failure)
{
	int r = o->json ? check_file(o->json, ret_failure) : 0;

	if (r >= 0 && o->hgrm)
		r = check_hgrm(o, ret_failure);
	if (r >= 0 && o->plot)
		r = check_plot(o->plot, ret_failure);
	return r;
}
