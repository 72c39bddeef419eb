# Copyright (c) mmevad authors. All rights reserved.
"""Options of a class are compared with its ``__init__`` when it is built."""
import difflib
import functools
import inspect
import re
import reprlib
import traceback
from typing import (Any, Callable, Dict, Iterable, List, NamedTuple, Sequence,
                    Set, get_type_hints)

import torch
from mmengine.registry import Registry
from torch import Tensor

from .annotations import describe, fits
from .errors import ConfigError, DataError

_TWICE = re.compile(r"multiple values for (?:keyword )?argument '(\w+)'")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY,
               inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Options(NamedTuple):
    """What a class can be built with.

    Attributes:
        parameters (dict[str, Parameter]): By name, also those that a base
            class gets through ``**kwargs``.
        hints (dict[str, Any]): Their annotations, as far as there are any.
        positional (list[str]): Names in the order of positional arguments.
        required (set[str]): Names without a default.
        is_open (bool): Whether any other name is taken too.
    """
    parameters: Dict[str, inspect.Parameter]
    hints: Dict[str, Any]
    positional: List[str]
    required: Set[str]
    is_open: bool


@functools.lru_cache(maxsize=None)
def options_of(cls: type) -> Options:
    """Options of a class and of the bases that it hands ``**kwargs`` to."""
    found = Options({}, {}, [], set(), False)
    takes_more = first = hands_args = True
    for base in cls.__mro__[:-1]:
        init = inspect.unwrap(vars(base).get('__init__', object.__init__))
        if init is object.__init__:
            continue
        try:
            hints = get_type_hints(init)
        except NameError:  # imported for type checkers only
            hints = {}
        own = list(inspect.signature(init).parameters.values())[1:]
        kinds = {parameter.kind for parameter in own}
        for parameter in own:
            name = parameter.name
            if parameter.kind in (parameter.VAR_POSITIONAL,
                                  parameter.VAR_KEYWORD):
                continue
            if hands_args and parameter.kind in _POSITIONAL:
                found.positional.append(name)
            if first and parameter.default is parameter.empty:
                found.required.add(name)
            if name not in found.parameters:
                found.parameters[name] = parameter
                found.hints[name] = hints.get(name, Any)
        takes_more = inspect.Parameter.VAR_KEYWORD in kinds
        hands_args &= inspect.Parameter.VAR_POSITIONAL in kinds
        first = False
        if not takes_more:
            break
    return found._replace(is_open=takes_more and not first)


def check_options(cls: type, args: Sequence, kwargs: Dict[str, Any]) -> None:
    """Compare arguments with the annotations of ``__init__``.

    Lists and tuples stand for each other, an integer for a number, but a
    bool for neither; numbers have to be finite. A default is always right.

    Args:
        cls (type): What is to be built.
        args (Sequence): Positional arguments.
        kwargs (dict): The others.

    Raises:
        ConfigError: If a name is unknown or missing, or a value of another
            type.
    """
    options = options_of(cls)
    given = {**dict(zip(options.positional, args)), **kwargs}
    for name in sorted(set(given) - set(options.parameters)):
        if not options.is_open:
            raise ConfigError(
                unknown_name(cls.__name__, name, options.parameters))
    missing = sorted(options.required - set(given))
    if missing:
        raise ConfigError(f'{cls.__name__} needs {", ".join(missing)}, which '
                          'has no default: add it to the config.')
    for name, value in given.items():
        if name not in options.parameters:
            continue
        hint = options.hints[name]
        if not fits(value, hint) and not _is_default(
                value, options.parameters[name].default):
            raise ConfigError(f'{cls.__name__} got {name}={shown(value)}; '
                              f'{name} must be {describe(hint)}.')


def unknown_name(owner: str, name: str, names: Iterable[str]) -> str:
    """A sentence for an option that does not exist."""
    names = sorted(names)
    near = difflib.get_close_matches(str(name), names, 1)
    hint = f'did you mean {near[0]}?' if near else (
        f'it takes {", ".join(names)}.' if names else 'it takes none.')
    return f'{owner} has no option {shown(name)}; {hint}'


def shown(value: Any) -> str:
    """A value in a line of a message."""
    try:
        return reprlib.repr(value)
    except ValueError:  # integers of thousands of digits have no repr
        return f'a {type(value).__name__} too long to show'


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and isinstance(
        value, (str, list, tuple, dict)) and value == default)


def with_checked_options(cls: type) -> type:
    """Class decorator: :func:`check_options` before ``__init__``.

    The signature stays. A class that inherits from another checked class is
    checked itself, and only itself. What ``__init__`` or a base class says
    about a value (a ``ValueError``, an ``AssertionError``) gets the name of
    the class in front.
    """
    init = cls.__init__

    @functools.wraps(init)
    def checked(self, *args, **kwargs) -> None:
        outer = vars(type(self)).get('__init__')
        if outer is checked or not hasattr(outer, 'checks_options'):
            check_options(cls, args, kwargs)
        try:
            init(self, *args, **kwargs)
        except DataError:
            raise
        except (AssertionError, ValueError) as error:
            raise ConfigError(f'{cls.__name__}: {_reason(error)}') from error
        except TypeError as error:
            twice = _TWICE.search(str(error))
            if twice is None or twice[1] not in kwargs:
                raise
            raise ConfigError(f'{cls.__name__} sets {twice[1]} itself: leave '
                              'it out of the config.') from error

    checked.checks_options = True
    if init is object.__init__:
        checked.__signature__ = inspect.signature(lambda self: None)
    cls.__init__ = checked
    return cls


def _reason(error: Exception) -> str:
    """What an error says, or the line of a silent assertion."""
    return str(error) or traceback.extract_tb(error.__traceback__)[-1].line


def check_registered(registries: Iterable[Registry], package: str) -> None:
    """Apply :func:`with_checked_options` to all classes of a package.

    Args:
        registries (Iterable[Registry]): Where they are registered.
        package (str): Name of the package.
    """
    for registry in registries:
        for cls in set(registry.module_dict.values()):
            own = getattr(cls, '__module__', '').split('.')[0] == package
            if own and isinstance(cls, type) and not hasattr(
                    vars(cls).get('__init__'), 'checks_options'):
                with_checked_options(cls)


def build_part(owner: Any, option: str, cfg: Dict[str, Any],
               registry: Registry) -> Any:
    """Build what an option configures, or say which option is wrong.

    Args:
        owner (Any): The module whose option it is.
        option (str): Its name.
        cfg (dict): Its value.
        registry (Registry): Where its type is.

    Raises:
        ConfigError: If the type is missing or unknown, or refuses its
            options.
    """
    owner = type(owner).__name__
    if not isinstance(cfg, dict):
        raise ConfigError(f'{owner} got {option}={shown(cfg)}; {option} must '
                          'be a dict.')
    kind = cfg.get('type')
    if kind is None or not isinstance(kind, (str, type)):
        raise ConfigError(f'{owner} got {option}={shown(dict(cfg))}; it must '
                          'name a type.')
    if isinstance(kind, str):
        try:
            kind = registry.get(kind)
        except (AssertionError, KeyError):
            kind = None
    if kind is None:
        raise ConfigError(f'{owner} got {option}.type={shown(cfg["type"])}, '
                          f'which is not among the registered '
                          f'{registry.name} types.')
    try:
        return registry.build(cfg)
    except (DataError, OSError, MemoryError):
        raise
    except (AssertionError, AttributeError, KeyError, TypeError,
            ValueError) as error:
        raise ConfigError(
            f'{owner}: {option} of type {kind.__name__} cannot be built from '
            f'its options ({first_line(error)}).') from error
    except RuntimeError as error:
        if 'allocate memory' not in str(error):
            raise
        raise ConfigError(
            f'{owner}: {option} of type {kind.__name__} does not fit into '
            f'memory ({first_line(error)}).') from error


def try_part(owner: Any, option: str, run: Callable[[], Tensor]) -> None:
    """Try what an option configures on a few numbers, when it is built.

    Args:
        owner (Any): The module whose option it is.
        option (str): Its name.
        run (callable): What the module will do with it.

    Raises:
        ConfigError: If that fails, or gives NaN or infinite numbers.
    """
    owner = type(owner).__name__
    if torch.empty(0).is_meta:  # there are no numbers on this device
        return
    try:
        with torch.no_grad():
            works = bool(run().isfinite().all())
    except (AssertionError, AttributeError, IndexError, KeyError,
            NotImplementedError, RuntimeError, TypeError, ValueError,
            ZeroDivisionError) as error:
        raise ConfigError(f'{owner} cannot use {option} '
                          f'({first_line(error)}).') from error
    if not works:
        raise ConfigError(f'{owner} gets NaN or infinite numbers from '
                          f'{option}.')


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return str(error).strip().split('\n')[0] or type(error).__name__
