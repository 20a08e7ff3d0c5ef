"""Quiet: what the library would do in this process beside the calls that it is asked for, and how that is kept off.

It reads `.env` files and fetches lists from the internet when it is imported, its settings change calls in silence, and
at level DEBUG it logs keys. What the application itself has set is not changed: a call that a setting would change is
refused, and says which.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ...canonical.redact import redact

_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "LITELLM_MODE": "PRODUCTION",  # no `.env` is read
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
        "LITELLM_LOCAL_BLOG_POSTS": "True",
        "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    }
)
# A setting that changes calls or shows keys, and what it is when it does neither.
_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "modify_params": False,
        "model_fallbacks": None,
        "model_alias_map": {},
        "use_litellm_proxy": False,
        "proxy_auth": None,
        "add_function_to_prompt": False,
        "route_all_chat_openai_to_responses": False,
        "enable_anthropic_prompt_caching": False,
        "reasoning_auto_summary": False,
        "enable_gemini_default_thinking_level_low": False,
        "openai_system_messages_first": False,
        "overwrite_user_with_key_hash": False,
        "headers": None,
        "vertex_ai_safety_settings": None,
        "custom_prompt_dict": {},
        "num_retries": None,
        "set_verbose": False,  # prints the arguments of every call, its key among them
    }
)
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai._base_client", "httpx", "httpcore")


def set_environment() -> None:
    """Set what the library asks the environment for when it is imported, where nobody has set it."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def changing(library: Any) -> str | None:
    """Return the name of a setting of the *library* that would change a call, or show its key, if there is one."""
    for name, harmless in _SETTINGS.items():
        value = getattr(library, name, harmless)
        if value != harmless and value is not None:
            return name
    return "USE_LITELLM_PROXY" if os.environ.get("USE_LITELLM_PROXY", "").lower() == "true" else None


class Redacting(logging.Filter):
    """Takes *secrets* out of all that the library logs, from `begin` until `end`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = tuple(secret for secret in secrets if secret)

    def begin(self) -> None:
        """Look at every record of the library from now on."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def end(self) -> None:
        """Look at no further record."""
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let *record* pass, without a secret."""
        message = record.getMessage()
        shown = redact(message, self._secrets)
        if shown != message:
            record.msg, record.args = shown, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info), self._secrets)
            record.exc_info = None
        return True
