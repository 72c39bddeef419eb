# Copyright (c) mmevad authors. All rights reserved.
"""Packaging: everything ordinary is in setup.cfg; here is what mim needs.

``mim`` looks for configs, tools and the model index in ``mmevad/.mim`` of the
installed package. A wheel gets copies of them. An editable install gets links,
and, since its package is not in site-packages where mim looks, an absolute
path in ``top_level.txt``, which is what mim joins to site-packages.
"""
import os
import os.path as osp
import shutil
from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

ROOT = osp.dirname(osp.abspath(__file__))
PACKAGE = osp.join(ROOT, 'mmevad')
FOR_MIM = ('configs', 'demo', 'tools', 'model-index.yml', 'dataset-index.yml')


def copy(source: str, target: str) -> None:
    """Copy a file or a folder, replacing what an earlier build left."""
    if osp.isdir(target) and not osp.islink(target):
        shutil.rmtree(target)
    elif osp.lexists(target):
        os.remove(target)
    if osp.isdir(source):
        ignored = shutil.ignore_patterns('__pycache__', '*.pyc')
        shutil.copytree(source, target, ignore=ignored)
    else:
        shutil.copy2(source, target)


def link(source: str, target: str) -> None:
    """Link, or copy where the system does not let us."""
    if osp.islink(target):
        os.remove(target)
    try:
        os.symlink(osp.relpath(source, osp.dirname(target)), target)
    except OSError:
        copy(source, target)


def fill_mim_folder(folder: str, put) -> None:
    """Put everything that mim looks for into ``folder``/.mim."""
    os.makedirs(osp.join(folder, '.mim'), exist_ok=True)
    for name in FOR_MIM:
        source = osp.join(ROOT, name)
        if osp.exists(source):
            put(source, osp.join(folder, '.mim', name))


class BuildPyWithMim(build_py):

    def run(self) -> None:
        super().run()
        if getattr(self, 'editable_mode', False):
            fill_mim_folder(PACKAGE, link)
        else:
            fill_mim_folder(osp.join(self.build_lib, 'mmevad'), copy)


class EditableWheelWithMim(editable_wheel):

    def _ensure_dist_info(self) -> None:
        super()._ensure_dist_info()
        path = osp.join(self.dist_info_dir, 'top_level.txt')
        with open(path, 'w', encoding='utf-8') as file:
            # mim reads the first line, others look for the package's name
            file.write(f'{PACKAGE}\nmmevad\n')


def requirements(name: str) -> list:
    """Lines of requirements/<name>.txt, without comments."""
    path = osp.join(ROOT, 'requirements', f'{name}.txt')
    with open(path, encoding='utf-8') as file:
        lines = [line.split('#')[0].strip() for line in file]
    return [line for line in lines if line]


setup(
    install_requires=requirements('runtime'),
    extras_require={
        'mim':
        requirements('mim'),
        'optional':
        requirements('optional'),
        'tests':
        requirements('mim') + requirements('optional') + requirements('tests'),
    },
    cmdclass={
        'build_py': BuildPyWithMim,
        'editable_wheel': EditableWheelWithMim,
    })
