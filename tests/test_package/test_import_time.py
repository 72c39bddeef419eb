# Copyright (c) mmevad authors. All rights reserved.
"""``import mmevad`` is little work on top of ``import mmaction.models``."""
import subprocess
import sys

# what only some of the plugin's functions need; each takes 0.1 to 1 s
HEAVY = ('av', 'decord', 'h5py', 'imageio', 'moviepy', 'pandas', 'sklearn',
         'tensorboard', 'torch._dynamo', 'torch._inductor', 'triton')
CODE = '''
import sys
import mmengine.runner  # with older PyTorch that takes its compiler
before = set(sys.modules)
import mmevad
print(*(name for name in {names} if name in set(sys.modules) - before))
'''


def test_heavy_modules_are_imported_when_needed():
    found = subprocess.run(
        [sys.executable, '-c', CODE.format(names=HEAVY)],
        check=True,
        capture_output=True,
        text=True).stdout.split()
    assert not found
