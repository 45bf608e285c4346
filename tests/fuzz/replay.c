// SPDX-License-Identifier: MIT
/*
 * Runs inputs of a fuzzer without libFuzzer, for compilers that have none and for
 * coverage: each argument is a file, or a folder of files. Exit 0, or 1 where one
 * cannot be read; what a fuzzer finds ends the process.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/fuzz/input.h"
#include "vmm/base/cleanup.h"

#define FILE_MAX (1u << 20)

static int replay_file(const char *path)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	_cleanup_free_ uint8_t *data = malloc(FILE_MAX);
	size_t size;

	if (!f || !data) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, FILE_MAX, f);
	return LLVMFuzzerTestOneInput(data, size);
}

static int replay_folder(const char *path)
{
	_cleanup_dir_ DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = dir ? 0 : 1;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *file = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
			return 1;
		r |= replay_file(file);
	}
	return r;
}

int main(int argc, char **argv)
{
	int r = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			r |= replay_folder(argv[i]);
		else
			r |= replay_file(argv[i]);
	}
	return r;
}
