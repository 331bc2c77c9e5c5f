"""The programs of tools/ are imported by name."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "tools"))
