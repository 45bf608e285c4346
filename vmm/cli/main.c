// SPDX-License-Identifier: MIT
/* The program's entry; all else can be linked with tests. */
#include "vmm/base/self.h"
#include "vmm/cli/cli.h"

int main(int argc, char **argv)
{
	self_keep_standard_files();
	return (int)cli_run(argc, argv);
}
