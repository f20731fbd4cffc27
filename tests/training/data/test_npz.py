from __future__ import annotations

import numpy as np
import pytest

from reslim.training.data import load

X = np.arange(40.0).reshape(10, 2, 2)
Y = np.arange(10) % 2
FOUR = {"x_train": X, "y_train": Y, "x_test": X[:3], "y_test": Y[:3]}


def saved(folder, **arrays):
    np.savez(folder / "mine.npz", **arrays)
    return f"npz:{folder / 'mine.npz'}"


def test_an_official_split_is_kept_and_the_name_is_that_of_the_file(tmp_path):
    data = load(saved(tmp_path, **FOUR, x=X[:1], y=Y[:1]), test_share=0.5)
    np.testing.assert_allclose(data.x_train, (X.reshape(10, 4) - 19.5) / X.std(), rtol=1e-6)
    np.testing.assert_array_equal(data.x_test, data.x_train[:3])
    assert data.y_test.tolist() == [0, 1, 0]
    assert (data.name, data.origin, data.shape) == ("mine", str(tmp_path / "mine.npz"), (2, 2))


def test_x_and_y_are_split(tmp_path):
    data = load(saved(tmp_path, x=X, y=Y))
    assert (data.x_train.shape, data.x_test.shape) == ((8, 4), (2, 4))
    assert sorted(data.y_test.tolist()) == [0, 1]


@pytest.mark.parametrize("missing", FOUR)
def test_missing_names_are_refused(tmp_path, missing):
    source = saved(tmp_path, **{name: array for name, array in FOUR.items() if name != missing})
    rest = ", ".join(name for name in FOUR if name != missing)
    said = rf"^load\(source=...\) must hold the arrays x_train, y_train, x_test and y_test, or x and y, got {rest}\.$"
    with pytest.raises(ValueError, match=said):
        load(source)


class Armed:
    """Leaves a trace when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return exec, (f"open({str(self.target)!r}, 'w').close()",)


def test_arrays_of_objects_are_refused_and_nothing_is_run(tmp_path):
    target = tmp_path / "was-run"
    source = saved(tmp_path, x=X, y=np.array([Armed(target)], dtype=object))
    with np.load(tmp_path / "mine.npz", allow_pickle=True) as archive:
        assert archive["y"].tolist() == [None]
    assert target.exists(), "the attack itself must work"
    target.unlink()
    with pytest.raises(ValueError, match=r"must be npz:FILE with a whole .npz file of numbers, got mine.npz: Object arrays"):
        load(source)
    assert not target.exists()


def test_other_files_are_refused(tmp_path):
    said = r"^load\(source=...\) must be npz:FILE with a whole .npz file of numbers, got "
    with pytest.raises(ValueError, match=r"must be npz:FILE with a file that exists, got 'nowhere.npz'\.$"):
        load("npz:nowhere.npz")
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(ValueError, match=f"{said}a single array in a.npy"):
        load(f"npz:{tmp_path / 'a.npy'}")
    (tmp_path / "a.npz").write_text("not an archive")
    with pytest.raises(ValueError, match=f"{said}a.npz: "):
        load(f"npz:{tmp_path / 'a.npz'}")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_files_are_refused(tmp_path, save):
    """A bit changed in the pixels, and the file cut anywhere."""
    path = tmp_path / "a.npz"
    save(path, x=X, y=Y)
    raw = path.read_bytes()
    at = raw.index(X.tobytes()) + 50 if save is np.savez else raw.index(b"y.npy") - 60
    for damaged in (raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], *(raw[:cut] for cut in range(0, len(raw), 7))):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"must be npz:FILE with a whole .npz file of numbers, got a.npz: "):
            load(f"npz:{path}")
