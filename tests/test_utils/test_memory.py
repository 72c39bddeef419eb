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
done = keep_freed_memory()
for turn in range(8):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.zeros(6 << 20) for _ in range(4)]
    del blocks
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(done, faults)
"""


def run(**env):
    done = subprocess.run([sys.executable, '-c', FAULTS],
                          capture_output=True,
                          text=True,
                          check=True,
                          env=env)
    done, faults = done.stdout.split()
    return done, int(faults)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='for glibc only')
def test_keep_freed_memory():
    """96 MB that are freed and taken again cost few page faults."""
    done, faults = run()
    assert done == 'True' and faults < 2000
    assert run(MALLOC_ARENA_MAX='2')[0] == 'False'
