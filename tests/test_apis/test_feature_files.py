# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest

from mmevad.apis import feature_files


def test_an_array_is_there_completely_or_not_at_all(tmp_path, monkeypatch):
    features = np.arange(6, dtype=np.float32).reshape(3, 2)
    settings = dict(feat_stride=2)
    write = feature_files.write_features
    write(str(tmp_path / 'new'), 'a', features, dict(settings=settings))
    assert feature_files.is_done(str(tmp_path / 'new'), 'a', settings)

    def fail(file, array):
        file.write(b'half')
        raise OSError('No space left on device')

    monkeypatch.setattr(feature_files.np, 'save', fail)
    for name in ('a', 'b'):
        with pytest.raises(OSError, match='No space left'):
            write(str(tmp_path / 'new'), name, features, dict(settings={}))
    monkeypatch.undo()
    names = sorted(path.name for path in (tmp_path / 'new').iterdir())
    assert names == ['a.json', 'a.npy', 'b.json']
    np.testing.assert_array_equal(np.load(tmp_path / 'new/a.npy'), features)
    assert not feature_files.is_done(str(tmp_path / 'new'), 'b', settings)
