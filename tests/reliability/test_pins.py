# Copyright (c) mmevad authors. All rights reserved.
"""The versions that `make` installs: exact, complete, none known to be bad."""
import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

FOLDER = Path(__file__).parents[2] / 'requirements'
LOCKS = {'lock.txt': '3.12', 'lock-py39.txt': '3.9'}
# the first version without an advisory that is known to us
FLOORS = {
    'certifi': '2024.7.4',  # CVE-2024-39689, a root that is not trusted
    'filelock': '3.20.3',  # CVE-2025-68146, CVE-2026-22701, links
    'fonttools': '4.60.2',  # CVE-2025-66034, writes anywhere
    'idna': '3.7',  # CVE-2024-3651, time
    'jinja2': '3.1.6',  # CVE-2025-27516, code
    'markdown': '3.8.1',  # CVE-2025-69534, time
    'pillow': '12.1.1',  # CVE-2026-25990, writes out of bounds
    'pytest': '9.0.3',  # CVE-2025-71176, names in /tmp
    'pyyaml': '5.4',  # CVE-2020-14343, code
    'requests': '2.32.4',  # CVE-2024-47081, passwords of .netrc
    'setuptools': '78.1.1',  # CVE-2025-47273, writes anywhere
    'tqdm': '4.66.3',  # CVE-2024-34062, code from the command line
    'urllib3': '2.6.3',  # CVE-2025-66471, CVE-2026-21441, zip bombs
    'wheel': '0.46.2',  # CVE-2026-24049, rights of files
    'zipp': '3.19.1',  # CVE-2024-5569, time
}
# the last that Python 3.9 can install; none of it is reached with files of
# others: links in shared folders, .psd pictures, pytest on shared machines
STAY_BEHIND = {'lock-py39.txt': {'filelock', 'pillow', 'pytest'}}
# asked for, but taken from elsewhere or not needed, see the locks' heads
ELSEWHERE = {
    'torch', 'torchvision', 'opencv-python', 'opencv-contrib-python', 'mmcv',
    'opendatalab', 'openxlab', 'pip'
}
TORCH = Version('2.6')  # CVE-2025-32434: code in torch.load(weights_only=True)


def pins(name):
    """Version by canonical name; every line is name==version."""
    found = {}
    for line in (FOLDER / name).read_text().split('\n'):
        # some packages are left out for some versions of Python
        line = re.split('[#;]', line)[0].strip()
        if not line:
            continue
        match = re.fullmatch(r'([\w.-]+)==([\w.]+)', line)
        assert match, f'{name}: {line!r} is no exact pin'
        key = canonicalize_name(match[1])
        assert key not in found, f'{name}: {key} is there twice'
        found[key] = Version(match[2])
    return found


def wanted(name):
    """Requirements of a file, without comments."""
    lines = (FOLDER / name).read_text().split('\n')
    return [
        Requirement(x.split('#')[0]) for x in lines if x.split('#')[0].strip()
    ]


@pytest.mark.parametrize('lock', LOCKS)
def test_locks_have_what_the_package_asks_for(lock):
    found = pins(lock)
    for name in ('runtime.txt', 'mim.txt', 'optional.txt', 'build.txt',
                 'tests.txt'):
        for item in wanted(name):
            key = canonicalize_name(item.name)
            if key in ELSEWHERE or key == 'docformatter':  # used by hand
                continue
            # what is optional may be missing
            assert key in found or name == 'optional.txt', key
            if key in found:
                assert item.specifier.contains(found[key]), item


@pytest.mark.parametrize('lock, python', LOCKS.items())
def test_locked_packages_agree_with_each_other(lock, python):
    found, problems = pins(lock), []
    environment = dict(python_version=python, extra='')
    for name in found:
        try:
            if Version(version(name)) != found[name]:
                continue  # the other lock is installed
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        for line in lines:
            item = Requirement(line)
            if item.marker and not item.marker.evaluate(environment):
                continue
            key = canonicalize_name(item.name)
            if key in ELSEWHERE or '; extra' in line:
                continue
            if key not in found:
                problems.append(f'{name} needs {key}')
            elif not item.specifier.contains(found[key], prereleases=True):
                problems.append(f'{name} needs {item}, not {found[key]}')
    assert problems == []


@pytest.mark.parametrize('lock', LOCKS)
def test_no_pin_has_a_known_hole(lock):
    found = pins(lock)
    behind = {
        name
        for name, floor in FLOORS.items() if found[name] < Version(floor)
    }
    assert behind == STAY_BEHIND.get(lock, set())


def test_torch_reads_weights_safely():
    for item in wanted('torch.txt'):
        (pin, ) = item.specifier
        assert Version(pin.version) >= TORCH
