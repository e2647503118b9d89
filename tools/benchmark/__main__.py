# SPDX-License-Identifier: LGPL-2.1-or-later
"""Started by tools/bench."""

import sys

from .cli import main

sys.exit(main())
