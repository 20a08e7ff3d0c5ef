"""A book whose provider, model, feature and target all set options."""

LAYERED = {
    "providers": {
        "house": {
            "api": "openai-chat",
            "base_url": "http://localhost:1/v1",
            "auth": "none",
            "headers": {"X-Title": "provider", "X-Team": "provider"},
            "extra_body": {"meta": {"a": 1, "b": 1}, "list": [1, 2]},
        }
    },
    "models": {
        "m": {
            "provider": "house",
            "options": {
                "temperature": 0.1,
                "top_p": 0.1,
                "seed": 1,
                "extra_headers": {"X-Title": "model"},
                "extra_body": {"meta": {"b": 2}, "list": [3]},
            },
        }
    },
    "features": {
        "f": {
            "options": {"temperature": 0.2, "top_p": 0.2, "stop": ["x", "y"], "extra_body": {"meta": {"c": {"d": 1}}}},
            "use": {
                "model": "m",
                "options": {
                    "temperature": 0.3,
                    "seed": None,
                    "stop": "z",
                    "extra_body": {"meta": {"a": None, "c": {"e": 2}}},
                },
            },
            "fallbacks": [{"model": "m", "options": {"extra_headers": None, "extra_body": None, "stop": None}}],
        }
    },
}
