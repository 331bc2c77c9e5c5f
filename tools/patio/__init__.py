# SPDX-License-Identifier: BSD-2-Clause
"""Nodes in emulators, the machines and networks beside them: used by the programs in tools/, the
tests and the benchmarks."""
