# Copyright (c) mmevad authors. All rights reserved.
"""Names of samples, of their files and of their classes."""
import os.path as osp
import re
from typing import Any, List

from mmaction.structures import ActionDataSample

from mmevad.utils.errors import DataError


def sample_name(sample: ActionDataSample) -> str:
    """The video, and the keyframe if there is one.

    Raises:
        DataError: If the pipeline packs neither.
    """
    if 'video_name' in sample:
        return sample.video_name
    if 'video_id' not in sample or 'timestamp' not in sample:
        raise DataError('A picture needs a name: let PackActionInputs have '
                        "the meta_keys 'video_id' and 'timestamp'.")
    return f'{sample.video_id} {int(sample.timestamp):04d}'


def file_stem(name: str) -> str:
    """A sample's name without what a file's name cannot hold."""
    return re.sub(r'[^\w.-]+', '_', name)


def class_names(dataset: Any, num_classes: int) -> List[str]:
    """Names of a dataset's classes, without background.

    Args:
        dataset: Of mmaction2 or mmevad, also in wrappers; ``classes`` of its
            metainfo, else its ``label_file``.
        num_classes (int): Without background; for a label file.

    Returns:
        list[str]: Numbers if there is no source.
    """
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    classes = dataset.metainfo.get('classes')
    if classes is not None:
        return list(classes)
    # the inferencers draw pictures, too
    from mmevad.apis.action_names import find_action_names
    custom = getattr(dataset, 'custom_classes', None)
    return find_action_names(
        num_classes,
        dataset=dict(
            label_file=getattr(dataset, 'label_file', None),
            # mmaction2 puts the background in front
            custom_classes=custom and [i for i in custom if i]))


def picture_path(folder: str, name: str, ending: str = '') -> str:
    """Where the PNG file of a sample goes."""
    return osp.join(folder, f'{file_stem(name)}{ending}.png')
