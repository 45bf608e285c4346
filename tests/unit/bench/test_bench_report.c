// SPDX-License-Identifier: MIT
/*
 * What itsy bench says of what it measured.
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/bench/bench.h"

static struct bench_result results[NR_ROUTES];
static struct bench_environment env = { .kernel = "6.1", .cpu = "a CPU", .cpus = 4 };
static struct bench_options options;
static const struct self_memory memory = { .rss = 9 << 20, .pss = 3 << 20, .private = 1 << 20 };
static struct bench_report report = { &options, &bench_kind_eventfd, &env, results, &memory };

static int begin(void **state)
{
	(void)state;
	memset(&options, 0, sizeof(options));
	options.routes[ROUTE_URING] = options.routes[ROUTE_IRQFD] = true;
	env.instructions = env.emulated = false;
	env.machine[0] = '\0';
	report.kind = &bench_kind_eventfd;
	for (unsigned i = 0; i < NR_ROUTES; i++) {
		hist_init(&results[i].hist);
		results[i].lost = results[i].impossible = 0;
	}
	for (uint64_t v = 1; v <= 100; v++) {
		hist_record(&results[ROUTE_URING].hist, 2 * v);
		hist_record(&results[ROUTE_IRQFD].hist, v);
	}
	results[ROUTE_URING].lost = 3;
	results[ROUTE_URING].impossible = 2;
	return 0;
}

/* The caller's to free(). */
static char *printed(int (*print)(const struct bench_report *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(print(&report, out), 0);
	(void)fclose(out);
	return text;
}

static void test_the_table_has_a_row_for_each_route_with_its_ratio_to_irqfd(void **state)
{
	char *text = printed(bench_print);

	(void)state;
	assert_non_null(strstr(text, "in ns:\n"));
	assert_non_null(
		strstr(text, "\nuring   100    3   2 100 181 199     -      - 200      2.00\n"));
	assert_non_null(
		strstr(text, "\nirqfd   100    0   1  50  90  99     -      - 100      1.00\n"));
	assert_null(strstr(text, "\nspin"));
	assert_non_null(strstr(text, "\nitsy takes 3,072 KiB beyond the guest's RAM, 1,024 KiB"));
	assert_null(strstr(text, "emulated"));
	free(text);
}

/* A file of its own, gone when the test is over. */
static void temporary(char path[32])
{
	int fd;

	strcpy(path, "/tmp/itsy-bench-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
}

/* Its member of the first job in the JSON. */
static bool json_has_percentile(const char *percent)
{
	char path[32];
	json_t *root, *lat;
	bool has;

	temporary(path);
	assert_int_equal(bench_write_json(&report, path), 0);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	lat = json_object_get(json_array_get(json_object_get(root, "jobs"), 0), "lat_ns");
	has = json_object_get(json_object_get(lat, "percentile"), percent);
	json_decref(root);
	(void)unlink(path);
	return has;
}

static void test_a_percentile_of_too_few_is_not_shown(void **state)
{
	char *text = printed(bench_print);

	(void)state;
	/* Of 100: the table has p99, and neither p99.9 nor p99.99. */
	assert_non_null(strstr(text, " 199     -      - 200      2.00\n"));
	free(text);
	assert_true(json_has_percentile("99.000000"));
	assert_false(json_has_percentile("99.900000"));
	assert_false(json_has_percentile("99.990000"));
	/* Of one there is no median, and no ratio of it. */
	hist_init(&results[ROUTE_IRQFD].hist);
	hist_record(&results[ROUTE_IRQFD].hist, 7);
	text = printed(bench_print);
	assert_non_null(
		strstr(text, "\nirqfd     1    0   7   -   -   -     -      -   7         -\n"));
	assert_non_null(strstr(text, " 200         -\n"));
	free(text);
}

static void test_a_table_of_times_with_five_digits_fits_into_80_columns(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	for (uint64_t v = 0; v < 10000; v++) {
		hist_record(&results[ROUTE_URING].hist, 99999 - v);
		hist_record(&results[ROUTE_IRQFD].hist, 10000 + v);
	}
	text = printed(bench_print);
	assert_non_null(strstr(text, "\nuring 10,100    3 "));
	for (const char *line = strstr(text, "\nroute"); line; line = strchr(line + 1, '\n'))
		assert_true(strncmp(line, "\nitsy takes", 11) == 0 ||
			    strcspn(line + 1, "\n") <= 80);
}

static void test_what_is_no_time_of_hardware_is_said_to_be_none(void **state)
{
	char *text;

	(void)state;
	env.emulated = true;
	text = printed(bench_print);
	assert_non_null(strstr(text, "not times of hardware"));
	free(text);
	env.instructions = true;
	text = printed(bench_print);
	assert_non_null(strstr(text, "in instructions:\n"));
	assert_null(strstr(text, " ns"));
	free(text);
}

static void test_a_host_without_io_uring_is_told(void **state)
{
	char *text = printed(bench_print);

	(void)state;
	assert_null(strstr(text, "instead of io_uring"));
	free(text);
	env.instead = "epoll";
	text = printed(bench_print);
	assert_non_null(strstr(text, "This host has epoll instead of io_uring"));
	free(text);
	env.instead = NULL;
}

static const struct bench_kind *kind_of(uint16_t vendor, uint16_t device, uint32_t class_code)
{
	const struct pci_function fn = {
		.vendor = vendor,
		.device = device,
		.class_code = class_code,
	};

	return bench_kind_of(&fn);
}

static void test_a_functions_round_trip_is_known_by_its_id_or_class(void **state)
{
	(void)state;
	assert_string_equal(kind_of(0x1234, 0x11e8, 0x00ff00)->name, "edu");
	assert_int_equal(kind_of(0x1234, 0x11e8, 0x00ff00)->source, BENCH_EDU);
	assert_string_equal(kind_of(0x1b36, 0x0010, 0x010802)->name, "nvme");
	assert_int_equal(kind_of(0x8086, 0x0953, 0x010802)->source, BENCH_NVME);
	/* Another device of edu's vendor; a SATA controller; NVMe's I/O-less interfaces. */
	assert_null(kind_of(0x1234, 0x1111, 0x030000));
	assert_null(kind_of(0x8086, 0x2922, 0x010601));
	assert_null(kind_of(0x8086, 0x0953, 0x010803));
	assert_null(kind_of(0x8086, 0x10d3, 0x020000));
}

static void test_the_heading_says_what_the_time_is_of(void **state)
{
	char *text = printed(bench_print);

	(void)state;
	assert_non_null(strstr(text, "From the eventfd's signal to the guest's IAR read, in ns:"));
	free(text);
	report.kind = kind_of(0x1234, 0x11e8, 0);
	text = printed(bench_print);
	assert_non_null(strstr(text, "From the write of edu's register to the guest's IAR read"));
	free(text);
	report.kind = kind_of(0, 0, 0x010802);
	text = printed(bench_print);
	assert_non_null(strstr(text, "From the write of the NVMe admin doorbell to the guest's"));
	free(text);
}

static void test_instructions_are_said_to_mean_nothing_where_the_device_has_its_own_thread(
	void **state)
{
	static const char warning[] = "from another thread of the emulator";
	char *text;

	(void)state;
	report.kind = kind_of(0, 0, 0x010802);
	text = printed(bench_print);
	assert_null(strstr(text, warning));
	free(text);
	env.instructions = true;
	text = printed(bench_print);
	assert_non_null(strstr(text, warning));
	free(text);
	report.kind = kind_of(0x1234, 0x11e8, 0);
	text = printed(bench_print);
	assert_null(strstr(text, warning));
	free(text);
}

static void test_json_has_fios_names_and_bins_that_add_up(void **state)
{
	char path[32];
	json_t *root, *job, *lat, *count;
	json_int_t sum = 0;
	const char *bin;

	(void)state;
	report.kind = kind_of(0, 0, 0x010802);
	temporary(path);
	assert_int_equal(bench_write_json(&report, path), 0);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "bench")), "device");
	assert_string_equal(json_string_value(json_object_get(root, "from")), "nvme");
	assert_int_equal(json_array_size(json_object_get(root, "jobs")), 2);
	job = json_array_get(json_object_get(root, "jobs"), 0);
	assert_string_equal(json_string_value(json_object_get(job, "jobname")), "uring");
	assert_int_equal(json_integer_value(json_object_get(job, "lost")), 3);
	assert_int_equal(json_integer_value(json_object_get(job, "impossible")), 2);
	lat = json_object_get(job, "lat_ns");
	json_object_foreach(json_object_get(lat, "bins"), bin, count) sum +=
		json_integer_value(count);
	assert_int_equal(sum, 100);
	assert_int_equal(json_integer_value(json_object_get(lat, "max")), 200);
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(lat, "percentile"), "50.000000")),
			 100);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(root, "memory"), "pss_bytes")),
		3 << 20);
	json_decref(root);
	(void)unlink(path);
	assert_int_equal(bench_write_json(&report, "/nowhere/at/all"), -ENOENT);
}

static void test_hgrm_ends_with_all_values_at_100_percent(void **state)
{
	char path[32], text[16384];
	size_t len;
	FILE *f;

	(void)state;
	options.routes[ROUTE_URING] = false;
	temporary(path);
	assert_int_equal(bench_write_hgrm(&report, path), 0);
	f = fopen(path, "re");
	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	(void)fclose(f);
	(void)unlink(path);
	assert_non_null(strstr(text, "Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
	assert_non_null(strstr(text, "      50.000 0.500000000000         50           2.00\n"));
	assert_non_null(strstr(text, "     100.000 1.000000000000        100            inf\n"));
	assert_non_null(strstr(text, "#[Mean    =       50.500, StdDeviation   =       28.866]\n"));
}

static void test_the_plot_has_a_curve_for_each_route_and_quotes_what_it_names(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	strcpy(env.machine, "Bob's");
	report.kind = kind_of(0, 0, 0x010802);
	bench_plot_script(&report, "a'b.png", out);
	(void)fclose(out);
	assert_non_null(strstr(text, "set terminal pngcairo "));
	assert_non_null(strstr(text, "set output 'a''b.png'\n"));
	assert_non_null(strstr(text, "Linux 6.1, Bob''s'\n"));
	assert_non_null(strstr(text, "set ylabel 'ns, from the NVMe admin doorbell to the guest'"));
	assert_non_null(strstr(text, "title 'uring', '-' with steps linewidth 2 title 'irqfd'\n"));
	/* Half of the values are at most 50: 1 of 2 takes longer. */
	assert_non_null(strstr(text, "\n1 1\n"));
	assert_non_null(strstr(text, "\n2 51\n"));
	free(text);
}

/* The line of the plot that has its title. */
static const char *title(void)
{
	static char line[512];
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *at;

	assert_non_null(out);
	bench_plot_script(&report, "x.svg", out);
	(void)fclose(out);
	at = strstr(text, "set title ");
	assert_non_null(at);
	(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	return line;
}

static void test_a_plot_is_titled_by_what_was_measured_on_which_machine(void **state)
{
	(void)state;
	options.vectors = 4;
	options.functions = 1;
	assert_string_equal(title(), "set title 'itsy bench irq by uring, irqfd: 4 vectors of 1 "
				     "function with bare eventfds'.\"\\n\".'Linux 6.1, a CPU'");
	/* Of the routes that were asked for, those that were measured. */
	hist_init(&results[ROUTE_IRQFD].hist);
	report.kind = kind_of(0, 0, 0x010802);
	strcpy(env.machine, "linux,dummy-virt");
	env.emulated = true;
	options.vectors = 1;
	options.nr_devices = 1;
	options.devices[0] = (struct pci_bdf){ .bus = 1 };
	assert_string_equal(title(),
			    "set title 'itsy bench device by uring: 1 vector of 0000:01:00.0'"
			    ".\"\\n\".'Linux 6.1, emulated: linux,dummy-virt'");
	options.nr_devices = 2;
	options.devices[1] = (struct pci_bdf){ .bus = 2 };
	assert_non_null(strstr(title(), " of 0000:01:00.0 and 0000:02:00.0'."));
	options.nr_devices = 3;
	assert_non_null(strstr(title(), " of 3 devices'."));
}

static void test_a_plot_script_draws_a_picture_of_its_own_name(void **state)
{
	char path[40], text[256] = "";
	FILE *f;

	(void)state;
	temporary(path);
	(void)unlink(path);
	strcat(path, ".gp");
	assert_int_equal(bench_write_plot(&report, path), 0);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), sizeof(text) - 1);
	(void)fclose(f);
	(void)unlink(path);
	strcpy(path + strlen(path) - 3, ".svg'");
	assert_non_null(strstr(text, "set terminal svg "));
	assert_non_null(strstr(text, path));
}

/* What bench_check_files() says of the options; "" for nothing. */
static const char *refused(int error)
{
	static struct failure failure;

	memset(&failure, 0, sizeof(failure));
	assert_int_equal(bench_check_files(&options, &failure), -error);
	return failure.cause;
}

static void test_files_that_cannot_be_written_are_refused_before_anything_is_measured(void **state)
{
	char path[40];

	(void)state;
	temporary(path);
	options.json = path;
	assert_string_equal(refused(0), "");
	(void)unlink(path);
	assert_string_equal(refused(0), "");
	assert_int_equal(access(path, F_OK), -1);
	options.json = "/nowhere/at/all";
	assert_non_null(strstr(refused(ENOENT), "cannot be written"));
	options.json = "/tmp";
	assert_non_null(strstr(refused(EISDIR), "cannot be written"));
	options.json = NULL;
	options.hgrm = "/nowhere/x";
	assert_non_null(strstr(refused(ENOENT), "cannot be written"));
	options.hgrm = path;
	options.plot = "/nowhere/x.gp";
	assert_non_null(strstr(refused(ENOENT), "cannot be written"));
	options.plot = "/tmp/x.jpg";
	assert_non_null(strstr(refused(EINVAL), ".svg and .png"));
}

static void test_a_picture_without_gnuplot_is_refused_before_anything_is_measured(void **state)
{
	_cleanup_free_ char *was = strdup(getenv("PATH"));

	(void)state;
	assert_non_null(was);
	options.plot = "/tmp/x.svg";
	assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
	assert_non_null(strstr(refused(ENOENT), "no gnuplot"));
	options.plot = "/tmp/x.gp";
	assert_string_equal(refused(0), "");
	assert_int_equal(setenv("PATH", was, 1), 0);
}

static void test_gnuplot_draws_what_it_is_told(void **state)
{
	static const struct {
		const char *end, *begins;
	} pictures[] = { { ".svg", "<?xml" }, { ".png", "\x89PNG" } };

	(void)state;
	if (system("command -v gnuplot >/dev/null 2>&1") != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(pictures); i++) {
		char path[40], text[8] = "";
		FILE *f;

		temporary(path);
		(void)unlink(path);
		strcat(path, pictures[i].end);
		assert_int_equal(bench_write_plot(&report, path), 0);
		f = fopen(path, "re");
		assert_non_null(f);
		assert_true(fread(text, 1, sizeof(text) - 1, f) > 4);
		(void)fclose(f);
		(void)unlink(path);
		assert_memory_equal(text, pictures[i].begins, strlen(pictures[i].begins));
	}
}

static void test_what_a_full_disk_did_not_take_is_an_error(void **state)
{
	(void)state;
	options.routes[ROUTE_URING] = false;
	assert_int_equal(bench_write_json(&report, "/dev/full"), -ENOSPC);
	assert_int_equal(bench_write_hgrm(&report, "/dev/full"), -ENOSPC);
	/* More than a buffer of stdio's: the last part is not the only one that can fail. */
	for (uint64_t v = 1; v <= 100000; v++)
		hist_record(&results[ROUTE_IRQFD].hist, v);
	assert_true(bench_write_hgrm(&report, "/dev/full") < 0);
}

static off_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void test_hgrm_files_are_named_by_the_routes_that_were_asked_for(void **state)
{
	static const struct {
		const char *asked, *uring;
	} names[] = {
		{ "x.hgrm", "x-uring.hgrm" }, { "x.y.txt", "x.y-uring.txt" }, { "x", "x-uring" },
		{ ".x", ".x-uring" },	      { "a.b/x", "a.b/x-uring" },
	};
	char dir[] = "/tmp/itsy-bench-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/a.b", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	/* A signal came before irqfd had its turn. */
	hist_init(&results[ROUTE_IRQFD].hist);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i].asked);
		assert_int_equal(bench_write_hgrm(&report, path), 0);
		assert_int_equal(access(path, F_OK), -1);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i].uring);
		/* What is there is overwritten. */
		assert_int_equal(truncate(path, 100000), 0);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i].asked);
		assert_int_equal(bench_write_hgrm(&report, path), 0);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i].uring);
		assert_true(file_size(path) > 0);
		assert_true(file_size(path) < 100000);
		assert_int_equal(unlink(path), 0);
	}
	/* Only one was asked for. */
	options.routes[ROUTE_IRQFD] = false;
	(void)snprintf(path, sizeof(path), "%s/x.hgrm", dir);
	assert_int_equal(bench_write_hgrm(&report, path), 0);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/a.b", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_a_burst_is_said_to_be_one(void **state)
{
	char *text;

	(void)state;
	options.burst = 16;
	text = printed(bench_print);
	assert_non_null(strstr(text, "(of bursts of 16, the time of the last one divided by 16)"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			test_the_table_has_a_row_for_each_route_with_its_ratio_to_irqfd, begin),
		cmocka_unit_test_setup(test_a_percentile_of_too_few_is_not_shown, begin),
		cmocka_unit_test_setup(test_a_table_of_times_with_five_digits_fits_into_80_columns,
				       begin),
		cmocka_unit_test_setup(test_what_is_no_time_of_hardware_is_said_to_be_none, begin),
		cmocka_unit_test_setup(test_a_host_without_io_uring_is_told, begin),
		cmocka_unit_test_setup(test_a_functions_round_trip_is_known_by_its_id_or_class,
				       begin),
		cmocka_unit_test_setup(test_the_heading_says_what_the_time_is_of, begin),
		cmocka_unit_test_setup(
			test_instructions_are_said_to_mean_nothing_where_the_device_has_its_own_thread,
			begin),
		cmocka_unit_test_setup(test_json_has_fios_names_and_bins_that_add_up, begin),
		cmocka_unit_test_setup(test_hgrm_ends_with_all_values_at_100_percent, begin),
		cmocka_unit_test_setup(
			test_the_plot_has_a_curve_for_each_route_and_quotes_what_it_names, begin),
		cmocka_unit_test_setup(test_a_plot_is_titled_by_what_was_measured_on_which_machine,
				       begin),
		cmocka_unit_test_setup(test_a_plot_script_draws_a_picture_of_its_own_name, begin),
		cmocka_unit_test_setup(
			test_files_that_cannot_be_written_are_refused_before_anything_is_measured,
			begin),
		cmocka_unit_test_setup(
			test_a_picture_without_gnuplot_is_refused_before_anything_is_measured,
			begin),
		cmocka_unit_test_setup(test_gnuplot_draws_what_it_is_told, begin),
		cmocka_unit_test_setup(test_what_a_full_disk_did_not_take_is_an_error, begin),
		cmocka_unit_test_setup(test_hgrm_files_are_named_by_the_routes_that_were_asked_for,
				       begin),
		cmocka_unit_test_setup(test_a_burst_is_said_to_be_one, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
