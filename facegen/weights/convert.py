"""Converts foreign network files into our safetensors, once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from facegen.formats.mobilestylegan import mapping_tensors, synthesis_tensors
from facegen.formats.openvino_ir import read_ir


def convert_mobilestylegan(members: dict[str, bytes], target: Path, *, name: str) -> None:
    """Write the mapping and synthesis tensors of MobileStyleGAN's OpenVINO files.

    The result depends on nothing but the input, so that its checksum can be registered.

    Args:
        members: Content of the files, by the keys of the registry.
        target: Path to write.
        name: Model name, kept in the file's metadata.

    Raises:
        BadFileError: the files are not MobileStyleGAN's.
    """
    mapping = read_ir(members["mapping_xml"], members["mapping_bin"], name="MappingNetwork")
    synthesis = read_ir(members["synthesis_xml"], members["synthesis_bin"], name="SynthesisNetwork")
    tensors = {f"mapping.{k}": v for k, v in mapping_tensors(mapping, name=name).items()}
    tensors |= {f"synthesis.{k}": v for k, v in synthesis_tensors(synthesis, name=name).items()}
    contiguous = {k: np.ascontiguousarray(v, np.float32) for k, v in sorted(tensors.items())}
    # One metadata entry only: the writer puts several in random order.
    save_file(contiguous, target, metadata={"model": name})
