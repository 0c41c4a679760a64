"""Ways to damage a file: random ones for any bytes, and an editor of .npz archives.

The editor writes archives by hand, so that they may say what is not true; unless told otherwise,
sizes and checksums are right, and only the meaning is damaged.
"""

import ast
import io
import json
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np

GIB = 2**30
HUGE = 2**32 - 1


# --- any bytes --------------------------------------------------------------------------------


def flip_bit(rng, content):
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def set_byte(rng, content):
    at = rng.randrange(len(content))
    return content[:at] + bytes([rng.choice([0, 1, 0x7F, 0x80, 0xFF])]) + content[at + 1 :]


def truncate(rng, content):
    return content[: rng.randrange(len(content))]


def insert(rng, content):
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.randbytes(rng.randint(1, 40)) + content[at:]


def remove_span(rng, content):
    start = rng.randrange(len(content))
    return content[:start] + content[start + rng.randint(1, 40) :]


def duplicate_span(rng, content):
    start = rng.randrange(len(content))
    stop = rng.randint(start + 1, len(content))
    return content[:stop] + content[start:stop] + content[stop:]


def overwrite_number(rng, content):
    """Write a 32-bit number that breaks sums and allocations anywhere, in either byte order."""
    at = rng.randrange(len(content))
    number = rng.choice([0, 1, 2**31, HUGE])
    return content[:at] + struct.pack(rng.choice("<>") + "I", number) + content[at + 4 :]


ANYWHERE = [
    flip_bit,
    set_byte,
    truncate,
    insert,
    remove_span,
    duplicate_span,
    overwrite_number,
]


def damage(rng, content, ways=ANYWHERE):
    """Damage bytes in one to three of the ways; return them, and the names of the ways."""
    chosen = [rng.choice(ways) for _ in range(rng.choice([1, 1, 2, 3]))]
    for way in chosen:
        if content:
            content = way(rng, content)
    return content, " + ".join(way.__name__ for way in chosen)


# --- bombs ------------------------------------------------------------------------------------


@cache
def deflated_zeros(n_mib=1024, filler=b"\0"):
    """Compress so many MiB of one byte, about a thousandfold, without a header (raw deflate)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # After a full flush, a block does not depend on those before it, and so can be repeated.
    block = compressor.compress(filler * 2**20) + compressor.flush(zlib.Z_FULL_FLUSH)
    return block * n_mib + compressor.flush()


@cache
def checksum_of_zeros(n_mib=1024, filler=b"\0", before=b""):
    checksum, mib = zlib.crc32(before), filler * 2**20
    for _ in range(n_mib):
        checksum = zlib.crc32(mib, checksum)
    return checksum


def bomb(before=b"", n_mib=1024, filler=b"\0"):
    """Deflate some bytes and so many MiB of filler; return stream, checksum and whole size."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    stream = compressor.compress(before) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = checksum_of_zeros(n_mib, filler, before)
    return stream + deflated_zeros(n_mib, filler), checksum, len(before) + n_mib * 2**20


@cache
def gzip_bomb(before=b"", n_mib=1024):
    """A whole and right gzip stream of some bytes and so many MiB of zeros."""
    stream, checksum, size = bomb(before, n_mib)
    header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return header + stream + struct.pack("<II", checksum, size % 2**32)


# --- archives ---------------------------------------------------------------------------------


@dataclass
class Member:
    """A member of a zip archive; what is None is worked out rightly."""

    name: str
    content: bytes  # as it lies in the archive
    method: int = zipfile.ZIP_STORED
    checksum: int | None = None
    size: int | None = None  # once decompressed
    stored_size: int | None = None
    offset: int | None = None  # of the local header
    flags: int = 0

    @classmethod
    def deflated(cls, name, content):
        compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        stream = compressor.compress(content) + compressor.flush()
        return cls(name, stream, zipfile.ZIP_DEFLATED, zlib.crc32(content), len(content))

    @classmethod
    def bomb(cls, name, before=b"", filler=b"\0"):
        stream, checksum, size = bomb(before, filler=filler)
        return cls(name, stream, zipfile.ZIP_DEFLATED, checksum, size)


def zip_of(members, n_listed=None):
    """Write a zip archive; `n_listed` is how many members its end says there are."""
    out, listing = io.BytesIO(), []
    for member in members:
        name = member.name.encode()
        checksum, size, stored_size = member.checksum, member.size, member.stored_size
        checksum = zlib.crc32(member.content) if checksum is None else checksum
        size = len(member.content) if size is None else size
        stored_size = len(member.content) if stored_size is None else stored_size
        facts = struct.pack(
            "<HHHHHIIIHH",
            20,
            member.flags,
            member.method,
            0,
            0x21,
            checksum,
            stored_size,
            size,
            len(name),
            0,
        )
        offset = out.tell() if member.offset is None else member.offset
        if member.offset is None:
            out.write(b"PK\x03\x04" + facts + name + member.content)
        end = struct.pack("<HHHII", 0, 0, 0, 0, offset)
        listing.append(b"PK\x01\x02" + struct.pack("<H", 20) + facts + end + name)
    start, entries = out.tell(), b"".join(listing)
    n_listed = len(members) if n_listed is None else n_listed
    end = struct.pack("<HHHHIIH", 0, 0, n_listed, n_listed, len(entries), start, 0)
    return out.getvalue() + entries + b"PK\x05\x06" + end


class Archive:
    """An .npz archive with a checkpoint.json, opened to be edited.

    Attributes
    ----------
    members : dict of str to bytes
        The arrays' members by name, in the format of .npy.
    state : dict
        What checkpoint.json holds.
    """

    def __init__(self, content):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.state = json.loads(self.members.pop("checkpoint.json"))

    def __getitem__(self, name):
        return np.load(io.BytesIO(self.members[f"{name}.npy"]))

    def __setitem__(self, name, array):
        self.members[f"{name}.npy"] = npy(array)

    def __delitem__(self, name):
        del self.members[f"{name}.npy"]

    @property
    def names(self):
        """The arrays' names."""
        return [name.removesuffix(".npy") for name in self.members]

    def write(self, text=None, members=()):
        """Return the archive's bytes, with another checkpoint.json or with more members."""
        text = json.dumps(self.state) if text is None else text
        all_members = {**self.members, "checkpoint.json": text.encode()}
        return zip_of([*(Member(name, c) for name, c in all_members.items()), *members])

    def text_with(self, path, value):
        """Return checkpoint.json with a text, which need not be JSON, at a path of keys."""
        mark = "@here@"
        state = json.loads(json.dumps(self.state))
        inner = state
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = mark
        return json.dumps(state).replace(f'"{mark}"', value)


def npy(array):
    """Write an array in the format of .npy; objects are pickled."""
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def npy_parts(content):
    """Take the header and the values of a .npy file apart."""
    stop = 10 + struct.unpack_from("<H", content, 8)[0]
    return ast.literal_eval(content[10:stop].decode()), content[stop:]


def npy_of(header, values, version=(1, 0), length=None):
    """Put a .npy file together of a header, a dict or any text, and the values' bytes."""
    text = (header if isinstance(header, str) else repr(header)).encode("latin-1") + b"\n"
    size = struct.Struct("<H" if version[0] == 1 else "<I")
    length = len(text) if length is None else length
    return b"\x93NUMPY" + bytes(version) + size.pack(length) + text + values


class Bait:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)
