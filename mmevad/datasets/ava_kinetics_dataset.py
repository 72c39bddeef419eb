# Copyright (c) mmevad authors. All rights reserved.
"""AVA together with ten-second clips of Kinetics."""
import re
from typing import List, Tuple

from mmaction.registry import DATASETS

from mmevad.utils.errors import DataError
from .ava_checks import keyframe_number
from .ava_dataset import CheckedAVADataset


@DATASETS.register_module()
class CheckedAVAKineticsDataset(CheckedAVADataset):
    """CheckedAVADataset in which each clip has its own first second.

    A ``video_id`` that ends in ``_<start>_<end>``, six digits each, as the
    clips of Kinetics do that mmaction2's ``cut_kinetics.py`` makes, begins at
    that second of the video in which timestamps count; any other begins at
    ``timestamp_start``, as in AVA.

    Use this and not mmaction2's ``AVAKineticsDataset``: that gives all videos
    the length of the one in the last row of the file, so that after a row of
    Kinetics all keyframes of AVA come from the first ten seconds.

    All arguments are those of :class:`CheckedAVADataset`; frames only.

    Raises:
        DataError: As there, and if a timestamp lies outside its clip.
    """

    def load_data_list(self) -> List[dict]:
        """Load annotations and fit each to its clip."""
        if not self.use_frames:
            raise DataError('CheckedAVAKineticsDataset reads frames; extract '
                            'them and set use_frames=True.')
        data_list = super().load_data_list()
        for info in data_list:
            start, end = self._seconds(info['video_id'])
            if not start <= info['timestamp'] <= end:
                raise DataError(
                    f'{self.ann_file}: timestamp {info["timestamp"]} of '
                    f'{info["video_id"]} lies outside its seconds {start} to '
                    f'{end}; correct the row or the name of the clip.')
            info['shot_info'] = (0, (end - start) * self._FPS)
        return data_list

    def get_data_info(self, idx: int) -> dict:
        """An item; its timestamps count as those of its own clip."""
        info = super().get_data_info(idx)
        start, end = self._seconds(info['video_id'])
        info.update(timestamp_start=start, timestamp_end=end)
        return info

    def _seconds(self, video: str) -> Tuple[int, int]:
        """First and last second of a clip."""
        clip = re.search(r'._(\d{6})_(\d{6})$', video)
        if clip is None:
            return self.timestamp_start, self.timestamp_end
        return int(clip.group(1)), int(clip.group(2))

    def _keyframe(self, info: dict) -> int:
        return keyframe_number(info['timestamp'], self._FPS,
                               self._seconds(info['video_id'])[0],
                               self.start_index)
