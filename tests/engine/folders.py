"""A caller's folders, and a check that an answer names one of them."""

from __future__ import annotations

FOLDERS = [
    {"id": "f-health", "name": "Health"},
    {"id": "f-work", "name": 'Work\n"and" play'},
    {"id": "f-inbox", "name": "Inbox", "is_default": True},
]
CHOICE = {
    "field": "folder_id",
    "from": "folders",
    "label": ["name"],
    "confidence": {"field": "confidence", "at_least": 0.7, "invalid": 0.3},
    "otherwise": [{"input": "category_folder_id"}, {"where": {"is_default": True}}],
}
