"""The page of what each API can do is what the traits say, and names every capability."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import get_args

from routebook.document.models import Capability
from routebook.providers import registry
from routebook.providers.extras import EXTRAS

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS))

from apis_page import _CAPABILITIES, _needs, abilities, page_of_apis  # noqa: E402


def test_the_page_of_apis_is_up_to_date():
    assert (DOCS / "apis.md").read_text(encoding="utf-8") == page_of_apis(), "run `make docs`"


def test_the_table_has_every_api_and_every_capability():
    page = page_of_apis()
    (heading,) = re.findall(r"^\| ability \|.*$", page, re.MULTILINE)
    assert re.findall(r"`([\w-]+)`", heading) == [name for name in registry.traits() if name != "scripted"]
    assert set(_CAPABILITIES) == set(get_args(Capability))
    assert [words for words, _ in abilities() if f"\n| {words} |" not in page] == []


def test_what_an_api_lacks_is_empty_in_the_table():
    row = dict(abilities())
    anthropic, chat = registry.traits()["anthropic"], registry.traits()["openai-chat"]
    assert (row["embeddings"](anthropic), row["embeddings"](chat)) == ("", "yes")
    assert (row["JSON mode"](anthropic), row["JSON mode"](chat)) == ("", "yes")
    assert (row["`top_k`"](anthropic), row["seed"](anthropic)) == ("yes", "")


def test_an_option_of_images_is_no_ability_of_a_chat():
    row, responses = dict(abilities()), registry.traits()["openai-responses"]
    assert "n" in responses.image_options
    assert (row["several answers of one call"](responses), row["size of images"](responses)) == ("", "yes")


def test_what_a_provider_must_say_of_itself_is_on_the_page():
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")] for line in _needs().splitlines()}
    assert rows["`gemini`"][3] == "`base_url` without a preset; with `vertex`: `project`, `location`"
    assert rows["`bedrock`"][3] == "`region`"
    assert rows["`openai-responses`"][3] == "`base_url`"
    assert rows["`litellm`"][4] == "`region`, `project`, `location`, `api_version`"


def test_every_extra_is_on_the_page_with_its_command():
    assert [name for name in EXTRAS if f"`pip install 'routebook[{name}]'`" not in page_of_apis()] == []
