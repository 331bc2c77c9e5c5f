# SPDX-License-Identifier: BSD-2-Clause
"""Nodes in emulators, and what stands around them: for the programs in tools/, the tests and the
benches."""
