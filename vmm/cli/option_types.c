// SPDX-License-Identifier: MIT
/* What the values of options can be. No locks. */
#include "vmm/cli/option_types.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vfio/pci.h"
#include "vmm/base/bits.h"
#include "vmm/base/placement.h"

int option_flag(const struct command_line *line, const struct option_row *row, const char *value,
		void *member)
{
	(void)line;
	(void)row;
	(void)value;
	*(bool *)member = true;
	return 0;
}

int option_text(const struct command_line *line, const struct option_row *row, const char *value,
		void *member)
{
	(void)line;
	(void)row;
	*(const char **)member = value;
	return 0;
}

static int read_number(const struct command_line *line, const struct option_row *row,
		       const char *value, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && !errno && *ret >= row->min &&
	    *ret <= row->max)
		return 0;
	return option_error(line, "--%s is a number from %" PRIu64 " to %" PRIu64 ", not '%s'",
			    row->name, row->min, row->max, value);
}

int option_number(const struct command_line *line, const struct option_row *row, const char *value,
		  void *member)
{
	uint64_t n;

	if (read_number(line, row, value, &n) < 0)
		return -EINVAL;
	assert(row->size == sizeof(uint32_t) || row->size == sizeof(uint64_t));
	if (row->size == sizeof(uint32_t))
		*(uint32_t *)member = (uint32_t)n;
	else
		*(uint64_t *)member = n;
	return 0;
}

int option_cpu(const struct command_line *line, const struct option_row *row, const char *value,
	       void *member)
{
	uint64_t n;

	if (read_number(line, row, value, &n) < 0)
		return -EINVAL;
	*(int *)member = (int)n;
	return 0;
}

int option_placement(const struct command_line *line, const struct option_row *row,
		     const char *value, void *member)
{
	struct placement *p = member;

	if (option_cpu(line, row, value, &p->cpu) < 0)
		return -EINVAL;
	p->asked = true;
	return 0;
}

int option_root(const struct command_line *line, const struct option_row *row, const char *value,
		void *member)
{
	struct pci_host_fs *fs = member;
	size_t len = strlen(value);

	if (len >= sizeof(fs->root))
		return option_error(line, "--%s: the path is longer than %zu bytes", row->name,
				    sizeof(fs->root) - 1);
	memcpy(fs->root, value, len + 1);
	return 0;
}
