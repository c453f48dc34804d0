"""Write a fitted or trained model as a file that runs without this program: JSON of parameters, ONNX, or a program of torch."""

from forecasting.export.model_files.export_model import (
    FORMATS,
    MEDIA_TYPES,
    ModelFile,
    check_export,
    check_served,
    export_model,
    formats_of,
    served_formats,
)
from forecasting.export.model_files.signature import Origin

__all__ = [
    "FORMATS",
    "MEDIA_TYPES",
    "ModelFile",
    "Origin",
    "check_export",
    "check_served",
    "export_model",
    "formats_of",
    "served_formats",
]
