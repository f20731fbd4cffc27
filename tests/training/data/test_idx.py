from __future__ import annotations

import numpy as np
import pytest
from image_files import write_idx

from reslim.training.data import idx, load


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dot", ["-", "."])
def test_four_files_are_read_whatever_their_names(tmp_path, dot, packed):
    written = write_idx(tmp_path, dot=dot, packed=packed)
    raw = idx.read(str(tmp_path))
    assert raw.test is not None
    for stem, found in zip(written, (*raw.train, *raw.test), strict=True):
        np.testing.assert_array_equal(found, written[stem], strict=True)
    assert (raw.name, raw.origin) == (tmp_path.name, str(tmp_path))


def test_the_official_split_and_the_order_are_kept(tmp_path):
    written = write_idx(tmp_path)
    data = load(f"idx:{tmp_path}", seed=5, test_share=0.5)
    pixels = written["train-images"].reshape(6, 6).astype(np.float64)
    np.testing.assert_allclose(data.x_train, (pixels - pixels.mean()) / pixels.std(), rtol=1e-6)
    assert data.y_train.tolist() == [0, 1, 0, 1, 0, 1]
    assert data.y_test.tolist() == [0, 1, 0, 1]
    assert (data.classes, data.shape, data.n_in, data.x_test.shape) == (2, (3, 2), 6, (4, 6))


def test_each_of_the_four_files_is_needed(tmp_path):
    for stem, dims in (("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1)):
        write_idx(tmp_path)
        (tmp_path / f"{stem}-idx{dims}-ubyte").unlink()
        with pytest.raises(
            ValueError, match=rf"needs the file {stem}-idx{dims}-ubyte or {stem}-idx{dims}-ubyte\.gz, got none in /"
        ):
            idx.read(str(tmp_path))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda raw: raw[:-1], "must hold whole IDX files: 52 bytes by its head, got 51 bytes in a. Copy the file again."),
        (lambda raw: raw + b"\0", "must hold whole IDX files: 52 bytes by its head, got 53 bytes in a. Copy the file again."),
        (lambda raw: raw[:15], "must hold whole IDX files: a head of 16 bytes, got 15 bytes in a. Copy the file again."),
        (lambda raw: b"", "must hold whole IDX files: a head of 16 bytes, got 0 bytes in a. Copy the file again."),
        (
            lambda raw: b"\0\0\x0d\x03" + raw[4:],
            "must hold IDX files of unsigned bytes that begin with 0x00000803, got 0x00000d03 in a.",
        ),
        (
            lambda raw: b"\0\0\x08\x01" + raw[4:],
            "must hold IDX files of unsigned bytes that begin with 0x00000803, got 0x00000801 in a.",
        ),
    ],
    ids=["cut", "too long", "cut in its head", "empty", "of floats", "labels for images"],
)
def test_damaged_files_are_refused(tmp_path, damage, said):
    write_idx(tmp_path)
    (tmp_path / "a").write_bytes(damage((tmp_path / "train-images-idx3-ubyte").read_bytes()))
    with pytest.raises(ValueError, match=r"^load") as caught:
        idx.array(tmp_path / "a", 3)
    assert str(caught.value) == f"load(source=...) {said}"


def test_sizes_beyond_any_memory_are_a_file_that_is_cut(tmp_path):
    (tmp_path / "a").write_bytes(b"\0\0\x08\x03" + b"\xff" * 12)
    with pytest.raises(ValueError, match="79228162458924105385300197391 bytes by its head, got 16 bytes in a"):
        idx.array(tmp_path / "a", 3)
