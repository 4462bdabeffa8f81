"""The storage form of what people write: it opens for ever, for nobody else, and only untouched."""

from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from shared.application.encryption_keys import new_key, read_keys
from shared.application.personal import Broken
from shared.infrastructure.personal.boxes import bound_to, opened, sealed
from shared.infrastructure.personal.key_ring import KeyMissing, KeyRing

GOLDEN = Path(__file__).parents[2] / "golden" / "boxes" / "form_1.json"

ANN = UUID("5f0c9d3e-6b1a-4c27-9a3e-d41f8b2e7c60")
BOB = UUID("5f0c9d3e-6b1a-4c27-9a3e-d41f8b2e7c61")
KEY = AESGCM(bytes(range(32)))


class Stored(msgspec.Struct):
    """A box and its key as they lie in a database out there; bytes are in hexadecimal."""

    tenant: str
    subject: UUID
    kek_id: str
    kek: str
    wrapped_key: str
    key: str
    nonce: str
    box: str
    text: str


@pytest.fixture
def stored() -> Stored:
    return msgspec.json.decode(GOLDEN.read_bytes(), type=Stored)


def test_a_box_that_was_stored_once_opens_for_ever(stored: Stored) -> None:
    ring = KeyRing({stored.kek_id: bytes.fromhex(stored.kek)})
    wrapped = bytes.fromhex(stored.wrapped_key)
    key = ring.unwrap(stored.tenant, stored.subject, stored.kek_id, wrapped)
    assert key.hex() == stored.key
    bound = bound_to(stored.tenant, stored.subject)
    assert opened(AESGCM(key), bytes.fromhex(stored.box), bound).decode() == stored.text


def test_the_form_is_as_it_is_documented(stored: Stored) -> None:
    """A byte that names it, 12 of nonce, then what AES-256-GCM makes of the text, with its tag."""
    subject, tenant = stored.subject.bytes, stored.tenant.encode()
    nonce = bytes.fromhex(stored.nonce)
    text = AESGCM(bytes.fromhex(stored.key)).encrypt(nonce, stored.text.encode(), subject + tenant)
    assert (b"\x01" + nonce + text).hex() == stored.box
    bound = subject + tenant + b"\0" + stored.kek_id.encode()
    key = AESGCM(bytes.fromhex(stored.kek)).encrypt(nonce, bytes.fromhex(stored.key), bound)
    assert (b"\x01" + nonce + key).hex() == stored.wrapped_key


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_was_sealed_is_opened(text: bytes, tenant: str) -> None:
    box = sealed(KEY, text, bound_to(tenant, ANN))
    assert opened(KEY, box, bound_to(tenant, ANN)) == text
    assert len(box) == len(text) + 29


def test_the_same_text_never_gives_the_same_box() -> None:
    bound = bound_to("default", ANN)
    assert len({sealed(KEY, b"yes", bound) for _ in range(100)}) == 100


def test_no_byte_of_a_box_can_be_changed_and_none_left_out_or_added() -> None:
    bound = bound_to("default", ANN)
    box = sealed(KEY, b"hello", bound)
    changed = [bytes(b ^ (n == at) for n, b in enumerate(box)) for at in range(len(box))]
    shorter = [box[:n] for n in range(len(box))]
    for each in (*changed, *shorter, box + b"\0"):
        with pytest.raises(Broken):
            opened(KEY, each, bound)
    assert opened(KEY, box, bound) == b"hello"


@pytest.mark.parametrize(("tenant", "subject"), [("other", ANN), ("default", BOB), ("", ANN)])
def test_a_box_does_not_open_for_another_tenant_or_subject(tenant: str, subject: UUID) -> None:
    box = sealed(KEY, b"hello", bound_to("default", ANN))
    with pytest.raises(Broken):
        opened(KEY, box, bound_to(tenant, subject))


def test_a_box_does_not_open_with_the_key_of_another_even_under_the_same_id() -> None:
    bound = bound_to("default", ANN)
    with pytest.raises(Broken):
        opened(AESGCM(bytes(32)), sealed(KEY, b"hello", bound), bound)


def test_a_form_that_is_not_known_is_refused_as_such() -> None:
    with pytest.raises(Broken, match="a form that this version does not know"):
        opened(KEY, b"\x02" + bytes(40), b"")


def test_what_is_wrong_with_a_box_is_told_without_what_is_in_it() -> None:
    box = sealed(KEY, b"hello", bound_to("default", ANN))
    with pytest.raises(Broken) as raised:
        opened(KEY, box, b"")
    assert box.hex() not in str(raised.value)
    assert raised.value.__cause__ is None


OLD, NEW = {"old": bytes(range(32))}, {"new": bytes(range(1, 33))}


def test_the_first_key_wraps_and_all_unwrap() -> None:
    by_old = KeyRing(OLD).wrap("default", ANN, b"k" * 32)
    ring = KeyRing({**NEW, **OLD})
    assert ring.first == "new"
    assert ring.unwrap("default", ANN, "old", by_old) == b"k" * 32
    by_new = ring.wrap("default", ANN, b"k" * 32)
    assert KeyRing(NEW).unwrap("default", ANN, "new", by_new) == b"k" * 32
    with pytest.raises(KeyMissing, match="lacks the key 'new'"):
        KeyRing(OLD).unwrap("default", ANN, "new", by_new)


def test_a_wrapped_key_belongs_to_its_tenant_its_subject_and_the_id_it_is_wrapped_under() -> None:
    ring = KeyRing({**OLD, "same": OLD["old"]})
    wrapped = ring.wrap("default", ANN, b"k" * 32)
    for tenant, subject, id in (
        ("other", ANN, "old"),
        ("default", BOB, "old"),
        ("default", ANN, "same"),
    ):
        with pytest.raises(KeyMissing, match=f"'{id}' is not the one of that id"):
            ring.unwrap(tenant, subject, id, wrapped)


def test_a_new_key_is_read_as_it_is_written_and_never_twice_the_same() -> None:
    written = {new_key() for _ in range(50)}
    assert len(written) == 50
    keys = read_keys(",".join(sorted(written)))
    assert [len(key) for key in keys.values()] == [32] * 50
    assert len(set(keys.values())) == 50
