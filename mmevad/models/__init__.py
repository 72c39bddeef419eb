# Copyright (c) mmevad authors. All rights reserved.
"""Models, one folder per pipeline."""
from .actionformer import *  # noqa: F401,F403
from .evad import *  # noqa: F401,F403
