"""The closed tree of errors that Routebook raises.

    RoutebookError
    ├── RouteFileError          .diagnostics
    ├── RequestError            .field
    ├── ResolveError            .kind .feature .near
    ├── ProviderError           .kind .status .provider .model .retry_after .request_id .attempts
    ├── DeadlineError           .attempts
    ├── LimitError              .limit
    ├── ToolError               .tool .call
    ├── OutputError             .output .problems .last_text
    ├── BudgetError             .budget .spent .asked
    ├── MissingExtra            .extra
    └── EngineClosed

Every message is a sentence for the person who can mend it; none holds a secret. An error that ends a run has
`.result`, what there was until then (None outside a run).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from .diagnostics.diagnostic import Diagnostic
from .diagnostics.text import render_text

if TYPE_CHECKING:
    from .canonical.tool import ToolCall
    from .canonical.usage import Usage

FaultKind = Literal[
    "authentication",
    "permission_denied",
    "not_found",
    "bad_request",
    "unsupported_option",
    "unsupported_capability",
    "context_window_exceeded",
    "content_filter",
    "rate_limit",
    "quota_exceeded",
    "queue_timeout",
    "timeout",
    "connection",
    "server_error",
    "overloaded",
    "refusal",
    "malformed_response",
]

ResolveKind = Literal["unknown_feature", "unknown_profile", "missing_credential", "no_target"]

ADVICE: dict[str, str] = {
    "authentication": "check the provider's key or credentials, and what names them in the route files",
    "permission_denied": "ask the provider for access to this model, or route the feature elsewhere",
    "not_found": "check the model's id and the provider's base_url in the route files",
    "bad_request": "the provider refused the request as it stands; its sentence says why",
    "unsupported_option": "remove the option for this model, or list it under the model's `rejects`",
    "unsupported_capability": "route the feature to a model that has the capability",
    "context_window_exceeded": "shorten the messages, or add a fallback with a larger context window",
    "content_filter": "the provider's filter refused the request; change the messages or the provider",
    "rate_limit": "wait and try again, or add a fallback at another provider",
    "quota_exceeded": "the account is out of credit or quota; top it up, or add a fallback at another provider",
    "queue_timeout": "raise the provider's limits, or add a fallback",
    "timeout": "raise the provider's timeout, or add a fallback",
    "connection": "check that base_url is right and reachable from this machine",
    "server_error": "the provider failed; try again, or add a fallback",
    "overloaded": "the provider is overloaded; try again later, or add a fallback",
    "refusal": "the model declined to answer; change the messages or the model",
    "malformed_response": "the answer is not what this API promises; check base_url and the provider's api",
}

_NOT_SENT = "nothing was sent: change the request as the sentence says"
_BROKEN = "the connection broke while the answer came; try again, or add a fallback"

_MOST_SHOWN = 100


class RoutebookError(Exception):
    """The root: catch this to catch everything that Routebook raises on purpose."""

    result: Any = None


class RouteFileError(RoutebookError):
    """A book does not compile. `diagnostics` has all that is said, in file order; the text is the errors."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        errors = [diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"] or self.diagnostics
        more = len(errors) - _MOST_SHOWN
        return render_text(errors[:_MOST_SHOWN]) + (f"\n\n... and {more} more errors" if more > 0 else "")


class RequestError(RoutebookError):
    """A call asks for something that the feature or its inputs do not allow; `field` names the argument."""

    def __init__(self, message: str, field: str) -> None:
        self.field = field
        super().__init__(message)


class ResolveError(RoutebookError):
    """No decision: `kind` says why, `feature` for which feature, `near` has close names."""

    def __init__(self, message: str, kind: ResolveKind, feature: str, near: Iterable[str] = ()) -> None:
        self.kind = kind
        self.feature = feature
        self.near = tuple(near)
        super().__init__(message)


class ProviderError(RoutebookError):
    """A provider did not answer, or refused.

    `kind` is one of the closed set of fault kinds, `status` the HTTP status (None without an answer), `retry_after`
    seconds the provider asked to wait, `attempts` every provider call of the run so far. `sent` is false where the
    provider was not called; `usage` is what an answer cost that could not be used.
    """

    def __init__(
        self,
        message: str,
        kind: FaultKind,
        *,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        sent: bool = True,
        usage: Usage | None = None,
    ) -> None:
        self.kind: FaultKind = kind
        self.message = message
        self.provider = provider
        self.model = model
        self.status = status
        self.retry_after = retry_after
        self.request_id = request_id
        self.sent = sent
        self.usage = usage
        self.attempts: tuple[Any, ...] = ()
        super().__init__(message)

    def __str__(self) -> str:
        status = f", HTTP {self.status}" if self.status is not None else ""
        return (
            f"{self.kind}: provider {self.provider!r}, model {self.model!r}{status}: {self.message} "
            f"(help: {self._advice})"
        )

    @property
    def _advice(self) -> str:
        if self.kind == "bad_request" and not self.sent:
            return _NOT_SENT
        if self.kind == "connection" and self.status is not None:
            return _BROKEN
        return ADVICE[self.kind]


class DeadlineError(RoutebookError):
    """A run did not end within its feature's `deadline`; `attempts` has every provider call of it."""

    def __init__(self, message: str) -> None:
        self.attempts: tuple[Any, ...] = ()
        super().__init__(message)


class LimitError(RoutebookError):
    """A run reached one of its limits (`turns` or `calls`) and its feature says `on_limit: fail`."""

    def __init__(self, message: str, limit: str) -> None:
        self.limit = limit
        super().__init__(message)


class ToolError(RoutebookError):
    """A tool server cannot be used, or a tool failed; `tool` is the server's or the tool's name."""

    def __init__(self, message: str, tool: str, call: ToolCall | None = None) -> None:
        self.tool = tool
        self.call = call
        super().__init__(message)


class OutputError(RoutebookError):
    """A model's answer does not keep its output contract; `problems` says where, `last_text` is the answer."""

    def __init__(self, message: str, output: str, problems: Iterable[str], last_text: str) -> None:
        self.output = output
        self.problems = tuple(problems)
        self.last_text = last_text
        super().__init__(message)


class BudgetError(RoutebookError):
    """A run may spend no more: *spent* has reached *asked*, the bound that `budget` names (US dollars, or tokens)."""

    def __init__(self, message: str, budget: str, spent: float, asked: float) -> None:
        self.budget = budget
        self.spent = spent
        self.asked = asked
        super().__init__(message)


class MissingExtra(RoutebookError):
    """An optional dependency is not installed; `extra` is what to install."""

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(f"{purpose} needs an optional dependency: pip install 'routebook[{extra}]'")


class EngineClosed(RoutebookError):
    """The engine was used before it was opened, or after it was closed."""
