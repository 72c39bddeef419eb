# Copyright (c) mmevad authors. All rights reserved.
"""Files that run code or take all memory, by name and kind.

Each is a few kilobytes; code would make the file of :data:`CANARY`.
"""
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict

import numpy as np
import torch

CANARY = 'MMEVAD_CANARY'
DEEP = 100_000


class _Runs:
    """Pickled, it asks the reader to run a command."""

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


def _command():
    return f'touch {os.environ[CANARY]}'


def _object_array():
    array = np.empty(1, dtype=object)
    array[0] = _Runs(os.system, _command())
    return array


def _doubling(make):
    data = ['lol']
    for _ in range(60):
        data = make(data)
    return data


def _key_of_nested_tuples():
    # {(((..),(..)),..): 1}: hashing the key takes 2 ** 60 steps
    return b'\x80\x02}(K\x01K\x01\x86' + b'2\x86' * 60 + b'K\x01u.'


def _array(shape, dtype='f8'):
    """An empty array that calls itself large."""
    raw = pickle.dumps(np.zeros(0, dtype), 2)
    return raw.replace(b'K\x00\x85', b'J' + struct.pack('<i', shape) + b'\x85')


def _same_bytes_again(times=30_000, size=2**20):
    """A list of arrays of the same megabyte."""
    head = b'\x80\x02]('
    data = b'X' + struct.pack('<I', size) + b'a' * size + b'q\x01'
    call = b'c_codecs\nencode\n%bX\x06\x00\x00\x00latin1\x86R'
    return head + call % data + call % b'h\x01' * times + b'e.'


def pickles():
    """Name -> pickle."""
    command = _command()
    return {
        'os.system': pickle.dumps(_Runs(os.system, command), 2),
        'eval': pickle.dumps(_Runs(eval, '__import__("os")'), 4),
        'getattr': b'\x80\x02cbuiltins\ngetattr\ncos\nsystem\n'
        b'X\x04\x00\x00\x00name\x86R.',
        'object array': pickle.dumps(_object_array(), 2),
        'unused code':
        pickle.dumps(_Runs(os.system, command), 2)[:-1] + b'0}.',
        'nested lists': b'\x80\x02' + b']' * DEEP + b'a' * (DEEP - 1) + b'.',
        'doubling lists': pickle.dumps(_doubling(lambda x: [x, x]), 2),
        'doubling tuples': pickle.dumps(_doubling(lambda x: (x, x)), 2),
        'key of nested tuples': _key_of_nested_tuples(),
        'place in the memo': b'\x80\x02]r\xff\xff\xff\x7f.',
        'declared text': b'\x80\x04\x8d' + struct.pack('<Q', 2**40) + b'a.',
        'declared bytearray':
        b'\x80\x05\x96' + struct.pack('<Q', 2**36) + b'a.',
        'declared array': _array(2**31 - 1),
        'same bytes again': _same_bytes_again(),
    }


def _torch_file(content, **kwargs):
    file = io.BytesIO()
    torch.save(content, file, **kwargs)
    return file.getvalue()


def _repacked(raw, change=lambda name, part: part, more=()):
    """The same archive with other parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, \
            zipfile.ZipFile(target, 'w') as file:
        for name in source.namelist():
            file.writestr(name, change(name, source.read(name)))
        for name, part in more:
            file.writestr(name, part)
    return target.getvalue()


def _with_pickle(raw):
    """An archive of PyTorch around a pickle."""
    return _repacked(
        _torch_file({}), lambda name, part: raw
        if name.endswith('data.pkl') else part)


def zip_bomb(name, prefix=b'', gigabytes=4):
    """An archive of one part, zeros behind ``prefix``."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(prefix) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)
    count = gigabytes * 64
    body = first + block * count + packer.flush()
    target = io.BytesIO()
    with zipfile.ZipFile(target, 'w') as file:
        file.writestr(name, body)
        part = file.infolist()[0]
        part.compress_type = zipfile.ZIP_DEFLATED
        part.file_size = len(prefix) + 2**24 * count
    return target.getvalue()


def checkpoints():
    """Name -> file of PyTorch."""
    weights = dict(state_dict={'w': torch.ones(77)})
    code = _Runs(os.system, _command())
    plain = _torch_file(weights)
    large = torch.ones(1).expand(2**20, 2**12)

    def grown(name, part):
        # 77 numbers are said to be many more
        larger = b'J' + struct.pack('<i', 2**30)
        return part.replace(b'K\x4d',
                            larger) if name.endswith('data.pkl') else part

    def call(module, name, args):
        return _with_pickle(b'\x80\x02}X\x01\x00\x00\x00w' +
                            f'c{module}\n{name}\n'.encode() + args + b'Rs.')

    many = b'\x8a\x05' + (2**33).to_bytes(5, 'little')
    return {
        'os.system':
        _torch_file(dict(weights, meta=code)),
        'os.system, older form':
        _torch_file(
            dict(weights, meta=code), _use_new_zipfile_serialization=False),
        'eval':
        call('builtins', 'eval', b'X\x01\x00\x00\x001\x85'),
        'object array':
        _torch_file(dict(weights, meta=_object_array())),
        'code in a name':
        _torch_file({'state_dict': OrderedDict(a=code)}),
        'doubling lists':
        _with_pickle(pickle.dumps(_doubling(lambda x: [x, x]), 2)),
        'key of nested tuples':
        _with_pickle(_key_of_nested_tuples()),
        'declared storage':
        _repacked(plain, grown),
        'declared storage, older form':
        _torch_file(weights, _use_new_zipfile_serialization=False).replace(
            b'K\x4d', b'J' + struct.pack('<i', 2**30)),
        'declared object array':
        call('numpy', 'ndarray', b'(' + many + b'\x85X\x01\x00\x00\x00Ot'),
        'declared array':
        call('numpy.core.multiarray', '_reconstruct',
             b'(cnumpy\nndarray\n' + many + b'\x85X\x01\x00\x00\x00bt'),
        'declared bytearray':
        call('builtins', 'bytearray', many + b'\x85'),
        'declared tensor':
        call('torch', 'FloatTensor', many + b'\x85'),
        'repeated storage':
        _torch_file(dict(state_dict=dict(w=large))),
        'zip bomb':
        zip_bomb('archive/data.pkl', b'\x80\x02}.'),
        'two pickles':
        _repacked(plain, more=[('archive/DATA.PKL', b'.')]),
        'part ../../evil':
        _repacked(plain, more=[('../../evil', b'evil')]),
    }


def _npy(shape, dtype="'<f4'"):
    header = (f"{{'descr': {dtype}, 'fortran_order': False, "
              f"'shape': {shape}, }}").encode()
    header += b' ' * (-(len(header) + 11) % 64) + b'\n'
    return (b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header +
            bytes(64))


def _npz(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


def features():
    """Name -> (ending, content)."""
    objects = io.BytesIO()
    np.save(objects, _object_array(), allow_pickle=True)
    found = {
        'npy: object array': ('.npy', objects.getvalue()),
        'npy: pickle': ('.npy', pickle.dumps(_Runs(os.system, _command()))),
        'npy: declared shape': ('.npy', _npy((2**40, 2048))),
        'npy: overflowing shape': ('.npy', _npy((2**62, 4))),
        'npz: object array':
        ('.npz', _npz(**{'feats.npy': objects.getvalue()})),
        'npz: declared shape':
        ('.npz', _npz(**{'feats.npy': _npy((2**33, 2))})),
        'npz: bomb': ('.npz', zip_bomb('feats.npy', _npy((2**18, 2**12)))),
        'npz: part ../../evil':
        ('.npz',
         _npz(**{
             'feats.npy': _npy((2, 2)),
             '../../evil.npy': _npy((2, 2))
         })),
    }
    for name, raw in checkpoints().items():
        found[f'pt: {name}'] = ('.pt', raw)
    return found


def jsons():
    """Name -> JSON."""
    return {
        'nested lists':
        b'[' * DEEP + b']' * DEEP,
        'nested objects':
        b'{"a":' * DEEP + b'1' + b'}' * DEEP,
        'key twice':
        b'{"database": {}, "database": {"a": 1}}',
        'half a character':
        b'{"database": {"\\ud800": {}}}',
        'number of a million digits':
        b'{"a": ' + b'9' * 1_000_000 + b'}',
        'no text':
        b'\xff\xfe\xfd{}',
        'names that leave the folder':
        json.dumps({
            'database': {
                '../../evil':
                dict(
                    subset='training',
                    duration=9.,
                    fps=9.,
                    annotations=[
                        dict(segment=[1., 2.], label='a', label_id=0)
                    ])
            }
        }).encode(),
    }


def gzip_bomb(gigabytes=4):
    return gzip.compress(bytes(2**24)) * (gigabytes * 64)


def xz_bomb(gigabytes=4):
    return lzma.compress(bytes(2**24), preset=1) * (gigabytes * 64)
