"""The errors facegen raises for expected failures.

Each message is one sentence or two: what was expected, what came, what to do. The command line
prints it and exits with 1; the app shows it beside the picture. Anything that is not a
`FacegenError` is a defect of this program.
"""

from __future__ import annotations


class FacegenError(Exception):
    """Base of every failure that a user can cause or cure."""


class UsageError(FacegenError):
    """An argument is outside what the call accepts."""


class BadFileError(FacegenError):
    """A file is damaged, hostile, or not of the expected kind."""


class LatentError(BadFileError):
    """A latent has the wrong shape, type, or values that are not finite."""


class SpaceMismatchError(FacegenError):
    """A latent or direction belongs to another latent space than the loaded model."""


class UnknownDialError(FacegenError):
    """No dial of this name exists in the loaded space."""


class ModelError(FacegenError):
    """A model is unknown, not fetched, damaged, or cannot run here."""


class FetchError(ModelError):
    """A model could not be fetched."""


class SaveError(FacegenError):
    """A file could not be written; what stood there before is untouched."""


class InstallationError(FacegenError):
    """A file that belongs to the program itself is missing."""


class OutOfRangeError(FacegenError):
    """A requested value lies outside what was measured to work."""
