# Copyright (c) mmevad authors. All rights reserved.
"""One HTML file that shows what a run has left behind.

``run_folder`` finds the files of a run, ``scalars`` reads curves and metrics,
``predictions``, ``ground_truth`` and ``model_run`` what there is of each
video, ``media`` packs its frames, ``page`` writes the file; ``build`` wires.
"""
from .build import ReportOptions, build_report

__all__ = ['ReportOptions', 'build_report']
