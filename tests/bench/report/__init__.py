# SPDX-License-Identifier: BSD-2-Clause
"""make report: experiments as JSON, and one HTML page of it (docs/report.md)."""
