"""Arrays and tensors: when they are pictures, and what is wrong with those that cannot be."""

from __future__ import annotations

import io

import pytest

from gemini_magic.exceptions import ImageRejected
from gemini_magic.parts import Pictures, is_media, to_parts
from gemini_magic.parts.cache import KERNEL
from gemini_magic.parts.pictures import picture_parts

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")


class Tensor:
    """What a tensor of torch has that matters here."""

    def __init__(self, array, numpy_type=None):
        self.array = array
        self.shape = tuple(array.shape)
        self.dtype = f"torch.{array.dtype}" if numpy_type is None else numpy_type

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        if "bfloat16" in self.dtype:
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.array


def ramp(*shape, dtype="uint8"):
    return (np.arange(int(np.prod(shape))) % 251).reshape(shape).astype(dtype)


def shown(value):
    (part,) = picture_parts(value, "{{x}}", Pictures())
    image = Image.open(io.BytesIO(part.inline_data.to_bytes()))
    image.load()
    assert image.format == "PNG"
    return image


def pixels(value):
    return np.asarray(shown(value))


# A picture or data


PICTURES = [
    ramp(8, 8),
    ramp(8, 8, 1),
    ramp(8, 9, 3),
    ramp(9, 8, 4),
    ramp(8, 8) > 100,
    ramp(8, 8, 3) > 100,
    ramp(8, 8, 3) / 255,
    (ramp(8, 8, 4) / 255).astype("float32"),
    (ramp(8, 8, 3) / 255).astype("float16"),
    ramp(64, 64, 3) * 1.0,
    Tensor(ramp(3, 20, 30)),
    Tensor(ramp(1, 20, 30)),
    Tensor(ramp(20, 30)),
    Tensor((ramp(4, 20, 30) / 255).astype("float32")),
]
DATA = [
    ramp(8),
    ramp(7, 8),
    ramp(8, 8, 2),
    ramp(8, 8, 5),
    ramp(2, 8, 8, 3),
    ramp(8, 8) / 255,
    ramp(8, 8, 1) / 255,
    ramp(8, 8, 3) * 1.0,
    np.full((8, 8, 3), np.nan),
    ramp(8, 8, dtype="int64"),
    ramp(8, 8, 3, dtype="int64"),
    ramp(8, 8, dtype="uint16"),
    np.zeros((0, 8, 3), "uint8"),
    np.float64(1.0),
    np.array(["a", "b"]),
    np.full((9, 9), None),
    np.zeros((8, 8), "datetime64[s]"),
    ramp(3, 20, 30),
]


@pytest.mark.parametrize("value", PICTURES, ids=lambda value: f"{value.shape} {value.dtype}")
def test_an_array_that_looks_like_a_picture_is_one(value):
    assert is_media(value)


@pytest.mark.parametrize("value", DATA, ids=lambda value: f"{value.shape} {value.dtype}")
def test_any_other_array_is_data(value):
    assert not is_media(value)


def test_data_stays_json():
    assert to_parts(np.array([[1, 2], [3, 4]], "uint8"))[0].text == "[[1, 2], [3, 4]]"
    assert to_parts([np.array([1, 2])])[0].text == "[[1, 2]]"


def test_frames_and_series_are_tables():
    pd = pytest.importorskip("pandas")
    assert not is_media(pd.DataFrame(ramp(20, 20)))
    assert not is_media(pd.Series(ramp(20)))


def test_an_object_that_answers_to_every_name_is_no_array():
    class Anything:
        def __getattr__(self, name):
            raise RuntimeError(name)

    assert not is_media(Anything())
    assert not is_media(np.ndarray)


# Pixels


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(ramp(12, 10), id="H×W"),
        pytest.param(ramp(12, 10, 3), id="H×W×3"),
        pytest.param(ramp(12, 10, 4), id="H×W×4"),
        pytest.param(ramp(12, 10, 3)[::-1, ::-1], id="B53 negative strides"),
        pytest.param(ramp(24, 20, 3)[::2, ::2], id="steps"),
        pytest.param(np.asfortranarray(ramp(12, 10, 3)), id="columns first"),
        pytest.param(ramp(12, 10, 6)[..., ::-2], id="channels turned around"),
        pytest.param(ramp(1, 1), id="one pixel"),
    ],
)
def test_bytes_arrive_as_they_are(value):
    assert np.array_equal(pixels(value), value)


def test_one_channel_and_tensors_are_turned_into_rows_of_pixels():
    assert np.array_equal(pixels(ramp(12, 10, 1)), ramp(12, 10, 1)[:, :, 0])
    assert np.array_equal(pixels(Tensor(ramp(3, 12, 10))), ramp(3, 12, 10).transpose(1, 2, 0))
    assert np.array_equal(pixels(Tensor(ramp(1, 12, 10))), ramp(1, 12, 10)[0])
    assert np.array_equal(pixels(Tensor(ramp(12, 10, 3))), ramp(12, 10, 3))


def test_floats_bools_and_wide_numbers_become_bytes():
    assert np.array_equal(pixels(ramp(12, 10, 3) / 255), ramp(12, 10, 3))
    assert np.array_equal(pixels((ramp(12, 10) / 255).astype("float32")), ramp(12, 10))
    assert set(np.unique(pixels(ramp(12, 10) > 100))) == {0, 255}
    assert np.array_equal(pixels(ramp(12, 10, dtype="int64")), ramp(12, 10))
    wide = np.array([[0, 257, 32_768, 65_535]], "uint16")
    assert pixels(wide).tolist() == [[0, 1, 128, 255]]
    assert pixels(wide.astype(">u2")).tolist() == [[0, 1, 128, 255]]


def test_any_array_can_be_meant_as_a_picture():
    assert shown(ramp(3, 4)).size == (4, 3)
    assert shown(np.array([[0.0, 1.0]])).size == (2, 1)


# What is wrong with them


REFUSED = [
    pytest.param(ramp(9, 9, 5), r"9×9×5, uint8\) is no picture by its shape\. .*H×W×3", id="B53 five channels"),
    pytest.param(ramp(9), r"9, uint8\) is no picture by its shape", id="B53 1-D"),
    pytest.param(ramp(2, 9, 9, 3), r"2×9×9×3, uint8\).*one by one: \{\{x\[0\]\}\}", id="B53 4-D"),
    pytest.param(np.full((9, 9, 3), None), r"9×9×3, object\).*no numbers", id="B53 object"),
    pytest.param(ramp(9, 9) * 1j, r"complex128\).*no numbers", id="B53 complex"),
    pytest.param(np.zeros((9, 9), "datetime64[s]"), r"no numbers", id="B53 times"),
    pytest.param(np.zeros((0, 9, 3), "uint8"), r"0×9×3, uint8\) is empty", id="B53 0-size"),
    pytest.param(ramp(9, 9, 3) * 1.0, r"from 0 to 242; .*Divide it by 255", id="B53 floats of 0..255"),
    pytest.param(ramp(9, 9, 3) - 3.0, r"from -3 to 239; .*Scale it to 0\.\.1", id="B53 floats below 0"),
    pytest.param(np.where(ramp(9, 9) == 20, np.nan, 0.5), r"has nan at \[2, 2\], and 1 of such", id="B53 NaN"),
    pytest.param(np.where(ramp(9, 9) < 2, np.inf, 0.5), r"has inf at \[0, 0\], and 2 of such", id="B53 infinity"),
    pytest.param(ramp(9, 9, dtype="int32") - 1, r"from -1 to 79; a picture has 0\.\.255", id="B53 int32"),
    pytest.param(ramp(9, 9, dtype="int64") * 9, r"from 0 to 720; a picture has 0\.\.255", id="B53 int64"),
    pytest.param(
        Tensor(ramp(3, 9, 9), "torch.bfloat16"), r"bfloat16\) does not become an array.*float\(\)", id="bfloat16"
    ),
    pytest.param(np.broadcast_to(np.uint8(1), (9_000, 9_000)), r"81 megapixels", id="too many pixels"),
]


@pytest.mark.parametrize(("value", "words"), REFUSED)
def test_an_array_that_is_no_picture_says_why(value, words):
    with pytest.raises(ImageRejected, match=rf"^\{{\{{x\}}\}} \((ndarray|Tensor), .*{words}"):
        picture_parts(value, "{{x}}", Pictures())


def test_a_large_array_of_floats_beyond_one_names_both_ways():
    with pytest.raises(ImageRejected, match=r"Divide it by 255.*\.tolist\(\)"):
        to_parts(ramp(64, 64, 3) * 1.0, name="{{x}}")


# Once


def test_an_array_is_encoded_once_until_it_changes():
    array = ramp(30, 40, 3)
    before = KERNEL.encoded
    first = to_parts(array)[0]
    assert to_parts(array)[0] is first
    assert to_parts(array.copy())[0] is first
    array[3, 4] = 7
    second = to_parts(array)[0]
    assert second is not first
    assert to_parts(array.reshape(40, 30, 3))[0] is not second
    assert KERNEL.encoded - before == 3


def test_an_array_is_made_smaller_where_that_was_asked():
    (part,) = to_parts(ramp(300, 200, 3), pictures=Pictures(max_side=30, quality=80))
    image = Image.open(io.BytesIO(part.inline_data.to_bytes()))
    assert (image.format, image.size) == ("JPEG", (20, 30))
