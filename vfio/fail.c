// SPDX-License-Identifier: MIT
/*
 * Filling a struct vfio_failure: nothing is printed here, and nothing allocated.
 */
#include "vfio/fail.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

int vfio_fail(struct vfio_failure *failure, enum vfio_failure_code code, int err,
	      const char *format, ...)
{
	va_list args;

	assert(err < 0);
	if (!failure)
		return err;

	*failure = (struct vfio_failure){ .code = code, .error = -err };
	va_start(args, format);
	(void)vsnprintf(failure->object, sizeof(failure->object), format, args);
	va_end(args);
	return err;
}

void vfio_copy_text(char *buf, size_t size, const char *text)
{
	size_t len = strlen(text);

	assert(size > 0);
	if (len > size - 1)
		len = size - 1;
	memcpy(buf, text, len);
	buf[len] = '\0';
}

void vfio_failure_other(struct vfio_failure *failure, const char *other)
{
	if (failure)
		vfio_copy_text(failure->other, sizeof(failure->other), other);
}

void vfio_failure_driver(struct vfio_failure *failure, const char *driver)
{
	if (failure)
		vfio_copy_text(failure->driver, sizeof(failure->driver), driver);
}

void vfio_failure_numbers(struct vfio_failure *failure, unsigned long long have,
			  unsigned long long want)
{
	if (failure) {
		failure->have = have;
		failure->want = want;
	}
}
