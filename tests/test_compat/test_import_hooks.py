# Copyright (c) mmevad authors. All rights reserved.
import importlib
import sys

import pytest

from mmevad.compat import import_hooks


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `hooked` on sys.path, with a sub-module `present`."""
    folder = tmp_path / 'hooked'
    folder.mkdir()
    (folder / '__init__.py').write_text('')
    (folder / 'present.py').write_text('value = 1\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield
    for name in [name for name in sys.modules if name.startswith('hooked')]:
        del sys.modules[name]


def test_provide_answers_only_for_what_is_missing(package):

    def fill(module):
        module.value = 2

    import_hooks.provide('hooked.absent', fill)
    import_hooks.provide('hooked.present', fill)
    assert importlib.import_module('hooked.absent').value == 2
    assert importlib.import_module('hooked.present').value == 1
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module('hooked.unknown')


def test_after_import_runs_once_after_the_module(package):
    seen = []
    import_hooks.after_import('hooked.present',
                              lambda module: seen.append(module.value))
    assert seen == []
    module = importlib.import_module('hooked.present')
    importlib.import_module('hooked.present')
    assert seen == [1]
    assert module.__spec__.loader.get_source('hooked.present') == 'value = 1\n'


def test_after_import_runs_at_once_if_already_imported(package):
    importlib.import_module('hooked.present')
    seen = []
    import_hooks.after_import('hooked.present',
                              lambda module: seen.append(module.value))
    assert seen == [1]
