# Copyright (c) mmevad authors. All rights reserved.
import errno
import re

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from mmevad.utils.errors import DataError
from mmevad.utils.failures import explain, explained


class Faulty(Dataset):
    """Its third item cannot be had."""

    def __init__(self, fault):
        self.fault = fault

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == 2:
            self.fault()
        return index


def no_memory():
    np.empty(1 << 50, np.uint8)


def no_memory_for_torch():
    torch.empty(1 << 50)


def bad_data():
    raise DataError('a.csv, row 3: the box is empty: correct it.')


def denied():
    raise PermissionError(errno.EACCES, 'Permission denied', '/data/a.npy')


@pytest.mark.parametrize('fault, sentence', [
    (no_memory, r'A data loading worker ran out of memory \(Unable to '
     r'allocate 1.00 PiB.*\); lower batch_size, or num_workers, or use a '
     'machine with more.'),
    (no_memory_for_torch, r'A data loading worker ran out of memory \(.*\); '
     'lower batch_size, or num_workers, or use a machine with more.'),
    (bad_data, 'a.csv, row 3: the box is empty: correct it.'),
    (denied, 'Permission denied: /data/a.npy; change its permissions or '
     'choose another place.'),
])
def test_faults_of_a_worker(fault, sentence):
    with pytest.raises(Exception) as error:
        list(DataLoader(Faulty(fault), num_workers=1))
    found = explain(error.value, 'work')
    assert re.fullmatch(sentence, found), found


@pytest.mark.parametrize('error, sentence', [
    (OSError(errno.ENOSPC, 'No space left on device'),
     'No space left on device: work; make room on the disk.'),
    (OSError(errno.EROFS, 'Read-only file system', '/mnt/x'),
     'Read-only file system: /mnt/x; choose a folder on a disk that can be '
     'written to.'),
    (MemoryError(), 'The program ran out of memory; lower batch_size or use '
     'a machine with more.'),
    (RuntimeError('DataLoader worker (pid(s) 7, 8) exited unexpectedly'),
     'A data loading worker (process 7, 8) exited unexpectedly; if memory was '
     'short, lower num_workers or batch_size of the data loader.'),
    (RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed. '),
     'A data loading worker (process 7) is killed by signal: Killed; if '
     'memory was short, lower num_workers or batch_size of the data loader.'),
    (OSError(errno.EEXIST, 'File exists'), None),
    (RuntimeError('size mismatch'), None),
])
def test_faults_of_the_program(error, sentence):
    assert explain(error, 'work') == sentence


def test_other_errors_keep_their_traceback():
    with pytest.raises(RuntimeError, match='size mismatch'):
        with explained('work'):
            raise RuntimeError('size mismatch')
    with pytest.raises(SystemExit, match='room.*go on with --resume'):
        with explained('work', resume=True):
            raise OSError(errno.ENOSPC, 'No space left on device')
