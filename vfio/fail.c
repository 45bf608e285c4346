// SPDX-License-Identifier: MIT
/*
 * Filling a struct vfio_fault: nothing is printed here, and nothing allocated.
 */
#include "vfio/fail.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

int vfio_fail(struct vfio_fault *fault, enum vfio_fault_code code, int err, const char *format, ...)
{
	va_list args;

	assert(err < 0);
	if (!fault)
		return err;

	*fault = (struct vfio_fault){ .code = code, .error = -err };
	va_start(args, format);
	(void)vsnprintf(fault->object, sizeof(fault->object), format, args);
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

void vfio_fault_other(struct vfio_fault *fault, const char *other)
{
	if (fault)
		vfio_copy_text(fault->other, sizeof(fault->other), other);
}

void vfio_fault_driver(struct vfio_fault *fault, const char *driver)
{
	if (fault)
		vfio_copy_text(fault->driver, sizeof(fault->driver), driver);
}

void vfio_fault_numbers(struct vfio_fault *fault, unsigned long long have, unsigned long long want)
{
	if (fault) {
		fault->have = have;
		fault->want = want;
	}
}
