"""Loads scripts of tools/ and runs them on wrong files."""
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load_tool(name):
    """Module of tools/``name``."""
    path = ROOT / 'tools' / name
    spec = importlib.util.spec_from_file_location(f'{path.stem}_tool', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Evil:
    """Pickled, it asks the reader to make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path, )


def refusal(tool, capsys, source, target, *args):
    """The message with which a tool refuses; nothing may be written."""
    with pytest.raises(SystemExit) as error:
        tool.main([str(arg) for arg in (source, target, *args)])
    assert error.value.code == 1
    folder = Path(target).parent
    assert not [p for p in folder.iterdir() if p.name.startswith('ours')]
    return capsys.readouterr().err
