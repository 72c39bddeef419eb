# Copyright (c) mmevad authors. All rights reserved.
"""Seeds of many independent streams."""
import random

import numpy as np
import torch


def seed_everything(seed: int, *stream: int) -> None:
    """Seed ``random``, NumPy and PyTorch (all devices).

    Args:
        seed (int): Of the run.
        *stream (int): Not negative; different numbers give independent
            streams.
    """
    words = np.random.SeedSequence([seed,
                                    *stream]).generate_state(4, np.uint32)
    random.seed(int(words[0]))
    np.random.seed(words[1])
    torch.manual_seed((int(words[2]) << 32) | int(words[3]))
