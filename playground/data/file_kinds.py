"""What a file is, by its first bytes: names, for sentences about files that cannot be opened.  Nothing is decoded."""

from __future__ import annotations

from pathlib import Path

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"GIF8", "GIF picture"),
    (b"BM", "BMP picture"),
    (b"II*\0", "TIFF picture"),
    (b"MM\0*", "TIFF picture"),
    (b"\x00\x00\x01\x00", "Windows icon"),
    (b"8BPS", "Photoshop picture"),
    (b"\xff\x0a", "JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000 picture"),
    (b"%PDF", "PDF document"),
    (b"<svg", "SVG drawing"),
    (b"<?xml", "XML file"),
    (b"<!DOCTYPE html", "web page"),
    (b"<html", "web page"),
    (b"PK\x03\x04", "ZIP archive (PyTorch's own files are such, and are never unpickled here)"),
    (b"\x80\x02", "pickle, which is never opened here"),
    (b"\x80\x03", "pickle, which is never opened here"),
    (b"\x80\x04", "pickle, which is never opened here"),
    (b"\x93NUMPY", "numpy array"),
    (b"\x1f\x8b", "gzip archive"),
    (b"\x1a\x45\xdf\xa3", "WebM film"),
    (b"OggS", "Ogg recording"),
    (b"ID3", "MP3 recording"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
)
_BRANDS = {  # of the ISO base media format, bytes 8 to 12
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"), "HEIC picture"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF picture"),
}
OPENED = ("PNG picture", "JPEG picture", "GIF picture", "BMP picture", "WebP picture", "TIFF picture")
CARRIERS = ("MP4 film", "WAV recording", "SVG drawing")  # no picture is taken out of them, but settings are
UNOPENED = (
    "HEIC picture",
    "AVIF picture",
    "JPEG XL picture",
    "JPEG 2000 picture",
    "Photoshop picture",
    "SVG drawing",
)


def kind_of(path: Path) -> str:
    """``JPEG picture``, ``PDF document`` ...; "" for what is not known here, or cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except OSError:
        return ""
    kind = kind_of_bytes(start)
    return "SVG drawing" if kind == "XML file" and path.suffix.lower() == ".svg" else kind


def kind_of_bytes(start: bytes) -> str:
    """The same of the first 32 bytes of a file."""
    if start[4:9] == b"\0\0\0\0{":
        return ""  # a checkpoint: its size comes first, and may look like any of the short beginnings
    if start[:4] == b"RIFF":
        return {b"WEBP": "WebP picture", b"WAVE": "WAV recording", b"AVI ": "AVI film"}.get(start[8:12], "")
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], "MP4 film")
    return next((name for begin, name in _STARTS if start.startswith(begin)), "")


def article(kind: str) -> str:
    """``an AVIF picture``, ``a PNG picture``."""
    spoken = kind.startswith(
        ("AVI", "MP", "SVG", "XML", "Og", "HTML")
    )  # by their first letter's name, or a vowel
    return f"{'an' if spoken else 'a'} {kind}"
