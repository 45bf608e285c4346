// SPDX-License-Identifier: MIT
/* The program's entry; all else can be linked with tests. */
#include "vmm/cli.h"

int main(int argc, char **argv)
{
	return (int)cli_run(argc, argv);
}
