#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fuzzers.sh - each fuzzer for a few seconds, from the kept corpus (part of make test)

exec "$(dirname "${BASH_SOURCE[0]}")/../../scripts/fuzz" --smoke
