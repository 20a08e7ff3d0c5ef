"""The notebook: a real tool server over stdio, `python -m routebook.demo.notebook`, with a few recorded conversations.

The conversations are invented, and shipped here. Their folders are names; one that nobody has filed yet has none.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

_EXCERPT_LENGTH = 160

server = MCPServer("routebook-notebook", version="1", log_level="WARNING")


class Conversation(BaseModel):
    """A recorded conversation."""

    id: str
    date: str
    title: str
    folder: str | None
    text: str


class Match(BaseModel):
    """A conversation that a search found, and the sentence that fits best."""

    id: str
    date: str
    title: str
    folder: str | None
    excerpt: str


class Matches(BaseModel):
    """What a search found: `total` conversations fit, the best of them are listed."""

    total: int
    matches: list[Match]


class Folder(BaseModel):
    """A folder, and how many conversations it holds; no name for those that nobody has filed."""

    name: str | None
    conversations: int


class Folders(BaseModel):
    """The folders of the notebook."""

    folders: list[Folder]


CONVERSATIONS = (
    Conversation(
        id="c-101",
        date="2026-11-16",
        title="Dentist on the phone",
        folder="Health",
        text="The practice called back. The check-up is on Monday at half past eight. I promised to bring the old "
        "X-ray pictures and to send them my new insurance number before Friday.",
    ),
    Conversation(
        id="c-102",
        date="2026-11-16",
        title="Weekly planning with Amara",
        folder="Work",
        text="We moved the release of the export to the second week of December. I promised to write the migration "
        "notes by Thursday. Amara reviews them, and Jonas asks the two pilot customers for a date.",
    ),
    Conversation(
        id="c-103",
        date="2026-11-17",
        title="Call with Grandma",
        folder="Family",
        text="She is fine again and back in the choir. I promised to call on Sunday and to bring the photo album from "
        "the summer at the lake. She would like the recipe of the plum cake.",
    ),
    Conversation(
        id="c-104",
        date="2026-11-18",
        title="Radiator in the hallway",
        folder="Home",
        text="The plumber found air in the pipes and a worn valve. The new part arrives next week. Somebody has to be "
        "at home on Wednesday between nine and twelve.",
    ),
    Conversation(
        id="c-105",
        date="2026-11-18",
        title="Interview with a pilot customer",
        folder="Work",
        text="They like the daily summary but miss a search by person. Exporting to a spreadsheet matters more to them "
        "than sharing. They agreed to another call in December.",
    ),
    Conversation(
        id="c-106",
        date="2026-11-19",
        title="Plans for the weekend",
        folder=None,
        text="Mira suggested the exhibition about old railway signals on Saturday. If it rains we cook instead. I said "
        "that I would look up the tickets.",
    ),
    Conversation(
        id="c-107",
        date="2026-11-19",
        title="Parents' evening",
        folder="Family",
        text="The class goes to the planetarium in January. Two parents are still needed to come along. Lina reads a "
        "lot and should practise writing by hand.",
    ),
    Conversation(
        id="c-108",
        date="2026-11-20",
        title="Idea on the train",
        folder=None,
        text="A garden diary that writes itself: take a picture of a bed every week and let it say what has changed. "
        "Ask Jonas whether the old phone can be the camera.",
    ),
)


@server.tool()
def search(
    query: Annotated[str, Field(description="Words to look for, such as `dentist` or `promised`.", min_length=1)],
    limit: Annotated[int, Field(description="How many conversations to list at most.", ge=1, le=20)] = 5,
) -> Matches:
    """Find conversations that hold any of the words, those with the most of them first."""
    words = re.findall(r"\w{3,}", query.casefold()) or [query.casefold()]
    scored = [(sum(_has(word, f"{c.title} {c.text}") for word in words), c) for c in CONVERSATIONS]
    found = [c for score, c in sorted(scored, key=lambda pair: -pair[0]) if score]
    return Matches(total=len(found), matches=[_match(c, words) for c in found[:limit]])


@server.tool()
def read(
    conversation_id: Annotated[str, Field(description="The id of a conversation, as `search` gives it.")],
) -> Conversation:
    """Read a whole conversation."""
    for conversation in CONVERSATIONS:
        if conversation.id == conversation_id:
            return conversation
    raise ToolError(f"there is no conversation {conversation_id!r}; `search` gives the ids of those there are")


@server.tool()
def list_folders() -> Folders:
    """List the folders, and how many conversations each holds."""
    counts = Counter(conversation.folder for conversation in CONVERSATIONS)
    return Folders(folders=[Folder(name=name, conversations=count) for name, count in counts.items()])


def _has(word: str, text: str) -> bool:
    return word in text.casefold()


def _match(conversation: Conversation, words: list[str]) -> Match:
    sentences = re.split(r"(?<=[.!?])\s+", conversation.text)
    best = max(sentences, key=lambda sentence: sum(_has(word, sentence) for word in words))
    return Match(**conversation.model_dump(exclude={"text"}), excerpt=best[:_EXCERPT_LENGTH])


def main() -> None:
    """Serve until the input ends, or until Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server.run("stdio")


if __name__ == "__main__":
    main()
