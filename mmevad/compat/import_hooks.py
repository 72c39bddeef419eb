# Copyright (c) mmevad authors. All rights reserved.
"""Two import hooks, the only machinery the other files here need.

``provide`` answers for a module that nothing else can import; ``after_import``
runs a function on a module once it has been executed. Both are lazy: nothing
is imported before somebody asks for it.
"""
import importlib.util
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Callable, Dict, List

Fill = Callable[[ModuleType], None]


class _FillLoader(Loader):
    """Makes an empty module and lets ``fill`` put names into it."""

    def __init__(self, fill: Fill) -> None:
        self.fill = fill

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        self.fill(module)


class _ProvidingFinder(MetaPathFinder):
    """Stands last in ``sys.meta_path``: asked only if all others failed."""

    def __init__(self) -> None:
        self.fills: Dict[str, Fill] = {}

    def find_spec(self, name, path=None, target=None):
        fill = self.fills.get(name)
        if fill is None:
            return None
        return ModuleSpec(
            name, _FillLoader(fill), origin='mmevad.compat', is_package=True)


class _ThenLoader(Loader):
    """A module's own loader, followed by callbacks."""

    def __init__(self, loader: Loader, callbacks: List[Fill]) -> None:
        self.loader = loader
        self.callbacks = callbacks

    def __getattr__(self, name: str):
        # get_source, is_package, ...: tracebacks and linecache want them
        return getattr(self.loader, name)

    def create_module(self, spec: ModuleSpec):
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        for callback in self.callbacks:
            callback(module)


class _WatchingFinder(MetaPathFinder):
    """Stands first in ``sys.meta_path``, but only knows the watched names."""

    def __init__(self) -> None:
        self.callbacks: Dict[str, List[Fill]] = {}

    def find_spec(self, name, path=None, target=None):
        callbacks = self.callbacks.pop(name, None)
        if callbacks is None:
            return None
        # popped above, so this search does not come back here
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        spec.loader = _ThenLoader(spec.loader, callbacks)
        return spec


_provider = _ProvidingFinder()
_watcher = _WatchingFinder()


def provide(name: str, fill: Fill) -> None:
    """Let ``import name`` succeed where no other finder knows ``name``.

    Args:
        name: Full dotted module name; its parent must be importable.
        fill: Called with the new, empty module when it is first imported.
    """
    _provider.fills[name] = fill
    if _provider not in sys.meta_path:
        sys.meta_path.append(_provider)


def after_import(name: str, callback: Fill) -> None:
    """Call ``callback(module)`` once module ``name`` has been executed.

    At once if it is imported already.
    """
    if name in sys.modules:
        callback(sys.modules[name])
        return
    _watcher.callbacks.setdefault(name, []).append(callback)
    if _watcher not in sys.meta_path:
        sys.meta_path.insert(0, _watcher)
