"""Damaged and hostile files: they are refused by a ValueError or an OSError, or do no harm.

`fuzz_child` reads them in a process of its own, whose memory is limited. Files are damaged at
random (`damage.damage`) and by tables of what could be wrong with them.
"""

import gzip
import io
import json
import math
import os
import random
import socket
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from contextlib import chdir
from importlib.util import find_spec

import damage
import fuzz_child
import numpy as np
import pytest
from damage import HUGE, Archive, Bait, Member, npy, npy_of, npy_parts, zip_of

pytestmark = pytest.mark.net

NIGHTLY = bool(os.environ.get("SKNIELSEN_NIGHTLY"))
N_IDX = 10_000 if NIGHTLY else 2_000
N_FOLDERS = 200 if NIGHTLY else 40
N_CHECKPOINTS = 8_000 if NIGHTLY else 1_000
MEMORY = 50 * fuzz_child.MIB

needs_callbacks = pytest.mark.skipif(
    not find_spec("sklearn.callback"), reason="callbacks need scikit-learn 1.9"
)


class Child:
    """The process that reads files; one that has died is started anew."""

    def __init__(self, cwd):
        self.cwd, self.process = cwd, None

    def read(self, call, path):
        """Make a call of `fuzz_child.CALLS` on a path, and return its report."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, fuzz_child.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=self.cwd,
            )
        self.process.stdin.write(json.dumps([call, str(path)]) + "\n")
        self.process.stdin.flush()
        if line := self.process.stdout.readline():
            return json.loads(line)
        code = self.close()
        return {"error": "Died", "refused": False, "message": f"exit code {code}", "peak": 0}

    def read_contents(self, call, contents, folder):
        """Write files of these names and contents, and return their reports by name."""
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        reports = {name: self.read(call, folder / name) for name in contents}
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == contents
        assert list(self.cwd.iterdir()) == []  # no bait was taken
        return reports

    def close(self):
        """End the process; return its exit code."""
        self.process.stdin.close()
        self.process.stdout.close()
        code, self.process = self.process.wait(), None
        return code


@pytest.fixture(scope="module")
def child(tmp_path_factory):
    """A process that reads files."""
    reader = Child(tmp_path_factory.mktemp("cwd"))
    yield reader
    if reader.process is not None:
        assert reader.close() == 0


def harm(report):
    """Say what is wrong with a report of any file; None if nothing is."""
    error = report["error"]
    if error is not None and not report["refused"]:
        return f"{error}: {report['message']}"
    if error is not None and report["lacked_memory"]:  # which was turned into another error
        return f"{error} after a MemoryError: {report['message']}"
    if report["peak"] > MEMORY:
        return f"took {report['peak'] / fuzz_child.MIB:.0f} MiB"
    return None


def harm_of_model(report, undamaged, may_differ=False):
    """Say what is wrong with the report of a damaged checkpoint; None if nothing is."""
    if report["error"] is not None or harm(report):
        return harm(report)
    if not report["finite"] or not report["consistent"]:
        return "accepted, though weights are not finite or the history is not consistent"
    if report["model"] != undamaged["model"] and not may_differ:
        return "accepted, but the model is another one"
    return None


def no_harm(labels, problems):
    """Assert that there are no problems, or say which files had the first ones."""
    found = [f"{label}: {problem}" for label, problem in zip(labels, problems) if problem]
    assert not found, f"{len(found)} of {len(labels)}:\n" + "\n".join(found[:25])


# --- IDX files --------------------------------------------------------------------------------

CODES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def idx(code, *shape, values=None):
    """Write an IDX file of rising values, or of the bytes given."""
    count = math.prod(shape) if values is None else 0
    values = np.arange(count).astype(CODES[code]).tobytes() if values is None else values
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values


def array_in(content):
    """Read an IDX file by the letter of the format; None if it is none."""
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in CODES:
        return None
    n_dimensions, start = content[3], 4 + 4 * content[3]
    if not 1 <= n_dimensions <= 32 or len(content) < start:
        return None
    shape = struct.unpack_from(f">{n_dimensions}I", content, 4)
    dtype = np.dtype(CODES[content[2]])
    if 0 in shape or len(content) - start != math.prod(shape) * dtype.itemsize:
        return None
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def set_dimension(rng, content):
    at = 4 + 4 * rng.randrange(max(1, content[3]) if len(content) > 3 else 1)
    value = rng.choice([0, 1, 2**31, HUGE, rng.randrange(20)])
    return content[:at] + struct.pack(">I", value) + content[at + 4 :]


def set_magic(rng, content):
    at = rng.randrange(4)
    return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]


def set_type(rng, content):
    return content[:2] + bytes([rng.choice([*CODES, 0, 0x0A, 0x0F, 0xFF])]) + content[3:]


IDX_WAYS = [*damage.ANYWHERE, set_dimension, set_dimension, set_magic, set_type]
IDX_FILES = [idx(0x08, 3, 4, 5), idx(0x09, 40), idx(0x0B, 7, 1, 3), idx(0x0D, 2, 9), idx(0x0E, 6)]


def gzip_in_members(rng, content):
    cut = rng.randrange(len(content) + 1)
    return gzip.compress(content[:cut]) + gzip.compress(content[cut:])


def gzip_with_garbage(rng, content):
    return gzip.compress(content) + rng.choice([bytes(9), b"\x1f\x8b", rng.randbytes(9)])


def damaged_idx(rng):
    """Make a damaged IDX file, plain or gzip; return it and what was done."""
    content = rng.choice(IDX_FILES)
    kind = rng.choice(["plain", "gzip of damaged", "damaged gzip", "members", "garbage"])
    if kind in ("plain", "gzip of damaged"):
        content, ways = damage.damage(rng, content, IDX_WAYS)
        return (content if kind == "plain" else gzip.compress(content)), f"{kind}: {ways}"
    if kind == "damaged gzip":
        content, ways = damage.damage(rng, gzip.compress(content))
        return content, f"{kind}: {ways}"
    encode = gzip_in_members if kind == "members" else gzip_with_garbage
    content = encode(rng, content)
    if rng.random() < 0.5:
        return content, kind
    content, ways = damage.damage(rng, content)
    return content, f"{kind}: {ways}"


def harm_of_idx(report, content):
    """Say what is wrong with the report of a damaged IDX file; None if nothing is."""
    array = array_in(content)
    if report["error"] is None:
        right = array is not None and fuzz_child.outcome_of_array(array)["array"]
        return harm(report) if report["array"] == right else "accepted as another array"
    if array is not None and content[:2] != b"\x1f\x8b":  # of gzip, refusing may be strictness
        return f"refused, though nothing is wrong with it: {report['message']}"
    return harm(report)


def test_idx_files_damaged_at_random_are_refused_or_read_to_the_letter(child, tmp_path):
    rng = random.Random(1)
    contents, labels = {}, []
    for number in range(N_IDX):
        content, ways = damaged_idx(rng)
        contents[f"{number:05d}"] = content
        labels.append(f"{number:05d}, {ways}")
    reports = child.read_contents("read_idx", contents, tmp_path)
    n_read = sum(report["error"] is None for report in reports.values())
    assert 0 < n_read < len(reports)
    no_harm(labels, map(harm_of_idx, reports.values(), contents.values()))


GOOD = idx(0x08, 3, 4)


def idx_bombs():
    """IDX files of about a megabyte that hold a GiB, which none of their headers promises."""
    zeros = damage.gzip_bomb
    return {
        "a small promise": zeros(idx(0x08, 10, values=b"")),
        "an impossible promise": zeros(idx(0x08, HUGE, HUGE, 4, values=b"")),
        "an impossible promise of doubles": zeros(idx(0x0E, 2**31, 2**31, values=b"")),
        "no promise": zeros(),
        "a promise of nothing": zeros(idx(0x08, 0, values=b"")),
        "a promise of 255 dimensions": zeros(
            b"\0\0\x08\xff" + struct.pack(">255I", *[HUGE] * 255)
        ),
        "a bomb after a whole member": gzip.compress(GOOD) + zeros(),
        "many empty members": gzip.compress(GOOD) + gzip.compress(b"") * 50_000,
        "two GiB": zeros(idx(0x08, 10, values=b""), n_mib=2048),
        "a truncated bomb": zeros(idx(0x08, 2**31, values=b""))[:300_000],
    }


def test_gzip_bombs_are_refused_in_little_memory(child, tmp_path):
    contents = idx_bombs()
    reports = child.read_contents("read_idx", contents, tmp_path)
    accepted = {label for label, report in reports.items() if report["error"] is None}
    assert accepted <= {"many empty members"}  # which are nothing, and may be read as such
    no_harm(reports, map(harm, reports.values()))


def test_a_plain_header_alone_takes_no_memory(child, tmp_path):
    contents = {
        f"{code}-{number}": idx(code, *shape, values=b"1234")
        for code in CODES
        for number, shape in enumerate([(HUGE,), (2**31, 2**31, 4), (2**20, 2**10), (HUGE,) * 32])
    }
    reports = child.read_contents("read_idx", contents, tmp_path)
    assert [report["error"] for report in reports.values()] == ["ValueError"] * len(contents)
    no_harm(reports, map(harm, reports.values()))


def test_gzip_members_are_read_as_one_stream(child, tmp_path):
    rng = random.Random(0)
    contents = {str(n): gzip_in_members(rng, GOOD) for n in range(20)}
    reports = child.read_contents("read_idx", contents, tmp_path)
    right = fuzz_child.outcome_of_array(np.arange(12, dtype=np.uint8).reshape(3, 4))["array"]
    assert [report.get("array") for report in reports.values()] == [right] * 20


MNIST_FILES = {
    "train-images": idx(0x08, 2, 28, 28),
    "train-labels": idx(0x08, 2),
    "t10k-images": idx(0x08, 1, 28, 28),
    "t10k-labels": idx(0x08, 1),
}


def test_folders_of_damaged_files_are_not_mnist(child, tmp_path):
    rng = random.Random(2)
    folders = [tmp_path / f"{number:03d}" for number in range(N_FOLDERS)]
    before = {}
    for folder in folders:
        folder.mkdir()
        for stem, content in MNIST_FILES.items():
            separator, ending = rng.choice("-."), rng.choice(["", ".gz"])
            name = f"{stem}{separator}idx{3 if 'images' in stem else 1}-ubyte{ending}"
            content = damage.damage(rng, content, IDX_WAYS)[0]
            bomb = damage.gzip_bomb(MNIST_FILES[stem][:16])
            content = rng.choice([content, gzip.compress(content), bomb])
            before[folder / name] = content
            (folder / name).write_bytes(content)
    reports = [child.read("fetch_mnist", folder) for folder in folders]
    assert all(report["error"] for report in reports)
    no_harm(folders, map(harm, reports))
    assert {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()} == before


# --- checkpoints: how they are made and read --------------------------------------------------


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """The bytes of an undamaged checkpoint of each training in `fuzz_child`."""
    from sknielsen.callbacks import Checkpoint

    contents = {}
    for make in fuzz_child.TRAININGS:
        name = make.__name__
        path = tmp_path_factory.mktemp("whole") / f"{name}.npz"
        classifier, data = fuzz_child.training(name, max_iter=2)
        callbacks = [Checkpoint(path)]
        if name == "not_begun":
            callbacks.append(fuzz_child.EpochLimit(0))
        try:
            classifier.set_callbacks(*callbacks).fit(**data)
        except fuzz_child.TooManyEpochsError:
            assert name == "not_begun"
        contents[name] = path.read_bytes()
    return contents


@pytest.fixture(scope="module")
def undamaged(child, checkpoints, tmp_path_factory):
    """The reports of the undamaged checkpoints, by training."""
    contents = {f"{name}-whole": content for name, content in checkpoints.items()}
    reports = child.read_contents("resume", contents, tmp_path_factory.mktemp("undamaged"))
    return {file.removesuffix("-whole"): report for file, report in reports.items()}


@pytest.fixture
def resumed(child, checkpoints, tmp_path_factory):
    """Write the checkpoints that edits make, and resume each; return the reports by label."""

    def resume_all(edits, training="early_stopping"):
        labels = {f"{training}-{number:04d}": label for number, label in enumerate(edits)}
        contents = {
            file: edits[label](Archive(checkpoints[training])) for file, label in labels.items()
        }
        folder = tmp_path_factory.mktemp("edited")
        reports = child.read_contents("resume", contents, folder)
        return {labels[file]: report for file, report in reports.items()}

    return resume_all


def assert_all_refused(reports):
    """Assert that none was accepted, and that refusing did no harm."""
    problems = ["accepted" if r["error"] is None else harm(r) for r in reports.values()]
    no_harm(reports, problems)


@needs_callbacks
def test_undamaged_checkpoints_are_accepted(undamaged):
    no_harm(undamaged, [report.get("message") for report in undamaged.values()])
    assert all(report["finite"] and report["consistent"] for report in undamaged.values())


@needs_callbacks
def test_rewritten_checkpoints_give_the_same_model(resumed, undamaged):
    for name in undamaged:
        reports = resumed({"rewritten": Archive.write}, name)
        assert reports["rewritten"].get("model") == undamaged[name]["model"]


def test_the_bait_would_make_a_folder(tmp_path):
    folder = tmp_path / "taken"
    content = npy(np.array([Bait(str(folder))], object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        np.load(io.BytesIO(content))
    assert not folder.exists()
    np.load(io.BytesIO(content), allow_pickle=True)
    assert folder.is_dir()


# --- checkpoints: what is wrong in checkpoint.json --------------------------------------------

NESTED = "[" * 10_000 + "]" * 10_000
MANY_DIGITS = "1" + "0" * 400
NOT_A_COUNT = [
    "null",
    '"2"',
    "[]",
    "[2]",
    "{}",
    "true",
    "false",
    NESTED,
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "1.5",
    "-1",
    MANY_DIGITS,
    "-" + MANY_DIGITS,
    "9" * 5000,
]
NOT_A_SCORE = [text for text in NOT_A_COUNT if text not in ("1.5", "-1")]
NOT_A_TRUTH = ["null", "0", "1", "1.5", '"true"', "[]", "{}", "NaN", NESTED]
NOT_A_TABLE = ["null", "true", "0", '"x"', "[]", "{}", '[["eta", 0.3]]', "NaN", NESTED]
DIGEST = '"' + "0" * 32 + '"'

WRONG_VALUES = {  # by path of keys, in a training with early stopping, of 2 epochs and 60 rows
    ("sknielsen",): ["null", "1", "[0, 1, 0]", "{}", "true", "NaN", NESTED, '"999.0.0"'],
    ("n_epochs",): [*NOT_A_COUNT, "0", "1", "3", "1000000000"],
    ("first_epoch",): [*NOT_A_COUNT, "3", "1000000000"],
    ("epoch",): [*NOT_A_COUNT, "0", "1", "3", "1000000000"],
    ("validation_indices",): ["0", "true", "[]", "[0, 1]", "{}", '"x"', "NaN", NESTED],
    ("seed",): [*NOT_A_COUNT, "2147483648", "4294967296", "18446744073709551616"],
    ("multilabel",): [*NOT_A_TRUTH, "true"],
    ("classes",): ["[]", "{}", '"012"', "0", "true", "[0, 1, 2]", '["0", "1", "2"]', NESTED],
    ("n_features_in",): [*NOT_A_COUNT, "0", "9", "11"],
    ("feature_names_in",): ["[]", "{}", '"x"', "1", "true", '["x"]', NESTED, "[1, 2]"],
    ("best",): [*NOT_A_TABLE, '{"score": 0.5}'],
    ("best", "score"): NOT_A_SCORE,
    ("best", "epoch"): [*NOT_A_COUNT, "3", "1000000000"],
    ("best", "n_stalled"): [*NOT_A_COUNT, "3", "1000000000"],
    ("parameters",): NOT_A_TABLE,
    ("parameters", "eta"): ["null", "0.4", '"0.3"', "[0.3]", "{}", "NaN", "1e400", NESTED],
    ("parameters", "batch_size"): ["null", "11", '"10"', "[10]", "NaN", MANY_DIGITS],
    ("parameters", "early_stopping"): ["null", "false", '"true"', "[]", "NaN"],
    ("parameters", "hidden_layer_sizes"): ["null", "5", "[]", "[4, 4]", '["4"]', "{}", NESTED],
    ("parameters", "cost"): ["null", '"quadratic"', "0", "[]", "{}"],
    ("parameters", "new"): ["1", '"x"', "[]", "{}", NESTED],
    ("data",): NOT_A_TABLE,
    ("data", "X"): ["null", DIGEST, '"x"', "0", "[]", "{}", "NaN", NESTED],
    ("data", "y"): ["null", DIGEST, '"x"', "0", "[]", "{}"],
    ("data", "sample_weight"): [DIGEST, "0", "false", "[]", "{}", '""'],
    ("data", "X_val"): [DIGEST, "0", "false", "[]", "{}", '""'],
}
WRONG_VALUES_OF_NAMED = {
    ("classes",): [
        "null",
        "[]",
        "{}",
        '"abc"',
        '["a", "b"]',
        '["a", "b", "c", "d"]',
        '["a", "c", "b"]',
        '["a", "a", "b"]',
        '["a", "b", "d"]',
        '["a", "b", null]',
        '["a", "b", 2]',
        '["a", "b", NaN]',
        "[0, 1, 2]",
        '["a", "b", ["c"]]',
        '[["a"], ["b"], ["c"]]',
        '{"a": 0, "b": 1, "c": 2}',
        NESTED,
    ],
    ("feature_names_in",): ["[]", "{}", '"pixel"', "10", "true", '["pixel 0"]', NESTED]
    + [json.dumps(names) for names in (list("abcdefghij"), list(range(10)), [None] * 10)],
    ("best",): [*NOT_A_TABLE, '{"score": 0.5, "epoch": 1, "n_stalled": 0}'],
}


def with_value(path, value):
    return lambda archive: archive.write(archive.text_with(path, value))


def short(path, value):
    return f"{'/'.join(path)} = {value if len(value) < 60 else value[:8] + '...'}"


@needs_callbacks
@pytest.mark.parametrize("path", WRONG_VALUES, ids="/".join)
def test_a_wrong_value_in_the_state_is_refused(path, resumed):
    values = WRONG_VALUES[path]
    assert_all_refused(resumed({short(path, value): with_value(path, value) for value in values}))


@needs_callbacks
@pytest.mark.parametrize("path", WRONG_VALUES_OF_NAMED, ids="/".join)
def test_wrong_names_in_the_state_are_refused(path, resumed):
    edits = {short(path, v): with_value(path, v) for v in WRONG_VALUES_OF_NAMED[path]}
    assert_all_refused(resumed(edits, "named"))


def without_key(*path):
    def edit(archive):
        inner = archive.state
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        return archive.write()

    return edit


@needs_callbacks
def test_a_state_that_lacks_a_key_is_refused(checkpoints, resumed):
    state = Archive(checkpoints["early_stopping"]).state
    paths = [(key,) for key in state]
    paths += [("best", key) for key in state["best"]] + [("data", key) for key in state["data"]]
    paths += [("parameters", "early_stopping"), ("parameters", "momentum")]  # no defaults
    assert_all_refused(resumed({"/".join(path): without_key(*path) for path in paths}))


@needs_callbacks
@pytest.mark.parametrize("value", ["null", "0", "[]", NESTED], ids=lambda value: value[:4])
def test_a_state_with_a_key_that_nobody_knows_is_refused(value, resumed):
    paths = [("new",), ("coefs",), ("best", "new"), ("data", "new")]
    assert_all_refused(resumed({"/".join(path): with_value(path, value) for path in paths}))


@needs_callbacks
def test_a_state_that_is_no_table_is_refused(resumed):
    texts = ["", " ", "null", "0", "[]", "{}", '"x"', "NaN", NESTED, '{"a":' * 9_000, "{", "\0"]
    texts += ["\ufeff{}", "[1e400]", "9" * 5000, '{"sknielsen": "0.1.0"}']
    edits = {repr(t[:30]): lambda archive, text=t: archive.write(text) for t in texts}
    assert len(edits) == len(texts)
    assert_all_refused(resumed(edits))


@needs_callbacks
def test_early_stopping_that_says_it_has_begun_is_refused_before_the_first_epoch(resumed):
    wrong = {
        ("n_epochs",): ["1", "-1", "true", "null"],
        ("first_epoch",): ["1", "-1", "false", "null"],
        ("best", "score"): ["0.5", "true", '"x"', "NaN"],
        ("best", "epoch"): ["1", "-1", "false", "null"],
        ("best", "n_stalled"): ["1", "-1", "false", "null"],
    }
    edits = {short(path, v): with_value(path, v) for path, values in wrong.items() for v in values}
    assert_all_refused(resumed(edits, "not_begun"))


# --- checkpoints: what is wrong in arrays -----------------------------------------------------


def as_shape(shape):
    """Make the change of a header's shape to another one, the values staying as they are."""

    def change(content):
        header, values = npy_parts(content)
        return npy_of(header | {"shape": shape}, values)

    return change


def as_descr(descr):
    """Make the change of a header's dtype to another one, the values staying as they are."""

    def change(content):
        header, values = npy_parts(content)
        return npy_of(header | {"descr": descr}, values)

    return change


def with_header(text, **options):
    return lambda content: npy_of(text, npy_parts(content)[1], **options)


def array_to(change):
    """Make the change of a .npy member that a change of its array is."""
    return lambda content: npy(change(np.load(io.BytesIO(content))))


def pickled(content):
    n = len(np.load(io.BytesIO(content)))
    return npy(np.array([Bait("taken")] * n, object))


def said_to_be_numbers_but_pickled(content):
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
    return npy_of(header, npy_parts(pickled(content))[1])


CALL = "__import__('os').mkdir('taken')"
VALID = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}"

DAMAGED_MEMBERS = {
    "objects": pickled,
    "objects of another number": said_to_be_numbers_but_pickled,
    "an array of records": as_descr([("a", "<f4"), ("b", "<f4")]),
    "an array of objects in records": as_descr([("a", "|O")]),
    "an array of arrays": as_descr(("<f4", (2,))),
    "bytes without meaning": as_descr("|V8"),
    "dates": as_descr("<M8[s]"),
    "complex numbers": array_to(lambda array: array + 0j),
    "strings": array_to(lambda array: array.astype(str)),
    "booleans": array_to(lambda array: array.astype(bool)),
    "no such dtype": as_descr("<z8"),
    "a dtype that is a call": as_descr(CALL),
    "a shape of 2**40": as_shape((2**40,)),
    "a shape of 2**40 in two": as_shape((2**20, 2**20)),
    "a shape of 2**64": as_shape((2**32, 2**32)),
    "a shape of zero times 2**62": as_shape((0, 2**62)),
    "a negative shape": as_shape((-1,)),
    "a negative shape of two": as_shape((-1, -2)),
    "a shape of floats": as_shape((2.0,)),
    "a shape of truth": as_shape((True,)),
    "a shape that is a number": as_shape(2),
    "no dimensions": as_shape(()),
    "a dimension more": array_to(lambda array: array[None]),
    "100 dimensions": as_shape((1,) * 100),
    "nothing": array_to(lambda array: array[:0]),
    "less": array_to(lambda array: array[:-1]),
    "more": array_to(lambda array: np.concatenate([array, array])),
    "values cut short": lambda content: content[:-1],
    "an empty member": lambda content: b"",
    "a magic number alone": lambda content: content[:6],
    "another magic number": lambda content: b"PK" + content[2:],
    "version 0.0": lambda content: content[:6] + b"\0\0" + content[8:],
    "version 9.9": lambda content: content[:6] + b"\x09\x09" + content[8:],
    "version 255.255": lambda content: content[:6] + b"\xff\xff" + content[8:],
    "a header said to be longer": with_header(VALID, length=HUGE, version=(2, 0)),
    "a header said to be shorter": with_header(VALID, length=5),
    "a header that is a call": with_header(CALL),
    "a header that holds a call": with_header(VALID.replace("2", CALL)),
    "a header of one megabyte": with_header(VALID + " " * 2**20, version=(2, 0)),
    "a header of brackets": with_header("(" * 9_000 + ")" * 9_000),
    "a header of signs": with_header("-" * 9_000 + "1"),
    "a header of sums": with_header("1" + "+1" * 4_000),
    "a header that is a list": with_header("[]"),
    "a header that is empty": with_header(""),
    "a header without a shape": with_header("{'descr': '<f8', 'fortran_order': False}"),
    "a header of one key more": with_header(VALID.replace("{", "{'a': 1, ")),
    "a header of other signs": with_header("\xe4\xf6\0"),
    "an order that is a number": with_header(VALID.replace("False", "0")),
}


def member_to(name, change):
    def edit(archive):
        archive.members[name] = change(archive.members[name])
        return archive.write()

    return edit


def names_in(checkpoints, training="early_stopping"):
    return Archive(checkpoints[training]).names


@needs_callbacks
@pytest.mark.parametrize("kind", DAMAGED_MEMBERS)
def test_an_array_that_is_no_array_of_its_kind_is_refused(kind, checkpoints, resumed):
    change = DAMAGED_MEMBERS[kind]
    assert_all_refused(resumed({n: member_to(f"{n}.npy", change) for n in names_in(checkpoints)}))


@needs_callbacks
def test_a_checkpoint_that_lacks_an_array_is_refused(checkpoints, resumed):
    def without(name):
        def edit(archive):
            del archive[name]
            return archive.write()

        return edit

    for training in checkpoints:
        names = names_in(checkpoints, training)
        assert_all_refused(resumed({name: without(name) for name in names}, training))


def with_array(name, array):
    def edit(archive):
        archive[name] = array
        return archive.write()

    return edit


@needs_callbacks
def test_an_array_that_nobody_knows_is_refused(resumed):
    names = ["new", "coefs", "coefs_2", "coefs_7", "coefs_-1", "coefs_00", "history_new", "best"]
    names += ["history_", "", "velocity_coefs_2", "best_intercepts_2", "checkpoint.json"]
    names += ["feature_names_in"]  # a list in checkpoint.json
    assert_all_refused(resumed({repr(name): with_array(name, np.ones(2)) for name in names}))


@needs_callbacks
@pytest.mark.parametrize(
    "name", ["velocity_coefs_0", "best_coefs_0", "validation_indices", "classes"]
)
def test_an_array_that_this_training_has_not_is_refused(name, resumed):
    assert_all_refused(resumed({name: with_array(name, np.ones((10, 3)))}, "named"))


def parameters_of(checkpoints):
    """Names of the arrays of weights, biases and velocities."""
    return [n for n in names_in(checkpoints) if "coefs" in n or "intercepts" in n]


def change_one(value):
    """Make the change of an array's last number to a value."""

    def change(content):
        array = np.load(io.BytesIO(content))
        array[(-1,) * array.ndim] = value
        return npy(array)

    return change


@needs_callbacks
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(value, checkpoints, resumed):
    edits = {n: member_to(f"{n}.npy", change_one(value)) for n in parameters_of(checkpoints)}
    assert_all_refused(resumed(edits))
    assert_all_refused(resumed({"coefs_0": edits["coefs_0"]}, "multilabel"))


@needs_callbacks
@pytest.mark.parametrize("dtype", ["f2", "f4", "i8", "u1", "longdouble"])
def test_weights_of_another_dtype_are_refused(dtype, checkpoints, resumed):
    change = array_to(lambda array: array.astype(dtype))
    assert_all_refused(
        resumed({n: member_to(f"{n}.npy", change) for n in parameters_of(checkpoints)})
    )


@needs_callbacks
def test_weights_of_other_layers_are_refused(checkpoints, resumed):
    def swap(one, other):
        def edit(archive):
            members = archive.members
            one_, other_ = f"{one}.npy", f"{other}.npy"
            members[one_], members[other_] = members[other_], members[one_]
            return archive.write()

        return edit

    def with_unit_more(prefix):
        def edit(archive):
            w, b = archive[f"{prefix}coefs_0"], archive[f"{prefix}intercepts_0"]
            archive[f"{prefix}coefs_0"] = np.hstack([w, w[:, :1]])
            archive[f"{prefix}intercepts_0"] = np.append(b, 0.0)
            last = archive[f"{prefix}coefs_1"]
            archive[f"{prefix}coefs_1"] = np.vstack([last, last[:1]])
            return archive.write()

        return edit

    prefixes = ["", "velocity_", "best_"]
    edits = {f"{p}layers swapped": swap(f"{p}coefs_0", f"{p}coefs_1") for p in prefixes}
    edits |= {
        f"{p}weights and biases swapped": swap(f"{p}coefs_1", f"{p}intercepts_1") for p in prefixes
    }
    edits |= {f"{p}one unit more": with_unit_more(p) for p in prefixes}
    assert_all_refused(resumed(edits))


WRONG_COLUMNS = {
    "epoch": [[1, 1], [2, 1], [0, 1], [2, 3], [1, -2], [1, 2**62], [1.0, 2.5], [1, np.nan]],
    "eta": [[0.3, 0], [0.3, -0.3], [0.3, np.nan], [0.3, np.inf]],
    "duration": [[-1, 1], [1, np.nan], [1, np.inf], [-np.inf, 1]],
    "train_cost": [[1, np.inf], [-np.inf, 1]],
    "validation_cost": [[1, np.inf], [-np.inf, 1]],
    "validation_score": [[1, np.inf], [-np.inf, 1]],
    "penalty": [[0, np.inf], [0, np.nan], [-np.inf, 0]],
    "train_accuracy": [[0, 1.5], [-0.1, 1], [0, np.inf]],
    "validation_accuracy": [[0, 1.5], [-0.1, 1], [0, np.inf]],
    "saturation": [[0, 1.5], [-0.1, 1], [0, np.inf]],
}


@needs_callbacks
@pytest.mark.parametrize("column", WRONG_COLUMNS)
def test_a_history_that_cannot_be_is_refused(column, resumed):
    name = f"history_{column}"
    edits = {str(c): with_array(name, np.array(c)) for c in WRONG_COLUMNS[column]}
    assert_all_refused(resumed(edits))


@needs_callbacks
@pytest.mark.parametrize("n_rows", [0, 1, 3, 1000])
def test_a_history_of_another_length_is_refused(n_rows, resumed):
    def edit(archive):
        for name in archive.names:
            if name.startswith("history_"):
                archive[name] = np.resize(archive[name], n_rows)
        archive["history_epoch"] = np.arange(1, n_rows + 1)
        return archive.write()

    assert_all_refused(resumed({"all columns": edit}))


WRONG_ROWS = {
    "beyond the last": lambda rows: np.append(rows[:-1], 60),
    "far beyond": lambda rows: np.append(rows[:-1], 2**62),
    "negative": lambda rows: np.append(-1, rows[1:]),
    "counted from the end": lambda rows: rows - 60,
    "repeated": lambda rows: np.append(rows[:-1], rows[0]),
    "in another order": lambda rows: rows[::-1],
    "other rows": lambda rows: (rows + 1) % 60,
    "too few": lambda rows: rows[1:],
    "none": lambda rows: rows[:0],
    "all": lambda rows: np.arange(60),
    "broken numbers": lambda rows: rows + 0.5,
    "not numbers": lambda rows: rows * np.nan,
    "a mask": lambda rows: np.isin(np.arange(60), rows),
}


@needs_callbacks
@pytest.mark.parametrize("kind", WRONG_ROWS)
def test_wrong_validation_rows_are_refused(kind, resumed):
    change = array_to(WRONG_ROWS[kind])
    edits = {kind: member_to("validation_indices.npy", change)}
    assert_all_refused(resumed(edits))


WRONG_CLASSES = {
    "early_stopping": [
        [0, 2, 1],
        [0, 0, 1],
        [0, 1, 3],
        [0, 1],
        [0, 1, 2, 3],
        [-1, 0, 1],
        ["0", "1", "2"],
        [0, 1, np.nan],
        [0, 1, np.inf],
        [[0, 1, 2]],
        [],
    ],
    "validation": [
        ["one", "two", "three"],
        ["one", "one", "two"],
        ["one", "three"],
        ["one", "three", "two", "x"],
        ["one", "three", "twp"],
        [0, 1, 2],
        [b"one", b"three", b"two"],
    ],
    "multilabel": [[0, 1], [0, 1, 2, 3], [0, 2, 1], [1, 2, 3], ["0", "1", "2"], [0, 0, 0]],
    "not_begun": [[1, 0], [0, 0], [0, 2], [0], [0, 1, 2], ["0", "1"]],
}


@needs_callbacks
@pytest.mark.parametrize("training", WRONG_CLASSES)
def test_wrong_classes_are_refused(training, resumed):
    edits = {str(c): with_array("classes", np.array(c)) for c in WRONG_CLASSES[training]}
    assert_all_refused(resumed(edits, training))


# --- checkpoints: hostile archives ------------------------------------------------------------


def members_of(archive):
    members = [Member(name, content) for name, content in archive.members.items()]
    return [*members, Member("checkpoint.json", json.dumps(archive.state).encode())]


def replaced(member):
    """Make the edit that puts a member in the place of that of its name."""
    return lambda archive: zip_of(
        [member if m.name == member.name else m for m in members_of(archive)]
    )


def added(*members):
    return lambda archive: zip_of([*members_of(archive), *members])


def changed(name, **facts):
    """Make the edit of what the archive says about a member."""

    def edit(archive):
        members = members_of(archive)
        for member in members:
            if member.name == name:
                vars(member).update(facts)
        return zip_of(members)

    return edit


def renamed(name, new_name):
    def edit(archive):
        members = members_of(archive)
        names = [member.name for member in members]
        members[names.index(name)].name = new_name
        return zip_of(members)

    return edit


def of_deflated(**facts):
    """Make the edit that deflates a member and says what is not true of it."""

    def edit(archive):
        member = Member.deflated("coefs_0.npy", archive.members["coefs_0.npy"])
        vars(member).update(facts)
        return replaced(member)(archive)

    return edit


def bomb_for(name, before=b"", filler=b"\0"):
    """Make the edit that puts a GiB, deflated, in the place of a member."""
    return lambda archive: replaced(Member.bomb(name, before, filler))(archive)


def bomb_beside(name, before=b"", filler=b"\0"):
    """Make the edit that adds a member of a GiB, deflated."""
    return lambda archive: added(Member.bomb(name, before, filler))(archive)


def blanks_behind_the_state(archive):
    return bomb_for("checkpoint.json", json.dumps(archive.state).encode(), b" ")(archive)


def stream_of_another_size(n_mib, size):
    """Make the edit that puts in so many MiB of zeros, and says that they are of a size."""

    def edit(archive):
        stream = damage.deflated_zeros(n_mib)
        return replaced(Member("coefs_0.npy", stream, zipfile.ZIP_DEFLATED, 0, size))(archive)

    return edit


def overlapping(archive):
    """Let two hundred members be the same eight MiB."""
    members = members_of(archive)
    zeros = npy(np.zeros(2**20))
    big = Member.deflated("history_new.npy", zeros)
    start = zip_of(members).index(b"PK\x01\x02")  # where the next member comes
    again = [vars(big) | {"offset": start} for _ in range(200)]
    return zip_of([*members, big, *(Member(**facts) for facts in again)])


BIG = npy_of("{'descr': '<f8', 'fortran_order': False, 'shape': (134217728,)}", b"")
LONG_HEADER = b"\x93NUMPY\x02\0" + struct.pack("<I", 2**30)

BOMBS = {
    "an array": bomb_for("history_duration.npy", BIG),
    "weights": bomb_for("coefs_0.npy", BIG),
    "an array that nobody knows": bomb_beside("new.npy", BIG),
    "a column that nobody knows": bomb_beside("history_new.npy", BIG),
    "a layer that nobody knows": bomb_beside("coefs_2.npy", BIG),
    "a text that nobody knows": bomb_beside("readme.txt"),
    "a member of no name": bomb_beside(""),
    "a folder": bomb_beside("folder/"),
    "blanks behind the state": blanks_behind_the_state,
    "a state of blanks": bomb_for("checkpoint.json", filler=b" "),
    "a state of brackets": bomb_for("checkpoint.json", filler=b"["),
    "a header of blanks": bomb_for("coefs_0.npy", LONG_HEADER, filler=b" "),
    "a second state": bomb_beside("checkpoint.json", filler=b" "),
    "a second array": bomb_beside("coefs_0.npy", BIG),
    "twenty thousand members": added(*(Member(f"{n}.npy", b"") for n in range(20_000))),
    "two hundred members of the same bytes": overlapping,
    "said to be small": stream_of_another_size(1024, 448),
    "said to be larger": stream_of_another_size(1, 2**31),
}


@needs_callbacks
@pytest.mark.parametrize("kind", BOMBS)
def test_a_zip_bomb_is_refused_in_little_memory(kind, resumed):
    assert_all_refused(resumed({kind: BOMBS[kind]}))


ONES = npy(np.ones((10, 4)))
HOSTILE_ARCHIVES = {
    "a name twice": added(Member("coefs_0.npy", ONES)),
    "a state twice": lambda archive: added(members_of(archive)[-1])(archive),
    "a name that leads out": added(Member("../coefs_0.npy", ONES)),
    "a name that leads to the root": added(Member("/coefs_0.npy", ONES)),
    "a name of another system": added(Member("C:\\coefs_0.npy", ONES)),
    "a name that led out": renamed("coefs_0.npy", "../coefs_0.npy"),
    "a name that led to the root": renamed("coefs_0.npy", "/coefs_0.npy"),
    "a name in another case": renamed("coefs_0.npy", "COEFS_0.npy"),
    "a name with a blank": renamed("coefs_0.npy", "coefs_0.npy "),
    "a name without ending": added(Member("coefs_0", ONES)),
    "a state of another name": renamed("checkpoint.json", "Checkpoint.json"),
    "a state in a folder": renamed("checkpoint.json", "a/checkpoint.json"),
    "a folder": added(Member("folder/", b"")),
    "a wrong checksum": changed("coefs_0.npy", checksum=1),
    "a wrong checksum of the state": changed("checkpoint.json", checksum=1),
    "a size too small": changed("coefs_0.npy", size=100),
    "a stored size too small": changed("coefs_0.npy", stored_size=100),
    "a deflated size too small": of_deflated(size=10),
    "a deflated checksum": of_deflated(checksum=1),
    "deflate that is none": changed("coefs_0.npy", method=zipfile.ZIP_DEFLATED),
    "bzip2 that is none": changed("coefs_0.npy", method=zipfile.ZIP_BZIP2),
    "lzma that is none": changed("coefs_0.npy", method=zipfile.ZIP_LZMA),
    "an unknown method": changed("coefs_0.npy", method=99),
    "a password": changed("coefs_0.npy", flags=1),
    "a patch": changed("coefs_0.npy", flags=0x20),
    "an offset within another": changed("coefs_1.npy", offset=7),
    "an offset beyond the end": changed("coefs_1.npy", offset=2**31),
    "an offset of another member": changed("coefs_1.npy", offset=0),
    "no members": lambda archive: zip_of([]),
    "the state alone": lambda archive: zip_of(members_of(archive)[-1:]),
    "no state": lambda archive: zip_of(members_of(archive)[:-1]),
    "a state of a name that looks alike": added(
        Member("checkpoint\u200b.json", b"{}", flags=0x800)
    ),
    "nothing": lambda archive: b"",
    "no archive": lambda archive: b"no archive",
    "an end alone": lambda archive: archive.write()[-22:],
    "a pickle": lambda archive: npy(np.array([Bait("taken")], object)),
    "an array": lambda archive: ONES,
}


@needs_callbacks
@pytest.mark.parametrize("kind", HOSTILE_ARCHIVES)
def test_a_hostile_archive_is_refused(kind, resumed):
    assert_all_refused(resumed({kind: HOSTILE_ARCHIVES[kind]}))


# --- checkpoints: what is not wrong, and what nobody can know to be wrong ---------------------


def big_endian(archive):
    for name in archive.names:
        archive[name] = archive[name].astype(archive[name].dtype.newbyteorder(">"))
    return archive.write()


def all_deflated(archive):
    return zip_of([Member.deflated(m.name, m.content) for m in members_of(archive)])


def with_trailing_bytes_in_members(archive):
    archive.members = {name: content + b"more" for name, content in archive.members.items()}
    return archive.write()


def of_version_2(archive):
    archive.members = {
        name: npy_of(*npy_parts(content), version=(2, 0))
        for name, content in archive.members.items()
    }
    return archive.write()


ODD = {
    "in another byte order": big_endian,
    "deflated": all_deflated,
    "in another order": lambda archive: zip_of(members_of(archive)[::-1]),
    "behind other bytes": lambda archive: bytes(1000) + archive.write(),
    "before other bytes": lambda archive: archive.write() + bytes(1000),
    "with bytes behind the arrays": with_trailing_bytes_in_members,
    "with headers of version 2": of_version_2,
    "said to hold more": lambda archive: zip_of(members_of(archive), n_listed=99),
    "said to hold none": lambda archive: zip_of(members_of(archive), n_listed=0),
    "with blanks in the state": lambda archive: archive.write(
        json.dumps(archive.state) + " " * 99
    ),
    "with a parameter of no value": with_value(("parameters", "new"), "null"),
    "without a parameter at its default": without_key("parameters", "shuffle"),
    "with a size too large": changed("coefs_0.npy", size=10_000),
    "with a size of 4 GiB": changed("coefs_0.npy", size=HUGE - 1, stored_size=HUGE - 1),
    "with a stored size beyond the end": changed("classes.npy", stored_size=2**30, size=2**30),
    "with a deflated size too large": of_deflated(size=2**31),
    "with a name with a zero": renamed("coefs_0.npy", "coefs_0\0.npy"),
    "with epochs as floats": with_array("history_epoch", np.array([1.0, 2.0])),
}


@needs_callbacks
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_checkpoint_gives_the_same_model_or_is_refused(kind, resumed, undamaged):
    report = resumed({kind: ODD[kind]})[kind]
    assert harm_of_model(report, undamaged["early_stopping"]) is None


def fortran_flags_flipped(archive):
    for name, content in archive.members.items():
        header, values = npy_parts(content)
        header["fortran_order"] = not header["fortran_order"]
        archive.members[name] = npy_of(header, values)
    return archive.write()


UNKNOWABLE = {
    "other weights": ("coefs_0", lambda array: array + 0.1),
    "tiny weights": ("coefs_1", lambda array: array * 1e-300),
    "large weights": ("coefs_0", lambda array: array * 1e6),
    "another velocity": ("velocity_coefs_0", lambda array: array - 0.1),
    "other best weights": ("best_coefs_0", lambda array: array[::-1]),
    "another cost": ("history_train_cost", lambda array: array + 0.1),
    "another score": ("history_validation_score", lambda array: array / 2),
    "another duration": ("history_duration", lambda array: array + 1e6),
    "no costs": ("history_train_cost", lambda array: array * np.nan),
    "no scores": ("history_validation_score", lambda array: array * np.nan),
    "classes as floats": ("classes", lambda array: array.astype(float)),
}
UNKNOWABLE = {
    label: member_to(f"{name}.npy", array_to(change))
    for label, (name, change) in UNKNOWABLE.items()
} | {
    "Fortran flags flipped": fortran_flags_flipped,
    "a warm start": with_value(("first_epoch",), "1"),
    "nothing left to train": with_value(("first_epoch",), "2"),
    "another seed": with_value(("seed",), "7"),
    "an older version": with_value(("sknielsen",), '"0.0.1"'),
    "another best epoch": with_value(("best", "epoch"), "2"),
    "no stalled epochs": with_value(("best", "n_stalled"), "0"),
    "another best score": with_value(("best", "score"), "0.25"),
}


@needs_callbacks
@pytest.mark.parametrize("kind", UNKNOWABLE)
def test_what_nobody_can_know_to_be_wrong_gives_a_finite_model(kind, resumed, undamaged):
    report = resumed({kind: UNKNOWABLE[kind]})[kind]
    assert harm_of_model(report, undamaged["early_stopping"], may_differ=True) is None


@needs_callbacks
@pytest.mark.parametrize("value", [1e150, -1e300, 1.7e308])
def test_weights_that_overflow_are_refused_or_give_a_finite_model(
    value, checkpoints, resumed, undamaged
):
    change = array_to(lambda array: np.full_like(array, value))
    edits = {n: member_to(f"{n}.npy", change) for n in parameters_of(checkpoints)}
    reports = resumed(edits)
    whole = undamaged["early_stopping"]
    no_harm(reports, [harm_of_model(r, whole, may_differ=True) for r in reports.values()])


# --- checkpoints damaged at random ------------------------------------------------------------

TEXTS = sorted({v for values in WRONG_VALUES.values() for v in values if len(v) < 1000})
CHANGES = [
    *DAMAGED_MEMBERS.values(),
    *map(change_one, [0, 1, 1e-320]),
    lambda content: npy(np.load(io.BytesIO(content))[::-1]),
]
# Where another value can be as good as the first one.
FREE = ("coefs", "intercepts", "history", "sknielsen", "first_epoch", "seed", "best")


def paths_in(state, path=()):
    """List the paths of keys in the state."""
    for key, value in state.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from paths_in(value, (*path, key))


def edited(rng, archive):
    """Edit a checkpoint at random, its checksums right; return it and the place."""
    if rng.random() < 0.5:
        path = rng.choice(list(paths_in(archive.state)))
        others = [json.dumps(value) for value in archive.state.values()]
        return archive.write(archive.text_with(path, rng.choice(TEXTS + others))), "/".join(path)
    name = rng.choice(list(archive.members))
    way = rng.choice(["bytes", "change", "other member"])
    content = archive.members[name]
    if way == "bytes":
        archive.members[name] = damage.damage(rng, content)[0]
    elif way == "other member":
        archive.members[name] = archive.members[rng.choice(list(archive.members))]
    else:
        try:
            archive.members[name] = rng.choice(CHANGES)(content)
        except (
            TypeError,
            ValueError,
            OverflowError,
            IndexError,
        ):  # an array that cannot be changed so
            archive.members[name] = content[:-8]
    return archive.write(), name


def may_differ(place):
    if place == "lmbda":  # what "auto" stood for; of the parameters, another one is refused
        return True
    return any(part in place for part in FREE) and place != "history_epoch.npy"


@needs_callbacks
def test_checkpoints_damaged_at_random_are_refused_or_give_the_same_model(
    child, checkpoints, undamaged, tmp_path
):
    rng = random.Random(3)
    contents, ways = {}, {}
    for number in range(N_CHECKPOINTS // 2):
        training = rng.choice(list(checkpoints))
        name = f"{training}-{number:05d}"
        contents[name], ways[name] = damage.damage(rng, checkpoints[training])
    reports = child.read_contents("resume", contents, tmp_path)
    assert 0 < sum(report["error"] is None for report in reports.values()) < len(reports)
    no_harm(
        [f"{name}, {way}" for name, way in ways.items()],
        [harm_of_model(r, undamaged[fuzz_child.training_of(n)]) for n, r in reports.items()],
    )


@needs_callbacks
def test_checkpoints_edited_at_random_are_refused_or_give_a_model_that_can_be(
    child, checkpoints, undamaged, tmp_path
):
    rng = random.Random(4)
    contents, places = {}, {}
    for number in range(N_CHECKPOINTS // 2):
        training = rng.choice(list(checkpoints))
        name = f"{training}-{number:05d}"
        contents[name], places[name] = edited(rng, Archive(checkpoints[training]))
    reports = child.read_contents("resume", contents, tmp_path)
    assert 0 < sum(report["error"] is None for report in reports.values()) < len(reports)
    no_harm(
        [f"{name}, {place}" for name, place in places.items()],
        [
            harm_of_model(
                report, undamaged[fuzz_child.training_of(name)], may_differ(places[name])
            )
            for name, report in reports.items()
        ],
    )


# --- what is no file --------------------------------------------------------------------------

NO_FILES = {
    "fifo": "a named pipe without a writer",
    "link": "a link to one",
    "socket": "a Unix socket",
    "directory": "an empty folder",
    "loop": "a link to itself",
    "missing": "nothing",
    "missing/multilabel-file": "a file in no folder",
    "empty/multilabel-file": "a file in a file",
    "empty": "an empty file",
}
NO_PATHS = {
    "nouser": "~nouser_of_this_name/multilabel-file",
    "zero": "multilabel-\0",
    "no name": "",
    "long name": "multilabel-" + "x" * 5000,
}
WRITEABLE = ["missing", "empty"]  # by Checkpoint
READERS = ["read_idx", "fetch_mnist", "resume"]


def make_no_files(folder):
    """Make in a folder what cannot be read or written as a file."""
    os.mkfifo(folder / "multilabel-fifo")
    os.mkfifo(folder / "another-fifo")
    (folder / "multilabel-link").symlink_to("another-fifo")
    with chdir(folder), socket.socket(socket.AF_UNIX) as server:
        server.bind("multilabel-socket")  # by a short name, since these are limited
    (folder / "multilabel-directory").mkdir()
    (folder / "multilabel-loop").symlink_to("multilabel-loop")
    (folder / "multilabel-empty").touch()


def things_in(folder):
    """Tell kind, identity and size of everything in a folder."""
    found = [(path, path.lstat()) for path in folder.rglob("*")]
    return {path: (stat.S_IFMT(s.st_mode), s.st_ino, s.st_size) for path, s in found}


@pytest.fixture(scope="module")
def opened(child, tmp_path_factory):
    """The reports of all calls on all that is no file."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes here")
    folder = tmp_path_factory.mktemp("special")
    make_no_files(folder)
    names = [call for call in fuzz_child.CALLS if find_spec("sklearn.callback") or "_" in call]
    paths = {kind: folder / f"multilabel-{kind}" for kind in NO_FILES} | NO_PATHS
    calls = {
        (name, kind): (name, path)
        for name in names
        for kind, path in paths.items()
        if name != "checkpoint" or kind not in WRITEABLE
    }
    reports = {}
    for key, call in calls.items():
        before = things_in(folder)
        reports[key] = child.read(*call)
        reports[key]["left in place"] = things_in(folder) == before
    assert list(child.cwd.iterdir()) == []
    return reports


def find(opened, call, kind):
    if call in ("resume", "checkpoint") and not find_spec("sklearn.callback"):
        pytest.skip("callbacks need scikit-learn 1.9")
    return opened[call, kind]


@pytest.mark.parametrize("kind", [*NO_FILES, *NO_PATHS])
@pytest.mark.parametrize("call", READERS)
def test_what_is_no_file_is_refused_at_once(call, kind, opened):
    report = find(opened, call, kind)
    assert report["error"] is not None
    assert harm(report) is None
    assert report["left in place"]


@pytest.mark.parametrize(
    "kind", [k for k in [*NO_FILES, *NO_PATHS] if k not in ("missing", "empty")]
)
def test_checkpoint_refuses_to_replace_what_is_no_file(kind, opened):
    report = find(opened, "checkpoint", kind)
    assert report["error"] is not None
    assert harm(report) is None
    assert report["left in place"]
