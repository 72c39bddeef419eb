# Copyright (c) mmevad authors. All rights reserved.
"""``mim run mmevad evad_demo``: runs demo/evad_demo.py.

mim looks for scripts in this folder.
"""
import os.path as osp
import runpy

if __name__ == '__main__':
    # an editable installation has links to these folders
    here = osp.dirname(osp.realpath(__file__))
    runpy.run_path(
        osp.join(here, '..', 'demo', 'evad_demo.py'), run_name='__main__')
