"""Which characters bytes are taken for, and which files are no CSV at all."""

import codecs

import pytest

from contexts.analytics.application.ports import LoadFailed, LoadOptions
from contexts.analytics.infrastructure.csv.encoding import Decoding
from csvs import filled

POLISH = "Zażółć gęślą jaźń; Łódź i Kraków, środa, piątek, książka, dziękuję, święto\n" * 2
SPANISH = "El niño comió piñas; señor Núñez pagó 12 € por el café de la montaña\n" * 2


def decoded(data: bytes, asked: str | None = None, size: int = 1_000_000) -> tuple[str, Decoding]:
    decoding = Decoding(asked)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    text = [decoding.decode(p, last=n == len(pieces)) for n, p in enumerate(pieces, 1)]
    return "".join(text), decoding


@pytest.mark.parametrize("size", [4, 5, 7, 1_000])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_unicode_is_read_with_its_mark_wherever_it_is_cut(
    mark: bytes, encoding: str, size: int
) -> None:
    text, decoding = decoded(mark + SPANISH.encode(encoding), size=size)
    assert text == SPANISH
    assert (decoding.name, decoding.mended) == (encoding, 0)


def test_utf_16_is_known_without_a_mark() -> None:
    text, decoding = decoded("a,b\n1,ñ\n".encode("utf-16-le"))
    assert (text, decoding.name) == ("a,b\n1,ñ\n", "utf-16-le")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SPANISH, "cp1252"),
        (POLISH, "cp1250"),
        ("Сегодня хорошая погода; Москва, рубли, товар, количество\n" * 2, "cp1251"),
        ("商品名称,价格,北京是中国的首都,你好世界\n" * 3, "gb18030"),
    ],
)
def test_another_encoding_is_found_out_where_it_first_shows(text: str, encoding: str) -> None:
    ascii_only = "code,name\n" * 100
    found, decoding = decoded((ascii_only + text).encode(encoding), size=1_000)
    assert found == ascii_only + text
    assert (decoding.name, decoding.is_guess) == (encoding, True)


def test_a_few_letters_are_taken_as_western() -> None:
    found, decoding = decoded("café,1\n".encode("latin-1"))
    assert (found, decoding.name) == ("café,1\n", "cp1252")


def test_broken_bytes_in_utf_8_are_read_as_windows_1252_and_counted() -> None:
    data = SPANISH.encode() + b"caf\xe9,1\n" + SPANISH.encode()
    for size in (5, 64, 10_000):
        text, decoding = decoded(data, size=size)
        assert text == f"{SPANISH}café,1\n{SPANISH}"
        assert (decoding.name, decoding.mended) == ("utf-8", 1)


def test_the_encoding_can_be_told() -> None:
    text, decoding = decoded("İstanbul çok güzel".encode("cp1254"), "windows-1254")
    assert (text, decoding.name) == ("İstanbul çok güzel", "cp1254")
    assert decoded(b"\xff\xfea\x00", "utf-16")[0] == "a"
    with pytest.raises(LoadFailed, match="no encoding 'klingon'"):
        Decoding("klingon")


def test_a_guess_and_broken_bytes_are_warned_of() -> None:
    filling, _ = filled(
        ("name,n\n" + SPANISH.replace(",", " ").replace("\n", ",1\n")).encode("cp1252")
    )
    assert "read as cp1252" in filling.file.warnings()[0]
    filling, _ = filled("n,m\nñandú,1\n".encode() + b"caf\xe9,1\n" + "ñandú,1\n".encode() * 9)
    assert "1 characters are not well-formed" in filling.file.warnings()[0]


def test_nuls_are_dropped_and_counted() -> None:
    filling, copied = filled(b"a,b\n1,x\0y\n" + b"2,z\n" * 50)
    assert copied.startswith(b"1,xy\n2,z\n")
    assert "1 NUL" in filling.file.warnings()[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n\n", "is empty"),
        (b"PK\x03\x04\x14\x00\x06\x00", "an Excel workbook: save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        (b"\x1f\x8b\x08\x00", "gzip: unpack it"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "a web page"),
        (b'<?xml version="1.0"?><rows/>', "a web page or XML"),
        (b'[{"a": 1}, {"a": 2}]', "JSON"),
        (b'{"a": 1}', "JSON"),
        (bytes(range(1, 32)) * 20, "a binary file"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_to_do(content: bytes, reason: str) -> None:
    with pytest.raises(LoadFailed, match=reason):
        filled(content)


def test_a_first_line_without_end_is_refused() -> None:
    with pytest.raises(LoadFailed, match="first line does not end"):
        filled(b"a" * 2_000_000, block=1_000_000)


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(LoadFailed, match=r"1,500 columns.*1,000 are the most"):
        filled(",".join(f"c{n}" for n in range(1_500)) + "\n")


def test_an_unknown_encoding_is_refused_before_anything_is_read() -> None:
    with pytest.raises(LoadFailed, match="name one such as"):
        filled("a,b\n", LoadOptions(encoding="base64"))
