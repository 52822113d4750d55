"""What a file is by its first bytes."""

from __future__ import annotations

from casepath.engine.instances import media_types
from tests.each import each

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


@each(
    "content, name, expected",
    [
        (PNG, "photo.png", "image/png"),
        (PNG, "letter.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0....", "photo.jpg", "image/jpeg"),
        (b"GIF89a....", "x.gif", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "x.webp", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "call.wav", "audio/wav"),
        (b"\x00\x00\x00\x18ftypheic", "x.heic", "image/heic"),
        (b"\x00\x00\x00\x18ftypheix", "photo", "image/heic"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "x.jpg", "image/heic"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1miaf", "x.jpg", "image/heif"),
        (b"\x00\x00\x00\x18ftypmsf1\x00\x00\x00\x00mif1hevc", "x", "image/heic-sequence"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avif", "x", "image/avif"),
        # What stands behind the box of brands is no brand.
        (b"\x00\x00\x00\x10ftypisom\x00\x00\x02\x00heic", "x.mp4", "video/mp4"),
        (b"\x00\x00\x00\x18ftypisom", "x.mp4", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A ", "x.m4a", "audio/mp4"),
        (b"\xff\xf3\x84\x00", "call.mp3", "audio/mpeg"),
        (b"BM....", "x.bmp", "image/bmp"),
        (b"\x1aE\xdf\xa3", "x.webm", "video/webm"),
        (b"%PDF-1.7\n", "x.pdf", "application/pdf"),
        (b"PK\x03\x04....", "x.zip", "application/zip"),
        (b"PK\x03\x04....", "X.XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x.doc", "application/msword"),
        ("投诉,客户".encode(), "x.csv", "text/csv"),
        ("说明".encode(), "x.txt", "text/plain"),
    ],
)
def test_sniff__known(content: bytes, name: str, expected: str) -> None:
    assert media_types.sniff(content, name) == expected


@each(
    "content, name",
    [
        (b"", "empty.png"),
        (b"<html><script>", "page.html"),
        (b"<html><script>", "photo.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "image.svg"),
        (b"MZ\x90\x00", "photo.jpg"),
        (b"a\x00b", "x.txt"),
        (b"\xff\xfe\xfa", "x.txt"),
        (b"text", "x.exe"),
    ],
)
def test_sniff__only_bytes_to_be_saved(content: bytes, name: str) -> None:
    assert media_types.sniff(content, name) == media_types.UNKNOWN
