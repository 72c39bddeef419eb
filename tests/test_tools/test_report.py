# Copyright (c) mmevad authors. All rights reserved.
"""What a report holds, without a browser."""
import importlib.util
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmevad.utils.errors import DataError
from mmevad.visualization.report import ReportOptions, build_report
from mmevad.visualization.report import page as report_page
from mmevad.visualization.report.media import pack_media, playable_mime
from mmevad.visualization.report.model_run import pack_tokens
from mmevad.visualization.report.scalars import MAX_POINTS, collect_scalars
from mmevad.visualization.token_probe import KeptTokens
from tests.test_apis.small import FPS, LENGTH, NAMES, frames, write_video
from .evad_clips import BOXES
from .report_runs import (HOSTILE, SEGMENTS, STAMP, TRUTH, evad_json,
                          make_evad_run, make_tal_run, write_json, write_logs,
                          write_webm)

SPEC = importlib.util.spec_from_file_location('report',
                                              'tools/analysis/report.py')
report = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(report)


class Elements(HTMLParser):
    """Start tags in order, and the text of each script by its id."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts, self._open = [], {}, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == 'script':
            self._open = dict(attrs).get('id', 'code')
            self.scripts.setdefault(self._open, '')

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open:
            self.scripts[self._open] += data


def data_of(built):
    return json.loads(Elements(built.page).scripts['data'])


@pytest.fixture(scope='module')
def tal(tmp_path_factory):
    return make_tal_run(tmp_path_factory.mktemp('tal'))


def test_predictions_and_truth_of_a_localizer(tal):
    run, video = tal
    built = build_report(ReportOptions(run, videos=[video]))
    data = data_of(built)
    assert sorted(data['classes']) == sorted(['run', HOSTILE])
    found = data['videos'][0]
    assert (found['name'], found['fps']) == ('w', FPS)
    assert found['duration'] == pytest.approx(LENGTH / FPS)

    def rows(segments):
        return [(x['start'], x['end'], data['classes'][x['label']], x['score'])
                for x in segments]

    best_first = sorted(SEGMENTS, key=lambda x: -x[3])
    assert rows(found['segments']) == best_first
    assert rows(found['truthSegments']) == [(*x, None) for x in TRUTH]
    assert data['table'] == [['run', 75.], [HOSTILE, 25.]]
    assert data['metrics']['values'] == [['mAP', .5]]  # AP is in the table
    assert [x.part for x in built.missing] == ['Training curves']
    assert found['media']['mime'] == 'video/webm'
    packed = json.loads(Elements(built.page).scripts['media-0'])
    assert len(packed) == 1
    assert len(packed[0]) == -(-os.path.getsize(video) // 3) * 4


def test_no_name_of_others_becomes_markup(tal):
    built = build_report(ReportOptions(tal[0]))
    elements = Elements(built.page)
    # title, data, frames and code; nothing from the label
    assert list(elements.scripts) == ['data', 'media-0', 'code']
    assert not any(tag == 'img' for tag, _ in elements.tags)
    assert 'window.hacked=1</script' not in built.page
    policy = next(attrs['content'] for tag, attrs in elements.tags
                  if attrs.get('http-equiv'))
    assert "default-src 'none'" in policy and 'unsafe' not in policy
    assert 'http:' not in built.page.replace('http://www.w3.org/2000/svg', '')
    assert 'https:' not in built.page


def test_every_asset_is_in_the_page_and_in_the_package():
    root = Path(report_page.__file__).parent / 'assets'
    scripts = {x.name for x in root.glob('*.js')}
    assert scripts == set(report_page.SCRIPTS)
    assert len(report_page.SCRIPTS) == len(scripts)
    manifest = Path('MANIFEST.in').read_text()
    packed = re.search('recursive-include mmevad (.*)', manifest).group(1)
    assert {f'*{x.suffix}' for x in root.iterdir()} <= set(packed.split())


def test_safe_json_survives_the_way_back():
    text = report_page.to_safe_json([HOSTILE, 'a&b\u2028', '<!--'])
    assert not re.search('[<>&\u2028]', text)
    assert json.loads(text) == [HOSTILE, 'a&b\u2028', '<!--']
    with pytest.raises(ValueError):
        report_page.to_safe_json([float('nan')])


def test_boxes_truth_and_tokens_of_a_detector(tmp_path):
    run, config, checkpoint = make_evad_run(tmp_path)
    built = build_report(
        ReportOptions(run, config=config, checkpoint=checkpoint, device='cpu'))
    data = data_of(built)
    assert data['classes'] == list(NAMES)
    found = data['videos'][0]
    people = [keyframe['people'] for keyframe in found['keyframes']]
    assert [len(x) for x in people] == [1, 2]
    assert people[0][0]['box'] == pytest.approx(BOXES[0], abs=1e-4)
    assert people[0][0]['actions'] == [[1, .8], [3, .35]]
    # timestamps 8 and 20 are the names of frames, which begin with 1
    truth = found['truthKeyframes']
    assert [x['frame'] for x in truth] == [7, 19]
    assert [[a for a, _ in x['actions']] for x in truth[1]['people']] == [[1],
                                                                          [2]]
    assert 'taken to be 12.5 per second' in found['media']['note']
    t, h, w = found['grid']['shape']
    assert found['grid']['cell'] == pytest.approx([16 / 128, 16 / 96])
    for keyframe in found['keyframes']:
        tokens = keyframe['tokens']
        assert len(tokens['frames']) == t and len(tokens['alive']) == t * h * w
        alive = np.array([int(x, 36) for x in tokens['alive']])
        last = len(found['grid']['layers'])
        slices = alive.reshape(t, -1)
        assert (slices[t // 2] == last).all()  # the keyframe is never pruned
        assert 0 < (alive < last).sum() < alive.size
    assert not built.missing[1:]  # AP by class is not logged


def test_ground_truth_alone_takes_its_time_from_the_frames(tmp_path):
    run, config, _ = make_evad_run(tmp_path)
    os.remove(os.path.join(run, 'v.json'))
    built = build_report(ReportOptions(run, config=config, fps=10.))
    found = data_of(built)['videos'][0]
    assert (found['name'], found['fps'], found['duration']) == ('v', 10., 3.)
    assert found['keyframes'] is None and len(found['truthKeyframes']) == 2
    assert {'Predictions', 'Kept tokens'} < {x.part for x in built.missing}


def test_tokens_are_counted_by_layer():
    kept = torch.ones(3, 1, 2, 1, 2, dtype=torch.bool)
    kept[1:, 0, 0, 0, 1] = False
    kept[2, 0, 1, 0, 0] = False
    found = pack_tokens(
        KeptTokens(['start', 'a', 'b'], kept), [np.array([4, 6, 8, 10])])[0]
    assert found == ('3123', [4, 8])


def test_curves_are_binned_and_resumed_runs_joined(tmp_path):
    write_logs(tmp_path / 'a')
    stamp = tmp_path / 'a' / STAMP
    found = collect_scalars([str(stamp)])
    assert found.binned == 1
    assert found.train['loss'].values == pytest.approx(
        [5 / i for i in range(1, 51)])
    assert [x['step'] for x in found.evaluations] == [1, 2]
    later = tmp_path / 'b' / 'vis_data'
    later.mkdir(parents=True)
    rows = [dict(loss=float(i), step=400 + i) for i in range(3000)]
    text = ''.join(json.dumps(x) + '\n' for x in rows)
    (later / 'scalars.json').write_text(text + '{"loss": 1.0, "st')
    found = collect_scalars([str(stamp), str(later.parent)])
    assert found.cut == [str(later / 'scalars.json')]
    steps, values = found.train['loss']
    assert len(steps) <= MAX_POINTS and steps == sorted(steps)
    assert found.binned == 8 and steps[-1] == 3399
    # 39 entries are left of the first start; the mean of all bins stays
    first = [5 / i for i in range(1, 40)]
    assert values[0] == pytest.approx(np.mean(first[:8]))
    assert values[10] == pytest.approx(np.mean(range(41, 49)))


def test_what_is_missing_is_told(tmp_path, capsys):
    (tmp_path / STAMP).mkdir()
    report.main([str(tmp_path)])
    out = capsys.readouterr().out
    for part in ('Ground truth', 'Training curves', 'Metrics', 'AP by class',
                 'Videos'):
        assert f'Not in the report: {part}. ' in out
    page = (tmp_path / 'report.html').read_text()
    data = json.loads(Elements(page).scripts['data'])
    assert len(data['missing']) == 5
    assert all(x['remedy'] for x in data['missing'])


@pytest.mark.parametrize('change, message', [
    (dict(fps=0), '"fps" is wrong'),
    (dict(width='wide'), '"width" is wrong'),
    (dict(keyframes=3), 'keyframes is no list'),
    (dict(keyframes=[dict(frame=1)]), r"keyframes\[0\]: 'actors' is missing"),
    (dict(keyframes=[
        dict(
            frame=1, actors=[dict(box=[1, 2, 3], person_score=1, actions={})])
    ]), r'keyframes\[0\]: not enough values'),
    (dict(segments=[dict(segment=[2, 1], label='a', score=1)],
          duration=3), r'segments\[0\]: the segment \[2, 1\] ends before'),
])
def test_broken_predictions_are_one_sentence(tmp_path, change, message):
    path = write_json(tmp_path / 'v.json', evad_json(**change))
    with pytest.raises(SystemExit, match=message) as error:
        report.main([str(tmp_path)])
    text = str(error.value)
    assert text.startswith(f'error: {path}') and '\n' not in text
    assert not (tmp_path / 'report.html').exists()


def test_other_bad_input_is_one_sentence(tmp_path, tal):
    for arguments, message in [
        ([str(tmp_path / 'none')], 'does not exist; give the work'),
        ([str(tmp_path)], 'holds nothing of a run'),
        ([tal[0], '--only', 'x'], "There is no video 'x'.*: w"),
        ([tal[0], '--config', 'none.py'], 'none.py does not exist'),
        ([tal[0], '--predictions', 'a.pkl'], 'a.pkl does not exist'),
        ([tal[0], '--predictions',
          str(Path(tal[0]).parent / 'truth.json')], 'holds no predictions'),
    ]:
        with pytest.raises(SystemExit, match=f'error: .*{message}'):
            report.main(arguments)
    path = write_logs(tmp_path)
    path.write_text('{"step": 1}\n{"st\n{"step": 2}\n')
    with pytest.raises(DataError, match='scalars.json, line 2: no JSON'):
        build_report(ReportOptions(str(tmp_path)))
    (tmp_path / 'cut.json').write_text('{"video": "v')
    with pytest.raises(DataError, match='cut.json is no valid JSON'):
        build_report(ReportOptions(str(tmp_path)))


def test_a_damaged_video_is_one_sentence(tmp_path, tal):
    path = tmp_path / 'w.mp4'
    path.write_bytes(b'no video' * 100)
    with pytest.raises(SystemExit, match='error: .*w.mp4 cannot be read'):
        report.main([tal[0], '--videos', str(path)])


def test_media_fits_its_limit(tmp_path):
    images = frames()
    write_webm(tmp_path / 'a.webm')
    write_video(tmp_path / 'b.mp4', images)  # MPEG-4, which browsers lack
    assert playable_mime(str(tmp_path / 'a.webm')) == 'video/webm'
    assert playable_mime(str(tmp_path / 'b.mp4')) is None
    whole = pack_media(str(tmp_path / 'b.mp4'), None, 10 << 20)
    assert (whole.kind, len(whole.data), whole.rate) == ('frames', LENGTH, FPS)
    assert 'do not play the codec' in whole.note
    size = os.path.getsize(tmp_path / 'a.webm')
    assert pack_media(str(tmp_path / 'a.webm'), None, size).kind == 'video'
    small = pack_media(str(tmp_path / 'a.webm'), None, size - 1)
    assert small.kind == 'frames' and 'over the limit' in small.note
    limit = whole.size // 4
    few = pack_media(str(tmp_path / 'b.mp4'), None, limit)
    assert few.size <= limit and 4 <= len(few.data) < 8
    step = round(FPS / few.rate)
    assert f'one of {step} frames ({few.rate:.3g} per second)' in few.note
    # the pictures are the frames that the note says
    import base64
    for i, picture in enumerate(few.data):
        raw = np.frombuffer(base64.b64decode(picture), np.uint8)
        image = cv2.imdecode(raw, cv2.IMREAD_COLOR)
        assert abs(int(image[5, 120, 0]) - 8 * i * step) < 6
