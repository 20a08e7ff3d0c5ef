"""Model ids: where a call of a model goes, and which family it is of. Pure.

An id may be a model's (`amazon.nova-pro-v1:0`), an inference profile's with its part of the world before it
(`eu.amazon.nova-pro-v1:0`), or an ARN of either. The ARN of an application's own profile does not tell its model.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote


def path_to(model: str, action: str) -> str:
    """Return the path of *action* on *model*, whose id is quoted as AWS's own packages do it: it is signed."""
    return f"/model/{quote(model, safe='-._~')}/{action}"


@lru_cache(maxsize=1024)
def is_of(model: str, family: str) -> bool:
    """Tell whether *model* is one of those whose ids begin with *family*, vendor first: `amazon.nova-`."""
    return re.search(rf"(?:^|[./]){re.escape(family)}", model) is not None
