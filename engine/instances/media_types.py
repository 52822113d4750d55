"""What a file is, by its first bytes: what somebody says about it is not believed."""

from __future__ import annotations

from pathlib import PurePosixPath

UNKNOWN = "application/octet-stream"

#: Images that browsers show and that carry no scripts.
IMAGES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})

#: First bytes, where in the file they stand, and the type they mean.
_SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"AVI ", 8, "video/x-msvideo"),
    (b"ftypheic", 4, "image/heic"),
    (b"ftypM4A", 4, "audio/mp4"),
    (b"ftypqt", 4, "video/quicktime"),
    (b"ftyp", 4, "video/mp4"),
    (b"ID3", 0, "audio/mpeg"),
    (b"\xff\xfb", 0, "audio/mpeg"),
    (b"#!AMR", 0, "audio/amr"),
    (b"OggS", 0, "audio/ogg"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, UNKNOWN),
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
#: What the file's ending says about containers whose first bytes are the same.
_CONTAINERS = {
    ("application/zip", ".docx"): f"{_OFFICE}.wordprocessingml.document",
    ("application/zip", ".pptx"): f"{_OFFICE}.presentationml.presentation",
    ("application/zip", ".xlsx"): f"{_OFFICE}.spreadsheetml.sheet",
    (UNKNOWN, ".doc"): "application/msword",
    (UNKNOWN, ".ppt"): "application/vnd.ms-powerpoint",
    (UNKNOWN, ".xls"): "application/vnd.ms-excel",
}
_TEXTS = {".csv": "text/csv", ".txt": "text/plain"}


def sniff(content: bytes, name: str) -> str:
    """Return the media type of a file; what is not known, scripts and pages among it, is only bytes to be saved."""
    ending = PurePosixPath(name).suffix.lower()
    for signature, offset, media_type in _SIGNATURES:
        if content.startswith(signature, offset):
            return _CONTAINERS.get((media_type, ending), media_type)
    if ending in _TEXTS and _is_text(content):
        return _TEXTS[ending]
    return UNKNOWN


def _is_text(content: bytes) -> bool:
    if b"\x00" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
