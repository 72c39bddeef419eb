# Copyright (c) mmevad authors. All rights reserved.
"""The report in a real browser, opened from a file."""
import shutil

import numpy as np
import pytest

from mmevad.visualization.report import ReportOptions, build_report
from tests.test_apis.small import FPS, HEIGHT, WIDTH
from .evad_clips import BOXES
from .report_pages import (bars, edge, grey_of_video, pixels, video_time,
                           wait_for_seek)
from .report_runs import HOSTILE, SEGMENTS, make_evad_run, make_tal_run

sync_api = pytest.importorskip(
    'playwright.sync_api', reason='needs pip install playwright')
CHROMIUM = next(
    filter(
        None,
        map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))),
    None)
FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run '
         '--disable-background-networking --disable-component-update '
         '--disable-sync').split()

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason='needs Chromium, as of apt-get install chromium')


@pytest.fixture(scope='module')
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def reports(tmp_path_factory):
    """Path of a report for each task."""
    root = tmp_path_factory.mktemp('reports')
    run, video = make_tal_run(root)
    pages = dict(tal=build_report(ReportOptions(run, videos=[video])).page)
    root = tmp_path_factory.mktemp('evad')
    run, config, checkpoint = make_evad_run(root)
    pages['evad'] = build_report(
        ReportOptions(run, config=config, checkpoint=checkpoint,
                      device='cpu')).page
    for name, text in pages.items():
        pages[name] = root / f'{name}.html'
        pages[name].write_text(text, encoding='utf-8')
    return pages


@pytest.fixture
def visit(browser, reports):
    """Open a report; whatever it loads or complains of fails the test."""
    opened, bad = [], []

    def go(name, **kwargs):
        page = browser.new_page(**kwargs)
        page.set_default_timeout(120000)
        opened.append(page)
        url = reports[name].as_uri()
        page.on(
            'request', lambda x: x.url.startswith(
                (url, 'data:', 'blob:')) or bad.append(x.url))
        page.on('console', lambda x: x.type == 'log' or bad.append(x.text))
        page.on('pageerror', lambda x: bad.append(str(x)))
        page.on('dialog', lambda x: bad.append(x.message))
        page.goto(url)
        page.wait_for_selector('.bar')
        return page

    yield go
    for page in opened:
        page.close()
    assert bad == []


def test_a_click_on_a_segment_seeks_in_the_video(visit):
    page = visit('tal')
    for start, _, _, score in (SEGMENTS[2], SEGMENTS[0]):
        page.locator('.bar', has_text=f'{score:.2f}').click()
        wait_for_seek(page)
        assert video_time(page) == pytest.approx(start, abs=.5 / FPS)
        grey = grey_of_video(page)
        assert abs(grey - 8 * int(start * FPS + 1e-6)) <= 10
        assert page.inner_text('#clock').startswith(f'{start:.2f} s of 2.40')
    page.locator('#details button').nth(1).click()
    assert video_time(page) == pytest.approx(SEGMENTS[2][0], abs=.5 / FPS)
    rows = page.locator('#details tr.now').all_text_contents()
    assert len(rows) == 2  # two of the three, and no ground truth
    overlap = page.locator('#details tbody tr').nth(0).locator('td').nth(5)
    assert float(overlap.inner_text()) == pytest.approx(.56 / .64, abs=.006)


def test_scrubbing_moves_the_video_and_the_line(visit):
    page = visit('tal')
    track = page.locator('#rows .track').first
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    # on the bare background of the track, right of its segments
    y = box['y'] + box['height'] - 2
    page.mouse.move(box['x'] + .9 * box['width'], y)
    page.mouse.down()
    for share in (.85, .5):
        page.mouse.move(box['x'] + share * box['width'], y, steps=3)
        wait_for_seek(page)
        assert video_time(page) == pytest.approx(share * 2.4, abs=.02)
        line = page.locator('#playhead').bounding_box()
        middle = line['x'] + line['width'] / 2
        assert middle == pytest.approx(
            box['x'] + share * box['width'], abs=2.5)
    page.mouse.up()
    page.mouse.move(box['x'], y)
    assert video_time(page) == pytest.approx(1.2, abs=.02)
    page.locator('#scrub').fill('0.8')
    assert video_time(page) == pytest.approx(.8, abs=.01)


def test_filters_by_class_and_score(visit):
    page = visit('tal')
    assert sorted(bars(page)) == ['0.40', '0.70', '0.90']
    page.locator('#score').fill('0.5')
    assert sorted(bars(page)) == ['0.70', '0.90']
    assert 'Segments: 2 predicted, 2 annotated' in page.inner_text('#videos')
    page.locator('#classes label', has_text='run').locator('input').uncheck()
    assert bars(page) == ['0.70']
    assert page.locator('#rows .row').count() == 1
    page.click('#none')
    assert bars(page) == [] and page.locator('#rows .row').count() == 0
    page.click('#all')
    page.locator('#score').fill('0')
    assert len(bars(page)) == 3
    page.locator('#show-predictions').uncheck()
    assert bars(page) == [] and page.locator('.bar.truth').count() == 2


def test_names_from_files_are_shown_as_text(visit):
    page = visit('tal')
    assert page.evaluate('window.hacked') is None
    assert page.locator('img').count() == 0
    for place in ('#classes', '#details', '#tables', '#rows'):
        assert HOSTILE in page.locator(place).text_content()


def test_boxes_are_drawn_where_they_are(visit):
    page = visit('evad')
    page.locator('#show-truth').uncheck()
    page.keyboard.press('n')
    assert page.inner_text('#clock').endswith('frame 7')
    picture = pixels(page)
    assert picture.shape[1] / picture.shape[0] == pytest.approx(
        WIDTH / HEIGHT, abs=.01)
    first = edge(picture, BOXES[0])
    color = first[..., 3] == 255
    assert color.any() and not color.all()  # a line
    # of class 1, as in the legend
    swatch = page.locator(
        '#classes label', has_text='Biking').locator('.swatch').evaluate(
            'x => getComputedStyle(x).backgroundColor')
    wanted = [int(x) for x in swatch[4:-1].split(',')]
    assert np.abs(first[color][:, :3].astype(int) - wanted).max() < 12
    assert not edge(picture, BOXES[1])[..., 3].any()
    page.keyboard.press('n')
    picture = pixels(page)
    assert edge(picture, BOXES[0])[..., 3].any()
    assert edge(picture, BOXES[1])[..., 3].any()
    page.locator('#score').fill('0.7')  # the first has 0.6
    picture = pixels(page)
    assert not edge(picture, BOXES[0])[..., 3].any()
    assert edge(picture, BOXES[1])[..., 3].any()
    page.locator(
        '#classes label', has_text='Fencing').locator('input').uncheck()
    assert not pixels(page)[..., 3].any()


def test_dropped_tokens_are_dark(visit):
    page = visit('evad')
    page.locator('#show-truth').uncheck()
    page.click('#none')
    data = page.evaluate(
        "JSON.parse(document.getElementById('data').textContent)")
    found = data['videos'][0]
    slices, rows, columns = found['grid']['shape']
    keyframe = found['keyframes'][1]
    alive = np.array([int(x, 36) for x in keyframe['tokens']['alive']])
    alive = alive.reshape(slices, rows, columns)
    last = len(found['grid']['layers']) - 1
    page.locator('#tokens').select_option(str(last))
    # the clip of the other keyframe covers the frames that are nearer to it
    parts = [(i, x) for i, x in enumerate(keyframe['tokens']['frames'])
             if x > (19 + 7) / 2]
    assert len(parts) == 3
    for part, frame in parts:
        page.locator('#scrub').fill(str((frame + .5) / FPS))
        picture = pixels(page)[..., 3]
        height, width = picture.shape
        x = (np.arange(columns) + .5) * found['grid']['cell'][0] * width
        y = (np.arange(rows) + .5) * found['grid']['cell'][1] * height
        inside = picture[y.astype(int)[:, None], x.astype(int)]
        np.testing.assert_array_equal(inside > 150, alive[part] <= last)
    kept = (alive > last).sum()
    assert page.inner_text('#tokens-note').startswith(
        f'{kept} of {alive.size} tokens of the clip are left')


def test_the_keyboard_is_enough(visit):
    page = visit('evad')

    def frame():
        return int(page.inner_text('#clock').rsplit(' ', 1)[1])

    page.keyboard.press('ArrowRight')
    page.keyboard.press('ArrowRight')
    assert frame() == 2
    page.keyboard.press('ArrowLeft')
    assert frame() == 1
    page.keyboard.press('Shift+ArrowRight')
    assert frame() == 14  # from 1.5 by 12.5
    page.keyboard.press('p')
    assert frame() == 7
    page.keyboard.press('End')
    assert frame() == 30
    page.keyboard.press('Home')
    assert frame() == 0
    page.keyboard.press(' ')
    page.wait_for_function(
        "() => document.getElementById('clock').textContent[0] !== '0' || "
        "document.getElementById('clock').textContent[2] !== '0'")
    assert page.inner_text('#play') == 'Pause'
    page.keyboard.press(' ')
    assert page.inner_text('#play') == 'Play'
    stopped = page.inner_text('#clock')
    page.wait_for_timeout(200)
    assert page.inner_text('#clock') == stopped


def test_curves_have_their_values(visit):
    page = visit('evad')
    titles = page.locator('#charts h3').all_text_contents()
    assert titles == [
        'Loss', 'Parts of the loss', 'Validation', 'Learning rate',
        'Seconds per iteration'
    ]
    chart = page.locator('#charts svg').first
    assert len(chart.locator('polyline').get_attribute('points').split()) == 50
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box['x'] + .95 * box['width'], box['y'] + 40)
    assert page.locator('#charts .legend').first.inner_text().split() == [
        'loss', '0.1'
    ]


@pytest.mark.parametrize('name', ('tal', 'evad'))
def test_a_narrow_window_does_not_scroll_sideways(visit, name):
    page = visit(
        name, viewport=dict(width=360, height=700), color_scheme='dark')
    width = page.evaluate('document.documentElement.scrollWidth')
    assert width <= 360
