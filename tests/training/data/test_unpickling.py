"""Nothing of a pickle is run. Each attack is first seen to work on a plain unpickler, so that its failure means something."""

from __future__ import annotations

import collections
import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from image_files import label_list, number, python2_array, python2_batch, text
from numpy.testing._private.utils import runstring

from reslim.training.data.unpickling import byte_array, plain

IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 4)


class Attack:
    """Pickled as a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def attacks(target: Path) -> dict[str, Attack]:
    code = f"open({str(target)!r}, 'w').close()"
    return {
        "posix.system": Attack(os.system, f"touch {target}"),
        "builtins.eval": Attack(eval, code),
        "builtins.exec": Attack(exec, code),
        "numpy.testing._private.utils.runstring": Attack(runstring, code, {}),
        "builtins.getattr": Attack(getattr, Attack(eval, code), "x", None),
        "builtins.print": Attack(print, [Attack(eval, code)]),
    }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", attacks(Path()))
def test_nothing_is_run(tmp_path, name, protocol, capsys):
    target = tmp_path / "was-run"
    raw = pickle.dumps({b"data": attacks(target)[name], b"labels": [0]}, protocol=protocol)
    pickle.loads(raw)
    assert target.exists(), "the attack itself must work"
    target.unlink()
    with pytest.raises(
        ValueError, match=r"must hold pickles of plain arrays, lists and numbers, got .*\. Nothing of them was run\.$"
    ):
        plain(raw, "a")
    assert not target.exists()


def test_what_is_refused_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"got posix.system. Nothing of them was run"):
        plain(pickle.dumps(attacks(tmp_path)["posix.system"]), "a")
    with pytest.raises(ValueError, match=r"got numpy.testing._private.utils.runstring. Nothing"):
        plain(pickle.dumps(attacks(tmp_path)["numpy.testing._private.utils.runstring"]), "a")
    with pytest.raises(ValueError, match=r"got collections.OrderedDict. Nothing of them was run"):
        plain(pickle.dumps(collections.OrderedDict()), "a")


def test_a_dotted_name_below_an_admitted_one_is_refused():
    raw = b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93."
    assert callable(pickle.loads(raw))
    with pytest.raises(ValueError, match=r"got numpy.ndarray.__init__"):
        plain(raw, "a")


@pytest.mark.parametrize("name", ["_reconstruct", "encode"])
def test_admitted_names_are_not_the_real_ones_and_keep_no_state(name):
    module = "numpy.core.multiarray" if name == "_reconstruct" else "_codecs"
    raw = b"\x80\x02c" + f"{module}\n{name}\n".encode()
    assert type(plain(raw + b".", "a")).__name__ == "StandIn"
    with pytest.raises(ValueError, match=f"must hold whole pickles, got a: it sets the state of {name}"):
        plain(raw + b"}b.", "a")
    with pytest.raises(ValueError, match=r"must hold whole pickles, got a: NEWOBJ"):
        plain(raw + b")\x81.", "a")


def test_python_2_arrays_are_read_as_numpy_reads_them():
    for fortran in (False, True):
        raw = b"\x80\x02" + python2_array(IMAGES, fortran=fortran) + b"."
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # new releases of NumPy warn of dtypes that old ones have pickled
            expected = pickle.loads(raw, encoding="bytes")
        np.testing.assert_array_equal(expected, IMAGES, strict=True)
        np.testing.assert_array_equal(byte_array(plain(raw, "a"), "a"), expected, strict=True)


@pytest.mark.parametrize("protocol", range(5))
def test_python_3_arrays_are_read_too(protocol):
    for array in (IMAGES, np.asfortranarray(IMAGES)):
        found = plain(pickle.dumps({"data": array, "labels": [1, 2, 10**30]}, protocol=protocol), "a")
        found = {key.decode() if isinstance(key, bytes) else key: value for key, value in found.items()}
        np.testing.assert_array_equal(byte_array(found["data"], "a"), IMAGES, strict=True)
        assert found["labels"] == [1, 2, 10**30]


def test_arrays_of_objects_are_refused(tmp_path):
    target = tmp_path / "was-run"
    inert = np.array([[1, "a"], [None, 2]], dtype=object)
    with pytest.raises(ValueError, match=r"must hold arrays of unsigned bytes, got an array of dtype 'O8' in a"):
        byte_array(plain(pickle.dumps(inert, protocol=4), "a"), "a")
    armed = np.array([Attack(os.system, f"touch {target}")], dtype=object)
    with pytest.raises(ValueError, match=r"got posix.system"):
        plain(pickle.dumps(armed, protocol=4), "a")
    assert not target.exists()
    claimed = b"\x80\x02" + python2_array(np.full((1, 8), 65, dtype=np.uint8), dtype=b"O8") + b"."
    with pytest.raises(ValueError, match=r"got an array of dtype b'O8' in a"):
        byte_array(plain(claimed, "a"), "a")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (pickle.dumps(IMAGES.astype(np.float64), protocol=4), "an array of dtype 'f8' in a"),
        (pickle.dumps([1, 2]), "list in a"),
        (pickle.dumps(None), "NoneType in a"),
        (b"\x80\x02cnumpy\ndtype\n" + text(b"u1") + b"\x85R.", "Note in a"),
        (b"\x80\x02cnumpy\nndarray\n(" + number(3) + number(4) + b"t\x85R.", "Note in a"),
        (b"\x80\x02" + python2_array(IMAGES).replace(number(4), number(5)) + b".", r"12 bytes for the shape \(3, 5\) in a"),
        (b"\x80\x02" + python2_array(IMAGES).replace(number(4), text(b"4")) + b".", r"12 bytes for the shape \(3, b'4'\) in a"),
    ],
)
def test_what_is_no_array_of_bytes_is_refused(value, said):
    with pytest.raises(ValueError, match=rf"^load\(source=...\) must hold arrays of unsigned bytes, got {said}\.$"):
        byte_array(plain(value, "a"), "a")


def test_text_in_other_codecs_is_refused():
    with pytest.raises(ValueError, match=r"text that is not Latin-1"):
        plain(b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0rot13\x86R.", "a")


def test_damaged_pickles_are_refused():
    whole = python2_batch(python2_array(IMAGES), label_list([0, 1, 2]))
    assert plain(whole, "a")[b"labels"] == [0, 1, 2]
    for cut in range(len(whole)):
        with pytest.raises(ValueError, match=r"^load\(source=...\) must hold whole pickles, got a: "):
            plain(whole[:cut], "a")
    with pytest.raises(ValueError, match=r"must hold whole pickles, got a: bytes after its end. Copy the file again"):
        plain(whole + b"\0", "a")
