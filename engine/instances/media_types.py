"""What a file is, by its first bytes: what somebody says about it is not believed."""

from __future__ import annotations

from pathlib import PurePosixPath

UNKNOWN = "application/octet-stream"

#: Images that browsers show and that carry no scripts.
IMAGES = frozenset({"image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"})
#: Photos as some phones take them, which hardly any browser shows.
PHONE_PHOTOS = frozenset({"image/heic", "image/heic-sequence", "image/heif", "image/heif-sequence"})

#: What was spoken, as telephones and their systems write it; and the part of it that browsers play.
AUDIO = frozenset({"audio/amr", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav"})
PLAYED = AUDIO - {"audio/amr"}

#: First bytes, where in the file they stand, and the type they mean.
_SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"AVI ", 8, "video/x-msvideo"),
    (b"BM", 0, "image/bmp"),
    (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"ID3", 0, "audio/mpeg"),
    (b"\xff\xfb", 0, "audio/mpeg"),
    (b"\xff\xf3", 0, "audio/mpeg"),
    (b"\xff\xf2", 0, "audio/mpeg"),
    (b"#!AMR", 0, "audio/amr"),
    (b"OggS", 0, "audio/ogg"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, UNKNOWN),
)
#: Brands of the ISO base media format, which photos of phones, films and recordings share, the telling ones first.
_BRANDS = {
    b"avif": "image/avif", b"avis": "image/avif",
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic",
    b"hevc": "image/heic-sequence", b"hevx": "image/heic-sequence",
    b"mif1": "image/heif", b"msf1": "image/heif-sequence",
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime",
}  # fmt: skip
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
    if content.startswith(b"ftyp", 4):
        return _of_brands(content)
    if ending in _TEXTS and _is_text(content):
        return _TEXTS[ending]
    return UNKNOWN


def _of_brands(content: bytes) -> str:
    """Return what the brands in the first box say: the major one, which may be a general word, and those beside it."""
    box = content[: min(int.from_bytes(content[:4]), 256)]
    stated = {box[at : at + 4] for at in (8, *range(16, len(box), 4))}
    return next((media_type for brand, media_type in _BRANDS.items() if brand in stated), "video/mp4")


def _is_text(content: bytes) -> bool:
    if b"\x00" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
