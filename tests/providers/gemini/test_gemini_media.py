from __future__ import annotations

from typing import Any

import pytest

from routebook.canonical.part import AudioPart, FilePart, ImagePart
from routebook.providers.fault import NoPlace
from routebook.providers.gemini.media import audio_part, file_part, image_part


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (ImagePart(data="AA==", media_type="image/png"), {"inlineData": {"mimeType": "image/png", "data": "AA=="}}),
        (
            ImagePart(data="AA==", media_type="IMAGE/JPG; q=1"),
            {"inlineData": {"mimeType": "image/jpeg", "data": "AA=="}},
        ),
        (ImagePart(url="data:image/webp;base64,AA=="), {"inlineData": {"mimeType": "image/webp", "data": "AA=="}}),
        (
            ImagePart(url="https://a.example/b/c.PNG?x=1.pdf"),
            {"fileData": {"fileUri": "https://a.example/b/c.PNG?x=1.pdf", "mimeType": "image/png"}},
        ),
        (ImagePart(url="https://a.example/c"), {"fileData": {"fileUri": "https://a.example/c"}}),
        (
            ImagePart(url="gs://house/a", media_type="image/heic"),
            {"fileData": {"fileUri": "gs://house/a", "mimeType": "image/heic"}},
        ),
    ],
)
def test_a_picture_is_sent_as_data_or_as_an_address_that_the_api_fetches(part: ImagePart, sent: dict[str, Any]):
    assert image_part(0, part) == sent


def test_a_file_is_sent_with_its_name():
    given = file_part(0, FilePart(data="JVBE", media_type="application/pdf", name="offer.pdf"))
    assert given == {"inlineData": {"mimeType": "application/pdf", "data": "JVBE", "displayName": "offer.pdf"}}
    film = file_part(0, FilePart(url="gs://house/a.mp4", name="a"))
    assert film == {"fileData": {"fileUri": "gs://house/a.mp4", "mimeType": "video/mp4", "displayName": "a"}}


def test_sound_keeps_all_that_its_type_says():
    kind = "audio/L16;codec=pcm;rate=24000"
    assert audio_part(0, AudioPart("AAAA", kind)) == {"inlineData": {"mimeType": kind, "data": "AAAA"}}


@pytest.mark.parametrize(
    ("part", "kind", "words"),
    [
        (ImagePart(), "bad_request", "messages[3]: an image needs a url, or data and its media_type"),
        (ImagePart(data="AA=="), "bad_request", "an image needs a url, or data and its media_type"),
        (FilePart(media_type="text/plain"), "bad_request", "a file needs a url, or data and its media_type"),
        (ImagePart(url="data:image/png,abc"), "bad_request", "holds it as base64 only"),
        (ImagePart(url="file:///etc/passwd"), "unsupported_capability", "begin with https:// or gs:// only"),
        (ImagePart(url="https://["), "unsupported_capability", "begin with https:// or gs:// only"),
        (AudioPart("", "audio/wav"), "bad_request", "sound needs data and its media_type"),
    ],
)
def test_what_is_not_whole_or_cannot_be_fetched_is_refused(part: Any, kind: str, words: str):
    encode = {ImagePart: image_part, FilePart: file_part, AudioPart: audio_part}[type(part)]
    with pytest.raises(NoPlace) as caught:
        encode(3, part)
    assert (caught.value.fault.kind, words in caught.value.fault.message) == (kind, True)
