"""Imported: the library itself. Whoever imports this module imports it, which takes seconds; `library` does, once."""

# ruff: noqa: E402, what the library asks the environment for has to be there before

from __future__ import annotations

from .quiet import set_environment

set_environment()

import litellm

LIBRARY = litellm
