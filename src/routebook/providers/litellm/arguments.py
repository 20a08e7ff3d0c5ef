"""Arguments: what a call of the library takes for itself, and does not send. Nobody's `extra_body` may name it.

Pure. What stands here is closed when a book compiles. A newer library may keep more for itself: it is asked before a
call is made (see `mapping`).
"""

from __future__ import annotations

# Set by every call: nothing is dropped, tried again, taken from a cache or told to callbacks in silence.
ALWAYS: dict[str, object] = {
    "drop_params": False,
    "num_retries": 0,
    "max_retries": 0,
    "caching": False,
    "no-log": True,
}

WHERE = {
    "base_url": "api_base",
    "api_version": "api_version",
    "region": "aws_region_name",
    "project": "vertex_project",
    "location": "vertex_location",
}
"""Where a provider is: its key in a route file, and the argument that says so to the library."""

OWN = frozenset(
    {
        *ALWAYS,
        *WHERE.values(),
        *("additional_drop_params", "allowed_openai_params", "api_key", "api_type", "base_model", "base_url", "cache"),
        *("caching_groups", "callbacks", "client", "complete_response", "context_window_fallback_dict"),
        *("custom_llm_provider", "custom_prompt_dict", "default_fallbacks", "deployment_id"),
        *("enable_json_schema_validation", "ensure_alternating_roles", "extra_headers", "failure_callback"),
        *("fallbacks", "force_timeout", "guardrails", "headers", "hf_model_name", "id", "input_callback"),
        *("litellm_call_id", "litellm_credential_name", "litellm_logging_obj", "litellm_metadata", "litellm_params"),
        *("litellm_request_debug", "litellm_session_id", "litellm_system_prompt", "litellm_trace_id", "logger_fn"),
        *("merge_reasoning_content_in_choices", "metadata", "mock_delay", "mock_response", "mock_timeout"),
        *("mock_tool_calls", "model_alias_map", "model_info", "model_list", "organization", "prompt_id"),
        *("prompt_label", "prompt_variables", "prompt_version", "provider_specific_header", "proxy_server_request"),
        *("region_name", "request_timeout", "retry_policy", "retry_strategy", "roles", "rpm", "shared_session"),
        *("ssl_verify", "stream_timeout", "success_callback", "supports_system_message", "tags"),
        *("text_completion", "timeout", "token", "tpm", "turn_off_message_logging", "use_litellm_proxy"),
        *("user_continue_message", "verbose"),
        # who pays, and where a call goes, of the clouds that have more than a key
        *("aws_access_key_id", "aws_bedrock_runtime_endpoint", "aws_external_id", "aws_profile_name"),
        *("aws_role_name", "aws_secret_access_key", "aws_session_name", "aws_session_token", "aws_sts_endpoint"),
        *("aws_web_identity_token", "azure_ad_token", "azure_ad_token_provider", "azure_password", "azure_scope"),
        *("azure_username", "client_id", "client_secret", "tenant_id", "vertex_ai_credentials"),
        *("vertex_ai_location", "vertex_ai_project", "vertex_credentials", "zen_api_key"),
    }
)
