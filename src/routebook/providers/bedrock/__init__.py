"""The converse API of Amazon Bedrock. Its adapter is not here yet."""
