"""The converse API of Amazon Bedrock."""
