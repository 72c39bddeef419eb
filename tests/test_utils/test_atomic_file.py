# Copyright (c) mmevad authors. All rights reserved.
import os

import pytest
from mmengine.fileio import get_file_backend

from mmevad.utils.atomic_file import atomic_file


def test_error_leaves_the_old_content(tmp_path):
    path = tmp_path / 'new folder' / 'file'
    with atomic_file(path) as file:
        file.write(b'old')
    with pytest.raises(RuntimeError, match='on the way'):
        with atomic_file(path) as file:
            file.write(b'new')
            raise RuntimeError('on the way')
    assert path.read_bytes() == b'old'
    assert os.listdir(path.parent) == ['file']


def test_old_content_stays_until_the_new_is_complete(tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(b'old')
    with atomic_file(path) as file:
        file.write(b'new')
        file.flush()
        assert path.read_bytes() == b'old'
    assert path.read_bytes() == b'new'


def test_backend_of_mmengine(tmp_path):
    backend = get_file_backend(backend_args=dict(backend='atomic_local'))
    backend.put(b'content', str(tmp_path / 'file'))
    assert backend.get(str(tmp_path / 'file')) == b'content'
