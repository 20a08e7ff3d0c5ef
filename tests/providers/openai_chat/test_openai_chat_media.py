from __future__ import annotations

import pytest
from decoded import answer, response_of

from routebook.canonical.part import AudioPart, ImagePart, TextPart


@pytest.mark.parametrize(
    ("image", "part"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,UklG"}},
            ImagePart(data="UklG", media_type="image/webp"),
        ),
        ({"image_url": {"url": "https://a.test/a.png"}}, ImagePart(url="https://a.test/a.png")),
        ({"url": "data:;base64,/9j/4AAQ"}, ImagePart(data="/9j/4AAQ", media_type="image/jpeg")),
        ("https://a.test/a.png", ImagePart(url="https://a.test/a.png")),
    ],
)
def test_images_beside_the_text_are_image_parts(image: object, part: ImagePart):
    assert response_of(answer({"content": "See:", "images": [image]})).message.content == (TextPart("See:"), part)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        ("UklGRiQAAABXQVZF", "audio/wav"),
        ("SUQzBAAAAAAA", "audio/mpeg"),
        ("T2dnUwACAAAA", "audio/ogg"),
        ("AAAAAAAA", "audio/pcm"),
        ("not base64!", "audio/pcm"),
    ],
)
def test_sound_is_told_by_its_first_bytes(data: str, media_type: str):
    audio = {"id": "audio_1", "data": data, "transcript": "Noon.", "expires_at": 7}
    response = response_of(answer({"content": None, "audio": audio}))
    assert response.message.content == (AudioPart(data, media_type, "Noon.", "audio_1"),)
    assert response.extra["audio"] == {"expires_at": 7}
