# Copyright (c) mmevad authors. All rights reserved.
"""Freed memory is used again."""
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
import torch
from mmevad.utils.memory import keep_freed_memory
done = keep_freed_memory() if {keep} else None
for turn in range(6):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(48 << 20, dtype=torch.uint8).fill_(turn)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(done, faults)
"""


def run(keep, **env):
    done = subprocess.run(
        [sys.executable, '-c', FAULTS.format(keep=keep)],
        capture_output=True,
        text=True,
        check=True,
        env=env)
    done, faults = done.stdout.split()
    return done, int(faults)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='for glibc only')
def test_keep_freed_memory():
    """48 MB that are freed and taken again cost next to no page faults."""
    done, faults = run(True)
    assert done == 'True' and faults < 100
    assert run(False)[1] > 10 * faults
    assert run(True, MALLOC_ARENA_MAX='2')[0] == 'False'
